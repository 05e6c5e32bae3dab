"""A project's samples in memory: one row each, derived from its objects' columns once for each state of the data.

Counting by status, dates and acquisitions of 100,000 samples in SQL would read every object at every opening of the
list; from the mirror's arrays it is a few passes of numpy.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.search.codes import STATUSES, VALIDATED
from app.search.heads import NONE as NO_DAY
from app.search.mirror import Mirror

MOST_SHEETS = 4
FIRST_DAY = np.datetime64("1970-01-01")


@dataclass(frozen=True)
class Sheet:
    """Samples ascending by id; `place` and what follows it are by the ordinal of the objects."""

    data_version: int
    ids: np.ndarray  # int64
    names: list[str]
    folded: list[str]  # the names, to search in
    rank: np.ndarray  # int32: place of each name among all names
    position: np.ndarray  # float64 [n, 2]: latitude and longitude; NaN: not known
    acquisition_ids: np.ndarray  # int64, ascending: those that have objects
    acquisition_sample: np.ndarray  # int32: of each acquisition, the place of its sample
    place: np.ndarray  # int32: of each object, the place of its sample
    acquisition: np.ndarray  # int32: of each object, the place of its acquisition
    day: np.ndarray  # int32: days since 1970; NO_DAY: not known

    def find(self, sample_id: int) -> int | None:
        """A sample's place."""
        at = int(np.searchsorted(self.ids, sample_id))
        return at if at < len(self.ids) and self.ids[at] == sample_id else None


@dataclass(frozen=True)
class Tally:
    """By a sample's place: what its objects that the caller may see are."""

    n: np.ndarray  # int64 [n, 4]: objects by status, as in STATUSES
    first_day: np.ndarray  # int32; NO_DAY: not known
    last_day: np.ndarray
    n_acquisitions: np.ndarray  # with such objects
    n_of_acquisition: np.ndarray  # int64 [k, 4]: by an acquisition's place, objects by status

    def counts(self, at: int) -> dict[str, int]:
        return dict(zip(STATUSES, self.n[at].tolist(), strict=True))


_sheets: OrderedDict[Any, Sheet] = OrderedDict()
_tallies: OrderedDict[Any, Tally] = OrderedDict()
_lock = threading.Lock()


def open_sheet(db: Db, mirror: Mirror) -> Sheet:
    """The samples of the project as the mirror has its objects."""
    key = (db.info.host, db.info.port, db.info.dbname, mirror.project_id)
    with _lock:
        sheet = _sheets.get(key)
    if sheet is None or sheet.data_version != mirror.data_version or len(sheet.place) != len(mirror):
        sheet = _read(db, mirror)
    with _lock:
        _sheets[key] = sheet
        _sheets.move_to_end(key)
        while len(_sheets) > MOST_SHEETS:
            _sheets.popitem(last=False)
    return sheet


def tally(sheet: Sheet, mirror: Mirror, validated_only: bool) -> Tally:
    """Counts, dates and acquisitions of every sample; of validated objects alone where the caller sees no others.

    Kept until somebody labels: a mirror's version is never given twice.
    """
    key = (mirror.version, mirror.data_version, validated_only)
    with _lock:
        found = _tallies.get(key)
    counted = found or _counted(sheet, mirror, validated_only)
    with _lock:
        _tallies[key] = counted
        _tallies.move_to_end(key)
        while len(_tallies) > 2 * MOST_SHEETS:
            _tallies.popitem(last=False)
    return counted


def _counted(sheet: Sheet, mirror: Mirror, validated_only: bool) -> Tally:
    n_samples, n_acquisitions = len(sheet.ids), len(sheet.acquisition_ids)
    n = np.bincount(sheet.place * 4 + mirror.status, minlength=4 * n_samples).reshape(n_samples, 4)
    own = np.bincount(sheet.acquisition * 4 + mirror.status, minlength=4 * n_acquisitions).reshape(n_acquisitions, 4)
    places, acquisitions, days = sheet.place, sheet.acquisition, sheet.day
    if validated_only:
        seen = mirror.status == VALIDATED
        n, own = (np.where(np.arange(4) == VALIDATED, counts, 0) for counts in (n, own))
        places, acquisitions, days = places[seen], acquisitions[seen], days[seen]
    used = np.zeros(len(sheet.acquisition_sample), bool)
    used[acquisitions] = True
    known = days != NO_DAY
    first, last = np.full(n_samples, 2**31 - 1, np.int32), np.full(n_samples, NO_DAY, np.int32)
    np.minimum.at(first, places[known], days[known])
    np.maximum.at(last, places[known], days[known])
    first[last == NO_DAY] = NO_DAY
    return Tally(n, first, last, np.bincount(sheet.acquisition_sample[used], minlength=n_samples), own)


def _read(db: Db, mirror: Mirror) -> Sheet:
    rows = db.execute(
        """
        select id, orig_id, latitude, longitude
        from sample
        where project_id = %s
        order by id
        """,
        [mirror.project_id],
    ).fetchall()
    ids = np.array([row.id for row in rows], np.int64)
    names = [row.orig_id for row in rows]
    folded = [name.casefold() for name in names]
    rank = np.empty(len(rows), np.int32)
    rank[sorted(range(len(rows)), key=lambda at: (folded[at], names[at]))] = np.arange(len(rows))
    # An object of an import that is just being removed may stand without its sample for a moment.
    own = np.minimum(np.searchsorted(ids, mirror.sample), max(len(ids) - 1, 0)).astype(np.int32)
    position = np.array([(row.latitude, row.longitude) for row in rows], np.float64).reshape(-1, 2)
    acquisition_ids, acquisition = np.unique(mirror.head(db, "acquisition"), return_inverse=True)
    acquisition_sample = np.zeros(len(acquisition_ids), np.int32)
    acquisition_sample[acquisition] = own
    return Sheet(
        mirror.data_version, ids, names, folded, rank, _with_objects_position(db, mirror, own, position),
        acquisition_ids, acquisition_sample, own, acquisition.astype(np.int32), mirror.head(db, "day"),
    )  # fmt: skip


def _with_objects_position(db: Db, mirror: Mirror, own: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Where a sample says nothing of its position, that of its first object."""
    unknown = np.isnan(position).all(axis=1)
    if not unknown.any() or not len(mirror):
        return position
    latitude = mirror.column(db, "object", "latitude")
    longitude = mirror.column(db, "object", "longitude")
    if not isinstance(latitude, np.ndarray) or not isinstance(longitude, np.ndarray):
        return position
    known = np.flatnonzero(~np.isnan(latitude) & ~np.isnan(longitude) & unknown[own])
    samples, first = np.unique(own[known], return_index=True)
    position = position.copy()
    position[samples] = np.column_stack([latitude[known[first]], longitude[known[first]]])
    return position


def day_text(day: int) -> str | None:
    """2024-06-30, or None where it is not known."""
    return None if day == NO_DAY else str(FIRST_DAY + day)
