"""Which run of predictions a project shows: publishing one, or taking it back, moves one pointer."""

from app.database import Db
from app.errors import Conflict, NotFound
from app.labels.acts import Labelled
from app.labels.changes import SEEN_STATE_LOCK


def publish(db: Db, project: Labelled, run_id: int) -> None:
    """Show this run's predictions wherever no person's word stands, instead of the run before."""
    if project.status != "annotate":
        raise Conflict("This project takes no predictions: a manager can change its status in its settings.")
    if not db.execute("select 1 from run where project_id = %s and id = %s", [project.id, run_id]).fetchone():
        raise NotFound("This project has no such run of predictions.")
    _point_at(db, project.id, run_id)


def unpublish(db: Db, project: Labelled, run_id: int | None = None) -> None:
    """Show no predictions again, or those of the given earlier run."""
    if run_id is not None:
        publish(db, project, run_id)
    else:
        _point_at(db, project.id, None)


def _point_at(db: Db, project_id: int, run_id: int | None) -> None:
    """Waits for the acts in progress and holds new ones back until the commit, or the counts would miss them."""
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, project_id])
    db.execute(
        """
        with project as (
            select current_run_id from project where id = %(project_id)s
        ),
        difference as (
            select prediction.taxon_id, case when prediction.run_id = %(run_id)s then 1 else -1 end as n
              from prediction
              join project on prediction.run_id in (project.current_run_id, %(run_id)s)
             where prediction.project_id = %(project_id)s
               and project.current_run_id is distinct from %(run_id)s::int
               and not exists (select
                                 from label
                                where label.project_id = %(project_id)s
                                  and label.object_id = prediction.object_id
                                  and label.status in ('D', 'V'))
        ),
        total as (
            select taxon_id, 'P' as status, sum(n) as n from difference group by taxon_id
            union all
            select 0, 'U', -sum(n) from difference
        )
        insert into count_delta (project_id, taxon_id, status, n)
        select %(project_id)s, taxon_id, status, n
          from total
         where n <> 0
        """,
        {"project_id": project_id, "run_id": run_id},
    )
    db.execute(
        "update project set current_run_id = %s, data_version = data_version + 1 where id = %s", [run_id, project_id]
    )
