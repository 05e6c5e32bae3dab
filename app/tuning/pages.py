"""The part of a project's page Likeness that offers to train an embedder, shows what came of it, and moves to it."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.jobs import queue
from app.jobs.words import time_span
from app.projects.access import PREDICTS, Project
from app.tuning import moving, trainings
from app.tuning.trainings import Wish

BASE = "/projects/{project_id:int}/tuning"
SHOWN = 5


@dataclass
class MoveForm:
    """`back`: "yes" to the embedder before."""

    back: str = ""


def about(seconds: float) -> str:
    """An estimate in whole minutes, which is as much as it knows."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' if minutes > 1 else ''}" if minutes < 90 else time_span(seconds)


@get(BASE, opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def show_offer(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    """What may be trained, what is at work, and what was trained. It asks again while something is at work."""
    return offer_part(db, project)


def offer_part(db: Db, project: Project, error: str = "", status_code: int = 200) -> Template:
    known = trainings.list_trainings(db, project.id)
    context = {
        "project": project,
        "offer": trainings.offer(db, project.id),
        "at_work": next((one for one in known if one.is_at_work), None),
        "moving": next((one for one in known if one.is_moving), None),
        "stopped": known[0] if known and known[0].status in ("failed", "cancelled") else None,
        "trained": [one for one in known if one.trained_at is not None][:SHOWN],
        "error": error,
        "time_span": time_span,
        "about": about,
    }
    return Template(
        "tuning/_offer.html", context=context, status_code=status_code, headers={"Cache-Control": "no-store"}
    )


@get(BASE + "/notice", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def show_notice(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    """One line on the project's own page, where a training pays now or its embedder waits for an answer."""
    known = trainings.list_trainings(db, project.id)
    busy = any(one.is_at_work or one.is_moving for one in known)
    newest = known[0] if known else None
    waits = newest if newest and newest.trained_at and not newest.is_in_use and newest.move_job_id is None else None
    context = {
        "project": project,
        "offer": None if busy or waits else trainings.offer(db, project.id),
        "waits": waits,
        "time_span": time_span,
        "about": about,
    }
    return Template("tuning/_notice.html", context=context)


@post(BASE, opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def train(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Response[Any]:
    """Of all that is validated here and in the reference projects."""
    return _done(db, project, lambda: trainings.start_training(db, project, viewer.account_id, Wish()))


@post(BASE + "/{training_id:int}/again", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def train_again(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    training_id: FromPath[int],
) -> Response[Any]:
    """Go on with one that was stopped."""
    return _done(db, project, lambda: trainings.queue_again(db, project.id, viewer.account_id, training_id))


@post(BASE + "/{training_id:int}/cancel", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def cancel(db: NamedDependency[Db], project: NamedDependency[Project], training_id: FromPath[int]) -> Response[Any]:
    """Stop the training or the move that is at work."""
    training = trainings.find_training(db, project.id, training_id)
    job_id = training.move_job_id if training.is_moving else training.job_id
    return _done(db, project, lambda: queue.cancel(db, job_id or 0))


@post(BASE + "/{training_id:int}/move", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def move(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    training_id: FromPath[int],
    data: URLEncodedBody[MoveForm],
) -> Response[Any]:
    """Move the project to the embedder, or back."""
    back = data.back == "yes"
    return _done(db, project, lambda: moving.start_move(db, project, viewer.account_id, training_id, back))


def _done(db: Db, project: Project, act: Any) -> Response[Any]:
    try:
        with db.transaction():
            act()
    except Refused as refused:
        return offer_part(db, project, refused.sentence, refused.status)
    return Redirect(f"/projects/{project.id}/spaces#embedders", status_code=303)


routes = [show_offer, show_notice, train, train_again, cancel, move]
