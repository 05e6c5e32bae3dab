"""Ranking by likeness: one direction for examples and counter-examples, one order out of several sources' answers,
and what a distance means: the chance that two objects have the same label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression, minimize

PENALTY = 0.1  # of the squared length of the direction; positives and the rest weigh 100 each
BACKGROUND_SHARE = 0.6  # of the weight against: what is known to be something else weighs the rest
N_BACKGROUND = 300  # vectors of anything
MOST_EXAMPLES = 1000  # of a kind; of more, as many that lie evenly between the first and the last given
FEWEST_PAIRS = 30  # that a calibration rests on
PAIRS_A_STEP = 20
MOST_STEPS = 40


def mean_direction(vectors: np.ndarray) -> np.ndarray:
    """The unit vector between several unit vectors.

    vectors: float [n, d], n >= 1, or [d]. Returns float32 [d]. Where they cancel each other out, the first serves.
    """
    vectors = np.atleast_2d(np.asarray(vectors, np.float32))
    mean = vectors.mean(axis=0)
    if np.linalg.norm(mean) < 1e-6:
        mean = vectors[0]
    return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)


def ranked(ids: np.ndarray, distances: np.ndarray, k: int, least: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The first `k` by distance, nearest first, or farthest first for the least alike; equal ones by id; none twice.

    ids: int64 [n]. distances: float32 [n], cosine (0 to 2). Returns both, sorted.
    """
    if len(ids) > 4 * k > 0:
        few = np.argpartition(-distances if least else distances, k - 1)
        edge = distances[few[k - 1]]
        chosen = np.flatnonzero(distances >= edge if least else distances <= edge)
        ids, distances = ids[chosen], distances[chosen]
    order = np.lexsort((ids, -distances if least else distances))
    ids, distances = ids[order], distances[order]
    if len(np.unique(ids)) < len(ids):
        first = np.sort(np.unique(ids, return_index=True)[1])
        ids, distances = ids[first], distances[first]
    return ids[:k], distances[:k]


