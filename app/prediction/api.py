"""Predictions and vectors for programs: read the vectors, predict elsewhere, write back what was predicted."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.pages import actor
from app.openapi import refusals
from app.prediction import clearing, outside, predict_api, vectors
from app.prediction.outside import MOST_TOLD, Piece, Run
from app.projects.access import PREDICTS, VISITOR, Project
from app.search import embedders

MOST_BYTES = 32_000_000
RUNS = "/projects/{project_id:int}/predictions"


@dataclass(frozen=True)
class NewPredictions:
    """A piece of a run: `taxa` and `scores` give one to three a object, the likeliest first.

    Without `run_id` a run of that `title` begins; `complete` says that this was the last piece, and shows the run.
    `config` is kept with the run, for people who ask later how it was made. The run is of a `version` of a `classifier`
    made elsewhere: by default, of the next one of the name of its title. `novelties` say how strange each object is to
    what was learned, 0 to 1, where that is known of all.
    """

    objects: list[int] = field(default_factory=list)
    taxa: list[list[int]] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)
    run_id: int | None = None
    title: str = ""
    complete: bool = False
    config: dict[str, Any] = field(default_factory=dict)
    classifier: str = ""
    version: int | None = None
    novelties: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Written:
    """The run as it is now, and which objects of the piece this project does not have: they were left out."""

    run: Run
    n_unknown: int
    unknown: list[int]


@post(
    RUNS, opt=PREDICTS, sync_to_thread=True, status_code=200, request_max_body_size=MOST_BYTES, tags=["predictions"],
    summary="Write predictions made elsewhere: a run of their own, in pieces of at most 100,000 objects",
    responses=refusals(400, 403, 404, 409, 413),
)  # fmt: skip
def write_predictions_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[NewPredictions],
) -> Written:
    """Nobody sees a run before `complete`; then it is shown wherever no person's word stands. An object that is sent
    again in the same run is overwritten, so that a piece whose answer was lost can be sent twice."""
    account = actor(viewer)
    run_id = data.run_id
    if run_id is None:
        run_id = outside.begin(db, project, account.id, data.title, data.config, data.classifier, data.version)
    elif data.title or data.config or data.classifier or data.version is not None:
        raise Refused(
            "title, config, classifier and version belong to a run's first piece: leave them out where it goes on."
        )
    unknown = outside.add(db, project, run_id, Piece(data.objects, data.taxa, data.scores, data.novelties))
    if data.complete:
        outside.show(db, project, run_id)
    return Written(_run(db, project, run_id), len(unknown), unknown[:MOST_TOLD])


@get(
    RUNS, opt=PREDICTS, sync_to_thread=True, tags=["predictions"],
    summary="A project's runs of predictions, newest first", responses=refusals(403, 404),
)  # fmt: skip
def list_runs_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Run]:
    return outside.list_runs(db, project.id)


@post(
    RUNS + "/{run_id:int}/show", opt=PREDICTS, sync_to_thread=True, status_code=200, tags=["predictions"],
    summary="Show a run instead of the present one: one that is now complete, or an earlier one again",
    responses=refusals(403, 404, 409),
)  # fmt: skip
def show_run_api(db: NamedDependency[Db], project: NamedDependency[Project], run_id: FromPath[int]) -> Run:
    outside.check_open(project)
    outside.show(db, project, _number(run_id))
    return _run(db, project, run_id)


@post(
    RUNS + "/undo", opt=PREDICTS, sync_to_thread=True, status_code=200, tags=["predictions"],
    summary="Take the shown run back: the one before it is shown again, or none", responses=refusals(403, 404, 409),
)  # fmt: skip
def undo_run_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> dict[str, int | None]:
    """Labels of people stay as they are. The run itself stays too, and can be shown again."""
    return {"shown_run_id": outside.take_back(db, project)}


@delete(
    RUNS + "/{run_id:int}", opt=PREDICTS, sync_to_thread=True, tags=["predictions"],
    summary="Remove a run that is neither shown nor being made", responses=refusals(403, 404, 409),
)  # fmt: skip
def remove_run_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], run_id: FromPath[int]
) -> None:
    """It is out of sight at once; a job removes what it says."""
    clearing.remove(db, project, actor(viewer).id, _number(run_id))


@get(
    "/projects/{project_id:int}/vectors", opt=VISITOR | {"exclude_from_compression": True}, sync_to_thread=True,
    tags=["search"], summary="Vectors of a project's objects, by ids or page by page, as a .npy file",
    responses=refusals(400, 404), media_type="application/octet-stream",
)  # fmt: skip
def read_vectors_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    ids: FromQuery[str | None] = None,
    after: FromQuery[int] = 0,
    limit: FromQuery[int] = 5_000,
    space: FromQuery[str] = vectors.PLAIN,
) -> Response[bytes]:
    """`ids`: up to 1,000 objects between commas; those without a vector are missing. Else the next `limit` vectors
    (20,000 at most) of objects after the id `after`; the header `Shoal-Next` gives `after` of the next page, and is
    missing on the last. `numpy.load` reads the answer: records of `id` (int64) and `v` (float16, unit length).
    `space`: `plain`, as the embedder gives them, or `current`, as the project compares them now."""
    wanted = _ids(ids or "")
    if ids is not None and not wanted:
        raise Refused("`ids` names no object. Leave it out to go through all vectors page by page.")
    records = (
        vectors.vectors_of(db, project, wanted, space)
        if wanted
        else vectors.vectors_after(db, project, after, limit, space)
    )
    headers = {"Shoal-Embedder": embedders.of_project(db, project.id).name, "Cache-Control": "no-store"}
    if not wanted and len(records) == limit:
        headers["Shoal-Next"] = str(records["id"][-1])
    return Response(vectors.as_npy(records), media_type="application/octet-stream", headers=headers)


def _ids(text: str) -> list[int]:
    parts = [part for part in text.split(",") if part]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise Refused("ids are whole numbers with commas between them, such as ids=62,4130.")
    return [int(part) for part in parts]


def _number(run_id: int) -> int:
    if not 0 < run_id < 2**31:
        raise NotFound(f"This project has no run {run_id}. Its runs are listed under GET …/predictions.")
    return run_id


def _run(db: Db, project: Project, run_id: int) -> Run:
    return outside.list_runs(db, project.id, run_id)[0]


routes = [
    *predict_api.routes, write_predictions_api, list_runs_api, show_run_api, undo_run_api, remove_run_api,
    read_vectors_api,
]  # fmt: skip
