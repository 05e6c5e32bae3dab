"""Nearest vectors of one collection: a memory-mapped file of half-precision unit vectors, and a sketch of them.

The sketch (FAISS: random rotation, IVF, two-bit RaBitQ in fast-scan layout) is scanned whole in about 10 ms per million
and proposes candidates, whose true similarities come from the file. It costs the same for clustered vectors and for a
continuum, takes any filter, and finds the least alike as the most alike of the opposite. How many candidates are needed
is measured on exact answers after each build. Few vectors, or few that a filter leaves, are compared exactly.

RaBitQ: Gao and Long, SIGMOD 2024. Graph indexes are not used: they lose the answers of selective filters.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import faiss
import numpy as np

VECTORS, SKETCH = "vectors.faiss", "sketch.faiss"

EXACT_UP_TO = 150_000  # vectors that need no sketch: scanned exactly, 10 ms per 200,000
GATHER_UP_TO = 1 / 20  # share that a filter leaves; these are copied out and compared: 0.22 ms per 1,000
SCAN_UP_TO = 1 / 8  # share that a filter leaves; for more, the sketch is quicker than a scan of the file
K_CALIBRATED = 200
CANDIDATES = (2000, 4000, 8000, 16_000)  # tried in this order
WANTED_RECALL = 0.998
SAFE_ERRORS = 2.0  # standard errors of the sketch's estimate
# For more rows, so many more candidates: of a million, 5,000 for 1,020 rows and 12,060 for 4,020 have 0.9999 of them.
GROWTH, FEWEST_TIMES = 0.6, 3
N_QUERIES = 40
CHUNK = 20_000
GATHERED = 4000  # vectors copied out at once: as many as stay in the processor's cache

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Sketch:
    """How the sketch is asked, and what that gave on held-out exact queries."""

    candidates: int  # for K_CALIBRATED rows; more by GROWTH for more
    nprobe: int  # lists that are scanned for the most alike; all of them under a filter and for the least alike
    recall_most: float
    recall_least: float


class VectorWriter:
    """Writes a FAISS flat index of half-precision vectors to a file, a chunk at a time, in constant memory."""

    def __init__(self, path: Path, dimension: int) -> None:
        self.dimension, self.n = dimension, 0
        self.file: IO[bytes] = path.open("wb")
        self.file.write(self._header())

    def _header(self) -> bytes:
        """What FAISS writes before the codes, which stand last, after their number of bytes."""
        empty = _flat(self.dimension)
        empty.ntotal = self.n
        return faiss.serialize_index(empty).tobytes()[:-8] + np.int64(self.n * 2 * self.dimension).tobytes()

    def write(self, vectors: np.ndarray) -> None:
        """Append float16 [m, dimension], of unit length."""
        self.file.write(np.ascontiguousarray(vectors, np.float16).tobytes())
        self.n += len(vectors)

    def close(self) -> None:
        """Say how many there are, and put everything on the disk."""
        self.file.seek(0)
        self.file.write(self._header())
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


def _flat(dimension: int) -> faiss.IndexScalarQuantizer:
    index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True
    return index


class Index:
    """An opened index. Safe to use from several threads: nothing in it changes.

    Attributes: n, dimension, sketch (None: every answer is exact).
    """

    def __init__(self, folder: Path, sketch: Sketch | None) -> None:
        path = folder / VECTORS
        self.flat = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        self.n, self.dimension = self.flat.ntotal, self.flat.d
        self.sketch = sketch
        self.codes = np.memmap(path, np.uint8, "r", path.stat().st_size - self.n * 2 * self.dimension).reshape(
            self.n, 2 * self.dimension
        )
        self.coarse = faiss.read_index(str(folder / SKETCH)) if sketch else None
        self.nlist = faiss.extract_index_ivf(self.coarse).nlist if sketch else 0

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """float32 [len(rows), dimension]."""
        return self.flat.sa_decode(self.codes[rows])

    def recall(self, exact: bool, plain: bool) -> float:
        """What share of the true answer is expected; plain: most alike, with no filter."""
        if exact or self.sketch is None:
            return 1.0
        return self.sketch.recall_most if plain else min(self.sketch.recall_most, self.sketch.recall_least)

    def search(
        self,
        query: np.ndarray,
        k: int,
        allowed: np.ndarray | None = None,
        least: bool = False,
        around: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """The `k` rows most (or least) alike to a unit vector, best first; always `k` where so many are allowed.

        query: float32 [dimension]. allowed: bool [n], the rows that may be answered; None: all. around: of a large
        index, only the lists around the query are asked where these hold `k`, for what needs no certainty: 5 ms of a
        million instead of 22, and 50 of 50 where a filter keeps every seventh by chance.
        Returns rows int64, cosines float32, and whether the answer is exact. Equal rows come by their numbers.
        """
        faiss.omp_set_num_threads(1)  # of this thread: the other cores are for other people
        query = np.ascontiguousarray(-query if least else query, np.float32)
        n_allowed = self.n if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, n_allowed)
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32), True
        # A few more, since rounding to half precision leaves lengths that are not quite 1.
        wanted = min(k + 20, n_allowed)
        rows, exact = self._nearest(query, wanted, allowed, n_allowed, around or (allowed is None and not least))
        vectors = self.vectors(rows)
        cosines = np.einsum("ij,j->i", vectors, query) / np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        order = np.lexsort((rows, -cosines))[:k]
        return rows[order], (-cosines if least else cosines)[order], exact

    def _nearest(
        self, query: np.ndarray, k: int, allowed: np.ndarray | None, n_allowed: int, plain: bool
    ) -> tuple[np.ndarray, bool]:
        """At least `k` rows, among them the nearest; and whether that is certain."""
        selector = None if allowed is None else faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        if self.sketch and (n_allowed > EXACT_UP_TO or n_allowed > SCAN_UP_TO * self.n):
            for nprobe in (self.sketch.nprobe, self.nlist) if plain else (self.nlist,):
                rows = self._refined(query, k, n_allowed, nprobe, selector)
                if rows is not None:
                    return rows, False
        if n_allowed > GATHER_UP_TO * self.n and k * 10 < n_allowed:
            parameters = faiss.SearchParameters(sel=selector) if selector else None
            return self.flat.search(query[None], k, params=parameters)[1][0], True
        rows = np.arange(self.n) if allowed is None else np.flatnonzero(allowed)
        return self.compare(query, k, rows), True

    def _refined(
        self, query: np.ndarray, k: int, n_allowed: int, nprobe: int, selector: faiss.IDSelector | None
    ) -> np.ndarray | None:
        """The `k` nearest of the sketch's candidates, of which more are asked for until a missed row is improbable.

        A row is missed when it is nearer than the k-th found, and the sketch held it to be farther than the last
        candidate: an error that is compared with the errors seen on the candidates. None: a scan is cheaper.
        """
        n = max(int(self.sketch.candidates * max(1.0, k / (K_CALIBRATED + 20)) ** GROWTH), FEWEST_TIMES * k)
        while n * 10 < n_allowed:
            rows, estimates = self.candidates(query, n, nprobe, selector)
            if len(rows) < k:
                return None
            similarities = np.einsum("ij,j->i", self.vectors(rows), query)
            best = np.argpartition(-similarities, k - 1)[:k]
            error = float(np.sqrt(np.mean((estimates - similarities) ** 2)))
            if len(rows) < n or similarities[best].min() - estimates.min() > SAFE_ERRORS * error:
                return rows[best]
            n *= 3
        return None

    def candidates(
        self, query: np.ndarray, n: int, nprobe: int, selector: faiss.IDSelector | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """At most `n` rows that the sketch holds to be the nearest, in the order of the file, and their estimates."""
        inner = faiss.IVFSearchParameters(sel=selector, nprobe=nprobe)
        parameters = faiss.SearchParametersPreTransform(index_params=inner)
        estimates, rows = self.coarse.search(query[None], n, params=parameters)
        order = np.argsort(rows[0])[np.count_nonzero(rows[0] < 0) :]
        return rows[0][order], estimates[0][order]

    def compare(self, query: np.ndarray, k: int, rows: np.ndarray) -> np.ndarray:
        """The `k` nearest of `rows`, in no order: their vectors are copied out and scanned."""
        found, similarities = [], []
        for start in range(0, len(rows), GATHERED):
            part = rows[start : start + GATHERED]
            few = _flat(self.dimension)
            few.add_sa_codes(self.codes[part])
            nearest, places = few.search(query[None], min(k, len(part)))
            found.append(part[places[0]])
            similarities.append(nearest[0])
        if len(found) == 1:
            return found[0]
        best = np.argsort(-np.concatenate(similarities), kind="stable")[:k]
        return np.concatenate(found)[best]


def build_sketch(folder: Path, report: Report = lambda done, total, step: None, seed: int = 1) -> Sketch | None:
    """Sketch the vectors of a folder, write it beside them, and measure how it is to be asked.

    Returns None, and leaves no sketch, where the vectors are few or the sketch does not reach the wanted recall: they
    are then scanned exactly.
    """
    plain = Index(folder, None)
    if plain.n <= EXACT_UP_TO:
        return None
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    rng = np.random.default_rng(seed)
    coarse = _trained(plain, rng)
    for start in range(0, plain.n, CHUNK):
        coarse.add(plain.vectors(np.arange(start, min(start + CHUNK, plain.n))))
        report(min(start + CHUNK, plain.n), plain.n, "sketching vectors")
    path = folder / SKETCH
    faiss.write_index(coarse, str(path))
    del coarse
    report(plain.n, plain.n, "measuring the recall")
    sketch = _calibrated(folder, rng)
    if sketch is None:
        path.unlink()
    return sketch


def _trained(plain: Index, rng: np.random.Generator) -> faiss.IndexPreTransform:
    """An empty sketch whose lists are fitted on a sample. Random rotation is what RaBitQ's error bounds rest on."""
    nlist = int(np.clip(2 ** round(np.log2(np.sqrt(plain.n))), 64, 65_536))
    coarse = faiss.index_factory(plain.dimension, f"RR,IVF{nlist},RaBitQfs2", faiss.METRIC_INNER_PRODUCT)
    clustering = faiss.extract_index_ivf(coarse).cp
    clustering.niter, clustering.max_points_per_centroid = 8, 64
    sample = np.sort(rng.choice(plain.n, min(plain.n, nlist * 64), replace=False))
    coarse.train(plain.vectors(sample))
    return coarse