def feedback_direction(positive: np.ndarray, negative: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The direction that leads to what is like the positives and unlike the negatives: one query, also for an index.

    positive: float [p, d], p >= 1. negative: float [q, d]; where q is 0, this is the mean direction of the positives.
    background: float [m, d], some hundred vectors of anything, which keep the direction from running away from all
    that was never judged. All of unit length. Returns float32 [d], of unit length, for which a larger product is
    better. Takes 6 ms.

    A logistic regression of the positives against the negatives and the background. On real plankton (12,000 of
    PlanktonSet, 104 queries of 52 classes, from one example on, pages of 60 judged whole): precision among the next 100
    after one and after three pages, and the share of the class found after six:

    | ranking | 1 page | 3 pages | found |
    | --- | --- | --- | --- |
    | mean of the positives | .42 | .35 | .63 |
    | nearest of the positives | .42 | .37 | .64 |
    | Rocchio, gamma .5 / 1 | .48 / .43 | .42 / .42 | .71 / .73 |
    | nearest positive less half the nearest negative | .45 | .42 | .70 |
    | difference of the means, whitened | .52 | .45 | .75 |
    | density of positives against all (kernel) | .49 | .46 | .76 |
    | ridge regression | .46 | .48 | .77 |
    | logistic, background .3 of the weight / whitened | .49 / .53 | .49 / .48 | .78 / .78 |
    | logistic, background .6 of the weight: this one | .50 | .48 | .78 |
    | logistic and density | .50 | .50 | .79 |

    The last gains little, and cannot be asked of an index as one direction.
    """
    positive, negative, background = (_some(np.asarray(part, np.float32)) for part in (positive, negative, background))
    if not len(negative):
        return mean_direction(positive)
    vectors = np.vstack([positive, negative, background]).astype(np.float64)
    against = 1 - BACKGROUND_SHARE if len(background) else 1.0
    shares = [(positive, 100.0), (negative, 100 * against), (background, 100 * (1 - against))]
    weights = np.concatenate([np.full(len(part), share / max(1, len(part))) for part, share in shares])
    signs = np.where(np.arange(len(vectors)) < len(positive), 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        direction, offset = parameters[:-1], parameters[-1]
        margins = signs * (vectors @ direction + offset)
        slopes = -weights * signs * np.exp(-np.logaddexp(0, margins))
        value = weights @ np.logaddexp(0, -margins) + PENALTY / 2 * direction @ direction
        return value, np.append(vectors.T @ slopes + PENALTY * direction, slopes.sum())

    found = minimize(loss, np.zeros(vectors.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 50}).x[:-1]
    length = float(np.linalg.norm(found))
    # What was approved and refused alike leads nowhere: then the examples alone say where to look.
    return (found / length).astype(np.float32) if length > 1e-6 else mean_direction(positive)


def _some(vectors: np.ndarray) -> np.ndarray:
    if len(vectors) <= MOST_EXAMPLES:
        return vectors
    return vectors[np.linspace(0, len(vectors) - 1, MOST_EXAMPLES).astype(np.int64)]


def feedback_scores(candidates: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """How well each candidate fits examples and counter-examples: float32 [n], larger is better, none above 1.

    candidates: float [n, d], [p, d] and [q, d] as in `feedback_direction`, whose background is taken from them. For
    more candidates than fit into memory, ask an index for the direction.
    """
    background = candidates[np.linspace(0, len(candidates) - 1, min(len(candidates), N_BACKGROUND)).astype(np.int64)]
    direction = feedback_direction(positive, negative, background)
    return np.asarray(candidates, np.float32) @ direction


@dataclass(frozen=True)
class Calibration:
    """What a distance means: the chance of the same label, as validated pairs show it. Never rises with distance.

    Attributes: n, the pairs that it rests on. steps, chances: float64, between which is interpolated.

    Isotonic regression over groups of some 20 pairs of equal distance, each with one more pair of the overall chance,
    so that no chance is quite 0 or 1. Loss on pairs of plankton not used (logistic regression in brackets): .67 (.67)
    after 1,000 pairs, .64 (.63) after 3,000, .61 (.62) after 10,000.
    """

    n: int
    steps: np.ndarray
    chances: np.ndarray

    @classmethod
    def fit(cls, distances: np.ndarray, same: np.ndarray) -> Calibration | None:
        """From validated pairs: float [n] distances, bool [n] whether they have the same label.

        The pairs must be such as the chance is wanted for: neighbours of an object, for neighbours of an object. None
        where there is nothing to calibrate on: fewer than FEWEST_PAIRS pairs, or all of them with the same answer.
        """
        distances, same = np.asarray(distances, np.float64), np.asarray(same, bool)
        known = np.isfinite(distances)
        distances, same = distances[known], same[known]
        n = len(distances)
        if n < FEWEST_PAIRS or same.all() or not same.any():
            return None
        order = np.argsort(distances, kind="stable")
        edges = np.linspace(0, n, int(np.clip(n // PAIRS_A_STEP, 1, MOST_STEPS)) + 1).astype(np.int64)
        sizes = np.diff(edges)
        n_same = np.add.reduceat(same[order].astype(np.float64), edges[:-1])
        steps = np.add.reduceat(distances[order], edges[:-1]) / sizes
        chances = isotonic_regression((n_same + same.mean()) / (sizes + 1), weights=sizes, increasing=False).x
        return cls(n, steps, chances)

    def chance(self, distances: np.ndarray) -> np.ndarray:
        """float32 [n]: the chance of the same label at each distance, 0 to 1."""
        return np.interp(distances, self.steps, self.chances).astype(np.float32)

    def distance_of(self, chance: float) -> float:
        """The farthest distance at which the chance is not below this one; 0 where it is nowhere so good."""
        good = np.flatnonzero(self.chances >= chance)
        if not len(good):
            return 0.0
        last = int(good[-1])
        if last + 1 == len(self.steps):
            return float(self.steps[last])
        falling = self.chances[last] - self.chances[last + 1]
        part = (self.chances[last] - chance) / falling
        return float(self.steps[last] + part * (self.steps[last + 1] - self.steps[last]))
