"""Loose images of a watched folder: those that stand still are taken in while the instrument writes others."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from app.exchange.sources import Entry, FolderSource, SomeFiles, fingerprint


class Settling:
    """What a watch has seen of a folder's own files: each for itself, so that one that comes holds up no other."""

    def __init__(self, settle_s: float, passes_over: Callable[[str], bool]) -> None:
        self.settle_s, self.passes_over = settle_s, passes_over
        self.seen: dict[int, float] = {}  # since when each file is as it is
        self.until: int | None = None
        self.unsettled: list[str] = []

    def stamp(self, folder: Path) -> str:
        """Look once more: what changes whenever a file that stands still joins or goes; empty where there is none."""
        whole, now = FolderSource(folder, flat=True), time.monotonic()
        files = SomeFiles(whole, lambda entry: self.passes_over(entry.path))
        self.seen = {hash(entry): self.seen.get(hash(entry), now) for entry in files.entries(ordered=False)}
        settled = {key for key, since in self.seen.items() if now - since >= self.settle_s}
        times = (int(entry.stamp) for entry in files.entries(ordered=False) if hash(entry) in settled)
        self.until = max(times, default=None)
        if self.until is None:
            return ""
        self.unsettled = sorted(
            entry.path
            for entry in files.entries(ordered=False)
            if int(entry.stamp) <= self.until and hash(entry) not in settled
        )
        left_out = set(self.unsettled)
        rest = SomeFiles(whole, lambda entry: self.passes_over(entry.path) or is_unsettled(entry, self.until, left_out))
        return fingerprint([rest], [])


def is_unsettled(entry: Entry, until: int | None, unsettled: Collection[str]) -> bool:
    """Whether a file changed after the last one that stood still, or was seen to change before."""
    return until is not None and (int(entry.stamp) > until or entry.path in unsettled)
