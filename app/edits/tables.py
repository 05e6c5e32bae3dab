"""Tables of new values, CSV or TSV: read, matched with the things that their rows name, and kept for a day."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.edits.columns import PREFIXES, EditColumn, check_level, edit_columns, find_column
from app.edits.things import PLURALS
from app.errors import NotFound, Refused
from app.exchange.values import BadValue

MOST_BYTES = 64_000_000
MOST_BODY_BYTES = MOST_BYTES + 1_000_000  # with what a form or JSON puts around it
MOST_ROWS = 1_000_000
MOST_TOLD, MOST_SAID = 50, 10
KEPT = "1 day"
LARGEST_CELL = 1 << 20
LARGEST_ID, LARGEST_TABLE = 2**63, 2**31
NO_TABLE = "This project has no such table of new values. It is kept for a day: bring it again."
ID_HEADERS = {
    "object": ("object_id", "orig_id", "object"),
    "sample": ("sample_id", "orig_id", "sample"),
    "acquisition": ("acq_id", "acquisition_id", "orig_id", "acquisition"),
    "process": ("acq_id", "acquisition_id", "acquisition"),
}
NUMBER_HEADER = "shoal_id"  # Shoal's own number, in place of a name
TYPE = re.compile(r"\[.*\]")  # of the second line of EcoTaxa's tables
SAMPLE_HEADER = "sample_id"  # beside an acquisition's name, which may come twice


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line of a table."""

    line: int
    says: str


@dataclass
class Brought:
    """A table that was taken in: how many of its rows name a thing of the project, what the columns are, and the first
    lines that were left out."""

    id: int = 0
    name: str = ""
    level: str = ""
    columns: list[str] = field(default_factory=list)
    n_rows: int = 0
    n_faults: int = 0
    faults: list[Fault] = field(default_factory=list)

    def fault(self, line: int, says: str) -> None:
        self.n_faults += 1
        if len(self.faults) < MOST_TOLD:
            self.faults.append(Fault(line, says))


@dataclass(frozen=True)
class Head:
    """Which of a table's `width` columns says what: `key` names the thing, by Shoal's own number where `by_number`. Up
    to `last` they have names."""

    width: int
    last: int
    key: int
    by_number: bool
    sample: int | None
    places: list[int]
    columns: list[EditColumn]


def take_in(db: Db, project_id: int, account_id: int | None, level: str, name: str, content: bytes) -> Brought:
    """Keep a table's rows; lines that name nothing here, name it twice or hold impossible values are left out, told."""
    lines = _lines(content)
    head = _head(db, project_id, check_level(level), lines)
    row: Any = db.execute(
        """
        insert into edit_table (project_id, account_id, name, level, columns)
        values (%s, %s, %s, %s, %s)
        returning id
        """,
        [project_id, account_id, name[:200] or "table", level, [column.name for column in head.columns]],
    ).fetchone()
    told = Brought(row.id, name[:200] or "table", level, [column.key for column in head.columns])
    _write(db, project_id, told, head, lines)
    if not told.n_rows:
        raise Refused(f"Nothing of this table can be taken in: {_why_nothing(told)}", status=422)
    faults = {"n": told.n_faults, "told": [[one.line, one.says] for one in told.faults]}
    db.execute("update edit_table set n_rows = %s, faults = %s where id = %s", [told.n_rows, Jsonb(faults), told.id])
    return told


