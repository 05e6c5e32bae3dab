"""For which label the neighbours of unlabelled things speak."""

from dataclasses import dataclass

import numpy as np

from indexer.graph import Graph
from indexer.suspects import AGAINST

ENOUGH = 0.5
USUAL_SAMPLE = 1000
ROUNDING = 1e-4  # of half precision


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


def usual_distances(known: np.ndarray, seed: int = 1) -> np.ndarray:
    """How far some of what is known are from the nearest other, cosine, ascending: float32 [at most USUAL_SAMPLE].

    known: float [m, d] of unit length. A single one has no other, and gives none.
    """
    if len(known) < 2:
        return np.empty(0, np.float32)
    rows = np.random.default_rng(seed).choice(len(known), min(len(known), USUAL_SAMPLE), replace=False)
    vectors = np.asarray(known, np.float32)
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -1
    return np.sort(1 - cosines.max(axis=1))


def nearness(vectors: np.ndarray, known: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """How near vectors are to what is known, as it is among itself: float32 [n], 1 where a quarter of the known or more
    have as far to the nearest other, 0 where none has.

    vectors: float [n, d]; known: float [m, d], m > 0; both of unit length. usual: of `usual_distances`; where there are
    none, everything is near.
    """
    if not len(usual):
        return np.ones(len(vectors), np.float32)
    apart = 1 - (np.asarray(vectors, np.float32) @ np.asarray(known, np.float32).T).max(axis=1, initial=-1)
    as_far = 1 - np.searchsorted(usual, apart - ROUNDING) / len(usual)
    return np.minimum(4 * as_far, 1).astype(np.float32)


def votes_of(
    vectors: np.ndarray, known: np.ndarray, labels: np.ndarray, k: int, loudness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The label for which the `k` nearest of `known` speak loudest, int32 [n], and its share, float32 [n], of all that
    they could say.

    vectors: float [n, d]; known: float [m, d], m > 0; both of unit length. labels: int32 [m]. loudness: float32 [n, m],
    0 to 1, what each vote counts. Of equally loud labels the one with the smallest number.
    """
    k = min(k, len(known))
    cosines = np.asarray(vectors, np.float32) @ np.asarray(known, np.float32).T
    nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    taxa, rows = np.unique(labels), np.arange(len(vectors))[:, None]
    tally = np.zeros((len(vectors), len(taxa)), np.float32)
    np.add.at(tally, (rows, np.searchsorted(taxa, labels[nearest])), loudness[rows, nearest])
    best = tally.argmax(axis=1)
    return taxa[best].astype(np.int32), tally.max(axis=1) / k
