"""The end of an audit: what it accepted leaves its batch or pile, and waits there again once no act of it stands.

A large acceptance is done in slices, each an act of its own: it stands as long as one of them does.
"""

from dataclasses import dataclass

import numpy as np

from app.batches import piles, places
from app.batches.audit_state import Audit
from app.batches.places import LEFT, WAITING
from app.database import Db
from app.labels.reversals import on_reversal


@dataclass(frozen=True)
class AuditAct:
    """One act of an acceptance, and whether it was undone."""

    id: int
    account_id: int | None
    n: int
    undone: bool


def acts_of(db: Db, audit_id: int) -> list[AuditAct]:
    """In the order in which they were done."""
    rows = db.execute(
        """
        select id, account_id, n_objects, reversed_by is not null
          from act
         where provenance = 'audit'
           and (detail -> 'audit' ->> 'id')::bigint = %s
           and n_objects > 0
         order by id
        """,
        [audit_id],
    )
    return [AuditAct(*row) for row in rows]


def judged_right(db: Db, audit: Audit) -> list[int]:
    """What this and earlier audits of the same showed to be right: seen, and not labelled since."""
    rows = db.execute(
        """
        select distinct audit_object.object_id
          from audit_object
          join audit on audit.id = audit_object.audit_id
          left join label on label.project_id = audit.project_id and label.object_id = audit_object.object_id
                         and label.status in ('V', 'D') and label.at > audit_object.at
         where (source, source_id, audit.taxon_id) = (%s, %s, %s)
           and audit.project_id = (select project_id from audit as this where this.id = %s)
           and (state <> 'accepted' or audit.id = %s)
           and is_right
           and label.object_id is null
         order by audit_object.object_id
        """,
        [audit.source, audit.source_id, audit.taxon_id, audit.id, audit.id],
    )
    return [row.object_id for row in rows]


def close(db: Db, audit: Audit, act_id: int, account_id: int, ids: list[int]) -> None:
    """The audit is over, and what it labelled has left its source."""
    db.execute(
        "update audit set state = 'accepted', act_id = %s, decided_by = %s, ended_at = now() where id = %s",
        [act_id, account_id, audit.id],
    )
    if audit.source == "batch":
        _put(db, audit.source_id, ids, LEFT)
    elif audit.source == "pile":
        piles.settle(db, audit.source_id, audit.taxon_id, act_id)


def _put(db: Db, batch_id: int, ids: list[int], place: int) -> None:
    if db.execute("select from batch where id = %s for no key update", [batch_id]).fetchone() is not None:
        listed = places.read(db, batch_id)
        listed.put(np.array(ids, np.int64), place)
        places.write(db, batch_id, listed)


@on_reversal
def follow(db: Db, project_id: int, act_ids: list[int], undone: bool) -> None:
    """What an audit accepted waits again in its batch or pile when its act is undone; where there was no sample, the
    audit is over. One that a job is still accepting stays with that job."""
    rows = db.execute(
        """
        with touched as (
            select (detail -> 'audit' ->> 'id')::bigint as audit_id, array_agg(id) as act_ids
              from act
             where id = any(%(act_ids)s)
               and provenance = 'audit'
             group by 1
        )
        update audit
           set state = case when stands then 'accepted' when was_waived then 'dropped' else 'open' end
          from touched,
               lateral (select bool_or(reversed_by is null) as stands,
                               bool_or((detail -> 'audit' -> 'waived')::boolean) as was_waived
                          from act
                         where provenance = 'audit'
                           and (detail -> 'audit' ->> 'id')::bigint = touched.audit_id
                           and n_objects > 0) as acceptance
         where audit.id = touched.audit_id
           and audit.project_id = %(project_id)s
           and audit.state <> 'accepting'
        returning audit.source, audit.source_id, audit.taxon_id, audit.act_id, touched.act_ids
        """,
        {"act_ids": act_ids, "project_id": project_id},
    ).fetchall()
    for row in rows:
        if row.source == "batch":
            touched = db.execute(
                "select object_id from history where project_id = %s and act_id = any(%s)", [project_id, row.act_ids]
            ).fetchall()
            _put(db, row.source_id, [one.object_id for one in touched], WAITING if undone else LEFT)
        elif row.source == "pile":
            piles.settle(db, row.source_id, None if undone else row.taxon_id, None if undone else row.act_id)
