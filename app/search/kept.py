"""What is derived from one copy of a project's columns and kept with it, in bounds: masks, and what labels changed."""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

MOST_MASKS = 96  # of a bit an object
MOST_WHOLE = 8  # of a byte an object
MOST_PEOPLE = 16  # of a bit an object
MOST_LOGGED = 1_000_000  # changes
ENTRY_BYTES = 200  # of a number by taxon and status in a dict


class Kept:
    """The latest used results of something, at most so many. Safe between threads; two may make the same at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.lock = threading.Lock()
        self.values: OrderedDict[Hashable, Any] = OrderedDict()

    @property
    def nbytes(self) -> int:
        return sum(map(_n_bytes, list(self.values.values())))

    def drop(self) -> bool:
        """Let go of what was not used for longest; whether there was anything."""
        with self.lock:
            if self.values:
                self.values.popitem(last=False)
                return True
            return False

    def get(self, key: Hashable) -> Any:
        """What is kept under a key; None where nothing is."""
        with self.lock:
            if key in self.values:
                self.values.move_to_end(key)
            return self.values.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        with self.lock:
            self.values[key] = value
            self.values.move_to_end(key)
            while len(self.values) > self.most:
                self.values.popitem(last=False)

    def made(self, key: Hashable, make: Callable[[], Any]) -> Any:
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found


def _n_bytes(value: Any) -> int:
    """Of arrays, also of several in a tuple; roughly of a dict of numbers."""
    if isinstance(value, tuple):
        return sum(map(_n_bytes, value))
    if isinstance(value, dict):
        return len(value) * ENTRY_BYTES
    return int(getattr(value, "nbytes", 0))


class MaskCache:
    """Masks of what no label changes, as packed bits, and whole masks of one state of the labels."""

    def __init__(self) -> None:
        self.packed = Kept(MOST_MASKS)
        self.whole = Kept(MOST_WHOLE)
        self.ever = Kept(MOST_PEOPLE)

    def bits(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Packed bits of a mask that is made once."""
        return self.packed.made(key, lambda: np.packbits(make()))

    def mask(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """A whole mask that is made once; read-only, since every request is handed the same array."""
        return self.whole.made(key, lambda: _read_only(make()))


def _read_only(mask: np.ndarray) -> np.ndarray:
    mask.setflags(write=False)
    return mask


class ChangeLog:
    """Which ordinals changed their label between the versions of a mirror, as far back as is kept."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(4)  # of this copy: another process counts its versions differently
        self.changes: deque[tuple[int, int, np.ndarray]] = deque()  # from version, to version, ordinals
        self.n = 0

    def note(self, before: int, after: int, places: np.ndarray) -> None:
        """One step; called by whoever follows the mirror, one at a time."""
        self.changes.append((before, after, places))
        self.n += len(places)
        while self.n > MOST_LOGGED and len(self.changes) > 1:
            self.n -= len(self.changes.popleft()[2])

    def since(self, version: int, now: int) -> np.ndarray | None:
        """Ordinals changed after a version up to another, some of them often; None where that was forgotten."""
        if version == now:
            return np.empty(0, np.int64)
        steps = [step for step in tuple(self.changes) if version <= step[0] and step[1] <= now]
        if not steps or steps[0][0] != version or steps[-1][1] != now:
            return None
        return np.concatenate([step[2] for step in steps])
