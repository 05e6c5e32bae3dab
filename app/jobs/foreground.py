"""Runs jobs in the process of a command, with a bar, instead of in a worker.

The job stands in the queue as any other, so that the same work is never done twice at once. If a worker has it already,
the command follows it; if the command is killed, a worker (or the same command again) goes on.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from app import database
from app.database import Db
from app.errors import Refused
from app.jobs import context, recovery
from app.jobs.queue import enqueue
from app.jobs.run import claim, run_claimed
from app.jobs.words import rate_text, time_span
from app.settings import Settings

POLL_S = 0.5


def run(
    settings: Settings,
    database_url: str,
    kind: str,
    title: str,
    project_id: int | None,
    account_id: int | None,
    args: dict[str, Any],
    lock: str | None = None,
) -> int:
    """Queue a job and run it here to its end; returns its id. Refused, with its sentence, where it failed."""
    with database.connect(database_url) as db:
        recovery.recover(db)
        db.commit()
        job_id = enqueue(db, kind, title, project_id, account_id, args, lock)
    run_waiting(settings, database_url, job_id)
    return job_id


def drain(settings: Settings, database_url: str, project_id: int) -> list[int]:
    """Run here all that waits for a project, and what that queues in turn (import, then embed, then index)."""
    ran: list[int] = []
    while True:
        with database.connect(database_url) as db:
            row = db.execute(
                """
                select id
                from job
                where project_id = %s
                  and status in ('queued', 'running')
                order by id
                limit 1
                """,
                [project_id],
            ).fetchone()
        if row is None:
            return ran
        run_waiting(settings, database_url, row.id)
        ran.append(row.id)


def run_waiting(settings: Settings, database_url: str, job_id: int, stopping: threading.Event | None = None) -> None:
    """Run a queued job here, or follow it where a worker has it, and tell its last word; Refused if it does not end
    well.

    Jobs with the same lock that it has to wait for come first: where no worker is, nobody else would run them.
    A command that listens to Ctrl+C itself says so by `stopping`; it gets no bar.
    """
    for earlier in _before(database_url, job_id):
        with suppress(Refused):
            run_waiting(settings, database_url, earlier, stopping)
    listening = _ctrl_c() if stopping is None else nullcontext(stopping)
    with _bar(stopping is None) as bar, database.connect(database_url) as db, listening as stop:
        row = _take_or_follow(db, job_id, bar, stop)
        if row is not None:
            run_claimed(row, settings, database_url, threading.Event(), _listener(bar, row.title), stop)
        ended = _read(db, job_id)
    _check_end(ended, ran_here=row is not None, stopped=stop.is_set())


def _before(database_url: str, job_id: int) -> list[int]:
    """The jobs that this one's lock makes it wait for: by the queue's own numbers, since of two that were asked for at
    the same moment the later job may stand first there."""
    with database.connect(database_url) as db:
        rows = db.execute(
            """
            select earlier.id
            from job
            join job as earlier on earlier.lock = job.lock
            where job.id = %s
              and (earlier.priority > job.priority
                   or earlier.priority = job.priority and earlier.procrastinate_id < job.procrastinate_id)
              and earlier.status = 'queued'
            order by earlier.priority desc, earlier.procrastinate_id
            """,
            [job_id],
        ).fetchall()
    return [row.id for row in rows]


def _take_or_follow(db: Db, job_id: int, bar: Progress, stop: threading.Event) -> Any | None:
    """The job, begun here; or None once it has ended elsewhere, or the person stops waiting for it."""
    task = None
    while not stop.is_set():
        row = _take(db, job_id)
        if row is not None:
            if task is not None:
                bar.remove_task(task)
            return row
        row = _read(db, job_id)
        if row.status not in ("queued", "running"):
            return None
        task = bar.add_task(row.title, how_far="") if task is None else task
        where = "in a worker" if row.status == "running" else "waits for its turn"
        _show(bar, task, context.Progress(row.done, row.total, row.unit, row.rate, row.message or where))
        recovery.recover(db)
        db.commit()
        stop.wait(POLL_S)
    return None


def _take(db: Db, job_id: int) -> Any | None:
    """Fetch and begin this very job, in one transaction; None if somebody has it, or has its lock."""
    queue = f"command:{job_id}"
    db.execute(
        """
        update procrastinate_jobs
        set queue_name = %s
        from job
        where job.id = %s
          and procrastinate_jobs.id = job.procrastinate_id
          and procrastinate_jobs.status = 'todo'
        """,
        [queue, job_id],
    )
    fetched = db.execute("select id from procrastinate_fetch_job_v2(%s, null)", [[queue]]).fetchone()
    row = claim(db, job_id) if fetched and fetched.id else None
    if row is None:
        db.rollback()
    db.commit()
    return row


def _read(db: Db, job_id: int) -> Any:
    row = db.execute("select * from job where id = %s", [job_id]).fetchone()
    db.commit()
    if row is None:
        raise Refused("The job is gone: its project was deleted meanwhile.")
    return row


def _check_end(ended: Any, *, ran_here: bool, stopped: bool) -> None:
    if ended.status == "done":
        if ended.message:
            click.echo(ended.message, err=True)
        return
    if ended.status == "failed":
        raise Refused(f"{ended.title}: {ended.error}", job_id=ended.id)
    if stopped and not ran_here and ended.status != "cancelled":
        raise Refused(f"No longer followed. Job {ended.id} goes on in its worker: see /jobs/{ended.id}.")
    raise Refused(
        f"{ended.title}: stopped. What was done is kept. Run the same command again, or press Retry on "
        f"/jobs/{ended.id}, and it goes on from there.",
        job_id=ended.id,
    )


def _bar(is_shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[how_far]}"),
        console=Console(stderr=True),
        disable=not is_shown,
    )


def _listener(bar: Progress, title: str) -> Callable[[context.Progress], None]:
    task = bar.add_task(title, total=None, how_far="")
    return lambda state: _show(bar, task, state)


def _show(bar: Progress, task: TaskID, state: context.Progress) -> None:
    bar.update(task, completed=state.done, total=state.total, how_far=how_far(state))


def how_far(state: context.Progress) -> str:
    """Done and to do, rate, and time left: what stands behind the bar."""
    parts = []
    if state.done or state.total:
        of = f" of {state.total:,}" if state.total else ""
        parts.append(f"{state.done:,}{of} {state.unit}".replace(",", " ").strip())
    if state.rate:
        parts.append(rate_text(state.rate, state.unit))
    if state.rate and state.total and state.done < state.total:
        parts.append(f"{time_span((state.total - state.done) / state.rate)} left")
    if state.message and not state.rate:
        parts.append(state.message)
    return ", ".join(parts)


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """The first Ctrl+C (or SIGTERM) asks the body to stop where it may; the second stops it where it is."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
