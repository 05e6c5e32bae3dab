"""Chooses some of many so that their variety is covered: each stands for its neighbourhood, and for no more than that.

The most central member of each of as many clusters as are wanted (k-means on the sphere, few rounds, in coarser
clusters that each give by their size). On 8,000 objects of PlanktonSet, 10 of each taxon chosen so name 6.0 points more
of others by the nearest than 10 by chance do, and 3.3 points more by a discriminant; 30 of each 3.0 and 1.6, 80 of each
about 1 and 0; with one label in ten wrong 10 gain 9. Taking what lies far from all that was taken before (farthest
points, k-means++) gains nothing, and with wrong labels loses up to 10 points: what lies far is often labelled wrongly.
"""

import numpy as np

ROUNDS = 3
CLUSTERS_AT_ONCE = 24  # more than these are found within coarser ones
PIECE = 8192  # rows compared at once


def varied(vectors: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Places of `k` of the rows, int64 ascending; the same ones for the same seed.

    vectors: float16 or float32 [n, d] of unit length.
    """
    if k >= len(vectors):
        return np.arange(len(vectors))
    vectors = np.asarray(vectors, np.float32)
    rng = np.random.default_rng(seed)
    if k <= CLUSTERS_AT_ONCE:
        return np.sort(_central(vectors, k, rng))
    cells, _ = _cells(vectors, -(-k // CLUSTERS_AT_ONCE), rng)
    order = np.argsort(cells, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(cells[order])) + 1)
    shares = _shares(np.array([len(places) for places in members]), k)
    chosen = [_within(vectors, places, share, rng) for places, share in zip(members, shares.tolist(), strict=True)]
    return np.sort(np.concatenate(chosen))


def _within(vectors: np.ndarray, places: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Places of `k` of a cell's rows; a cell that is larger than the others is first cut again, if it can be cut."""
    if k <= 2 * CLUSTERS_AT_ONCE:
        return places[_central(vectors[places], k, rng)]
    if len(places) == len(vectors):
        return rng.choice(places, k, replace=False)
    return places[varied(vectors[places], k, int(rng.integers(2**31)))]


def _shares(sizes: np.ndarray, k: int) -> np.ndarray:
    """How many of each cell are taken, int64, by its size: together exactly `k`."""
    ends = np.cumsum(sizes) * k / sizes.sum()
    return np.diff(np.round(ends).astype(int), prepend=0)


def _central(vectors: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Places of the row nearest to the middle of each of `k` clusters; of others where some clusters are empty."""
    if k >= len(vectors):
        return np.arange(len(vectors))
    if not k:
        return np.empty(0, np.int64)
    cells, nearness = _cells(vectors, k, rng)
    order = np.lexsort((-nearness, cells))
    central = order[np.unique(cells[order], return_index=True)[1]]
    left = np.setdiff1d(np.arange(len(vectors)), central)
    return np.concatenate([central, rng.choice(left, k - len(central), replace=False)])


def _cells(vectors: np.ndarray, k: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each row, int64 [n], and its cosine to the cluster's middle, float32 [n]."""
    middles = vectors[rng.choice(len(vectors), k, replace=False)]
    for _ in range(ROUNDS):
        cells, _ = _nearest(vectors, middles)
        order = np.argsort(cells, kind="stable")
        filled, starts = np.unique(cells[order], return_index=True)
        sums = np.add.reduceat(vectors[order], starts)
        middles[filled] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return _nearest(vectors, middles)


def _nearest(vectors: np.ndarray, middles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cells, nearness = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), PIECE):
        cosines = vectors[start : start + PIECE] @ middles.T
        cells[start : start + PIECE] = cosines.argmax(axis=1)
        nearness[start : start + PIECE] = cosines.max(axis=1)
    return cells, nearness
