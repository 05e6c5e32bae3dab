"""`shoal export`: write a project out into a file."""

import shutil
from pathlib import Path
from typing import Any

import click

from app import database, search
from app.commands import check_folder, find_project, ready_database
from app.database import Db
from app.errors import Refused
from app.exporting import files
from app.exporting.choices import EXTRAS, KINDS, Wish
from app.jobs import foreground
from app.nouns import counted
from app.projects.access import Project
from app.settings import load_settings

# A command is given by whoever may read the database: nothing of a project is closed to them.
ROLE = "manager"


@click.command("export")
@click.argument("project")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--images", type=click.Choice(["none", "first", "all"]), help="Of each object; a backup has all.")
@click.option("--convert/--no-convert", default=None, help="TIFF, WebP and BMP as PNG, which EcoTaxa reads (backup).")
@click.option("--filter", "filters", help='Only these objects, as an address of the board says: "taxon=7&depth=..200".')
@click.option(
    "--split-by", type=click.Choice(["none", "sample", "acquisition", "taxon"]), help="A table for each of these."
)
@click.option("--column", "columns", multiple=True, help="A header that is wanted; may be repeated. All by default.")
@click.option("--internal-ids", is_flag=True, default=None, help="Also Shoal's own numbers.")
@click.option("--types-row", is_flag=True, default=None, help="With the second line and the columns that imports want.")
@click.option("--extra", "extras", type=click.Choice(EXTRAS), multiple=True, help="A column beside EcoTaxa's.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(list("UPDV")),
    multiple=True,
    help="Only objects of this; may be repeated.",
)
@click.option("--with-unseen", is_flag=True, default=None, help="Also what was accepted unseen under an audit.")
@click.option("--validation", type=int, help="Percent of the objects, by whole samples; 10 by default.")
@click.option("--test", type=int, help="Percent of the objects, by whole samples; 10 by default.")
@click.option("--seed", type=int, help="The same seed draws the same splits.")
@click.option("--licence", help="Under which the data is given, as the card says it.")
@click.option(
    "--through-ancestors", is_flag=True, default=None, help="Taxa without a WoRMS id by an ancestor's (Darwin Core)."
)
@click.option(
    "--with-absent", is_flag=True, default=None, help="Also in which samples each taxon was not (Darwin Core)."
)
@click.option("--by", type=click.Choice(["none", "sample", "acquisition"]), help="A row for each of these (summary).")
@click.option("--with-status/--without-status", default=None, help="Apart by status, which is usual (summary).")
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    type=click.Choice(["abundance", "concentration", "biovolume"]),
    help="What to sum up; may be repeated (summary).",
)
@click.option(
    "--formula",
    "formulas",
    multiple=True,
    help='Instead of the project\'s: "total_water_volume=sam.tot_vol"; may be repeated (summary).',
)
@click.option("--regroup", multiple=True, help='"Oithona = Copepoda", "detritus =" or "Copepoda"; repeated (summary).')
@click.option("--zero-rows/--no-zero-rows", default=None, help="Each sample has every taxon, as is usual (summary).")
@click.option("--vectors", multiple=True, help="Of this embedder; may be repeated. The project's by default (parquet).")
def export(project: str, kind: str, file: Path, **given: Any) -> None:
    """Write PROJECT (its number or title) into FILE: a zip, or a tar of an archive.

    KIND says how: see the list of kinds in the README.
    """
    check_folder(file)
    given["formulas"] = _formulas(given["formulas"])
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    with database.connect(url) as db:
        home = as_manager(db, find_project(db, project).id)
        asked = files.ask(
            db, home, _owner(db, home.id), Wish(kind, {k: v for k, v in given.items() if v not in (None, (), {})})
        )
    foreground.run_waiting(settings, url, asked.job_id or 0)
    with database.connect(url) as db:
        done = files.find(db, home.id, asked.id)
        whole = files.whole_file(settings, done)
        _put(whole, file)
        files.remove(db, settings, done)
        lost = _lost_images(db, asked.job_id or 0)
    click.echo(f"{file}: {counted(done.n_rows or 0, 'row')} of {home.title}, {done.n_bytes or 0:,} bytes.")
    if lost:
        raise Refused(f"{file} is not whole. {lost} Bring them back from a backup, and export again.")


def _lost_images(db: Db, job_id: int) -> str:
    """What the job said of images that it could not write."""
    row = db.execute(
        "select line from job_log where job_id = %s and line like '%%missing from the store%%' limit 1", [job_id]
    ).fetchone()
    return row.line if row else ""


def _formulas(said: tuple[str, ...]) -> dict[str, str]:
    """Formulas as they are given: NAME=FORMULA."""
    if wrong := [one for one in said if "=" not in one]:
        raise Refused(f"{wrong[0]!r} is no formula: write its name before it, as subsample_coef=1/acq.sub_part.")
    return {name.strip(): text.strip() for name, _, text in (one.partition("=") for one in said)}


def _put(whole: Path, file: Path) -> None:
    """Moved beside the target first, so that no half file ever has its name."""
    unfinished = file.with_name(f".{file.name}.part")
    try:
        shutil.move(whole, unfinished)
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise Refused(
            f"{file} cannot be written ({error.strerror}). The finished file lies on the project's Export page for"
            f" {files.KEPT_DAYS} days: fetch it there, or export again to another place."
        ) from error


def _owner(db: Db, project_id: int) -> int | None:
    """Whose export it is: who made the project. “me” in a filter is nobody else."""
    row = db.execute("select created_by from project where id = %s", [project_id]).fetchone()
    return row.created_by if row else None


def as_manager(db: Db, project_id: int) -> Project:
    """The project as its managers see it."""
    row: Any = db.execute(
        """
        select id, title, description, instrument, status, visibility, embedder_id, current_run_id, pixel_size_um,
               settings, data_version
        from project
        where id = %s
        """,
        [project_id],
    ).fetchone()
    return Project(*row, role=ROLE)
