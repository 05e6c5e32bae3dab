"""Free and predefined columns of a project by ordinal: read at first use, then kept until memory is short."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg import sql

from app.database.connections import Db
from app.search.arrays import fetch_arrays

SEPARATOR, MISSING = "\x1e", "\x1f"  # control characters that no text of a table means anything by

# Columns that every project has, with their type.
PREDEFINED = {
    "object": {
        "orig_id": "text", "latitude": "number", "longitude": "number", "date": "text", "time": "text",
        "depth_min_m": "number", "depth_max_m": "number", "sun_position": "text", "link": "text",
        "complement_info": "text",
    },
    "sample": {"orig_id": "text", "latitude": "number", "longitude": "number", "dataportal_descriptor": "text"},
    "acquisition": {"orig_id": "text", "instrument": "text"},
    "process": {"orig_id": "text"},
}  # fmt: skip


@dataclass(frozen=True)
class TextColumn:
    """Texts by ordinal. `values` is sorted, so that codes order as the texts do."""

    codes: np.ndarray  # int32: place in values; -1: missing
    values: list[str]

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + sum(60 + len(value) for value in self.values)

    def matching(self, test: Callable[[str], bool]) -> np.ndarray:
        """Which rows hold a text that passes `test`, which is asked once for each distinct text."""
        passed = np.fromiter((test(value) for value in [*self.values, ""]), bool, len(self.values) + 1)
        passed[-1] = False  # where codes of -1 look
        return passed[self.codes]


Column = np.ndarray | TextColumn


class ColumnCache:
    """The columns of one copy of a project's mirror."""

    def __init__(self, project_id: int, limit_bytes: int) -> None:
        self.project_id, self.limit_bytes = project_id, limit_bytes
        self.lock = threading.Lock()
        self.columns: OrderedDict[tuple[str, str], Column] = OrderedDict()

    @property
    def n_bytes(self) -> int:
        return sum(column.nbytes for column in list(self.columns.values()))

    def get(self, db: Db, ids: np.ndarray, sample: np.ndarray, level: str, name: str) -> Column:
        """A column by ordinal. Raises KeyError where the project has none of that name."""
        with self.lock:
            if (level, name) not in self.columns:
                self.columns[level, name] = _read(db, self.project_id, ids, level, name)
                while len(self.columns) > 1 and self.n_bytes > self.limit_bytes:
                    self.columns.popitem(last=False)
            self.columns.move_to_end((level, name))
            return self.columns[level, name]


def _read(db: Db, project_id: int, ids: np.ndarray, level: str, name: str) -> Column:
    field = db.execute(
        """
        select type, position
        from field
        where project_id = %s
          and level = %s
          and name = %s
        """,
        [project_id, level, name],
    ).fetchone()
    kind = field.type if field else PREDEFINED[level][name]
    value = _expression(level, name, field)
    rows = _objects_of(level, field)
    if kind == "number":
        return _numbers(db, project_id, ids, value, rows)
    return _texts(db, project_id, ids, value, rows)


def _expression(level: str, name: str, field: Any) -> sql.Composable:
    """Where a column's value stands in the row that `_objects_of` gives."""
    if field is None:
        return sql.SQL("{}::text").format(sql.Identifier(level, name))
    if level == "object":
        array = "numbers" if field.type == "number" else "texts"
        return sql.SQL("object_field.{}[{}]").format(sql.Identifier(array), sql.Literal(field.position))
    text = sql.SQL("({} ->> {})").format(sql.Identifier(level, "fields"), sql.Literal(name))
    if field.type == "text":
        return text
    return sql.SQL("case when pg_input_is_valid({}, 'double precision') then {} end").format(text, text)


def _objects_of(level: str, field: Any) -> sql.SQL:
    """Rows with an object's id and the place where the level's values are."""
    if level == "object":
        return sql.SQL("object_field" if field else "(select id as object_id, * from object) as object")
    joins = "(select id as object_id, project_id, acquisition_id, sample_id from object) as head"
    if level == "sample":
        return sql.SQL(joins + " join sample on sample.id = head.sample_id")
    if level == "acquisition":
        return sql.SQL(joins + " join acquisition on acquisition.id = head.acquisition_id")
    return sql.SQL(joins + " join process on process.acquisition_id = head.acquisition_id")


def _numbers(db: Db, project_id: int, ids: np.ndarray, value: sql.Composable, rows: sql.SQL) -> np.ndarray:
    query = sql.SQL(
        """
        select array_agg(object_id), array_agg(coalesce(({value})::double precision, 'NaN'))
        from {rows}
        where {project}
        """
    ).format(value=value, rows=rows, project=_of_project(rows))
    objects, numbers = fetch_arrays(db, query, [project_id])
    column = np.full(len(ids), np.nan)
    if objects is not None:
        place(ids, objects, numbers, column)
    return column


def _texts(db: Db, project_id: int, ids: np.ndarray, value: sql.Composable, rows: sql.SQL) -> TextColumn:
    query = sql.SQL(
        """
        select array_agg(object_id), string_agg(coalesce({value}, {missing}), {separator})
        from {rows}
        where {project}
        """
    ).format(
        value=value, rows=rows, project=_of_project(rows),
        missing=sql.Literal(MISSING), separator=sql.Literal(SEPARATOR),
    )  # fmt: skip
    objects, joined = fetch_arrays(db, query, [project_id])
    column = np.full(len(ids), -1, np.int32)
    if objects is None:
        return TextColumn(column, [])
    codes, values = factorized(joined.split(SEPARATOR))
    place(ids, objects, codes, column)
    return TextColumn(column, values)


def _of_project(rows: sql.SQL) -> sql.SQL:
    text = rows.as_string(None)
    return sql.SQL("head.project_id = %s" if " as head" in text else "project_id = %s")


def factorized(texts: list[str]) -> tuple[np.ndarray, list[str]]:
    """Codes of texts into their sorted distinct values; MISSING becomes -1."""
    values = sorted(set(texts) - {MISSING})
    code_of = {value: code for code, value in enumerate(values)}
    code_of[MISSING] = -1
    return np.fromiter(map(code_of.__getitem__, texts), np.int32, len(texts)), values


def place(ids: np.ndarray, objects: np.ndarray, values: np.ndarray, column: np.ndarray) -> None:
    """Write values of objects to their ordinals; objects that are not among `ids` are passed over."""
    if len(objects) == len(ids) and np.array_equal(objects, ids):
        column[:] = values
        return
    places = np.searchsorted(ids, objects)
    known = places < len(ids)
    known[known] = ids[places[known]] == objects[known]
    column[places[known]] = values[known]
