"""The rows of an update, matched with what is there by name: new values by column, and rows that fit nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.database import Db
from app.edits.columns import EditColumn, edit_columns
from app.exchange.plan import Item, Plan
from app.exchange.report import SHOWN_FAULTS, Fault, ImportReport
from app.exchange.values import BadValue, parse_float
from app.exporting.selection import UNNAMED

PIECE = 5_000  # rows
LEVELS = ("object", "sample", "acquisition", "process")
HEADERS = {
    "object_lat": ("object", "latitude"), "object_lon": ("object", "longitude"), "object_date": ("object", "date"),
    "object_time": ("object", "time"), "object_depth_min": ("object", "depth_min_m"),
    "object_depth_max": ("object", "depth_max_m"), "object_link": ("object", "link"),
    "complement_info": ("object", "complement_info"), "acq_instrument": ("acquisition", "instrument"),
    "sample_dataportal_descriptor": ("sample", "dataportal_descriptor"),
}  # fmt: skip
NAMED_BY = {"sample": "sample_id", "acquisition": "acq_id", "process": "process_id"}


@dataclass(frozen=True)
class Place:
    """A column of a table and of the project; one that the project is to get has no position."""

    index: int
    header: str
    column: EditColumn
    is_new: bool = False


@dataclass
class Piece:
    """Some rows: new values by level and column, the line that each thing was read from, and the objects' own rows."""

    values: dict[str, dict[str, dict[int, str | None]]] = field(default_factory=dict)
    lines: dict[tuple[str, int], Item] = field(default_factory=dict)
    objects: list[tuple[int, Item]] = field(default_factory=list)
    n_rows: int = 0


