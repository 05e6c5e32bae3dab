"""How fast somebody goes, by one rule everywhere.

The time of an act is what passed since the act before it. A longer pause than IDLE_S is a break: the act after it has
no time, and its images do not count for a speed. An image counts where its act stands; acts that were undone, and
undos, count as effort.
"""

from dataclasses import dataclass
from typing import Any

from app.database import Db

IDLE_S = 180
LEAST_S = 120  # what took less tells no speed
LATEST_ACTS = 200
# Acts of people, whatever came of them.
BY_HAND = "('label', 'confirm', 'doubt', 'not_this', 'undo', 'redo', 'undo_all', 'redo_all')"
SAYING = "('label', 'confirm', 'doubt')"
# Of an act outside of batches, the screen that it was done on, by what the act remembers.
SCREEN = """
    case when act.detail ? 'of' then act.detail ->> 'of'
         when act.detail ? 'audit' or act.detail ? 'of_audit' then 'audit'
         when act.detail ? 'of_probe' then 'stragglers'
         when act.detail ? 'pile' then 'pile'
         when act.detail ? 'cards' then 'cluster'
         when act.provenance = 'api' then 'api'
         else 'board'
    end"""


@dataclass(frozen=True)
class Pace:
    """How fast one person goes now; None where too little was done to say."""

    images_per_hour: float | None
    acts_per_image: float | None
    n_images: int
    n_acts: int
    seconds: float


def pace(db: Db, project_id: int, account_id: int) -> Pace:
    """Over one's latest acts of this project, at most so many that a look at them costs nothing."""
    return _paced(
        db,
        f"""
        select at, kind, n_objects, reversed_by, lag(at) over (order by id) as before
          from (select id, at, kind, n_objects, reversed_by
                  from act
                 where project_id = %(project_id)s
                   and account_id = %(account_id)s
                   and kind in {BY_HAND}
                 order by id desc
                 limit %(most)s) as newest
        """,  # noqa: S608 (constants)
        {"project_id": project_id, "account_id": account_id, "most": LATEST_ACTS},
    )


def pace_of_batch(db: Db, batch_id: int) -> Pace:
    """Over all acts of a batch; the work on the first began when it was made."""
    return _paced(
        db,
        f"""
        select act.at, act.kind, act.n_objects, act.reversed_by,
               lag(act.at, 1, batch.made_at) over (order by act.id) as before
          from act
          join batch on batch.id = act.batch_id
         where act.batch_id = %(batch_id)s
           and act.kind in {BY_HAND}
        """,  # noqa: S608 (constants)
        {"batch_id": batch_id},
    )


def _paced(db: Db, acts: str, values: dict[str, Any]) -> Pace:
    row = db.execute(
        f"""
        with asked as ({acts}),
        timed as (
            select case when at - before <= %(idle)s * interval '1 second'
                        then extract(epoch from at - before) end as seconds,
                   case when kind in {SAYING} and reversed_by is null then n_objects else 0 end as n_images
              from asked
        )
        select coalesce(sum(n_images), 0)::bigint as n_images, count(*) as n_acts,
               coalesce(sum(n_images) filter (where seconds is not null), 0)::bigint as n_timed,
               coalesce(sum(seconds), 0)::float8 as seconds
          from timed
        """,  # noqa: S608 (constants)
        {**values, "idle": IDLE_S},
    ).fetchone()
    return Pace(
        images_per_hour=per_hour(row.n_timed, row.seconds),
        acts_per_image=row.n_acts / row.n_images if row.n_images else None,
        n_images=row.n_images,
        n_acts=row.n_acts,
        seconds=row.seconds,
    )


def per_hour(n: int, seconds: float) -> float | None:
    """None where too little was done to say."""
    return 3600 * n / seconds if n and seconds >= LEAST_S else None
