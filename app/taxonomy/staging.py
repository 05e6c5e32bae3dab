"""Reads a list of taxa into its waiting room in the database, where it is compared."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from app.database import Db
from app.jobs.context import JobContext
from app.taxonomy.listed import Row, TaxonList, open_list

PART_ROWS = 20_000
STAGED = (
    "import_id, number, line, key, parent_key, name, type, status, rank, aphia_id, ecotaxa_id, uid, instead_key, "
    "is_synonym, fault"
)


def stage(db: Db, import_id: int, path: Path, job: JobContext) -> None:
    """Read the file into its waiting room; what a killed job read before goes."""
    for table in ("taxon_staged", "taxon_staged_name", "taxon_staged_preset"):
        db.execute(f"delete from {table} where import_id = %s", [import_id])  # noqa: S608 - constants
    with open_list(path) as found:
        kind, rows = found.read()
        number = 0
        while part := list(islice(rows, PART_ROWS)):
            _stage_rows(db, import_id, number, part)
            number += len(part)
            job.progress(number, None, "taxa", "reading")
        _stage_more(db, import_id, found)
    db.execute("update taxon_import set kind = %s where id = %s", [kind, import_id])
    db.execute("analyze taxon_staged")


def _stage_rows(db: Db, import_id: int, number: int, rows: Iterable[Row]) -> None:
    with db.transaction(), db.cursor() as cursor:
        names = []
        with cursor.copy(f"copy taxon_staged ({STAGED}) from stdin") as copy:
            for number, row in enumerate(rows, number + 1):  # noqa: B020 - counted on
                copy.write_row((
                    import_id, number, row.line, row.key, row.parent_key, row.name, row.type, row.status, row.rank,
                    row.aphia_id, row.ecotaxa_id, row.uid, row.instead_key, row.is_synonym, row.fault,
                ))  # fmt: skip
                names += [(import_id, row.key, *name) for name in row.names]
        _copy_names(cursor, names)


def _copy_names(cursor: Any, names: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy("copy taxon_staged_name (import_id, key, kind, name, language) from stdin") as copy:
        for name in names:
            copy.write_row(name)


def _stage_more(db: Db, import_id: int, found: TaxonList) -> None:
    with db.transaction(), db.cursor() as cursor:
        told = ((import_id, key, kind, name[:200], language[:20]) for key, kind, name, language in found.names())
        _copy_names(cursor, told)
        with cursor.copy("copy taxon_staged_preset (import_id, project, position, key) from stdin") as copy:
            for preset in found.presets():
                copy.write_row((import_id, *preset))
