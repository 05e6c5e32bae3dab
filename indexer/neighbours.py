"""Ranking by likeness: one direction for several examples, and one order out of several sources' answers."""

import numpy as np


def mean_direction(vectors: np.ndarray) -> np.ndarray:
    """The unit vector between several unit vectors.

    vectors: float [n, d], n >= 1, or [d]. Returns float32 [d]. Where they cancel each other out, the first serves.
    """
    vectors = np.atleast_2d(np.asarray(vectors, np.float32))
    mean = vectors.mean(axis=0)
    if np.linalg.norm(mean) < 1e-6:
        mean = vectors[0]
    return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)


def ranked(ids: np.ndarray, distances: np.ndarray, k: int, least: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The first `k` by distance, nearest first, or farthest first for the least alike; equal ones by id; none twice.

    ids: int64 [n]. distances: float32 [n], cosine (0 to 2). Returns both, sorted.
    """
    if len(ids) > 4 * k > 0:
        few = np.argpartition(-distances if least else distances, k - 1)
        edge = distances[few[k - 1]]
        chosen = np.flatnonzero(distances >= edge if least else distances <= edge)
        ids, distances = ids[chosen], distances[chosen]
    order = np.lexsort((ids, -distances if least else distances))
    ids, distances = ids[order], distances[order]
    if len(np.unique(ids)) < len(ids):
        first = np.sort(np.unique(ids, return_index=True)[1])
        ids, distances = ids[first], distances[first]
    return ids[:k], distances[:k]
