"""The index answers as brute force does, with and without a sketch, and says what recall to expect."""

from pathlib import Path

import numpy as np
import pytest

from indexer import index as module
from indexer.index import SKETCH, VECTORS, Index, VectorWriter, build_sketch
from tests.benchmarks.recipes import chunks

N, DIMENSION = 40_000, 64


def written(folder: Path, vectors: np.ndarray) -> Path:
    writer = VectorWriter(folder / VECTORS, vectors.shape[1])
    for start in range(0, len(vectors), 7000):
        writer.write(vectors[start : start + 7000].astype(np.float16))
    writer.close()
    return folder


def recipe(name: str, n: int = N) -> np.ndarray:
    return np.concatenate([chunk.vectors for chunk in chunks(name, n, DIMENSION)])


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sketch already for 10,000 vectors, asked even for few."""
    monkeypatch.setattr(module, "EXACT_UP_TO", 10_000)
    monkeypatch.setattr(module, "CANDIDATES", (400, 800, 1600, 3200))
    monkeypatch.setattr(module, "WANTED_RECALL", 0.985)  # few vectors of 64 numbers are harder to tell apart


def brute(vectors: np.ndarray, query: np.ndarray, k: int, allowed: np.ndarray | None, least: bool) -> np.ndarray:
    halves = vectors.astype(np.float16).astype(np.float32)
    cosines = halves @ query / np.linalg.norm(halves, axis=1)
    if allowed is not None:
        cosines[~allowed] = np.inf if least else -np.inf
    return np.argsort(cosines if least else -cosines, kind="stable")[:k]


def test_the_file_is_what_faiss_itself_writes(tmp_path: Path) -> None:
    vectors = recipe("manifold", 9000)
    index = Index(written(tmp_path, vectors), None)
    assert (index.n, index.dimension) == (9000, DIMENSION)
    assert np.abs(index.vectors(np.arange(9000)) - vectors).max() < 1e-3


@pytest.mark.parametrize("least", [False, True])
@pytest.mark.parametrize("share", [1.0, 0.6, 0.01, 0.0])
def test_without_a_sketch_it_is_exact(tmp_path: Path, share: float, least: bool) -> None:
    vectors = recipe("clustered")
    index = Index(written(tmp_path, vectors), None)
    allowed = np.random.default_rng(2).random(N) < share
    rows, cosines, exact = index.search(vectors[17], 50, allowed, least)
    expected = brute(vectors, index.vectors(np.array([17]))[0], 50, allowed, least)
    assert exact and len(rows) == min(50, allowed.sum())
    assert len(np.intersect1d(rows, expected)) >= len(rows) - 1, "a tie in the last place may go either way"
    assert np.all(np.diff(cosines) >= 0) if least else np.all(np.diff(cosines) <= 0)


@pytest.mark.parametrize("name", ["clustered", "manifold"])
def test_a_sketch_finds_what_brute_force_finds(tmp_path: Path, small_limits: None, name: str) -> None:
    vectors = recipe(name)
    sketch = build_sketch(written(tmp_path, vectors))
    assert sketch is not None and min(sketch.recall_most, sketch.recall_least) >= 0.985
    index = Index(tmp_path, sketch)
    rng = np.random.default_rng(3)
    halves = rng.random(N) < 0.5
    far = index.vectors(np.arange(N)) @ index.vectors(np.array([5]))[0] < 0.1  # where the query itself is not
    found, plain = [], 0
    for query in index.vectors(rng.choice(N, 8, replace=False)):
        for allowed in (None, halves, far):
            for least in (False, True):
                rows, _, exact = index.search(query, 100, allowed, least)
                plain += not exact
                assert len(rows) == len(set(rows.tolist())) == 100
                assert allowed is None or allowed[rows].all()
                found.append(len(np.intersect1d(rows, brute(vectors, query, 100, allowed, least))))
    assert plain > 10, "the sketch was asked"
    assert np.mean(found) >= 99


def test_few_vectors_get_no_sketch(tmp_path: Path, small_limits: None) -> None:
    assert build_sketch(written(tmp_path, recipe("manifold", 5000))) is None
    assert not (tmp_path / SKETCH).exists()


def test_a_sketch_that_misses_too_much_is_not_used(
    tmp_path: Path, small_limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CANDIDATES", (200,))
    monkeypatch.setattr(module, "WANTED_RECALL", 1.0)
    assert build_sketch(written(tmp_path, np.random.default_rng(1).standard_normal((20_000, 64)))) is None
    assert not (tmp_path / SKETCH).exists()


def test_more_rows_than_there_are_gives_all_of_them(tmp_path: Path, small_limits: None) -> None:
    vectors = recipe("manifold", 12_000)
    index = Index(tmp_path, build_sketch(written(tmp_path, vectors)))
    rows, _, exact = index.search(vectors[0], 50_000)
    assert exact and sorted(rows.tolist()) == list(range(12_000))


def test_equal_vectors_come_in_the_order_of_their_rows(tmp_path: Path) -> None:
    vectors = np.tile(recipe("manifold", 1), (500, 1))
    index = Index(written(tmp_path, vectors), None)
    assert index.search(vectors[0], 500)[0].tolist() == list(range(500))
