"""How many of the objects that a filter keeps stand under each taxon and status: counted in memory."""

from typing import Protocol

import numpy as np

from app.database import Db
from app.objects.filters import Filter
from app.search.codes import STATUSES
from app.search.mirror import Mirror, open_mirror

Counts = dict[tuple[int, str], int]


class Counted(Protocol):
    """A project whose objects are counted."""

    @property
    def id(self) -> int: ...


def filtered_counts(db: Db, project: Counted, filter: Filter) -> Counts:
    """Number of objects by (taxon id, status), as `project_counts` gives them of the whole project; taxon 0: none."""
    mirror = open_mirror(db, project.id)
    if filter.looked_up:
        return _counted(mirror, mirror.mask(db, filter))
    return dict(
        mirror.columns.tallies.made((mirror.version, filter), lambda: _counted(mirror, mirror.mask(db, filter)))
    )


def _counted(mirror: Mirror, mask: np.ndarray) -> Counts:
    """Taxa are numbered anew first, as few as there are, since their ids go into the millions."""
    everything = bool(mask.all())
    taxon = mirror.taxon if everything else mirror.taxon[mask]
    status = mirror.status if everything else mirror.status[mask]
    present = np.zeros(int(taxon.max(initial=0)) + 1, bool)
    present[taxon] = True
    taxa = np.flatnonzero(present)
    number = np.zeros(len(present), np.int32)
    number[taxa] = np.arange(len(taxa))
    counts = np.bincount(number[taxon] * len(STATUSES) + status, minlength=len(taxa) * len(STATUSES))
    filled = np.flatnonzero(counts)
    ids, letters = taxa[filled // len(STATUSES)].tolist(), [STATUSES[code] for code in filled % len(STATUSES)]
    return dict(zip(zip(ids, letters, strict=True), counts[filled].tolist(), strict=True))
