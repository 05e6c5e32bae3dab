"""What objects that come to a project, or leave it, change in its counts."""

from app.database import Db
from app.labels.changes import SEEN_STATE_LOCK, array


def hold(db: Db, project_id: int) -> None:
    """Until the transaction ends nobody changes what one sees of the project's objects, so that counts stay true."""
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, project_id])


def share(db: Db, project_id: int) -> None:
    """Until the transaction ends no other run of predictions comes into force."""
    db.execute("select pg_advisory_xact_lock_shared(%s, %s)", [SEEN_STATE_LOCK, project_id])


def count_piece(db: Db, project_id: int, sign: int) -> None:
    """Add what one sees of the objects in `piece` (object_id of this project), or take it away."""
    # Put together without a join, and of ids that are known when it is planned, so that also a plan by the wrong index
    # looks each up in a hash: of a project that was just made nothing is known to plan by.
    rows = db.execute("select object_id from piece")
    db.execute(
        """
        with said as (
            select id as object_id, true as there, null::text as status, null::int as taxon_id, null::int as predicted
              from object
             where project_id = %(project)s
               and id = any(%(ids)s::bigint[])
            union all
            select object_id, false, status, taxon_id, null
              from label
             where project_id = %(project)s
               and object_id = any(%(ids)s::bigint[])
               and status in ('D', 'V')
            union all
            select object_id, false, null, null, taxon_id
              from prediction
             where project_id = %(project)s
               and run_id = (select current_run_id from project where id = %(project)s)
               and object_id = any(%(ids)s::bigint[])
        ),
        seen as (
            select max(status) as status, max(taxon_id) as taxon_id, max(predicted) as predicted
              from said
             group by object_id
            having bool_or(there)
        )
        insert into count_delta (project_id, taxon_id, status, n)
        select %(project)s, coalesce(taxon_id, predicted, 0) as seen_taxon_id,
               coalesce(status, case when predicted is null then 'U' else 'P' end) as seen_status,
               %(sign)s * count(*)
          from seen
         group by seen_taxon_id, seen_status
        """,
        {"project": project_id, "sign": sign, "ids": array(row.object_id for row in rows)},
        prepare=False,
    )


def changed(db: Db, project_id: int) -> None:
    """Whoever keeps something of the project's objects in memory reads it anew."""
    db.execute("update project set data_version = data_version + 1 where id = %s", [project_id])
