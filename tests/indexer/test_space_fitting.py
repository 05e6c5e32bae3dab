"""A space learned from labels draws taxa together, crushes none that it has not seen, and says when it is no better."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from indexer.learned_space import Steps, agreement, discriminant, drawn_together, mixed
from indexer.linear_map import LinearMap
from indexer.space_fitting import Agreement, TooFewLabels, fit_space, verdict


def hidden(n: int, n_taxa: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors in which accidents are louder than what tells taxa apart."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(n_taxa, 12))
    taxa = rng.integers(0, n_taxa, n)
    made = np.concatenate([2.5 * rng.normal(size=(n, 12)), centres[taxa] + 0.5 * rng.normal(size=(n, 12))], axis=1)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32), taxa


def test_a_map_goes_through_bytes_and_keeps_unit_length() -> None:
    vectors, taxa = hidden(400, 5)
    learned = discriminant(vectors, taxa, 0.1)
    again = LinearMap.from_bytes(learned.to_bytes(), 24)
    assert np.array_equal(again.apply(vectors), learned.apply(vectors))
    assert np.allclose(np.linalg.norm(again.apply(vectors), axis=1), 1, atol=1e-5)
    assert np.allclose(again.apply(vectors[3]), again.apply(vectors)[3], atol=1e-6)
    with pytest.raises(ValueError, match="no map of 16"):
        LinearMap.from_bytes(learned.to_bytes(), 16)


def test_the_pulled_back_direction_points_where_likeness_grows() -> None:
    vectors, taxa = hidden(400, 5)
    learned = discriminant(vectors, taxa, 0.1)
    mapped = learned.apply(vectors)
    proposed = np.argsort(-vectors @ learned.pulled_back(mapped[0]))[:120]
    assert len(np.intersect1d(np.argsort(-mapped @ mapped[0])[:20], proposed)) >= 18


def test_each_way_of_learning_draws_taxa_together() -> None:
    vectors, taxa = hidden(800, 6)
    others, truth = hidden(400, 6, seed=2)
    before = agreement(others, truth).mean()
    told = discriminant(vectors, taxa, 0.1, 0.5)
    drawn = drawn_together(told, vectors, taxa, Steps(60, 300))
    after = [agreement(one.apply(others), truth).mean() for one in (told, drawn, mixed(drawn, told, 0.5, vectors))]
    assert min(after) > before + 0.15 and after[1] >= after[0]


def test_steps_follow_the_gradient_of_what_they_say() -> None:
    vectors, taxa = hidden(60, 3)
    learned = discriminant(vectors, taxa, 0.1)
    from indexer.learned_space import _gradient

    centred = (vectors - learned.mean).astype(np.float64)

    def loss(matrix: np.ndarray) -> float:
        unit = centred @ matrix.T
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        logits = unit @ unit.T / 0.2
        np.fill_diagonal(logits, -np.inf)
        weights = np.exp(logits)
        weights /= weights.sum(axis=1, keepdims=True)
        return float(-np.log((weights * (taxa[:, None] == taxa)).sum(axis=1)).mean())

    matrix = learned.matrix.astype(np.float64)
    gradient = _gradient(matrix, centred, taxa, 0.2)
    step = np.zeros_like(matrix)
    step[3, 5] = 1e-5
    assert gradient[3, 5] == pytest.approx((loss(matrix + step) - loss(matrix - step)) / 2e-5, rel=1e-2)


def test_digits_agree_more_and_those_never_seen_lose_nothing() -> None:
    pixels, taxa = load_digits(return_X_y=True)
    vectors = (pixels / np.linalg.norm(pixels, axis=1, keepdims=True)).astype(np.float32)
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(10, 64)).astype(np.float32)
    vectors = vectors + 0.25 * rng.normal(size=(len(taxa), 10)).astype(np.float32) @ noise / 8
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fitted = fit_space(vectors, taxa, np.arange(len(taxa)) // 20)
    assert fitted.is_better and fitted.by_group and fitted.seen.gain > 0.03, fitted.report
    assert fitted.unseen is not None and fitted.unseen.gain >= -0.01
    assert fitted.report["seen"]["n"] + fitted.report["unseen"]["n"] <= 6000 and fitted.n_taxa == 10


def test_labels_that_mean_nothing_are_adopted_one_time_in_a_hundred() -> None:
    vectors, taxa = hidden(400, 6)
    rng = np.random.default_rng(5)
    fitted = [fit_space(vectors, rng.permutation(taxa), np.zeros(len(taxa), int), seed) for seed in range(6)]
    assert sum(one.is_better for one in fitted) <= 1
    assert not any(one.by_group for one in fitted)


def test_an_own_verdict_on_gain_chance_and_loss() -> None:
    before = np.repeat([True, False], [50, 50])
    after = np.repeat([True, False], [80, 20])
    none, lost = Agreement(0, 0.0, 0.0), Agreement(100, 0.8, 0.78)
    assert verdict([before, after], none) == (True, "On held-out objects it gains 30.0 points.")
    assert verdict([after, before], none)[0] is False
    assert verdict([before, before], none) == (False, "On held-out objects it gains 0.0 points, which may be chance.")
    assert verdict([before, after], lost) == (False, "Taxa that it has not seen would lose 2.0 points.")


def test_two_taxa_and_taxa_of_one_are_borne_and_one_taxon_is_refused() -> None:
    vectors, taxa = hidden(300, 2)
    assert fit_space(vectors, taxa, np.zeros(300, int)).unseen is None
    alone = taxa.copy()
    alone[:40] = np.arange(100, 140)
    assert fit_space(vectors, alone, np.zeros(300, int)).n_taxa == 42
    for few in (np.zeros(300, int), taxa[:20]):
        with pytest.raises(TooFewLabels, match="at least 60 validated objects of 2 taxa"):
            fit_space(vectors[: len(few)], few, np.zeros(len(few), int))


def test_the_work_can_be_ended() -> None:
    vectors, taxa = hidden(200, 4)

    def stop(share: float, step: str) -> None:
        raise InterruptedError(step)

    with pytest.raises(InterruptedError, match="choosing"):
        fit_space(vectors, taxa, np.zeros(200, int), report=stop)
