"""`shoal learning-set`: make one, list them, write one into a file, bring one."""

from pathlib import Path
from typing import Any

import click

from app import database, search
from app.commands import check_folder, find_project, ready_database
from app.database import Db
from app.errors import Refused
from app.jobs import foreground
from app.learning import exporting, importing, job, sets
from app.learning.choices import USUAL_PER_TAXON, Choices
from app.nouns import counted
from app.projects.spoken_for import manager_of
from app.settings import load_settings


@click.group("learning-set")
def learning_set() -> None:
    """Learning sets: make, list, export, import."""


@learning_set.command("make")
@click.argument("project")
@click.option(
    "--from", "teachers", multiple=True, help="A project that teaches; by default PROJECT and its references."
)
@click.option("--title", default=sets.OWN_TITLE, show_default=True, help="The same title again makes its next version.")
@click.option("--per-taxon", type=int, default=USUAL_PER_TAXON, show_default=True, help="Objects at most; 0: all.")
@click.option(
    "--pick",
    type=click.Choice(["varied", "random"]),
    default="varied",
    show_default=True,
    help="Which objects, where a taxon has more: to cover its variety, or by chance.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed chooses the same objects.")
@click.option("--with-unseen", is_flag=True, help="Also what was accepted unseen under an audit.")
@click.option("--filter", "filters", default="", help='Only these, as an address of the board says: "depth=..200".')
@click.option("--embed-missing", is_flag=True, help="First make vectors of what has none by PROJECT's embedder.")
@click.option("--frozen", multiple=True, help="PROJECT=NUMBER: a source teaches what this frozen version of it says.")
@click.option("--as", "email", help="E-mail of the person whose rights count; by default the one who made PROJECT.")
def make(
    project: str,
    teachers: tuple[str, ...],
    title: str,
    per_taxon: int,
    frozen: tuple[str, ...],
    email: str | None,
    **more: Any,
) -> None:
    """Freeze validated objects of PROJECT (its number or title), and of others, each taxon teaching itself."""
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    with database.connect(url) as db:
        home = home_of(db, project)
        account_id = manager_of(db, home.id, email, "make learning sets in")
        named = [find_project(db, name).id for name in teachers]
        own = sets.own_choices(db, home, account_id)
        versions = ({} if named else own.versions) | dict(_version(db, said) for said in frozen)
        choices = Choices(tuple(named or own.sources), per_taxon=per_taxon or None, versions=versions, **more)
        set_id, job_id = job.ask(db, home, account_id, title, choices)
    foreground.run_waiting(settings, url, job_id)
    _say(url, set_id)


def _version(db: Db, said: str) -> tuple[int, int]:
    """A project's number, and that of its version, as PROJECT=NUMBER says them."""
    name, _, number = said.rpartition("=")
    if not name or not number.isdecimal():
        raise Refused(f"--frozen {said}: write a project, =, and the number of its version, such as Bay=1.")
    return find_project(db, name).id, int(number)


def home_of(db: Db, name: str) -> Any:
    """A project by its number or title, with what learning asks of it."""
    project_id = find_project(db, name).id
    return db.execute(
        "select id, title, status, embedder_id, created_by from project where id = %s", [project_id]
    ).fetchone()


def _say(url: str, set_id: int) -> None:
    with database.connect(url) as db:
        made = sets.find_begun(db, set_id)
    click.echo(f"{made.id}\t{made.name}: {counted(made.n_objects, 'object')} of {counted(made.n_taxa, 'taxon')}.")


@learning_set.command("list")
@click.argument("project")
def list_sets(project: str) -> None:
    """The learning sets of PROJECT, one a line: number, title and version, objects, taxa."""
    with database.connect(ready_database(load_settings())) as db:
        rows = db.execute(
            """
            select id, title, version, n_objects, n_taxa, frozen_at
            from learning_set
            where project_id = %s
            order by id
            """,
            [find_project(db, project).id],
        ).fetchall()
    for row in rows:
        told = f"{counted(row.n_objects, 'object')}\t{counted(row.n_taxa, 'taxon')}" if row.frozen_at else "not made"
        click.echo(f"{row.id}\t{row.title} {row.version}\t{told}")
    if not rows:
        click.echo("None yet: make one with “shoal learning-set make”.", err=True)


@learning_set.command("export")
@click.argument("number", type=int)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(number: int, file: Path) -> None:
    """Write learning set NUMBER into FILE: a .parquet of ids, labels and vectors, or a .zip of that and the images."""
    settings = load_settings()
    url = ready_database(settings)
    if file.suffix.lower() not in (".parquet", ".zip"):
        raise Refused(f"{file.name}: a learning set is written as .parquet (the table) or .zip (with the images).")
    check_folder(file)
    with database.connect(url, autocommit=True) as db:
        made = sets.find_any(db, number)
        exporting.write_file(db, settings, made, file, file.suffix.lower() == ".zip", Said())
    click.echo(f"{file}: {made.name}, {counted(made.n_objects, 'object')}.")


class Said:
    """The report of work that a command does itself."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        """A file is written in seconds: its size tells how far it is."""

    def log(self, line: str) -> None:
        click.echo(line, err=True)


@learning_set.command("import")
@click.argument("project")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", help="What it is called; by default the file's name.")
@click.option("--as", "email", help="E-mail of the person whose rights count; by default the one who made PROJECT.")
def bring(project: str, file: Path, title: str | None, email: str | None) -> None:
    """Take a learning set into PROJECT: FILE is what was exported, or a zip of images with a folder for each taxon."""
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    with database.connect(url) as db:
        home = home_of(db, project)
        account_id = manager_of(db, home.id, email, "make learning sets in")
        set_id, job_id = importing.ask(db, home, account_id, title or file.stem[:200], file.absolute())
    foreground.run_waiting(settings, url, job_id)
    _say(url, set_id)
