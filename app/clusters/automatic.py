"""Cards that nobody has to ask for: of the first objects that have a vector, and of all of them once embedding ends."""

from pathlib import Path
from typing import Protocol

from app import database
from app.clusters import job, runs
from app.clusters.cards import Board
from app.clusters.runs import UNLABELLED, Run
from app.clusters.told import progress
from app.database import Db
from app.search.mirror import open_mirror

FIRST = 2000  # objects; images are embedded in no order, so these are a random sample
FEWEST_ARRIVED, ARRIVED_SHARE = 20, 0.1  # objects without a card, and their share of those in cards, worth new ones
LATE = 20_000  # objects; cutting more takes longer than those who wait for the vectors should wait


class Report(Protocol):
    """Of a job's context, what is needed where its progress is that of other work."""

    def log(self, line: str) -> None: ...
    def checkpoint(self) -> None: ...


class Quiet:
    """Stops where the job shall stop, and says nothing of how far it is."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        self.report.checkpoint()

    def log(self, line: str) -> None:
        self.report.log(line)

    def checkpoint(self) -> None:
        self.report.checkpoint()


def begin(url: str, home: Path, project_id: int, report: Report, n_written: int = 0) -> bool:
    """Cut what has a vector now, in the job that embeds, which has written so many; False: ask again when more are
    there. Where there are cards already, only what is more than is left in them makes new ones."""
    with database.connect(url) as db:
        # No job of its own: the only worker is busy with this one.
        run = runs.latest(db, project_id, UNLABELLED)
        if run is not None and run.state == "complete":
            if n_written < FIRST:
                return False
            n_arrived, n_left = _arrived(db, run)
            run = None if n_arrived > n_left else run
        if _n_to_cut(db, project_id) > LATE:
            return True
        run = run or runs.make(db, project_id, None)
    # Killed before its cards were there, it is begun again.
    if run.state == "asked" and run.job_id is None:
        job.cut(url, home, run, Quiet(report), complete=False)
    return True


def complete(db: Db, project_id: int, account_id: int | None) -> int | None:
    """Have the cards that were begun cut anew of everything, or the first ones made, or those anew to which much has
    come since; returns the job's id."""
    run = runs.latest(db, project_id, UNLABELLED)
    if run is None:
        return runs.ask(db, project_id, account_id).job_id
    if run.state == "complete":
        n_arrived, n_left = _arrived(db, run)
        is_due = n_arrived >= max(FEWEST_ARRIVED, ARRIVED_SHARE * n_left)
    else:
        is_due = run.state == "begun" or run.job_id is None
    return runs.queue(db, run).job_id if is_due else None


def _arrived(db: Db, run: Run) -> tuple[int, int]:
    """How many objects of a run's filter stand in none of its cards, and how many do."""
    board = Board(db, run)
    return progress(db, run, board).n_arrived, board.n_objects_left


def _n_to_cut(db: Db, project_id: int) -> int:
    """At most so many objects would be cut now: neither more than are unlabelled, nor than have a vector."""
    row = db.execute(
        """
        select count(*) as n
        from project
        join object_vector on object_vector.embedder_id = project.embedder_id
                          and object_vector.project_id = project.id
        where project.id = %s
        """,
        [project_id],
    ).fetchone()
    filter = runs.filter_of(db, project_id, UNLABELLED, None)
    return min(row.n, open_mirror(db, project_id).count(db, filter))
