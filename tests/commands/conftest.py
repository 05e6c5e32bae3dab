"""The commands as people run them: processes of their own, on a home of their own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.database.launcher import Cluster

ROOT = Path(__file__).parents[2]
SHOAL = [sys.executable, "-m", "app.cli"]


@dataclass
class Shoal:
    """Runs `shoal` on one home and one database."""

    home: Path
    env: dict[str, str]
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __call__(self, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """To its end."""
        command = [*SHOAL, *args]
        return subprocess.run(
            command, cwd=ROOT, env=self.env | env, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL
        )

    def start(self, *args: str, **env: str) -> "subprocess.Popen[str]":
        """In the background; what it says is in its file `said`."""
        with (self.home / f"said-{len(self.started)}").open("w") as said:
            process = subprocess.Popen(
                [*SHOAL, *args], cwd=ROOT, env=self.env | env, stdout=said, stderr=said, text=True
            )
        self.started.append(process)
        return process

    def said(self, process: "subprocess.Popen[str]") -> str:
        return (self.home / f"said-{self.started.index(process)}").read_text()

    def wait_for(self, process: "subprocess.Popen[str]", pattern: str, seconds: float = 60) -> "re.Match[str]":
        """The first match of `pattern` in what the process says."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.said(process)):
                return match
            assert process.poll() is None, f"ended with {process.returncode}: {self.said(process)}"
            time.sleep(0.05)
        raise AssertionError(f"did not say {pattern!r}: {self.said(process)}")

    def serve(self, *args: str, **env: str) -> tuple["subprocess.Popen[str]", str]:
        """A server that answers, and its address."""
        process = self.start("serve", "--port", "0", *args, **env)
        return process, self.wait_for(process, r"Shoal is at (\S+)")[1]

    def stop_all(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_shoal(home: Path, **env: str) -> Shoal:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOAL_", "DATABASE_URL"))}
    return Shoal(home, kept | {"SHOAL_HOME": str(home), **env})


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the embedded database's unprivileged user may enter, and no database running in it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="shoal-command-"))
    folder.chmod(0o711)
    yield folder
    Cluster(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shoal(home: Path, database_url: str) -> Iterator[Shoal]:
    """`shoal` on this test's database."""
    made = make_shoal(home, DATABASE_URL=database_url)
    yield made
    made.stop_all()


@pytest.fixture
def shoal_alone(home: Path) -> Iterator[Shoal]:
    """`shoal` on a database that it starts itself."""
    made = make_shoal(home)
    yield made
    made.stop_all()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
