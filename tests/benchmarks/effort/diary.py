"""What one simulated person did: every act with its type, every label with what it should have been, every wait."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.effort import costs


@dataclass
class Diary:
    """Entries in order: ["act", type, n], ["labels", unseen, [[object, said, true], ...]], ["wait", what, seconds], and
    ["background", what, seconds] of jobs that nobody waited for."""

    entries: list[list[Any]] = field(default_factory=list)
    requests: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def act(self, what: str, n: int = 1) -> None:
        if n:
            self.entries.append(["act", what, n])

    def labels(self, said: list[list[Any]], unseen: bool = False) -> None:
        if said:
            self.entries.append(["labels", unseen, said])

    def wait(self, what: str, seconds: float) -> None:
        self.entries.append(["wait", what, round(seconds, 3)])

    def spent(self) -> float:
        """Seconds of acts, looks and waits so far."""
        counts: Counter[str] = Counter()
        waited_s = 0.0
        for kind, what, value in self.entries:
            if kind == "act":
                counts[what] += value
            elif kind == "wait":
                waited_s += value
        return costs.seconds(counts) + waited_s

    def background(self, what: str, seconds: float) -> None:
        self.entries.append(["background", what, round(seconds, 3)])

    def request(self, what: str, seconds: float) -> None:
        self.requests.setdefault(what, []).append(round(seconds, 5))

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        half = path.with_suffix(".half")
        half.write_text(json.dumps(self.__dict__))
        half.rename(path)


def read(path: Path) -> Diary:
    return Diary(**json.loads(path.read_text()))