def _why_nothing(told: Brought) -> str:
    if not told.faults:
        return "it has no rows."
    lines = [f"line {one.line}: {one.says}" for one in told.faults[:MOST_SAID]]
    more = told.n_faults - len(lines)
    return " ".join(lines) + (f" And {more:,} line{'s' if more > 1 else ''} more." if more else "")


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row with any; the separator is the one that the first line has most of."""
    if len(content) > MOST_BYTES:
        raise Refused(f"The table has over {MOST_BYTES // 1_000_000} MB: bring it in parts.", status=413)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise Refused("The table holds NUL bytes: save it as text in UTF-8, as CSV or TSV.", status=422)
    first = text.split("\n", 1)[0]
    separator = max("\t;,", key=first.count)
    return _rows(text, separator)


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refused(
            f"Line {line} of the table cannot be read ({error}): is a quotation mark never closed?", status=422
        ) from error


def _head(db: Db, project_id: int, level: str, lines: Iterator[tuple[int, list[str]]]) -> Head:
    _, cells = next(lines, (0, []))
    headers = [cell.strip() for cell in cells]
    lower = [header.lower() for header in headers]
    if not any(lower):
        raise Refused("The table is empty: its first line names the columns.", status=422)
    named = next((header for header in (NUMBER_HEADER, *ID_HEADERS[level]) if header in lower), None)
    if named is None:
        raise Refused(
            f"The table has no column that says which {level} a row is of: name one {ID_HEADERS[level][0]}"
            f" (or {NUMBER_HEADER}, for Shoal's own numbers).",
            status=422,
        )
    is_sample = level in ("acquisition", "process") and SAMPLE_HEADER in lower
    sample = lower.index(SAMPLE_HEADER) if is_sample else None
    keys = {lower.index(named), *([sample] if sample is not None else [])}
    known = edit_columns(db, project_id, level)
    places = [place for place, header in enumerate(headers) if place not in keys and header]
    if not places:
        raise Refused("The table has no column beside the one that names its rows: there is nothing to change.", 422)
    columns = [_named(known, level, headers[place]) for place in places]
    if twice := {column.key for column in columns if columns.count(column) > 1}:
        raise Refused(f"The table has the column {sorted(twice)[0]} twice.", status=422)
    last = max([*keys, *places])
    return Head(len(headers), last, lower.index(named), named == NUMBER_HEADER, sample, places, columns)


def _named(known: Sequence[EditColumn], level: str, header: str) -> EditColumn:
    """Refused with a hint where a header is one of another level."""
    prefix = header.replace(".", "_").partition("_")[0].lower()
    if PREFIXES.get(prefix, level) != level and header not in {column.name for column in known}:
        raise Refused(
            f"The column “{header}” is one of {PLURALS[PREFIXES[prefix]]}, and the rows of this table are"
            f" {PLURALS[level]}: take it out, and bring it in a table of its own.",
            status=422,
        )
    return find_column(known, level, header)


def _write(db: Db, project_id: int, told: Brought, head: Head, lines: Iterator[tuple[int, list[str]]]) -> None:
    """Through a table of its own, since names are matched in one statement."""
    db.execute(
        """
        create temp table brought_row (line int, name text, sample_name text, cells text[]) on commit drop
        """
    )
    n = 0
    with db.cursor() as cursor, cursor.copy("copy brought_row from stdin") as copy:
        for line, cells in lines:
            if line == 2 and all(TYPE.fullmatch(cell.strip()) for cell in cells if cell.strip()):
                continue
            read = _cells(told, head, line, cells)
            if read is not None:
                copy.write_row((line, *read))
                n += 1
            if n > MOST_ROWS:
                raise Refused(f"The table has over {MOST_ROWS:,} rows: bring it in parts.", status=422)
    db.execute("analyze brought_row")
    _match(db, project_id, told, head.by_number)
    db.execute("drop table brought_row")


def _cells(told: Brought, head: Head, line: int, cells: list[str]) -> tuple[str, str | None, list[str | None]] | None:
    """What names the row's thing, and its values; None where the row is at fault."""
    if len(cells) <= head.last or any(cell.strip() for cell in cells[head.width :]):
        n = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
        told.fault(line, f"it has {n}, and the first line has {head.width}.")
        return None
    name = cells[head.key].strip()
    if not name:
        told.fault(line, f"it does not say which {told.level} it is of.")
        return None
    if head.by_number and not (name.isascii() and name.isdigit() and int(name) < LARGEST_ID):
        told.fault(line, f"“{name[:40]}” is no number of a {told.level}.")
        return None
    try:
        values = [column.read(cells[place]) for place, column in zip(head.places, head.columns, strict=True)]
    except BadValue as bad:
        told.fault(line, str(bad))
        return None
    sample = cells[head.sample].strip() if head.sample is not None else None
    return name, sample, values