def _calibrated(folder: Path, rng: np.random.Generator) -> Sketch | None:
    """The fewest candidates, then the fewest lists, that reach the wanted recall on exact answers."""
    index = Index(folder, Sketch(CANDIDATES[0], 1, 0.0, 0.0))
    queries = index.vectors(np.sort(rng.choice(index.n, N_QUERIES, replace=False)))
    most = index.flat.search(queries, K_CALIBRATED)[1]
    least = index.flat.search(-queries, K_CALIBRATED)[1]

    def recall(sign: int, truth: np.ndarray, n_candidates: int, nprobe: int) -> float:
        found = [index.compare(q, K_CALIBRATED, index.candidates(q, n_candidates, nprobe)[0]) for q in sign * queries]
        return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True)])) / K_CALIBRATED

    for n_candidates in CANDIDATES:
        recall_least = recall(-1, least, n_candidates, index.nlist)
        recall_most = recall(1, most, n_candidates, index.nlist)
        if min(recall_least, recall_most) >= WANTED_RECALL:
            break
    else:
        return None
    nprobe = index.nlist
    while nprobe > index.nlist // 8 and (fewer := recall(1, most, n_candidates, nprobe // 2)) >= WANTED_RECALL:
        nprobe, recall_most = nprobe // 2, fewer
    return Sketch(n_candidates, nprobe, recall_most, recall_least)
