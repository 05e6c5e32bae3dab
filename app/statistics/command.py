"""`shoal statistics`: a project's statistics as CSV, on the screen or into a file."""

import sys
from pathlib import Path

import click

from app import database
from app.accounts.viewer import Account, Viewer
from app.commands import check_folder, ready_database
from app.commands import find_project as project_of
from app.projects.access import find_project
from app.settings import load_settings
from app.statistics.tables import KINDS, write


@click.command()
@click.argument("project")
@click.option("--by", type=click.Choice(list(KINDS)), default="taxa", show_default=True, help="What each line is of.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; else the screen.")
def statistics(project: str, by: str, output: Path | None) -> None:
    """Say as CSV how many objects PROJECT has by taxon, person, sample or day."""
    if output:
        check_folder(output)
    server = Viewer(Account(0, "", "the server", is_application_manager=True))
    with database.connect(ready_database(load_settings())) as db:
        found = find_project(db, server, project_of(db, project).id)
        with output.open("w", encoding="utf-8-sig", newline="") if output else sys.stdout as out:
            for piece in write(db, found, None, by):
                out.write(piece)
