"""What is measured on held-out objects: agreement of nearest neighbours, right answers, and what scores are worth."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

CHUNK = 1000
MOST_BINS, OF_A_BIN = 15, 20  # of fewer objects, what a bin is off says nothing


@dataclass(frozen=True)
class Row:
    """One line of the field's table. Precision and recall are means over the held-out taxa."""

    model: str
    n_bytes: int
    accuracy: float
    average_precision: float
    average_recall: float


def agreement(vectors: np.ndarray, taxa: np.ndarray, asked: np.ndarray | None = None) -> float:
    """Share of rows whose nearest other row is of their taxon; NaN where none can have one.

    vectors: float [n, d] of unit length; asked: bool [n], whose nearest is looked at, in default all.
    """
    rows = np.arange(len(taxa)) if asked is None else np.flatnonzero(asked)
    if len(taxa) < 2 or not len(rows):
        return float("nan")
    n_right = 0
    for first in range(0, len(rows), CHUNK):
        some = rows[first : first + CHUNK]
        likeness = vectors[some] @ vectors.T
        likeness[np.arange(len(some)), some] = -np.inf
        n_right += int((taxa[likeness.argmax(axis=1)] == taxa[some]).sum())
    return n_right / len(rows)


def row(model: str, n_bytes: int, truth: np.ndarray, said: np.ndarray) -> Row:
    precision, recall, _, _ = precision_recall_fscore_support(
        truth, said, labels=np.unique(truth), average="macro", zero_division=0
    )
    return Row(model, n_bytes, float((truth == said).mean()), float(precision), float(recall))


def calibration_error(scores: np.ndarray, is_right: np.ndarray) -> float:
    """How far scores are from the share that is right, over bins of equal width, by what is in them (Guo et al., 2017).

    Counted here anew, and not taken from the report of the classifier that is measured.
    """
    n_bins = min(MOST_BINS, max(1, len(scores) // OF_A_BIN))
    places = np.minimum((scores * n_bins).astype(int), n_bins - 1)
    off = [abs(scores[places == each].mean() - is_right[places == each].mean()) * (places == each).sum()
           for each in np.unique(places)]  # fmt: skip
    return float(sum(off) / len(scores))
