"""A page of a project's samples: found by name, in an order, with what their objects are."""

import re
from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.errors import Refused
from app.objects.filters import address
from app.paging import cursor_of, id_and_key
from app.projects.access import Project
from app.samples.sheet import NO_DAY, Sheet, Tally, day_text, open_sheet, tally
from app.search.codes import STATUSES, VALIDATED
from app.search.mirror import open_mirror
from app.templating import parent_name

PAGE = 100
MOST_A_PAGE = 1000
KEY = re.compile(r"-?\d{1,18}", re.ASCII)
ORDERS = {
    "name": "name",
    "date": "date, latest first",
    "objects": "most objects first",
    "left": "most left to validate first",
}
NO_SUCH_ORDER = f"Samples come in the order {', '.join(ORDERS)}."


@dataclass(frozen=True)
class ListedSample:
    """A sample, and its objects that the caller may see by status; `first_day` and `last_day` as 2024-06-30.

    One that holds what came in without a sample has a `name` of the server's making, and not `has_name`.
    """

    id: int
    name: str
    has_name: bool
    latitude: float | None
    longitude: float | None
    first_day: str | None
    last_day: str | None
    n_acquisitions: int
    n_objects: int
    counts: dict[str, int]

    @property
    def days(self) -> str:
        """One day, or from when to when."""
        if not self.first_day:
            return ""
        return self.first_day if self.first_day == self.last_day else f"{self.first_day} – {self.last_day}"

    @property
    def place(self) -> str:
        return where(self.latitude, self.longitude)


@dataclass(frozen=True)
class SamplePage:
    """Samples of one page, where the next one starts, and how many samples and objects there are in all."""

    samples: list[ListedSample]
    next_cursor: str | None
    n_found: int
    n_samples: int
    n_objects: int
    counts: dict[str, int]
    positions: np.ndarray  # [k, 2]: latitude and longitude of those found that have one


def where(latitude: float | None, longitude: float | None) -> str:
    """48.870° N 3.940° W, to a hundred metres; one of them alone where the other is not known."""
    parts = [
        f"{abs(value):.3f}° {positive if value >= 0 else negative}"
        for value, positive, negative in ((latitude, "N", "S"), (longitude, "E", "W"))
        if value is not None
    ]
    return " ".join(parts)


def list_samples(
    db: Db, project: Project, search: str = "", order: str = "name", cursor: str | None = None, limit: int = PAGE
) -> SamplePage:
    """The next samples after the cursor; anonymous people see those alone that have validated objects."""
    if order not in ORDERS:
        raise Refused(NO_SUCH_ORDER)
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    counted = tally(sheet, mirror, project.validated_only)
    found = _found(sheet, counted, search, project.validated_only)
    keys = _keys(sheet, counted, order)
    ordered = found[np.lexsort((sheet.rank[found], keys[found]))]
    start = _after(sheet, keys, ordered, cursor) if cursor else 0
    shown = ordered[start : start + min(max(limit, 1), MOST_A_PAGE)].tolist()
    more = start + len(shown) < len(ordered)
    positions = sheet.position[found]
    return SamplePage(
        samples=[listed(sheet, counted, at) for at in shown],
        next_cursor=cursor_of(int(sheet.ids[shown[-1]]), keys[shown[-1]]) if more and shown else None,
        n_found=len(found),
        n_samples=int(np.count_nonzero(counted.n.any(axis=1))) if project.validated_only else len(sheet.ids),
        n_objects=int(counted.n.sum()),
        counts=dict(zip(STATUSES, counted.n[found].sum(axis=0).tolist(), strict=True)),
        positions=positions[~np.isnan(positions).any(axis=1)],
    )


def listed(sheet: Sheet, counted: Tally, at: int) -> ListedSample:
    latitude, longitude = (None if np.isnan(value) else float(value) for value in sheet.position[at])
    return ListedSample(
        id=int(sheet.ids[at]),
        name=sheet.names[at],
        has_name=parent_name(sheet.names[at]) == sheet.names[at],
        latitude=latitude,
        longitude=longitude,
        first_day=day_text(int(counted.first_day[at])),
        last_day=day_text(int(counted.last_day[at])),
        n_acquisitions=int(counted.n_acquisitions[at]),
        n_objects=int(counted.n[at].sum()),
        counts=counted.counts(at),
    )


def _found(sheet: Sheet, counted: Tally, search: str, validated_only: bool) -> np.ndarray:
    """Places of the samples in whose names every typed word stands."""
    kept = counted.n[:, VALIDATED] > 0 if validated_only else np.ones(len(sheet.ids), bool)
    words = search.casefold().split()
    if words:
        kept &= np.fromiter((all(word in name for word in words) for name in sheet.folded), bool, len(sheet.folded))
    return np.flatnonzero(kept)


def _keys(sheet: Sheet, counted: Tally, order: str) -> np.ndarray:
    """What is ordered by, ascending; names settle ties."""
    if order == "date":
        return np.where(counted.last_day == NO_DAY, 2**31, -counted.last_day.astype(np.int64))
    if order == "objects":
        return -counted.n.sum(axis=1)
    if order == "left":
        return -(counted.n.sum(axis=1) - counted.n[:, VALIDATED])
    return np.zeros(len(sheet.ids), np.int64)


def _after(sheet: Sheet, keys: np.ndarray, ordered: np.ndarray, cursor: str) -> int:
    """How many of the ordered samples stand before or at the cursor's: its key as it was when it was shown."""
    sample_id, key = id_and_key(cursor)
    if sample_id is None or not KEY.fullmatch(key):
        raise Refused("This link to the next samples is damaged. Open the list again.")
    at = sheet.find(sample_id)
    rank = sheet.rank[at] if at is not None else -1
    own = keys[ordered]
    before = (own < int(key)) | ((own == int(key)) & (sheet.rank[ordered] <= rank))
    return int(np.count_nonzero(before))


def page_address(project_id: int, search: str, order: str, cursor: str | None = None) -> str:
    """The list's address with what is searched, the order and where it goes on."""
    said = [("q", search), ("order", "" if order == "name" else order), ("after", cursor or "")]
    return address(f"/projects/{project_id}/samples", [(key, value) for key, value in said if value])
