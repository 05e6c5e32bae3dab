"""`shoal train`: fit a classifier on a learning set, and say what to expect of it."""

from typing import Any

import click

from app import database, search
from app.classifiers import offers, promises, versions
from app.classifiers.versions import Training
from app.commands import ready_database
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs import foreground
from app.learning import sets
from app.learning.command import home_of
from app.nouns import counted
from app.prediction.command import say_run
from app.settings import Settings, load_settings
from indexer.classifier.base import METHODS

MOST_SHOWN = 15


@click.command()
@click.argument("project")
@click.option("--set", "learning_set", help="Number of a learning set, or its title, of which the latest is taken.")
@click.option("--title", help="What the classifier is called; else as the learning set.")
@click.option("--method", type=click.Choice(METHODS), default="auto", show_default=True, help="auto: what does best.")
@click.option("--pca", default="50", show_default=True, help="Of the forest: components, or a share such as 0.95.")
@click.option("--column", "columns", multiple=True, help="A numeric column beside the vectors, as object.area.")
@click.option("--embedder", help="Name of the one whose vectors it learns from; else the project's.")
@click.option("--predict", is_flag=True, help="Then predict what is unclassified or predicted, and show it.")
def train(
    project: str,
    learning_set: str | None,
    title: str | None,
    method: str,
    pca: str,
    columns: tuple[str, ...],
    embedder: str | None,
    predict: bool,
) -> None:
    """Train a classifier in PROJECT (its number or title), and print what to expect of it.

    Without --set it learns from what is validated there and in its reference projects.
    """
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    with database.connect(url) as db:
        found = home_of(db, project)
        set_id = _set(db, found, learning_set)
        named = title or sets.title_of(db, set_id)
        embedder_id = offers.id_of(db, embedder) if embedder else None
        wish = Training(set_id, named, method, pca, columns, predict, publish=predict, embedder_id=embedder_id)
        classifier_id, job_id = versions.start_training(db, found, None, wish)
    foreground.run_waiting(settings, url, job_id)
    with database.connect(url) as db:
        _say(db, classifier_id)
    if predict:
        _predict(settings, url, found, classifier_id)


def _predict(settings: Settings, url: str, project: Any, classifier_id: int) -> None:
    """Make the run that the training queued, and say what it says."""
    with database.connect(url) as db:
        run = db.execute(
            """
            select id, job_id
            from run
            where classifier_id = %s
            order by id desc
            limit 1
            """,
            [classifier_id],
        ).fetchone()
    if run is None:
        raise Refused("Nothing was predicted: the log of the training, on the page Jobs, says why.")
    foreground.run_waiting(settings, url, run.job_id)
    say_run(url, project, run.id)


def _set(db: Db, project: Any, name: str | None) -> int | None:
    """By number or title; without either, what is validated."""
    if name is None:
        return None
    row = db.execute(
        """
        select id
        from learning_set
        where id::text = %(name)s
           or project_id = %(project)s and lower(title) = lower(%(name)s)
        order by id::text = %(name)s desc, version desc
        limit 1
        """,
        {"name": name, "project": project.id},
    ).fetchone()
    if row is None:
        raise NotFound(f"{project.title} has no learning set {name!r}: the page Learning sets lists them.")
    return int(row.id)


def _say(db: Db, classifier_id: int) -> None:
    """What to expect, in a few lines; the page has the rest."""
    row = versions.read(db, classifier_id)
    if row is None or row.trained_at is None:
        raise Refused("The classifier was not trained: the page Jobs says why.")
    report = row.report
    click.echo(
        f"Classifier {row.id}: “{row.title}”, version {row.version}, {row.method} ({report['settings']}), learned from"
        f" {counted(row.n_objects, 'object')} of {counted(len(row.taxa), 'taxon')} in {report['seconds']:g} s."
    )
    if n_without := sum(source["n"] for source in report["without_vector"]):
        click.echo(f"{n_without:,} more of the learning set have no vector of {row.embedder}, and were left out.")
    if report["not_held_out"]:
        n_asked = len(row.taxa) - len(report["not_held_out"])
        click.echo(f"{n_asked:,} of {len(row.taxa):,} taxa could be asked: of the others nothing can be said.")
    if not report["n_held_out"]:
        click.echo("No object could be held out, so nothing says what to expect of it: label more of each taxon.")
        return
    if why := promises.why_none(report, row.embedder):
        click.echo(why)
        return
    if limited := report.get("limited"):
        click.echo(
            f"The set takes at most {limited['per_taxon']:,} of a taxon: where common taxa are commoner, as they may be"
            " in the project, another share will be right."
        )
    by = ", by whole samples," if report["by_group"] else ""
    click.echo(
        f"Of {report['n_held_out']:,} held-out objects{by}"
        f" {100 * report['accuracy']:.1f} % are right; average precision {100 * report['average_precision']:.1f} %,"
        f" average recall {100 * report['average_recall']:.1f} %; scores are off by {100 * report['ece']:.1f} points."
    )
    names = dict(db.execute("select id, display_name from taxon where id = any(%s)", [row.taxa]).fetchall())
    lines = sorted(report["per_taxon"], key=lambda one: -one["n"])
    for one in lines[:MOST_SHOWN]:
        click.echo(
            f"{one['n']:>8,}  precision {_percent(one['precision'])}  recall {_percent(one['recall'])}"
            f"  {names.get(one['taxon'], one['taxon'])}"
        )
    if len(lines) > MOST_SHOWN:
        click.echo(f"and {len(lines) - MOST_SHOWN:,} more taxa")


def _percent(share: float | None) -> str:
    return "    –" if share is None else f"{100 * share:3.0f} %"
