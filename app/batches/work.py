"""Acts in a batch: a page is labelled in one act and the rest of it goes to the tray, or some of its tiles alone are.

Whoever works holds the batch's row, so that two windows of one person take turns, and an act that is sent twice finds
itself done.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np

from app.batches import page_rows, places, refusals, reservations, returned, settled
from app.batches.batch import Batch, find_batch, hold_batch, origin
from app.batches.hidden import check_named
from app.batches.lineages import names_of_taxa, related
from app.batches.page_making import prepare_next
from app.batches.page_marks import put_line, rows_on
from app.batches.page_rows import MARKED, NOT_THIS, PASSED, PageRow
from app.batches.places import LEFT, WAITING
from app.batches.ranking import rank_again
from app.batches.reservations import Holder
from app.batches.restore import place_of_left, places_after
from app.batches.sources import Batched
from app.batches.turning import on_page, take_off
from app.database import Db
from app.errors import Conflict, Refused
from app.labels import acts, changes
from app.labels.acts import Act, InBatch, Labeller, Outcome, check_open, digest
from app.taxonomy.names import UNKNOWN_TAXON

UNSEEN = (
    "{n} of the marked objects were not seen yet, and nothing is labelled unseen: scroll to them, or unmark them. "
    "A program reports what it saw under …/page/{number}/seen."
)


@dataclass(frozen=True)
class PageAct:
    """One act on a page. `taxon_id` null confirms what is predicted. `states` are those of the marked.

    `line`: how many of the page's tiles stand before its boundary line, where it was moved and is not kept yet.
    """

    client_id: UUID
    marked: list[int]
    states: list[str]
    not_this: list[int]
    taxon_id: int | None = None
    status: Literal["V", "D"] = "V"
    line: int | None = None


@dataclass(frozen=True)
class SingleAct:
    """A label for some tiles alone, in the states in which they were shown: by a digit, or a stroke of the brush."""

    client_id: UUID
    ids: list[int]
    states: list[str]
    taxon_id: int | None = None
    status: Literal["V", "D"] = "V"


@dataclass(frozen=True)
class Worked:
    """What came of an act in a batch. `late`: who has begun with some of its objects, since the time for which these
    were kept ran out; the act was applied wherever nothing had changed."""

    outcome: Outcome
    batch: Batch
    late: list[Holder]


def apply_page(db: Db, project: Batched, account: Labeller, batch_id: int, number: int, act: PageAct) -> Worked:
    """Label the marked, refuse what is not this, and put the rest into the tray: all in one act."""
    check_open(project)
    batch = hold_batch(db, project.id, batch_id, account)
    request = digest("page", act, batch.id, number)
    if (again := _sent_before(db, project, account, batch, act.client_id, request)) is not None:
        return again
    page = page_rows.find_in_hand(db, batch.id, number)
    listed = places.read(db, batch.id)
    _mark(page, act)
    if act.line is not None:
        put_line(page, listed, act.line)
    _check_there(listed, page)
    _check_seen(page)
    late = reservations.held_by_others(db, project.id, account.id, page.ids)
    outcome = _done(db, project, account, batch, page, act, request)
    if not act.not_this:
        _check_of_use(outcome)
    after = places_after(listed, page, outcome.refused)
    listed.put(page.ids[after >= 0], after[after >= 0])
    page_rows.finish(db, batch.id, page, after, outcome.act_id)
    rank_again(db, project.id, batch.id, listed)
    places.write(db, batch.id, listed)
    reservations.release(db, batch.id, page.ids)
    prepare_next(db, project, batch, listed, listed.n_tiles(page.ids))
    return Worked(outcome, find_batch(db, project.id, batch.id), late)


def apply_single(db: Db, project: Batched, account: Labeller, batch_id: int, act: SingleAct) -> Worked:
    """Label some tiles of the page in hand by themselves, in one act; they leave it, and the rest is ranked anew."""
    check_open(project)
    batch = hold_batch(db, project.id, batch_id, account)
    request = digest("one", act, batch.id)
    if (again := _sent_before(db, project, account, batch, act.client_id, request)) is not None:
        return again
    page, listed, rows = on_page(db, batch, act.ids)
    if n := int(np.count_nonzero(page.seen[rows] == 0)):
        raise Conflict(UNSEEN.format(n=n, number=page.number))
    check_named(batch, act.taxon_id)
    provenance: Literal["single", "batch"] = "single" if len(act.ids) == 1 else "batch"
    said = Act(
        act.client_id, _kind(act.taxon_id, act.status), act.ids, act.states, act.taxon_id, act.status, provenance
    )
    place = InBatch(batch.id, {"page": page.number, "single": act.ids}, request)
    late = reservations.held_by_others(db, project.id, account.id, page.ids[rows])
    outcome = acts.apply(db, project, account, said, place)
    _check_of_use(outcome)
    left = {one.id: place_of_left(one.why) for one in outcome.refused}
    after = np.array([left.get(object_id, LEFT) for object_id in act.ids], np.int16)
    if outcome.changed or outcome.n_unchanged:
        _note_strangers(db, project, account, batch, outcome, act.taxon_id)
        _note_decided(db, project, account, batch, outcome, act.ids)
    take_off(db, project, batch, page, listed, rows, after)
    return Worked(outcome, find_batch(db, project.id, batch.id), late)


def _mark(page: PageRow, act: PageAct) -> None:
    """The act's marks are the page's."""
    if not act.marked and not act.not_this:
        raise Refused("Nothing is marked. Mark what the label is for, or turn the page without an act.")
    if len(act.marked) != len(act.states):
        raise Refused("An act needs for each marked object the state in which it was shown.")
    if set(act.marked) & set(act.not_this):
        raise Refused("An object cannot be marked and not this at once.")
    page.marks[:] = PASSED
    page.marks[rows_on(page, act.marked)] = MARKED
    page.marks[rows_on(page, act.not_this)] = NOT_THIS


def _check_there(listed: places.Places, page: PageRow) -> None:
    n = int(np.count_nonzero((page.marks != PASSED) & (listed.place_of(page.ids) != WAITING)))
    if n:
        raise Conflict(f"{n} of the marked objects have left the page already. Mark what is on it now.")


def _check_seen(page: PageRow) -> None:
    n = int(np.count_nonzero((page.marks != PASSED) & (page.seen == 0)))
    if n:
        raise Conflict(UNSEEN.format(n=n, number=page.number))


def _check_of_use(outcome: Outcome) -> None:
    """An act that could change nothing, though nobody was in its way, was wrongly asked: the page stays as it is."""
    if outcome.changed or outcome.n_unchanged:
        return
    reasons = {left.why for left in outcome.refused}
    if reasons == {"unclassified"}:
        raise Refused("Nothing is predicted of the marked objects, so that there is nothing to confirm: name a taxon.")
    if reasons and reasons <= {"unclassified", "never"}:
        raise Refused(
            "No marked object was ever in the state with which it was sent, so that nothing was labelled: "
            "send the states that the page tells, or reload it."
        )


def _sent_before(
    db: Db, project: Batched, account: Labeller, batch: Batch, client_id: UUID, request: str
) -> Worked | None:
    """What came of the act when it was sent first."""
    sent = db.execute("select from act where project_id = %s and client_id = %s", [project.id, client_id]).fetchone()
    if sent is None:
        return None
    return Worked(acts.repeated(db, project.id, account.id, client_id, request), batch, [])


def _kind(taxon_id: int | None, status: str) -> Literal["label", "confirm", "doubt"]:
    return "label" if taxon_id is not None else "confirm" if status == "V" else "doubt"


def _done(
    db: Db, project: Batched, account: Labeller, batch: Batch, page: PageRow, act: PageAct, request: str
) -> Outcome:
    """The labels and refusals of a page's act."""
    if act.marked:
        check_named(batch, act.taxon_id)
    refused = _pairs(db, project, act, batch)
    place = InBatch(batch.id, {"page": page.number}, request)
    if act.marked:
        kind = _kind(act.taxon_id, act.status)
        said = Act(act.client_id, kind, act.marked, act.states, act.taxon_id, act.status, "batch")
        outcome = acts.apply(db, project, account, said, place)
        refusals.add(db, project.id, outcome.act_id, account.id, refused)
        _note_strangers(db, project, account, batch, outcome, act.taxon_id)
        _note_decided(db, project, account, batch, outcome, act.marked)
        return outcome
    taxon_id = refused[0][1] if len({taxon for _, taxon in refused}) == 1 else None
    act_id = acts.begin(db, project.id, account.id, act.client_id, "not_this", taxon_id, None, "batch", place)
    if act_id is None:
        return acts.repeated(db, project.id, account.id, act.client_id, request)
    refusals.add(db, project.id, act_id, account.id, refused)
    return acts.finish(db, project.id, account.id, act_id, [], [], n_refusals=len(refused))


