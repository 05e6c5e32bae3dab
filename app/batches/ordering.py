"""In which order a batch comes: between neighbours, most or least alike first, or its extremes first."""

from typing import Protocol

import numpy as np

from app.batches.vectors import compared
from app.database import Db
from indexer.neighbours import mean_direction
from indexer.orders import extremes_first, seriate

ORDERS = ("neighbours", "alike", "least", "extremes")
FEWEST = 3  # objects of which an order between neighbours can be told from any other


class Compared(Protocol):
    """The project whose objects are compared."""

    @property
    def id(self) -> int: ...

    @property
    def embedder_id(self) -> int | None: ...


def first_turns(
    db: Db, project: Compared, ids: np.ndarray, distances: np.ndarray | None, order: str, ranked: bool
) -> tuple[np.ndarray, int]:
    """When the turn of each object is, int32, and how many have no vector: these come last, as they were found.

    What was found the likeliest first keeps to that between neighbours too: then only the objects of a page are laid
    out by likeness to each other.
    """
    if ranked and order in ("neighbours", "alike"):
        return np.arange(len(ids), dtype=np.int32), 0
    if ranked and order == "least":
        return np.arange(len(ids), dtype=np.int32)[::-1].copy(), 0
    vectors, has = compared(db, project, ids)
    return turns(_sequence(vectors[has], order), has), int(np.count_nonzero(~has))


def turns(sequence: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Turns of objects from the sequence of those that have a vector."""
    places = np.concatenate([np.flatnonzero(has)[sequence], np.flatnonzero(~has)])
    found = np.empty(len(has), np.int32)
    found[places] = np.arange(len(has), dtype=np.int32)
    return found


def keep_together(turns: np.ndarray, stacks: np.ndarray) -> np.ndarray:
    """Turns, int32, with which each stack comes as one, when the first of it would."""
    if not stacks.any():
        return turns
    alone = -1 - np.arange(len(stacks))
    _, group = np.unique(np.where(stacks > 0, stacks, alone), return_inverse=True)
    first = np.full(group.max() + 1, len(turns))
    np.minimum.at(first, group, turns)
    together = np.empty(len(turns), np.int32)
    together[np.lexsort((turns, first[group]))] = np.arange(len(turns), dtype=np.int32)
    return together


def _sequence(vectors: np.ndarray, order: str) -> np.ndarray:
    """Rows of vectors in an order."""
    if len(vectors) < FEWEST:
        return np.arange(len(vectors))
    if order == "neighbours":
        return seriate(vectors)
    if order == "extremes":
        return extremes_first(vectors)
    likeness = vectors @ mean_direction(vectors)
    return np.argsort(likeness if order == "least" else -likeness, kind="stable")


def laid_out(db: Db, project: Compared, ids: np.ndarray, line: int | None) -> np.ndarray:
    """Places of a page's objects on the screen, like ones beside each other, those before the line before it."""
    vectors, has = compared(db, project, ids)
    sides = [slice(0, line or 0), slice(line or 0, len(ids))]
    pieces = []
    for side in sides:
        known = np.flatnonzero(has[side]) + side.start
        pieces += [known[_sequence(vectors[known], "neighbours")], np.flatnonzero(~has[side]) + side.start]
    return np.concatenate(pieces)
