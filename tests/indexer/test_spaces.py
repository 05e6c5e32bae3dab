"""Sizes beside vectors: what they weigh, and that they weigh nothing where nobody wants them to."""

import numpy as np
import pytest

from indexer.neighbours import mean_direction
from indexer.spaces import N_FEATURES, aim, size_features, with_size


def unit(n: int, d: int = 16, seed: int = 1) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_without_weight_the_very_vectors_are_given_back() -> None:
    vectors = unit(5)
    assert with_size(vectors, np.arange(5.0), 0) is vectors


def test_sizes_are_the_less_alike_the_more_they_differ() -> None:
    features = size_features(np.arange(0, 12, 0.5))
    cosines = features @ features[0]
    assert cosines[0] == pytest.approx(1)
    assert np.all(np.diff(cosines[:9]) < 0) and cosines[9:].max() < 0.01


def test_only_the_ratio_of_two_sizes_counts() -> None:
    small, large = size_features(np.array([3.0, 4.5])), size_features(np.array([13.0, 14.5]))
    assert small[0] @ small[1] == pytest.approx(large[0] @ large[1], abs=1e-6)


def test_a_sized_vector_is_of_unit_length_and_mixes_both_by_their_weights() -> None:
    vectors, sizes = unit(6), np.array([4, 5, 6, 9, 12, 14.0])
    made = with_size(vectors, sizes, 0.3)
    assert made.shape == (6, 16 + N_FEATURES)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    expected = 0.7 * vectors @ vectors.T + 0.3 * size_features(sizes) @ size_features(sizes).T
    assert np.allclose(made @ made.T, expected, atol=1e-5)


def test_an_unknown_size_is_neither_like_nor_unlike_any_other() -> None:
    features = size_features(np.array([np.nan, 5.0]))
    assert not features[0].any() and features[1].any()


@pytest.mark.parametrize("weight", [0.05, 0.2, 0.7, 1.0])
def test_a_query_in_two_parts_gives_the_distances_of_the_whole(weight: float) -> None:
    vectors, sizes = unit(40), np.random.default_rng(2).uniform(3, 15, 40)
    sized = with_size(vectors, sizes, weight)
    wanted = aim(sized[:3], 16, weight)
    found = wanted.distances(1 - vectors @ wanted.vector.astype(np.float32), sizes)
    assert np.allclose(found, 1 - sized @ mean_direction(sized[:3]), atol=2e-3)


def test_a_query_without_a_size_changes_no_distance() -> None:
    vectors = unit(10)
    wanted = aim(vectors[:1], 16, 0.2)
    distances = np.linspace(0, 2, 10, dtype=np.float32)
    assert wanted.size is None and wanted.distances(distances, np.arange(10)) is distances


def test_many_sizes_are_weighed_as_few_are() -> None:
    rng = np.random.default_rng(3)
    sizes, distances = rng.uniform(2, 22, 30_000), rng.uniform(0, 1, 30_000).astype(np.float32)
    wanted = aim(with_size(unit(3), np.array([5, 6, 9.0]), 0.3), 16, 0.3)
    few = np.concatenate(
        [wanted.distances(distances[k : k + 5000], sizes[k : k + 5000]) for k in range(0, 30_000, 5000)]
    )
    assert np.allclose(wanted.distances(distances, sizes), few, atol=2e-6)
