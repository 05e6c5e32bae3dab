"""How much people do and how fast: acts, images, time, from which kind of batch, and what was undone later.

The time of an act is what passed since the same person's act before it in the project. A longer pause than IDLE_S is a
break: the act after it has no time, and its images do not count for a speed. An image counts where its act stands; acts
that were undone, and undos, count as effort.
"""

from dataclasses import dataclass
from datetime import datetime

from app.database import Db

IDLE_S = 180
LATEST_ACTS = 200
# Acts of people, whatever came of them.
BY_HAND = "('label', 'confirm', 'doubt', 'not_this', 'undo', 'redo', 'undo_all', 'redo_all')"
SAYING = "('label', 'confirm', 'doubt')"


@dataclass(frozen=True)
class Pace:
    """How fast one person goes now; None where too little was done to say."""

    images_per_hour: float | None
    acts_per_image: float | None
    n_images: int
    n_acts: int
    seconds: float


@dataclass(frozen=True)
class Activity:
    """What was done by one person, from one kind of batch ("board": from none), or on one day."""

    what: str
    account_id: int | None
    n_acts: int
    n_images: int  # labelled by acts that stand
    n_undone: int  # images of acts that were undone since
    n_unseen: int  # images accepted unseen, under an audit
    n_timed: int  # images that were labelled within `seconds`
    seconds: float

    @property
    def images_per_hour(self) -> float | None:
        return _per_hour(self.n_timed, self.seconds)

    @property
    def acts_per_image(self) -> float | None:
        return self.n_acts / self.n_images if self.n_images else None

    @property
    def undone_share(self) -> float:
        return self.n_undone / (self.n_images + self.n_undone) if self.n_undone else 0.0


@dataclass(frozen=True)
class Report:
    """A period's activity by person, by source and by day, from the one who did most."""

    since: datetime
    until: datetime
    people: list[Activity]
    sources: list[Activity]
    days: list[Activity]


def pace(db: Db, project_id: int, account_id: int) -> Pace:
    """Over one's latest acts of this project, at most so many that a look at them costs nothing."""
    row = db.execute(
        f"""
        with latest as (
            select id, at, kind, n_objects, reversed_by, lag(at) over (order by id) as before
              from (select id, at, kind, n_objects, reversed_by
                      from act
                     where project_id = %(project_id)s
                       and account_id = %(account_id)s
                       and kind in {BY_HAND}
                     order by id desc
                     limit %(most)s) as newest
        ),
        timed as (
            select *, case when at - before <= %(idle)s * interval '1 second'
                           then extract(epoch from at - before) end as seconds,
                   case when kind in {SAYING} and reversed_by is null then n_objects else 0 end as n_images
              from latest
        )
        select coalesce(sum(n_images), 0)::bigint as n_images, count(*) as n_acts,
               coalesce(sum(n_images) filter (where seconds is not null), 0)::bigint as n_timed,
               coalesce(sum(seconds), 0)::float8 as seconds
          from timed
        """,  # noqa: S608 (constants)
        {"project_id": project_id, "account_id": account_id, "most": LATEST_ACTS, "idle": IDLE_S},
    ).fetchone()
    return Pace(
        images_per_hour=_per_hour(row.n_timed, row.seconds),
        acts_per_image=row.n_acts / row.n_images if row.n_images else None,
        n_images=row.n_images,
        n_acts=row.n_acts,
        seconds=row.seconds,
    )


def report(db: Db, project_id: int, since: datetime, until: datetime, account_id: int | None = None) -> Report:
    """Everybody's activity, or one person's; the days are in UTC."""
    rows = db.execute(
        f"""
        with timed as materialized (
            select account_id, batch_id, at, reversed_by is not null as undone, provenance = 'audit' as unseen,
                   case when kind in {SAYING} then n_objects else 0 end as n,
                   extract(epoch from at - lag(at) over (partition by account_id order by at, id)) as seconds
              from act
             where project_id = %(project_id)s
               and at between %(since)s and %(until)s
               and (%(account_id)s::int is null or account_id = %(account_id)s)
               and kind in {BY_HAND}
        ),
        told as (
            select grouping(account_id) = 0 as by_person, grouping(batch_id) = 0 as by_batch,
                   account_id, batch_id, (at at time zone 'UTC')::date as day, count(*) as n_acts,
                   coalesce(sum(n) filter (where not undone), 0)::bigint as n_images,
                   coalesce(sum(n) filter (where undone), 0)::bigint as n_undone,
                   coalesce(sum(n) filter (where unseen and not undone), 0)::bigint as n_unseen,
                   coalesce(sum(n) filter (where seconds <= %(idle)s and not undone), 0)::bigint as n_timed,
                   coalesce(sum(seconds) filter (where seconds <= %(idle)s), 0)::float8 as seconds
              from timed
             group by grouping sets ((account_id), (batch_id), ((at at time zone 'UTC')::date))
        ),
        named as (
            select case when by_person then 'person' when by_batch then 'source' else 'day' end as list,
                   case when by_person then coalesce(account.name, 'someone who left')
                        when by_batch then coalesce(batch.source, 'board') else day::text end as what,
                   told.account_id, n_acts, n_images, n_undone, n_unseen, n_timed, seconds
              from told
              left join account on account.id = told.account_id
              left join batch on batch.id = told.batch_id
        )
        select list, what, account_id, sum(n_acts)::bigint as n_acts, sum(n_images)::bigint as n_images,
               sum(n_undone)::bigint as n_undone, sum(n_unseen)::bigint as n_unseen, sum(n_timed)::bigint as n_timed,
               sum(seconds) as seconds
          from named
         group by list, what, account_id
         order by list, case when list = 'day' then what end, sum(n_images) desc, what
        """,  # noqa: S608 (constants)
        {"project_id": project_id, "since": since, "until": until, "account_id": account_id, "idle": IDLE_S},
    ).fetchall()
    lists: dict[str, list[Activity]] = {"person": [], "source": [], "day": []}
    for row in rows:
        lists[row.list].append(Activity(*row[1:]))
    return Report(since, until, lists["person"], lists["source"], lists["day"])


def _per_hour(n: int, seconds: float) -> float | None:
    return 3600 * n / seconds if n and seconds else None
