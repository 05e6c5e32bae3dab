"""Turns one row of a table, or one image of a folder, into a staged row as COPY reads it, or into faults."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from json import dumps
from typing import Any

from app.exchange import values
from app.exchange.plan import Item, TableColumns
from app.exchange.sun import sun_position
from app.exchange.values import BadValue

# A name longer than this does not fit an index of the database.
LONGEST_NAME_BYTES = 2000
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"


@dataclass
class Row:
    """What stands in one staged row, but for its image's hash."""

    object_orig_id: str = ""
    sample_orig_id: str = ""
    acquisition_orig_id: str = ""
    process_orig_id: str = ""
    latitude: float | None = None
    longitude: float | None = None
    date: Any = None
    time: Any = None
    depth_min_m: float | None = None
    depth_max_m: float | None = None
    link: str = ""
    complement_info: str = ""
    status: str | None = None
    is_unclassified: bool = False  # in so many words: an update takes the label away
    taxon_key: str | None = None
    taxon_text: str | None = None
    taxon_lineage: str | None = None
    person_name: str | None = None
    person_email: str | None = None
    annotated_at: datetime | None = None
    numbers: list[float] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    parents: dict[str, Any] = field(default_factory=dict)
    image_rank: int | None = None
    image_name: str = ""


class RowReader:
    """Reads the rows of one table; what is wrong with a row goes to `fault` as a sentence."""

    def __init__(self, columns: TableColumns, n_numbers: int, n_texts: int, fault: Callable[[str], None]) -> None:
        self.columns, self.n_numbers, self.n_texts, self.fault = columns, n_numbers, n_texts, fault
        self._known_parents: set[tuple[str, ...]] = set()

    def read(self, item: Item) -> Row:
        """The row's values; where some were faulty it is returned all the same, and must not be kept."""
        self.cells = item.cells
        row = Row()
        row.image_name = self.text("img_file_name")
        row.image_rank = self.parsed(values.parse_rank, "img_rank")
        self._read_names(row)
        self._read_head(row)
        self._read_annotation(row)
        self._read_free(row)
        self._read_parents(row)
        return row

    def text(self, header: str) -> str:
        index = self.columns.predefined.get(header)
        return self.cells[index].strip() if index is not None and index < len(self.cells) else ""

    def parsed(self, parse: Callable[[str, str], Any], header: str) -> Any:
        text = self.text(header)
        if not text:
            return None
        try:
            return parse(text, header)
        except BadValue as error:
            self.fault(str(error))
            return None

    def _read_names(self, row: Row) -> None:
        row.object_orig_id = self._name("object_id")
        row.sample_orig_id = self._name("sample_id")
        row.acquisition_orig_id = self._name("acq_id")
        row.process_orig_id = self._name("process_id")
        if not row.object_orig_id and "object_id" in self.columns.predefined:
            self.fault("Missing object_id.")
        if not row.image_name and "img_file_name" in self.columns.predefined:
            self.fault("Missing img_file_name: every row needs an image.")

    def _name(self, header: str) -> str:
        text = self.text(header)
        if len(text) > LONGEST_NAME_BYTES // 4 and len(text.encode()) > LONGEST_NAME_BYTES:
            self.fault(f"'{header}' has {len(text.encode()):,} bytes, more than {LONGEST_NAME_BYTES:,}. Shorten it.")
        return text

    def _read_head(self, row: Row) -> None:
        row.latitude = self.parsed(values.parse_latitude, "object_lat")
        row.longitude = self.parsed(values.parse_longitude, "object_lon")
        row.date = self.parsed(values.parse_date, "object_date")
        row.time = self.parsed(values.parse_time, "object_time")
        row.depth_min_m = self.parsed(values.parse_float, "object_depth_min")
        row.depth_max_m = self.parsed(values.parse_float, "object_depth_max")
        row.link = self.text("object_link")
        row.complement_info = self.text("complement_info")

    def _read_annotation(self, row: Row) -> None:
        """EcoTaxa's rules: a status and a category come together; a prediction keeps neither person nor date."""
        status = self.parsed(values.parse_status, "object_annotation_status")
        taxon_id = self.parsed(values.parse_taxon_id, "object_annotation_category_id")
        text = self._name("object_annotation_category")
        day = self.parsed(values.parse_date, "object_annotation_date")
        clock = self.parsed(values.parse_time, "object_annotation_time")
        category = text if taxon_id is None else str(taxon_id)
        said = self.text("object_annotation_status")
        if category and not said:
            self.fault(f"When a category ({category}) is provided it has to be with a status.")
        row.is_unclassified = status == "U"
        if row.is_unclassified and category:
            self.fault(f"An unclassified object has no category ({category}): leave one of the two out.")
        if status in ("V", "P", "D") and not category:
            self.fault(f"When a status ({said}) is provided it has to be with a category.")
        if status in (values.DROPPED, "U", None) or not category:
            return
        row.status = status
        row.taxon_key = text.lower() if taxon_id is None else f"#{taxon_id}"
        row.taxon_text = text or None
        row.taxon_lineage = self.text("object_annotation_hierarchy") or None
        if status != "P":
            row.person_email = self.text("object_annotation_person_email") or None
            # Whoever is known by an address alone is asked about under that: the label is nobody else's.
            row.person_name = self.text("object_annotation_person_name") or row.person_email
            row.annotated_at = datetime.combine(day, clock or time(), UTC) if day else None

    def _read_free(self, row: Row) -> None:
        cells, n_cells = self.cells, len(self.cells)
        numbers: list[float] = [math.nan] * self.n_numbers
        for index, position, header in self.columns.numbers:
            text = cells[index] if index < n_cells else ""
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            # The quick way is for plain numbers; what is missing or wrong is looked at closely.
            numbers[position] = value if math.isfinite(value) else self._number(text, header)
        texts: list[str | None] = [None] * self.n_texts
        for index, position in self.columns.texts:
            texts[position] = (cells[index].strip() or None) if index < n_cells else None
        row.numbers, row.texts = numbers, texts

    def _number(self, text: str, header: str) -> float:
        try:
            value = values.parse_float(text, header)
        except BadValue as error:
            self.fault(str(error))
            value = None
        return math.nan if value is None else value

    def _read_parents(self, row: Row) -> None:
        """The values of sample, acquisition and process, once for each in this reader's life."""
        names = (row.sample_orig_id, row.acquisition_orig_id, row.process_orig_id)
        if names in self._known_parents:
            return
        self._known_parents.add(names)
        row.parents = {level: self._fields(level) for level in ("sample", "acquisition", "process")}
        row.parents["dataportal_descriptor"] = self.text("sample_dataportal_descriptor")
        row.parents["instrument"] = self.text("acq_instrument")

    def _fields(self, level: str) -> dict[str, str]:
        cells = self.cells
        found = {
            column.name: cells[column.index].strip()
            for column in self.columns.parents[level]
            if column.index < len(cells)
        }
        return {name: text for name, text in found.items() if text}


