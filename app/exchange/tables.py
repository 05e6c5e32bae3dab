"""Reads EcoTaxa tables: encoding, header, types, and rows with the line that each stands on."""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.exchange.report import Fault

BLOCK_BYTES = 1 << 20
# Longer than any text that a person writes; a quote that is never closed swallows the rest of the table.
LARGEST_CELL = 1 << 20
TABLE_NAME = re.compile(r"ecotaxa.*\.(txt|tsv)", re.IGNORECASE)
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

LEVELS = {"object": "object", "sample": "sample", "acq": "acquisition", "process": "process"}
PREDEFINED = {
    "img_file_name",
    "img_rank",
    "object_id",
    "object_link",
    "object_lat",
    "object_lon",
    "object_date",
    "object_time",
    "object_depth_min",
    "object_depth_max",
    "object_annotation_category",
    "object_annotation_category_id",
    "object_annotation_hierarchy",
    "object_annotation_date",
    "object_annotation_time",
    "object_annotation_person_name",
    "object_annotation_person_email",
    "object_annotation_status",
    "complement_info",
    "sample_id",
    "sample_dataportal_descriptor",
    "acq_id",
    "acq_instrument",
    "process_id",
}

csv.field_size_limit(LARGEST_CELL)


@dataclass(frozen=True)
class FreeColumn:
    """A column that the project does not know by itself."""

    index: int
    level: str
    name: str
    header: str
    type: str


@dataclass
class Table:
    """One table of a bundle: how to open it, what its columns are, and what is wrong with its head."""

    name: str
    folder: str
    open: Callable[[], BinaryIO]
    encoding: str = "utf-8"
    n_lines: int = 0
    digest: str = ""
    n_columns: int = 0
    predefined: dict[str, int] = field(default_factory=dict)
    free: list[FreeColumn] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_update: bool = False  # of objects that are there: no row needs an image

    def fault(self, line: int, message: str) -> None:
        self.faults.append(Fault(self.name, line, message))


def scan(table: Table) -> None:
    """Read a table's bytes once: its digest, its encoding, and whether it is text at all; then its two head lines."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, zeros_at, is_utf8, head = 1, 0, True, b""
    with table.open() as file:
        while block := file.read(BLOCK_BYTES):
            head = head or block[:4]
            digest.update(block)
            if not zeros_at and b"\0" in block:
                zeros_at = line + block[: block.index(b"\0")].count(b"\n")
            is_utf8 = is_utf8 and _decodes(decoder, block)
            line += block.count(b"\n")
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    table.digest, table.n_lines = digest.hexdigest(), line
    # UTF-8 where it is; else the encoding of EcoTaxa's older tools, in which every byte is a letter.
    table.encoding = "utf-8-sig" if is_utf8 else "latin-1"
    if head[:2] in UTF16:
        table.fault(0, "This table is UTF-16. Save it as tab-separated text in UTF-8, not as CSV, which has commas.")
    elif zeros_at:
        table.fault(zeros_at, "There is a NUL byte in this line: the table is damaged, or is no text. Save it again.")
    else:
        _read_head(table)


def rows(table: Table) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that has any; a table that breaks off adds a fault and ends there."""
    with _reading(table) as reader:
        _next_filled(reader)
        _next_filled(reader)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                table.fault(line, f"This row cannot be read ({error}): is a quotation mark never closed?")
                return
            if any(cell and not cell.isspace() for cell in cells):
                yield line, cells


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _reading(table: Table) -> Iterator[Any]:
    """A csv reader over the table's text."""
    with (
        table.open() as file,
        io.TextIOWrapper(file, encoding=table.encoding, errors="replace", newline="") as text,
    ):
        yield csv.reader(text, delimiter="\t", quotechar='"')


def _next_filled(reader: Any) -> list[str]:
    """The next line that is not blank; empty at the end of the table."""
    return next((cells for cells in reader if cells), [])


def _read_head(table: Table) -> None:
    try:
        with _reading(table) as reader:
            headers = [cell.strip().lower() for cell in _next_filled(reader)]
            types = [cell.strip().lower() for cell in _next_filled(reader)]
    except csv.Error as error:
        table.fault(1, f"The header cannot be read ({error}).")
        return
    if not headers:
        table.fault(0, "This table is empty. Its first line should name the columns, its second their types.")
        return
    if not any(re.fullmatch(r"\[.*\]", kind) for kind in types):
        table.fault(2, "The second line should give each column's type, [f] for numbers or [t] for texts.")
        types = ["[t]"] * len(headers)  # said once
    _name_columns(table, headers, types + [""] * (len(headers) - len(types)))
    _require(table)


def _name_columns(table: Table, headers: list[str], types: list[str]) -> None:
    """A header that comes twice counts where it stands last, as in EcoTaxa."""
    table.n_columns = len(headers)
    last = {header: index for index, header in enumerate(headers)}
    if len(last) < len(headers):
        twice = sorted({header for header in headers if header and headers.count(header) > 1})
        if twice:
            table.notes.append(f"{table.name}: columns named twice, the last one counts: {', '.join(twice)}")
    for header, index in last.items():
        prefix, _, name = header.partition("_")
        if header in PREDEFINED:
            table.predefined[header] = index
        elif prefix in LEVELS and name:
            table.free.append(_free_column(table, index, header, types[index]))
        elif header:
            table.notes.append(f"{table.name}: column '{header}' is not taken in, its name begins with no known prefix")


def _free_column(table: Table, index: int, header: str, kind: str) -> FreeColumn:
    """EcoTaxa gives types to objects' columns only; those of the other levels are texts."""
    prefix, _, name = header.partition("_")
    if prefix == "object" and kind not in ("[f]", "[t]"):
        table.fault(2, f"Invalid Type '{kind}' for field '{header}'. Write [f] for numbers or [t] for texts.")
    is_number = prefix == "object" and kind == "[f]"
    return FreeColumn(index, LEVELS[prefix], name, header, "number" if is_number else "text")


def _require(table: Table) -> None:
    for header in ("object_id",) if table.is_update else ("img_file_name", "object_id"):
        if header not in table.predefined:
            table.fault(1, f"The column '{header}' is missing: every row needs it.")
    for prefix in ("sample", "acq", "process"):
        others = [header for header in table.predefined if header.startswith(f"{prefix}_")]
        others += [column.header for column in table.free if column.header.startswith(f"{prefix}_")]
        if others and f"{prefix}_id" not in table.predefined:
            listed = ", ".join(sorted(others))
            table.fault(1, f"Field {prefix}_id is mandatory as there are some {prefix} columns: {listed}.")
