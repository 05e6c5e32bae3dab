"""One order out of several answers."""

import numpy as np
import pytest

from indexer.neighbours import mean_direction, ranked


def test_several_examples_become_the_unit_vector_between_them() -> None:
    assert mean_direction(np.array([[1.0, 0], [0, 1]])) == pytest.approx([0.5**0.5, 0.5**0.5])
    assert mean_direction(np.array([3.0, 4])) == pytest.approx([0.6, 0.8])


def test_examples_that_cancel_out_are_asked_by_the_first() -> None:
    assert mean_direction(np.array([[1.0, 0], [-1, 0]])) == pytest.approx([1, 0])


@pytest.mark.parametrize("least", [False, True])
@pytest.mark.parametrize("n", [0, 3, 20, 500])
def test_ranking_is_by_distance_then_by_id(n: int, least: bool) -> None:
    rng = np.random.default_rng(n)
    ids, distances = rng.permutation(n).astype(np.int64), np.round(rng.random(n), 1).astype(np.float32)
    found, found_distances = ranked(ids, distances, 10, least)
    sign = -1 if least else 1
    expected = sorted(zip((sign * distances).tolist(), ids.tolist(), strict=True))[:10]
    assert found.tolist() == [row[1] for row in expected]
    assert (sign * found_distances).tolist() == [row[0] for row in expected]


def test_no_row_comes_twice() -> None:
    ids, distances = np.array([5, 5, 2, 2]), np.array([0.1, 0.1, 0.3, 0.3], np.float32)
    assert ranked(ids, distances, 3)[0].tolist() == [5, 2]
