"""Two linear classifiers: the shrinkage discriminant, and multinomial logistic regression.

References: Friedman, Regularized Discriminant Analysis, JASA 1989; Liu and Nocedal, On the limited memory BFGS method,
Mathematical Programming 1989.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from indexer.classifier.base import Learnt, softmax

ROWS_AT_ONCE = 50_000
MOST_CHANCES = 25_000_000  # at once: 100 MB
UNSEEN = -50.0  # the logit of a class that the part which is fitted on does not hold


@dataclass(frozen=True)
class Linear:
    """weights float32 [d, k] and offsets float32 [k]."""

    weights: np.ndarray
    offsets: np.ndarray

    def logits(self, x: np.ndarray) -> np.ndarray:
        return x @ self.weights + self.offsets

    def arrays(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "offsets": self.offsets}


def fit_discriminant(data: Learnt, shrinkage: float) -> Linear:
    """Gaussian classes with one covariance, drawn towards a round one by `shrinkage` (0 to 1)."""
    n = np.bincount(data.y, minlength=data.n_taxa)
    means, within = class_scatter(data, n)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / len(within) * np.eye(len(within))
    within += 1e-9 * np.eye(len(within))
    weights = np.linalg.solve(within, means.T)
    offsets = -0.5 * (means.T * weights).sum(axis=0) + np.log(np.maximum(n, 1) / len(data.y))
    offsets[n == 0] = UNSEEN
    return Linear(weights.astype(np.float32), offsets.astype(np.float32))


def class_scatter(data: Learnt, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of the classes, float64 [k, d], and the covariance about them, float64 [d, d]."""
    rows = np.arange(len(data.y))
    member = csr_array((np.ones(len(rows), np.float32), (data.y, rows)), shape=(data.n_taxa, len(rows)))
    means = (member @ data.x).astype(np.float64) / np.maximum(n, 1)[:, None]
    rounded = means.astype(np.float32)
    within = np.zeros((data.x.shape[1],) * 2)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        rest = rounded[data.y[part]]
        np.subtract(data.x[part], rest, out=rest)
        within += rest.T @ rest
    return means, within / max(1, len(data.y) - int((n > 0).sum()))


def fit_logistic(
    data: Learnt, ridge: float, rounds: int, start: Linear | None = None, beat: Callable[[float], None] | None = None
) -> Linear:
    """The least mean cross-entropy, with ridge / 2n times the weights' squares; `start` saves rounds, `beat` is told
    in each how far it is. Of many classes few objects at once are looked at: the chances of all would be more than the
    vectors."""
    n, d, k = *data.x.shape, data.n_taxa
    penalty = ridge / n
    step = max(1, MOST_CHANCES // k)

    rounds_done = 0

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal rounds_done
        if beat:
            beat(rounds_done / rounds)
        rounds_done += 1
        weights, offsets = flat[: d * k].reshape(d, k), flat[d * k :].astype(np.float32)
        plain = weights.astype(np.float32)
        value, slope, slope_of_offsets = 0.0, np.zeros((d, k)), np.zeros(k)
        for start in range(0, n, step):
            x, y = data.x[start : start + step], data.y[start : start + step]
            rows = np.arange(len(y))
            chances = softmax(x @ plain + offsets)
            value -= float(np.log(np.maximum(chances[rows, y], 1e-30)).sum(dtype=np.float64))
            chances[rows, y] -= 1
            slope += x.T @ chances
            slope_of_offsets += chances.sum(axis=0)
        slope = slope / n + penalty * weights
        whole = value / n + 0.5 * penalty * float((weights**2).sum())
        return whole, np.concatenate([slope.ravel(), slope_of_offsets / n])

    first = np.zeros(d * k + k)
    if start is not None:
        first = np.concatenate([start.weights.ravel(), start.offsets]).astype(np.float64)
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": rounds, "maxcor": 10}).x
    offsets = found[d * k :].astype(np.float32)
    offsets[np.bincount(data.y, minlength=k) == 0] = UNSEEN
    return Linear(found[: d * k].reshape(d, k).astype(np.float32), offsets)
