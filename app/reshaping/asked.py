"""What was asked of a project's shape: subsets, merges, deletions and their taking back, each a row with its job."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import NotFound
from app.jobs.queue import enqueue

KEPT_DAYS = 30
LARGEST_ID = 2**31
ACTIVE = ("queued", "running")
NO_SUCH = "There is no such subset, merge or deletion of this project, or its 30 days are over."


@dataclass(frozen=True)
class Reshaping:
    """One of them. `state`: asked, begun, done, bringing (back), back or erasing. `status`: of its job: queued,
    running, done, failed or cancelled; done too where it needed none."""

    id: int
    kind: str
    project_id: int
    title: str
    to_id: int | None
    to_title: str | None
    account_id: int | None
    by: str | None
    job_id: int | None
    status: str
    error: str
    choices: dict[str, Any]
    state: str
    n_objects: int
    upto: int
    created_at: datetime
    done_at: datetime | None
    expires_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


FOUND = """
    select reshaping.id, reshaping.kind, reshaping.project_id, project.title, to_id, made.title as to_title,
           reshaping.account_id, account.name as by, reshaping.job_id,
           coalesce(job.status, 'done') as status, coalesce(job.error, '') as error, choices, state,
           n_objects, upto, reshaping.created_at, done_at, expires_at
      from reshaping
      join project on project.id = reshaping.project_id
      left join project as made on made.id = to_id
      left join account on account.id = reshaping.account_id
      left join job on job.id = reshaping.job_id
"""


def begin(
    db: Db, kind: str, project_id: int, account_id: int | None, choices: dict[str, Any], to_id: int | None = None
) -> int:
    """A new one that nobody has begun to do; its number."""
    row: Any = db.execute(
        """
        insert into reshaping (kind, project_id, to_id, account_id, choices)
        values (%s, %s, %s, %s, %s)
        returning id
        """,
        [kind, project_id, to_id, account_id, Jsonb(choices)],
    ).fetchone()
    return int(row.id)


def by_job(db: Db, reshaping_id: int, title: str, project_id: int | None, account_id: int | None) -> int:
    """Have a job do what comes next of it. One project is reshaped by one job at a time."""
    job_id = enqueue(db, "reshape", title, project_id, account_id, {"reshaping_id": reshaping_id}, _lock(project_id))
    db.execute("update reshaping set job_id = %s where id = %s", [job_id, reshaping_id])
    return job_id


def _lock(project_id: int | None) -> str | None:
    return f"reshape:{project_id}" if project_id else "reshape"


def find(db: Db, reshaping_id: int) -> Reshaping:
    row = None
    if 0 < reshaping_id < LARGEST_ID:
        row = db.execute(f"{FOUND} where reshaping.id = %s", [reshaping_id]).fetchone()
    if row is None:
        raise NotFound(NO_SUCH)
    return Reshaping(*row)


def find_of(db: Db, project_id: int, reshaping_id: int) -> Reshaping:
    """One of those that began in, or came to, this project."""
    found = find(db, reshaping_id)
    if project_id not in (found.project_id, found.to_id):
        raise NotFound(NO_SUCH)
    return found


def list_of(db: Db, project_id: int, kinds: list[str]) -> list[Reshaping]:
    """A project's own and those that came to it, the newest first."""
    rows = db.execute(
        f"""
        {FOUND}
         where (reshaping.project_id = %(project)s or to_id = %(project)s)
           and reshaping.kind = any(%(kinds)s)
         order by reshaping.id desc
         limit 200
        """,
        {"project": project_id, "kinds": kinds},
    )
    return [Reshaping(*row) for row in rows]


def put(db: Db, reshaping_id: int, state: str) -> None:
    db.execute("update reshaping set state = %s where id = %s", [state, reshaping_id])


def finish(db: Db, reshaping_id: int, state: str, *, expires: bool = False) -> None:
    """Over; `expires`: what it took away goes for good in 30 days."""
    db.execute(
        """
        update reshaping
           set state = %s, done_at = now(),
               expires_at = case when %s then now() + make_interval(days => %s) end
         where id = %s
        """,
        [state, expires, KEPT_DAYS, reshaping_id],
    )
