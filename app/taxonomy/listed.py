"""Reads lists of taxa: EcoTaxa's, Darwin Core taxon files and archives as WoRMS gives them, CSV, and our portable list.

All give the same rows, a line at a time: what a list calls its columns is looked up in one table.
"""

import csv
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

from app.errors import Refused
from app.taxonomy.names import normalised
from app.taxonomy.queries import LONGEST_NAME
from app.taxonomy.tables import Line, columns_of, objects, table

LARGEST_ID = 2**31
MOST_BYTES = 4_000_000_000  # of a table within an archive
APHIA = re.compile(r"(?:^|taxname:)(\d+)$")
TYPES = {"p": "P", "phylogenetic": "P", "phylo": "P", "m": "M", "morphological": "M", "morpho": "M"}
STATUSES = {
    "a": "A", "accepted": "A", "valid": "A", "n": "N", "new": "N", "d": "D", "deprecated": "D", "deleted": "D",
}  # fmt: skip


@dataclass
class Row:
    """A taxon of a list, `line` in its file; `fault` says what is wrong with it. `names`: kind, name and language."""

    line: int
    key: str = ""
    parent_key: str | None = None
    name: str = ""
    type: str = "P"
    status: str = "A"
    rank: str = ""
    aphia_id: int | None = None
    ecotaxa_id: int | None = None
    uid: str | None = None
    instead_key: str | None = None
    is_synonym: bool = False
    fault: str | None = None
    names: list[tuple[str, str, str]] = field(default_factory=list)


class TaxonList:
    """An open list: `kind` is ecotaxa, darwin_core, csv or shoal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.archive = zipfile.ZipFile(path) if zipfile.is_zipfile(path) else None
        if self.archive is None and _begins_as_zip(path):
            raise zipfile.BadZipFile("it is a zip that ends too early")
        self._files = ExitStack()

    @property
    def _members(self) -> dict[str, str]:
        names = self.archive.namelist() if self.archive else []
        return {Path(name).name.lower(): name for name in names}

    def read(self) -> tuple[str, Iterator[Row]]:
        """What kind of list it is, and its rows."""
        if self.archive is None:
            return self._read_table(
                self._files.enter_context(self.path.open("rb")), self.path.suffix.lower() == ".json"
            )
        members = self._members
        if "shoal_taxonomy.json" in members:
            self._check_version(members["shoal_taxonomy.json"])
            return "shoal", _told_rows(table(self._open(members["taxa.csv"])), "shoal")
        for name in ("taxon.txt", "taxon.tsv", "taxon.csv", "taxa.txt", "taxa.tsv", "taxa.csv"):
            if name in members:
                return self._read_table(self._open(members[name]), False, self._terms(members, members[name]))
        raise Refused(
            f"{self.path.name} holds no table of taxa: a Darwin Core archive has taxon.txt in it.", status=422
        )

    def _check_version(self, member: str) -> None:
        with self._open(member) as file:
            version = json.load(file).get("version")
        if version != 1:
            raise Refused(
                f"{self.path.name} was written by a newer Shoal (list version {version}): update this one first.",
                status=422,
            )

    def _open(self, member: str) -> Any:
        assert self.archive is not None  # noqa: S101 - only called where there is one
        if self.archive.getinfo(member).file_size > MOST_BYTES:
            raise Refused(f"{member} in {self.path.name} is larger than any list of taxa: it is not read.", status=422)
        return self._files.enter_context(self.archive.open(member))

    def close(self) -> None:
        self._files.close()
        if self.archive:
            self.archive.close()

    def _terms(self, members: dict[str, str], table: str) -> list[str] | None:
        """The columns of an archive's table, as its meta.xml says; None: its first line does."""
        if "meta.xml" not in members:
            return None
        with self._open(members["meta.xml"]) as file:
            try:
                root = ElementTree.parse(file).getroot()  # noqa: S314 - expat bounds what entities may grow to
            except ElementTree.ParseError as error:
                raise Refused(f"meta.xml in {self.path.name} is no XML: {error}.", status=422) from error
        for part in root:
            places = [one.text or "" for one in part.iter() if one.tag.endswith("}location") or one.tag == "location"]
            if any(Path(place).name == Path(table).name for place in places):
                return columns_of(part)
        return None

    def _read_table(self, file: Any, is_json: bool, terms: list[str] | None = None) -> tuple[str, Iterator[Row]]:
        lines = objects(file, self.path.name) if is_json else table(file, terms)
        first = next(lines, None)
        if first is None:
            raise Refused(f"{self.path.name} holds no taxa: its first line names the columns.", status=422)
        known = set(first[1])
        if "name" not in known:
            raise Refused(
                f"{self.path.name} has no column of names: call it name, or scientificName as Darwin Core does.",
                status=422,
            )
        kind = "darwin_core" if "scientificname" in first[2] else "csv"
        if first[2] & {"taxotype", "taxostatus", "idlineage"}:
            kind = "ecotaxa"
        return kind, _told_rows(_with(first, lines), kind)

    def names(self) -> Iterator[tuple[str, str, str, str]]:
        """Key, kind, name and language of the names that stand in a table of their own."""
        members = self._members
        if "names.csv" in members:
            for _, told, _ in table(self._open(members["names.csv"]), plain=True):
                yield told["uid"], told["kind"], told["name"], told["language"]
        for name in ("vernacularname.txt", "vernacularname.tsv", "vernacularname.csv", "vernacularnames.txt"):
            if name in members:
                for _, told, _ in table(self._open(members[name]), self._terms(members, members[name])):
                    if told.get("key") and told.get("commons"):
                        yield told["key"], "common", told["commons"], told.get("language", "")

    def presets(self) -> Iterator[tuple[str, int, str]]:
        """Project, position and key of the preset taxa of a portable list."""
        members = self._members
        if "presets.csv" in members:
            for _, told, _ in table(self._open(members["presets.csv"]), plain=True):
                yield told["project"], int(told["position"]), told["uid"]


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


