"""`shoal predict`: by a classifier of ours, or from a file of what predicted elsewhere."""

from pathlib import Path
from typing import Any

import click

from app import database, search
from app.commands import find_project, ready_database
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs import foreground
from app.nouns import counted
from app.prediction import outside, outside_file, runs_made, summaries
from app.prediction.outside_file import Wish
from app.projects.spoken_for import manager_of
from app.settings import load_settings

MOST_SHOWN = 20


@click.command()
@click.argument("project")
@click.option("--classifier", help="Number of a classifier, or its title, of which the latest version is taken.")
@click.option("--filter", "query", help='Predict these only, as an address of the board says: "sample=7".')
@click.option(
    "--from",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take in predictions made elsewhere, a parquet file; --classifier names what made them.",
)
@click.option("--version", type=int, help="With --from: which version of that classifier; else the next one.")
@click.option("--title", help="With --from: what the run is called; else the file's name.")
@click.option("--as", "email", help="E-mail of the person who predicts; with --from by default the project's maker.")
@click.option("--look-first", is_flag=True, help="Do not show the run: a manager looks at it on the page first.")
@click.option("--undo", is_flag=True, help="Take the shown run back: the one before it is shown again.")
def predict(
    project: str,
    classifier: str | None,
    query: str | None,
    path: Path | None,
    version: int | None,
    title: str | None,
    email: str | None,
    look_first: bool,
    undo: bool,
) -> None:
    """Predict what is unclassified or predicted in PROJECT (its number or title).

    Without --classifier the one that predicted last, else the latest one. Ctrl+C stops; what is half done is seen by
    nobody, and the job's Retry goes on from there.
    """
    if undo and any([classifier, query, path, version, title, email, look_first]):
        raise Refused("--undo takes back the run that is shown, whatever made it: it goes without other options.")
    if path and query:
        raise Refused("--from takes in all of the file: it goes without --filter.")
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    with database.connect(url) as db:
        found = _project(db, find_project(db, project).id)
        if undo:
            _undo(db, found)
            return
        account_id = manager_of(db, found.id, email, "predict in") if email or path else None
        if path:
            wish = Wish(title or path.name, classifier or "", version, not look_first)
            run_id, job_id = outside_file.start(db, found, account_id, path.absolute(), wish, is_kept=True)
        else:
            classifier_id = find_classifier(db, found, classifier)
            run_id, job_id = runs_made.start_prediction(
                db, found, account_id, classifier_id, query or "", not look_first
            )
    foreground.run_waiting(settings, url, job_id)
    say_run(url, found, run_id)


def _project(db: Db, project_id: int) -> Any:
    return db.execute(
        "select id, title, status, embedder_id, settings from project where id = %s", [project_id]
    ).fetchone()


def _undo(db: Db, project: Any) -> None:
    before = outside.take_back(db, project)
    said = f"Run {before} is shown again" if before else "No predictions are shown now"
    click.echo(f"{project.title}: {said}. The one taken back is kept.")


def find_classifier(db: Db, project: Any, name: str | None) -> int:
    """By number or title; without either, the one that predicted last here, else the project's latest."""
    last = runs_made.remembered(project.settings)
    rows = db.execute(
        """
        select id, title, version
        from classifier
        where method <> 'outside'
          and trained_at is not null
          and (project_id = %(project)s or id::text = %(name)s)
          and (%(name)s::text is null or id::text = %(name)s or lower(title) = lower(%(name)s))
        order by id = %(last)s::int desc nulls last, id desc
        """,
        {"project": project.id, "name": name, "last": last.classifier_id if last and not name else None},
    ).fetchall()
    if rows:
        return int(rows[0].id)
    if name is None:
        raise NotFound(f"{project.title} has no classifier yet: “shoal train {project.id}” makes one.")
    raise NotFound(f"{project.title} has no trained classifier {name!r}: the page Classifiers lists them.")


def say_run(url: str, project: Any, run_id: int) -> None:
    """The run in short, as the page shows it."""
    with database.connect(url) as db:
        row: Any = db.execute(
            """
            select run.*, run.id is not distinct from project.current_run_id as is_shown
            from run
            join project on project.id = run.project_id
            where run.id = %s
            """,
            [run_id],
        ).fetchone()
        summary = summaries.read(row.summary)
        ids = [one.taxon_id for one in summary.taxa]
        names = dict(db.execute("select id, display_name from taxon where id = any(%s)", [ids]).fetchall())
    click.echo(
        f"{project.title}: run {run_id}, {counted(summary.n, 'object')} predicted, {summary.n_confident:,} of them"
        f" with a score of {summary.confident_from:g} or more, {summary.n_novel:,} unlike the learning set."
    )
    for one in summary.taxa[:MOST_SHOWN]:
        click.echo(f"{one.n:>10,}  {one.mean_score:.2f}  {names.get(one.taxon_id, one.taxon_id)}")
    if len(summary.taxa) > MOST_SHOWN:
        click.echo(f"and {len(summary.taxa) - MOST_SHOWN:,} more taxa")
    click.echo("It is shown now; --undo takes it back." if row.is_shown else "Not shown: the page Predictions does so.")
