"""The job that measures what a project takes on disk."""

from typing import Any

from app import database
from app.database import Db
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.keeping import disk

KIND = "disk"


def ask(db: Db, project_id: int, account_id: int | None) -> int:
    """Queue the measuring of a project; the job's id."""
    return enqueue(db, KIND, "Measure what the project takes on disk", project_id, account_id, {})


def latest(db: Db, project_id: int) -> Any:
    """The latest measuring of a project, at work or ended."""
    return db.execute(
        """
        select id, status, done, total, error
        from job
        where project_id = %s
          and kind = %s
        order by id desc
        limit 1
        """,
        [project_id, KIND],
    ).fetchone()


@job_body(KIND)
def run(job: JobContext) -> None:
    """Measure the job's project. Begun again, it begins anew: it takes seconds for a million images."""
    with database.connect(job.database_url, autocommit=True) as db:
        disk.measure(job.settings, db, job.project_id or 0, lambda done, total: job.progress(done, total, "images"))
