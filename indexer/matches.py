"""For which label the neighbours of unlabelled things speak."""

from dataclasses import dataclass

import numpy as np

from indexer.graph import Graph
from indexer.suspects import AGAINST

ENOUGH = 0.5
REACH_SAMPLE = 1000


@dataclass(frozen=True)
class Spoken:
    """What the labelled neighbours of some rows say.

    Attributes: label int32 [m], the commonest label among them, 0 with none; agreement float32 [m], its share with
    AGAINST votes more against, as in `suspects.agreement`; n_labelled int64 [m], how many have one.
    """

    label: np.ndarray
    agreement: np.ndarray
    n_labelled: np.ndarray

    @property
    def enough(self) -> np.ndarray:
        """Which rows the neighbours agree on: bool [m]."""
        return (self.label > 0) & (self.agreement >= ENOUGH)


def spoken_for(graph: Graph, labels: np.ndarray, rows: np.ndarray) -> Spoken:
    """The label that the neighbours of each of `rows` (int64 [m]) speak for.

    labels: int32 [n], 0 for none. Of equally frequent labels the one with the smallest number.
    """
    near = np.asarray(graph.rows[rows])
    said = np.where(near >= 0, labels[near], 0).astype(np.int64)
    n_labelled = np.count_nonzero(said, axis=1)
    row, column = np.nonzero(said)
    pairs, votes = np.unique(row << 32 | said[row, column], return_counts=True)
    of = pairs >> 32
    # The last that is written to a place stays: so the fewest votes come first, and of as many the largest number.
    order = np.lexsort((-pairs, votes, of))
    label, most = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.int64)
    label[of[order]] = pairs[order] & 0xFFFFFFFF
    most[of[order]] = votes[order]
    return Spoken(label, (most / (n_labelled + AGAINST)).astype(np.float32), n_labelled)


def reach(known: np.ndarray, labels: np.ndarray, seed: int = 1) -> float:
    """The cosine that nine in ten of what is known have at least to the nearest other of their label; 1 where each
    label is known once.

    known: float [m, d] of unit length. labels: int32 [m].
    """
    rows = np.random.default_rng(seed).choice(len(known), min(len(known), REACH_SAMPLE), replace=False)
    vectors = np.asarray(known, np.float32)
    cosines = vectors[rows] @ vectors.T
    cosines[labels[rows][:, None] != labels] = -1
    cosines[np.arange(len(rows)), rows] = -1
    nearest = cosines.max(axis=1, initial=-1)
    nearest = nearest[nearest > -1]
    return float(np.quantile(nearest, 0.1)) if len(nearest) else 1.0


def votes_of(
    vectors: np.ndarray, known: np.ndarray, labels: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The commonest label among the `k` nearest of `known`, int32 [n], its share of their votes, float32 [n], and the
    cosine to the nearest one, float32 [n].

    vectors: float [n, d]; known: float [m, d], m > 0; both of unit length. labels: int32 [m]. Of equally frequent
    labels the one with the smallest number.
    """
    k = min(k, len(known))
    cosines = np.asarray(vectors, np.float32) @ np.asarray(known, np.float32).T
    nearest = labels[np.argpartition(-cosines, k - 1, axis=1)[:, :k]]
    taxa = np.unique(labels)
    tally = np.zeros((len(vectors), len(taxa)), np.int32)
    np.add.at(tally, (np.arange(len(vectors))[:, None], np.searchsorted(taxa, nearest)), 1)
    best = tally.argmax(axis=1)
    return taxa[best].astype(np.int32), (tally.max(axis=1) / k).astype(np.float32), cosines.max(axis=1)