def _pairs(db: Db, project: Batched, act: PageAct, batch: Batch) -> list[tuple[int, int]]:
    """What each object is said not to be: the act's taxon, else what the batch expects, else what one sees of it."""
    if not act.not_this:
        return []
    if act.taxon_id is not None and act.taxon_id not in names_of_taxa(db, [act.taxon_id]):
        raise Refused(UNKNOWN_TAXON)
    taxon_id = act.taxon_id or batch.taxon_id
    if taxon_id:
        return [(object_id, taxon_id) for object_id in act.not_this]
    seen = changes.seen_states(db, project.id, act.not_this)
    pairs = [(id, seen[id].taxon_id) for id in act.not_this if id in seen and seen[id].taxon_id]
    if not pairs:
        raise Refused("Name the taxon that these are not: this batch expects none, and nothing is predicted of them.")
    return [(object_id, int(taxon or 0)) for object_id, taxon in pairs]


def _note_decided(
    db: Db, project: Batched, account: Labeller, batch: Batch, outcome: Outcome, ids: list[int]
) -> None:  # fmt: skip
    """Suspects that were decided on do not come back, and what was sent back is answered."""
    left = {one.id for one in outcome.refused}
    done = [id for id in ids if id not in left]
    settled.note(db, project.id, origin(batch), outcome.act_id, done)
    if origin(batch) == "returned":
        returned.answer(db, project.id, account.id, done)


def _note_strangers(
    db: Db, project: Batched, account: Labeller, batch: Batch, outcome: Outcome, taxon_id: int | None
) -> None:
    """A label outside the lineage of what the batch expects says that its objects are not that."""
    if batch.taxon_id and taxon_id and outcome.changed and not related(db, batch.taxon_id, taxon_id):
        pairs = [(now.id, batch.taxon_id) for now in outcome.changed]
        refusals.add(db, project.id, outcome.act_id, account.id, pairs)