@contextmanager
def open_list(path: Path) -> Iterator[TaxonList]:
    try:
        found = TaxonList(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise Refused(f"{path.name} cannot be read: {error}. Send it again.", status=422) from error
    try:
        yield found
    except UnicodeDecodeError as error:
        raise Refused(
            f"{path.name} is not written in UTF-8: save it as UTF-8 (spreadsheets call it “CSV UTF-8”), then send it"
            " again.",
            status=422,
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, csv.Error, KeyError, ValueError) as error:
        raise Refused(f"{path.name} is damaged or no list of taxa: {error}.", status=422) from error
    finally:
        found.close()


def _with(first: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def _told_rows(lines: Iterable[Line], kind: str) -> Iterator[Row]:
    made: dict[str, int] = {}
    for line, told, _ in lines:
        row = _row(line, told, kind)
        yield from _above(row, told, made)
        yield row


def _row(line: int, told: dict[str, str], kind: str) -> Row:
    name = " ".join(told.get("name", "").split())
    author = told.get("author", "")
    if author and name.endswith(f" {author}"):
        name = name.removesuffix(author).strip()
    row = Row(line, told.get("key", ""), told.get("parent_key") or None, name, rank=told.get("rank", "").lower()[:50])
    row.instead_key = told.get("instead_key") or None
    row.fault = told.get("fault") or _fault_of_name(name)
    _read_words(row, told, kind)
    row.aphia_id = _aphia_of(row, told.get("aphia", ""), kind)
    row.ecotaxa_id = _number(row, "EcoTaxa's number", told.get("ecotaxa", ""))
    if kind == "ecotaxa":
        row.ecotaxa_id = _number(row, "the id", row.key)
    if kind == "shoal":
        row.uid = _uid(row)
    if not row.key:
        row.key = row.name.lower()
        row.parent_key = row.parent_key or normalised(told.get("parent", "")).lower() or None
        row.instead_key = normalised(row.instead_key or "").lower() or None
    row.names += [("synonym", one, "") for one in _parts(told.get("synonyms", ""))]
    row.names += [("common", one, told.get("language", "")) for one in _parts(told.get("commons", ""))]
    return row


def _fault_of_name(name: str) -> str | None:
    if not name:
        return "it has no name"
    if len(name) > LONGEST_NAME or "<" in name or not name.isprintable():
        return f"“{name[:60]}” is no name: at most {LONGEST_NAME} characters, without “<”"
    return None


def _read_words(row: Row, told: dict[str, str], kind: str) -> None:
    """Type and status; a Darwin Core synonym is a name of its accepted taxon."""
    type, status = told.get("type", "").lower(), told.get("status", "").lower()
    if type and type not in TYPES and kind != "darwin_core":
        row.fault = row.fault or f"“{type[:40]}” is no type of taxon: P (phylogenetic) or M (morphological)"
    row.type = TYPES.get(type, "P")
    if kind == "darwin_core":
        accepted = row.instead_key is None or row.instead_key == row.key
        row.is_synonym = not accepted
        row.instead_key = None if accepted else row.instead_key
        return
    if status and status not in STATUSES:
        row.fault = row.fault or f"“{status[:40]}” is no status: A (accepted), N (new) or D (deprecated)"
    row.status = STATUSES.get(status, "A")


def _aphia_of(row: Row, text: str, kind: str) -> int | None:
    """Of a Darwin Core list, whose ids may be those of other registries, where it is one of WoRMS."""
    if kind == "darwin_core":
        return _aphia(text) or (_aphia(row.key) if "marinespecies" in row.key else None)
    found = _aphia(text.removesuffix(".0"))
    if text and found is None:
        row.fault = row.fault or f"the AphiaID “{text[:40]}” is no positive whole number"
    return found


def _aphia(text: str) -> int | None:
    found = APHIA.search(text)
    number = int(found[1]) if found and len(found[1]) < 11 else 0
    return number if 0 < number < LARGEST_ID else None


def _number(row: Row, what: str, text: str) -> int | None:
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else 0
    if not 0 < number < LARGEST_ID:
        row.fault = row.fault or f"{what} “{text[:40]}” is no positive whole number"
        return None
    return number


def _uid(row: Row) -> str | None:
    try:
        return str(UUID(row.key))
    except ValueError:
        row.fault = row.fault or f"“{row.key[:40]}” is no identifier of a taxon"
        return None


def _parts(text: str) -> list[str]:
    parts = (" ".join(part.split()) for part in text.split("|"))
    return [part for part in parts if part and _fault_of_name(part) is None]


def _above(row: Row, told: dict[str, str], made: dict[str, int]) -> Iterator[Row]:
    """Of a list that tells a lineage from the root down: those above it, each once, and the row's own place. `made`:
    lines by the names that stand for numbers."""
    if row.fault or told.get("key"):
        return
    if row.parent_key or not told.get("lineage"):
        whole = f"{row.key} < {row.parent_key}"
        if whole in made:
            row.fault = f"the list names it twice, first in line {made[whole]}"
        row.key = whole if row.key in made else row.key
        made.update({row.key: row.line, whole: row.line})
        return
    path = [" ".join(part.split()) for part in re.split(r"[>|]", told["lineage"]) if part.strip()]
    if path and path[-1].lower() == row.name.lower():
        path.pop()
    key = None
    for name in path:
        parent, key = key, f"{key} > {name.lower()}" if key else name.lower()
        if key not in made:
            made[key] = row.line
            yield Row(row.line, key, parent, name, fault=_fault_of_name(name))
    row.parent_key = key
    row.key = f"{key} > {row.name.lower()}" if key else row.name.lower()
    made[row.key] = row.line
