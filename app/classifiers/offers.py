"""What a training may be given beside its method: an embedder whose vectors are there, and columns that all have."""

from dataclasses import dataclass
from typing import Any, Protocol

from app.database import Db
from app.errors import NotFound
from app.learning import sets
from app.learning.fields import FieldInfo, shared_names


class Home(Protocol):
    """The project that a classifier is made in."""

    @property
    def id(self) -> int: ...

    @property
    def embedder_id(self) -> int | None: ...


@dataclass(frozen=True)
class EmbedderOffer:
    """An embedder by whose vectors a classifier may learn; `why_not`: what it lacks, empty where it may be chosen."""

    id: int
    name: str
    why_not: str


def columns(db: Db, project: Home, account_id: int | None, set_id: int | None) -> list[FieldInfo]:
    """The numeric columns that a set's sources and the project share; of what is still to be frozen (null) it is not
    known how much is missing."""
    if set_id is not None:
        return sets.common_fields(db, set_id, project.id)
    names, _ = shared_names(db, list(sets.own_choices(db, project, account_id).sources))
    return [FieldInfo(name, 0.0, False) for name in names]


def id_of(db: Db, name: str) -> int:
    """The embedder of a name."""
    row = db.execute("select id from embedder where name = %s", [name.replace("\0", "")]).fetchone()
    if row is None:
        raise NotFound(f"This server knows no embedder {name[:100]!r}: see “shoal embedder list”.")
    return int(row.id)


def embedders(db: Db, project: Home, account_id: int | None, set_id: int | None) -> list[EmbedderOffer]:
    """The project's own first, then those of which it or a source has vectors: the others may be chosen where none of
    the set's objects lacks one, and, while the set is still to be made, none of its sources' objects."""
    sources = _sources(db, project, account_id, set_id)
    rows = db.execute(
        """
        select embedder.id, embedder.name,
               exists (select from object_vector v where v.embedder_id = embedder.id and v.project_id = %(home)s)
                   as is_here
        from embedder
        where id = %(own)s
           or exists (select from object_vector v where v.embedder_id = embedder.id and v.project_id = any(%(sources)s))
        order by id = %(own)s desc, lower(name)
        """,
        {"home": project.id, "own": project.embedder_id, "sources": [project.id, *sources]},
    ).fetchall()
    others = [row.id for row in rows if row.id != project.embedder_id and row.is_here]
    lacking = _lacking_of_set(db, set_id, others) if set_id is not None else _lacking_of_sources(db, sources, others)
    return [EmbedderOffer(row.id, row.name, _why_not(row, project.embedder_id, lacking)) for row in rows]


def _why_not(row: Any, own_id: int | None, lacking: dict[int, int]) -> str:
    if row.id == own_id:
        return ""
    if not row.is_here:
        return "this project has no vectors of it"
    n = lacking.get(row.id, 0)
    return f"{n:,} {'object' if n == 1 else 'objects'} to learn from {'has' if n == 1 else 'have'} none" if n else ""


def _sources(db: Db, project: Home, account_id: int | None, set_id: int | None) -> list[int]:
    if set_id is None:
        return list(sets.own_choices(db, project, account_id).sources)
    row = db.execute("select source_ids from learning_set where id = %s", [set_id]).fetchone()
    return list(row.source_ids) if row else []


def _lacking_of_set(db: Db, set_id: int, embedder_ids: list[int]) -> dict[int, int]:
    """How many objects of a frozen set have no vector of each embedder."""
    rows = db.execute(
        """
        select wanted.id, learning_set.n_objects - found.n - brought.n as n
        from unnest(%(embedders)s::smallint[]) as wanted (id)
        join learning_set on learning_set.id = %(set)s
        cross join lateral (
            select count(*) as n
            from learning_item item
            join object_vector v on v.embedder_id = wanted.id
                                and v.project_id = item.project_id
                                and v.object_id = item.object_id
            where item.set_id = %(set)s
        ) as found
        cross join lateral (
            select count(*) as n from learning_vector v where v.set_id = %(set)s and v.embedder_id = wanted.id
        ) as brought
        """,
        {"set": set_id, "embedders": embedder_ids},
    )
    return {row.id: row.n for row in rows}


def _lacking_of_sources(db: Db, project_ids: list[int], embedder_ids: list[int]) -> dict[int, int]:
    """How many objects of some projects have no vector of each embedder."""
    rows = db.execute(
        """
        select wanted.id, counted.n - found.n as n
        from unnest(%(embedders)s::smallint[]) as wanted (id)
        cross join (
            select coalesce(sum(n), 0)::bigint as n from count_delta where project_id = any(%(projects)s)
        ) as counted
        cross join lateral (
            select count(*) as n
            from object_vector v
            where v.embedder_id = wanted.id
              and v.project_id = any(%(projects)s)
        ) as found
        """,
        {"projects": project_ids, "embedders": embedder_ids},
    )
    return {row.id: max(0, row.n) for row in rows}
