"""Runs one job from its beginning to whatever end it has, and writes that end down."""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg

from app import database
from app.database import Db
from app.errors import Refused
from app.jobs.bodies import find_body
from app.jobs.context import Cancelled, Interrupted, JobContext, Progress
from app.jobs.process import this_process
from app.jobs.queue import DEFER
from app.jobs.reporter import Reporter
from app.settings import Settings

log = logging.getLogger("shoal.jobs")

MOST_CRASHES = 10
# While the database restarts, the end of a job waits to be written.
DATABASE_BACK_S = 60.0


def claim(db: Db, job_id: int) -> Any | None:
    """Begin a waiting job, in the caller's transaction; None if it is no longer to be run."""
    return db.execute(
        """
        update job
        set status = 'running',
            started_at = coalesce(started_at, now()),
            seen_at = now(),
            worker = %s,
            attempts = attempts + 1,
            rate = null,
            message = '',
            error = ''
        where id = %s
          and status = 'queued'
        returning *
        """,
        [this_process(), job_id],
    ).fetchone()


def run_queued(job_id: int, settings: Settings, database_url: str, stopping: threading.Event) -> None:
    """What a worker does with a job it took from the queue. Nothing, if it was cancelled or is already over."""
    with database.connect(database_url) as db:
        row = claim(db, job_id)
    if row is not None:
        run_claimed(row, settings, database_url, stopping)


def run_claimed(
    row: Any,
    settings: Settings,
    database_url: str,
    stopping: threading.Event,
    listener: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> str:
    """Run the body of a job that was just claimed; returns the status it ended with ('queued': put back)."""
    job = JobContext(
        job_id=row.id,
        kind=row.kind,
        project_id=row.project_id,
        account_id=row.account_id,
        args=row.args,
        settings=settings,
        database_url=database_url,
        listener=listener,
        stopping=stopping,
        cancelled=cancelled or threading.Event(),
    )
    job.state = Progress(row.done, row.total, row.unit)
    with Reporter(job, row.attempts):
        status, error = _run_body(job)
        if status == "done":
            job.state = replace(job.state, message=job.last_word)
    _write_end(job, row.attempts, status, error)
    return status


def _run_body(job: JobContext) -> tuple[str, str]:
    """The status that the job ends with, and what went wrong."""
    try:
        find_body(job.kind)(job)
        return "done", ""
    except (Cancelled, KeyboardInterrupt):
        return "cancelled", ""
    except Interrupted:
        return "queued", ""
    except Refused as refusal:
        return "failed", refusal.sentence
    except psycopg.OperationalError as error:
        if _connection_lost(error):
            job.log(f"The database went away; the job goes on when it is back. ({error})")
            return "queued", "crash"
        return "failed", _unexpected(job, error)
    except Exception as error:
        return "failed", _unexpected(job, error)


def _connection_lost(error: psycopg.OperationalError) -> bool:
    """The server went away or shut down, as against a full disk or a lock that was not had."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def _unexpected(job: JobContext, error: Exception) -> str:
    log.exception("Job %s (%s) failed", job.job_id, job.kind)
    for line in "".join(traceback.format_exception(error)).splitlines():
        job.log(line)
    said = str(error).strip() or type(error).__name__
    return f"Something unforeseen happened: {said}. The log has the details; retry the job, it goes on where it was."


def _write_end(job: JobContext, attempt: int, status: str, error: str) -> None:
    deadline = time.monotonic() + DATABASE_BACK_S
    while True:
        try:
            with database.connect(job.database_url) as db:
                end(db, job.job_id, attempt, status, error)
            return
        except (psycopg.OperationalError, Refused):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def end(db: Db, job_id: int, attempt: int, status: str, error: str) -> None:
    """Write down how a run ended; 'queued' puts the job back, as a crash where `error` says so.

    Unless the job was meanwhile given to another worker: then this run has nothing more to say.
    """
    if status == "queued":
        put_back(db, [job_id], crashed=error == "crash", attempt=attempt)
        return
    db.execute(
        """
        update job
        set status = %s,
            error = %s,
            rate = null,
            seen_at = now(),
            ended_at = now()
        where id = %s
          and attempts = %s
          and status = 'running'
        """,
        [status, error, job_id, attempt],
    )


def put_back(db: Db, job_ids: list[int], *, crashed: bool, attempt: int | None = None) -> None:
    """Queue running jobs again, later each time their worker died; those asked to stop, or that kill, end here."""
    defer = DEFER.format(queueing_lock="null::text", at="now() + job.crashes * interval '2 seconds'")
    db.execute(
        f"""
        with back as (
            select id,
                   case when cancel_requested then 'cancelled'
                        when %(crashed)s and crashes + 1 >= %(most)s then 'failed'
                        else 'queued'
                   end as status
            from job
            where id = any(%(ids)s)
              and status = 'running'
              and (%(attempt)s::int is null or attempts = %(attempt)s)
            for update
        )
        update job
        set status = back.status,
            crashes = crashes + %(crashed)s::boolean::int,
            rate = null,
            ended_at = case when back.status = 'queued' then null else now() end,
            error = case when back.status = 'failed' then %(killer)s else '' end,
            procrastinate_id = case when back.status = 'queued' then {defer} else procrastinate_id end
        from back
        where job.id = back.id
        """,  # noqa: S608 - constants
        {
            "ids": job_ids,
            "crashed": crashed,
            "attempt": attempt,
            "most": MOST_CRASHES,
            "killer": f"The worker died {MOST_CRASHES} times while it ran this job, perhaps for want of memory. "
            "The server's own log may say why; retry the job when that is mended.",
        },
    )
