"""What the undo of an act, or of all that one person did in a period, would change back, and what it would leave.

An object goes back where one of the acts is still the one in force: to what stood before it, and on while that too came
from one of the acts or from one that was undone. Where somebody said something since, the object stays.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.database import Db
from app.errors import NotFound, Refused
from app.labels.acts import NO_ACT
from app.labels.changes import array
from app.labels.former import former
from app.labels.in_bin import left_in_bin
from app.labels.latest import LATEST

PART_OBJECTS = 5_000
PART_ACTS = 5_000
# Of `act`, those that are meant: by one person in a period, and standing, or taken back by the very act at work.
MEANT = """
        act.project_id = %(project_id)s
    and act.account_id = %(who)s
    and act.at between %(since)s and %(until)s
    and act.kind in ('label', 'confirm', 'doubt', 'not_this', 'replace', 'import')
    and act.n_objects > 0
    and (act.reversed_by is null or act.reversed_by = %(act_id)s)
    and (%(audit_id)s::bigint is null
         or act.provenance = 'audit' and (act.detail -> 'audit' ->> 'id')::bigint = %(audit_id)s)
"""


@dataclass(frozen=True)
class Period:
    """All that one person said in a project from one moment to another, both included; of it what was accepted under
    `audit_id` alone, where that is said."""

    project_id: int
    who: int
    since: datetime
    until: datetime
    audit_id: int | None = None

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise Refused("A moment needs its time zone, as in 2026-05-31T12:00:00Z.")
        if self.since > self.until:
            raise Refused("The period ends before it begins: exchange the two moments.")

    def values(self, act_id: int | None = None) -> dict[str, Any]:
        return {
            "project_id": self.project_id, "who": self.who, "since": self.since, "until": self.until, "act_id": act_id,
            "audit_id": self.audit_id,
        }  # fmt: skip


def period_of_audit(db: Db, project_id: int, audit_id: int) -> Period | None:
    """Of what was accepted under an audit and stands; None where nothing does."""
    row = db.execute(
        """
        select account_id, min(at) as since, max(at) as until
          from act
         where project_id = %s
           and provenance = 'audit'
           and (detail -> 'audit' ->> 'id')::bigint = %s
           and reversed_by is null
           and n_objects > 0
         group by account_id
        """,
        [project_id, audit_id],
    ).fetchone()
    return Period(project_id, row.account_id, row.since, row.until, audit_id) if row and row.account_id else None


@dataclass(frozen=True)
class Back:
    """So many objects would go from one label back to another, or to the same as it was said before; P and U are what
    one sees without a person's word."""

    status: str
    taxon_id: int | None
    taxon: str | None
    to_status: str
    to_taxon_id: int | None
    to_taxon: str | None
    n: int


@dataclass(frozen=True)
class Stays:
    """So many objects would stay, since somebody gave them this label since, or took it away; `edit`: in a mass edit of
    these words."""

    by_id: int | None
    by: str | None
    status: str
    taxon_id: int | None
    taxon: str | None
    n: int
    edit: str | None = None


@dataclass(frozen=True)
class Lifted:
    """Of so many objects it would no longer be said that they are not this taxon."""

    taxon_id: int
    taxon: str
    n: int


@dataclass(frozen=True)
class Preview:
    """Of some acts, newest first: `before` is where the next part goes on, None at the end.

    Each object that they labelled counts once, with the latest of them: `n_objects` are `n_back` and `n_stays`.
    `n_as_before`, of `n_back`: they keep status and taxon, as somebody had said them before. `n_refusals`: what was
    said not to be something, and would no longer be. `n_in_bin`: so many stay, since they are in the bin.
    """

    n_acts: int
    n_objects: int
    n_back: int
    n_stays: int
    back: list[Back]
    stays: list[Stays]
    before: int | None = None
    n_as_before: int = 0
    n_refusals: int = 0
    lifted: list[Lifted] = field(default_factory=list)
    n_in_bin: int = 0


@dataclass(frozen=True)
class Extent:
    """How much somebody did in a period that still stands; an object counts with each act that labelled it."""

    n_acts: int
    n_objects: int


def extent(db: Db, period: Period) -> Extent:
    row = db.execute(
        f"select count(*), coalesce(sum(n_objects), 0)::bigint from act where {MEANT}",  # noqa: S608 (constant)
        period.values(),
    ).fetchone()
    return Extent(*row)


