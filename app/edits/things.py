"""Which objects, samples, acquisitions or processes an edit is of: those that hold objects which meet its filter."""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.exporting.selection import check_filters
from app.search.mirror import Mirror, open_mirror

PLURALS = {"object": "objects", "sample": "samples", "acquisition": "acquisitions", "process": "processes"}


@dataclass(frozen=True)
class Things:
    """What is meant: `ids`, int64 ascending, and for each an object of it, by its place in the mirror (-1: none);
    `n_objects`: how many objects meet the filter."""

    level: str
    ids: np.ndarray
    places: np.ndarray
    n_objects: int

    def __len__(self) -> int:
        return len(self.ids)

    def after(self, last: int) -> "Things":
        """Those that an edit which came as far as `last` has left."""
        left = self.ids > last
        return Things(self.level, self.ids[left], self.places[left], self.n_objects)

    def part(self, most: int) -> "Things":
        return Things(self.level, self.ids[:most], self.places[:most], self.n_objects)

    def only(self, ids: np.ndarray) -> "Things":
        kept = np.isin(self.ids, ids)
        return Things(self.level, self.ids[kept], self.places[kept], self.n_objects)


def find_things(db: Db, project_id: int, level: str, filters: str, account_id: int | None) -> tuple[Mirror, Things]:
    """Those of a level; without a filter also samples and the like that hold no object."""
    mirror = open_mirror(db, project_id)
    places = np.arange(len(mirror))
    if filters:
        places = np.flatnonzero(mirror.mask(db, check_filters(db, project_id, filters, account_id)))
    if level == "object":
        return mirror, Things(level, mirror.ids[places], places, len(places))
    parents = mirror.sample if level == "sample" else mirror.head(db, "acquisition")
    ids, first = np.unique(parents[places], return_index=True)
    found = Things(level, ids, places[first], len(places))
    return mirror, _as_stored(db, project_id, found, whole=not filters)


def _as_stored(db: Db, project_id: int, found: Things, whole: bool) -> Things:
    """Those that there are: an acquisition may have no process; and `whole`: also those that hold no object."""
    table, key = ("process", "acquisition_id") if found.level == "process" else (found.level, "id")
    rows = db.execute(
        f"select {key} as id from {table} where project_id = %s order by {key}",  # noqa: S608 (constants)
        [project_id],
    ).fetchall()
    stored = np.array([row.id for row in rows], np.int64)
    if not whole:
        return found.only(stored)
    places = np.full(len(stored), -1, np.int64)
    known = np.isin(stored, found.ids)
    places[known] = found.places[np.searchsorted(found.ids, stored[known])]
    return Things(found.level, stored, places, found.n_objects)
