"""Bounds from random samples are exact: compared with every sample that could have been drawn."""

from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.audit import interval, most_wrong, remaining, sample_size, upper_bound


def chances(n: int, n_wrong: int, n_sample: int) -> list[float]:
    """Of finding 0, 1, 2 ... wrong ones, counted out."""
    every = comb(n, n_sample)
    return [comb(n_wrong, x) * comb(n - n_wrong, n_sample - x) / every for x in range(n_sample + 1)]


def test_counting_out_is_what_listing_all_samples_gives() -> None:
    wrong = {0, 3, 4}
    found = [len(wrong & set(drawn)) for drawn in combinations(range(9), 4)]
    assert [found.count(x) / len(found) for x in range(5)] == pytest.approx(chances(9, 3, 4))


@given(st.integers(1, 40), st.data())
def test_the_bound_is_the_largest_number_that_the_sample_does_not_refute(n: int, data: st.DataObject) -> None:
    n_sample = data.draw(st.integers(0, n))
    n_wrong = data.draw(st.integers(0, n_sample))
    error = 0.05 * 0.92
    possible = [
        k for k in range(n_wrong, n - n_sample + n_wrong + 1) if sum(chances(n, k, n_sample)[: n_wrong + 1]) > error
    ]
    assert most_wrong(n, n_sample, n_wrong) == max(possible)


@pytest.mark.parametrize("n_wrong", range(31))
def test_the_bound_holds_as_often_as_it_says_however_many_are_wrong(n_wrong: int) -> None:
    for n_sample in (1, 5, 12, 30):
        chance = chances(30, n_wrong, n_sample)
        missed = sum(p for x, p in enumerate(chance) if p and most_wrong(30, n_sample, x) < n_wrong)
        assert missed <= 0.05


def test_sixty_right_ones_promise_five_percent() -> None:
    assert 0.045 < upper_bound(3412, 60, 0) <= 0.05
    assert sample_size(3412, 0.05) == 60
    assert sample_size(1_000_000, 0.05) == 61


def test_a_pile_seen_whole_leaves_nothing_open() -> None:
    assert upper_bound(60, 60, 0) == 0
    assert most_wrong(60, 60, 7) == 7
    assert upper_bound(10, 0, 0) == 1
    assert upper_bound(0, 0, 0) == 0


@given(st.integers(1, 100_000), st.integers(0, 300), st.integers(0, 20), st.integers(1, 4))
def test_more_draws_promise_more_and_more_strangers_or_looks_less(n: int, drawn: int, wrong: int, look: int) -> None:
    drawn = min(drawn, n)
    wrong = min(wrong, drawn)
    bound = upper_bound(n, drawn, wrong, look=look)
    assert wrong / n <= bound <= 1
    assert upper_bound(n, drawn, wrong, look=look + 1) >= bound
    if drawn < n:
        assert upper_bound(n, drawn + 1, wrong, look=look) <= bound <= upper_bound(n, drawn + 1, wrong + 1, look=look)


@given(st.integers(1, 3000), st.floats(0, 0.3), st.integers(0, 5), st.integers(1, 3))
def test_the_sample_size_is_the_fewest_draws_that_keep_the_promise(n: int, share: float, wrong: int, look: int) -> None:
    wrong = min(wrong, n)
    size = sample_size(n, share, n_wrong=wrong, look=look)
    assert size == n or upper_bound(n, size, wrong, look=look) <= share
    assert size == wrong or upper_bound(n, size - 1, wrong, look=look) > share


def falsely_accepted(n: int, n_wrong: int, share: float, looks: int) -> float:
    """How often someone who enlarges his sample until the bound pleases is promised `share`, while more are wrong."""
    states, accepted = {(0, 0): 1.0}, 0.0
    for look in range(1, looks + 1):
        after: dict[tuple[int, int], float] = {}
        for (drawn, found), p in states.items():
            target = min(n, max(drawn + 1, sample_size(n, share, n_wrong=found, look=look)))
            for more, q in enumerate(chances(n - drawn, n_wrong - found, target - drawn)):
                if p * q > 1e-9 and upper_bound(n, target, found + more, look=look) <= share:
                    accepted += p * q
                elif p * q > 1e-9:
                    after[target, found + more] = after.get((target, found + more), 0) + p * q
        states = after
    return accepted


def test_repeating_an_audit_until_it_pleases_does_not_make_it_less_true() -> None:
    for n_wrong in (11, 12, 15, 20):
        assert falsely_accepted(200, n_wrong, 0.05, looks=5) <= 0.05


@settings(max_examples=30)
@given(st.integers(1, 60), st.data())
def test_the_interval_of_what_is_left_covers_as_often_as_it_says(n: int, data: st.DataObject) -> None:
    n_marked, n_probed = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    missed = 0.0
    for x, p in enumerate(chances(n, n_marked, n_probed)):
        if p:
            left = remaining([(n, n_probed, x)])
            missed += p * (not left.low <= n_marked - x <= left.high)
            assert left.low <= left.estimate <= left.high
            low, high = interval(n_probed, x, n)
            assert (left.low + x, left.high + x) == pytest.approx((low * n, high * n))
    assert missed <= 0.05 + 1e-9


def test_parts_of_what_was_not_seen_are_summed() -> None:
    whole, parts = remaining([(10_000, 200, 4)]), remaining([(500, 100, 4), (9500, 100, 0)])
    assert whole.estimate == pytest.approx(196)
    assert parts.estimate == pytest.approx(16)
    assert parts.high < whole.high
    assert (parts.n_probes, parts.n_found) == (200, 4)
    nothing = remaining([(1000, 0, 0)])
    assert (nothing.low, nothing.high, nothing.estimate) == (0, 1000, 500)
    assert remaining([]).high == 0


@pytest.mark.parametrize("counts", [(10, 11, 0), (10, 5, 6), (10, 5, -1), (-1, 0, 0)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        most_wrong(*counts)
    with pytest.raises(ValueError, match="confidence"):
        most_wrong(10, 5, 1, confidence=1.0)
    with pytest.raises(ValueError, match="number 1"):
        most_wrong(10, 5, 1, look=0)
