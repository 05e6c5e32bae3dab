"""What the undo of an act, or of all that one person did in a period, would change back, and what it would leave.

An object goes back where one of the acts is still the one in force: to what stood before it, and on while that too came
from one of the acts. Where somebody said something since, the object stays.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.database import Db
from app.errors import NotFound, Refused
from app.labels.changes import array

PART_OBJECTS = 5_000
PART_ACTS = 5_000
# Of `act`, those that are meant: by one person in a period, and standing, or taken back by the very act at work.
MEANT = """
        act.project_id = %(project_id)s
    and act.account_id = %(who)s
    and act.at between %(since)s and %(until)s
    and act.kind in ('label', 'confirm', 'doubt', 'not_this')
    and act.n_objects > 0
    and (act.reversed_by is null or act.reversed_by = %(act_id)s)
"""


@dataclass(frozen=True)
class Period:
    """All that one person said in a project from one moment to another, both included."""

    project_id: int
    who: int
    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise Refused("A moment needs its time zone, as in 2026-05-31T12:00:00Z.")
        if self.since > self.until:
            raise Refused("The period ends before it begins: exchange the two moments.")

    def values(self, act_id: int | None = None) -> dict[str, Any]:
        return {
            "project_id": self.project_id, "who": self.who, "since": self.since, "until": self.until, "act_id": act_id,
        }  # fmt: skip


@dataclass(frozen=True)
class Back:
    """So many objects would go from one label back to another; P and U are what one sees without a person's word."""

    status: str
    taxon_id: int | None
    taxon: str | None
    to_status: str
    to_taxon_id: int | None
    to_taxon: str | None
    n: int


@dataclass(frozen=True)
class Stays:
    """So many objects would stay, since somebody gave them this label since."""

    by_id: int | None
    by: str | None
    status: str
    taxon_id: int | None
    taxon: str | None
    n: int


@dataclass(frozen=True)
class Preview:
    """Of some acts, newest first: `before` is where the next part goes on, None at the end."""

    n_acts: int
    n_objects: int  # of these acts; one that several of them labelled counts several times
    n_back: int
    n_stays: int
    back: list[Back]
    stays: list[Stays]
    before: int | None = None


@dataclass(frozen=True)
class Extent:
    """How much somebody did in a period that still stands."""

    n_acts: int
    n_objects: int


def extent(db: Db, period: Period) -> Extent:
    row = db.execute(
        f"select count(*), coalesce(sum(n_objects), 0)::bigint from act where {MEANT}",  # noqa: S608 (constant)
        period.values(),
    ).fetchone()
    return Extent(*row)


def preview_act(db: Db, project_id: int, act_id: int) -> Preview:
    """Of one act."""
    act = db.execute(
        "select id, account_id, at from act where project_id = %s and id = %s", [project_id, act_id]
    ).fetchone()
    if act is None:
        raise NotFound("This project has no such act.")
    meant = "act.id = %(only)s"
    return summarise(db, {"project_id": project_id, "only": act_id}, meant, [act_id])


def preview_part(db: Db, period: Period, before: int | None = None) -> Preview:
    """Of the acts of a period that are older than `before`: as many as a request has time for."""
    act_ids = next_acts(db, period, before)
    told = summarise(db, period.values(), MEANT, act_ids)
    return replace(told, before=act_ids[-1] if act_ids else None)


def next_acts(db: Db, period: Period, before: int | None = None, act_id: int | None = None) -> list[int]:
    """Some acts of a period, newest first, that together hold about so many objects as are done at once."""
    rows = db.execute(
        f"""
        select id
          from (select id, n_objects, sum(n_objects) over (order by at desc, id desc) as n
                  from (select id, at, n_objects
                          from act
                         where {MEANT}
                           and reversed_by is null
                           and (%(before)s::bigint is null
                                or (at, id) < (select at, id from act as last where last.id = %(before)s))
                         order by at desc, id desc
                         limit %(most_acts)s) as newest) as counted
         where n - n_objects < %(most)s
         order by n
        """,  # noqa: S608 (constant)
        {**period.values(act_id), "before": before, "most_acts": PART_ACTS, "most": PART_OBJECTS},
    )
    return [row.id for row in rows]


