"""`shoal train-embedder`: a network fine-tuned on a project's validated images, or on a folder of images per class."""

from pathlib import Path
from typing import Any

import click

from app import database
from app.commands import find_project, ready_database
from app.errors import Refused
from app.jobs import foreground
from app.jobs.words import time_span
from app.nouns import counted
from app.projects.access import Project
from app.search import embedders
from app.settings import Settings, load_settings
from app.tuning import files, moving, teachers, trainings
from app.tuning.job import told
from app.tuning.trainings import DEVICES, Wish
from indexer import tuning
from indexer.tuning import LearningImages, TuningError
from indexer.tuning.data import from_folder
from indexer.tuning.plan import DEFAULT_MINUTES
from indexer.tuning.run import Tuned, estimate_seconds, tune


@click.command("train-embedder")
@click.argument("learned_from")
@click.option("--set", "set_name", help="Learn from this learning set of the project (its number or title).")
@click.option("--network", default="lite0", show_default=True, help="lite0, timm:NAME or open_clip:ARCH:PRETRAINED.")
@click.option("--minutes", type=float, help=f"How long it may take; {DEFAULT_MINUTES:g} unless --epochs is said.")
@click.option("--epochs", type=int, help="How often every image is learned from, however long that takes.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="What it runs on.")
@click.option("--name", default="", help="What the embedder is called.")
@click.option("--resume", is_flag=True, help="Go on with what was stopped; without it a folder's training begins anew.")
@click.option("--move", is_flag=True, help="Let the project move to the embedder at once.")
@click.option("--estimate", is_flag=True, help="Only say how long it would take on this machine.")
def train_embedder(
    learned_from: str, set_name: str | None, network: str, minutes: float | None, epochs: int | None, device: str,
    name: str, resume: bool, move: bool, estimate: bool,
) -> None:  # fmt: skip
    """Train an embedder on LEARNED_FROM: a project (its number or title), or a path with a folder of images per class.

    It starts from a small network that knows photographs, and learns within minutes what tells these taxa apart. What
    comes out is an embedder like any other. Ctrl+C stops after the present epoch's beginning is kept; --resume goes on.
    """
    trainings.check_torch()
    minutes = minutes if minutes is not None or epochs is not None else DEFAULT_MINUTES
    wish = Wish(None, name, network, minutes, epochs, device)
    settings = load_settings()
    url = ready_database(settings)
    try:
        if "/" in learned_from or Path(learned_from).is_dir():
            _from_folder(settings, url, Path(learned_from), wish, resume, estimate)
        else:
            _from_project(settings, url, learned_from, set_name, wish, resume, move, estimate)
    except TuningError as error:
        raise Refused(str(error)) from error


def _from_folder(settings: Settings, url: str, folder: Path, wish: Wish, resume: bool, estimate: bool) -> None:
    images, classes = from_folder(folder)
    if estimate:
        _say_estimate(len(images), wish, settings)
        return
    name = wish.name or folder.resolve().name
    own = files.folder(settings) / f"folder-{name}"
    if not resume:
        _forget(own)
    with foreground._bar(True) as bar:
        listen = foreground._listener(bar, f"Train the embedder {name}")
        trained = tune(own, images, _settings(wish, name, settings), _reporter(listen))
    _register(settings, url, trained, images)
    click.echo(f"{counted(len(images), 'image')} of {len(classes):,} classes.")
    _say(trained.report, trained.spec)
    _forget(own)


def _from_project(
    settings: Settings, url: str, project_name: str, set_name: str | None, wish: Wish, resume: bool, move: bool,
    estimate: bool,
) -> None:  # fmt: skip
    with database.connect(url) as db:
        project = _project(db, project_name)
        if estimate:
            _say_estimate(trainings.offer(db, project.id).n_validated, wish, settings)
            return
        training_id, job_id = _begun(db, project, set_name, wish, resume)
    foreground.run_waiting(settings, url, job_id)
    with database.connect(url) as db:
        training = trainings.find_training(db, project.id, training_id)
        move_job = moving.start_move(db, project, None, training_id) if move else None
        spec = embedders.find(db, training.embedder_id or 0).config["spec"]
    _say(training.report, spec)
    if move_job is not None:
        foreground.run_waiting(settings, url, move_job)
        foreground.drain(settings, url, project.id)
        click.echo(f"{project.title} uses {training.embedder} now. Back: shoal embed {project.id} --embedder"
                   f" {training.before}")  # fmt: skip
    else:
        click.echo(f"Move to it: shoal embed {project.id} --embedder {spec}, or on the project's page Likeness.")


def _begun(db: Any, project: Project, set_name: str | None, wish: Wish, resume: bool) -> tuple[int, int]:
    """The training and its job: a new one, or with `resume` the last that has not ended well."""
    if not resume:
        set_id = _set_id(db, project.id, set_name) if set_name else None
        return trainings.start_training(db, project, None, Wish(set_id, *list(vars(wish).values())[1:]))
    last = next((one for one in trainings.list_trainings(db, project.id) if one.trained_at is None), None)
    if last is None:
        raise Refused(f"No training of {project.title} was stopped before its end: there is nothing to go on with.")
    return last.id, trainings.queue_again(db, project.id, None, last.id)


def _project(db: Any, name: str) -> Project:
    """As a manager sees it."""
    found = find_project(db, name)
    row = db.execute("select embedder_id, settings from project where id = %s", [found.id]).fetchone()
    return Project(
        found.id, found.title, "", "", "annotate", "members", row.embedder_id, None, None, row.settings, 0, "manager"
    )


def _set_id(db: Any, project_id: int, name: str) -> int:
    row = db.execute(
        """
        select id
        from learning_set
        where lower(%(name)s) in (id::text, lower(title), lower(title || ' ' || version))
          and frozen_at is not null
          and project_id = %(project)s
        order by id::text = %(name)s desc, version desc
        limit 1
        """,
        {"name": name, "project": project_id},
    ).fetchone()
    if row is None:
        raise Refused(f"This project has no learning set {name!r}.")
    return int(row.id)


def _settings(wish: Wish, name: str, settings: Settings) -> tuning.Settings:
    return tuning.Settings(name, wish.network, wish.minutes, wish.epochs, wish.device, settings.embed_threads)


def _reporter(listen: Any) -> Any:
    from app.jobs.context import Progress

    return lambda done, total, unit, message: listen(Progress(done, total, unit, None, message))


def _register(settings: Settings, url: str, trained: Tuned, images: LearningImages) -> None:
    files.publish(settings, trained.spec, trained.model.read_bytes())
    trained.install(settings.home / "embedders")
    with database.connect(url) as db:
        teachers.keep(db, trained, images)
        embedders.register(db, embedders.open_embedder(settings, trained.spec))


def _say(report: dict[str, Any], spec: str) -> None:
    for line in told(report):
        click.echo(line)
    click.echo(f"Trained in {time_span(report['seconds'])}, kept as {spec}.")


def _say_estimate(n_images: int, wish: Wish, settings: Settings) -> None:
    seconds = estimate_seconds(n_images, _settings(wish, wish.name or "estimate", settings))
    click.echo(f"{n_images:,} validated: about {time_span(seconds)} here.")


def _forget(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
