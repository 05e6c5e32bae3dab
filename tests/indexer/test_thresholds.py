"""What a threshold buys, counted and bounded; and which one is suggested."""

import numpy as np
import pytest
from scipy.stats import beta

from indexer.thresholds import EDGES, at_least, curves, lower_bound, suggested


def test_a_step_counts_what_has_at_least_its_score() -> None:
    scores = np.array([0.95, 0.95, 0.949, 1.0, 0.0, np.nan], np.float32)
    counted = at_least(scores, np.array([0, 1, 0, 0, 0, 0]), 2)
    for step in (0, 94, 95, 96, 100):
        for group in (0, 1):
            kept = scores[np.array([0, 1, 0, 0, 0, 0]) == group] >= EDGES[step]
            assert counted[group, step] == np.count_nonzero(kept)
    sums = at_least(scores, np.array([0, 1, 0, 0, 0, 0]), 2, sums=True)
    assert sums[0, 95] == pytest.approx(1.95) and sums[1, 0] == pytest.approx(0.95)


def test_the_bound_is_clopper_and_pearsons() -> None:
    right, n = np.array([0, 1, 59, 10, 10]), np.array([0, 10, 59, 10, 12])
    expected = [0, *(beta.ppf(0.05, r, m - r + 1) for r, m in zip(right[1:], n[1:], strict=True))]
    assert lower_bound(right, n) == pytest.approx(expected)


def test_the_bound_is_seldom_above_the_truth() -> None:
    rng = np.random.default_rng(3)
    for truth in (0.8, 0.95, 0.99):
        right = rng.binomial(60, truth, 4000)
        assert np.mean(lower_bound(right, np.full(4000, 60)) > truth) <= 0.055


def test_the_lowest_step_is_suggested_that_is_as_precise_as_wished_with_one_more_wrong() -> None:
    scores = np.linspace(0.999, 0.5, 500).astype(np.float32)
    right = scores > 0.7  # so that from 0.69 on it is 97 %
    found = curves(scores, np.zeros(500, int), right, 1)
    step = int(suggested(found, 0.95)[0])
    n, n_right = found.n[0], found.n_right[0]
    assert (n_right[step] + 1) / (n[step] + 2) >= 0.95 > (n_right[step - 1] + 1) / (n[step - 1] + 2)
    assert found.lower[0, step] < found.precision[0, step]


def test_a_suggestion_goes_no_lower_than_what_was_held_out() -> None:
    found = curves(np.linspace(0.999, 0.42, 100).astype(np.float32), np.zeros(100, int), np.ones(100, bool), 1)
    assert suggested(found, 0.9).tolist() == [42]


def test_nothing_is_suggested_where_too_few_were_held_out_or_none_is_so_precise() -> None:
    few = curves(np.full(19, 0.9, np.float32), np.zeros(19, int), np.ones(19, bool), 2)
    assert suggested(few, 0.5).tolist() == [-1, -1]
    wrong = curves(np.full(40, 0.9, np.float32), np.zeros(40, int), np.arange(40) % 2 == 0, 1)
    assert suggested(wrong, 0.6).tolist() == [-1] and suggested(wrong, 0.5).tolist() == [90]
