"""The events of a Darwin Core Archive: one for each sample, with where, when and how deep its objects were taken."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from app.exporting.darwin_eml import Extent
from app.exporting.darwin_terms import INSTRUMENT, NET, NETS, OF_SAMPLES, text
from app.exporting.selection import UNNAMED

if TYPE_CHECKING:
    from app.exporting.job import Work

AT_ONCE = 50_000


@dataclass
class Event:
    """A sample as an event. `first`, `last`: of its objects' days, with times where all of them have one."""

    sample_id: int
    id: str
    latitude: float | None
    longitude: float | None
    instrument: str
    fields: dict[str, Any]
    first_day: date | None = None
    last_day: date | None = None
    first: datetime | None = None
    last: datetime | None = None
    is_timed: bool = True
    depth_min_m: float | None = None
    depth_max_m: float | None = None

    def take(self, row: Any) -> None:
        """Widen it by what some of its objects say."""
        self.first_day, self.last_day = _least(self.first_day, row.first_day), _most(self.last_day, row.last_day)
        self.first, self.last = _least(self.first, row.first), _most(self.last, row.last)
        self.is_timed = self.is_timed and row.n_timed == row.n_dated
        self.depth_min_m = _least(self.depth_min_m, row.depth_min_m)
        self.depth_max_m = _most(self.depth_max_m, row.depth_max_m)

    @property
    def when(self) -> str:
        """As ISO 8601 has it: a moment or a day, or two with a stroke between."""
        if self.first_day is None:
            return ""
        if self.is_timed and self.first and self.last:
            ends = [f"{at.isoformat(timespec='seconds')}Z" for at in (self.first, self.last)]
        else:
            ends = [day.isoformat() for day in (self.first_day, self.last_day or self.first_day)]
        return ends[0] if ends[0] == ends[1] else "/".join(ends)

    def measures(self) -> Iterable[list[str]]:
        """What is known of how the sample was taken."""
        if self.instrument:
            yield INSTRUMENT.row(self.id, "", self.instrument)
        for name, measure in OF_SAMPLES.items():
            if value := text(self.fields.get(name)):
                yield measure.row(self.id, "", NETS.get(value.lower(), value) if measure is NET else value)


def _least(one: Any, other: Any) -> Any:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: Any, other: Any) -> Any:
    return max((value for value in (one, other) if value is not None), default=None)


def find_events(work: "Work") -> list[Event]:
    """The samples of the selection, by the order of their names."""
    wanted = set(np.unique(work.selection.samples).tolist())
    rows = work.db.execute(
        """
        select sample.id, sample.orig_id, sample.latitude, sample.longitude, sample.fields,
               string_agg(distinct nullif(acquisition.instrument, ''), ' | ') as instrument
        from sample
        left join acquisition on acquisition.sample_id = sample.id
        where sample.project_id = %s
        group by sample.id
        order by sample.orig_id, sample.id
        """,
        [work.project.id],
    ).fetchall()
    ids = event_ids({row.id: row.orig_id for row in rows})
    events = [
        Event(row.id, ids[row.id], row.latitude, row.longitude, row.instrument or work.project.instrument, row.fields)
        for row in rows
        if row.id in wanted
    ]
    _take_extents(work, {event.sample_id: event for event in events})
    return events


def event_ids(names: dict[int, str]) -> dict[int, str]:
    """By the ids of all samples of a project: each name as a cell can hold it, and once. Those that would be the same
    are numbered by the order of their samples' names, so that they stay the same whatever of the project is exported,
    and in any Shoal."""
    taken: set[str] = set()
    found = {}
    for id, name in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        said = "unnamed" if name.startswith(UNNAMED[:-1]) else text(name) or "unnamed"
        chosen, number = said, 1
        while chosen in taken:
            number += 1
            chosen = f"{said}_{number}"
        taken.add(chosen)
        found[id] = chosen
    return found


def _take_extents(work: "Work", events: dict[int, Event]) -> None:
    ids = work.selection.ids
    for first in range(0, len(ids), AT_ONCE):
        rows = work.db.execute(
            """
            select sample_id, min(date) as first_day, max(date) as last_day, min(date + time) as first,
                   max(date + time) as last, count(date) as n_dated, count(date + time) as n_timed,
                   min(least(depth_min_m, depth_max_m)) as depth_min_m,
                   max(greatest(depth_min_m, depth_max_m)) as depth_max_m
            from object
            where project_id = %s
              and id = any(%s)
            group by sample_id
            """,
            [work.project.id, ids[first : first + AT_ONCE].tolist()],
        )
        for row in rows:
            events[row.sample_id].take(row)
        work.report.progress(min(first + AT_ONCE, len(ids)), len(ids), "objects", "Where and when")


def extent(events: list[Event], taxa: list[tuple[str, str]]) -> Extent:
    """Of all events, for the metadata."""
    placed = [event for event in events if event.latitude is not None and event.longitude is not None]
    west, east, south, north = (
        (min(e.longitude for e in placed), max(e.longitude for e in placed),
         min(e.latitude for e in placed), max(e.latitude for e in placed))
        if placed else (None, None, None, None)
    )  # fmt: skip
    days = [day for event in events for day in (event.first_day, event.last_day) if day is not None]
    ends = (min(days).isoformat(), max(days).isoformat()) if days else ("", "")
    return Extent(west, east, south, north, *ends, taxa)
