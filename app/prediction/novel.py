"""How sure a prediction may be of what is unlike the learning set: no surer than such objects bore out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.search.arrays import fetch_arrays

USUAL_FROM = 0.99  # stranger than so large a share of the held-out objects, where the classifier's report says nothing
MOST_CAP = 0.5  # a label that may be wrong as often as right is not a confident one


@dataclass(frozen=True)
class Limits:
    """`novel_from`: the novelty from which an object is unlike the learning set. `cap`: the most that its score is."""

    novel_from: float
    cap: float


def limits_of(db: Db, classifier_id: int, report: dict[str, Any]) -> Limits:
    """From the classifier's held-out objects: of those that are as strange, which share was right."""
    told = report.get("novelty") or {}
    novel_from = float(told.get("threshold", USUAL_FROM)) if isinstance(told, dict) else USUAL_FROM
    truths, firsts, novelties = fetch_arrays(
        db, "select truths, firsts, novelties from held_out where classifier_id = %s", [classifier_id]
    ) or (None, None, None)
    if truths is None:
        return Limits(novel_from, MOST_CAP)
    return Limits(novel_from, cap(truths == firsts, novelties >= novel_from))


def cap(is_right: np.ndarray, is_novel: np.ndarray) -> float:
    """The share of right ones among the novel, bool [n] both; as if one right and one wrong had been seen before."""
    n, n_right = int(np.count_nonzero(is_novel)), int(np.count_nonzero(is_right & is_novel))
    return min((n_right + 1) / (n + 2), MOST_CAP)


def capped(scores: np.ndarray, novelty: np.ndarray, limits: Limits) -> np.ndarray:
    """Scores, float32 [n, k], the likeliest first; those of novel objects are scaled so that none is above the cap."""
    over = (novelty >= limits.novel_from) & (scores[:, 0] > limits.cap)
    scores = scores.copy()
    scores[over] *= limits.cap / scores[over, :1]
    return scores
