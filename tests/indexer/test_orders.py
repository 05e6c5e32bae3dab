"""Similar things stand beside each other, and the strangest come first."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.orders import extremes_first, seriate


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(n: int, dimension: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, dimension)))


def length(vectors: np.ndarray, order: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(vectors[order], axis=0), axis=1).sum())


@st.composite
def some_vectors(draw: st.DrawFn) -> np.ndarray:
    """Up to 60 vectors, among them often equal ones, in few or many dimensions."""
    n, dimension = draw(st.integers(0, 60)), draw(st.sampled_from([1, 2, 3, 64, 256]))
    different = draw(st.integers(1, max(1, n)))
    rows = np.random.default_rng(draw(st.integers(0, 99))).integers(0, different, n)
    return random_vectors(different, dimension, draw(st.integers(0, 99)))[rows]


@pytest.mark.parametrize("order_of", [seriate, extremes_first])
@settings(deadline=None, max_examples=40)
@given(vectors=some_vectors())
def test_each_row_comes_once_and_always_in_the_same_place(order_of, vectors: np.ndarray) -> None:
    order = order_of(vectors)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(len(vectors)))
    assert order.tolist() == order_of(vectors.copy()).tolist()


@settings(deadline=None, max_examples=40)
@given(vectors=some_vectors())
def test_equal_vectors_stand_together_in_the_order_of_their_rows(vectors: np.ndarray) -> None:
    laid = [vector.tobytes() for vector in vectors[seriate(vectors)]]
    runs = 1 + sum(a != b for a, b in pairwise(laid))
    assert not laid or runs == len(set(laid))
    order = seriate(np.repeat(random_vectors(3, 8, 1), 4, axis=0)).tolist()
    assert all(order[i : i + 4] == sorted(order[i : i + 4]) for i in (0, 4, 8))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_vectors_keep_their_order(n: int) -> None:
    vectors = random_vectors(n, 16, 3).reshape(n, 16)
    assert seriate(vectors).tolist() == list(range(n))
    assert extremes_first(vectors).tolist() == list(range(n))


def test_of_two_directions_the_first_vector_comes_early() -> None:
    for seed in range(20):
        vectors = random_vectors(50, 3, seed)
        assert seriate(vectors).tolist().index(0) < 25


def test_all_equal_keep_their_order() -> None:
    vectors = np.repeat(random_vectors(1, 256, 1), 3000, axis=0)
    assert seriate(vectors).tolist() == list(range(3000))
    assert extremes_first(vectors).tolist() == list(range(3000))


def test_hundreds_that_hardly_differ_make_no_trouble() -> None:
    rng = np.random.default_rng(1)
    places = np.repeat(np.arange(4), 1500)
    vectors = unit(random_vectors(4, 256, 1)[places] + 1e-4 * rng.standard_normal((6000, 256)))
    laid = places[seriate(vectors)]
    assert np.count_nonzero(np.diff(laid)) == 3


def test_an_arc_is_followed_from_end_to_end() -> None:
    angles = np.random.default_rng(2).permutation(np.linspace(0, 2, 400))
    order = seriate(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    steps = np.diff(angles[order])
    assert (steps > 0).all() or (steps < 0).all()


def test_the_path_through_few_is_hardly_longer_than_the_shortest() -> None:
    ratios = []
    for seed in range(12):
        vectors = random_vectors(7, 4, seed)
        shortest = min(length(vectors, np.array(order)) for order in permutations(range(7)))
        ratios.append(length(vectors, seriate(vectors)) / shortest)
    assert np.mean(ratios) < 1.07
    assert max(ratios) < 1.25


def test_groups_stay_together_and_neighbours_are_nearer_than_by_distance_to_one() -> None:
    rng = np.random.default_rng(3)
    group = rng.integers(0, 12, 1000)
    vectors = unit(random_vectors(12, 256, 4)[group] + 0.05 * rng.standard_normal((1000, 256)))
    order = seriate(vectors)
    assert np.count_nonzero(np.diff(group[order])) == 11
    by_distance = np.argsort(-vectors @ vectors[0])
    assert length(vectors, order) < 0.9 * length(vectors, by_distance)


def test_strangers_come_first_even_where_several_are_alike() -> None:
    rng = np.random.default_rng(5)
    own, other = random_vectors(2, 32, 6)
    vectors = unit(np.vstack([np.tile(own, (200, 1)), np.tile(other, (5, 1))]) + 0.05 * rng.standard_normal((205, 32)))
    assert set(extremes_first(vectors)[:5].tolist()) == set(range(200, 205))
