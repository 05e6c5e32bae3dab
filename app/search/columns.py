"""Free and predefined columns of a project by ordinal: read at first use, then kept until memory is short."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from psycopg import sql

from app.database.connections import Db
from app.search.arrays import fetch_arrays
from app.search.heads import place, read_heads
from app.search.kept import ChangeLog, Kept, MaskCache

SEPARATOR, MISSING = "\x1e", "\x1f"  # control characters that no text of a table means anything by
WIDEST = 64  # bytes of a text that are worth a place in every row
MOST_ORDERS, MOST_TALLIES = 16, 32
LISTED_BYTES = 70  # of a short text in a list

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


class TextColumn:
    """Texts by ordinal, in numpy: scanned in 15 ms per million (100 ms where texts are long), with no Python loop."""

    def __init__(self, texts: np.ndarray, lower: np.ndarray | None) -> None:
        self.texts = texts  # [n] of UTF-8 bytes of one width (S), or of any length (T); MISSING where there is none
        self.lower = lower  # the same, case-folded; None where that is no different

    @property
    def nbytes(self) -> int:
        arrays = [self.texts, self.lower] if self.lower is not None else [self.texts]
        sorted_bytes = len(self.values) * LISTED_BYTES + self.codes.nbytes if "sorted" in self.__dict__ else 0
        return sum(array.nbytes * (1 if array.dtype.kind == "S" else 4) for array in arrays) + sorted_bytes

    def take(self, rows: np.ndarray) -> "TextColumn":
        """The texts of these rows, of which one may come many times."""
        return TextColumn(self.texts[rows], None if self.lower is None else self.lower[rows])

    def text(self, ordinal: int) -> str | None:
        """One object's text."""
        value = self.texts[ordinal]
        text = value.decode() if isinstance(value, bytes) else str(value)
        return None if text == MISSING else text

    @cached_property
    def sorted(self) -> tuple[np.ndarray, list[str]]:
        """Codes (int32; -1: missing) into the distinct texts, which are sorted, so that codes order as texts do."""
        if self.texts.dtype.kind == "T":
            # numpy 2.4 cannot sort these reliably ("Failed to load string in string comparison").
            texts = self.texts.tolist()
            listed = sorted(set(texts) - {MISSING})
            code_of = {text: code for code, text in enumerate(listed)} | {MISSING: -1}
            return np.fromiter(map(code_of.__getitem__, texts), np.int32, len(texts)), listed
        values, codes = np.unique(self.texts, return_inverse=True)
        missing = int(np.searchsorted(values, MISSING.encode()))
        if missing < len(values) and values[missing] == MISSING.encode():
            values = np.delete(values, missing)
            codes = np.where(codes == missing, -1, codes - (codes > missing))
        return codes.astype(np.int32), [value.decode() for value in values.tolist()]

    @property
    def codes(self) -> np.ndarray:
        return self.sorted[0]

    @property
    def values(self) -> list[str]:
        return self.sorted[1]

    def equal(self, text: str) -> np.ndarray:
        """Which rows hold exactly this text."""
        return self.texts == _word(text, self.texts)

    def containing(self, text: str) -> np.ndarray:
        """Which rows hold this text somewhere, without regard to case."""
        if not text:
            return self.texts != _word(MISSING, self.texts)
        texts = self.texts if self.lower is None else self.lower
        return np.strings.find(texts, _word(text.casefold(), texts)) >= 0


def _word(text: str, texts: np.ndarray) -> Any:
    """A text as those of an array are kept."""
    return text.encode() if texts.dtype.kind == "S" else text


Column = np.ndarray | TextColumn


