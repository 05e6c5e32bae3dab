"""What a source holds, for the person who decides about it: counts, columns, first rows, and whom it names."""

from itertools import islice
from typing import Any

from app.database import Db
from app.exchange import tables
from app.exchange.near import near_taxa
from app.exchange.plan import Plan

FIRST_ROWS = 5
MOST_TABLES = 100
MOST_COLUMNS = 700
MOST_NAMES = 500
LONGEST_CELL = 60
FIRST_PATHS = 8


def survey(db: Db, project_id: int, import_id: int, plan: Plan) -> dict[str, Any]:
    """Read from what is staged, and from the tables' heads."""
    taxa, n_taxa = _taxa(db, import_id)
    return {
        "counts": _counts(db, project_id, import_id),
        "tables": [
            {"name": table.name, "lines": max(table.n_lines - 3, 0), "encoding": table.encoding}
            for table in plan.tables[:MOST_TABLES]
        ],
        "n_tables": len(plan.tables),
        "columns": _columns(plan),
        "first": _first_rows(plan),
        "taxa": taxa,
        "n_taxa": n_taxa,
        "people": _people(db, import_id),
    }


def _counts(db: Db, project_id: int, import_id: int) -> dict[str, int]:
    row = db.execute(
        """
        select count(*) as images,
               count(distinct object_orig_id) as objects,
               count(distinct sample_orig_id) filter (where sample_orig_id <> '') as samples,
               count(distinct acquisition_orig_id) filter (where acquisition_orig_id <> '') as acquisitions,
               count(distinct object_orig_id) filter (where status = 'V') as validated,
               count(distinct object_orig_id) filter (where status = 'D') as dubious,
               count(distinct object_orig_id) filter (where status = 'P') as predicted
        from staged_row
        where import_id = %s
        """,
        [import_id],
    ).fetchone()
    return dict(row._asdict())


def _columns(plan: Plan) -> list[dict[str, str]]:
    """The columns of all tables, each once: what the importer makes of them."""
    columns: dict[str, dict[str, str]] = {}
    for table in plan.tables:
        for header in table.predefined:
            columns.setdefault(header, {"header": header, "level": "known", "type": ""})
        for column in table.free:
            columns.setdefault(column.header, {"header": column.header, "level": column.level, "type": column.type})
    return list(islice(columns.values(), MOST_COLUMNS))


def _first_rows(plan: Plan) -> dict[str, Any]:
    """The first rows of the first table, or the first files of a folder."""
    if not plan.is_bundle:
        return {"paths": [item.cells[0] for item in islice(plan.items(), FIRST_PATHS)]}
    table = next((table for table in plan.tables if table.predefined), None)
    if table is None:
        return {}
    places = table.predefined | {column.header: column.index for column in table.free}
    headers = sorted(places, key=lambda header: places[header])
    rows = [
        [cells[places[header]][:LONGEST_CELL] if places[header] < len(cells) else "" for header in headers]
        for _, cells in islice(tables.rows(table), FIRST_ROWS)
    ]
    return {"table": table.name, "headers": headers, "rows": rows}


def _taxa(db: Db, import_id: int, among: list[str] | None = None) -> tuple[list[list[Any]], int]:
    """The names of taxa with their numbers of objects, the most frequent first; and how many names there are."""
    rows = db.execute(
        """
        select coalesce(min(taxon_text), ltrim(taxon_key, '#')) as text, count(distinct object_orig_id) as n,
               min(taxon_lineage) as lineage, count(*) over () as n_taxa
        from staged_row
        where import_id = %(import_id)s
          and taxon_key is not null
        group by taxon_key
        having %(among)s::text[] is null
            or coalesce(min(taxon_text), ltrim(taxon_key, '#')) = any(%(among)s)
        order by n desc, text
        limit %(most)s
        """,
        {"import_id": import_id, "among": among, "most": MOST_NAMES},
    ).fetchall()
    return [[row.text, row.n, row.lineage or ""] for row in rows], rows[0].n_taxa if rows else 0


def _people(db: Db, import_id: int) -> list[list[Any]]:
    rows = db.execute(
        """
        select person_name as name, count(distinct object_orig_id) as n, min(person_email) as email
        from staged_row
        where import_id = %s
          and person_name is not null
        group by person_name
        order by n desc, name
        limit %s
        """,
        [import_id, MOST_NAMES],
    ).fetchall()
    return [[row.name, row.n, row.email or ""] for row in rows]


def names_of(db: Db, import_id: int) -> dict[str, Any]:
    """The taxa and the people that a source names."""
    taxa, n_taxa = _taxa(db, import_id)
    return {"taxa": taxa, "n_taxa": n_taxa, "people": _people(db, import_id)}


def add_unknown(db: Db, import_id: int, contents: dict[str, Any], missing: list[str]) -> None:
    """The names of no taxon, the most frequent of them: with their numbers, as they may be rarer than what the survey
    shows, and with taxa that each may mean: id, name and likeness, the likest first."""
    unknown = _taxa(db, import_id, missing)[0] if missing else []
    shown = {text for text, _, _ in contents["taxa"]}
    contents["taxa"] += [taxon for taxon in unknown if taxon[0] not in shown]
    contents["near"] = {
        text: [[taxon.id, taxon.display_name, round(taxon.like, 3)] for taxon in taxa]
        for text, taxa in near_taxa(db, [text for text, _, _ in unknown]).items()
    }
