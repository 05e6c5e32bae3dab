"""What the wizard offers: the projects that may teach, and the taxa that are validated in those that were chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.projects.references import READABLE
from app.taxonomy.names import is_italic

MOST_LISTED = 200


@dataclass(frozen=True)
class Teacher:
    """A project that may teach. `n_shared` of the asking project's `n_columns` numeric columns are its own too."""

    id: int
    title: str
    instrument: str
    embedder: str | None
    has_same_embedder: bool
    n_validated: int
    n_taxa: int
    n_shared: int
    n_columns: int
    is_chosen: bool


@dataclass(frozen=True)
class Teachers:
    """Those that are shown, the chosen first; how many the filter keeps, and how many are chosen but closed to one."""

    shown: list[Teacher]
    n: int
    n_closed: int
    instruments: list[str]


@dataclass(frozen=True)
class Taught:
    """A taxon with its validated objects; `above`: the ids above it, the nearest first."""

    id: int
    name: str
    italic: bool
    rank: str
    type: str
    above: list[int]
    n: int
    n_projects: int


def find_teachers(
    db: Db,
    project: Any,
    account_id: int | None,
    chosen: Sequence[int],
    *,
    title: str = "",
    instrument: str = "",
    fewest: int = 1,
) -> Teachers:
    """Projects that the account may read, by title, instrument and number of validated objects; the chosen always."""
    rows = db.execute(
        f"""
        with readable as (
            select p.id, p.title, p.instrument, p.embedder_id
            from project p
            where p.id = %(project_id)s or {READABLE}
        ), counted as (
            select project_id, sum(n)::bigint as n, count(*) as n_taxa
            from (
                select project_id, taxon_id, sum(n) as n
                from count_delta
                where status = 'V'
                  and project_id in (select id from readable)
                group by project_id, taxon_id
                having sum(n) > 0
            ) as taxa
            group by project_id
        ), shared as (
            select theirs.project_id, count(*) as n
            from field own
            join field theirs using (level, type, name)
            where own.project_id = %(project_id)s and own.level = 'object' and own.type = 'number'
            group by theirs.project_id
        )
        select readable.id, title, instrument, embedder.name as embedder,
               embedder_id is not distinct from %(embedder_id)s as has_same_embedder,
               coalesce(counted.n, 0) as n_validated, coalesce(n_taxa, 0) as n_taxa, coalesce(shared.n, 0) as n_shared,
               (select count(*) from field
                where project_id = %(project_id)s and level = 'object' and type = 'number') as n_columns,
               readable.id = any(%(chosen)s) as is_chosen,
               strpos(lower(title), %(title)s) > 0
                   and (%(instrument)s = '' or instrument = %(instrument)s)
                   and coalesce(counted.n, 0) >= %(fewest)s as is_kept
        from readable
        left join embedder on embedder.id = embedder_id
        left join counted on counted.project_id = readable.id
        left join shared on shared.project_id = readable.id
        order by is_chosen desc, readable.id <> %(project_id)s, n_validated desc, lower(title), readable.id
        """,  # noqa: S608 - a constant
        {
            "project_id": project.id, "account_id": account_id, "embedder_id": project.embedder_id,
            "chosen": list(chosen), "title": title.replace("\0", " ").strip().lower()[:200], "instrument": instrument,
            "fewest": fewest,
        },
    ).fetchall()  # fmt: skip
    kept = [row for row in rows if row.is_chosen or row.is_kept]
    shown = [Teacher(*row[:-1]) for row in kept[: max(MOST_LISTED, len(chosen))]]
    n_closed = len(set(chosen) - {row.id for row in rows})
    return Teachers(shown, len(kept), n_closed, sorted({row.instrument for row in rows if row.instrument}))


def find_taught(db: Db, source_ids: Iterable[int]) -> list[Taught]:
    """The taxa that have validated objects in these projects, which the caller may read, in the order of the tree."""
    rows = db.execute(
        """
        with recursive counted as (
            select taxon_id, sum(n)::bigint as n, count(*) as n_projects
            from (
                select project_id, taxon_id, sum(n) as n
                from count_delta
                where project_id = any(%(sources)s)
                  and status = 'V'
                  and taxon_id <> 0
                group by project_id, taxon_id
                having sum(n) > 0
            ) as of_projects
            group by taxon_id
        ), line as (
            select id, parent_id, 1 as height, array[]::int[] as above, array[lower(display_name), id::text] as path,
                   id as start
            from taxon
            where id in (select taxon_id from counted)
            union all
            select taxon.id, taxon.parent_id, height + 1, above || taxon.id,
                   array[lower(taxon.display_name), taxon.id::text] || path, start
            from line
            join taxon on taxon.id = line.parent_id
        ), whole as (
            select distinct on (start) start, above, path
            from line
            order by start, height desc
        )
        select taxon.id, taxon.display_name, taxon.name, taxon.rank, taxon.type, above, n, n_projects
        from counted
        join taxon on taxon.id = counted.taxon_id
        join whole on whole.start = taxon.id
        order by path
        """,
        {"sources": list(source_ids)},
    )
    return [
        Taught(
            row.id, row.display_name, is_italic(row.name, row.rank, row.type), row.rank, row.type, row.above, row.n,
            row.n_projects,
        )
        for row in rows
    ]  # fmt: skip


def names_of_taxa(db: Db, ids: Iterable[int]) -> dict[int, str]:
    rows = db.execute("select id, display_name from taxon where id = any(%s)", [sorted(set(ids))])
    return {row.id: row.display_name for row in rows}


def ranks_of_taxa(db: Db, ids: Iterable[int]) -> dict[int, str]:
    """The ranks of those that have one."""
    rows = db.execute("select id, lower(rank) as rank from taxon where id = any(%s) and rank <> ''", [sorted(set(ids))])
    return {row.id: row.rank for row in rows}


def readable_ids(db: Db, home_id: int, account_id: int | None, ids: Iterable[int]) -> list[int]:
    """Those of the projects that are there and that the account may read."""
    rows = db.execute(
        f"""
        select p.id
        from project p
        where p.id = any(%(ids)s)
          and (p.id = %(home_id)s or {READABLE})
        order by p.id
        """,  # noqa: S608 - a constant
        {"ids": list(ids), "home_id": home_id, "account_id": account_id},
    )
    return [row.id for row in rows]


def used_here(db: Db, project_id: int) -> list[int]:
    """The taxa that a project has validated objects of, and those that are preset there."""
    rows = db.execute(
        """
        select taxon_id from count_delta where project_id = %(id)s and status = 'V' and taxon_id <> 0
        union
        select taxon_id from preset_taxon where project_id = %(id)s
        """,
        {"id": project_id},
    )
    return sorted(row.taxon_id for row in rows)


def italics(db: Db, ids: Iterable[int]) -> set[int]:
    """Those whose names are written in italics."""
    rows = db.execute("select id, name, rank, type from taxon where id = any(%s)", [list(ids)])
    return {row.id for row in rows if is_italic(row.name, row.rank, row.type)}
