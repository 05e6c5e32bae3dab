"""One order out of several answers, what examples and counter-examples ask for, and what a distance means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.neighbours import Calibration, feedback_direction, feedback_scores, mean_direction, ranked


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


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def two_kinds(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of which half are wanted: both kinds lie around one common direction, and differ in another."""
    rng = np.random.default_rng(seed)
    wanted = np.arange(n) % 2 == 0
    vectors = 0.15 * rng.standard_normal((n, 64))
    vectors[:, 0] += 1
    vectors[:, 1] += np.where(wanted, 0.3, -0.3)
    return unit(vectors), wanted


def test_counter_examples_say_what_the_examples_have_in_common_by_chance() -> None:
    """All examples so far come from one sample, and look like it."""
    vectors, wanted = two_kinds(1000)
    sample = np.arange(1000) // 2 % 2
    vectors[:, 2] += 0.6 * sample
    vectors = unit(vectors)
    seen = np.flatnonzero(sample[:100] == 1)
    positive, negative = vectors[seen][wanted[seen]][:10], vectors[seen][~wanted[seen]][:10]
    candidates, kinds = vectors[100:], wanted[100:]
    with_both = np.argsort(-feedback_scores(candidates, positive, negative))[:100]
    with_examples = np.argsort(-feedback_scores(candidates, positive, negative[:0]))[:100]
    assert kinds[with_both].mean() > kinds[with_examples].mean() + 0.05


def test_scores_are_products_with_one_direction_that_an_index_can_be_asked_for() -> None:
    vectors, wanted = two_kinds(300)
    positive, negative = vectors[wanted][:5], vectors[~wanted][:5]
    direction = feedback_direction(positive, negative, vectors)
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-5)
    assert feedback_scores(vectors, positive, negative) == pytest.approx(vectors @ direction, abs=1e-6)


def test_without_counter_examples_the_examples_alone_say_the_direction() -> None:
    vectors, _ = two_kinds(300)
    nothing = np.empty((0, 64), np.float32)
    assert np.array_equal(feedback_direction(vectors[:3], nothing, vectors), mean_direction(vectors[:3]))


@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 20))
def test_any_examples_give_a_unit_direction(p: int, q: int, m: int, seed: int) -> None:
    """Also such as contradict each other, or are all equal."""
    vectors = unit(np.random.default_rng(seed).integers(-1, 2, (p + q + m, 3)) + 1e-9)
    direction = feedback_direction(vectors[:p], vectors[p : p + q], vectors[p + q :])
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-4)


def test_what_is_approved_and_refused_alike_is_asked_by_the_examples() -> None:
    one = unit(np.ones((1, 4)))
    assert feedback_direction(one, one, np.empty((0, 4))) == pytest.approx(one[0], abs=1e-3)


def test_thousands_of_examples_cost_little_more_than_hundreds() -> None:
    vectors, wanted = two_kinds(20_000)
    direction = feedback_direction(vectors[wanted], vectors[~wanted], vectors[:300])
    assert direction[1] > 0.5


pairs = st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=300)


@given(pairs)
def test_the_chance_never_rises_with_distance(found: list[tuple[float, bool]]) -> None:
    distances, same = np.array([d for d, _ in found]), np.array([s for _, s in found], bool)
    calibration = Calibration.fit(distances, same)
    if len(found) < 30 or same.all() or not same.any():
        assert calibration is None
        return
    chances = calibration.chance(np.linspace(-0.1, 2.1, 100))
    assert (np.diff(chances) <= 1e-7).all()
    assert (chances > 0).all() and (chances < 1).all()
    assert calibration.n == len(found)


def test_chances_are_those_that_the_pairs_were_drawn_with() -> None:
    rng = np.random.default_rng(1)
    distances = rng.uniform(0, 1, 20_000)
    calibration = Calibration.fit(distances, rng.random(20_000) < 1 - distances)
    asked = np.linspace(0.05, 0.95, 19)
    assert calibration.chance(asked) == pytest.approx(1 - asked, abs=0.05)
    assert calibration.distance_of(0.5) == pytest.approx(0.5, abs=0.05)


def test_the_line_stands_where_the_chance_falls_below_what_is_asked() -> None:
    calibration = Calibration(100, np.array([0.1, 0.2, 0.4]), np.array([0.9, 0.6, 0.2]))
    assert calibration.distance_of(0.95) == 0
    assert calibration.distance_of(0.6) == pytest.approx(0.2)
    assert calibration.distance_of(0.4) == pytest.approx(0.3)
    assert calibration.distance_of(0.1) == pytest.approx(0.4)
    assert calibration.chance(np.array([0.3]))[0] == pytest.approx(0.4)


def test_unknown_distances_are_no_pairs() -> None:
    distances = np.append(np.linspace(0, 1, 29), [np.nan, np.nan])
    assert Calibration.fit(distances, np.arange(31) < 12) is None
