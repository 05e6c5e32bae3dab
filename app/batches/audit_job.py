"""Acceptance of more than one request labels: a job, slice after slice, each an act of its own that can be undone.

Killed and begun again it goes on with the slices that are missing, since an act happens once by its id. Cancelled, the
audit is open again, and what was labelled stays so.
"""

from typing import Any
from uuid import UUID, uuid5

from app import database
from app.batches.audit_end import provenances
from app.batches.audit_state import Audit, find
from app.batches.audited import still_wanted
from app.database import Db
from app.jobs.bodies import job_body
from app.jobs.context import Cancelled, JobContext
from app.jobs.queue import enqueue
from app.labels import acts, changes
from app.labels.acts import InBatch, Labelled, Labeller
from app.labels.changes import Changed, Seen
from app.nouns import counted

MOST_AT_ONCE = 10_000


def begin(db: Db, project: Labelled, account: Labeller, audit: Audit, client_id: UUID, evidence: dict[str, Any]) -> int:
    """Queue it, in the caller's transaction."""
    title = f"Accept {audit.n:,} as {audit.taxon}"
    args = {"audit_id": audit.id, "account_id": account.id, "client_id": str(client_id), "evidence": evidence}
    job_id = enqueue(db, "accept", title, project.id, account.id, args, lock=f"accept:{audit.id}")
    db.execute(
        "update audit set state = 'accepting', job_id = %s, decided_by = %s where id = %s",
        [job_id, account.id, audit.id],
    )
    return job_id


def is_asked_for(db: Db, job_id: int | None, client_id: UUID) -> bool:
    """Whether this acceptance is the one that the job is for: it was sent before."""
    row = db.execute("select args ->> 'client_id' as client_id from job where id = %s", [job_id]).fetchone()
    return row is not None and row.client_id == str(client_id)


@job_body("accept")
def run(job: JobContext) -> None:
    """Label what nobody saw, and what the sample showed to be right."""
    with database.connect(job.database_url) as db:
        audit_id, project_id = job.args["audit_id"], job.project_id or 0
        if not _take(db, job.job_id, audit_id):
            job.log("This audit is over: nothing is left to be accepted under it.")
            return
        audit = find(db, project_id, audit_id)
        ids = _objects(db, audit, job.args["account_id"])
        db.commit()
        try:
            n_changed = _slices(db, job, audit, ids)
        except Cancelled:
            db.rollback()
            db.execute("update audit set state = 'open' where id = %s and state = 'accepting'", [audit.id])
            db.commit()
            raise
    job.log(
        f"{counted(n_changed, 'object')} labelled; {len(ids) - n_changed:,} left, since somebody labelled them"
        " meanwhile."
    )


def _take(db: Db, job_id: int, audit_id: int) -> bool:
    """False where it was accepted or left meanwhile: a job that was cancelled may be tried again much later."""
    taken = db.execute(
        """
        update audit
           set state = 'accepting', job_id = %s
         where id = %s
           and state in ('accepting', 'open', 'asked')
        returning id
        """,
        [job_id, audit_id],
    )
    return taken.fetchone() is not None


def _objects(db: Db, audit: Audit, account_id: int) -> list[tuple[int, str]]:
    """Each with its provenance."""
    row = db.execute("select object_ids from audit where id = %s", [audit.id]).fetchone()
    return provenances(db, audit, account_id, row.object_ids)


def _slices(db: Db, job: JobContext, audit: Audit, ids: list[tuple[int, str]]) -> int:
    n_changed = 0
    for start in range(0, len(ids), MOST_AT_ONCE):
        job.progress(start, len(ids), "objects")
        n_changed += _slice(db, job, audit, ids[start : start + MOST_AT_ONCE], start // MOST_AT_ONCE)
        db.commit()
    job.progress(len(ids), len(ids), "objects")
    db.execute("update audit set state = 'accepted', ended_at = now() where id = %s", [audit.id])
    db.commit()
    return n_changed


def _slice(db: Db, job: JobContext, audit: Audit, ids: list[tuple[int, str]], number: int) -> int:
    """One act. The first one carries the sample, and is what the audit leads to."""
    account_id, evidence = job.args["account_id"], job.args["evidence"]
    project: Any = db.execute("select id, status from project where id = %s", [job.project_id]).fetchone()
    acts.check_open(project)
    told = evidence if not number else {k: v for k, v in evidence.items() if k != "sample"}
    client_id = uuid5(UUID(job.args["client_id"]), str(number))
    place = InBatch(None, {"audit": {**told, "slice": number}})
    act_id = acts.begin(
        db, project.id, account_id, client_id, "label", audit.taxon_id, audit.status, "audit", place
    )  # fmt: skip
    if act_id is None:
        row = db.execute(
            "select n_objects from act where project_id = %s and client_id = %s", [project.id, client_id]
        ).fetchone()
        return int(row.n_objects)
    wanted = still_wanted(db, project.id, audit, [id for id, _ in ids])
    seen = changes.seen_states(db, project.id, wanted)
    changed = label(db, project.id, account_id, audit, act_id, ids, seen)
    acts.finish(db, project.id, account_id, act_id, changed, [])
    db.execute(
        """
        update audit
           set act_id = %s
         where id = %s
           and not exists (select from act where id = audit.act_id and reversed_by is null and n_objects > 0)
        """,
        [act_id, audit.id],
    )
    return len(changed)


def label(
    db: Db, project_id: int, account_id: int, audit: Audit, act_id: int, ids: list[tuple[int, str]],
    seen: dict[int, Seen],
) -> list[Changed]:  # fmt: skip
    """Of those that are seen: each with its provenance. How many came unseen stands with the act."""
    changed: list[Changed] = []
    n_unseen = 0
    for provenance in ("batch", "audit"):
        meant = [seen[id] for id, whence in ids if whence == provenance and id in seen]
        now = _say(db, project_id, account_id, audit, act_id, meant, provenance)
        n_unseen += len(now) if provenance == "audit" else 0
        changed += now
    db.execute(
        "update act set detail = jsonb_set(detail, '{audit,n_unseen}', to_jsonb(%s::int)) where id = %s",
        [n_unseen, act_id],
    )
    return changed


def _say(
    db: Db, project_id: int, account_id: int, audit: Audit, act_id: int, seen: list[Seen], provenance: str
) -> list[Changed]:
    """Label those that nobody has labelled since the sample was drawn: what a person said since is theirs to say."""
    still = sorted(one for one in seen if not (one.status in "DV" and one.at is not None and one.at >= audit.made_at))
    if not still:
        return []
    shown = (
        [one.id for one in still],
        [one.version for one in still],
        [(one.run_id or 0) if one.status == "P" else 0 for one in still],
    )
    return changes.say(db, project_id, act_id, account_id, shown, audit.status, audit.taxon_id, provenance)
