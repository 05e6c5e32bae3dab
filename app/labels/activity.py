"""How much people do and how fast: acts, images, time, from which kind of batch, and what was undone later.

Days that are over stand in a table of their own, folded once, so that a year of acts is not read through again: a
million acts took 2 to 4 seconds. What is undone of such a day has it folded anew.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.database import Db
from app.labels.pace import BY_HAND, IDLE_S, SAYING, SCREEN, per_hour
from app.labels.reversals import on_reversal

SETTLED_AFTER = timedelta(minutes=10)  # a day that is over: no transaction of it is still on its way

# By day, person and kind of batch, of the acts from `since1` to `until1` and from `since2` to `until2`. What was done
# shortly before is read too, since the first act's time began then.
FROM_ACTS = f"""
    select (at at time zone 'UTC')::date as day, timed.account_id, coalesce(batch.source, screen) as source,
           count(*) as n_acts,
           coalesce(sum(images) filter (where not undone), 0)::bigint as n_images,
           coalesce(sum(images) filter (where undone), 0)::bigint as n_undone,
           coalesce(sum(unseen) filter (where not undone), 0)::bigint as n_unseen,
           coalesce(sum(images) filter (where seconds <= %(idle)s and not undone), 0)::bigint as n_timed,
           coalesce(sum(seconds) filter (where seconds <= %(idle)s), 0)::float8 as seconds
      from (select account_id, batch_id, at, reversed_by is not null as undone, {SCREEN} as screen,
                   case when provenance = 'audit' and kind in {SAYING}
                        then coalesce((detail -> 'audit' ->> 'n_unseen')::int, n_objects) end as unseen,
                   case when kind in {SAYING} then n_objects else 0 end as images,
                   extract(epoch from at - lag(at) over (partition by account_id order by at, id)) as seconds
              from act
             where project_id = %(project_id)s
               and (at >= %(since1)s - %(idle)s * interval '1 second' and at < %(until1)s
                    or at >= %(since2)s - %(idle)s * interval '1 second' and at < %(until2)s)
               and (%(account_id)s::int is null or account_id = %(account_id)s)
               and kind in {BY_HAND}) as timed
      left join batch on batch.id = timed.batch_id
     where at >= %(since1)s and at < %(until1)s
        or at >= %(since2)s and at < %(until2)s
     group by 1, 2, 3
