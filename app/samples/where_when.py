"""Where and when the objects that a filter keeps were taken, as the mirror has them: without a network or SQL."""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.objects.filters import Filter
from app.projects.access import Project
from app.samples.map import CLOSE_DEGREES, Map, draw
from app.samples.sheet import NO_DAY, Sheet, day_text, open_sheet
from app.samples.when import Chart, by_season, by_time
from app.search.mirror import Mirror, open_mirror

MOST_SAMPLES = 100


@dataclass(frozen=True)
class Taken:
    """Objects of a filter at one sample; `first_day` and `last_day` as 2024-06-30, null where no day is known."""

    sample_id: int
    name: str
    latitude: float | None
    longitude: float | None
    first_day: str | None
    last_day: str | None
    n_objects: int


@dataclass(frozen=True)
class WhereWhen:
    """A filter's objects on the map and in time; `samples`: those with most of them first."""

    n_objects: int
    n_samples: int
    n_without_place: int
    map: Map | None
    time: Chart | None
    season: Chart | None
    samples: list[Taken]


def where_when(db: Db, project: Project, filter: Filter, limit: int = MOST_SAMPLES) -> WhereWhen:
    """Of all objects that the filter keeps; the list of samples ends after `limit`."""
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    kept = np.flatnonzero(mirror.mask(db, filter))
    n = np.bincount(sheet.place[kept], minlength=len(sheet.ids))
    held = np.flatnonzero(n)
    positions = sheet.position[held]
    days, each = np.unique(sheet.day[kept], return_counts=True)
    return WhereWhen(
        n_objects=len(kept),
        n_samples=len(held),
        n_without_place=int(n[held][np.isnan(positions).any(axis=1)].sum()),
        map=draw(positions, n[held], CLOSE_DEGREES),
        time=by_time(days, each),
        season=by_season(days, each),
        samples=_taken(sheet, mirror, kept, n, held[np.argsort(-n[held], kind="stable")][:limit]),
    )


def _taken(sheet: Sheet, mirror: Mirror, kept: np.ndarray, n: np.ndarray, places: np.ndarray) -> list[Taken]:
    first, last = _days_of(sheet, kept)
    return [
        Taken(
            int(sheet.ids[at]), sheet.names[at], *_position(sheet.position[at]), day_text(int(first[at])),
            day_text(int(last[at])), int(n[at]),
        )
        for at in places.tolist()
    ]  # fmt: skip


def _days_of(sheet: Sheet, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By a sample's place, the first and last day of these objects; NO_DAY: not known."""
    days, places = sheet.day[kept], sheet.place[kept]
    known = days != NO_DAY
    first, last = np.full(len(sheet.ids), 2**31 - 1, np.int32), np.full(len(sheet.ids), NO_DAY, np.int32)
    np.minimum.at(first, places[known], days[known])
    np.maximum.at(last, places[known], days[known])
    first[last == NO_DAY] = NO_DAY
    return first, last


def _position(position: np.ndarray) -> tuple[float | None, float | None]:
    latitude, longitude = (None if np.isnan(value) else float(value) for value in position)
    return latitude, longitude
