"""A project's taxa that had better be others: deprecated ones, and those that a name or a number cannot tell apart."""

from dataclasses import dataclass, field
from typing import Any

from app.database import Db
from app.taxonomy.names import is_italic

MOST_OFFERED = 5


@dataclass(frozen=True)
class Offered:
    """What may stand instead: `why` is advised, same_name, same_number or synonym_of."""

    id: int
    display_name: str
    italic: bool
    why: str


@dataclass(frozen=True)
class Outdated:
    """A taxon in use here, or preset, with its objects by status and what to use instead, the advised one first."""

    id: int
    display_name: str
    italic: bool
    why: str  # deprecated or ambiguous
    n: dict[str, int]
    is_preset: bool
    offered: list[Offered] = field(default_factory=list)

    @property
    def n_objects(self) -> int:
        return sum(self.n.values())

    @property
    def advised(self) -> Offered | None:
        return next((one for one in self.offered if one.why == "advised"), None)


def outdated(db: Db, project_id: int) -> list[Outdated]:
    """Deprecated ones first, those with most objects first. A class that was made by its name alone, without a place,
    is never offered instead of one that has a place in the tree."""
    rows = db.execute(
        """
        with used as (
            select taxon_id, coalesce(sum(n) filter (where status = 'V'), 0)::bigint as v,
                   coalesce(sum(n) filter (where status = 'D'), 0)::bigint as d,
                   coalesce(sum(n) filter (where status = 'P'), 0)::bigint as p
            from count_delta
            where project_id = %(project)s
              and taxon_id > 0
            group by taxon_id
            having sum(n) > 0
        ),
        mine as (
            select taxon_id, coalesce(v, 0) as v, coalesce(d, 0) as d, coalesce(p, 0) as p,
                   preset_taxon.taxon_id is not null as is_preset
            from used
            full join (
                select taxon_id from preset_taxon where project_id = %(project)s
            ) as preset_taxon using (taxon_id)
        ),
        other as (
            select mine.taxon_id as of_id, taxon.rename_to as id, 1 as place, 'advised' as why
            from mine
            join taxon on taxon.id = mine.taxon_id
            where taxon.status = 'D'
              and taxon.rename_to is not null
            union all
            select mine.taxon_id, twin.id, 2, 'same_name'
            from mine
            join taxon on taxon.id = mine.taxon_id
            join taxon as twin on folded_name(twin.name) = folded_name(taxon.name) and twin.id <> taxon.id
            union all
            select mine.taxon_id, twin.id, 3, 'same_number'
            from mine
            join taxon on taxon.id = mine.taxon_id
            join taxon as twin on twin.aphia_id = taxon.aphia_id and twin.id <> taxon.id
            union all
            select mine.taxon_id, twin.id, 4, 'synonym_of'
            from mine
            join taxon on taxon.id = mine.taxon_id
            join other_name on folded_name(other_name.name) = folded_name(taxon.name) and other_name.kind = 'synonym'
            join taxon as twin on twin.id = other_name.taxon_id and twin.id <> taxon.id
        ),
        offered as (
            select of_id, other.id, min(place) as place, (array_agg(why order by place))[1] as why
            from other
            join taxon on taxon.id = other.id and taxon.status <> 'D'
            join taxon as replaced on replaced.id = other.of_id
            where why = 'advised'
               or taxon.parent_id is not null
               or replaced.parent_id is null
               or exists (select from taxon as child where child.parent_id = taxon.id)
            group by of_id, other.id
        )
        select taxon.id, taxon.name, taxon.display_name, taxon.rank, taxon.type, taxon.status,
               mine.v, mine.d, mine.p, mine.is_preset,
               coalesce(jsonb_agg(jsonb_build_array(twin.id, twin.display_name, twin.name, twin.rank, twin.type,
                                                    offered.why)
                                  order by offered.place, twin.display_name)
                        filter (where twin.id is not null), '[]') as offered
        from mine
        join taxon on taxon.id = mine.taxon_id
        left join offered on offered.of_id = taxon.id
        left join taxon as twin on twin.id = offered.id
        where taxon.status = 'D'
           or offered.id is not null
        group by taxon.id, mine.v, mine.d, mine.p, mine.is_preset
        order by taxon.status <> 'D', mine.v + mine.d + mine.p desc, lower(taxon.display_name)
        """,
        {"project": project_id},
    )
    return [_outdated(row) for row in rows]


def _outdated(row: Any) -> Outdated:
    return Outdated(
        row.id, row.display_name, is_italic(row.name, row.rank, row.type),
        "deprecated" if row.status == "D" else "ambiguous", {"V": row.v, "D": row.d, "P": row.p}, row.is_preset,
        [
            Offered(taxon_id, shown, is_italic(name, rank, type), why)
            for taxon_id, shown, name, rank, type, why in row.offered[:MOST_OFFERED]
        ],
    )  # fmt: skip
