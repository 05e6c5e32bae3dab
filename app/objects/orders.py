"""The orders in which a board shows objects, and where each page of an order goes on.

A page goes on after the value and the id of the last object shown, both of which no label changes: so scrolling never
skips or repeats an object while people label. Missing values come last in both directions.
"""

import base64
import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from app.database import Db
from app.errors import Refused
from app.objects.fields import Fields
from app.objects.filters import Pairs
from app.search.columns import ColumnCache, TextColumn
from app.search.mirror import Mirror

MOST_EXAMPLES = 200
BAD_CURSOR = "This address does not say where the list goes on. Reload the page."


@dataclass(frozen=True)
class Order:
    """What the list is sorted by. For likeness: the examples' ids, or the key of an uploaded image."""

    key: str = "id"
    direction: str = "asc"
    label: str = "id"
    level: str = ""
    name: str = ""
    examples: tuple[int, ...] = ()
    query: str = ""
    invalid: str = ""

    def to_query(self) -> list[tuple[str, str]]:
        pairs = [("order", self.key), ("dir", self.direction)] if (self.key, self.direction) != ("id", "asc") else []
        if self.examples:
            pairs.append(("examples", ",".join(map(str, self.examples))))
        if self.query:
            pairs.append(("query", self.query))
        return pairs


def read_order(fields: Fields, query: Pairs) -> Order:
    """The order that an address says; by id where it says none that this project has."""
    said = dict(query)
    key, direction = said.get("order", "id"), "desc" if said.get("dir") == "desc" else "asc"
    if key == "score":
        return Order(key, direction, "score")
    if key == "like":
        return _like(direction, said)
    column = fields.find(key[2:]) if key.startswith("f.") else None
    if column:
        return Order(f"f.{column.key}", direction, column.key, column.level, column.name)
    invalid = "" if key == "id" else f"There is no order by “{key[:40]}” here: this is the order by id."
    return Order("id", direction, "id", invalid=invalid)


