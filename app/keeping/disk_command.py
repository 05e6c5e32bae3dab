"""`shoal disk`: what projects take, and Shoal as a whole."""

from functools import partial
from typing import Any

import click

from app import database
from app.commands import find_project, ready_database
from app.keeping import disk as disks
from app.keeping.command import reported
from app.keeping.disk import Whole
from app.settings import load_settings
from app.templating import file_size

PROJECTS = "select id, title, hidden from project order by id"
MARKS = {"deleted": " (deleted)", "making": " (being made)", "bin": " (a bin)"}


@click.command()
@click.argument("project", required=False)
def disk(project: str | None) -> None:
    """Measure what PROJECT takes on disk (its number or title), or all of them and what they share."""
    settings = load_settings()
    with database.connect(ready_database(settings), autocommit=True) as db, reported() as report:
        rows = [find_project(db, project)] if project else db.execute(PROJECTS)
        for row in list(rows):
            disks.measure(settings, db, row.id, partial(report, f"Project {row.id}"))
            use = disks.find(db, row.id)
            if use:
                click.echo(f"{row.id}\t{_named(row)}\t{file_size(use.n_bytes)}")
                for part in (part for part in use.parts if project and part.n):
                    click.echo(f"    {part.words}\t{part.n:,}\t{file_size(part.n_bytes)}")
        if not project:
            _say_whole(disks.measure_whole(settings, db))


def _named(project: Any) -> str:
    return project.title + MARKS.get(getattr(project, "hidden", None) or "", "")


def _say_whole(whole: Whole) -> None:
    click.echo(f"Database\t{file_size(whole.database)}")
    click.echo(f"Images, thumbnails and classifiers\t{file_size(whole.store)}")
    for name, n_bytes in whole.home.items():
        click.echo(f"SHOAL_HOME/{name}\t{file_size(n_bytes)}")
    click.echo(f"Free\t{file_size(whole.free)}")
