"""Commands run jobs themselves, share them with workers, and leave them resumable."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.database import Db
from app.errors import Refused
from app.jobs import foreground
from app.jobs.queue import enqueue
from app.settings import Settings
from tests.jobs import bodies  # noqa: F401 - registers the tests' jobs
from tests.jobs.conftest import ROOT, StartWorker, has_ended, wait_for

StartCommand = Callable[[Path], "subprocess.Popen[str]"]
COMMAND = """
import sys
from app.errors import Refused
from app.jobs import foreground
from app.settings import load_settings
from tests.jobs import bodies
settings = load_settings()
try:
    foreground.run(settings, settings.database_url, "count", "Count", None, None,
                   {"to": 60, "pause": 0.1, "file": sys.argv[1]})
except Refused as refusal:
    sys.exit(refusal.sentence)
"""


@pytest.fixture
def start_command(settings: Settings) -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    """Starts a command that counts to 60 in a file; killed at the end if it still lives."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path) -> "subprocess.Popen[str]":
        env = {**os.environ, "SHOAL_HOME": str(settings.home), "DATABASE_URL": settings.database_url}
        command = [sys.executable, "-c", COMMAND, str(path)]
        started.append(subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def only_job(db: Db) -> int:
    """The job that runs, once it has begun to count."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        row = db.execute("select id from job where status = 'running' and done > 3").fetchone()
        db.commit()
        if row:
            return row.id
        time.sleep(0.05)
    raise AssertionError("no job began")


def test_it_runs_to_the_end_here(db: Db, settings: Settings, tmp_path: Path) -> None:
    job_id = foreground.run(
        settings, settings.database_url, "count", "Count", None, None, {"to": 3, "file": str(tmp_path / "count")}
    )
    row = wait_for(db, job_id, has_ended)
    assert (row.status, row.done) == ("done", 3)
    assert (tmp_path / "count").read_text().split() == [str(os.getpid())] * 3
    assert db.execute("select count(*) from procrastinate_jobs where status = 'todo'").fetchone()[0] == 0


def test_a_failure_is_said(settings: Settings) -> None:
    with pytest.raises(Refused, match="mount it and retry"):
        foreground.run(settings, settings.database_url, "refuse", "Refuse", None, None, {})


def test_ctrl_c_leaves_a_job_that_the_same_command_resumes(db: Db, start_command: StartCommand, tmp_path: Path) -> None:
    path = tmp_path / "count"
    first = start_command(path)
    job_id = only_job(db)
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=20)[1]
    assert first.returncode == 1
    assert "Run the same command again" in said
    assert wait_for(db, job_id, lambda row: True).status == "cancelled"
    second = start_command(path)
    assert second.wait(30) == 0
    pids = path.read_text().split()
    assert len(pids) == 60
    assert set(pids) == {str(first.pid), str(second.pid)}


def test_a_killed_command_is_gone_on_with_by_a_worker(
    db: Db, start_command: StartCommand, start_worker: StartWorker, tmp_path: Path
) -> None:
    path = tmp_path / "count"
    command = start_command(path)
    job_id = only_job(db)
    command.kill()
    command.wait()
    worker = start_worker()
    assert wait_for(db, job_id, has_ended).status == "done"
    assert set(path.read_text().split()) == {str(command.pid), str(worker.pid)}


def test_two_commands_with_one_lock_take_turns(db: Db, settings: Settings, tmp_path: Path) -> None:
    url, began = settings.database_url, []
    args = [{"to": 5, "pause": 0.1, "file": str(tmp_path / name)} for name in ("a", "b")]
    both = [
        threading.Thread(
            target=lambda given=given: began.append(
                foreground.run(settings, url, "count", "Count", None, None, given, "one")
            )
        )
        for given in args
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    first, second = sorted((wait_for(db, job_id, has_ended) for job_id in began), key=lambda row: row.started_at)
    assert first.ended_at <= second.started_at


def test_a_command_waits_for_the_lock_and_follows_a_worker(
    db: Db, settings: Settings, start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = start_worker()
    args = {"to": 30, "pause": 0.1, "file": str(tmp_path / "count")}
    job_id = enqueue(db, "count", "Count", None, None, args)
    db.commit()
    wait_for(db, job_id, lambda row: row.status == "running")
    foreground.run_waiting(settings, settings.database_url, job_id)
    assert wait_for(db, job_id, has_ended).status == "done"
    assert set((tmp_path / "count").read_text().split()) == {str(worker.pid)}


def test_what_the_lock_puts_first_is_run_first_where_no_worker_is(db: Db, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "count"
    earlier = enqueue(db, "count", "Earlier", None, None, {"to": 2, "file": str(path)}, lock="one")
    refused = enqueue(db, "refuse", "Refused", None, None, {}, lock="one")
    db.commit()
    later = foreground.run(
        settings, settings.database_url, "count", "Later", None, None, {"to": 5, "file": str(path)}, lock="one"
    )
    ended = db.execute("select id, status, done from job order by id").fetchall()
    assert [tuple(row) for row in ended] == [(earlier, "done", 2), (refused, "failed", 0), (later, "done", 5)]
