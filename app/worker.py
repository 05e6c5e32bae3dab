"""The worker process: takes jobs from the queue, answers questions, and looks after what has to be looked after."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from functools import partial

import procrastinate
import psycopg
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException

from app import database
from app.errors import Refused
from app.jobs import questions, recovery, run, upkeep
from app.settings import Settings, load_settings

log = logging.getLogger("shoal.worker")

HEARTBEAT_S = 10.0
RECOVERY_S = 5.0
# A job that hears of the end puts itself back. One that computes on is cut off then, and taken up again later.
STOP_WITHIN_S = 10.0
AGAIN_AFTER_S = 3.0
# Jobs may fill the cores, one at a time; questions must not wait for them, nor may recovery and the chores.
QUEUES = {"default": 1, "question": 2}


def work(settings: Settings, *, stop_with_parent: bool = False) -> None:
    """Work until a signal (or the end of the parent's pipe on stdin) says to stop. Survives the database's absence."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It tells of every chore every minute.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("faiss").setLevel(logging.WARNING)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    if stop_with_parent:
        threading.Thread(target=_watch_parent, args=[stopping], daemon=True).start()
    told = ""
    while not stopping.is_set():
        try:
            url = database.open_database(settings, make=False)
            _refuse_old_tables(url)
            told = ""
            asyncio.run(_work_on(url, settings, stopping))
        except (Refused, psycopg.OperationalError, ConnectorException) as error:
            if str(error) != told:
                log.warning("No work for now: %s Trying again every %.0f seconds.", error, AGAIN_AFTER_S)
            told = str(error)
        stopping.wait(AGAIN_AFTER_S)


def _watch_parent(stopping: threading.Event) -> None:
    """The parent never writes: what ends the reading is its death, however sudden."""
    # Not sys.stdin: the interpreter could not close that while this thread waits in it.
    while os.read(0, 1):
        pass
    stopping.set()


def _refuse_old_tables(url: str) -> None:
    with database.connect(url, autocommit=True) as db:
        waiting = database.pending(db)
    if waiting:
        raise Refused(f"The database lacks {waiting[0].name}: run `shoal upgrade`, or start `shoal serve`.")


async def _work_on(url: str, settings: Settings, stopping: threading.Event) -> None:
    jobs, chores = job_queue(url, settings, stopping), chore_queue(url, settings)
    async with jobs.open_async(), chores.open_async():
        loops = [_loop(jobs, [name], concurrency) for name, concurrency in QUEUES.items()]
        loops.append(_loop(chores, ["chore"], 1))
        tasks = [asyncio.create_task(loop) for loop in loops]
        tasks.append(asyncio.create_task(_recover_now_and_then(url)))
        await _until_stopped(tasks, stopping)


def _loop(app: procrastinate.App, queues: list[str], concurrency: int) -> Coroutine[None, None, None]:
    return app.run_worker_async(
        queues=queues,
        concurrency=concurrency,
        # Jobs' ends are kept in our own table; the queue holds what is still to be done.
        delete_jobs="always",
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=recovery.STALLED_AFTER_S,
        fetch_job_polling_interval=2.0,
    )


async def _until_stopped(tasks: list[asyncio.Task[None]], stopping: threading.Event) -> None:
    """Ends all loops once one ends (the database went away) or the process is told to stop."""
    try:
        while not stopping.is_set() and not any(task.done() for task in tasks):
            await asyncio.sleep(0.1)
        failed = [task for task in tasks if task.done()]
        for task in failed:
            task.result()
    finally:
        if stopping.is_set():
            _exit_if_late()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _exit_if_late() -> None:
    def cut_off() -> None:
        log.warning("A job did not stop within %.0f s: it is cut off, and taken up again by a worker.", STOP_WITHIN_S)
        os._exit(0)

    timer = threading.Timer(STOP_WITHIN_S, cut_off)
    timer.daemon = True
    timer.start()


async def _recover_now_and_then(url: str) -> None:
    """No job of the queue itself: it must run while the only worker is busy, and when all of them were killed."""
    while True:
        for job_id in await asyncio.to_thread(_recover, url):
            log.warning("Job %s lost its worker: it is queued again.", job_id)
        await asyncio.sleep(RECOVERY_S)


def _recover(url: str) -> list[int]:
    with database.connect(url) as db:
        # Somebody may upgrade the database under a worker that was not stopped: it must not go on with it.
        database.check_known(db)
        return recovery.recover(db)


def job_queue(url: str, settings: Settings, stopping: threading.Event) -> procrastinate.App:
    """The queue of jobs and the queue of questions."""
    app = procrastinate.App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=6))

    @app.task(name="run_job")
    def run_job(job_id: int) -> None:
        run.run_queued(job_id, settings, url, stopping)

    @app.task(name="answer", queue="question")
    def answer(question_id: int) -> None:
        questions.answer(question_id, settings, url)

    return app


def chore_queue(url: str, settings: Settings) -> procrastinate.App:
    """The chores by the clock. procrastinate sees to it that each is done once, however many workers there are."""
    app = procrastinate.App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=3))
    for name, (cron, _) in upkeep.CHORES.items():
        chore = partial(_do_chore, name, settings, url)
        task = app.task(name=name, queue="chore", queueing_lock=name, lock=name)(chore)
        app.periodic(cron=cron, periodic_id=name)(task)
    return app


def _do_chore(name: str, settings: Settings, url: str, timestamp: int) -> None:
    upkeep.do(name, settings, url)


def work_beside_server() -> None:
    """What `shoal serve` starts: a worker that ends with it."""
    work(load_settings(), stop_with_parent=True)
