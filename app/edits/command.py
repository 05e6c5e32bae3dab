"""`shoal edit`: columns and labels in mass, and the undo of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from app import database, search
from app.commands import find_project, line_of, ready_database
from app.database import Db
from app.edits import acts, label_preview, tables, undo, values
from app.edits.acts import Asked
from app.edits.api import EDITS
from app.edits.columns import LEVELS
from app.edits.label_wishes import WAYS, LabelsWish
from app.edits.labels import edit_labels
from app.edits.things import PLURALS
from app.edits.wishes import ValuesWish
from app.errors import Refused
from app.jobs import foreground
from app.labels.in_bin import in_bin_words
from app.labels.undo_routes import read_moment
from app.nouns import counted
from app.projects.spoken_for import account_with, manager_of
from app.settings import Settings, load_settings
from app.taxonomy.changing import named

FILTER = 'Only what meets this, as an address of the board says it: "taxon=7&depth=..200".'
AS = "E-mail of the person whose act it is; by default the one who made PROJECT."


@click.group("edit")
def edit() -> None:
    """Mass edits: set, table, labels, list, undo."""


def _ready() -> tuple[Settings, str]:
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    return settings, url


def _home(db: Db, name: str) -> Any:
    return db.execute(
        "select id, title, status, created_by from project where id = %s", [find_project(db, name).id]
    ).fetchone()


def _actor(db: Db, home: Any, email: str | None) -> int | None:
    return manager_of(db, home.id, email, EDITS["does"])


@edit.command("set")
@click.argument("project")
@click.argument("column")
@click.option("--value", help="One value for all; '' takes it away.")
@click.option("--formula", help='What it becomes of other columns: "object.area * 2", "1 / acq.sub_part".')
@click.option("--new", type=click.Choice(["number", "text"]), help="COLUMN is a new one, and holds this.")
@click.option("--filter", "filters", default="", help=FILTER)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--as", "email", help=AS)
def set_column(
    project: str, column: str, value: str | None, formula: str | None, new: str | None, filters: str, dry_run: bool,
    email: str | None,
) -> None:  # fmt: skip
    """Change COLUMN of PROJECT, such as object.area or sample.latitude: to one value, or to what a formula gives."""
    level, _, name = column.partition(".")
    if level not in LEVELS or not name:
        raise Refused(f"Name the column with its level, as in object.area: {column!r} has none of {', '.join(LEVELS)}.")
    if (value is None) == (formula is None):
        raise Refused("Say what the column becomes: by --value or by --formula.")
    way: Any = "value" if formula is None else "formula"
    wish = ValuesWish(level, way, name, value or "", formula or "", new_column=new or "", filters=filters)
    _change(project, wish, dry_run, email)


@edit.command("table")
@click.argument("project")
@click.argument("level", type=click.Choice(LEVELS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--empty-erases", is_flag=True, help="Empty cells take values away, instead of leaving them.")
@click.option("--filter", "filters", default="", help=FILTER)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--as", "email", help=AS)
def bring_table(
    project: str, level: str, file: Path, empty_erases: bool, filters: str, dry_run: bool, email: str | None
) -> None:
    """Give what the rows of FILE name the values in its columns: a CSV or TSV with object_id, sample_id or acq_id."""
    _, url = _ready()
    with database.connect(url) as db:
        home = _home(db, project)
        told = tables.take_in(db, home.id, _actor(db, home, email), level, file.name, file.read_bytes())
    for fault in told.faults:
        click.echo(f"line {fault.line}: {fault.says}", err=True)
    if told.n_faults > len(told.faults):
        click.echo(f"and {told.n_faults - len(told.faults):,} lines more", err=True)
    wish = ValuesWish(level, "table", table_id=told.id, filters=filters, empty_erases=empty_erases)
    _change(project, wish, dry_run, email)


def _change(project: str, wish: ValuesWish, dry_run: bool, email: str | None) -> None:
    settings, url = _ready()
    with database.connect(url) as db:
        home = _home(db, project)
        account_id = _actor(db, home, email)
        told = values.preview(db, home, account_id, wish)
        of_first = f" of the first {told.n_looked_at:,}" if told.n_looked_at < told.n_things else ""
        of = f"{told.n_things:,} {PLURALS[wish.level]}"
        click.echo(f"{told.words}: {counted(told.n_changed, 'value')} of {of} would change{of_first}.")
        _say_examples(line_of(one.name, one.column, _shown(one.old), f"→ {_shown(one.new)}") for one in told.examples)
        if told.n_same:
            click.echo(f"{told.n_same:,} are so already.", err=True)
        for reason in told.reasons:
            click.echo(f"{reason.n:,} keep their value: {reason.says} ({reason.example}).", err=True)
        if dry_run:
            return
        if not told.n_changed and told.n_looked_at == told.n_things:
            click.echo("Nothing was done.")
            return
        done = values.edit_values(db, home, account_id, uuid4(), wish)
    _finish(settings, url, done, "changed")


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value


def _say_examples(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"  {line}")


@edit.command("labels")
@click.argument("project")
@click.argument("way", type=click.Choice(list(WAYS)))
@click.option("--filter", "filters", default="", help=FILTER)
@click.option("--by", "who", help="Only labels that the person with this e-mail gave.")
@click.option("--not-by", "not_who", help="Only labels that anybody but the person with this e-mail gave.")
@click.option("--since", default="", help="Only labels given from this moment on: 2026-05-31T12:00, UTC.")
@click.option("--until", default="", help="Only labels given up to this moment.")
@click.option("--taxon", default="", help="Of reclassify: the taxon that they get, by its name or number.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--as", "email", help=AS)
def change_labels(
    project: str, way: Any, filters: str, who: str | None, not_who: str | None, since: str, until: str, taxon: str,
    dry_run: bool, email: str | None,
) -> None:  # fmt: skip
    """Change labels of PROJECT: erase them, reset them to what stood before, turn them into predictions, reclassify."""
    settings, url = _ready()
    if who and not_who:
        raise Refused("Say --by or --not-by, not both.")
    if way == "reclassify" and not taxon.strip():
        raise Refused("Say which taxon they get: --taxon, by its name or number.")
    with database.connect(url) as db:
        home = _home(db, project)
        account_id = _actor(db, home, email)
        wish = LabelsWish(
            way, filters, account_with(db, who or not_who).id if who or not_who else None, bool(not_who),
            read_moment(since) if since else None, read_moment(until) if until else None,
            int(named(db, taxon).id) if way == "reclassify" else None,
        )  # fmt: skip
        told = label_preview.preview(db, home, account_id, wish)
        click.echo(
            f"{told.words}: {counted(told.n_labels, 'label')} of {counted(told.n_objects, 'object')} would change."
        )
        _say_examples(
            line_of(f"{one.n:,}", f"{one.status} {one.taxon}", f"→ {one.to_status} {one.to_taxon or ''}")
            for one in told.turned
        )
        if dry_run:
            return
        done = edit_labels(db, home, account_id, uuid4(), wish)
    _finish(settings, url, done, "changed")


@edit.command("list")
@click.argument("project")
def list_edits(project: str) -> None:
    """The latest mass edits of PROJECT, one a line: number, when, who, what, how many changed."""
    _, url = _ready()
    with database.connect(url) as db:
        found = acts.list_edits(db, find_project(db, project).id)
    for one in found:
        state = ["undone"] if one.undone else ["at work"] if one.waits else []
        at, n = f"{one.at:%Y-%m-%d %H:%M}", f"{one.n_changed:,} changed"
        click.echo(line_of(one.id, at, one.by or "", one.words, n, *state))
    if not found:
        click.echo("None yet.", err=True)


@edit.command("undo")
@click.argument("project")
@click.argument("number", type=int)
@click.option("--as", "email", help=AS)
def take_back(project: str, number: int, email: str | None) -> None:
    """Put back what stood before mass edit NUMBER of PROJECT; what was changed since stays."""
    settings, url = _ready()
    with database.connect(url) as db:
        home = _home(db, project)
        done = undo.undo(db, home, _actor(db, home, email), uuid4(), number)
    _finish(settings, url, done, "put back")


def _finish(settings: Settings, url: str, done: Asked, verb: str) -> None:
    if done.job_id is not None:
        foreground.run_waiting(settings, url, done.job_id)
        with database.connect(url) as db:
            done = acts.told(db, done.act_id)
    left = f"; {done.n_left:,} stay, changed since" if done.n_left else ""
    click.echo(f"{done.n_changed:,} {verb}{left}. It is act {done.act_id}.")
    if done.n_in_bin:
        click.echo(in_bin_words(done.n_in_bin), err=True)
