"""Display names that stay unique as EcoTaxa's do: the name alone, or with as many of those above as it takes.

Where several taxa share a name, each is shown with its parent ("egg < Copepoda"), and with the parent's parent where
that is not enough. A name that was told with its parent keeps it when it is alone again: people know it so.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import psycopg

from app.database import Db

DEEPEST = 6
STRUCTURE_LOCK = 7_465_064  # one change of names or places at a time: two could share a name, or make a loop


def hold_structure(db: Db) -> None:
    """Wait for whoever changes names or places of taxa; for the rest of the transaction nobody else does."""
    db.execute("select pg_advisory_xact_lock(%s)", [STRUCTURE_LOCK])


def names_around(db: Db, taxon_ids: Iterable[int]) -> set[str]:
    """The names of these taxa, and of those below them that are shown with them: what to name anew when they change."""
    rows = db.execute(
        """
        with recursive below as (
            select id, name, display_name, 0 as depth
            from taxon
            where id = any(%s)
            union all
            select taxon.id, taxon.name, taxon.display_name, depth + 1
            from below
            join taxon on taxon.parent_id = below.id
            where depth < 3
        )
        select distinct name
        from below
        where depth = 0
           or display_name <> name
        """,
        [list(taxon_ids)],
    )
    return {row.name for row in rows}


def name_uniquely(db: Db, names: Iterable[str]) -> None:
    """Give all taxa of these names their display names, where they have others. The caller holds the structure."""
    groups = defaultdict(list)
    for row in _paths(db, names):
        groups[row.name.lower()].append(row)
    chosen = {row.id: name for group in groups.values() for row, name in _chosen(group)}
    old = {row.id: row.display_name for group in groups.values() for row in group}
    changed = {taxon_id: name for taxon_id, name in chosen.items() if name != old[taxon_id]}
    changed = _free(db, changed)
    if not changed:
        return
    try:
        with db.transaction():
            _write(db, changed)
    except psycopg.errors.UniqueViolation:
        # Two that exchange their names stand in each other's way.
        _write(db, {taxon_id: f"< {taxon_id}" for taxon_id in changed})
        _write(db, changed)


def _paths(db: Db, names: Iterable[str]) -> list[Any]:
    """All taxa of these names, with `path`: their names and those above, from themselves up."""
    return db.execute(
        """
        with recursive above as (
            select id as leaf, parent_id, array[name] as path
            from taxon
            where lower(name) = any(%(names)s)
            union all
            select above.leaf, taxon.parent_id, above.path || taxon.name
            from above
            join taxon on taxon.id = above.parent_id
            where cardinality(above.path) < %(deepest)s
        ),
        longest as (
            select distinct on (leaf) leaf, path
            from above
            order by leaf, cardinality(path) desc
        )
        select taxon.id, taxon.name, taxon.display_name, taxon.status, longest.path
        from longest
        join taxon on taxon.id = longest.leaf
        order by taxon.id
        """,
        {"names": sorted({name.lower() for name in names}), "deepest": DEEPEST},
    ).fetchall()


def _chosen(group: list[Any]) -> list[tuple[Any, str]]:
    """Each of those that share a name, with what it is shown as."""
    if len(group) == 1:
        row = group[0]
        known = {_told(row, n) for n in range(1, len(row.path) + 1)}
        return [(row, row.display_name if row.display_name in known else row.name)]
    n_told = {row.id: min(2, len(row.path)) for row in group}
    while True:
        shown = defaultdict(list)
        for row in group:
            shown[_told(row, n_told[row.id]).lower()].append(row)
        short = [row for same in shown.values() if len(same) > 1 for row in same if n_told[row.id] < len(row.path)]
        if not short:
            break
        for row in short:
            n_told[row.id] += 1
    return [(row, name) for same in shown.values() for row, name in _apart(same, n_told)]


def _told(row: Any, n: int) -> str:
    return " < ".join(row.path[:n])


def _apart(same: list[Any], n_told: dict[int, int]) -> list[tuple[Any, str]]:
    """Of one name and one lineage: the first that is in use keeps it, the others say what they are."""
    same = sorted(same, key=lambda row: (row.status == "D", row.id))
    told = [(same[0], _told(same[0], n_told[same[0].id]))]
    for row in same[1:]:
        sign = "Deprecated" if row.status == "D" and len(same) == 2 else str(row.id)
        told.append((row, f"{_told(row, n_told[row.id])} ({sign})"))
    return told


def _free(db: Db, changed: dict[int, str]) -> dict[int, str]:
    """The same, with the number behind a name that some other taxon is shown as."""
    rows = db.execute(
        "select lower(display_name) as name from taxon where lower(display_name) = any(%s) and id <> all(%s)",
        [[name.lower() for name in changed.values()], list(changed)],
    )
    taken = {row.name for row in rows}
    return {taxon_id: f"{name} ({taxon_id})" if name.lower() in taken else name for taxon_id, name in changed.items()}


def _write(db: Db, names: dict[int, str]) -> None:
    db.execute(
        """
        update taxon
        set display_name = given.name
        from unnest(%s::int[], %s::text[]) as given (id, name)
        where taxon.id = given.id
        """,
        [list(names), list(names.values())],
    )
