"""Finds the jobs of dead workers and queues them again.

A job is known to be abandoned at once if its process was on this machine, and after half a minute without a sign of
life if it was on another. It follows what procrastinate's manual says about stalled jobs, with our own job table as the
truth, since only that knows how far a job was and whether somebody wants it to stop.
"""

from app.database import Db
from app.jobs.process import is_dead
from app.jobs.run import put_back

STALLED_AFTER_S = 30.0
# Any number will do, as long as every Shoal takes the same.
LOCK = 7_465_002


def recover(db: Db) -> list[int]:
    """Queue abandoned jobs again, in the caller's transaction; returns their ids. One process at a time does it."""
    if not db.execute("select pg_try_advisory_xact_lock(%s) as mine", [LOCK]).fetchone().mine:
        return []
    abandoned = stalled(db)
    if abandoned:
        _leave_queue(db, abandoned)
        put_back(db, abandoned, crashed=True)
    _clear_queue(db)
    return abandoned


def stalled(db: Db) -> list[int]:
    """The running jobs whose process is gone."""
    running = db.execute("select distinct worker from job where status = 'running'").fetchall()
    rows = db.execute(
        """
        select id
        from job
        where status = 'running'
          and (seen_at < now() - make_interval(secs => %s) or worker = any(%s))
        order by id
        """,
        [STALLED_AFTER_S, [row.worker for row in running if is_dead(row.worker)]],
    )
    return [row.id for row in rows]


def _leave_queue(db: Db, job_ids: list[int]) -> None:
    """Take the dead run's row out of the queue: while it stood there, its lock was held."""
    db.execute(
        """
        delete from procrastinate_jobs
        using job
        where job.id = any(%s)
          and procrastinate_jobs.id = job.procrastinate_id
        """,
        [job_ids],
    )


def _clear_queue(db: Db) -> None:
    """What a worker had taken and not begun goes back; what it had ended and not cleared away goes."""
    db.execute(
        """
        with dead as (
            select taken.id, job.id as job_id
            from procrastinate_jobs taken
            left join procrastinate_workers worker on worker.id = taken.worker_id
            left join job on job.procrastinate_id = taken.id and job.status in ('queued', 'running')
            where taken.status = 'doing'
              and coalesce(worker.last_heartbeat < now() - make_interval(secs => %s), true)
              and job.status is distinct from 'running'
            for update of taken
        ),
        cleared as (
            delete from procrastinate_jobs
            using dead
            where procrastinate_jobs.id = dead.id
              and dead.job_id is null
        )
        select procrastinate_retry_job_v2(dead.id, now(), null, null, null)
        from dead
        where dead.job_id is not null
        """,
        [STALLED_AFTER_S],
    )
