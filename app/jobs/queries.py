"""The jobs that a person may see, with what they may do to them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, LoginNeeded, NotFound
from app.jobs.bodies import KINDS

ACTIVE = ("queued", "running")
MOST_LINES = 500

# What one may see: the jobs of projects that one is a member of, as they name files and people, and those one began.
# Who may steer them: the project's managers and whoever began it.
SEEN = """
select job.id, job.kind, job.title, job.status, job.done, job.total, job.unit, job.rate, job.message, job.error,
       job.cancel_requested, job.created_at, job.started_at, job.ended_at, job.attempts, job.crashes,
       job.project_id, project.title as project, account.name as author,
       %(manager)s or job.account_id = %(account)s or coalesce(member.role = 'manager', false) as may_steer
from job
left join project on project.id = job.project_id
left join account on account.id = job.account_id
left join member on member.project_id = job.project_id and member.account_id = %(account)s
where (%(manager)s
       or job.account_id = %(account)s
       or member.role is not null)
"""


@dataclass(frozen=True)
class SeenJob:
    """A job as one person may see it."""

    id: int
    kind: str
    title: str
    status: str
    done: int
    total: int | None
    unit: str
    rate: float | None
    message: str
    error: str
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    crashes: int
    project_id: int | None
    project: str | None
    author: str | None
    may_steer: bool

    @property
    def label(self) -> str:
        return KINDS[self.kind].label if self.kind in KINDS else self.kind

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def percent(self) -> int | None:
        """How far it is, where it knows how far it has to go."""
        if self.status == "done":
            return 100
        return min(100, int(100 * self.done / self.total)) if self.total else None

    @property
    def seconds_left(self) -> float | None:
        """At the pace of the last half minute."""
        if self.status != "running" or not self.total or not self.rate or self.rate <= 0:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def seconds_taken(self) -> float | None:
        if self.started_at is None:
            return None
        return ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()


@dataclass(frozen=True)
class LogLine:
    at: datetime
    line: str


@dataclass(frozen=True)
class Wanted:
    """Which jobs a list shows: of one status, kind or project, where these are given."""

    status: str | None = None
    kind: str | None = None
    project_id: int | None = None

    @property
    def condition(self) -> str:
        """Said only where it narrows, so that each is served by its own index."""
        narrowing = {
            "status": "and job.status = %(status)s",
            "kind": "and job.kind = %(kind)s",
            "project_id": "and job.project_id = %(project_id)s",
        }
        return " ".join(words for name, words in narrowing.items() if getattr(self, name) is not None)


EVERY_JOB = Wanted()


def list_active(db: Db, viewer: Viewer, wanted: Wanted = EVERY_JOB) -> list[SeenJob]:
    """What runs, the longest-running first, then what waits, as it will be begun."""
    condition = f"""
      and job.status in ('queued', 'running')
      {wanted.condition}
    order by job.status desc, job.priority desc, job.id
    limit 200
    """
    return [SeenJob(*row) for row in db.execute(SEEN + condition, _who(viewer) | vars(wanted))]


@dataclass(frozen=True)
class Ahead:
    """What a waiting job waits for: the first to come before it (no title where the viewer may not see it), how long
    that still takes where it knows, and how many more come before."""

    title: str | None
    is_running: bool
    seconds_left: float | None
    n_more: int


def ahead_of(db: Db, viewer: Viewer, job: SeenJob) -> Ahead | None:
    """None where the job does not wait, or nothing is before it. What holds the same lock comes first."""
    if job.status != "queued":
        return None
    rows = db.execute(
        """
        select other.id, other.title, other.status, other.done, other.total, other.rate, count(*) over () as n
        from job own
        join job other on other.status = 'running'
                       or other.status = 'queued' and (other.priority, -other.id) > (own.priority, -own.id)
        where own.id = %s
          and other.id <> own.id
        order by other.lock is not distinct from own.lock and own.lock is not null desc, other.status desc,
                 other.priority desc, other.id
        limit 1
        """,
        [job.id],
    ).fetchall()
    if not rows:
        return None
    first = rows[0]
    is_seen = any(one.id == first.id for one in list_active(db, viewer))
    known = first.status == "running" and first.total and first.rate and first.rate > 0
    left = max(first.total - first.done, 0) / first.rate if known else None
    return Ahead(first.title if is_seen else None, first.status == "running", left, first.n - 1)


def list_ended(
    db: Db, viewer: Viewer, wanted: Wanted = EVERY_JOB, before: int | None = None, limit: int = 50
) -> list[SeenJob]:
    """What has ended, newest first, older than the job `before` where one is given."""
    condition = f"""
      and job.status not in ('queued', 'running')
      {wanted.condition}
      and (%(before)s::int is null or job.id < %(before)s)
    order by job.id desc
    limit %(limit)s
    """
    values = _who(viewer) | vars(wanted) | {"before": before, "limit": limit}
    return [SeenJob(*row) for row in db.execute(SEEN + condition, values)]


def list_projects(db: Db, viewer: Viewer) -> list[Any]:
    """The projects whose jobs the viewer may see, by title, for the choice above the list."""
    return db.execute(
        """
        select project.id, project.title
        from project
        left join member on member.project_id = project.id and member.account_id = %(account)s
        where exists (select from job where job.project_id = project.id)
          and project.hidden is null
          and (%(manager)s or member.role is not null)
        order by lower(project.title), project.id
        limit 500
        """,
        _who(viewer),
    ).fetchall()


def find_job(db: Db, viewer: Viewer, job_id: int) -> SeenJob:
    """The job, or NotFound for whom it does not exist."""
    row = db.execute(f"{SEEN} and job.id = %(id)s", _who(viewer) | {"id": job_id}).fetchone()
    if row is None:
        raise NotFound("There is no such job, or it belongs to a project that is not shared with you.")
    return SeenJob(*row)


def steerable_job(db: Db, viewer: Viewer, job_id: int) -> SeenJob:
    """The job, for whoever may cancel or retry it."""
    job = find_job(db, viewer, job_id)
    if not job.may_steer:
        raise Forbidden(
            f"Job {job.id} can be cancelled or retried by {job.author or 'whoever began it'} and by the managers of "
            "its project."
        )
    return job


def list_log(db: Db, job_id: int) -> list[LogLine]:
    """The last lines of a job's log, oldest first."""
    rows = db.execute(
        """
        select at, line
        from (select id, at, line from job_log where job_id = %s order by id desc limit %s) as latest
        order by id
        """,
        [job_id, MOST_LINES],
    )
    return [LogLine(*row) for row in rows]


def _who(viewer: Viewer) -> dict[str, Any]:
    """Jobs are for people with an account."""
    if viewer.account is None:
        raise LoginNeeded()
    return {"account": viewer.account.id, "manager": viewer.is_application_manager}
