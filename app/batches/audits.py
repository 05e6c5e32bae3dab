"""Acceptance of what nobody saw, under an audit: a random sample of it is judged, and a bound follows for the rest.

The bound counts the random draws of all audits of one source and taxon: a new audit goes on where the last one ended,
each look is paid for (indexer/audit.py), and what was drawn stays drawn. The least likely are shown and judged too, and
count for nothing. A stranger is corrected; the rest is accepted where the bound keeps the project's limit, or a manager
decides. With the act stand the sample, what it showed, and the bound; its labels say that they came unseen.
"""

from typing import Any
from uuid import UUID, uuid4

from app.batches import audit_end, audit_job, refusals
from app.batches.audit_draw import check_waiver, check_wish, draw, insert, key_of, of_source
from app.batches.audit_standing import check_leaving
from app.batches.audit_state import CONFIDENCE, Audit, Verdict, Wish, find, hold, limit_of, lock
from app.batches.audited import still_wanted, unseen_of
from app.batches.lineages import branch_of, names_of_taxa, related
from app.batches.sources import Batched
from app.database import Db
from app.errors import Conflict, Forbidden, Refused
from app.labels import acts, changes
from app.labels.acts import Act, InBatch, Labelled, Labeller, Outcome, check_open
from app.labels.changes import state_token
from app.labels.former import hold_batches
from app.nouns import counted
from app.taxonomy.names import UNKNOWN_TAXON

__all__ = ["accept", "draw", "drop", "judge", "note_seen", "waive"]


def judge(db: Db, project: Labelled, account: Labeller, audit_id: int, verdicts: list[Verdict]) -> Audit:
    """Keep verdicts. Strangers are corrected at once: labelled where it is said what they are, and refused."""
    check_open(project)
    audit = hold(db, project.id, audit_id)
    if audit.state_now == "asked":
        asked_by = find(db, project.id, audit_id).asked_by or "someone who left"
        raise Conflict(f"This audit waits for a manager, asked by {asked_by}: its verdicts stay as they are.")
    known = {
        row.object_id: row
        for row in db.execute("select * from audit_object where audit_id = %s", [audit_id]).fetchall()
    }
    _check_drawn([one.id for one in verdicts], set(known))
    unseen = [one.id for one in verdicts if account.id not in known[one.id].seen_by]
    if unseen:
        raise Conflict(
            f"You have not seen {len(unseen):,} object{'s' if len(unseen) > 1 else ''} of the sample yet: scroll on. "
            "A program reports what it saw under …/seen."
        )
    _check_taxa(db, audit.taxon_id, verdicts)
    if back := [one.id for one in verdicts if one.is_right and known[one.id].is_right is False]:
        raise Conflict(f"Object {back[0]} was judged a stranger and corrected. Undo that act, and draw a new audit.")
    new = [one for one in verdicts if known[one.id].is_right is not one.is_right]
    db.execute(
        """
        update audit_object
           set is_right = given.is_right, taxon_id = given.taxon_id, account_id = %s, at = now()
          from unnest(%s::bigint[], %s::boolean[], %s::int[]) as given (id, is_right, taxon_id)
         where audit_id = %s
           and object_id = given.id
        """,
        [
            account.id, [one.id for one in new], [one.is_right for one in new],
            [None if one.is_right else one.taxon_id for one in new], audit_id,
        ],
    )  # fmt: skip
    _correct(db, project, account, audit, [one for one in new if not one.is_right])
    return find(db, project.id, audit_id)


def _check_drawn(ids: list[int], drawn: set[int]) -> None:
    if unknown := [id for id in ids if id not in drawn]:
        raise Refused(f"Object {unknown[0]} is not in the sample of this audit. Reload to see what is.")