def summarise(db: Db, values: dict[str, Any], meant: str, act_ids: list[int]) -> Preview:
    """What becomes of the objects of these acts where all that `meant` says of `act` is taken back."""
    rows = db.execute(_summary(meant), {**values, "act_ids": array(act_ids)}).fetchall()
    n_objects = db.execute(
        "select coalesce(sum(n_objects), 0)::bigint from act where id = any(%s::bigint[])", [array(act_ids)]
    ).fetchone()[0]
    back = [Back(*row[3:6], *row[6:9], row.n) for row in rows if row.goes_back]
    stays = [Stays(*row[1:3], *row[3:6], row.n) for row in rows if not row.goes_back]
    return Preview(len(act_ids), n_objects, sum(one.n for one in back), sum(one.n for one in stays), back, stays)


def _summary(meant: str) -> str:
    """Labels in force are followed down to the first that none of the acts gave."""
    return f"""
    with recursive touched as materialized (
        select history.object_id, history.act_id, history.new_version, label.status, label.taxon_id, label.account_id,
               label.act_id as act_in_force, history.old_status, history.old_taxon_id, history.old_act_id
          from history
          join label on label.project_id = history.project_id and label.object_id = history.object_id
         where history.project_id = %(project_id)s
           and history.act_id = any(%(act_ids)s::bigint[])
    ),
    chain as (
        select object_id, status, taxon_id, old_status, old_taxon_id, old_act_id
          from touched
         where act_in_force = act_id
        union all
        select chain.object_id, chain.status, chain.taxon_id, history.old_status, history.old_taxon_id,
               history.old_act_id
          from chain
          join act on act.id = chain.old_act_id and {meant}
          join history on history.project_id = %(project_id)s
                      and history.act_id = chain.old_act_id
                      and history.object_id = chain.object_id
    ),
    back as (
        select chain.object_id, chain.status, chain.taxon_id, coalesce(chain.old_status, 'U') as to_status,
               chain.old_taxon_id as to_taxon_id
          from chain
         where not exists (select from act where act.id = chain.old_act_id and {meant})
    ),
    shown as (
        select back.status, back.taxon_id,
               case when to_status = 'U' and prediction.taxon_id is not null then 'P' else to_status end as to_status,
               coalesce(to_taxon_id, prediction.taxon_id) as to_taxon_id
          from back
          join project on project.id = %(project_id)s
          left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = back.object_id
                              and prediction.run_id = project.current_run_id and back.to_status = 'U'
    ),
    stays as (
        select account_id, status, taxon_id
          from touched
         where act_in_force is distinct from act_id
           and not exists (select from act where act.id = touched.act_in_force and {meant})
           and not exists (select
                             from history as newer
                             join act on act.id = newer.act_id and {meant}
                            where newer.project_id = %(project_id)s
                              and newer.object_id = touched.object_id
                              and newer.new_version > touched.new_version)
    ),
    counted as (
        select true as goes_back, null::int as account_id, status, taxon_id, to_status, to_taxon_id, count(*) as n
          from shown
         group by status, taxon_id, to_status, to_taxon_id
        union all
        select false, account_id, status, taxon_id, null, null, count(*)
          from stays
         group by account_id, status, taxon_id
    )
    select goes_back, counted.account_id, account.name as by,
           counted.status, counted.taxon_id, taxon.display_name as taxon,
           counted.to_status, counted.to_taxon_id, former.display_name as to_taxon, n
      from counted
      left join account on account.id = counted.account_id
      left join taxon on taxon.id = counted.taxon_id
      left join taxon as former on former.id = counted.to_taxon_id
     order by goes_back desc, n desc, taxon, to_taxon
    """  # noqa: S608 (constants)
