"""What is done to versions: at once in small projects, else by a job."""

from dataclasses import dataclass
from typing import Any, Literal

from app import database
from app.database import Db
from app.errors import Conflict, Refused
from app.frozen import proposals, versions
from app.frozen.versions import Version
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue, is_active

Action = Literal["freeze", "look", "accept", "refuse"]
MOST_AT_ONCE = 50_000  # labels that a request looks through itself
TITLES = {
    "freeze": "Freeze a version",
    "look": "Look for changes since the last version",
    "accept": "Accept all proposals",
    "refuse": "Refuse all proposals",
}


@dataclass(frozen=True)
class Done:
    """What came of it: the version that was frozen, how many proposals were decided and how many were left since they
    changed meanwhile; or the job that does it."""

    version: Version | None = None
    n: int = 0
    n_left: int = 0
    job_id: int | None = None


def do(db: Db, project: Any, account_id: int | None, action: Action, **said: Any) -> Done:
    """`freeze` takes a title and a note, `accept` and `refuse` object_ids, or none for all."""
    running = _running(db, project.id)
    if running:
        raise Conflict(f"Job {running} works on the versions of this project: wait for its end.")
    if action == "freeze":
        versions.check_title(db, project.id, said["title"])
    if said.get("object_ids") is None and _n_labels(db, project.id) > MOST_AT_ONCE:
        args = {"action": action, **{name: value for name, value in said.items() if value is not None}}
        job_id = enqueue(db, "freeze", f"{TITLES[action]}: {project.title}"[:200], project.id, account_id, args)
        _note_job(db, project.id, job_id)
        return Done(job_id=job_id)
    return at_once(db, project.id, account_id, action, **said)


def at_once(db: Db, project_id: int, account_id: int | None, action: Action, **said: Any) -> Done:
    """In the caller's transaction."""
    if action == "freeze":
        made = versions.freeze(db, project_id, account_id, said["title"], said.get("note") or "")
        proposals.look(db, project_id)
        db.execute("update frozen_look set n_accepted = 0 where project_id = %s", [project_id])
        return Done(made)
    if action == "look":
        return Done(n=proposals.look(db, project_id).n)
    if action == "accept":
        return Done(None, *proposals.accept(db, project_id, said.get("object_ids")))
    return Done(None, *proposals.refuse(db, project_id, account_id, said.get("object_ids")))


def _running(db: Db, project_id: int) -> int | None:
    seen = proposals.last_look(db, project_id)
    return seen.job_id if seen and is_active(db, seen.job_id) else None


def _note_job(db: Db, project_id: int, job_id: int) -> None:
    db.execute(
        """
        insert into frozen_look (project_id, looked_at, n_added, n_renamed, n_removed, n_accepted, job_id)
        values (%s, now(), 0, 0, 0, 0, %s)
        on conflict (project_id) do update
        set job_id = excluded.job_id
        """,
        [project_id, job_id],
    )


def _n_labels(db: Db, project_id: int) -> int:
    """By the project's own sums."""
    row: Any = db.execute(
        "select coalesce(sum(n), 0)::bigint as n from count_delta where project_id = %s and status in ('D', 'V')",
        [project_id],
    ).fetchone()
    return int(row.n)


@job_body("freeze")
def run(job: JobContext) -> None:
    """All of it, or nothing: begun again, it begins anew."""
    if job.project_id is None:
        raise Refused("The project is gone.")
    said = {name: job.args[name] for name in ("title", "note") if name in job.args}
    with database.connect(job.database_url) as db:
        done = at_once(db, job.project_id, job.account_id, job.args["action"], **said)
    job.log(f"Version {done.version.number} is frozen." if done.version else f"{done.n:,} proposals.")
