"""Where a Darwin Core Archive may say that a taxon was not: in samples judged whole that hold nothing of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.exporting.darwin_taxa import ids_above
from app.exporting.labelled import AT_ONCE, labels_of
from app.exporting.selection import select

if TYPE_CHECKING:
    from app.exporting.job import Work


@dataclass(frozen=True)
class Absences:
    """`unjudged`: samples with unclassified objects; `there`: samples with ids of WoRMS that some object of theirs has,
    itself or above its taxon, also where it is only predicted, dubious or left out by the filter."""

    unjudged: frozenset[int]
    there: frozenset[tuple[int, int]]

    def holds(self, sample_id: int, aphia_id: int | None) -> bool:
        return sample_id not in self.unjudged and (sample_id, aphia_id) not in self.there


def find_absences(work: "Work") -> Absences:
    """From all objects of the project: a filter hides them from an export, not from the sea."""
    everything = select(work.db, work.project.id, "", None) if work.export.choices.filters else work.selection
    taxa = labels(work, everything.ids)[1].astype(np.int64)
    pairs = np.unique(np.stack([everything.samples, taxa], axis=1), axis=0).tolist()
    above = ids_above(work.db, [taxon for taxon in np.unique(taxa).tolist() if taxon])
    return Absences(
        frozenset(sample for sample, taxon in pairs if not taxon),
        frozenset((sample, aphia) for sample, taxon in pairs for aphia in above.get(taxon, ())),
    )


def labels(work: "Work", ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Statuses and taxa of objects, by ascending id."""
    parts = [labels_of(work.db, work.project, ids[first : first + AT_ONCE]) for first in range(0, len(ids), AT_ONCE)]
    statuses, taxa = (np.concatenate([part[k] for part in parts]) for k in range(2))
    return statuses, taxa
