"""The graph holds each vector's true neighbours: compared with comparing all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import graph as graphs
from indexer.graph import InMemory, build_graph
from tests.benchmarks.recipes import chunks


def unit_vectors(n: int, dimension: int = 16, seed: int = 1) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def true_distances(vectors: np.ndarray) -> np.ndarray:
    distances = 1 - vectors @ vectors.T
    np.fill_diagonal(distances, np.inf)
    return np.sort(distances, axis=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 80), st.integers(1, 40), st.booleans(), st.integers(0, 5))
def test_few_vectors_have_exactly_their_nearest_others(n: int, k: int, alike: bool, seed: int) -> None:
    vectors = unit_vectors(n, 8, seed)[np.random.default_rng(seed).integers(0, max(1, n // 4 if alike else n), n)]
    graph = build_graph(InMemory(vectors), k)
    assert graph.rows.shape == graph.distances.shape == (n, k)
    found = min(k, max(0, n - 1))
    assert (graph.rows[:, :found] >= 0).all() and (graph.rows[:, found:] == -1).all()
    assert np.isinf(graph.distances[:, found:]).all()
    for row in range(n):
        near = graph.rows[row, :found]
        assert row not in near and len(set(near.tolist())) == found
        assert graph.distances[row, :found] == pytest.approx(1 - vectors[near] @ vectors[row], abs=2e-3)
        assert graph.distances[row, :found] == pytest.approx(true_distances(vectors)[row, :found], abs=2e-3)


@pytest.mark.parametrize("recipe", ["clustered", "manifold"])
def test_many_vectors_are_compared_list_by_list(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.concatenate([chunk.vectors for chunk in chunks(recipe, 6000, 128)])
    exact = build_graph(InMemory(vectors), 10)
    monkeypatch.setattr(graphs, "EXACT_UP_TO", 1000)
    monkeypatch.setattr(graphs, "A_LIST", 150)
    graph = build_graph(InMemory(vectors), 10)
    same = np.mean([len(np.intersect1d(a, b)) for a, b in zip(graph.rows, exact.rows, strict=True)]) / 10
    assert exact.recall == 1
    assert same > 0.97
    assert graph.recall == pytest.approx(same, abs=0.02), "what it says of itself is measured"
    assert (graph.rows != np.arange(6000)[:, None]).all() and (graph.rows >= 0).all()
    assert (np.diff(graph.distances, axis=1) >= 0).all()


def test_lists_of_equal_vectors_have_neighbours_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "EXACT_UP_TO", 100)
    monkeypatch.setattr(graphs, "A_LIST", 50)
    graph = build_graph(InMemory(np.repeat(unit_vectors(2, 8), 500, axis=0)), 30)
    assert (graph.distances == 0).all()
    assert (graph.rows // 500 == np.repeat([0, 1], 500)[:, None]).all()
    assert all(len(set(near)) == 30 and row not in near for row, near in enumerate(graph.rows.tolist()))


class Stopped(Exception):
    """Somebody has seen enough."""


@pytest.mark.parametrize("n", [500, 3000])
def test_it_tells_how_far_it_is_and_can_be_stopped(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "EXACT_UP_TO", 1000)
    told: list[tuple[int, int, str]] = []
    build_graph(InMemory(unit_vectors(n)), 5, lambda done, total, step: told.append((done, total, step)))
    assert told[-1] == (n, n, "finding neighbours")

    def stop(done: int, total: int, step: str) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        build_graph(InMemory(unit_vectors(n)), 5, stop)
