"""For which label the neighbours of unlabelled things speak."""

from dataclasses import dataclass

import numpy as np

from indexer.graph import Graph
from indexer.suspects import AGAINST

ENOUGH = 0.5


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