def _like(direction: str, said: dict[str, str]) -> Order:
    ids = [part for part in said.get("examples", "").split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    examples = tuple(dict.fromkeys(int(part) for part in ids[:MOST_EXAMPLES]))
    query = said.get("query", "")
    if not examples and not query:
        return Order("id", direction, "id", invalid="Likeness needs examples: this is the order by id.")
    n = len(examples)
    label = "likeness to the image" if query else f"likeness to {n} example{'s' if n != 1 else ''}"
    return Order("like", direction, label, examples=examples, query=query)


def order_choices(fields: Fields) -> list[dict[str, str]]:
    """What the order control offers; likeness is asked for with examples."""
    return [
        {"key": "id", "label": "id"},
        {"key": "score", "label": "score"},
        *({"key": f"f.{field.key}", "label": field.key} for field in fields),
    ]


def write_cursor(*parts: Any) -> str:
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise Refused(BAD_CURSOR) from error
    if not isinstance(parts, list):
        raise Refused(BAD_CURSOR)
    return parts


class Sorted:
    """All objects of a mirror in ascending order of a column, ids ascending among equals, missing values last."""

    def __init__(self, values: np.ndarray, texts: list[str] | None = None) -> None:
        self.texts = texts
        self.values = values
        order = np.argsort(values, kind="stable").astype(np.int32)
        self.n_present = len(values) - int(np.isnan(values).sum())
        self.ascending = order
        self.sorted_values = values[order[: self.n_present]]

    def after(self, ids: np.ndarray, direction: str, cursor: list[Any] | None) -> Iterator[np.ndarray]:
        """Ordinals from the cursor on, in growing pieces."""
        present, missing = self.ascending[: self.n_present], self.ascending[self.n_present :]
        start, start_missing = self._start(ids, cursor) if cursor else (None, 0)
        if direction == "asc":
            present = present[start:]
        else:
            present = present[::-1] if start is None else present[: self._start_descending(ids, cursor)][::-1]
        yield from _pieces(present)
        yield from _pieces(missing[start_missing:])

    def cursor_at(self, ids: np.ndarray, ordinal: int) -> str:
        value = self.values[ordinal]
        said = None if np.isnan(value) else self.texts[int(value)] if self.texts is not None else float(value)
        return write_cursor(said, int(ids[ordinal]))

    def _start(self, ids: np.ndarray, cursor: list[Any]) -> tuple[int, int]:
        """Where to go on among the present values (ascending), and among the missing ones."""
        value, last_id = _checked(cursor, self.texts)
        if value is None:
            return self.n_present, int(np.searchsorted(ids[self.ascending[self.n_present :]], last_id, "right"))
        low, high = self._equals(value)
        return low + int(np.searchsorted(ids[self.ascending[low:high]], last_id, "right")), 0

    def _start_descending(self, ids: np.ndarray, cursor: list[Any] | None) -> int:
        value, last_id = _checked(cursor or [], self.texts)
        if value is None:
            return 0
        low, high = self._equals(value)
        return low + int(np.searchsorted(ids[self.ascending[low:high]], last_id, "left"))

    def _equals(self, value: float | str) -> tuple[int, int]:
        if self.texts is None or not isinstance(value, str):
            return tuple(int(np.searchsorted(self.sorted_values, value, side)) for side in ("left", "right"))
        code = bisect_left(self.texts, value)
        if code == len(self.texts) or self.texts[code] != value:
            place = int(np.searchsorted(self.sorted_values, code, "left"))
            return place, place
        return self._equals(float(code))


def _checked(cursor: list[Any], texts: list[str] | None) -> tuple[float | str | None, int]:
    """A cursor's value and id, refused where somebody made it up or the column changed its type."""
    kinds = (str,) if texts is not None else (int, float)
    if len(cursor) != 2 or type(cursor[1]) is not int or not 0 <= cursor[1] < 2**63:
        raise Refused(BAD_CURSOR)
    if cursor[0] is not None and (not isinstance(cursor[0], kinds) or isinstance(cursor[0], bool)):
        raise Refused(BAD_CURSOR)
    return cursor[0], cursor[1]


def _pieces(ordinals: np.ndarray, first: int = 1024) -> Iterator[np.ndarray]:
    start, size = 0, first
    while start < len(ordinals):
        yield ordinals[start : start + size]
        start, size = start + size, size * 4


class ById:
    """The order by id, for which nothing needs sorting: a mirror's ordinals follow its ids."""

    def after(self, ids: np.ndarray, direction: str, cursor: list[Any] | None) -> Iterator[np.ndarray]:
        ordinals = np.arange(len(ids), dtype=np.int32)
        if cursor:
            last_id = _checked(cursor, None)[1]
            if direction == "asc":
                ordinals = ordinals[np.searchsorted(ids, last_id, "right") :]
            else:
                ordinals = ordinals[: np.searchsorted(ids, last_id, "left")]
        yield from _pieces(ordinals if direction == "asc" else ordinals[::-1])

    def cursor_at(self, ids: np.ndarray, ordinal: int) -> str:
        return write_cursor(None, int(ids[ordinal]))


# Sorted once for each copy of a project's columns, and gone with it. At most so many of a copy, the oldest leave.
_sorted: "WeakKeyDictionary[ColumnCache, dict[str, Sorted]]" = WeakKeyDictionary()
MOST_SORTED = 6


def sorted_by(db: Db, mirror: Mirror, order: Order) -> Sorted | ById:
    """The permutation of an order over a mirror."""
    if order.key == "id":
        return ById()
    kept = _sorted.setdefault(mirror.columns, {})
    found = kept.pop(order.key, None) or _sort(db, mirror, order)
    kept[order.key] = found
    while len(kept) > MOST_SORTED:
        kept.pop(next(iter(kept)), None)
    return found


def _sort(db: Db, mirror: Mirror, order: Order) -> Sorted:
    if order.key == "score":
        return Sorted(mirror.score.astype(np.float64))
    column = mirror.column(db, order.level, order.name)
    if isinstance(column, TextColumn):
        codes = column.codes.astype(np.float64)
        codes[codes < 0] = np.nan
        return Sorted(codes, column.values)
    return Sorted(column)
