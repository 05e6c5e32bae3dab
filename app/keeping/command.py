"""`shoal backup`, `restore`, `upgrade`, `gc`, `disk` and `archive`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app import database
from app.commands import ready_database
from app.errors import Refused
from app.keeping import backup as backups
from app.keeping import manifest as manifests
from app.keeping.backup_folder import check
from app.keeping.manifest import Report
from app.nouns import counted
from app.settings import load_settings

FOLDER = click.Path(file_okay=False, path_type=Path)
NAMES = {"database": "Database", "files": "Files"}


@contextmanager
def reported() -> Iterator[Report]:
    """A bar for each part of the work; asked to stop, a command leaves nothing half-made."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(part: str, done: int, total: int) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(NAMES.get(part, part), total=total)
            bar.update(tasks[part], completed=done, total=total)

        yield report


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--keep", type=click.IntRange(1), help="Remove all but the newest KEEP backups of FOLDER afterwards.")
@click.option("--list", "only_list", is_flag=True, help="List the backups in FOLDER.")
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Read the newest backup through; put what is damaged aside.",
)
def backup(folder: Path, keep: int | None, only_list: bool, only_check: bool) -> None:
    """Back up the database and all images into FOLDER, while Shoal serves.

    FOLDER keeps many backups: of each the database is written anew, and of the images only what is new. It holds all
    that Shoal holds, passwords' digests included: keep it as safe. Uploads and exports are not in it.
    """
    if only_list:
        _list(folder)
        return
    with reported() as report:
        if only_check:
            made_in, made = folder, check(folder.absolute(), None, report)
        else:
            settings = load_settings()
            url = database.open_database(settings, make=False)
            made_in = backups.back_up(settings, url, folder.absolute(), report, keep=keep)
            made = manifests.read(made_in)
    click.echo(f"{made_in}: {_told(made)}")
    _warn_of_damaged(folder)
    if made.missing:
        shown = ", ".join(made.missing[:5])
        raise Refused(
            f"Files that the database names are neither in the store nor in {folder}, {len(made.missing):,} of them: "
            f"{shown}{' ...' if len(made.missing) > 5 else ''}. Everything else is backed up. Import those images "
            "again, or bring the files into the store from the folder store/ of another folder of backups."
        )


def _warn_of_damaged(folder: Path) -> None:
    for name, fault in manifests.faults(folder).items():
        click.echo(
            f"warning: backup {name} cannot be used: {fault} While it is there, --keep removes no images: remove it "
            "when you have newer ones.",
            err=True,
        )


def _told(made: manifests.Manifest) -> str:
    rows = made.rows
    said = (
        f"{counted(rows['project'], 'project')}, {counted(rows['object'], 'object')}, {counted(rows['image'], 'image')}"
    )
    return (
        f"{made.made_at}, Shoal {made.shoal}: {said}; {counted(made.n_files, 'file')} of {made.n_bytes / 1e6:,.1f} MB."
    )


def _list(folder: Path) -> None:
    faults = manifests.faults(folder)
    for name in manifests.list_backups(folder):
        click.echo(f"{name}\t{faults.get(name) or _told(manifests.read(folder / name))}")
    if not manifests.list_backups(folder):
        click.echo(f"There is no backup in {folder}.", err=True)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--backup", "name", help="Which one, as `shoal backup FOLDER --list` names it; by default the newest.")
@click.option("--database-only", is_flag=True, help="The images are still there: bring back the database alone.")
def restore(folder: Path, name: str | None, database_only: bool) -> None:
    """Bring a backup back into an empty SHOAL_HOME, on this or another machine.

    Nothing is written over: where a database or images are already, it is refused. Interrupted, the same command goes
    on. An older Shoal's backup is brought up to date.
    """
    from app.keeping.restore import restore as bring_back

    with reported() as report:
        made = bring_back(load_settings(), folder.absolute(), report, name, with_files=not database_only)
    click.echo(f"Restored: {_told(made)}")
    click.echo("Start `shoal serve`: indexes are built anew beside it.")


@click.command()
@click.option("--backup", "folder", type=FOLDER, help="Back up into this folder, images included.")
@click.option(
    "--binaries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the PostgreSQL is installed that the database was made with, if another than this Shoal's.",
)
def upgrade(folder: Path | None, binaries: Path | None) -> None:
    """After a newer Shoal was installed: back up the database, then bring it up to date.

    Also where the newer Shoal brings a newer PostgreSQL. Stop servers and workers first. Without --backup, the database
    alone is backed up into SHOAL_HOME/upgrades: an upgrade does not touch the images. Interrupted, the same goes on.
    """
    from app.keeping.upgrade import upgrade as bring_up

    settings = load_settings()
    with reported() as report:
        done = bring_up(settings, report, folder.absolute() if folder else None, binaries)
    if done.backup:
        click.echo(f"Backed up as {done.backup}; to go back, move SHOAL_HOME/postgres away, then")
        click.echo(f"    shoal restore {done.backup.parent} --backup {done.backup.name} --database-only")
    elif folder:
        click.echo(f"There was nothing to change, so no backup was taken: `shoal backup {folder}` takes one.")
    if done.former:
        click.echo(f"The data of the former PostgreSQL is in {done.former}: remove it when all is well.")
    for name in done.migrations:
        click.echo(f"applied {name}")
    click.echo("The database is up to date.")


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--min-age-hours", type=click.FloatRange(0), default=24, show_default=True, help="Leave files that are younger."
)
def gc(dry_run: bool, min_age_hours: float) -> None:
    """Remove what nothing refers to any more: images and packs, rows of projects that are gone, unused indexes.

    Runs while Shoal serves. What an import brings is never touched: while one is at work, nothing is.
    """
    from app.keeping.leavings import collect

    settings = load_settings()
    with database.connect(ready_database(settings), autocommit=True) as db:
        found = collect(settings, db, dry_run=dry_run, older_than_s=3600 * min_age_hours)
    for table, n in found.rows.items():
        click.echo(f"{counted(n, 'row')} of {table} of projects that are gone")
    for project_id in found.subsets:
        click.echo(f"Project {project_id}, a subset that was never made to its end")
    click.echo(f"{found.contents:,} contents that no image is of")
    for path, n in found.files.items() if dry_run else ():
        click.echo(f"    {path}\t{n:,} bytes")
    click.echo(f"{counted(len(found.files), 'file')} of the store, {len(found.folders):,} folders of indexes and cards")
    click.echo(f"{found.n_bytes / 1e6:,.1f} MB {'would be' if dry_run else 'were'} freed.")
