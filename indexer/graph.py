"""The nearest neighbours of every vector: the graph that outliers, mistakes, duplicates and stragglers are read from.

Up to EXACT_UP_TO vectors are compared each with each. Beyond, k-means parts the vectors into lists of about a thousand;
the vectors of a list are compared with those of the lists around it, in the main dimensions, by matrix products, and
the best of them exactly. How many lists that takes is measured beforehand on the true neighbours of some hundred
vectors, and the recall on the same afterwards (.989 for 1,000,000 x 256, clustered: 276 s of processors, 1.4 GB).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import faiss
import numpy as np

K = 30
EXACT_UP_TO = 20_000  # vectors: 3 s on one core
A_LIST = 1000  # vectors of a list, on average
A_SAMPLE = 64  # vectors of a list that k-means sees
DIMENSIONS = 64  # in which candidates are sought
CANDIDATES = 3  # times k, which are then compared in all dimensions
LISTS = (8, 12, 16, 24, 32, 48, 64, 96)  # around each list, tried in this order
WANTED_COVERAGE = 0.985  # share of the true neighbours that stand in those lists
N_TRUE = 300  # vectors whose true neighbours are found by comparing with all
CHUNK = 20_000
BLOCK = 128  # vectors whose candidates are compared at once: as much as stays in the processor's cache

Report = Callable[[int, int, str], None]


class Vectors(Protocol):
    """What can give any of `n` unit vectors of `dimension`, as an opened index does."""

    n: int
    dimension: int

    def vectors(self, rows: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Graph:
    """Neighbours of each vector, nearest first, itself left out.

    Attributes: rows, int32 [n, k], -1 where there are fewer others than k. distances, float16 [n, k], cosine (0 alike,
    2 opposite), inf where there is no row; halves tell small distances better than large cosines. recall: the share of
    the true neighbours that is expected, as measured; 1 where the graph is exact.
    """

    rows: np.ndarray
    distances: np.ndarray
    recall: float

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        return int(self.rows.nbytes + self.distances.nbytes)


class InMemory:
    """Unit vectors, float [n, d], as `build_graph` wants them."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.all = np.asarray(vectors, np.float32)
        self.n, self.dimension = self.all.shape

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        return self.all[rows]


def build_graph(
    index: Vectors,
    k: int = K,
    report: Report = lambda done, total, step: None,
    threads: int = 0,
    seed: int = 1,
) -> Graph:
    """The `k` nearest neighbours of each vector by cosine.

    report: told how far it is; what it raises ends the work. threads: 0 for all cores.
    """
    faiss.omp_set_num_threads(threads or os.cpu_count() or 1)
    if index.n <= EXACT_UP_TO:
        return _exact(index, k, report)
    return _Lists(index, k, report, np.random.default_rng(seed)).graph()


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Of length 1 in single precision: rounding to half left lengths that are not quite."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12)[:, None], np.float32)


def _exact(index: Vectors, k: int, report: Report) -> Graph:
    n, found = index.n, min(k, max(0, index.n - 1))
    rows, distances = np.full((n, k), -1, np.int32), np.full((n, k), np.inf, np.float16)
    every = _unit(index.vectors(np.arange(n))) if n else np.empty((0, index.dimension), np.float32)
    for start in range(0, n if found else 0, 2000):
        part = np.arange(start, min(start + 2000, n))
        cosines, near = faiss.knn(every[part], every, found + 1, metric=faiss.METRIC_INNER_PRODUCT)
        near, cosines = _without_self(part, near, cosines)
        rows[part, :found], distances[part, :found] = _nearest(near, cosines, found)
        report(int(part[-1]) + 1, n, "finding neighbours")
    return Graph(rows, distances, 1.0)