def copy_line(import_id: int, number: int, item: Item, row: Row, hash: bytes) -> str:
    """One line of COPY's text format, in the order of the table's columns."""
    sun = sun_position(row.latitude, row.longitude, row.date, row.time)
    cells = [
        str(import_id),
        str(number),
        str(item.file),
        str(item.line),
        _text(row.object_orig_id),
        _text(row.sample_orig_id),
        _text(row.acquisition_orig_id),
        _text(row.process_orig_id),
        _plain(row.latitude),
        _plain(row.longitude),
        _plain(row.date),
        _plain(row.time),
        _plain(row.depth_min_m),
        _plain(row.depth_max_m),
        sun,
        _text(row.link),
        _text(row.complement_info),
        _plain(row.status),
        _text(row.taxon_key),
        _text(row.taxon_text),
        _text(row.taxon_lineage),
        _text(row.person_name),
        _text(row.person_email),
        _plain(row.annotated_at),
        "{" + ",".join(map(repr, row.numbers)) + "}",
        _text("{" + ",".join(map(_element, row.texts)) + "}"),
        _text(dumps(row.parents)) if row.parents else NULL,
        "\\\\x" + hash.hex(),
        _plain(row.image_rank),
        _text(row.image_name),
    ]
    return "\t".join(cells) + "\n"


def _text(value: str | None) -> str:
    return NULL if value is None else value.translate(ESCAPED)


def _plain(value: Any) -> str:
    return NULL if value is None else str(value)


def _element(value: str | None) -> str:
    if value is None:
        return "NULL"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
