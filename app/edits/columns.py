"""The columns that people may change: where each stands in the tables, and what its values may be."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from app.database import Db
from app.errors import Refused
from app.exchange.values import BadValue, parse_date, parse_float, parse_latitude, parse_longitude, parse_time
from app.search.columns import PREDEFINED

LEVELS = ("object", "sample", "acquisition", "process")
# What stands before a column's name in EcoTaxa's headers.
PREFIXES = {"object": "object", "sample": "sample", "acq": "acquisition", "acquisition": "acquisition",
            "process": "process"}  # fmt: skip
OTHER_NAMES = {"lat": "latitude", "lon": "longitude", "depth_min": "depth_min_m", "depth_max": "depth_max_m",
               "sunpos": "sun_position"}  # fmt: skip
KINDS = {"latitude": "latitude", "longitude": "longitude", "date": "date", "time": "time"}
FIXED = {
    "orig_id": "imports know it by its id: that stays",
    "sun_position": "it is computed from position, date and time: change these",
}
LONGEST_TEXT, LONGEST_NAME = 10_000, 60
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
NAME = re.compile(r"[^\W\d][\w.%-]*")
# In which the object's day, dusk, night or dawn shows.
OF_SUN = frozenset({"latitude", "longitude", "date", "time"})


@dataclass(frozen=True)
class EditColumn:
    """A column. `kind`: number, text, latitude, longitude, date or time. `position`: in the arrays of an object's free
    columns; None elsewhere. `is_free`: the project has it, not every one."""

    level: str
    name: str
    kind: str
    is_free: bool
    position: int | None = None

    @property
    def key(self) -> str:
        """As formulas and commands name it: object.area."""
        return f"{self.level}.{self.name}"

    @property
    def is_number(self) -> bool:
        return self.kind in ("number", "latitude", "longitude")

    def read(self, text: str) -> str | None:
        """A value as the database is given it; None where the text says that there is none. Refused where it cannot
        be one."""
        return READERS[self.kind](text, self.key)

    def read_number(self, value: float) -> str | None:
        """The same of a number, which dates and times have none of."""
        whole = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
        return self.read(whole)


def _number(text: str, key: str) -> str | None:
    value = parse_float(text, key)
    if value is None and text.strip().lower() not in ("", "na", "nan"):
        raise BadValue(f"“{text.strip()}” is no finite number for {key}.")
    return None if value is None else repr(value)


def _angle(parse: Callable[[str, str], float | None]) -> Callable[[str, str], str | None]:
    def read(text: str, key: str) -> str | None:
        value = parse(text, key)
        return None if value is None or math.isnan(value) else repr(value)

    return read


def _moment(parse: Callable[[str, str], Any]) -> Callable[[str, str], str | None]:
    def read(text: str, key: str) -> str | None:
        value = parse(text, key)
        return None if value is None else value.isoformat()

    return read


def _text(text: str, key: str) -> str | None:
    if CONTROL.search(text):
        raise BadValue(f"The text for {key} holds a character that no text may have. Take it out.")
    if len(text) > LONGEST_TEXT:
        raise BadValue(f"The text for {key} has {len(text):,} characters: {LONGEST_TEXT:,} at most.")
    return text.strip() or None


READERS: dict[str, Callable[[str, str], str | None]] = {
    "number": _number,
    "text": _text,
    "latitude": _angle(parse_latitude),
    "longitude": _angle(parse_longitude),
    "date": _moment(parse_date),
    "time": _moment(parse_time),
}


def edit_columns(db: Db, project_id: int, level: str) -> list[EditColumn]:
    """Those of a level that may be changed: its free ones as imported, then those that every project has."""
    rows = db.execute(
        """
        select name, type, position
          from field
         where project_id = %s
           and level = %s
         order by type, position
        """,
        [project_id, check_level(level)],
    ).fetchall()
    free = [EditColumn(level, row.name, row.type, True, row.position) for row in rows]
    names = {column.name for column in free}
    own = [
        EditColumn(level, name, KINDS.get(name, kind), False)
        for name, kind in PREDEFINED[level].items()
        if name not in FIXED and name not in names
    ]
    return free + own


def check_level(level: str) -> str:
    if level not in LEVELS:
        raise Refused(f"{level!r} is none of object, sample, acquisition and process.", status=422)
    return level


def find_column(columns: Iterable[EditColumn], level: str, said: str) -> EditColumn:
    """The column that people mean by area, object.area or, as EcoTaxa's headers have it, object_area."""
    known = {column.name: column for column in columns}
    names = names_meant(level, said)
    for name in names:
        if name in known:
            return known[name]
    for name in names:
        if name in FIXED and name in PREDEFINED[level]:
            raise Refused(f"{level}.{name} cannot be changed: {FIXED[name]}.", status=422)
    near = get_close_matches(names[-1], known, 1)
    hint = f" Did you mean “{near[0]}”?" if near else f" It has: {', '.join(sorted(known)) or 'none'}."
    raise Refused(f"This project has no column “{said}” of any {level}.{hint}", status=422)


def names_meant(level: str, said: str) -> list[str]:
    """What a header may stand for, the likeliest first."""
    said = said.strip()
    meant = [said]
    for sign in "._":
        prefix, _, name = said.partition(sign)
        if name and PREFIXES.get(prefix.lower()) == level:
            meant.append(name)
    meant += [OTHER_NAMES[name.lower()] for name in meant if name.lower() in OTHER_NAMES]
    return list(dict.fromkeys(meant + [name.lower() for name in meant]))


def new_column(db: Db, project_id: int, level: str, name: str, kind: str) -> EditColumn:
    """A free column that the project gets with this edit, written by `add_column`; parents have texts alone, as imports
    give them."""
    name = names_meant(level, name)[-1].strip() if "." in name else name.strip()
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise Refused(
            f"“{name[:80]}” is no name for a column: a letter, then letters, digits, _, -, %, up to {LONGEST_NAME}.",
            status=422,
        )
    if kind not in ("number", "text"):
        raise Refused(f"A new column holds “number” or “text”, not {kind!r}.", status=422)
    if name in PREDEFINED[check_level(level)] or any(one.name == name for one in edit_columns(db, project_id, level)):
        raise Refused(
            f"There is a column {level}.{name} already: change that one, or name the new one differently.", 422
        )
    return EditColumn(level, name, kind if level == "object" else "text", True)


def add_column(db: Db, project_id: int, column: EditColumn) -> EditColumn:
    """Give the project a new column, after those of its kind that it has."""
    row = db.execute(
        """
        insert into field (project_id, level, name, type, position)
        select %(project)s, %(level)s, %(name)s, %(type)s, coalesce(max(position), 0) + 1
          from field
         where project_id = %(project)s
           and level = %(level)s
           and type = %(type)s
            on conflict (project_id, level, name) do nothing
        returning position
        """,
        {"project": project_id, "level": column.level, "name": column.name, "type": column.kind},
    ).fetchone()
    if row is None:
        raise Refused(f"Somebody else has just made a column {column.key}: look again.", status=409)
    return EditColumn(column.level, column.name, column.kind, True, row.position)
