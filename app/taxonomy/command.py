"""`shoal taxonomy`: bring a list of taxa, write the portable list."""

from pathlib import Path
from typing import Any

import click

from app import database
from app.commands import check_folder, ready_database
from app.errors import Refused
from app.jobs import foreground
from app.nouns import counted
from app.settings import load_settings
from app.taxonomy.bringing import ask_bring, ask_plan
from app.taxonomy.comparing import list_faults
from app.taxonomy.list_routes import TaxonImport, find_list
from app.taxonomy.portable import write_list
from app.taxonomy.tables import CSV_COLUMNS

MOST_SAID = 10
COLUMNS = "\b\nThe first line of a CSV names its columns:\n" + "\n".join(
    f"  {name:14}{words}" for name, words in CSV_COLUMNS.items()
)


@click.group("taxonomy")
def taxonomy() -> None:
    """The taxonomy: import, export."""


@taxonomy.command("import", epilog=COLUMNS)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--with-presets", is_flag=True, help="Replace preset lists of projects called as in the list.")
@click.option("--without-faulty", is_flag=True, help="Leave out lines with faults, and what stands below them.")
@click.option("--match-roots", is_flag=True, help="Classes at the root take the places of new taxa of their names.")
@click.option("--all", "say_all", is_flag=True, help=f"Say every fault, not only the first {MOST_SAID}.")
def import_list(
    file: Path, dry_run: bool, with_presets: bool, without_faulty: bool, match_roots: bool, say_all: bool
) -> None:
    """Compare FILE with the taxonomy and take it in: EcoTaxa's list, Darwin Core, CSV, or a portable list."""
    settings = load_settings()
    url = ready_database(settings)
    with database.connect(url) as db:
        import_id, job_id = ask_plan(db, None, file.absolute(), file.name)
    foreground.run_waiting(settings, url, job_id)
    with database.connect(url) as db:
        one = find_list(db, import_id)
        faults = list_faults(db, import_id)
    if one.error:
        raise Refused(one.error)
    _say(one)
    _say_faults(faults, len(faults) if say_all else MOST_SAID)
    if dry_run:
        return
    with database.connect(url) as db:
        job_id = ask_bring(db, None, import_id, with_presets, without_faulty, match_roots)
    foreground.run_waiting(settings, url, job_id)
    with database.connect(url) as db:
        one = find_list(db, import_id)
    if one.error:
        raise Refused(one.error)
    click.echo("Taken in.")
    if with_presets:
        click.echo(f"{counted(one.report.n_presets, 'preset taxon', 'preset taxa')} set.")
        for left in one.report.left_presets:
            click.echo(f"Preset lists: {left}.", err=True)


def _say(one: TaxonImport) -> None:
    report = one.report
    click.echo(
        f"{one.source}: {counted(report.n_rows, 'taxon')}: {report.n_new:,} new, {report.n_renamed:,} renamed,"
        f" {report.n_moved:,} moved, {report.n_deprecated:,} deprecated, {report.n_kept:,} kept as decided here,"
        f" {report.n_same:,} as they are; {report.n_names:,} other names; {report.n_faults:,} faults."
    )
    for kept in report.kept[:MOST_SAID]:
        click.echo(kept)
    if report.n_kept > MOST_SAID:
        click.echo(f"… and {report.n_kept - MOST_SAID:,} more kept: see /taxonomy/lists/{one.id} in the browser.")
    if report.n_matching:
        click.echo(
            f"{report.n_matching:,} of the new ones are called as a class at the root: with --match-roots these classes"
            " take their places."
        )


def _say_faults(faults: list[list[Any]], most: int) -> None:
    for line, fault in faults[:most]:
        click.echo(f"line {line}: {fault}", err=True)
    if len(faults) > most:
        click.echo(f"… and {len(faults) - most:,} more: --all says them.", err=True)


@taxonomy.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export_list(file: Path) -> None:
    """Write the taxonomy with its names and all preset lists into FILE (.zip), for another Shoal."""
    check_folder(file)
    with database.connect(ready_database(load_settings()), autocommit=True) as db:
        n = write_list(db, file.absolute())
    click.echo(f"{file}: {counted(n, 'taxon')}.")
