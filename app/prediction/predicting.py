"""The job that predicts: a classifier says of every unclassified or predicted object what it is, into a run of its own.

The run is written in pieces, by COPY, each in a short transaction that also says how far the run reaches: a killed job
goes on after the last one. Nobody sees the run before all of it is there; then one pointer shows it, where that was
asked. What the run shown before says of other objects is carried over piece by piece.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from app import database, search
from app.classifiers import versions
from app.database import Db
from app.errors import Conflict, NotFound
from app.jobs.bodies import job_body
from app.jobs.context import Interrupted, JobContext
from app.nouns import counted
from app.prediction import clearing, novel, outside, outside_file, pieces, runs_made
from app.prediction.pieces import Rows
from app.prediction.renamed import Renamed, by_choices, merged, renamed
from app.search.codes import DUBIOUS, VALIDATED
from app.search.mirror import Mirror, open_mirror
from app.search.vector_ids import vector_ids

PIECE = 20_000  # objects: a transaction of a second
PASSED = 100_000  # objects, of which few or none are predicted and all may be carried over: likewise
LAST_ID = 2**63 - 1


@dataclass(frozen=True)
class Plan:
    """What a job has to do: `ids`, int64 ascending, are still to be predicted; `n_before` were by a killed one."""

    run: Any
    classifier: Any
    model: Any
    limits: novel.Limits
    mirror: Mirror
    columns: list[np.ndarray]
    dimension: int
    ids: np.ndarray
    n_before: int
    renamed: Renamed
    told: dict[str, float]
    former_id: int | None
    reached: int


@job_body("predict")
def run(job: JobContext) -> None:
    """Make the run of the argument `run_id`, or take it in from the `file` where one is given."""
    if "file" in job.args:
        outside_file.take_in(job)
        return
    search.configure(job.settings)
    project_id, run_id = job.project_id or 0, int(job.args["run_id"])
    start = time.monotonic()
    with database.connect(job.database_url, autocommit=True) as db:
        asked = runs_made.made_by(db, project_id, run_id, job.job_id)
        if asked is None:
            job.log("The run was removed meanwhile: there is nothing to do.")
            return
        if asked.completed_at is not None:
            job.log("The run is complete.")
            return
        cleared = clearing.clear_old(db, project_id)
        if cleared:
            job.log(f"Old runs removed: {cleared}. The shown one, the one before it and the latest few stay.")
        plan = _plan(db, job, asked)
        _predict(db, job, plan)
        pieces.settle(db, project_id, run_id)
        _end(db, job, plan, round(time.monotonic() - start, 1))


def _end(db: Db, job: JobContext, plan: Plan, seconds: float) -> None:
    """Complete and shown at once, so that a job killed just now does neither or both."""
    _check_rights(db, job, plan.run.id)
    limits, project_id, run_id = plan.limits, job.project_id or 0, plan.run.id
    with db.transaction():
        told = plan.told | {"novel_from": limits.novel_from, "score_cap": limits.cap, "seconds": seconds}
        runs_made.complete(db, project_id, run_id, **told)
        if plan.run.config.get("publish"):
            _publish(db, job, run_id)


def _plan(db: Db, job: JobContext, asked: Any) -> Plan:
    """What is left to do, as labels stand now."""
    project = _project(db, job.project_id or 0)
    classifier = runs_made.find_classifier(db, project, asked.classifier_id or 0)
    _check_rights(db, job, asked.id)
    model = versions.open_model(job.settings, classifier)
    mirror = open_mirror(db, project.id)
    filter = runs_made.filter_of(db, project.id, asked.config.get("filter", ""), asked.account_id)
    wanted = mirror.ids[runs_made.predictable(db, mirror, filter)]
    ids = wanted[np.isin(wanted, vector_ids(db, classifier.embedder_id, project.id), assume_unique=True)]
    if len(wanted) and not len(ids):
        runs_made.check_vectors(db, project, classifier, wanted)
    limits = novel.limits_of(db, classifier.id, classifier.report)
    told: dict[str, float] = {
        "n_labelled": int(np.count_nonzero((mirror.status == VALIDATED) | (mirror.status == DUBIOUS))),
        "n_without_vector": len(wanted) - len(ids),
    }
    if told["n_without_vector"]:
        job.conclude(
            f"{counted(told['n_without_vector'], 'object has', 'objects have')} no vector of {classifier.embedder}"
            " and are left out."
        )
    reached = int(asked.summary.get("reached", 0))
    left = ids[ids > reached]
    return Plan(
        asked, classifier, model, limits, mirror, pieces.read_columns(db, mirror, model.columns),
        _dimension(db, classifier.embedder_id), left, len(ids) - len(left), renamed(db, classifier.taxa), told,
        _former(db, job, asked), reached,
    )  # fmt: skip


def _check_rights(db: Db, job: JobContext, run_id: int) -> None:
    """Forbidden where who asked may not read (any more) all that the run's classifier learned from: that may have
    changed while the job waited, or ran. A command, which has no account, may."""
    row: Any = db.execute("select classifier_id from run where id = %s", [run_id]).fetchone()
    if job.account_id is not None and row is not None and row.classifier_id is not None:
        versions.check_sources(db, row.classifier_id, job.account_id)


def _project(db: Db, project_id: int) -> Any:
    row = db.execute(
        "select id, status, embedder_id, current_run_id from project where id = %s", [project_id]
    ).fetchone()
    if row is None:
        raise NotFound("The project does not exist any more.")
    return row


def _dimension(db: Db, embedder_id: int) -> int:
    row: Any = db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone()
    return int(row.dimension)


def _former(db: Db, job: JobContext, asked: Any) -> int | None:
    """The run shown when this one began: what it says of other objects is carried over, even after a restart."""
    row: Any = db.execute(
        """
        update run
        set summary = jsonb_build_object('carries', project.current_run_id) || summary
        from project
        where project.id = run.project_id
          and run.id = %s
        returning (summary ->> 'carries')::int as carries
        """,
        [asked.id],
    ).fetchone()
    if row.carries is not None:
        _check_there(db, row.carries)
    former: int | None = row.carries
    return former


def _check_there(db: Db, run_id: int) -> None:
    if db.execute("select from run where id = %s and removed_at is null", [run_id]).fetchone() is None:
        raise Conflict(
            f"Run {run_id}, whose predictions were being carried over, was removed meanwhile. Ask for a new prediction."
        )


def _predict(db: Db, job: JobContext, plan: Plan) -> None:
    """Every piece that is left; the last one reaches to the end of all ids."""
    n, start, after = len(plan.ids), 0, plan.reached
    for up_to in _ends(plan):
        part = plan.ids[start : np.searchsorted(plan.ids, up_to, "right")]
        job.progress(plan.n_before + start, plan.n_before + n, "objects", "predicting")
        rows = _rows(db, job, plan, part) if len(part) else None
        _write(db, job, plan, rows, after, up_to)
        start, after = start + len(part), up_to
    job.progress(plan.n_before + n, plan.n_before + n, "objects", "counting")


def _ends(plan: Plan) -> list[int]:
    """How far each piece reaches: none predicts or passes so many that its transaction would last."""
    passed = plan.mirror.ids[PASSED - 1 :: PASSED]
    ends = np.union1d(plan.ids[PIECE - 1 :: PIECE], passed[passed > plan.reached])
    return [*ends.tolist(), LAST_ID]


def _rows(db: Db, job: JobContext, plan: Plan, part: np.ndarray) -> Rows | None:
    """What the classifier says of some objects, no surer of the novel ones than such objects bore out."""
    ids, vectors = pieces.read_vectors(db, job.project_id or 0, plan.classifier.embedder_id, part, plan.dimension)
    if not len(ids):
        return None
    predicted = plan.model.predict(vectors, pieces.columns_of(plan.columns, plan.mirror.ordinals(ids)))
    told = predicted.taxa[0] > 0  # of fewer than three taxa there are fewer choices
    taxa, scores = merged(plan.renamed.now(predicted.taxa[:, told]), predicted.scores[:, told])
    novelty = np.nan_to_num(predicted.novelty, nan=1.0)
    return Rows(ids, taxa, novel.capped(scores, novelty, plan.limits), novelty)


def _write(db: Db, job: JobContext, plan: Plan, rows: Rows | None, after: int, up_to: int) -> None:
    """One piece, with how far the run reaches by it. Interrupted where another worker, who took this one for dead, has
    written it already."""
    project_id, run_id = job.project_id or 0, plan.run.id
    with db.transaction():
        held = outside.hold(db, project_id, run_id)
        if held.completed_at is not None or int(held.summary.get("reached", 0)) != after:
            raise Interrupted
        for some in by_choices(rows) if rows is not None else ():
            pieces.write_rows(db, project_id, run_id, some)
        carried = pieces.carry_over(db, project_id, run_id, plan.former_id, after, up_to)
        db.execute(
            """
            update run
            set summary = summary || jsonb_build_object('reached', %s::bigint),
                n_predictions = n_predictions + %s
            where id = %s
            """,
            [up_to, carried + (len(rows.ids) if rows is not None else 0), run_id],
        )


def _publish(db: Db, job: JobContext, run_id: int) -> None:
    """Show the run; where the project takes no predictions any more, it waits for a manager."""
    try:
        with db.transaction():
            outside.show(db, _project(db, job.project_id or 0), run_id)
    except Conflict as conflict:
        job.log(f"The run is complete, and not shown: {conflict.sentence}")
