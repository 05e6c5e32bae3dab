"""The one statement that changes labels: states, history and counts together, each object guarded by its version.

The statement takes the labels that it may change in the order of their ids, waits for whoever holds one, and reads each
as it then is; where there is no label yet it makes one, in the same order, unless somebody made it meanwhile. So
overlapping acts wait for each other and never deadlock, and what changed meanwhile is neither written nor logged.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

from app.database import Db
from app.labels.former import former, hold_undos

# Acts share this lock, and a change of the current run takes it alone: what one sees, and so what is counted, cannot
# change between an act's snapshot and its commit. The second key is the project.
SEEN_STATE_LOCK = 7401

# `asked` gives each object's label, the current run's prediction, the label to write and whether it fits.
_CHANGE = """
moved as (
    update label
       set status = to_status, taxon_id = to_taxon_id, account_id = to_account_id, at = to_at,
           provenance = to_provenance, version = asked.version + 1, act_id = to_act_id
      from asked
     where fits
       and label.project_id = %(project_id)s
       and label.ctid = any(array(select place from asked where fits and place is not null))
       and label.object_id = asked.object_id
    returning asked.*
),
made as (
    insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version, act_id)
    select %(project_id)s, object_id, to_status, to_taxon_id, to_account_id, to_at, to_provenance, 1, to_act_id
      from asked
     where fits
       and version is null
     order by object_id
    on conflict (project_id, object_id) do nothing
    returning object_id
),
after as materialized (
    select changed.*, coalesce(version, 0) + 1 as new_version,
           case when status in ('D', 'V') then status when predicted_taxon_id is not null then 'P' else 'U' end
               as was_status,
           case when status in ('D', 'V') then taxon_id else coalesce(predicted_taxon_id, 0) end as was_taxon_id,
           case when to_status in ('D', 'V') then to_status when predicted_taxon_id is not null then 'P' else 'U' end
               as now_status,
           case when to_status in ('D', 'V') then to_taxon_id else coalesce(predicted_taxon_id, 0) end as now_taxon_id
      from (select * from moved
            union all
            select asked.* from made join asked using (object_id)) as changed
),
logged as (
    insert into history (project_id, object_id, act_id, old_status, old_taxon_id, old_account_id, old_at,
                         old_provenance, old_act_id, old_predicted_taxon_id, old_score,
                         new_status, new_taxon_id, new_version)
    select %(project_id)s, object_id, %(act_id)s, status, taxon_id, account_id, at,
           provenance, act_id, predicted_taxon_id, score, to_status, to_taxon_id, new_version
      from after
     order by object_id
),
counted as (
    insert into count_delta (project_id, taxon_id, status, n)
    select %(project_id)s, difference.taxon_id, difference.status, sum(n)
      from (select was_taxon_id as taxon_id, was_status as status, -1 as n from after
            union all
            select now_taxon_id, now_status, 1 from after) as difference
     group by difference.taxon_id, difference.status
    having sum(n) <> 0
)
"""
_TOLD = """
select object_id as id, new_version as version, run_id, now_status as status, nullif(now_taxon_id, 0) as taxon_id, score
  from after
 order by object_id
"""
_COUNTED = "select count(*) as n from after"


def changing(asked: str, *, counted: bool = False) -> str:
    """The whole statement, from the part that ends in `asked`. `counted`: it tells how many changed, not which."""
    return asked + _CHANGE + (_COUNTED if counted else _TOLD)


# A word said on objects as they were shown: version of the label, and the run where what was seen was its prediction.
# Labels and predictions are found by whole arrays, which walk an index once from left to right. Objects are looked for
# one by one, and only where there is neither: `exists` would have PostgreSQL read all of the project's.
_SAY = changing(
    """
