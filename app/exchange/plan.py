"""Looks at a source before anything is read in: what kind it is, its tables and columns, and its rows in order."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from app.errors import Refused
from app.exchange import tables
from app.exchange.report import Fault, ImportOptions
from app.exchange.settling import is_unsettled
from app.exchange.sources import (
    Entry,
    FolderSource,
    Locator,
    SomeFiles,
    Source,
    TarSource,
    Unreadable,
    ZipSource,
    fingerprint,
    inside,
)
from app.exchange.tables import FreeColumn, Table
from app.nouns import counted

MEASURES = ("area", "esd", "major", "minor", "mean", "std")
HIDDEN = {"__MACOSX", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN"}
NESTED = "images.zip"
ARCHIVES = (".zip", ".tar")
UNFINISHED = (".part", ".filepart", ".tmp", ".crdownload")
MOST_REPLACED = 100
ASKED_AT_ONCE = 20_000
# Those of the images of these names that the project has from a watched folder, with the sizes of their files.
Known = Callable[[list[str]], dict[str, int]]


class Item(NamedTuple):
    """One row of a table, or one image of a folder; `found` is where its file is, or why it is not."""

    file: int
    line: int
    cells: list[str]
    found: Locator | Unreadable | None


@dataclass(frozen=True)
class TableColumns:
    """Where a table's columns go; all that a worker needs to know of it."""

    name: str
    predefined: dict[str, int]
    numbers: list[tuple[int, int, str]]
    texts: list[tuple[int, int]]
    parents: dict[str, list[FreeColumn]]
    n_columns: int


@dataclass
class Plan:
    """A source that was looked at. Keep it while its rows are read: it holds unpacked inner archives."""

    parts: list[Source]
    tables: list[Table] = field(default_factory=list)
    table_parts: list[int] = field(default_factory=list)
    columns: list[TableColumns] = field(default_factory=list)
    number_names: list[str] = field(default_factory=list)
    text_names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fingerprint: str = ""
    n_expected: int = 0
    scratch: tempfile.TemporaryDirectory | None = None
    under: str = ""
    n_known: int = 0
    is_update: bool = False

    @property
    def is_bundle(self) -> bool:
        return bool(self.tables)

    @property
    def faults(self) -> list[Fault]:
        return [fault for table in self.tables for fault in table.faults]

    def file_names(self) -> list[str]:
        return [table.name for table in self.tables]

    def items(self) -> Iterator[Item]:
        """Every row of the source, always in the same order."""
        return self._rows() if self.is_bundle else self._images()

    def _rows(self) -> Iterator[Item]:
        for index, table in enumerate(self.tables):
            if not table.predefined:
                continue
            part = self.parts[self.table_parts[index]]
            name_at = table.predefined.get("img_file_name")
            for line, cells in tables.rows(table):
                name = cells[name_at].strip() if name_at is not None and name_at < len(cells) else ""
                yield Item(index, line, cells, _find(part, table.folder, name))

    def _images(self) -> Iterator[Item]:
        part = self.parts[0]
        for entry in part.entries():
            if not _is_hidden(entry.path):
                yield Item(0, 0, [_named(self.under, entry.path)], _find(part, "", entry.path))

    def close(self) -> None:
        if self.scratch is not None:
            self.scratch.cleanup()


def make_plan(source: Path, options: ImportOptions, field_types: dict[str, str], known: Known) -> Plan:
    """Look at a source whole. `field_types` are those of the project's free columns of objects, which stay.

    Of a watched folder, the images that are `known` are left out.
    """
    plan = Plan([open_source(source, flat=options.flat)], under=options.under, is_update=bool(options.update))
    try:
        _find_tables(plan)
        if plan.is_bundle:
            _plan_tables(plan, options, field_types)
        elif options.update:
            raise Refused(f"{source} holds no EcoTaxa table (ecotaxa*.tsv or .txt) to update from.")
        else:
            plan.number_names = list(MEASURES)
            if options.watched:
                _leave_out_known(plan, options, known)
            plan.n_expected = _count_images(plan, options)
            if not plan.n_expected and not plan.n_known:
                raise Refused(f"{source} holds neither images nor an EcoTaxa table (ecotaxa*.tsv or .txt).")
        plan.fingerprint = fingerprint(plan.parts, [table.digest for table in plan.tables])
    except BaseException:
        plan.close()
        raise
    return plan


def _count_images(plan: Plan, options: ImportOptions) -> int:
    """All of them; that some lie in too few folders to have a sample is noted."""
    needed = 2 if options.taxa_from_folders else 1
    n_images = n_without = 0
    for entry in plan.parts[0].entries(ordered=False):
        if not _is_hidden(entry.path):
            n_images += 1
            n_without += entry.path.count("/") < needed
    if options.samples_from_folders and n_without:
        those = counted(n_without, "file gets no sample", "files get no sample")
        why = "the innermost folder names the taxon, and none is around it" if needed == 2 else "no folder is around"
        plan.notes.append(f"{those}: {why}")
    return n_images