def _check_taxa(db: Db, taxon_id: int, verdicts: list[Verdict]) -> None:
    """A stranger is of a known taxon outside the audit's branch; what is right is of no other."""
    named = {one.taxon_id for one in verdicts if one.taxon_id is not None}
    names = names_of_taxa(db, named | {taxon_id})
    if named - set(names):
        raise Refused(UNKNOWN_TAXON)
    branch = set(branch_of(db, taxon_id).tolist()) if named else set()
    for one in verdicts:
        if one.is_right and one.taxon_id not in (None, taxon_id):
            raise Refused(
                f"Object {one.id} cannot be right as {names[taxon_id]} and be {names[one.taxon_id or 0]} too: "
                "a taxon is named of strangers alone."
            )
        if not one.is_right and one.taxon_id in branch:
            raise Refused(
                f"{names[one.taxon_id or 0]} is {names[taxon_id]}, of which this audit is: object {one.id} is right. "
                "Name another taxon for strangers, or none."
            )


def note_seen(db: Db, project_id: int, account: Labeller, audit_id: int, ids: list[int]) -> None:
    """Of the sample: what was painted in the window for 300 ms. That one has seen it says nothing of another person."""
    _check_drawn(ids, {one.id for one in find(db, project_id, audit_id).sample})
    db.execute(
        """
        update audit_object
           set seen_by = seen_by || %(account_id)s::int
         where audit_id = %(audit_id)s
           and object_id = any(%(ids)s::bigint[])
           and not %(account_id)s = any(seen_by)
        """,
        {"account_id": account.id, "audit_id": audit_id, "ids": changes.array(ids)},
    )


def _correct(db: Db, project: Labelled, account: Labeller, audit: Any, strangers: list[Verdict]) -> None:
    """One act for each taxon that strangers are, and one for those of which nobody said what they are."""
    place = InBatch(audit.source_id if audit.source == "batch" else None, {"of_audit": audit.id})
    for taxon_id in dict.fromkeys(one.taxon_id for one in strangers):
        ids = [one.id for one in strangers if one.taxon_id == taxon_id]
        refused = [(id, audit.taxon_id) for id in ids]
        if taxon_id is None:
            act_id = acts.begin(
                db, project.id, account.id, uuid4(), "not_this", audit.taxon_id, None, "batch", place
            )  # fmt: skip
            refusals.add(db, project.id, act_id or 0, account.id, refused)
            acts.finish(db, project.id, account.id, act_id or 0, [], [], n_refusals=len(refused))
            continue
        seen = changes.seen_states(db, project.id, ids)
        states = [state_token(seen[id].version, seen[id].status, seen[id].run_id) for id in ids if id in seen]
        act = Act(uuid4(), "label", [id for id in ids if id in seen], states, taxon_id, "V", "batch")
        outcome = acts.apply(db, project, account, act, place)
        if not related(db, taxon_id, audit.taxon_id):
            refusals.add(db, project.id, outcome.act_id, account.id, refused)


def accept(
    db: Db, project: Labelled, account: Labeller, audit_id: int, client_id: UUID, manager: bool, ask: str | None = None
) -> Outcome | None:
    """Label all that nobody saw, and what was judged right, in one act. None: over the limit, a manager was asked; or
    there are so many that a job does it."""
    check_open(project)
    request = acts.digest("accept", audit_id)
    job_id = lock(db, project.id, audit_id)
    sent = db.execute("select from act where project_id = %s and client_id = %s", [project.id, client_id]).fetchone()
    if sent is not None:
        return acts.repeated(db, project.id, account.id, client_id, request)
    if audit_job.is_asked_for(db, job_id, client_id):
        return None
    row = hold(db, project.id, audit_id)
    audit = find(db, project.id, audit_id)
    if audit.bound is None:
        n = sum(one.is_right is None for one in audit.sample)
        raise Conflict(f"{counted(n, 'object')} of the sample are not judged yet: nothing is accepted before.")
    if not audit.may_accept and not manager:
        if ask is None:
            raise Forbidden(
                f"At most {100 * audit.bound:.1f} % are wrong, and the project allows {100 * audit.limit:g} %: draw "
                "more, cut nearer, open the rest as a batch, or ask a manager to decide."
            )
        if audit.state == "asked" and audit.asked_by_id not in (None, account.id):
            raise Conflict(f"This audit waits for a manager already, asked by {audit.asked_by}.")
        db.execute(
            "update audit set state = 'asked', reason = %s, asked_by = %s where id = %s",
            [ask.strip()[:1000], account.id, audit_id],
        )
        return None
    acts.named_taxon(db, audit.taxon_id)
    if audit.n > audit_job.MOST_AT_ONCE:
        audit_job.begin(db, project, account, audit, client_id, _evidence(audit))
        return None
    return _accept(db, project, account, row, audit, client_id, _evidence(audit), request)


