"""What objects that come to a project, or leave it, change in its counts."""

from app.database import Db
from app.labels.changes import SEEN_STATE_LOCK


def hold(db: Db, project_id: int) -> None:
    """Until the transaction ends nobody changes what one sees of the project's objects, so that counts stay true."""
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, project_id])


def share(db: Db, project_id: int) -> None:
    """Until the transaction ends no other run of predictions comes into force."""
    db.execute("select pg_advisory_xact_lock_shared(%s, %s)", [SEEN_STATE_LOCK, project_id])


def count_piece(db: Db, project_id: int, sign: int) -> None:
    """Add what one sees of the objects in `piece` (object_id of this project), or take it away."""
    # By whole arrays, each an index walked once: of a project that was just made nothing is known to plan by.
    db.execute(
        """
        with there as materialized (
            select id as object_id
              from object
             where project_id = %(project)s
               and id = any(array(select object_id from piece))
        ),
        labelled as materialized (
            select object_id, status, taxon_id
              from label
             where project_id = %(project)s
               and object_id = any(array(select object_id from piece))
               and status in ('D', 'V')
        ),
        predicted as materialized (
            select object_id, taxon_id
              from prediction
             where project_id = %(project)s
               and run_id = (select current_run_id from project where id = %(project)s)
               and object_id = any(array(select object_id from piece))
        )
        insert into count_delta (project_id, taxon_id, status, n)
        select %(project)s, coalesce(labelled.taxon_id, predicted.taxon_id, 0) as seen_taxon_id,
               coalesce(labelled.status, case when predicted.taxon_id is null then 'U' else 'P' end) as seen_status,
               %(sign)s * count(*)
          from there
          left join labelled using (object_id)
          left join predicted using (object_id)
         group by seen_taxon_id, seen_status
        """,
        {"project": project_id, "sign": sign},
    )


def changed(db: Db, project_id: int) -> None:
    """Whoever keeps something of the project's objects in memory reads it anew."""
    db.execute("update project set data_version = data_version + 1 where id = %s", [project_id])
