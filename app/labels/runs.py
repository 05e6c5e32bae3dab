"""Which run of predictions a project shows: publishing one, or taking it back, moves one pointer."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.errors import Conflict, NotFound
from app.labels.acts import Labelled
from app.labels.changes import SEEN_STATE_LOCK


@dataclass(frozen=True)
class Counted:
    """A complete run's predictions by taxon, of objects on which no person had spoken when it was counted."""

    snapshot: str
    taxa: list[int]
    numbers: list[int]


# Objects that were labelled since the run's predictions were counted, but by the transaction that counted them.
TOUCHED = """
    select object_id, (array_agg(old_status order by new_version))[1] as old_status
      from history
     where project_id = %(project_id)s
       and tx >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
       and not pg_visible_in_snapshot(tx, %(snapshot)s::pg_snapshot)
       and tx is distinct from pg_current_xact_id_if_assigned()
     group by object_id
"""
# Predictions of these that show more, or fewer, than when they were counted.
SINCE_COUNTED = """
    select prediction.taxon_id,
           coalesce(touched.old_status in ('D', 'V'), false)::int
               - coalesce(label.status in ('D', 'V'), false)::int
      from touched
      join prediction on prediction.project_id = %(project_id)s
                     and prediction.run_id = %(run_id)s
                     and prediction.object_id = touched.object_id
      left join label on label.project_id = %(project_id)s
                     and label.object_id = touched.object_id
"""


def count(db: Db, project_id: int, run_id: int | None) -> Counted:
    """What `publish` is to be given where it shall hold nobody up: a million take seconds. The caller keeps the run
    from being changed until then."""
    row: Any = db.execute(
        """
        select pg_current_snapshot()::text as snapshot, coalesce(array_agg(taxon_id), '{}') as taxa,
               coalesce(array_agg(n), '{}') as numbers
          from (select prediction.taxon_id, count(*) as n
                  from prediction
                 where prediction.project_id = %(project_id)s
                   and prediction.run_id = %(run_id)s
                   and not exists (select
                                     from label
                                    where label.project_id = %(project_id)s
                                      and label.object_id = prediction.object_id
                                      and label.status in ('D', 'V'))
                 group by prediction.taxon_id) as told
        """,
        {"project_id": project_id, "run_id": run_id},
    ).fetchone()
    return Counted(*row)


def publish(db: Db, project: Labelled, run_id: int, counted: Counted | None = None) -> None:
    """Show this run's predictions wherever no person's word stands, instead of the run before. `counted`: in this
    transaction."""
    if project.status != "annotate":
        raise Conflict("This project takes no predictions: a manager can change its status in its settings.")
    found = db.execute(
        "select 1 from run where project_id = %s and id = %s and removed_at is null", [project.id, run_id]
    )
    if not found.fetchone():
        raise NotFound("This project has no such run of predictions.")
    _point_at(db, project.id, run_id, counted)


def unpublish(db: Db, project: Labelled, run_id: int | None = None, counted: Counted | None = None) -> None:
    """Show no predictions again, or those of the given earlier run."""
    if run_id is not None:
        publish(db, project, run_id, counted)
    else:
        _point_at(db, project.id, None)


def _point_at(db: Db, project_id: int, run_id: int | None, counted: Counted | None = None) -> None:
    """Waits for the acts in progress and holds new ones back until the commit, or the counts would miss them."""
    counted = counted or count(db, project_id, run_id)
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, project_id])
    changed = db.execute(
        """
        select 1
          from project
         where id = %s
           and current_run_id is distinct from %s::int
        """,
        [project_id, run_id],
    )
    if changed.fetchone():
        _write_counts(db, project_id, run_id, counted)
    # The version is the next of all projects, as a trigger has it: none comes twice, also where this is rolled back.
    db.execute(
        "update project set current_run_id = %s, data_version = data_version + 1 where id = %s", [run_id, project_id]
    )


def _write_counts(db: Db, project_id: int, run_id: int | None, counted: Counted) -> None:
    """What the run to be shown predicts, instead of what is predicted now. While acts wait no predictions are read but
    those of what was labelled since they were counted: how many the run before shows is known from the counts."""
    db.execute(
        f"""
        with touched as ({TOUCHED}),
        difference as (
            select taxon_id, n::bigint
              from unnest(%(taxa)s::int[], %(numbers)s::bigint[]) as counted (taxon_id, n)
             union all
            {SINCE_COUNTED}
             union all
            select taxon_id, -n
              from count_delta
             where project_id = %(project_id)s
               and status = 'P'
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
        """,  # noqa: S608 - constants
        {
            "project_id": project_id, "run_id": run_id, "snapshot": counted.snapshot, "taxa": counted.taxa,
            "numbers": counted.numbers,
        },
    )  # fmt: skip
