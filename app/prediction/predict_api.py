"""Predicting for programs: start a classifier's run, bring one as a file, read what a run says and in short."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from litestar import Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, RawBody

from app.accounts.viewer import Viewer
from app.classifiers import versions
from app.classifiers.shown import is_closed
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.pages import actor
from app.openapi import refusals
from app.prediction import outside, outside_file, runs_made, summaries
from app.prediction.outside import Run
from app.prediction.outside_file import Wish
from app.prediction.summaries import Summary
from app.projects.access import PREDICTS, VISITOR, Project
from app.search.arrays import fetch_arrays

MOST_FILE_BYTES = 500_000_000
MOST_ROWS = 50_000
LARGEST_ID = 2**31
RUNS = "/projects/{project_id:int}/predictions"


@dataclass(frozen=True)
class ToPredict:
    """Without `classifier_id`, the one that predicted last here; `filter` is what an address of the board says, such as
    "sample=7"; `publish`: false lets a manager look at the run before it is shown."""

    classifier_id: int | None = None
    filter: str | None = None
    publish: bool = True


@dataclass(frozen=True)
class Queued:
    """The run that will be made, and the job that makes it."""

    run_id: int
    job_id: int


@dataclass(frozen=True)
class RunTold:
    """A run, and what it says in short."""

    run: Run
    summary: Summary


@dataclass(frozen=True)
class Page:
    """What a run says of some objects, by id: one to three taxa, the likeliest first, with their scores; and how
    strange each is to the learning set (null: not known). `next`: `after` of the next page; null on the last."""

    objects: list[int]
    taxa: list[list[int]]
    scores: list[list[float]]
    novelties: list[float | None]
    next: int | None


@post(
    "/projects/{project_id:int}/predict", opt=PREDICTS, sync_to_thread=True, status_code=202, tags=["predictions"],
    summary="Predict all that is unclassified or predicted, as a job", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def predict_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ToPredict],
) -> Queued:
    """What the run shown now says of objects that the filter leaves out is carried over. Nobody sees the new run before
    it is complete; `/predictions/undo` shows the former one again."""
    account = actor(viewer)
    last = runs_made.remembered(project.settings)
    classifier_id = data.classifier_id or (last.classifier_id if last else None)
    if classifier_id is None:
        raise Refused("Nothing has predicted here yet: say which classifier, by its `classifier_id`.")
    if not 0 < classifier_id < LARGEST_ID:
        raise NotFound("There is no such classifier.")
    versions.find(db, viewer, classifier_id)
    filter = data.filter if data.filter is not None else ""
    return Queued(*runs_made.start_prediction(db, project, account.id, classifier_id, filter, data.publish))


@post(
    RUNS + "/file", opt=PREDICTS, status_code=202, request_max_body_size=MOST_FILE_BYTES, tags=["predictions"],
    summary="Bring predictions made elsewhere as a parquet file", responses=refusals(400, 403, 404, 409, 413),
)  # fmt: skip
async def bring_file_api(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    body: RawBody,
    title: FromQuery[str] = "",
    classifier: FromQuery[str] = "",
    version: FromQuery[int | None] = None,
    publish: FromQuery[bool] = True,
) -> Queued:
    """The body is the file: `object_id` or `orig_id`; `taxa` and `scores` as lists, or `taxon`, `score`, `taxon_2`, …
    as columns; `novelty` where it is known. Taxa are ids or names. `classifier` names what predicted, `version` which
    of it; the next one where it is left out. A file that cannot be taken in whole leaves nothing."""
    account = actor(viewer)
    wish = Wish(title, classifier, version, publish)
    folder = request.app.state.settings.home / "predictions"
    return await sync_to_thread(_keep, db, project, account.id, folder, bytes(body), wish)


def _keep(db: Db, project: Project, account_id: int, folder: Path, data: bytes, wish: Wish) -> Queued:
    outside_file.sweep(db, folder)
    path = folder / f"{uuid.uuid4()}.parquet"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(data)
    try:
        return Queued(*outside_file.start(db, project, account_id, path, wish))
    except Refused:
        path.unlink(missing_ok=True)
        raise


@get(
    RUNS + "/{run_id:int}", opt=VISITOR, sync_to_thread=True, tags=["predictions"],
    summary="A run, with its summary per taxon", responses=refusals(401, 404),
)  # fmt: skip
def read_run_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], run_id: FromPath[int]
) -> RunTold:
    """`n_confident` counts scores from `confident_from`; `n_novel` what is unlike the learning set, by `novel_from`.
    `score_cap` is null for who may not read all that taught the classifier."""
    actor(viewer)
    run = _run(db, project, run_id)
    row: Any = db.execute("select summary from run where id = %s", [run.id]).fetchone()
    summary = summaries.read(row.summary)
    return RunTold(run, summaries.veiled(summary) if is_closed(db, viewer, run.classifier_id) else summary)


@get(
    RUNS + "/{run_id:int}/objects", opt=VISITOR, sync_to_thread=True, tags=["predictions"],
    summary="What a complete run says of each object, page by page", responses=refusals(400, 401, 404),
)  # fmt: skip
def read_predictions_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run_id: FromPath[int],
    after: FromQuery[int] = 0,
    limit: FromQuery[int] = 10_000,
) -> Page:
    actor(viewer)
    if not 1 <= limit <= MOST_ROWS:
        raise Refused(f"limit is {limit}: ask for 1 to {MOST_ROWS:,} objects at once.")
    if not 0 <= after < 2**63:
        raise Refused("`after` is an object's id, as `next` gives it.")
    if not _run(db, project, run_id).is_complete:
        raise NotFound(f"Run {run_id} is not complete yet: nobody sees half a run.")
    return _page(db, project.id, run_id, after, limit)


def _page(db: Db, project_id: int, run_id: int, after: int, limit: int) -> Page:
    ids, *columns, novelty = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(taxon_id), array_agg(coalesce(taxon_2_id, 0)),
               array_agg(coalesce(taxon_3_id, 0)), array_agg(score), array_agg(coalesce(score_2, 0)),
               array_agg(coalesce(score_3, 0)), array_agg(coalesce(novelty, -1))
        from (
            select *
            from prediction
            where project_id = %s
              and run_id = %s
              and object_id > %s
            order by object_id
            limit %s
        ) as page
        """,
        [project_id, run_id, after, limit],
    )
    if ids is None:
        return Page([], [], [], [], None)
    taxa, scores = np.stack(columns[:3], 1), np.stack(columns[3:], 1).astype(np.float64).round(6)
    n = np.count_nonzero(taxa, axis=1).tolist()
    return Page(
        ids.tolist(),
        [row[:k] for row, k in zip(taxa.tolist(), n, strict=True)],
        [row[:k] for row, k in zip(scores.tolist(), n, strict=True)],
        [None if value < 0 else round(value, 6) for value in novelty.tolist()],
        int(ids[-1]) if len(ids) == limit else None,
    )


def _run(db: Db, project: Project, run_id: int) -> Run:
    """Of who may not predict, the run that is shown only."""
    found = outside.list_runs(db, project.id, run_id) if 0 < run_id < LARGEST_ID else []
    found = found if project.may(PREDICTS["role"]) else [run for run in found if run.is_shown]
    if not found:
        raise NotFound(f"This project has no run {run_id}.")
    return found[0]


routes = [predict_api, bring_file_api, read_run_api, read_predictions_api]