def _leave_out_known(plan: Plan, options: ImportOptions, known: Known) -> None:
    """What was imported before is not read again; that a file was replaced since is told."""
    part, there, replaced = plan.parts[0], set(), []
    unsettled = set(options.unsettled)
    entries = (entry for entry in part.entries(ordered=False) if not is_unsettled(entry, options.until, unsettled))
    while some := {_named(options.under, entry.path): entry for entry in islice(entries, ASKED_AT_ONCE)}:
        sizes = known(list(some))
        there |= sizes.keys()
        replaced += [some[name].path for name, n_bytes in sizes.items() if n_bytes != some[name].n_bytes]
    plan.n_known = len(there)
    plan.notes += [
        f"{path} is no longer the file that was imported under this name: the project keeps the former one"
        for path in sorted(replaced)[:MOST_REPLACED]
    ]
    if not isinstance(part, SomeFiles):
        plan.parts[0] = SomeFiles(
            part, lambda entry: _is_left_out(entry, options, there) or is_unsettled(entry, options.until, unsettled)
        )


def _is_left_out(entry: Entry, options: ImportOptions, known: set[str]) -> bool:
    is_archive = options.flat and entry.path.lower().endswith(ARCHIVES)
    return is_archive or entry.path.lower().endswith(UNFINISHED) or _named(options.under, entry.path) in known


def _named(under: str, path: str) -> str:
    """An image's name in the project: its path, below the watched folder's where it came from one."""
    whole = f"{under}/{path}" if under else path
    return os.fsencode(whole).decode("utf-8", "replace")


def open_source(source: Path, flat: bool = False) -> Source:
    """The folder or the archive at a path; of a flat one only the files in the folder itself."""
    if source.is_dir():
        return FolderSource(source, flat=flat)
    if source.is_file() and tables.TABLE_NAME.fullmatch(source.name):
        return SomeFiles(FolderSource(source.parent, flat=True), lambda entry: entry.path != source.name)
    if not source.exists():
        raise Refused(f"There is no {source}: name a folder or a zip archive.")
    return TarSource(source) if source.suffix.lower() == ".tar" else ZipSource(source)


def _find_tables(plan: Plan) -> None:
    """EcoTaxa's tables wherever they stand, also in inner archives named ...Images.zip, as UVP6 makes them."""
    for entry in plan.parts[0].entries(ordered=False):
        if entry.path.lower().endswith(NESTED) and not _is_hidden(entry.path):
            plan.parts.append(_open_nested(plan, entry.path))
    found = []
    for index, part in enumerate(plan.parts):
        for entry in part.entries(ordered=False):
            if tables.TABLE_NAME.fullmatch(os.path.basename(entry.path)) and not _is_hidden(entry.path):  # noqa: PTH119
                found.append((index, entry.path))
    for index, path in sorted(found):
        part = plan.parts[index]
        name = f"{part.name}/{path}" if part.name else path
        opener = lambda part=part, path=path: part.open(path)  # noqa: E731
        plan.tables.append(Table(name, path.rpartition("/")[0], opener, is_update=plan.is_update))
        plan.table_parts.append(index)


def _open_nested(plan: Plan, path: str) -> ZipSource:
    outer = plan.parts[0]
    if isinstance(outer, FolderSource):
        return ZipSource(Path(outer.locate(path)), path)
    plan.scratch = plan.scratch or tempfile.TemporaryDirectory(prefix="shoal-import-")
    place = Path(plan.scratch.name) / f"{len(plan.parts)}.zip"
    with outer.open(path) as packed, place.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
    return ZipSource(place, path)


def _plan_tables(plan: Plan, options: ImportOptions, field_types: dict[str, str]) -> None:
    if options.taxa_from_folders or options.samples_from_folders:
        plan.notes.append("This is an EcoTaxa bundle: its tables name taxa and samples, not its folders")
    types = dict(field_types)
    for table in plan.tables:
        _scan(table)
        plan.n_expected += max(0, table.n_lines - 3)
        plan.notes += table.notes
        for column in table.free:
            if column.level != "object":
                continue
            names = plan.number_names if types.setdefault(column.name, column.type) == "number" else plan.text_names
            if column.name not in names:
                names.append(column.name)
            if types[column.name] != column.type:
                plan.notes.append(f"{table.name}: column '{column.header}' is read as {types[column.name]}, as before")
    plan.columns = [_columns(plan, table) for table in plan.tables]


def _scan(table: Table) -> None:
    try:
        tables.scan(table)
    except Unreadable as error:
        table.fault(0, f"This table cannot be read: {error}.")
    except Exception as error:  # a damaged archive raises zlib.error, BadZipFile, EOFError, ...
        table.fault(0, f"This table is damaged ({error}). Make the archive again.")


def _columns(plan: Plan, table: Table) -> TableColumns:
    numbers, texts = [], []
    at_number = {name: position for position, name in enumerate(plan.number_names)}
    at_text = {name: position for position, name in enumerate(plan.text_names)}
    parents: dict[str, list[FreeColumn]] = {"sample": [], "acquisition": [], "process": []}
    for column in table.free:
        if column.level != "object":
            parents[column.level].append(column)
        elif column.name in at_number:
            numbers.append((column.index, at_number[column.name], column.header))
        else:
            texts.append((column.index, at_text[column.name]))
    return TableColumns(table.name, table.predefined, numbers, texts, parents, table.n_columns)


def _find(part: Source, folder: str, name: str) -> Locator | Unreadable | None:
    if not name:
        return None
    try:
        return part.locate(inside(folder, name))
    except Unreadable as error:
        return error


def _is_hidden(path: str) -> bool:
    return any(step.startswith(".") or step in HIDDEN for step in path.split("/"))