class ColumnCache:
    """The columns of one copy of a project's mirror."""

    def __init__(self, project_id: int, limit_bytes: int) -> None:
        self.project_id, self.limit_bytes = project_id, limit_bytes
        self.lock = threading.Lock()
        self.columns: OrderedDict[tuple[str, str], Column] = OrderedDict()
        self.parents: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # distinct ids, and the place of each object's
        self.log = ChangeLog()
        self.masks = MaskCache()
        self.orders = Kept(MOST_ORDERS)
        self.tallies = Kept(MOST_TALLIES)

    @property
    def n_bytes(self) -> int:
        parents = sum(places.nbytes for _, places in list(self.parents.values()))
        derived = sum(kept.nbytes for kept in self._derived)
        return parents + derived + sum(column.nbytes for column in list(self.columns.values()))

    @property
    def _derived(self) -> tuple[Kept, ...]:
        """What is made of the columns, in the order in which it is let go before any of them."""
        return self.orders, self.masks.whole, self.masks.packed, self.masks.ever, self.tallies

    def head(self, db: Db, ids: np.ndarray, name: str) -> np.ndarray:
        """A column of HEADS by ordinal."""
        with self.lock:
            if ("", name) not in self.columns:
                read = read_heads(db, self.project_id, ids, name)
                # The one asked for comes last, since each may push out those before it.
                for one in sorted(read, key=lambda one: one == name):
                    self._keep(("", one), read[one])
            self.columns.move_to_end(("", name))
            return self.columns["", name]

    def get(self, db: Db, ids: np.ndarray, sample: np.ndarray, level: str, name: str) -> Column:
        """A column by ordinal. Raises KeyError where the project has none of that name."""
        with self.lock:
            if (level, name) not in self.columns:
                self._keep((level, name), self._read(db, ids, sample, level, name))
            self.columns.move_to_end((level, name))
            return self.columns[level, name]

    def made(self, kind: str, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """A column that is made of others, which `make` asks for. Two may make the same at once."""
        key = (f"made {kind}", name)
        with self.lock:
            found: Any = self.columns.get(key)
        if found is None:
            found = make()
            with self.lock:
                self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, str], column: Column) -> None:
        """As the latest, which stays however short memory is."""
        self.columns[key] = column
        while self.n_bytes > self.limit_bytes:
            if not any(kept.drop() for kept in self._derived):
                if len(self.columns) == 1:
                    return
                self.columns.popitem(last=False)

    def _read(self, db: Db, ids: np.ndarray, sample: np.ndarray, level: str, name: str) -> Column:
        if level == "object":
            return _read(db, self.project_id, ids, level, name)
        # A project has few parents: their values are read once each, not once for each of their objects.
        key = "sample" if level == "sample" else "acquisition"
        if key not in self.parents:
            own = sample if level == "sample" else read_heads(db, self.project_id, ids, "acquisition")["acquisition"]
            parents, places = np.unique(own, return_inverse=True)
            self.parents[key] = parents, places.astype(np.int32)
        parents, places = self.parents[key]
        column = _read(db, self.project_id, parents, level, name)
        return column.take(places) if isinstance(column, TextColumn) else column[places]


def _read(db: Db, project_id: int, ids: np.ndarray, level: str, name: str) -> Column:
    """A column of the rows of one level, in the order of their `ids`."""
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


def _objects_of(level: str, field: Any) -> sql.Composable:
    """A level's rows, with the id of each."""
    if level == "object" and field:
        return sql.SQL("(select object_id as id, * from object_field) as object_field")
    key = sql.SQL("select acquisition_id as id, *" if level == "process" else "select *")
    return sql.SQL("({key} from {level}) as {level}").format(key=key, level=sql.Identifier(level))


def _numbers(db: Db, project_id: int, ids: np.ndarray, value: sql.Composable, rows: sql.Composable) -> np.ndarray:
    query = sql.SQL(
        """
        select array_agg(id), array_agg(coalesce(({value})::double precision, 'NaN'))
        from {rows}
        where project_id = %s
        """
    ).format(value=value, rows=rows)
    found, numbers = fetch_arrays(db, query, [project_id])
    return np.full(len(ids), np.nan) if found is None else place(ids, found, numbers, np.nan)


def _texts(db: Db, project_id: int, ids: np.ndarray, value: sql.Composable, rows: sql.Composable) -> TextColumn:
    objects, joined = _joined(db, project_id, value, rows)
    if objects is None:
        return TextColumn(np.full(len(ids), MISSING.encode()), None)
    if joined.count(SEPARATOR) != len(objects) - 1:
        # Some text holds the separator itself: it is shown as a blank.
        blank = sql.SQL("translate({}, {}, '  ')").format(value, sql.Literal(SEPARATOR + MISSING))
        objects, joined = _joined(db, project_id, blank, rows)
    folded = joined.casefold()
    texts = _by_ordinal(ids, objects, joined)
    return TextColumn(texts, None if folded == joined else _by_ordinal(ids, objects, folded, texts.dtype.kind))


def _joined(db: Db, project_id: int, value: sql.Composable, rows: sql.Composable) -> tuple[np.ndarray | None, str]:
    query = sql.SQL(
        """
        select array_agg(id), string_agg(coalesce({value}, {missing}), {separator})
        from {rows}
        where project_id = %s
        """
    ).format(value=value, rows=rows, missing=sql.Literal(MISSING), separator=sql.Literal(SEPARATOR))
    found, joined = fetch_arrays(db, query, [project_id])
    return found, joined or ""


def _by_ordinal(ids: np.ndarray, found: np.ndarray, joined: str, kind: str = "S") -> np.ndarray:
    texts = None if kind == "T" else _of_one_width(joined)
    if texts is None:
        texts = np.array(joined.split(SEPARATOR), np.dtypes.StringDType())
    return place(ids, found, texts, _word(MISSING, texts))


def _of_one_width(joined: str) -> np.ndarray | None:
    """The texts, as UTF-8 bytes [n] of one width; None where one is too wide. Without a Python object for each."""
    data = np.frombuffer(joined.encode(), np.uint8)
    ends = np.append(np.flatnonzero(data == ord(SEPARATOR)), len(data))
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends - starts
    width = max(1, int(lengths.max()))
    if width > WIDEST:
        return None
    texts = np.zeros((len(starts), width), np.uint8)
    for length in range(1, width + 1):
        rows = np.flatnonzero(lengths == length)
        texts[rows, :length] = sliding_window_view(data, length)[starts[rows]]
    return texts.view(f"S{width}")[:, 0]
