"""Taxa that were deprecated in favour of others since a classifier learned them: what it says is said of the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.labels.changes import array
from app.prediction.pieces import Rows


@dataclass(frozen=True)
class Renamed:
    """int32 [n] both: the taxa as learned, ascending, and those that took their places."""

    old: np.ndarray
    new: np.ndarray

    def now(self, taxa: np.ndarray) -> np.ndarray:
        """Taxa of any shape, as they are called today."""
        if not len(self.old):
            return taxa
        places = np.minimum(np.searchsorted(self.old, taxa), len(self.old) - 1)
        return np.where(self.old[places] == taxa, self.new[places], taxa)


def renamed(db: Db, taxa: Sequence[int]) -> Renamed:
    rows = db.execute(
        """
        select old.id, new.id as now
        from taxon as old
        join taxon as new on new.id = old.rename_to and new.status <> 'D'
        where old.id = any(%s::int[])
          and old.status = 'D'
        order by old.id
        """,
        [array(taxa)],
    ).fetchall()
    return Renamed(np.array([row.id for row in rows], np.int32), np.array([row.now for row in rows], np.int32))


def merged(taxa: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choices of which several have become one taxon, as one with the scores added, the likeliest first.

    int32 and float32 [n, k] both; what that leaves free is taxon 0 with a score of 0.
    """
    k = taxa.shape[1]
    same = np.tril(taxa[:, :, None] == taxa[:, None, :], -1).any(2)  # as one before it
    rows = np.flatnonzero(same.any(1))
    if not len(rows):
        return taxa, scores
    taxa, scores = taxa.copy(), scores.copy()
    of = (taxa[rows, :, None] == taxa[rows, None, :]).argmax(2)  # the first place of the same taxon
    added = np.zeros((len(rows), k), scores.dtype)
    np.add.at(added, (np.arange(len(rows))[:, None], of), scores[rows])
    left = np.where(same[rows], 0, taxa[rows])
    order = np.argsort(np.where(same[rows], 1, -added), axis=1, kind="stable")
    taxa[rows] = np.take_along_axis(left, order, 1)
    scores[rows] = np.take_along_axis(added, order, 1)
    return taxa, scores


def by_choices(rows: Rows) -> Iterator[Rows]:
    """Those with as many choices together: a row has no place for none."""
    n_choices = np.count_nonzero(rows.taxa, axis=1)
    for k in np.unique(n_choices).tolist():
        some = n_choices == k
        yield Rows(rows.ids[some], rows.taxa[some, :k], rows.scores[some, :k], rows.novelty[some])