"""  # noqa: S608 (constants)


@dataclass(frozen=True)
class Activity:
    """What was done by one person, from one kind of batch ("audit", "board" and "api": from none), or on one day."""

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
        return per_hour(self.n_timed, self.seconds)

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


def report(db: Db, project_id: int, since: datetime, until: datetime, account_id: int | None = None) -> Report:
    """Everybody's activity, or one person's; the days are in UTC."""
    first, last = _whole_days(db, project_id, since, until)
    end = until + timedelta(microseconds=1)
    rows = db.execute(
        f"""
        with done as (
            {FROM_ACTS}
            union all
            select day, account_id, source, n_acts, n_images, n_undone, n_unseen, n_timed, seconds
              from activity_day
             where project_id = %(project_id)s
               and day >= %(first)s
               and day < %(last)s
               and (%(account_id)s::int is null or account_id = %(account_id)s)
        ),
        told as (
            select case when grouping(account_id) = 0 then 'person' when grouping(source) = 0 then 'source'
                        else 'day' end as list,
                   account_id, source, day, sum(n_acts)::bigint as n_acts, sum(n_images)::bigint as n_images,
                   sum(n_undone)::bigint as n_undone, sum(n_unseen)::bigint as n_unseen,
                   sum(n_timed)::bigint as n_timed, sum(seconds) as seconds
              from done
             group by grouping sets ((account_id), (source), (day))
        )
        select list, case list when 'person' then coalesce(account.name, 'someone who left')
                               when 'source' then source else day::text end as what,
               told.account_id, n_acts, n_images, n_undone, n_unseen, n_timed, seconds
          from told
          left join account on account.id = told.account_id
         order by list, case when list = 'day' then day end, n_images desc, what
        """,  # noqa: S608 (constants)
        {
            "project_id": project_id, "account_id": account_id, "idle": IDLE_S, "first": first, "last": last,
            "since1": since, "until1": min(_midnight(first), end), "since2": _midnight(last),
            "until2": end,
        },
    ).fetchall()  # fmt: skip
    lists: dict[str, list[Activity]] = {"person": [], "source": [], "day": []}
    for row in rows:
        lists[row.list].append(Activity(*row[1:]))
    return Report(since, until, lists["person"], lists["source"], lists["day"])


def _whole_days(db: Db, project_id: int, since: datetime, until: datetime) -> tuple[date, date]:
    """The folded days that lie wholly in a period, from and to before; the same day twice where there are none."""
    row = db.execute("select activity_until from project where id = %s", [project_id]).fetchone()
    begin = since.astimezone(UTC)
    first = begin.date() + timedelta(days=begin.time() > time.min)
    last = min(row.activity_until if row and row.activity_until else first, until.astimezone(UTC).date())
    # Without any, all is read from the acts: the first piece ends, and the second one begins, on the first day.
    return (first, last) if first < last else (first, first)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def fold(db: Db, project_id: int) -> None:
    """Fold the days that are over and were not folded yet."""
    end = (datetime.now(UTC) - SETTLED_AFTER).date()
    _lock(db, project_id)
    row = db.execute(
        """
        select coalesce(activity_until, (select (min(at) at time zone 'UTC')::date
                                           from act
                                          where project_id = project.id)) as begin
          from project
         where id = %s
        """,
        [project_id],
    ).fetchone()
    if row is None or row.begin is None or row.begin >= end:
        return
    _insert(db, project_id, row.begin, end)
    db.execute("update project set activity_until = %s where id = %s", [end, project_id])


def fold_all(db: Db) -> None:
    """Each project with acts on days that are not folded yet, in a transaction of its own."""
    rows = db.execute(
        """
        select id
          from project
         where exists (select
                         from act
                        where act.project_id = project.id
                          and act.at < date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'
                          and (activity_until is null or act.at >= activity_until::timestamp at time zone 'UTC'))
        """
    ).fetchall()
    for row in rows:
        with db.transaction():
            fold(db, row.id)


def _lock(db: Db, project_id: int) -> None:
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"activity {project_id}"])


def _insert(db: Db, project_id: int, begin: date, end: date, only: list[date] | None = None) -> None:
    db.execute(
        f"""
        insert into activity_day (day, account_id, source, n_acts, n_images, n_undone, n_unseen, n_timed, seconds,
                                  project_id)
        select folded.*, %(project_id)s
          from ({FROM_ACTS}) as folded
         where %(only)s::date[] is null or day = any(%(only)s::date[])
        """,  # noqa: S608 (constants)
        {
            "project_id": project_id, "account_id": None, "idle": IDLE_S, "since1": _midnight(begin),
            "until1": _midnight(end), "since2": _midnight(end), "until2": _midnight(end), "only": only,
        },
    )  # fmt: skip


@on_reversal
def fold_again(db: Db, project_id: int, act_ids: list[int], undone: bool) -> None:
    """The folded days of acts that were undone or done again."""
    rows = db.execute(
        """
        select distinct (act.at at time zone 'UTC')::date as day
          from act
          join project on project.id = act.project_id
         where act.id = any(%s)
           and act.at < project.activity_until::timestamp at time zone 'UTC'
        """,
        [act_ids],
    ).fetchall()
    days = [row.day for row in rows]
    if not days:
        return
    _lock(db, project_id)
    db.execute("delete from activity_day where project_id = %s and day = any(%s)", [project_id, days])
    _insert(db, project_id, min(days), max(days) + timedelta(days=1), days)
