"""Runs that nobody will go back to: out of sight at once, their rows removed by a job, some at a time."""

from collections.abc import Callable

from app import database
from app.database import Db
from app.errors import Conflict, NotFound
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue, is_active
from app.labels.acts import Labelled
from app.prediction import outside

KEPT_RUNS = 5  # by classifiers, beside the one shown: what an undo may go back to
CLEARED_ROWS = 100_000  # at once


@job_body("clear")
def run(job: JobContext) -> None:
    """Remove the rows of all runs of the project that were put out of sight."""
    removed = 0

    def tell(n: int) -> None:
        nonlocal removed
        removed += n
        job.progress(removed, None, "rows", "removing predictions")

    with database.connect(job.database_url, autocommit=True) as db:
        clear_removed(db, job.project_id or 0, tell)


def remove(db: Db, project: Labelled, account_id: int | None, run_id: int) -> None:
    """Put a run that is neither shown nor being made out of sight; a job removes it. Nobody waits for that."""
    row = outside.hold(db, project.id, run_id)
    if is_active(db, row.job_id):
        raise Conflict(f"Run {run_id} is being made by job {row.job_id}: wait for it, or cancel it first.")
    if db.execute("select 1 from project where id = %s and current_run_id = %s", [project.id, run_id]).fetchone():
        raise Conflict(f"Run {run_id} is what the project shows: take it back, or show another, before it is removed.")
    if taker := _carried_by(db, project.id, run_id):
        raise Conflict(f"Run {run_id} is being carried over into run {taker}: wait for its job, or cancel it first.")
    db.execute("update run set removed_at = now() where id = %s", [run_id])
    enqueue(db, "clear", "Remove predictions", project.id, account_id, {})


def _carried_by(db: Db, project_id: int, run_id: int) -> int | None:
    """The run being made that takes over what this one says."""
    row = db.execute(
        """
        select run.id
        from run
        join job on job.id = run.job_id
        where run.project_id = %s
          and run.completed_at is null
          and (run.summary ->> 'carries')::int = %s
          and job.status in ('queued', 'running')
        limit 1
        """,
        [project_id, run_id],
    ).fetchone()
    return row.id if row else None


def clear_old(db: Db, project_id: int, kept: int = KEPT_RUNS) -> int:
    """Remove runs by classifiers that nobody will go back to; returns how many. `db` in autocommit.

    The shown one stays, the one that it took the place of, what is being carried over, and the latest `kept` besides;
    of those that were never completed, the ones whose job goes on or ended today.
    """
    rows = db.execute(
        """
        select run.id
        from (
            select run.*, row_number() over (partition by run.completed_at is null order by run.id desc) as place
            from run
            join project on project.id = run.project_id
            where run.project_id = %(project)s
              and run.kind = 'classifier'
              and run.job_id is not null
              and run.removed_at is null
              and run.id is distinct from project.current_run_id
              and run.id not in (select replaced_run_id
                                 from run
                                 where id = project.current_run_id
                                   and replaced_run_id is not null)
        ) as run
        join job on job.id = run.job_id
        where job.status not in ('queued', 'running')
          and case when run.completed_at is null
                   then job.ended_at < now() - interval '1 day'
                   else run.place > %(kept)s
              end
        """,
        {"project": project_id, "kept": kept},
    ).fetchall()
    n = sum(_put_out_of_sight(db, project_id, row.id) for row in rows)
    clear_removed(db, project_id)
    return n


def _put_out_of_sight(db: Db, project_id: int, run_id: int) -> bool:
    """Whether a run may go, as it stands now: it may have been shown again, or become what an undo comes to."""
    with db.transaction():
        try:
            outside.hold(db, project_id, run_id)
        except NotFound:
            return False
        outside.shown(db, project_id)
        if _carried_by(db, project_id, run_id):
            return False
        changed = db.execute(
            """
            update run
            set removed_at = now()
            where id = %(run)s
              and not exists (select
                              from project
                              join run as shown on shown.id = project.current_run_id
                              where project.id = %(project)s
                                and %(run)s in (shown.id, shown.replaced_run_id))
            """,
            {"run": run_id, "project": project_id},
        )
        return changed.rowcount > 0


def clear_removed(db: Db, project_id: int, tell: Callable[[int], None] = lambda n: None) -> None:
    """Remove the runs that are out of sight: the rows first, so that whoever follows a killed job finds the run again.
    `db` in autocommit; `tell` is given how many rows each piece was."""
    rows = db.execute("select id from run where project_id = %s and removed_at is not null", [project_id]).fetchall()
    for row in rows:
        clear_rows(db, project_id, row.id, tell)
        db.execute("delete from run where id = %s", [row.id])


def drop(db: Db, project_id: int, run_id: int) -> None:
    """Remove a run that its own job gives up. `db` in autocommit."""
    db.execute("update run set removed_at = now() where project_id = %s and id = %s", [project_id, run_id])
    clear_removed(db, project_id)


def clear_rows(db: Db, project_id: int, run_id: int, tell: Callable[[int], None] = lambda n: None) -> None:
    """Remove a run's predictions in transactions of a second; `db` in autocommit. Two may do so at once."""
    after = 0
    while (up_to := _end(db, project_id, run_id, after)) is not None:
        deleted = db.execute(
            """
            delete from prediction
            where project_id = %s
              and run_id = %s
              and object_id > %s
              and object_id <= %s
            """,
            [project_id, run_id, after, up_to],
        )
        after = up_to
        tell(deleted.rowcount)


def _end(db: Db, project_id: int, run_id: int, after: int) -> int | None:
    """The last object of the next piece; None where no row is left."""
    row = db.execute(
        """
        select max(object_id) as up_to
        from (
            select object_id
            from prediction
            where project_id = %s
              and run_id = %s
              and object_id > %s
            order by object_id
            limit %s
        ) as piece
        """,
        [project_id, run_id, after, CLEARED_ROWS],
    ).fetchone()
    return row.up_to if row else None