def _evidence(audit: Audit) -> dict[str, Any]:
    """What stands with the act for good."""
    return {
        "id": audit.id, "n": audit.n, "n_sample": audit.n_sample, "n_wrong": audit.n_wrong, "look": audit.look,
        "bound": round(audit.bound or 0.0, 5), "confidence": CONFIDENCE, "limit": audit.limit, "words": audit.words,
        "title": audit.title, "query": audit.query, "upto": audit.upto,
        "by": "a manager's decision" if not audit.may_accept else "the limit", "reason": audit.reason,
        "sample": [[one.id, one.is_random, one.is_right] for one in audit.sample],
    }  # fmt: skip


def waive(db: Db, project: Batched, account: Labeller, wish: Wish, reason: str) -> Outcome:
    """Accept without any sample, as a program may: the act says so."""
    check_open(project)
    if not reason.strip():
        raise Refused("Say why no sample is judged: `reason` stands with the act for good.")
    sent = db.execute("select from act where project_id = %s and client_id = %s", [project.id, wish.client_id])
    request = acts.digest("waive", wish, reason)
    if sent.fetchone() is not None:
        return acts.repeated(db, project.id, account.id, wish.client_id, request)
    check_wish(db, wish)
    wish = of_source(wish)
    check_waiver(db, project, account, wish)
    found = unseen_of(db, project, account, wish)
    ids = found.ids[: wish.upto or None]
    if not len(ids):
        raise Conflict("Nothing is left here that nobody has seen: there is nothing to accept.")
    if len(ids) > audit_job.MOST_AT_ONCE:
        raise Refused(f"Without an audit at most {audit_job.MOST_AT_ONCE:,} are accepted at once: say `upto`.")
    audit_id = insert(db, project, account, wish, ids, key_of(project, wish), None, limit_of(db, project.id))
    audit = find(db, project.id, audit_id)
    evidence = {"id": audit_id, "n": len(ids), "n_sample": 0, "waived": True, "reason": reason.strip()[:1000],
                "title": audit.title, "query": audit.query, "upto": audit.upto,
                "words": f"audit waived by a program, {counted(len(ids), 'object')}"}  # fmt: skip
    return _accept(db, project, account, hold(db, project.id, audit_id), audit, wish.client_id, evidence, request)


def _accept(
    db: Db, project: Labelled, account: Labeller, row: Any, audit: Audit, client_id: UUID, evidence: dict[str, Any],
    request: str,
) -> Outcome:  # fmt: skip
    in_batch = InBatch(audit.source_id if audit.source == "batch" else None, {"audit": evidence}, request)
    act_id = acts.begin(
        db, project.id, account.id, client_id, "label", audit.taxon_id, audit.status, "audit", in_batch
    )  # fmt: skip
    if act_id is None:
        return acts.repeated(db, project.id, account.id, client_id, request)
    hold_batches(db, [act_id])
    whence = dict(audit_end.provenances(db, audit, account.id, row.object_ids))
    wanted = still_wanted(db, project.id, audit, list(whence))
    seen = changes.seen_states(db, project.id, wanted)
    changed = audit_job.label(db, project.id, account.id, audit, act_id, [(id, whence[id]) for id in wanted], seen)
    done = {one.id for one in changed}
    left = acts.tell_left(db, project.id, [id for id in wanted if id not in done], seen)
    audit_end.close(db, project.id, audit, act_id, account.id, sorted(done))
    return acts.finish(db, project.id, account.id, act_id, changed, left)


def drop(db: Db, project: Labelled, account: Labeller, audit_id: int, manager: bool = False) -> Audit:
    """Leave it. What was judged stays judged, and counts for the next audit."""
    hold(db, project.id, audit_id)
    check_leaving(find(db, project.id, audit_id), account, manager)
    db.execute("update audit set state = 'dropped', ended_at = now() where id = %s", [audit_id])
    return find(db, project.id, audit_id)