class Rows:
    """A source's rows, read once from its beginning; faults and rows left out go into the report."""

    def __init__(self, db: Db, project_id: int, plan: Plan, outcome: ImportReport) -> None:
        self.db, self.project_id, self.plan, self.outcome = db, project_id, plan, outcome
        known = {level: {one.name: one for one in edit_columns(db, project_id, level)} for level in LEVELS}
        self.places = [_places(table, known) for table in plan.tables]
        self.columns: dict[str, list[EditColumn]] = {level: [] for level in LEVELS}
        self.new: set[str] = set()
        for place in (place for places in self.places for place in places):
            if place.column.name not in {one.name for one in self.columns[place.column.level]}:
                self.columns[place.column.level].append(place.column)
            if place.is_new:
                self.new.add(place.column.key)
        # Of each thing its first row: a hash of what that says, file and line; None once another was told to differ.
        self._seen: dict[str, dict[int, tuple[int, int, int] | None]] = {level: {} for level in LEVELS}
        self._with_labels = outcome.update == "all"

    def leave_out(self, keys: set[str]) -> None:
        """Columns that are not to be written, such as new ones without a value."""
        self.new -= keys
        self.columns = {
            level: [one for one in columns if one.key not in keys] for level, columns in self.columns.items()
        }

    @property
    def n_objects(self) -> int:
        """Of the project, that were named so far."""
        return len(self._seen["object"])

    def pieces(self) -> Iterator[Piece]:
        items = self.plan.items()
        while some := list(islice(items, PIECE)):
            yield self._piece(some)

    def _piece(self, items: list[Item]) -> Piece:
        piece = Piece(n_rows=len(items))
        there = self._find([self._cell(item, "object_id") for item in items])
        for item in items:
            name = self._cell(item, "object_id")
            found = there.get(name)
            if not name:
                self._fault(item, "Missing object_id.")
            elif found is None:
                self._leave(item, f"this project has no object “{name[:100]}”.")
            elif found.n > 1:
                self._leave(item, f"{found.n} objects are called “{name[:100]}”: which is meant cannot be told.")
            else:
                self._take(piece, item, found)
        return piece

    def _take(self, piece: Piece, item: Item, found: Any) -> None:
        """The first row of each thing counts; another one must say the same of it."""
        if found.id not in self._seen["object"]:
            piece.objects.append((found.id, item))
        self._take_values(piece, item, "object", found.id)
        for level, header in NAMED_BY.items():
            named, own = self._cell(item, header), getattr(found, level)
            if header not in self.plan.tables[item.file].predefined or own is None:
                continue
            if named == own or (not named and own.startswith(UNNAMED[:-1])):
                id = found.sample_id if level == "sample" else found.acquisition_id
                self._take_values(piece, item, level, id)
            elif named:
                self._leave(item, f"its {level} is “{own[:100]}” here, not “{named[:100]}”: an update moves no object.")
                return

    def _take_values(self, piece: Piece, item: Item, level: str, id: int) -> None:
        values = self._values(item, level)
        if values is None:
            return
        labels = self._label(item) if level == "object" and self._with_labels else ()
        here = hash((*values.items(), *labels)), item.file, item.line
        first = self._seen[level].setdefault(id, here)
        if first is here:
            piece.lines[level, id] = item
            for name, value in values.items():
                piece.values.setdefault(level, {}).setdefault(name, {})[id] = value
        elif first is not None and first[0] != here[0]:
            self._seen[level][id] = None
            name = self._cell(item, "object_id" if level == "object" else NAMED_BY[level])[:100]
            where = f"{self.plan.tables[first[1]].name}, " * (first[1] != item.file) + f"line {first[2]}"
            self._fault(item, f"It says something else of the {level} “{name}” than {where}: leave one of them out.")

    def _values(self, item: Item, level: str) -> dict[str, str | None] | None:
        """What a row says of its thing of a level, by column; None where that is at fault."""
        found: dict[str, str | None] | None = {}
        for place in self.places[item.file]:
            if place.column.level != level:
                continue
            text = item.cells[place.index] if place.index < len(item.cells) else ""
            try:
                value = _value(place, text)
            except BadValue as bad:
                self._fault(item, str(bad))
                found = None
                continue
            if found is not None:
                found[place.column.name] = value
        return found

    def _label(self, item: Item) -> tuple[str, ...]:
        """What a row says of its object's classification, as it stands there."""
        headers = self.plan.tables[item.file].predefined
        return tuple(self._cell(item, header) for header in headers if header.startswith("object_annotation_"))

    def _find(self, names: list[str]) -> dict[str, Any]:
        """The objects of these names, with what is above them."""
        rows = self.db.execute(
            """
            select object.orig_id, count(*) as n, min(object.id) as id, min(object.sample_id) as sample_id,
                   min(object.acquisition_id) as acquisition_id, min(sample.orig_id) as sample,
                   min(acquisition.orig_id) as acquisition, min(process.orig_id) as process
            from object
            join sample on sample.id = object.sample_id
            join acquisition on acquisition.id = object.acquisition_id
            left join process on process.acquisition_id = object.acquisition_id
            where object.project_id = %s
              and object.orig_id = any(%s)
            group by object.orig_id
            """,
            [self.project_id, list(set(names))],
        )
        return {row.orig_id: row for row in rows}

    def _cell(self, item: Item, header: str) -> str:
        index = self.plan.tables[item.file].predefined.get(header)
        return item.cells[index].strip() if index is not None and index < len(item.cells) else ""

    def where(self, item: Item) -> tuple[str, int]:
        return self.plan.tables[item.file].name, item.line

    def _fault(self, item: Item, says: str) -> None:
        self.outcome.n_faults += 1
        if len(self.outcome.faults) < SHOWN_FAULTS:
            self.outcome.faults.append(Fault(*self.where(item), says))

    def _leave(self, item: Item, says: str) -> None:
        self.outcome.n_left_out += 1
        if len(self.outcome.left_out) < SHOWN_FAULTS:
            self.outcome.left_out.append(Fault(*self.where(item), says[0].upper() + says[1:]))


def _places(table: Any, known: dict[str, dict[str, EditColumn]]) -> list[Place]:
    """The columns of a table that may be written."""
    found = []
    for header, index in table.predefined.items():
        if header in HEADERS:
            level, name = HEADERS[header]
            found.append(Place(index, header, known[level][name]))
    for one in table.free:
        column = known[one.level].get(one.name)
        is_new = column is None or not column.is_free
        kind = one.type if one.level == "object" else "text"
        made = EditColumn(one.level, one.name, kind, True) if column is None or is_new else column
        found.append(Place(one.index, one.header, made, is_new))
    return found


def _value(place: Place, text: str) -> str | None:
    """As the database is given it; None: the cell is empty."""
    if place.column.kind == "number":
        value = parse_float(text, place.header)
        return None if value is None else repr(value).removesuffix(".0")
    if place.column.kind == "text":
        return text.strip() or None
    return place.column.read(text)
