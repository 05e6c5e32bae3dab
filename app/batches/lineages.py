"""Which taxa stand above and below a taxon, and what they are called; kept until any taxon changes."""

from collections.abc import Iterable

import numpy as np

from app.database import Db
from app.search.kept import Kept

MOST_KEPT = 512
_kept = Kept(MOST_KEPT)


def branch_of(db: Db, taxon_id: int) -> np.ndarray:
    """The taxon and all below it, int32, ascending."""
    return _made(
        db,
        "below",
        taxon_id,
        """
        with recursive branch as (
            select %s::int as id
            union
            select taxon.id from branch join taxon on taxon.parent_id = branch.id
        )
        select array_agg(id order by id) from branch
        """,
    )


def lineage_of(db: Db, taxon_id: int) -> np.ndarray:
    """The taxon and all above it, int32, ascending."""
    return _made(
        db,
        "above",
        taxon_id,
        """
        with recursive above as (
            select id, parent_id from taxon where id = %s
            union
            select taxon.id, taxon.parent_id from above join taxon on taxon.id = above.parent_id
        )
        select array_agg(id order by id) from above
        """,
    )


def related(db: Db, taxon_id: int, other_id: int) -> bool:
    """Whether one of them stands above the other, or both are the same: then they do not contradict each other."""
    return bool(np.isin(taxon_id, lineage_of(db, other_id)) or np.isin(other_id, lineage_of(db, taxon_id)))


def contradictions(db: Db, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those pairs of taxa that are not `related`: asked at once, however many."""
    asked = set(pairs)
    rows = db.execute(
        """
        with recursive above as (
            select id, id as above_id, parent_id from taxon where id = any(%s)
            union
            select above.id, taxon.id, taxon.parent_id from above join taxon on taxon.id = above.parent_id
        )
        select id, above_id from above
        """,
        [sorted({taxon_id for pair in asked for taxon_id in pair})],
    )
    kin = {(row.id, row.above_id) for row in rows}
    return {(one, other) for one, other in asked if (one, other) not in kin and (other, one) not in kin}


def _made(db: Db, way: str, taxon_id: int, query: str) -> np.ndarray:
    version = db.execute("select version from taxonomy_version").fetchone()[0]
    key = (db.info.host, db.info.port, db.info.dbname, version, way, taxon_id)

    def read() -> np.ndarray:
        ids = db.execute(query, [taxon_id]).fetchone()[0]
        return np.array(ids or [], np.int32)

    return _kept.made(key, read)


def names_in_use(db: Db, taxon_ids: Iterable[int]) -> dict[int, str]:
    """Display names by id of those that may be given: no label says a deprecated one."""
    rows = db.execute(
        "select id, display_name from taxon where id = any(%s) and status <> 'D'", [sorted(set(taxon_ids))]
    )
    return {row.id: row.display_name for row in rows}


def names_of_taxa(db: Db, taxon_ids: Iterable[int | None]) -> dict[int, str]:
    """Display names by id of those that exist."""
    wanted = sorted({taxon_id for taxon_id in taxon_ids if taxon_id})
    if not wanted:
        return {}
    rows = db.execute("select id, display_name from taxon where id = any(%s)", [wanted])
    return {row.id: row.display_name for row in rows}
