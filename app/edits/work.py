"""The work of an edit or its undo: opened where it stands, done piece by piece, each piece in its own transaction."""

from typing import Any, Protocol

from app import database, search
from app.database import Db
from app.edits.label_wishes import WAYS
from app.edits.labels import LabelsBack, LabelsWork
from app.edits.predicted import PredictedWork
from app.edits.values import ValuesWork
from app.edits.values_back import ValuesBack
from app.errors import Conflict, NotFound
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.taxonomy.replaced import ReplacedBack, ReplacedWork

GONE = "The edit that this job works for is gone, with its project."


class Work(Protocol):
    """An edit as far as it got. `total` and `n_done` count things or labels."""

    total: int
    n_done: int

    def step(self) -> bool:
        """The next piece, in the caller's transaction; False where nothing is left."""

    def end(self, whole: bool) -> list[str]:
        """What it wrote is seen, also of one that was stopped and is not `whole`. Returns what is to be told."""


def open_work(db: Db, act_id: int) -> Work:
    act = _act(db, act_id)
    if act.kind == "undo_edit":
        of = _act(db, act.reverses)
        if of.detail["way"] == "replace":
            return ReplacedBack(db, act, of)
        return LabelsBack(db, act, of) if of.detail["way"] in WAYS else ValuesBack(db, act, of)
    if act.reversed_by is not None:
        raise Conflict("This edit was undone: it is not gone on with.")
    if act.detail["way"] == "replace":
        return ReplacedWork(db, act)
    if act.detail["way"] == "predicted":
        return PredictedWork(db, act)
    return LabelsWork(db, act) if act.detail["way"] in WAYS else ValuesWork(db, act)


def _act(db: Db, act_id: int) -> Any:
    row = db.execute(
        "select id, project_id, account_id, kind, at, reverses, reversed_by, detail from act where id = %s", [act_id]
    ).fetchone()
    if row is None:
        raise NotFound(GONE)
    return row


@job_body("edit")
def run(job: JobContext) -> None:
    """A killed job goes on after its last piece."""
    search.configure(job.settings)
    with database.connect(job.database_url) as db:
        work = open_work(db, job.args["act_id"])
        db.commit()
        more = True
        try:
            while more:
                job.progress(min(work.n_done, work.total), work.total, "values")
                more = work.step()
                db.commit()
            job.progress(work.total, work.total, "values")
        finally:
            db.rollback()
            for line in work.end(whole=not more):
                job.log(line)
            db.commit()