def _without_self(own: np.ndarray, near: np.ndarray, cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One column less; among more equal ones than columns, oneself need not be, and the last goes."""
    mine = near == own[:, None]
    mine[~mine.any(axis=1), -1] = True
    shape = (len(near), near.shape[1] - 1)
    return near[~mine].reshape(shape), cosines[~mine].reshape(shape)


def _nearest(near: np.ndarray, cosines: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` best columns of each row, best first and equal ones by their number, and their distances."""
    distances = np.maximum(np.float32(1) - cosines, 0).astype(np.float16)
    order = np.lexsort((near, distances), axis=1)[:, :k]
    return np.take_along_axis(near, order, 1).astype(np.int32), np.take_along_axis(distances, order, 1)


class _Lists:
    """Vectors parted by k-means, and their neighbours sought list by list."""

    def __init__(self, index: Vectors, k: int, report: Report, rng: np.random.Generator) -> None:
        self.index, self.k, self.report = index, k, report
        self.n_lists = max(8, index.n // A_LIST)
        self._fit(np.sort(rng.choice(index.n, min(index.n, self.n_lists * A_SAMPLE), replace=False)))
        self._part()
        self.around = np.argsort(self._between(), axis=1, kind="stable")
        self._choose(np.sort(rng.choice(index.n, min(N_TRUE, index.n), replace=False)))

    def _fit(self, rows: np.ndarray) -> None:
        """The main dimensions, and the lists' centres in them."""
        self.report(0, self.index.n, "sorting vectors into lists")
        sample = _unit(self.index.vectors(rows))
        values, axes = np.linalg.eigh(sample.T @ sample)
        self.axes = np.ascontiguousarray(axes[:, np.argsort(-values)[:DIMENSIONS]], np.float32)
        sample = sample @ self.axes
        kmeans = faiss.Kmeans(sample.shape[1], self.n_lists, niter=8, seed=1, min_points_per_centroid=1)
        kmeans.train(sample)
        self.centres = kmeans.centroids

    def _part(self) -> None:
        """The vectors in their main dimensions, list after list."""
        n, assigned, reduced = self.index.n, [], []
        for start in range(0, n, CHUNK):
            part = _unit(self.index.vectors(np.arange(start, min(start + CHUNK, n)))) @ self.axes
            assigned.append(faiss.knn(part, self.centres, 1)[1][:, 0])
            reduced.append(part)
            self.report(start + len(part), n, "sorting vectors into lists")
        self.list_of = np.concatenate(assigned)
        self.order = np.argsort(self.list_of, kind="stable")
        self.bounds = np.searchsorted(self.list_of[self.order], np.arange(self.n_lists + 1))
        self.reduced = np.concatenate(reduced)[self.order]

    def _between(self) -> np.ndarray:
        """How far the vectors of each list are from each centre, on average: float32 [lists, lists], own first."""
        found = np.empty((self.n_lists, self.n_lists), np.float32)
        for number in range(self.n_lists):
            members = self.reduced[self.bounds[number] : self.bounds[number + 1]]
            some = members[:: max(1, len(members) // 50)] if len(members) else self.centres[number : number + 1]
            squares = faiss.pairwise_distances(np.ascontiguousarray(some), self.centres)
            # The nearest counts more than the mean: a list at the edge of this one holds neighbours of a few.
            found[number] = squares.mean(axis=0) + squares.min(axis=0)
            found[number, number] = -1
        return found

    def _choose(self, rows: np.ndarray) -> None:
        """How many lists are compared: as few as hold the wanted share of the true neighbours of some rows."""
        self.true_rows, self.truth = rows, self._true(rows)
        rank = np.empty_like(self.around)
        np.put_along_axis(rank, self.around, np.broadcast_to(np.arange(self.n_lists), rank.shape), 1)
        ranks = rank[self.list_of[rows][:, None], self.list_of[self.truth]]
        self.n_around = next((n for n in LISTS if (ranks < n).mean() >= WANTED_COVERAGE), LISTS[-1])

    def _true(self, rows: np.ndarray) -> np.ndarray:
        """The nearest neighbours of some rows among all, int64 [len(rows), k]."""
        n, queries = self.index.n, _unit(self.index.vectors(rows))
        cosines, found = np.empty((len(rows), 0), np.float32), np.empty((len(rows), 0), np.int64)
        for start in range(0, n, CHUNK):
            part = np.arange(start, min(start + CHUNK, n))
            products = queries @ _unit(self.index.vectors(part)).T
            products[rows[:, None] == part] = -2
            cosines, found = np.hstack([cosines, products]), np.hstack([found, np.tile(part, (len(rows), 1))])
            best = np.argpartition(-cosines, self.k, axis=1)[:, : self.k]
            cosines, found = np.take_along_axis(cosines, best, 1), np.take_along_axis(found, best, 1)
            self.report(start + len(part), n, "finding some neighbours exactly, to measure by")
        return found

    def graph(self) -> Graph:
        n = self.index.n
        rows, distances = np.full((n, self.k), -1, np.int32), np.full((n, self.k), np.inf, np.float16)
        for number in range(self.n_lists):
            own = self.order[self.bounds[number] : self.bounds[number + 1]]
            if len(own):
                rows[own], distances[own] = self._of_list(number, own)
            self.report(int(self.bounds[number + 1]), n, "finding neighbours")
        same = [len(np.intersect1d(a, b)) for a, b in zip(rows[self.true_rows], self.truth, strict=True)]
        return Graph(rows, distances, float(np.mean(same)) / self.k)

    def _of_list(self, number: int, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Neighbours of the vectors of one list, from it and the lists around it."""
        spans = self._spans(number)
        pool = np.concatenate([self.reduced[start:end] for start, end in spans])
        pool_rows = np.concatenate([self.order[start:end] for start, end in spans])
        queries = self.reduced[self.bounds[number] : self.bounds[number + 1]]
        wanted = min(self.k * CANDIDATES + 1, len(pool))
        near, scores = faiss.knn(queries, pool, wanted)[::-1]
        places, _ = _without_self(np.arange(len(own)), near, scores)  # its own list comes first in the pool
        used, within = np.unique(places, return_inverse=True)
        vectors, queries = _unit(self.index.vectors(pool_rows[used])), _unit(self.index.vectors(own))
        within = within.reshape(places.shape)
        found = [
            _nearest(
                pool_rows[places[start : start + BLOCK]],
                np.matmul(vectors[within[start : start + BLOCK]], queries[start : start + BLOCK, :, None])[:, :, 0],
                self.k,
            )
            for start in range(0, len(own), BLOCK)
        ]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([distances for _, distances in found])

    def _spans(self, number: int) -> list[tuple[int, int]]:
        """Where in the order the lists to compare stand, this one first; more of them where they hold too few."""
        spans, n_held = [], 0
        for place, other in enumerate(self.around[number].tolist()):
            if place >= self.n_around and n_held > self.k * CANDIDATES:
                break
            spans.append((int(self.bounds[other]), int(self.bounds[other + 1])))
            n_held += spans[-1][1] - spans[-1][0]
        return spans
