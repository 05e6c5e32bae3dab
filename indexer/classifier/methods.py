"""The ways to fit that are tried: a few settings of each method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from indexer.classifier.base import Learnt, Settings, components
from indexer.classifier.forest import N_TREES, Forest, fit_forest
from indexer.classifier.linear import Linear, fit_discriminant, fit_logistic
from indexer.classifier.model import Member
from indexer.classifier.progress import DISCRIMINANT, LOGISTIC, TREE

SHRINKAGES = (0.05, 0.2, 0.6)
RIDGES = (0.03, 0.1)
ROUNDS = 50  # of 10,000 of PlanktonSet 68.9 % are right after 45, 68.8 after 80 and 69.0 after 150
SMALL_TREES = 100
MANY = 8000
Beat = Callable[[float], None]  # the share of a fit that is done


@dataclass(frozen=True)
class Recipe:
    """A method with its settings, in words; `fit` takes what to learn from, and a member fitted on part of it to start
    from, or None. `small`: one that tells in seconds whether this is
    worth its minutes. `weight`: how long fitting takes for each object, see progress.py."""

    method: str
    words: str
    fit: Callable[[Learnt, Member | None], Member]
    weight: float
    small: Recipe | None = None

    @property
    def name(self) -> str:
        return f"{self.method}, {self.words}"


def recipes(settings: Settings, data: Learnt, beat: Beat) -> list[Recipe]:
    """What is to be tried: all settings of the method that is asked for, or of all methods, the forest last.

    beat: told now and then how much of a fit is done; what it raises ends that.
    """
    made = {
        "discriminant": [
            Recipe("discriminant", f"shrinkage {shrinkage:g}", partial(_discriminant, shrinkage), DISCRIMINANT)
            for shrinkage in SHRINKAGES
        ],
        "logistic": [
            Recipe("logistic", f"ridge {ridge:g}", partial(_logistic, ridge, beat), LOGISTIC) for ridge in RIDGES
        ],
        "forest": [_forest_of(settings, data, beat)],
    }
    return [recipe for method in made for recipe in made[method] if settings.method in ("auto", method)]


def _discriminant(shrinkage: float, data: Learnt, start: Member | None) -> Member:
    return fit_discriminant(data, shrinkage)


def _logistic(ridge: float, beat: Beat, data: Learnt, start: Member | None) -> Member:
    return fit_logistic(data, ridge, ROUNDS, start if isinstance(start, Linear) else None, beat)


def _forest_of(settings: Settings, data: Learnt, beat: Beat) -> Recipe:
    inputs = forest_inputs(settings.pca, data)
    n = int((inputs < data.n_plain).sum())
    words = f"leaf 5, balanced, on {n} principal components"
    if n < len(inputs):
        words += f" and {len(inputs) - n} columns"
    whole, small = (
        Recipe(
            "forest", f"{n_trees} trees, {words}", partial(_forest, inputs, settings.seed, n_trees, beat),
            TREE * n_trees,
        )
        for n_trees in (N_TREES, SMALL_TREES)
    )  # fmt: skip
    return replace(whole, small=small)


def _forest(inputs: np.ndarray, seed: int, n_trees: int, beat: Beat, data: Learnt, start: Member | None) -> Member:
    """Of many objects, the trees that were held to what they had not seen are half of those that are kept: each takes
    a second there, and 150 trees say nearly what 300 say (of PlanktonSet, 50.5 % are right instead of 50.9)."""
    if len(data.y) <= MANY:
        return fit_forest(data, inputs, seed, n_trees, beat)
    if not isinstance(start, Forest):
        return fit_forest(data, inputs, seed, n_trees // 2, beat)
    return start.joined(fit_forest(data, inputs, seed + n_trees, n_trees - start.n_trees, beat))


def forest_inputs(pca: str, data: Learnt) -> np.ndarray:
    """The leading principal components by number or by the variance that they explain, and all columns."""
    wished = components(pca)
    if wished < 1:
        variances = data.x[:, : data.n_plain].var(axis=0, dtype=np.float64)
        n = int(np.searchsorted(np.cumsum(variances) / variances.sum(), wished)) + 1
    else:
        n = int(wished)
    n = min(n, data.n_plain, max(1, len(data.y) - 1))
    return np.concatenate([np.arange(n), np.arange(data.n_plain, data.x.shape[1])])
