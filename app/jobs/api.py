"""Jobs for programs, under /api/v1."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from app.accounts.viewer import Viewer
from app.database import Db
from app.jobs import queries
from app.jobs.queue import cancel, retry
from app.openapi import refusals

Status = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class JobAnswer:
    """A job: how far it is, in `unit`, and what went wrong where it failed."""

    id: int
    kind: str
    title: str
    status: Status
    project_id: int | None
    author: str | None
    done: int
    total: int | None
    unit: str
    rate_per_second: float | None
    seconds_left: float | None
    message: str
    error: str
    may_steer: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def answer(job: queries.SeenJob) -> JobAnswer:
    return JobAnswer(
        id=job.id,
        kind=job.kind,
        title=job.title,
        status=job.status,
        project_id=job.project_id,
        author=job.author,
        done=job.done,
        total=job.total,
        unit=job.unit,
        rate_per_second=job.rate,
        seconds_left=job.seconds_left,
        message=job.message,
        error=job.error,
        may_steer=job.may_steer,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
    )


@get("/jobs", tags=["jobs"], responses=refusals(401), sync_to_thread=True)
def list_jobs(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    status: FromQuery[Status | None] = None,
    before: FromQuery[int | None] = None,
    kind: FromQuery[str | None] = None,
    project_id: FromQuery[int | None] = None,
) -> list[JobAnswer]:
    """The jobs that you may see: those that wait or run, then up to 50 ended ones, newest first (before `before`)."""
    wanted = queries.Wanted(status, kind, project_id)
    active = queries.list_active(db, viewer, wanted) if before is None else []
    ended = [] if status in queries.ACTIVE else queries.list_ended(db, viewer, wanted, before)
    return [answer(job) for job in active + ended]


@get("/jobs/{job_id:int}", tags=["jobs"], responses=refusals(401, 404), sync_to_thread=True)
def read_job(db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> JobAnswer:
    """One job."""
    return answer(queries.find_job(db, viewer, job_id))


@get("/jobs/{job_id:int}/log", tags=["jobs"], responses=refusals(401, 404), sync_to_thread=True)
def read_log(db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> list[queries.LogLine]:
    """The last 500 lines of a job's log, oldest first."""
    return queries.list_log(db, queries.find_job(db, viewer, job_id).id)


@post(
    "/jobs/{job_id:int}/cancel",
    tags=["jobs"],
    responses=refusals(401, 403, 404, 409),
    sync_to_thread=True,
    status_code=200,
)
def cancel_job(db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> JobAnswer:
    """Stop a job: at once while it waits, within a few seconds while it runs."""
    cancel(db, queries.steerable_job(db, viewer, job_id).id)
    return answer(queries.find_job(db, viewer, job_id))


@post("/jobs/{job_id:int}/retry", tags=["jobs"], responses=refusals(401, 403, 404, 409), sync_to_thread=True)
def retry_job(db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> JobAnswer:
    """Queue a failed or cancelled job again; the answer is the new job."""
    again = retry(db, queries.steerable_job(db, viewer, job_id).id, viewer.account_id)
    return answer(queries.find_job(db, viewer, again))


routes = [list_jobs, read_job, read_log, cancel_job, retry_job]
