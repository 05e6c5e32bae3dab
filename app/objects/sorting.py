"""Objects of a mirror in an order, from a cursor on.

A page goes on after the value and the id of the last object shown. What no label changes sorts by these alone, so that
scrolling never skips or repeats an object. An order by what labels change (their time, their taxon) carries besides the
state as of which it began: what was labelled since comes at the very end, by id. Missing values come last in both
directions.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Literal, Protocol, cast

import numpy as np

from app.database import Db
from app.errors import Refused
from app.objects.orders import BY_LABEL, Order
from app.paging import BAD_CURSOR, cursor_of, value_and_id
from app.search.arrays import fetch_arrays
from app.search.columns import TextColumn
from app.search.heads import NONE
from app.search.mirror import Mirror
from app.search.radix import argsort
from app.search.run_columns import margins, novelties

SNAPSHOT = re.compile(r"\d{1,19}:\d{1,19}:[\d,]{0,20000}", re.ASCII)
DAY_SECONDS = 100_000  # more than a day has: an unknown time comes after the known ones of its day
NO_TIME = DAY_SECONDS - 1
RUN_ORDERS = {"margin": margins, "novelty": novelties}


class Sequence(Protocol):
    """Objects in an order."""

    def after(self, direction: str, cursor: list[Any] | None) -> Iterator[np.ndarray]:
        """Ordinals from the cursor on, in growing pieces."""

    def cursor_at(self, ordinal: int) -> str:
        """Where the list goes on after an object."""


class ById:
    """The order by id, for which nothing needs sorting: a mirror's ordinals follow its ids."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids

    def after(self, direction: str, cursor: list[Any] | None) -> Iterator[np.ndarray]:
        ordinals = np.arange(len(self.ids), dtype=np.int32)
        if cursor:
            last_id = value_and_id(cursor, texts=False)[1]
            if direction == "asc":
                ordinals = ordinals[np.searchsorted(self.ids, last_id, "right") :]
            else:
                ordinals = ordinals[: np.searchsorted(self.ids, last_id, "left")]
        yield from _pieces(ordinals if direction == "asc" else ordinals[::-1])

    def cursor_at(self, ordinal: int) -> str:
        return cursor_of(None, int(self.ids[ordinal]))


class Sorted:
    """All objects in ascending order of their values, ids ascending among equals, missing values last.

    values: any numbers [n]; NaN, or `missing`, where there is none. texts: what whole numbers stand for, ascending.
    """

    def __init__(
        self, ids: np.ndarray, values: np.ndarray, missing: int | None = None, texts: list[str] | None = None
    ) -> None:
        self.ids, self.values, self.texts = ids, values, texts
        self.is_missing = np.isnan(values) if values.dtype.kind == "f" else values == missing
        self.n_present = len(values) - int(np.count_nonzero(self.is_missing))
        self.ascending = _missing_last(values, self.is_missing, missing).astype(np.int32)

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.ascending.nbytes + self.is_missing.nbytes

    def after(self, direction: str, cursor: list[Any] | None) -> Iterator[np.ndarray]:
        present, missing = self.ascending[: self.n_present], self.ascending[self.n_present :]
        if cursor:
            value, last_id = value_and_id(cursor, texts=self.texts is not None)
            if value is None:
                present, missing = present[:0], missing[np.searchsorted(self.ids[missing], last_id, "right") :]
            elif direction == "asc":
                present = present[self._place(value, last_id, "right") :]
            else:
                present = present[: self._place(value, last_id, "left")]
        yield from _pieces(present if direction == "asc" else present[::-1])
        yield from _pieces(missing)

    def value_at(self, ordinal: int) -> float | int | str | None:
        """As a cursor says it."""
        if self.is_missing[ordinal]:
            return None
        value = self.values[ordinal].item()
        return self.texts[value] if self.texts is not None else value

    def cursor_at(self, ordinal: int) -> str:
        return cursor_of(self.value_at(ordinal), int(self.ids[ordinal]))

    def _place(self, value: float | str, last_id: int, side: Literal["left", "right"]) -> int:
        """How many of the present ones come before a value and an id, or up to them."""
        if self.texts is not None and isinstance(value, str):
            code = bisect_left(self.texts, value)
            if code == len(self.texts) or self.texts[code] != value:
                return self._bisected(code, bisect_left)
            value = code
        low, high = self._bisected(value, bisect_left), self._bisected(value, bisect_right)
        return low + int(np.searchsorted(self.ids[self.ascending[low:high]], last_id, side))

    def _bisected(self, value: Any, way: Any) -> int:
        return int(way(self.ascending, value, 0, self.n_present, key=lambda ordinal: self.values[ordinal].item()))


def _missing_last(values: np.ndarray, is_missing: np.ndarray, missing: int | None) -> np.ndarray:
    """A stable order. Where whole numbers span 16 bits and what is missing is the least, it wraps round to the most."""
    if missing is not None and len(values) and missing <= values.min() and int(values.max()) - missing < 2**16:
        return np.argsort((values - (missing + 1)).astype(np.uint16), kind="stable")
    if not is_missing.any():
        return argsort(values)
    present = np.flatnonzero(~is_missing)
    return np.concatenate([present[argsort(values[present])], np.flatnonzero(is_missing)])