with shown as (
    select *
      from unnest(%(object_ids)s::bigint[], %(versions)s::int[], %(run_ids)s::int[])
           as shown (object_id, version, run_id)
),
held as materialized (
    select ctid as place, object_id, version, status, taxon_id, account_id, at, provenance, act_id
      from label
     where project_id = %(project_id)s
       and object_id = any(%(object_ids)s::bigint[])
     order by object_id
       for no key update
),
predicted as materialized (
    select prediction.object_id, prediction.taxon_id, prediction.score
      from prediction
     where project_id = %(project_id)s
       and run_id = (select current_run_id from project where id = %(project_id)s)
       and object_id = any(%(object_ids)s::bigint[])
),
seen as (
    select shown.object_id, shown.version as shown_version, shown.run_id as shown_run_id,
           held.place, held.version, held.status, held.taxon_id, held.account_id, held.at, held.provenance, held.act_id,
           project.current_run_id as run_id, predicted.taxon_id as predicted_taxon_id, predicted.score,
           case when held.status in ('D', 'V') then held.taxon_id else predicted.taxon_id end as seen_taxon_id,
           case when held.status in ('D', 'V') or predicted.taxon_id is null then 0
                else project.current_run_id end as seen_run_id
      from shown
      join project on project.id = %(project_id)s
      left join held on held.object_id = shown.object_id
      left join predicted on predicted.object_id = shown.object_id
     where coalesce(held.object_id, predicted.object_id,
                    (select id from object where project_id = %(project_id)s and id = shown.object_id)) is not null
),
meant as (
    select seen.*, coalesce(%(taxon_id)s::int, seen_taxon_id) as to_taxon_id, %(status)s::text as to_status,
           %(account_id)s::int as to_account_id, now() as to_at, %(provenance)s::text as to_provenance,
           %(act_id)s::bigint as to_act_id
      from seen
),
asked as materialized (
    select meant.*,
           coalesce(version, 0) = shown_version and seen_run_id = shown_run_id and to_taxon_id is not null
           and (status, taxon_id, account_id) is distinct from (to_status, to_taxon_id, to_account_id)
           and (to_status <> 'V' or %(taxon_id)s::int is not null
                or not exists (select from taxon where taxon.id = to_taxon_id and taxon.status = 'D')) as fits
      from meant
),
"""
)

# Undo: each object's label as it was before the act `of_act_id`, where that act is still the one in force.
_OF_ACT = """
      from (select *
              from history
             where project_id = %(project_id)s
               and act_id = %(of_act_id)s) as history"""
_TAKE_BACK = changing(
    f"""
with recursive {former(_OF_ACT)},
asked as materialized (
    select former.object_id, coalesce(former.old_status, 'U') as to_status, former.old_taxon_id as to_taxon_id,
           former.old_account_id as to_account_id, coalesce(former.old_at, now()) as to_at,
           coalesce(former.old_provenance, 'single') as to_provenance, former.old_act_id as to_act_id,
           label.ctid as place, label.version, label.status, label.taxon_id, label.account_id, label.at,
           label.provenance, label.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           label.act_id is not distinct from %(of_act_id)s::bigint as fits
      from former
      join project on project.id = %(project_id)s
      join label on label.project_id = %(project_id)s and label.object_id = former.object_id
                -- Named once more as an array: else all labels of the project are read beside the few.
                and label.object_id = any(array(select object_id from former))
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = former.object_id
                          and prediction.run_id = project.current_run_id
     order by former.object_id
       for no key update of label
),
"""  # noqa: S608 (constants)
)

# Redo: each object's label as the act `of_act_id` made it, where the label is again what it was before that act. One
# that accepted under an audit gave two provenances: what replaced the label knows which.
_BRING_BACK = changing(
    f"""
with recursive {former(_OF_ACT)},
asked as materialized (
    select history.object_id, history.new_status as to_status, history.new_taxon_id as to_taxon_id,
           case when act.kind = 'replace' then label.account_id else act.account_id end as to_account_id,
           case when act.kind = 'replace' then label.at else act.at end as to_at, act.id as to_act_id,
           (select coalesce(max(later.old_provenance), act.provenance)
              from history as later
             where later.project_id = %(project_id)s
               and later.object_id = history.object_id
               and later.old_act_id = history.act_id) as to_provenance,
           label.ctid as place, label.version, label.status, label.taxon_id, label.account_id, label.at,
           label.provenance, label.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           (label.status, label.taxon_id, label.act_id) is not distinct from
           (coalesce(former.old_status, 'U'), former.old_taxon_id, former.old_act_id) as fits
      from history
      join former on former.object_id = history.object_id
      join act on act.id = history.act_id
      join project on project.id = %(project_id)s
      join label on label.project_id = %(project_id)s and label.object_id = history.object_id
                and label.object_id = any(array(select object_id from former))
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = history.object_id
                          and prediction.run_id = project.current_run_id
     where history.project_id = %(project_id)s
       and history.act_id = %(of_act_id)s
     order by history.object_id
       for no key update of label
),
"""  # noqa: S608 (constants)
)


class Changed(NamedTuple):
    """An object's label just written, and what one sees of it now."""

    id: int
    version: int
    run_id: int | None
    status: str
    taxon_id: int | None
    score: float | None


