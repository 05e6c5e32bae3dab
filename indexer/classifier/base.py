"""What is asked of a classifier, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

METHODS = ("auto", "forest", "discriminant", "logistic")
Report = Callable[[int, int, str], None]  # steps done, steps in all, what is done now
CHOICES = 3


class NotTrainable(ValueError):
    """This learning set cannot teach; the text says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """How to fit.

    method: one of METHODS; "auto" takes what does best on held-out objects. pca: of the forest, how many principal
    components ("50"), or the share of the variance that they explain ("0.95"). columns: names of `fields`, in their
    order. seed: of everything that chance decides.
    """

    method: str = "auto"
    pca: str = "50"
    columns: tuple[str, ...] = ()
    seed: int = 420


def components(pca: str) -> float:
    """What `pca` says: a whole number from 1 on, or a share between 0 and 1. Raises NotTrainable."""
    try:
        wished = float(pca)
    except ValueError:
        wished = -1.0
    if not (wished >= 1 and wished.is_integer()) and not 0 < wished < 1:
        raise NotTrainable(f"{pca[:40]!r} says no number of components, as 50, and no share of the variance, as 0.95.")
    return wished


@dataclass(frozen=True)
class HeldOut:
    """What was said of objects that were held out, arrays of one length.

    Attributes: index int64, the rows of the learning set; truth, first, second int32, taxa; score, second_score
    float32, calibrated; novelty float32, 0 to 1.
    """

    index: np.ndarray
    truth: np.ndarray
    first: np.ndarray
    score: np.ndarray
    second: np.ndarray
    second_score: np.ndarray
    novelty: np.ndarray


@dataclass(frozen=True)
class Predicted:
    """For each object its first three taxa, int32 [n, 3], with calibrated scores, float32 [n, 3]; where there are but
    two taxa, the third is 0 with a score of 0. novelty float32 [n]: the share of held-out objects less strange."""

    taxa: np.ndarray
    scores: np.ndarray
    novelty: np.ndarray


@dataclass(frozen=True)
class Learnt:
    """What members are fitted on: x float32 [n, d] as a frame gives it, and classes y int64 [n], from 0 to n_taxa - 1;
    `n_plain` leading columns of x are the vectors' own, by falling variance."""

    x: np.ndarray
    y: np.ndarray
    n_taxa: int
    n_plain: int

    def part(self, rows: np.ndarray) -> Learnt:
        return Learnt(self.x[rows], self.y[rows], self.n_taxa, self.n_plain)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32, of logits [n, k]."""
    z = np.asarray(logits, np.float32) - logits.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def prefixed(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def under(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}