def preview_act(db: Db, project_id: int, act_id: int) -> Preview:
    """Of one act; of one that was undone already what was in the bin then, and is back, and what its undo left."""
    act = db.execute("select reversed_by from act where project_id = %s and id = %s", [project_id, act_id]).fetchone()
    if act is None:
        raise NotFound(NO_ACT)
    values = {"project_id": project_id, "only": act_id, "undone_by": act.reversed_by}
    told = summarise(db, values, "act.id = %(only)s", [act_id])
    if act.reversed_by:
        told = replace(told, n_acts=int(told.n_back > 0), lifted=[], n_refusals=0)
    return replace(told, n_in_bin=len(left_in_bin(db, project_id, act_id)))


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
    values = {"undone_by": None, **values, "act_ids": array(act_ids)}
    back = [Back(*row) for row in db.execute(_going_back(meant), values)]
    stays = [Stays(*row) for row in db.execute(_staying(meant, values["undone_by"] is not None), values)]
    lifted = _lifted(db, values)
    n_back, n_stays = sum(one.n for one in back), sum(one.n for one in stays)
    return Preview(
        n_acts=len(act_ids), n_objects=n_back + n_stays, back=back, stays=stays, lifted=lifted,
        n_back=n_back, n_stays=n_stays,
        n_as_before=sum(one.n for one in back if (one.status, one.taxon_id) == (one.to_status, one.to_taxon_id)),
        n_refusals=sum(one.n for one in lifted),
    )  # fmt: skip


_TOUCHED = """
touched as materialized (
    select history.object_id, history.act_id, history.new_version, label.status, label.taxon_id, label.account_id,
           label.act_id as act_in_force
      from history
      join label on label.project_id = history.project_id and label.object_id = history.object_id
     where history.project_id = %(project_id)s
       and history.act_id = any(%(act_ids)s::bigint[])
)"""


def _going_back(meant: str) -> str:
    """Labels in force are followed down to the first that none of the acts gave."""
    in_force = """
      from touched
      join history on history.project_id = %(project_id)s
                  and history.act_id = touched.act_id
                  and history.object_id = touched.object_id
                  and touched.act_in_force = touched.act_id"""
    return f"""
    with recursive {_TOUCHED},
    {former(in_force, meant)},
    shown as (
        select touched.status, touched.taxon_id,
               case when former.old_taxon_id is null and prediction.taxon_id is not null then 'P'
                    else coalesce(former.old_status, 'U') end as to_status,
               coalesce(former.old_taxon_id, prediction.taxon_id) as to_taxon_id
          from former
          join touched on touched.object_id = former.object_id and touched.act_in_force = touched.act_id
          join project on project.id = %(project_id)s
          left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = former.object_id
                              and prediction.run_id = project.current_run_id and former.old_taxon_id is null
    ),
    counted as (
        select status, taxon_id, to_status, to_taxon_id, count(*) as n
          from shown
         group by status, taxon_id, to_status, to_taxon_id
    )
    select counted.status, counted.taxon_id, taxon.display_name as taxon,
           to_status, to_taxon_id, to_taxon.display_name as to_taxon, n
      from counted
      left join taxon on taxon.id = counted.taxon_id
      left join taxon as to_taxon on to_taxon.id = counted.to_taxon_id
     order by n desc, taxon, to_taxon
    """  # noqa: S608 (constants)


# What the undo of an act that was undone already put back.
_BY_ITS_UNDO = """
    select
      from (select act_id
              from history
             where project_id = %(project_id)s
               and object_id = touched.object_id
            offset 0) as undone
      join act as undoing on undoing.id = undone.act_id
     where (undoing.id = %(undone_by)s or undoing.reverses = touched.act_id)"""


def _staying(meant: str, is_undone: bool) -> str:
    """What carries a label of somebody else since, or none again: counted with the latest of the acts.

    `offset 0`: each object's few changes are looked up by themselves; else, where nothing is known of the tables yet,
    PostgreSQL reads all of an act for each of its objects.
    """
    not_by_that_undo = f"and not exists ({_BY_ITS_UNDO})" if is_undone else ""
    return f"""
    with {_TOUCHED},
    stays as (
        select case when latest.act_id is null then touched.account_id else latest.account_id end as account_id,
               latest.edit, touched.status, touched.taxon_id, count(*) as n
          from touched
          {LATEST}
         where act_in_force is distinct from touched.act_id
           and not exists (select from act where act.id = touched.act_in_force and {meant})
           and not exists (select
                             from (select act_id
                                     from history
                                    where project_id = %(project_id)s
                                      and object_id = touched.object_id
                                      and new_version > touched.new_version
                                   offset 0) as newer
                             join act on act.id = newer.act_id and {meant})
           {not_by_that_undo}
         group by 1, 2, 3, 4
    )
    select stays.account_id, account.name as by, stays.status, stays.taxon_id, taxon.display_name as taxon, n,
           stays.edit
      from stays
      left join account on account.id = stays.account_id
      left join taxon on taxon.id = stays.taxon_id
     order by n desc, taxon
    """  # noqa: S608 (constants)


def _lifted(db: Db, values: dict[str, Any]) -> list[Lifted]:
    """What these acts said objects not to be, where nobody has reset it."""
    rows = db.execute(
        """
        select taxon.id, taxon.display_name, count(distinct refusal.object_id) as n
          from refusal
          join taxon on taxon.id = refusal.taxon_id
         where refusal.act_id = any(%(act_ids)s::bigint[])
           and refusal.lapsed_at is null
         group by taxon.id, taxon.display_name
         order by n desc, taxon.display_name
        """,
        values,
    )
    return [Lifted(*row) for row in rows]
