"""Every vector of a project in the order of likeness, for pages deep in it: compared exactly once, then kept.

The order rests on vectors and sizes alone, so neither labels nor filters change it. What came after the index was built
is merged in, and what was removed since is left out, for each page anew.
"""

from dataclasses import dataclass

import numpy as np

from app.database.connections import Db
from app.search.generations import Generation
from app.search.kept import Kept
from app.search.later import later_vectors
from app.search.likeness import Searched, aim_of, allowed_rows, open_index
from app.search.mirror import Mirror
from app.search.radix import argsort
from app.search.sizes import sizes
from indexer.linear_map import LinearMap
from indexer.spaces import Aim

MOST_KEPT = 4  # of eight bytes a vector
CHUNK = 8192
DECIMALS = 5  # distances equal to this many are ties, which ids settle: sources differ behind them

_kept = Kept(MOST_KEPT)


@dataclass(frozen=True)
class Ranking:
    """An index's rows in an order: int32 numbers of rows, and their distances in units of the last decimal."""

    rows: np.ndarray
    steps: np.ndarray


@dataclass(frozen=True)
class Part:
    """Objects in order after a cursor, their rounded distances, and how many the filter keeps that have a vector."""

    ids: np.ndarray
    distances: np.ndarray
    n_compared: int


def part(
    db: Db,
    project: Searched,
    query: np.ndarray,
    mirror: Mirror,
    mask: np.ndarray,
    after: tuple[float, int],
    k: int,
    least: bool = False,
) -> Part | None:
    """The first `k` objects of the mask after a distance and an id; None where there is no index to rank."""
    generation, learned = open_index(db, project) if project.embedder_id else (None, None)
    if generation is None:
        return None
    wanted = aim_of(db, project, query)
    column = sizes(db, mirror) if wanted.size is not None else None
    ids, distances, removed = later_vectors(db, project, generation.manifest.horizon, wanted.vector)
    places = mirror.ordinals(ids)
    kept = np.isin(ids, mirror.ids[places[mask[places]]], assume_unique=True)
    allowed = allowed_rows(generation, mirror, mask, np.concatenate([removed, ids]))
    here = None if column is None else generation.rows.column(mirror, column)
    key = (generation, learned, wanted.key, least)
    ranking: Ranking = _kept.made(key, lambda: _ranked(generation, wanted, here, least, learned))
    ids, distances = ids[kept], distances[kept]
    if column is not None:
        distances = wanted.distances(distances, column[mirror.ordinals(ids)])
    steps, n_base = to_steps(distances), int(np.count_nonzero(allowed))
    edge, last_id = int(to_steps(np.array(after[0]))), after[1]
    sign = -1 if least else 1
    late = (sign * steps > sign * edge) | ((steps == edge) & (ids > last_id))
    rows = _next_rows(generation, ranking, allowed, sign * edge, last_id, sign, k)
    found = np.concatenate([np.asarray(generation.ids)[ranking.rows[rows]], ids[late]])
    steps_found = np.concatenate([ranking.steps[rows], steps[late]])
    order = np.lexsort((found, sign * steps_found))[:k]
    return Part(found[order], steps_found[order] / 10.0**DECIMALS, n_base + len(ids))


def to_steps(distances: np.ndarray) -> np.ndarray:
    return np.rint(np.asarray(distances, np.float64) * 10**DECIMALS).astype(np.int64)


def _ranked(
    generation: Generation, wanted: Aim, column: np.ndarray | None, least: bool, learned: LinearMap | None
) -> Ranking:
    """Compared as the index compares its candidates, so that a list goes on seamlessly from the one to the other."""
    n = generation.index.n
    direction = wanted.vector.astype(np.float32)
    query = -direction if least else direction
    distances = np.empty(n, np.float32)
    for start in range(0, n, CHUNK):
        vectors = generation.index.vectors(np.arange(start, min(start + CHUNK, n)))
        vectors = vectors if learned is None else learned.apply(vectors)
        cosines = np.einsum("ij,j->i", vectors, query) / np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        distances[start : start + CHUNK] = 1 - (-cosines if least else cosines)
    if column is not None:
        distances = wanted.distances(distances, column)
    steps = to_steps(distances).astype(np.int32)
    rows = argsort(-steps if least else steps).astype(np.int32)
    return Ranking(rows, steps[rows])


def _next_rows(
    generation: Generation, ranking: Ranking, allowed: np.ndarray, edge: int, last_id: int, sign: int, k: int
) -> np.ndarray:
    """Places in the ranking of the first `k` allowed rows after a step and an id."""
    steps = ranking.steps if sign > 0 else -ranking.steps
    low, high = (int(np.searchsorted(steps, edge, side)) for side in ("left", "right"))
    # Equal ones stand in the order of their rows, which is that of their ids.
    start = low + int(np.searchsorted(np.asarray(generation.ids)[ranking.rows[low:high]], last_id, "right"))
    found: list[np.ndarray] = []
    size = 4 * k
    while k > 0 and start < len(ranking.rows):
        piece = start + np.flatnonzero(allowed[ranking.rows[start : start + size]])[:k]
        found.append(piece)
        k -= len(piece)
        start, size = start + size, size * 4
    return np.concatenate(found) if found else np.empty(0, np.int64)
