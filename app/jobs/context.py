"""What a job's body is given: its arguments, and how it tells about its progress and hears that it should stop."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from app.settings import Settings

RATE_WINDOW_S = 30.0


class Cancelled(Exception):
    """A person asked for this job to stop."""


class Interrupted(Exception):
    """The worker stops, or has lost the job to another: the body leaves, and the job is taken up again later."""


@dataclass
class Progress:
    """How far a job is."""

    done: int = 0
    total: int | None = None
    unit: str = ""
    rate: float | None = None
    message: str = ""


@dataclass
class JobContext:
    """Handed to a job's body. Bodies run in threads: all of this may be called from any of theirs."""

    job_id: int
    kind: str
    project_id: int | None
    account_id: int | None
    args: dict[str, Any]
    settings: Settings
    database_url: str
    listener: Callable[[Progress], None] | None = None
    state: Progress = field(default_factory=Progress)
    lines: deque[str] = field(default_factory=deque)
    last_word: str = ""  # stands in the job's row once it is done
    cancelled: threading.Event = field(default_factory=threading.Event)
    interrupted: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)  # of the whole worker
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=1000))

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        """Tell how far it is. Cheap: it is written at most once a second. Raises where the job should stop."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        if not self._seen or monotonic() - self._seen[-1][0] > RATE_WINDOW_S / 500:
            self._seen.append((monotonic(), done))
        self.state = Progress(done, total, unit, self._rate(done), message)
        if self.listener:
            self.listener(self.state)
        self.checkpoint()

    def log(self, line: str) -> None:
        """Keep a line for the people who look at the job."""
        self.lines.append(line)

    def conclude(self, line: str) -> None:
        """Keep a line that is told, too, to who sees only that the job is done."""
        self.log(line)
        self.last_word = line

    def checkpoint(self) -> None:
        """Raise Cancelled or Interrupted if the job should stop here."""
        if self.cancelled.is_set():
            raise Cancelled
        if self.interrupted.is_set() or self.stopping.is_set():
            raise Interrupted

    def _rate(self, done: int) -> float | None:
        """Units per second over the last half minute."""
        now = monotonic()
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / (now - since) if now - since >= 1 else self.state.rate