class AsOf:
    """An order by what labels change, as of the state in which its first page was made."""

    def __init__(self, db: Db, mirror: Mirror, order: Sorted) -> None:
        self.db, self.mirror, self.order = db, mirror, order
        self.began: list[Any] = [mirror.snapshot, mirror.columns.log.token, mirror.version]
        self.changed: np.ndarray | None = None  # bool [n]: labelled since; None: nothing was

    def after(self, direction: str, cursor: list[Any] | None) -> Iterator[np.ndarray]:
        if cursor is None:
            yield from self.order.after(direction, None)
            return
        is_late = self._begin(cursor)
        if not is_late:
            for piece in self.order.after(direction, cursor[:2]):
                yield piece if self.changed is None else piece[~self.changed[piece]]
        if self.changed is not None:
            late = np.flatnonzero(self.changed)
            start = np.searchsorted(self.mirror.ids[late], cursor[1], "right") if is_late else 0
            yield from _pieces(late[start:])

    def cursor_at(self, ordinal: int) -> str:
        is_late = self.changed is not None and bool(self.changed[ordinal])
        value = None if is_late else self.order.value_at(ordinal)
        return cursor_of(value, int(self.mirror.ids[ordinal]), int(is_late), *self.began)

    def _begin(self, cursor: list[Any]) -> bool:
        """Find what was labelled since the first page; whether the cursor stands among these already."""
        value_and_id(cursor, texts=self.order.texts is not None)
        kinds = [type(part) for part in cursor[2:]]
        if kinds != [int, str, str, int] or not SNAPSHOT.fullmatch(cursor[3]):
            raise Refused(BAD_CURSOR)
        self.began = cursor[3:]
        places = self._labelled_since(*self.began)
        if len(places):
            self.changed = np.zeros(len(self.mirror), bool)
            self.changed[places] = True
        return bool(cursor[2])

    def _labelled_since(self, snapshot: str, token: str, version: int) -> np.ndarray:
        """From memory where this process began the list, else from the history."""
        log = self.mirror.columns.log
        found = log.since(version, self.mirror.version) if token == log.token else None
        return (
            self.mirror.ordinals(_touched_since(self.db, self.mirror.project_id, snapshot)) if found is None else found
        )


def _touched_since(db: Db, project_id: int, snapshot: str) -> np.ndarray:
    """Ids of what was labelled by transactions that a snapshot did not see."""
    known = db.execute("select pg_input_is_valid(%s, 'pg_snapshot') as is_valid", [snapshot]).fetchone()
    if not (known and known.is_valid):
        raise Refused(BAD_CURSOR)
    (ids,) = fetch_arrays(
        db,
        """
        select array_agg(object_id)
        from history
        where project_id = %(project_id)s
          and tx >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
          and not pg_visible_in_snapshot(tx, %(snapshot)s::pg_snapshot)
        """,
        {"project_id": project_id, "snapshot": snapshot},
    )
    return np.empty(0, np.int64) if ids is None else ids


def _pieces(ordinals: np.ndarray, first: int = 1024) -> Iterator[np.ndarray]:
    start, size = 0, first
    while start < len(ordinals):
        yield ordinals[start : start + size]
        start, size = start + size, size * 4


def sorted_by(db: Db, mirror: Mirror, order: Order) -> Sequence:
    """The sequence of an order over a mirror: sorted once for each copy of its columns, or each state of its labels."""
    if order.key == "id":
        return ById(mirror.ids)
    if order.key in BY_LABEL:
        return AsOf(db, mirror, _by_label(db, mirror, order.key))
    kept = mirror.columns.orders
    key = (order.key, order.seed)
    return kept.made(key, lambda: _sort(db, mirror, order))


def _by_label(db: Db, mirror: Mirror, key: str) -> Sorted:
    kept = mirror.columns.orders
    version, known = kept.get(key) or (0, None)
    if known is not None and version == mirror.version:
        return cast(Sorted, known)
    found = Sorted(mirror.ids, mirror.at, missing=0) if key == "when" else _by_taxon(db, mirror)
    kept.put(key, (mirror.version, found))
    return found


def _by_taxon(db: Db, mirror: Mirror) -> Sorted:
    """By display name, without regard to case."""
    present = np.zeros(int(mirror.taxon.max(initial=0)) + 1, bool)
    present[mirror.taxon] = True
    rows = db.execute(
        "select id, display_name from taxon where id = any(%s)", [np.flatnonzero(present).tolist()]
    ).fetchall()
    names = sorted((f"{row.display_name.casefold()}\x1f{row.display_name}", row.id) for row in rows)
    ranks = np.full(len(present), -1, np.int32)
    ranks[[taxon_id for _, taxon_id in names]] = np.arange(len(names))
    return Sorted(mirror.ids, ranks[mirror.taxon], missing=-1, texts=[name for name, _ in names])


def _sort(db: Db, mirror: Mirror, order: Order) -> Sorted:
    ids = mirror.ids
    if order.key == "score":
        return Sorted(ids, mirror.score)
    if order.key in RUN_ORDERS:
        return Sorted(ids, RUN_ORDERS[order.key](db, mirror))
    if order.key == "date":
        day, second = mirror.head(db, "day").astype(np.int64), mirror.head(db, "second")
        moment = day * DAY_SECONDS + np.where(second == NONE, NO_TIME, second)
        return Sorted(ids, np.where(day == NONE, NONE * DAY_SECONDS, moment), missing=NONE * DAY_SECONDS)
    if order.key == "imported":
        return Sorted(ids, mirror.head(db, "import"), missing=0)
    if order.key == "depth":
        return Sorted(ids, mirror.head(db, "shallowest"))
    if order.key == "random":
        return Sorted(ids, shuffled(ids, order.seed))
    column = mirror.column(db, order.level, order.name)
    if isinstance(column, TextColumn):
        return Sorted(ids, column.codes, missing=-1, texts=column.values)
    return Sorted(ids, column)


def shuffled(ids: np.ndarray, seed: int) -> np.ndarray:
    """A number for each id that depends on it and the seed alone (splitmix64), so that every process agrees."""
    with np.errstate(over="ignore"):
        z = ids.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(32)).astype(np.uint32)
