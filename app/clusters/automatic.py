"""Cards that nobody has to ask for: of the first objects that have a vector, and of all of them once embedding ends."""

from pathlib import Path
from typing import Protocol

from app import database
from app.clusters import job, runs
from app.database import Db

FIRST = 2000  # objects; images are embedded in no order, so these are a random sample
LATE = 20_000  # objects; cutting more takes longer than those who wait for the vectors should wait


class Report(Protocol):
    """Of a job's context, what is needed where its progress is that of other work."""

    def checkpoint(self) -> None: ...


class _Quiet:
    """Stops where the job shall stop, and says nothing of how far it is."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        self.report.checkpoint()


def begin(url: str, home: Path, project_id: int, report: Report) -> None:
    """Cut what has a vector now, in the job that embeds; nothing where the project has had cards before."""
    with database.connect(url) as db:
        # No job of its own: the only worker is busy with this one.
        run = runs.latest(db, project_id) or runs.make(db, project_id, None)
    # Killed before its cards were there, it is begun again.
    if run.state == "asked" and run.job_id is None:
        job.cut(url, home, run, _Quiet(report), complete=False)


def complete(db: Db, project_id: int, account_id: int | None) -> int | None:
    """Have the cards that were begun cut anew of everything, or the first ones made; returns the job's id."""
    run = runs.latest(db, project_id)
    if run is None:
        return runs.ask(db, project_id, account_id).job_id
    is_due = run.state == "begun" or (run.state == "asked" and run.job_id is None)
    return runs.queue(db, run).job_id if is_due else None
