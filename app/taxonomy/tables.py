"""Reads the tables that lists of taxa are: line by line, by our names of their columns, with what cannot be read told.

What a list calls its columns is looked up in one table.
"""

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any
from xml.etree import ElementTree

from app.errors import Refused

COLUMNS = {  # ours: what lists call it, in lower case and without signs
    "key": ("taxonid", "id", "uid"),
    "parent_key": ("parentnameusageid", "parentid", "parentuid"),
    "instead_key": ("acceptednameusageid", "renameto", "renmid", "useinstead"),
    "name": ("scientificname", "name", "taxon"),
    "author": ("scientificnameauthorship", "authority"),
    "parent": ("parent", "parentname"),
    "lineage": ("lineage", "higherclassification"),
    "type": ("taxotype", "type"),
    "status": ("taxostatus", "status", "taxonomicstatus"),
    "rank": ("taxonrank", "rank"),
    "aphia": ("aphiaid", "scientificnameid"),
    "ecotaxa": ("ecotaxaid",),
    "synonyms": ("synonyms", "synonym"),
    "commons": ("commonnames", "commonname", "vernacularname"),
    "language": ("language",),
}
# As people are told: what a CSV may say of each taxon.
CSV_COLUMNS = {
    "name": "what it is called; the only one that is needed",
    "parent": "the name of the one above it, or “name < its parent” where several are called so",
    "lineage": "instead of the parent: all above it from the root down, with “>” or “|” between them",
    "type": "P (phylogenetic) or M (morphological)",
    "status": "A (accepted), N (new) or D (deprecated)",
    "use_instead": "of a deprecated one: which to use",
    "rank": "such as genus",
    "aphia_id": "WoRMS' number",
    "ecotaxa_id": "EcoTaxa's number",
    "synonyms": "with “|” between them",
    "common_names": "with “|” between them",
    "language": "of the common names, such as fr",
}
MOST_LINES = 100  # of a cell in quotes
UNCLOSED = "a quote that it opens is not closed where its cell ends: close it, or write quotes within a cell twice"
LONGER = "write a cell that holds the sign between cells in quotes, or name the columns that lack a name"
STRANGE = "it holds a sign that is no text (NUL, or half of a sign): save the table anew as UTF-8"
STRANGE_SIGNS = re.compile("[\0\ud800-\udfff]")
# The line in the file, what it says by our names of columns (`fault`: that it cannot be read), and theirs.
Line = tuple[int, dict[str, str], set[str]]


def plain_name(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.rsplit("/", 1)[-1].lower())


OURS = {theirs: ours for ours, names in COLUMNS.items() for theirs in names}


def columns_of(part: ElementTree.Element) -> list[str]:
    places: dict[int, str] = {}
    for one in part:
        index = one.get("index")
        if index is not None:
            places[int(index)] = plain_name(one.get("term") or "taxonid")
    return [places.get(k, "") for k in range(max(places, default=-1) + 1)]


def table(file: Any, terms: list[str] | None = None, plain: bool = False) -> Iterator[Line]:
    """Lines of a table by our names of columns; commas, semicolons or tabs, as its first line has most of."""
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        yield from _lines(text, terms, plain)


def _lines(text: Any, terms: list[str] | None, plain: bool) -> Iterator[Line]:
    head = text.readline()
    sign = max("\t,;", key=head.count)
    quoting = csv.QUOTE_NONE if sign == "\t" and '"' not in head else csv.QUOTE_MINIMAL
    theirs = next(csv.reader([head], delimiter=sign), [])
    names = [name.strip().lower() for name in theirs] if plain else [plain_name(name) for name in theirs]
    if terms and len(terms) >= len(names):
        names = terms
    ours = [name if plain else OURS.get(name, "") for name in names]
    for number, cells in _records(text, None if plain else _place_of("name", ours), delimiter=sign, quoting=quoting):
        if cells is None and plain:
            raise csv.Error(f"line {number}: {UNCLOSED}")
        yield number, {"name": "", "fault": UNCLOSED} if cells is None else _told(ours, cells), set(names)


def _place_of(name: str, names: list[str]) -> int | None:
    return names.index(name) if name in names else None


def _told(ours: list[str], cells: list[str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, cell in zip(ours, cells, strict=False):
        if name and not told.get(name):
            told[name] = cell.strip()
    if any(cells[len(ours) :]):
        told["fault"] = f"it has {len(cells)} cells, and the first line names {len(ours)}: {LONGER}"
    return checked(told)


def _records(text: Iterator[str], name_place: int | None, **dialect: Any) -> Iterator[tuple[int, list[str] | None]]:
    """Each record's first line and its cells. A quote may hold lines, but no name does: None for the first line of what
    cannot be read so, and reading goes on with the next line, which may be whole."""
    ahead: deque[str] = deque()
    number = 1
    while ahead or (line := next(text, None)) is not None:
        if not ahead:
            ahead.append(line)
        cells, n_lines = _record(ahead, text, dialect)
        number += 1
        if cells and n_lines > 1 and name_place is not None and "\n" in "".join(cells[name_place : name_place + 1]):
            cells = None
        if cells is None or any(cells):
            yield number, cells
        for _ in range(1 if cells is None else n_lines):
            ahead.popleft()
        number += n_lines - 1 if cells is not None else 0


def _record(ahead: deque[str], text: Iterator[str], dialect: dict[str, Any]) -> tuple[list[str] | None, int]:
    """The cells of the record that begins with the first line that was read ahead, and of how many lines it is."""
    for n_lines in range(1, MOST_LINES + 1):
        if n_lines > len(ahead):
            line = next(text, None)
            if line is None:
                break
            ahead.append(line)
        try:
            return next(csv.reader(["".join(islice(ahead, n_lines))], strict=True, **dialect), []), n_lines
        except csv.Error as error:
            if str(error) != "unexpected end of data":
                break
    return None, 1


def checked(told: dict[str, str]) -> dict[str, str]:
    """The same, or what is wrong with it where the database could not keep it."""
    return {"name": "", "fault": STRANGE} if STRANGE_SIGNS.search("".join(told.values())) else told


def objects(file: Any, name: str) -> Iterator[Line]:
    """Taxa as EcoTaxa's API tells them."""
    try:
        found = json.load(file)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise Refused(f"{name} is no JSON: {error}.", status=422) from error
    for number, one in enumerate(found if isinstance(found, list) else [], 1):
        if not isinstance(one, dict):
            raise Refused(f"{name}, taxon {number}: it is no object with a name.", status=422)
        single = {key: value for key, value in one.items() if not isinstance(value, list)}
        told = {OURS.get(plain_name(key), ""): _text(value) for key, value in single.items()}
        above = one.get("id_lineage")
        if isinstance(above, list) and not told.get("parent_key"):
            told["parent_key"] = str(above[1]) if len(above) > 1 else ""
        yield number, checked(told), {plain_name(key) for key in one}


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
