"""Real worker processes run, stop, die and take over."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.database import Db
from app.errors import Refused
from app.jobs.questions import ask
from app.jobs.queue import cancel, enqueue
from app.settings import Settings
from tests.jobs.conftest import ROOT, StartWorker, has_ended, wait_for
from tests.waiting import wait_until


def put(db: Db, kind: str = "count", lock: str | None = None, **args: object) -> int:
    job_id = enqueue(db, kind, "A test's job", None, None, args, lock)
    db.commit()
    return job_id


def lines(db: Db, job_id: int) -> list[str]:
    return [row.line for row in db.execute("select line from job_log where job_id = %s order by id", [job_id])]


def test_a_job_runs_to_its_end_with_progress_and_log(db: Db, start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker()
    job_id = put(db, to=30, file=str(tmp_path / "count"), pause=0.1)
    seen = wait_for(db, job_id, lambda row: row.rate)
    assert seen.status == "running"
    assert 5 < seen.rate < 11
    done = wait_for(db, job_id, has_ended)
    assert (done.status, done.done, done.total, done.unit, done.error) == ("done", 30, 30, "steps", "")
    assert lines(db, job_id) == ["beginning at 0"]


def test_failures_say_what_to_do_and_keep_the_details(db: Db, start_worker: StartWorker) -> None:
    start_worker()
    refused, stumbled, unknown = put(db, "refuse"), put(db, "stumble"), put(db, "unheard-of")
    assert wait_for(db, refused, has_ended).error == "The folder is not there: mount it and retry."
    assert "by zero" in wait_for(db, stumbled, has_ended).error
    assert any("ZeroDivisionError" in line for line in lines(db, stumbled))
    assert "unheard-of" in wait_for(db, unknown, has_ended).error
    wait_until(lambda: not db.execute("select from procrastinate_jobs where task_name = 'run_job'").rowcount)


def test_a_running_job_is_cancelled(db: Db, start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker()
    job_id = put(db, to=1000, file=str(tmp_path / "count"), pause=0.05)
    wait_for(db, job_id, lambda row: row.done > 3)
    cancel(db, job_id)
    db.commit()
    assert wait_for(db, job_id, has_ended, seconds=5).status == "cancelled"


def test_a_killed_workers_job_goes_on_where_it_was(db: Db, start_worker: StartWorker, tmp_path: Path) -> None:
    first = start_worker()
    job_id = put(db, to=40, file=str(tmp_path / "count"), pause=0.1)
    wait_for(db, job_id, lambda row: row.done > 5)
    first.kill()
    first.wait()
    second = start_worker()
    done = wait_for(db, job_id, has_ended)
    assert (done.status, done.attempts, done.crashes) == ("done", 2, 1)
    pids = (tmp_path / "count").read_text().split()
    assert len(pids) == 40
    assert set(pids) == {str(first.pid), str(second.pid)}


def test_a_job_of_another_machine_is_taken_over_after_half_a_minute(
    db: Db, start_worker: StartWorker, tmp_path: Path
) -> None:
    job_id = put(db, to=2, file=str(tmp_path / "count"))
    db.execute("update procrastinate_jobs set status = 'doing'")
    elsewhere = "update job set status = 'running', worker = 'elsewhere 1 1', seen_at = now() - %s * interval '1 s'"
    db.execute(elsewhere, [25])
    db.commit()
    start_worker()
    time.sleep(3)
    assert wait_for(db, job_id, lambda row: True).status == "running"
    assert wait_for(db, job_id, has_ended, seconds=20).status == "done"


def test_what_was_fetched_and_never_begun_is_begun(db: Db, start_worker: StartWorker, tmp_path: Path) -> None:
    job_id = put(db, to=2, file=str(tmp_path / "count"))
    db.execute("update procrastinate_jobs set status = 'doing'")
    db.commit()
    start_worker()
    assert wait_for(db, job_id, has_ended).status == "done"


def test_a_stopped_worker_puts_its_job_back(db: Db, start_worker: StartWorker, tmp_path: Path) -> None:
    first = start_worker()
    job_id = put(db, to=30, file=str(tmp_path / "count"), pause=0.1)
    wait_for(db, job_id, lambda row: row.done > 3)
    first.send_signal(signal.SIGTERM)
    assert first.wait(15) == 0
    back = wait_for(db, job_id, lambda row: True)
    assert (back.status, back.crashes) == ("queued", 0)
    start_worker()
    assert wait_for(db, job_id, has_ended).status == "done"


def test_a_job_that_kills_its_worker_is_given_up(db: Db, start_worker: StartWorker) -> None:
    job_id = put(db, "kill")
    db.execute("update job set crashes = 8")
    db.commit()
    start_worker().wait(20)
    start_worker().wait(40)
    start_worker()
    ended = wait_for(db, job_id, has_ended)
    assert ended.status == "failed"
    assert "died 10 times" in ended.error


def test_a_worker_that_lost_its_job_stops_and_changes_nothing(
    db: Db, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker()
    job_id = put(db, to=1000, file=str(tmp_path / "count"), pause=0.05)
    wait_for(db, job_id, lambda row: row.done > 3)
    db.execute("update job set attempts = attempts + 1, worker = 'elsewhere 1 1', seen_at = now() + interval '1 hour'")
    db.commit()
    time.sleep(2.5)
    reached = len((tmp_path / "count").read_text().splitlines())
    time.sleep(0.5)
    assert len((tmp_path / "count").read_text().splitlines()) == reached
    assert wait_for(db, job_id, lambda row: True).status == "running"


def test_jobs_with_one_lock_take_turns_between_workers(db: Db, start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker(), start_worker()
    both = [put(db, lock="one", to=10, file=str(tmp_path / name), pause=0.1) for name in ("a", "b")]
    first, second = (wait_for(db, job_id, has_ended) for job_id in both)
    assert first.ended_at <= second.started_at


def test_a_workers_parent_takes_it_along(db: Db, settings: Settings) -> None:
    env = {**os.environ, "SHOAL_HOME": str(settings.home), "DATABASE_URL": settings.database_url}
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.bodies", "--with-parent"], cwd=ROOT, env=env, stdin=subprocess.PIPE
    )
    try:
        time.sleep(1.5)
        assert worker.poll() is None
        worker.stdin.close()
        assert worker.wait(10) == 0
    finally:
        worker.kill()
        worker.wait()


def test_a_question_is_answered_while_a_job_fills_the_worker(
    db: Db, database_url: str, start_worker: StartWorker, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="no worker is running"):
        ask(database_url, "shout", {}, b"hello")
    worker = start_worker()
    job_id = put(db, to=1000, file=str(tmp_path / "count"), pause=0.05)
    wait_for(db, job_id, lambda row: row.done > 1)
    assert ask(database_url, "shout", {}, b"hello") == {"said": "HELLO", "pid": worker.pid}
    began = time.monotonic()
    ask(database_url, "shout", {}, b"again")
    assert time.monotonic() - began < 0.5
    with pytest.raises(Refused, match="Not this one"):
        ask(database_url, "shout", {"refuse": True}, b"hello")
    with pytest.raises(Refused, match="unheard-of"):
        ask(database_url, "unheard-of", {}, b"")
    assert db.execute("select count(*) from question").fetchone()[0] == 0
