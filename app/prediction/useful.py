"""Which of a project's objects, labelled now, would teach a classifier most, by what the shown run says of them."""

from dataclasses import dataclass

import numpy as np

from app.batches.sources import Batched
from app.batches.vectors import vectors_of
from app.database import Db
from app.errors import Refused
from app.search.likeness import NO_EMBEDDER
from app.search.mirror import Mirror
from app.search.run_columns import margins
from indexer.orders import seriate
from indexer.useful import Pool, most_useful, pool_of

MOST_BLIND = 20_000  # objects that are weighed by variety alone
AT_A_TIME = 120  # each so many are varied among themselves; of these, like stands beside like
FEWEST = 3  # of which an order between neighbours can be told
SEED = 1
TITLE = "Most useful next"


@dataclass(frozen=True)
class Useful:
    """Objects, int64, the most useful first."""

    ids: np.ndarray
    title: str
    n_without_vector: int


def useful_next(db: Db, project: Batched, mirror: Mirror, places: np.ndarray, k: int) -> Useful:
    """Of these ordinals. Where nothing is predicted yet, variety alone tells."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    is_told = bool(len(places)) and not np.isnan(mirror.score[places]).all()
    unsure, taxa = margins(db, mirror)[places], mirror.predicted[places]
    pool = pool_of(unsure, taxa, k) if is_told else _some(len(places), k)
    vectors, has = vectors_of(db, project, mirror.ids[places[pool.rows]])
    rows, sizes, vectors = pool.rows[has], pool.sizes[has], vectors[has]
    picked = most_useful(vectors, unsure[rows], taxa[rows], sizes, k)
    picked = np.concatenate([_by_likeness(vectors, part) for part in _parts(picked)]) if len(picked) else picked
    title = TITLE if is_told else f"{TITLE}, by variety alone: nothing is predicted yet"
    return Useful(mirror.ids[places[rows[picked]]], title, int(np.count_nonzero(~has)))


def _some(n: int, k: int) -> Pool:
    """Any of what is left, where nothing tells of which a classifier is sure."""
    most = min(n, max(MOST_BLIND, 2 * k))
    rows = np.random.default_rng(SEED).choice(n, most, replace=False) if n else np.empty(0, np.int64)
    return Pool(rows, np.full(len(rows), n))


def _parts(picked: np.ndarray) -> list[np.ndarray]:
    return [picked[start : start + AT_A_TIME] for start in range(0, len(picked), AT_A_TIME)]


def _by_likeness(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return rows[seriate(vectors[rows])] if len(rows) >= FEWEST else rows
