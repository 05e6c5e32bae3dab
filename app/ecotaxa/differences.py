"""The differences between a project here and EcoTaxa's, as they were last told: by taxon, one by one, and decided."""

from dataclasses import dataclass
from typing import Literal

from app.database import Db
from app.ecotaxa.visits import active, the_link
from app.errors import Conflict, Refused

Kind = Literal["take", "conflict", "send", "unmapped", "blocked", "withdrawn", "gone"]
Keep = Literal["ours", "theirs"]
A_PAGE = 100
MOST_GROUPS = 200
MOST_NAMED = 10_000
LARGEST = 2**62


@dataclass(frozen=True)
class Group:
    """Labels that differ alike: from their status and category to ours. An empty status: nobody has labelled."""

    their_status: str
    theirs: str
    our_status: str
    our_taxon_id: int | None
    ours: str
    n: int


@dataclass(frozen=True)
class Difference:
    """An object of which both sides say something else. `was_`: what both had agreed on."""

    remote_id: int
    object_id: int
    orig_id: str
    kind: Kind
    their_status: str
    theirs: str
    their_by: str | None
    our_status: str
    ours: str
    our_by: str | None


@dataclass(frozen=True)
class Unmapped:
    """A taxon whose labels cannot be sent: it has no category at EcoTaxa (`remote_id` is empty), or one that is
    deprecated or unknown there."""

    taxon_id: int
    taxon: str
    remote_id: int | None
    remote_name: str
    n: int


_SIDES = """
    from ecotaxa_object as theirs
    left join label on label.project_id = theirs.project_id
                   and label.object_id = theirs.object_id
                   and label.status in ('D', 'V')
    left join taxon on taxon.id = label.taxon_id
    left join ecotaxa_category as category on category.project_id = theirs.project_id
                                          and category.remote_id = theirs.taxon_id
                                          and theirs.status in ('D', 'V')
    where theirs.project_id = %(project)s
"""
_THEIRS = """
    case when theirs.status in ('D', 'V') then theirs.status else '' end as their_status,
    case when theirs.status not in ('D', 'V') or theirs.taxon_id is null then ''
         else coalesce(nullif(category.name, ''), '#' || theirs.taxon_id) end as theirs
"""


def groups(db: Db, project_id: int, kind: Kind) -> list[Group]:
    """The most frequent first."""
    rows = db.execute(
        f"""
        select {_THEIRS}, coalesce(label.status, '') as our_status, taxon.id as our_taxon_id,
               coalesce(taxon.display_name, '') as ours, count(*) as n
        {_SIDES}
          and theirs.difference = %(kind)s
        group by 1, 2, 3, 4, 5
        order by n desc, 2, 5
        limit %(most)s
        """,
        {"project": project_id, "kind": kind, "most": MOST_GROUPS},
    )
    return [Group(*row) for row in rows]


def page(db: Db, project_id: int, kind: Kind, after: int = 0) -> list[Difference]:
    """One by one, in the order of EcoTaxa's numbers."""
    rows = db.execute(
        f"""
        select theirs.remote_id, theirs.object_id, theirs.orig_id, theirs.difference as kind, {_THEIRS},
               theirs.by_name as their_by, coalesce(label.status, '') as our_status,
               coalesce(taxon.display_name, '') as ours,
               (select name from account where account.id = label.account_id) as our_by
        {_SIDES}
          and theirs.difference = %(kind)s
          and theirs.remote_id > %(after)s
        order by theirs.remote_id
        limit %(most)s
        """,  # noqa: S608 - constants
        {"project": project_id, "kind": kind, "after": min(max(after, 0), LARGEST), "most": A_PAGE},
    )
    return [Difference(*row) for row in rows]


def unmapped(db: Db, project_id: int) -> list[Unmapped]:
    """Taxa whose labels wait for a category, those with the most labels first."""
    rows = db.execute(
        """
        select taxon.id, taxon.display_name, coalesce(said.remote_id, taxon.ecotaxa_id) as remote_id,
               coalesce(category.name, '') as remote_name, waiting.n
        from (
            select label.taxon_id, count(*) as n
            from ecotaxa_object as theirs
            join label on label.project_id = theirs.project_id
                      and label.object_id = theirs.object_id
                      and label.status in ('D', 'V')
            where theirs.project_id = %(project)s
              and theirs.difference = 'unmapped'
            group by label.taxon_id
        ) as waiting
        join taxon on taxon.id = waiting.taxon_id
        left join ecotaxa_taxon as said on said.project_id = %(project)s
                                       and said.taxon_id = taxon.id
        left join ecotaxa_category as category on category.project_id = %(project)s
                                              and category.remote_id = coalesce(said.remote_id, taxon.ecotaxa_id)
        order by waiting.n desc, taxon.display_name
        limit %(most)s
        """,
        {"project": project_id, "most": MOST_GROUPS},
    )
    return [Unmapped(*row) for row in rows]


def decide(db: Db, project_id: int, keep: Keep, remote_ids: list[int] | None = None) -> int:
    """Whose word stands where both changed: of some objects, or of all. Ours is sent by the next push once that was
    compared, theirs is taken in by the next pull. Returns how many were decided."""
    if remote_ids is not None and len(remote_ids) > MOST_NAMED:
        raise Refused(f"At most {MOST_NAMED:,} conflicts are decided at once, or all of them.", status=422)
    if any(not 0 < number < LARGEST for number in remote_ids or []):
        raise Refused("A conflict is named by EcoTaxa’s number of the object.", status=422)
    the_link(db, project_id)
    if active(db, project_id):
        raise Conflict("A visit to EcoTaxa is under way: wait for its end, and decide then.")
    statement = _OURS if keep == "ours" else _THEIRS_STAND
    return db.execute(statement, {"project": project_id, "ids": remote_ids}).rowcount


# As if theirs had been agreed on before: what differs then is a change of ours.
_OURS = """
update ecotaxa_object
set base_status = case when status in ('D', 'V') then status end,
    base_taxon_id = case when status in ('D', 'V') then taxon_id end,
    difference = null,
    seen_version = null
where project_id = %(project)s
  and difference = 'conflict'
  and (%(ids)s::bigint[] is null or remote_id = any(%(ids)s::bigint[]))
"""
# As if ours had been agreed on before. What somebody here says after this is a conflict again.
_THEIRS_STAND = """
update ecotaxa_object
set our_status = label.status,
    our_taxon_id = label.taxon_id,
    difference = null,
    seen_version = null
from ecotaxa_object as theirs
left join label on label.project_id = theirs.project_id
               and label.object_id = theirs.object_id
               and label.status in ('D', 'V')
where ecotaxa_object.project_id = %(project)s
  and ecotaxa_object.difference = 'conflict'
  and (%(ids)s::bigint[] is null or ecotaxa_object.remote_id = any(%(ids)s::bigint[]))
  and theirs.project_id = ecotaxa_object.project_id
  and theirs.remote_id = ecotaxa_object.remote_id
"""