class Seen(NamedTuple):
    """What one sees of an object: a person's word, else the machine's, else nothing; with who and when."""

    id: int
    version: int
    run_id: int | None
    status: str
    taxon_id: int | None
    taxon: str | None
    account_id: int | None
    by: str | None
    at: datetime | None


def state_token(version: int, status: str, run_id: int | None) -> str:
    """What the browser sends back to say which state it showed."""
    return f"{version}.{run_id if status == 'P' else 0}"


def say(
    db: Db,
    project_id: int,
    act_id: int,
    account_id: int,
    shown: tuple[Sequence[int], Sequence[int], Sequence[int]],
    status: str,
    taxon_id: int | None,
    provenance: str,
) -> list[Changed]:
    """Label objects where they still are as shown (ids, versions, runs); a taxon of None keeps the seen one, and none
    is validated as one that is deprecated."""
    object_ids, versions, run_ids = map(array, shown)
    parameters = {
        "project_id": project_id, "act_id": act_id, "account_id": account_id,
        "object_ids": object_ids, "versions": versions, "run_ids": run_ids,
        "status": status, "taxon_id": taxon_id, "provenance": provenance,
    }  # fmt: skip
    return change(db, _SAY, parameters)


def take_back(db: Db, project_id: int, act_id: int, of_act_id: int) -> list[Changed]:
    """Put back the labels from before an act, wherever it is still in force."""
    hold_undos(db, project_id)
    return change(db, _TAKE_BACK, {"project_id": project_id, "act_id": act_id, "of_act_id": of_act_id})


def bring_back(db: Db, project_id: int, act_id: int, of_act_id: int) -> list[Changed]:
    """Put an undone act's labels in force again, wherever nothing happened since."""
    hold_undos(db, project_id)
    return change(db, _BRING_BACK, {"project_id": project_id, "act_id": act_id, "of_act_id": of_act_id})


def change(db: Db, statement: str, parameters: dict[str, Any]) -> list[Changed]:
    """Run a statement of this kind, while no other run of predictions can come into force."""
    db.execute("select pg_advisory_xact_lock_shared(%s, %s)", [SEEN_STATE_LOCK, parameters["project_id"]])
    with db.cursor(row_factory=tuple_row) as cursor:
        return [*map(Changed._make, cursor.execute(statement, parameters).fetchall())]


def change_many(db: Db, statement: str, parameters: dict[str, Any]) -> int:
    """The same of a statement that is `counted`: how many changed."""
    db.execute("select pg_advisory_xact_lock_shared(%s, %s)", [SEEN_STATE_LOCK, parameters["project_id"]])
    row: Any = db.execute(statement, parameters).fetchone()
    return int(row.n)


def array(numbers: Iterable[int]) -> str:
    """Whole numbers in PostgreSQL's own notation, many times sooner than psycopg writes a list of thousands."""
    return "{" + ",".join(map(str, numbers)) + "}"


def seen_states(db: Db, project_id: int, object_ids: Sequence[int]) -> dict[int, Seen]:
    """What one sees of these objects now; those that the project does not have are missing."""
    rows = db.execute(
        """
        select object.id, coalesce(label.version, 0) as version, project.current_run_id as run_id,
               case when label.status in ('D', 'V') then label.status when prediction.taxon_id is not null then 'P'
                    else 'U' end as status,
               taxon.id as taxon_id, taxon.display_name as taxon, label.account_id, account.name as by, label.at
          from object
          join project on project.id = object.project_id
          left join label on label.project_id = object.project_id and label.object_id = object.id
          left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                              and prediction.run_id = project.current_run_id
          left join taxon on taxon.id = case when label.status in ('D', 'V') then label.taxon_id
                                             else prediction.taxon_id end
          left join account on account.id = label.account_id
         where object.project_id = %s
           and object.id = any(%s)
        """,
        [project_id, list(object_ids)],
    )
    return {row.id: Seen(*row) for row in rows}
