"""Real worker processes on this test's database, stopped by the test that started them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.database import Db
from app.settings import Settings

ROOT = Path(__file__).parents[2]

StartWorker = Callable[[], "subprocess.Popen[bytes]"]


def workers(settings: Settings, module: str) -> Iterator[StartWorker]:
    """Starts worker processes of a module; all are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        env = {**os.environ, "SHOAL_HOME": str(settings.home), "DATABASE_URL": settings.database_url}
        process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=env)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_worker(settings: Settings) -> Iterator[StartWorker]:
    yield from workers(settings, "tests.jobs.bodies")


def wait_for(db: Db, job_id: int, condition: Callable[[Any], bool], seconds: float = 30) -> Any:
    """The job's row as soon as `condition` holds of it."""
    deadline = time.monotonic() + seconds
    while True:
        row = db.execute("select * from job where id = %s", [job_id]).fetchone()
        db.commit()
        if condition(row):
            return row
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {row}"
        time.sleep(0.05)


def has_ended(row: Any) -> bool:
    return row.status in ("done", "failed", "cancelled")
