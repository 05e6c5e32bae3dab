"""Takes labels in that changed at EcoTaxa alone, as acts that can be undone, and agrees on them."""

from typing import Any
from uuid import uuid4

from app.database import Db
from app.ecotaxa.visits import Link
from app.labels import changes
from app.labels.acts import InBatch, begin

PART_OBJECTS = 20_000

# A label that changed here since it was compared no longer fits: the next comparison tells it as a conflict. Who
# labelled there is looked up by name, where one account alone has it.
_TAKE = changes.changing(
    """
with part as materialized (
    select theirs.object_id, theirs.remote_id, theirs.at as their_at, theirs.by_name, theirs.seen_version,
           case when theirs.status in ('D', 'V') then theirs.status else 'U' end as to_status,
           case when theirs.status in ('D', 'V') then coalesce(taxon.id, said.taxon_id) end as to_taxon_id
      from ecotaxa_object as theirs
      left join taxon on taxon.ecotaxa_id = theirs.taxon_id
      left join lateral (select min(taxon_id) as taxon_id
                           from ecotaxa_taxon
                          where project_id = %(project_id)s
                            and remote_id = theirs.taxon_id) as said on true
     where theirs.project_id = %(project_id)s
       and theirs.object_id = any(%(object_ids)s::bigint[])
),
named as (
    select by_name, min(account.id) as account_id
      from (select distinct by_name from part where by_name is not null) as told
      join account on lower(account.name) = lower(by_name)
     group by by_name
    having count(*) = 1
),
held as materialized (
    select ctid as place, object_id, version, status, taxon_id, account_id, at, provenance, act_id
      from label
     where project_id = %(project_id)s
       and object_id = any(%(object_ids)s::bigint[])
     order by object_id
       for no key update
),
asked as materialized (
    select part.object_id, part.to_status, part.to_taxon_id,
           coalesce(named.account_id, %(account_id)s::int) as to_account_id, coalesce(their_at, now()) as to_at,
           'imported' as to_provenance, %(act_id)s::bigint as to_act_id,
           held.place, held.version, held.status, held.taxon_id, held.account_id, held.at, held.provenance,
           held.act_id, project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           coalesce(held.version, 0) = seen_version
               and (to_status <> 'U' or held.status in ('D', 'V'))
               and (to_status = 'U' or to_taxon_id is not null) as fits
      from part
      join project on project.id = %(project_id)s
      left join named using (by_name)
      left join held on held.object_id = part.object_id
      left join prediction on prediction.project_id = %(project_id)s
                          and prediction.object_id = part.object_id
                          and prediction.run_id = project.current_run_id
                          and prediction.object_id = any(%(object_ids)s::bigint[])
),
"""
)


def take_part(db: Db, link: Link, account_id: int, after: int) -> tuple[int | None, int | None, int]:
    """One act, in the caller's transaction: its id where it changed something, up to which object it went (nothing
    where none is left), and how many labels it took."""
    part = _next(db, link.project_id, after)
    if not part:
        return None, None, 0
    until = part[-1].remote_id
    place = InBatch(detail={"from": f"EcoTaxa’s project {link.remote_id}", "address": link.address})
    act_id = begin(db, link.project_id, account_id, uuid4(), "import", None, None, "imported", place)
    values = {
        "project_id": link.project_id, "act_id": act_id, "account_id": account_id,
        # By its length PostgreSQL knows how many there are, and joins them all at once.
        "object_ids": changes.array(row.object_id for row in part),
    }  # fmt: skip
    changed = changes.change(db, _TAKE, values)
    if not changed:
        db.execute("delete from act where id = %s", [act_id])
        return None, until, 0
    db.execute("update act set n_objects = %s where id = %s", [len(changed), act_id])
    agree(db, link.project_id, [row.id for row in changed])
    return act_id, until, len(changed)


def _next(db: Db, project_id: int, after: int) -> list[Any]:
    return db.execute(
        """
        select remote_id, object_id
        from ecotaxa_object
        where project_id = %s
          and difference = 'take'
          and remote_id > %s
        order by remote_id
        limit %s
        """,
        [project_id, after, PART_OBJECTS],
    ).fetchall()


def agree(db: Db, project_id: int, object_ids: list[int]) -> None:
    """What stands on both sides now is what they agreed on."""
    db.execute(
        """
        update ecotaxa_object
        set difference = null,
            seen_version = null,
            base_status = case when ecotaxa_object.status in ('D', 'V') then ecotaxa_object.status end,
            base_taxon_id = case when ecotaxa_object.status in ('D', 'V') then ecotaxa_object.taxon_id end,
            our_status = case when label.status in ('D', 'V') then label.status end,
            our_taxon_id = case when label.status in ('D', 'V') then label.taxon_id end
        from label
        where ecotaxa_object.project_id = %(project)s
          and ecotaxa_object.object_id = any(%(ids)s::bigint[])
          and label.project_id = %(project)s
          and label.object_id = ecotaxa_object.object_id
          and label.object_id = any(%(ids)s::bigint[])
        """,
        {"project": project_id, "ids": changes.array(object_ids)},
    )
