"""The portable list: the taxonomy with its names and the projects' preset taxa as one file, to carry to another Shoal.

A zip of CSV tables. Taxa are named by identifiers that are the same on every server that such a list comes to, so that
what is created on either side meets without clashes.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.database import Db

VERSION = 1
TAXA = ("uid", "parent_uid", "name", "type", "status", "rank", "aphia_id", "ecotaxa_id", "use_instead")
NAMES = ("uid", "kind", "name", "language")
PRESETS = ("project", "position", "uid")


def write_list(db: Db, path: Path) -> int:
    """Write it beside the place, and there whole; returns the number of taxa. `db` outside of a transaction."""
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            told = {"version": VERSION, "written_at": datetime.now(UTC).isoformat(timespec="seconds")}
            archive.writestr("shoal_taxonomy.json", json.dumps(told))
            with db.transaction():
                # Parents before children are not needed: whoever reads it puts them in their places.
                n = _table(archive, "taxa.csv", TAXA, db, _TAXA)
                _table(archive, "names.csv", NAMES, db, _NAMES)
                _table(archive, "presets.csv", PRESETS, db, _PRESETS)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return n


_TAXA = """
    select taxon.uid, parent.uid as parent_uid, taxon.name, taxon.type, taxon.status, taxon.rank,
           taxon.aphia_id, taxon.ecotaxa_id, instead.uid as use_instead
    from taxon
    left join taxon as parent on parent.id = taxon.parent_id
    left join taxon as instead on instead.id = taxon.rename_to
    order by taxon.id
"""
_NAMES = """
    select taxon.uid, other_name.kind, other_name.name, other_name.language
    from other_name
    join taxon on taxon.id = other_name.taxon_id
    order by taxon.id, other_name.id
"""
_PRESETS = """
    select project.title, preset_taxon.position, taxon.uid
    from preset_taxon
    join project on project.id = preset_taxon.project_id
    join taxon on taxon.id = preset_taxon.taxon_id
    order by project.id, preset_taxon.position
"""


def _table(archive: zipfile.ZipFile, name: str, columns: Sequence[str], db: Db, query: str) -> int:
    n = 0
    with archive.open(name, "w", force_zip64=True) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        with db.cursor(name=f"portable_{name.partition('.')[0]}") as cursor:
            cursor.itersize = 10_000
            cursor.execute(query)
            for row in cursor:
                writer.writerow(_told(row))
                n += 1
    return n


def _told(row: Iterable[object]) -> list[object]:
    return ["" if value is None else value for value in row]
