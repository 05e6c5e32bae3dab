"""Puts jobs into the queue, inside the caller's transaction, and takes them out of it."""

from contextlib import suppress
from typing import Any

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound

# The queue's own row for a job, through procrastinate's function: it exists once the transaction commits.
# A stalled job that goes back in takes no queueing lock: a twin may already be waiting, and they take turns anyway.
DEFER = """(procrastinate_defer_jobs_v1(array[row(
    job.queue,
    'run_job',
    job.priority,
    job.lock,
    {queueing_lock},
    jsonb_build_object('job_id', job.id),
    {at}
)::procrastinate_job_to_defer_v1]))[1]"""
ATTEMPTS = 20
UNASKED = -1  # the priority of what nobody asked for: it waits for all that somebody did
ONCE = "concat_ws(':', job.kind, job.project_id, md5(job.args::text))"


def enqueue(
    db: Db,
    kind: str,
    title: str,
    project_id: int | None,
    account_id: int | None,
    args: dict[str, Any],
    lock: str | None = None,
    priority: int = 0,
) -> int:
    """Queue a job in the caller's transaction and return its id.

    Jobs with the same lock run one after the other; by default those of one kind in one project do. Of those that wait
    the highest priority is begun first. The same work is not queued twice: while it still waits, its id is returned,
    and it starts no earlier than this transaction ends.
    """
    lock = lock or (f"{kind}:{project_id}" if project_id else None)
    for _ in range(ATTEMPTS):
        waiting = _waiting(db, kind, project_id, args)
        if waiting is not None:
            return waiting
        # A violation: somebody queued the same a moment ago, and has committed since. Look again.
        with suppress(UniqueViolation), db.transaction():
            return _insert(db, kind, title, project_id, account_id, args, lock, priority)
    raise Conflict(f"{title}: the same was being queued by others over and over. Try again.")


def _waiting(db: Db, kind: str, project_id: int | None, args: dict[str, Any]) -> int | None:
    """The same job where it waits, held so that it cannot begin before our changes are visible to it."""
    row = db.execute(
        """
        select id
        from job
        where kind = %s
          and project_id is not distinct from %s
          and args = %s
          and status = 'queued'
        order by id
        limit 1
        for update
        """,
        [kind, project_id, Jsonb(args)],
    ).fetchone()
    return row.id if row else None


def _insert(
    db: Db,
    kind: str,
    title: str,
    project_id: int | None,
    account_id: int | None,
    args: dict[str, Any],
    lock: str | None,
    priority: int,
) -> int:
    row = db.execute(
        """
        insert into job (kind, title, project_id, account_id, args, lock, priority)
        values (%s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [kind, title, project_id, account_id, Jsonb(args), lock, priority],
    ).fetchone()
    defer = DEFER.format(queueing_lock=ONCE, at="null")
    db.execute(f"update job set procrastinate_id = {defer} where id = %s", [row.id])  # noqa: S608 - constants
    return row.id


def cancel(db: Db, job_id: int) -> str:
    """Stop a job: at once while it waits, else as soon as its body hears of it. Returns its status now."""
    row = db.execute(
        """
        update job
        set cancel_requested = true,
            status = case status when 'queued' then 'cancelled' else status end,
            ended_at = case status when 'queued' then now() else ended_at end
        where id = %s
          and status in ('queued', 'running')
        returning status, procrastinate_id
        """,
        [job_id],
    ).fetchone()
    if row is None:
        raise Conflict("This job has ended already: there is nothing to cancel.")
    if row.status == "cancelled":
        db.execute("delete from procrastinate_jobs where id = %s and status = 'todo'", [row.procrastinate_id])
    return row.status


def retry(db: Db, job_id: int, account_id: int | None) -> int:
    """Queue a failed or cancelled job again as a new one with the same arguments. Returns the new job's id."""
    row = db.execute("select * from job where id = %s", [job_id]).fetchone()
    if row is None:
        raise NotFound("This job does not exist any more.")
    if row.status not in ("failed", "cancelled"):
        raise Conflict("Only a job that failed or was cancelled can be tried again.")
    return enqueue(db, row.kind, row.title, row.project_id, account_id, row.args, row.lock)


def is_active(db: Db, job_id: int | None) -> bool:
    """Whether a job waits or runs."""
    row = db.execute("select 1 from job where id = %s and status in ('queued', 'running')", [job_id]).fetchone()
    return row is not None
