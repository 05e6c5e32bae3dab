"""Pages of the order by likeness: the index proposes the first ones, and deep ones go on in a whole exact ranking."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.errors import Refused
from app.paging import BAD_CURSOR, cursor_of, parts_of
from app.search import likeness, whole
from app.search.likeness import Searched
from app.search.mirror import Mirror

DEEP = 1600  # objects from the first; farther on, ranking everything once is cheaper than asking for ever more
After = tuple[float | None, int, int]  # distance and id of the last object shown, and how many were shown


@dataclass(frozen=True)
class Listed:
    """The ids of a page with their distances, where the next one starts, and what was compared."""

    ids: np.ndarray
    distances: np.ndarray
    next_cursor: str | None
    n_total: int
    n_without_vector: int
    recall: float
    exact: bool


def listed(
    db: Db,
    project: Searched,
    vectors: np.ndarray,
    mirror: Mirror,
    mask: np.ndarray,
    cursor: str | None,
    limit: int,
    least: bool,
) -> Listed:
    """The next `limit` objects after the cursor by distance, then id."""
    after = _read(cursor)
    if after[0] is not None and after[2] + limit > DEEP:
        part = whole.part(db, project, vectors, mirror, mask, (after[0], after[1]), limit + 1, least)
        if part is not None:
            n_without = int(np.count_nonzero(mask)) - part.n_compared
            more = len(part.ids) > limit
            return _listed(part.ids, part.distances, after, limit, more, part.n_compared, n_without, 1.0, True)
    return _proposed(db, project, vectors, mirror, mask, after, limit, least)


def _proposed(
    db: Db,
    project: Searched,
    vectors: np.ndarray,
    mirror: Mirror,
    mask: np.ndarray,
    after: After,
    limit: int,
    least: bool,
) -> Listed:
    """The k nearest for a k that doubles until the page is full."""
    n_kept, k = int(np.count_nonzero(mask)), 2 * limit
    while k < after[2] + limit:
        k *= 2
    while True:
        ranked = likeness.most_alike(db, project, vectors, mask, k, least, mirror)
        ids, distances = _beyond(ranked, after, least)
        reached_all = k >= n_kept - ranked.n_without_vector
        if len(ids) >= limit or reached_all:
            break
        k *= 4
    more = len(ids) > limit or (not reached_all and len(ids) > 0)
    n_total = n_kept - ranked.n_without_vector
    return _listed(
        ids, distances, after, limit, more, n_total, ranked.n_without_vector, ranked.recall, ranked.exact
    )  # fmt: skip


def _listed(
    ids: np.ndarray,
    distances: np.ndarray,
    after: After,
    limit: int,
    more: bool,
    n_total: int,
    n_without: int,
    recall: float,
    exact: bool,
) -> Listed:
    ids, distances = ids[:limit], distances[:limit]
    cursor = cursor_of(distances[-1].item(), int(ids[-1]), after[2] + len(ids)) if more else None
    return Listed(ids, distances, cursor, n_total, n_without, recall, exact)


def _read(cursor: str | None) -> After:
    if cursor is None:
        return None, -1, 0
    parts = parts_of(cursor)
    kinds = [type(part) for part in parts]
    if len(parts) != 3 or kinds[0] not in (int, float) or kinds[1:] != [int, int] or not 0 <= parts[2] < 10**9:
        raise Refused(BAD_CURSOR)
    if not abs(parts[0]) < 1000 or not 0 <= parts[1] < 2**63:
        raise Refused(BAD_CURSOR)
    return float(parts[0]), parts[1], parts[2]


def _beyond(ranked: Any, after: After, least: bool) -> tuple[np.ndarray, np.ndarray]:
    """What is ranked after the cursor, by rounded distance and id."""
    ids = np.asarray(ranked.ids, np.int64)
    distances = np.round(np.asarray(ranked.distances, np.float64), whole.DECIMALS)
    sign = -1 if least else 1
    order = np.lexsort((ids, sign * distances))
    ids, distances = ids[order], distances[order]
    if after[0] is not None:
        beyond = (sign * distances > sign * after[0]) | ((distances == after[0]) & (ids > after[1]))
        ids, distances = ids[beyond], distances[beyond]
    return ids, distances
