"""Trained embedders for programs."""

from dataclasses import dataclass

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.openapi import refusals
from app.projects.access import PREDICTS, Project
from app.tuning import moving, trainings
from app.tuning.trainings import Offer, TrainingTold, Wish

BASE = "/projects/{project_id:int}/trainings"
FILE_MARKS = "/", "\\", "local-dir:"  # in a network's name: weights from the server's own files


@dataclass(frozen=True)
class Queued:
    """The training, and the job that does it."""

    training_id: int
    job_id: int


@dataclass(frozen=True)
class Trainings:
    """All trainings of a project, the newest first, and what another one would take now."""

    offer: Offer
    trainings: list[TrainingTold]


@dataclass(frozen=True)
class Move:
    """To the trained embedder, or `back` to the one before it."""

    back: bool = False


@get(
    BASE, opt=PREDICTS, sync_to_thread=True, tags=["prediction"], summary="Trainings of embedders",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def list_trainings_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> Trainings:
    return Trainings(trainings.offer(db, project.id), trainings.list_trainings(db, project.id))


@post(
    BASE, opt=PREDICTS, sync_to_thread=True, status_code=202, tags=["prediction"], summary="Train an embedder",
    responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def start_training_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Wish],
) -> Queued:
    """Takes minutes; see the job. The project goes on with its embedder until it is moved."""
    if any(mark in data.network for mark in FILE_MARKS):
        raise Refused(
            "Weights that lie in a file of the server are named there only: shoal train-embedder --network. Say lite0,"
            " timm:NAME or open_clip:ARCH:TAG.",
            status=422,
        )
    if data.learning_set_id is not None:
        trainings.check_set(db, viewer, data.learning_set_id)
    return Queued(*trainings.start_training(db, project, viewer.account_id, data))


@get(
    BASE + "/{training_id:int}", opt=PREDICTS, sync_to_thread=True, tags=["prediction"],
    summary="A training of an embedder, with its report", responses=refusals(401, 403, 404),
)  # fmt: skip
def show_training_api(
    db: NamedDependency[Db], project: NamedDependency[Project], training_id: FromPath[int]
) -> TrainingTold:
    return trainings.find_training(db, project.id, training_id)


@post(
    BASE + "/{training_id:int}/move", opt=PREDICTS, sync_to_thread=True, status_code=202, tags=["prediction"],
    summary="Move a project to a trained embedder", responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def move_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    training_id: FromPath[int],
    data: JSONBody[Move],
) -> Queued:
    """The present embedder serves until every object has its new vector. With `back`, to the one before."""
    return Queued(training_id, moving.start_move(db, project, viewer.account_id, training_id, data.back))


routes = [list_trainings_api, start_training_api, show_training_api, move_api]
