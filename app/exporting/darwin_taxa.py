"""What taxa are called in WoRMS: by their own id, that of the one advised in their place, or an ancestor's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.database import Db

KINGDOMS = {
    "metazoa": "Animalia",
    **{name.lower(): name for name in (
        "Animalia", "Plantae", "Chromista", "Fungi", "Protozoa", "Bacteria", "Archaea", "Viruses")},
}  # fmt: skip
Way = Literal["itself", "advised", "ancestor", "none"]


@dataclass(frozen=True)
class Resolved:
    """A taxon of the project and its name in WoRMS; `way`: whose id that is. Without one `aphia_id` is null."""

    taxon_id: int
    display_name: str
    way: Way
    aphia_id: int | None = None
    scientific_name: str = ""
    rank: str = ""
    kingdom: str = ""


def resolve(db: Db, taxon_ids: Sequence[int], through_ancestors: bool) -> dict[int, Resolved]:
    """Each taxon's name in WoRMS. A deprecated taxon is called as the one that is advised in its place."""
    lines: dict[int, list[Any]] = {}
    for row in _lineages(db, taxon_ids):
        lines.setdefault(row.taxon_id, []).append(row)
    return {taxon_id: _resolved(steps, through_ancestors) for taxon_id, steps in lines.items()}


def ids_above(db: Db, taxon_ids: Sequence[int]) -> dict[int, set[int]]:
    """Of each taxon the ids in WoRMS of itself and of all above it."""
    found: dict[int, set[int]] = {}
    for row in _lineages(db, taxon_ids):
        if row.aphia_id:
            found.setdefault(row.taxon_id, set()).add(row.aphia_id)
    return found


def _lineages(db: Db, taxon_ids: Sequence[int]) -> list[Any]:
    """From each taxon, or the one advised instead, up to the root."""
    return db.execute(
        """
        with recursive advised as (
            select id as taxon_id, display_name, id, status, rename_to, 0 as hops
            from taxon
            where id = any(%(ids)s)
            union all
            select advised.taxon_id, advised.display_name, other.id, other.status, other.rename_to, hops + 1
            from advised
            join taxon as other on other.id = advised.rename_to
            where advised.status = 'D'
              and hops < 10
        ),
        start as (
            select distinct on (taxon_id) taxon_id, display_name, id, hops
            from advised
            order by taxon_id, hops desc
        ),
        above as (
            select start.taxon_id, start.display_name, start.hops, taxon.parent_id, taxon.name, taxon.rank,
                   taxon.aphia_id, 0 as depth
            from start
            join taxon on taxon.id = start.id
            union all
            select above.taxon_id, above.display_name, above.hops, upper.parent_id, upper.name, upper.rank,
                   upper.aphia_id, depth + 1
            from above
            join taxon as upper on upper.id = above.parent_id
            where depth < 100
        )
        select taxon_id, display_name, hops, name, rank, aphia_id, depth
        from above
        order by taxon_id, depth
        """,
        {"ids": list(taxon_ids)},
    ).fetchall()


def _resolved(steps: list[Any], through_ancestors: bool) -> Resolved:
    first = steps[0]
    found = next((step for step in (steps if through_ancestors else steps[:1]) if step.aphia_id), None)
    if found is None:
        return Resolved(first.taxon_id, first.display_name, "none")
    way: Way = "ancestor" if found.depth else "advised" if first.hops else "itself"
    kingdom = next((named for step in steps[found.depth :] if (named := _kingdom(step))), "")
    return Resolved(
        first.taxon_id, first.display_name, way, found.aphia_id, found.name, (found.rank or "").lower(), kingdom
    )


def _kingdom(step: Any) -> str:
    if (step.rank or "").lower() == "kingdom":
        return KINGDOMS.get(step.name.lower(), step.name)
    return KINGDOMS.get(step.name.lower(), "")
