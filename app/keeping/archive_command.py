"""`shoal archive`: a whole project into one file, and back."""

from pathlib import Path

import click

from app import database
from app.commands import check_folder, find_project, ready_database
from app.keeping.command import reported
from app.settings import load_settings


@click.command()
@click.argument("project", required=False)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--restore",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Make a project of a file.",
)
def archive(project: str | None, file: Path | None, source: Path | None) -> None:
    """Write PROJECT (its number or title) into FILE, whole: images, vectors, labels with their history, classifiers.

    `shoal archive --restore FILE` makes a project of it, here or in another Shoal: taxa are found or made, people found
    by e-mail or kept as names, and all numbers are new. Uploads, jobs, exports and links to other projects stay behind.
    """
    settings = load_settings()
    if (source is None) == (project is None or file is None) or (source is not None and project is not None):
        raise click.UsageError("Say PROJECT and FILE, or --restore FILE.")
    if file is not None:
        check_folder(file)
    with database.connect(ready_database(settings), autocommit=True) as db, reported() as report:
        if source is not None:
            from app.keeping.archive_restore import restore

            row = find_project(db, str(restore(settings, db, source.absolute(), report)))
            said = f"Restored as project {row.id}, {row.title}."
            others = db.execute(
                "select id from project where lower(title) = lower(%s) and id <> %s and hidden is null order by id",
                [row.title, row.id],
            ).fetchall()
            if others:
                said += f" Of this title there is also {', '.join(str(other.id) for other in others)}: rename one."
        else:
            from app.keeping.archive import archive as write

            row = find_project(db, str(project))
            write(settings, db, row.id, Path(str(file)).absolute(), report)
            said = f"{file}: project {row.id}, {row.title}, {Path(str(file)).stat().st_size / 1e6:,.1f} MB."
    click.echo(said)
