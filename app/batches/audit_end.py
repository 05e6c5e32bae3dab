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


def provenances(db: Db, audit: Audit, account_id: int, ids: list[int]) -> list[tuple[int, str]]:
    """What accepting labels of the audit's objects: first what nobody judged, always in the same order, then what was
    judged right in this and earlier audits of the same and not labelled since. Only what the accepting person saw with
    her own eyes was not accepted unseen."""
    rows = db.execute(
        """
        select drawn.object_id, bool_and(drawn.is_right) as is_right, bool_or(%(account_id)s = any(seen_by)) as is_seen,
               bool_or(label.object_id is not null) as is_labelled
          from audit_object as drawn
          join audit on audit.id = drawn.audit_id
          left join label on label.project_id = audit.project_id and label.object_id = drawn.object_id
                         and label.status in ('V', 'D') and label.at > drawn.at
                         and not coalesce(label.act_id = any(%(act_ids)s::bigint[]), false)
         where (source, source_id, audit.taxon_id) = (%(source)s, %(source_id)s, %(taxon_id)s)
           and audit.project_id = (select project_id from audit as this where this.id = %(audit_id)s)
           and (drawn.is_right is not null or audit.id = %(audit_id)s)
         group by drawn.object_id
         order by drawn.object_id
        """,
        {
            "account_id": account_id, "act_ids": [act.id for act in acts_of(db, audit.id)], "audit_id": audit.id,
            "source": audit.source, "source_id": audit.source_id, "taxon_id": audit.taxon_id,
        },
    ).fetchall()  # fmt: skip
    members, judged = set(ids), {row.object_id for row in rows}
    right = [row for row in rows if row.object_id in members and row.is_right and not row.is_labelled]
    return [(id, "audit") for id in sorted(members - judged)] + [
        (row.object_id, "batch" if row.is_seen else "audit") for row in right
    ]


def n_seen(db: Db, audit: Audit, account_id: int) -> int:
    """How many of what accepting labels this person saw among the samples of this and earlier audits of the same."""
    row = db.execute(
        """
        select count(distinct drawn.object_id)
          from audit_object as drawn
          join audit on audit.id = drawn.audit_id
          join audit as this on this.id = %s
         where (audit.project_id, audit.source, audit.source_id, audit.taxon_id)
               = (this.project_id, this.source, this.source_id, this.taxon_id)
           and drawn.is_right
           and %s = any(drawn.seen_by)
           and drawn.object_id in (select unnest(object_ids) from audit where id = this.id)
        """,
        [audit.id, account_id],
    ).fetchone()
    return int(row[0])


def close(db: Db, project_id: int, audit: Audit, act_id: int, account_id: int, ids: list[int]) -> None:
    """The audit is over, and what it labelled has left its source."""
    db.execute(
        "update audit set state = 'accepted', act_id = %s, decided_by = %s, ended_at = now() where id = %s",
        [act_id, account_id, audit.id],
    )
    if audit.source == "batch":
        _put(db, audit.source_id, ids, LEFT)
    elif audit.source == "pile" and (audit.upto is None or not piles.open_members(db, project_id, audit.source_id, 1)):
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