# The things of each level under the name that tables call them by.
_NAMED = {
    "object": "select id, orig_id as name, null::text as sample_name from object where project_id = %(project_id)s",
    "sample": "select id, orig_id as name, null::text as sample_name from sample where project_id = %(project_id)s",
    "acquisition": """
        select acquisition.id, acquisition.orig_id as name, sample.orig_id as sample_name
          from acquisition
          join sample on sample.id = acquisition.sample_id
         where acquisition.project_id = %(project_id)s""",
    "process": """
        select process.acquisition_id as id, acquisition.orig_id as name, sample.orig_id as sample_name
          from process
          join acquisition on acquisition.id = process.acquisition_id
          join sample on sample.id = acquisition.sample_id
         where process.project_id = %(project_id)s""",
}


def _match(db: Db, project_id: int, told: Brought, by_number: bool) -> None:
    """Keep the rows that name one thing, each thing by its first row; tell the others."""
    same = "thing.id = brought_row.name::bigint" if by_number else "thing.name = brought_row.name"
    rows = db.execute(
        f"""
        with thing as ({_NAMED[told.level]}),
        found as (
            select brought_row.line, min(brought_row.name) as name, min(thing.id) as id, count(thing.id) as n
              from brought_row
              left join thing on {same}
                             and (brought_row.sample_name is null or brought_row.sample_name = thing.sample_name)
             group by brought_row.line
        ),
        numbered as (
            select found.*, row_number() over (partition by id order by line) as nth
              from found
        ),
        kept as (
            insert into edit_row (table_id, thing_id, line, cells)
            select %(table_id)s, id, numbered.line, cells
              from numbered
              join brought_row using (line)
             where n = 1
               and nth = 1
            returning thing_id
        ),
        counted as (
            select count(*) as n_kept from kept
        )
        select line, name, n, nth, n_kept, count(line) over () as n_faults
          from counted
          left join numbered on n <> 1 or nth > 1
         order by line
         limit %(most)s
        """,  # noqa: S608 (constants)
        {"project_id": project_id, "table_id": told.id, "most": MOST_TOLD},
    ).fetchall()
    told.n_rows = rows[0].n_kept
    told.n_faults += rows[0].n_faults
    for row in rows if rows[0].n_faults else []:
        told.faults.append(Fault(row.line, _why(told.level, row)))
    told.faults = sorted(told.faults, key=lambda one: one.line)[:MOST_TOLD]


def _why(level: str, row: Any) -> str:
    name, n = row.name[:60], row.n
    if n == 0:
        return f"this project has no {level} “{name}”."
    if n > 1:
        more = f" beside a column {SAMPLE_HEADER}" if level in ("acquisition", "process") else ""
        return f"{n} {PLURALS[level]} are called “{name}”: name them by a column {NUMBER_HEADER}{more}."
    return f"“{name}” stands in an earlier line too, which counts."


def find_table(db: Db, project_id: int, table_id: int) -> Any:
    row = None
    if 0 < table_id < LARGEST_TABLE:
        row = db.execute(
            "select id, name, level, columns, n_rows, faults from edit_table where project_id = %s and id = %s",
            [project_id, table_id],
        ).fetchone()
    if row is None:
        raise NotFound(NO_TABLE)
    return row


def sweep(db: Db) -> None:
    """Tables that nobody uses any more; what an edit under way reads stays."""
    db.execute(
        f"""
        delete from edit_table
         where created_at < now() - interval '{KEPT}'
           and not exists (select
                             from job
                            where job.project_id = edit_table.project_id
                              and job.kind = 'edit'
                              and job.status in ('queued', 'running'))
        """  # noqa: S608 (constant)
    )
