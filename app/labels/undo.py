"""Undo and redo on the server: an undo is a new act that puts back, object by object, what an old one changed.

What somebody labelled since stays, and the act is undone all the same: when the later one is undone too, what comes
back is what stood before both (app/labels/former.py). What was in the bin meanwhile keeps its label: once it is back,
the act may be undone again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.database import Db
from app.errors import Conflict, Forbidden, NotFound
from app.labels import changes
from app.labels.acts import (
    NO_ACT,
    InBatch,
    Labelled,
    Labeller,
    Left,
    Outcome,
    begin,
    check_open,
    digest,
    finish,
    repeated,
    tell_left,
)
from app.labels.changes import Changed
from app.labels.former import hold_batches
from app.labels.in_bin import in_bin_words, left_here, left_in_bin
from app.labels.reversals import tell_reversed
from app.labels.undo_state import undo_state

UNDOABLE = ("label", "confirm", "doubt", "not_this", "replace", "import")


def undo(
    db: Db,
    project: Labelled,
    account: Labeller,
    client_id: UUID,
    act_id: int | None = None,
    manager: bool = False,
    goes_on: bool = False,
) -> Outcome:
    """Take back the person's last act, or the given one: one's own, or anybody's for a manager. With `goes_on` the
    given one is the last of a row of acts, and done with though nothing of it can be taken back."""
    check_open(project)
    request = digest("undo", act_id)
    new_id = begin(db, project.id, account.id, client_id, "undo", provenance="undo", place=InBatch(request=request))
    if new_id is None:
        return repeated(db, project.id, account.id, client_id, request)
    kind, was_reversed_by = None, None
    if act_id is None:
        chosen = _reverse_last(db, project.id, account.id, new_id)
    else:
        chosen = act_id
        kind, was_reversed_by = _check_may_undo(db, project.id, account.id, chosen, manager)
        hold_batches(db, [chosen])
        while not _mark_reversed(db, chosen, new_id, was_reversed_by):
            kind, was_reversed_by = _check_may_undo(db, project.id, account.id, chosen, manager)
    _note_reversed(db, new_id, chosen)
    outcome = _take_back(db, project.id, account.id, new_id, chosen, is_again=was_reversed_by is not None)
    # The undo key goes on to the act before; an act that was named stays, and may be undone when its turn comes.
    if kind not in (None, "not_this") and not outcome.changed and not goes_on:
        raise Conflict(_why_nothing(outcome))
    return outcome


def _take_back(db: Db, project_id: int, account_id: int, new_id: int, chosen: int, is_again: bool) -> Outcome:
    in_bin = [Left(object_id, "in_bin") for object_id in left_in_bin(db, project_id, chosen)]
    changed = changes.take_back(db, project_id, new_id, chosen)
    left = [] if is_again else _left(db, project_id, chosen, changed)
    outcome = _finish(db, project_id, account_id, new_id, chosen, changed, left + in_bin)
    if in_bin:
        db.execute(
            "update act set detail = detail || jsonb_build_object('n_in_bin', %s::int) where id = %s",
            [len(in_bin), new_id],
        )
    if not is_again:
        tell_reversed(db, project_id, [chosen], undone=True)
    return outcome


def _why_nothing(outcome: Outcome) -> str:
    n_in_bin = sum(left.why == "in_bin" for left in outcome.refused)
    if n_in_bin:
        return f"{in_bin_words(n_in_bin)} Nothing else of this act stands."
    return "All that this act labelled was changed again since, so there is nothing to take back."


def redo(db: Db, project: Labelled, account: Labeller, client_id: UUID) -> Outcome:
    """Take back the person's last undo, if they labelled nothing since."""
    check_open(project)
    request = digest("redo")
    new_id = begin(db, project.id, account.id, client_id, "redo", provenance="redo", place=InBatch(request=request))
    if new_id is None:
        return repeated(db, project.id, account.id, client_id, request)
    while True:
        step = undo_state(db, project.id, account.id).redo
        if step is None:
            raise Conflict("There is nothing of yours to redo in this project.")
        hold_batches(db, [step.act_id])
        if _mark_reversed(db, step.act_id, new_id):
            break
    undone_id = _note_reversed(db, new_id, step.act_id)
    db.execute("update act set reversed_by = null where id = %s", [undone_id])
    changed = changes.bring_back(db, project.id, new_id, undone_id)
    left = _left(db, project.id, undone_id, changed)
    outcome = _finish(db, project.id, account.id, new_id, undone_id, changed, left)
    tell_reversed(db, project.id, [undone_id], undone=False)
    return outcome


def _reverse_last(db: Db, project_id: int, account_id: int, new_id: int) -> int:
    """Mark one's last act as reversed; where another undo was sooner, the one before it."""
    while True:
        step = undo_state(db, project_id, account_id).undo
        if step is None:
            raise Conflict("There is nothing of yours to undo in this project.")
        hold_batches(db, [step.act_id])
        if _mark_reversed(db, step.act_id, new_id):
            return step.act_id


def _mark_reversed(db: Db, act_id: int, new_id: int, was: int | None = None) -> bool:
    """False where somebody reversed the act first, or again. Who does so at the same moment is waited for. One that
    was taken back with many stays theirs, so that these may be done again together."""
    done = db.execute(
        """
        update act
           set reversed_by = case when (select kind from act as former where former.id = act.reversed_by) = 'undo_all'
                                  then act.reversed_by else %s end
         where id = %s
           and reversed_by is not distinct from %s
        returning id
        """,
        [new_id, act_id, was],
    )
    return done.fetchone() is not None


def _note_reversed(db: Db, new_id: int, of_id: int) -> int:
    """Write on an act which one it reverses, and where that was done; returns which one that reverses itself."""
    reversed_by_it: int = db.execute(
        """
        update act
           set reverses = of_act.id, batch_id = of_act.batch_id,
               detail = jsonb_strip_nulls(jsonb_build_object('page', of_act.detail -> 'page'))
          from act as of_act
         where act.id = %s
           and of_act.id = %s
        returning of_act.reverses
        """,
        [new_id, of_id],
    ).fetchone()[0]
    return reversed_by_it


def _finish(
    db: Db,
    project_id: int,
    account_id: int,
    new_id: int,
    of_act_id: int,
    changed: Sequence[Changed],
    refused: list[Left],
) -> Outcome:
    outcome = finish(db, project_id, account_id, new_id, changed, refused)
    counted = db.execute(
        """
        update act
           set n_objects = of_act.n_objects
          from act as of_act
         where act.id = %s
           and of_act.id = %s
           and of_act.kind = 'not_this'
        returning act.id
        """,
        [new_id, of_act_id],
    ).fetchone()
    # Such an act has no labels to put back, and its undo is one all the same.
    return replace(outcome, undo=undo_state(db, project_id, account_id)) if counted else outcome


def _left(db: Db, project_id: int, of_act_id: int, changed: Sequence[Changed]) -> list[Left]:
    """The act's objects that somebody changed since: they stay as they are."""
    done = [row.id for row in changed]
    rows = db.execute(
        "select object_id from history where project_id = %s and act_id = %s and object_id <> all(%s::bigint[])",
        [project_id, of_act_id, changes.array(done)],
    )
    left = [row.object_id for row in rows]
    if not left:
        return []
    seen = changes.seen_states(db, project_id, left)
    return tell_left(db, project_id, left, seen)


def may_be_undone(db: Db, project_id: int, act_id: int) -> bool:
    """Whether an act stands, or what it left in the bin is back."""
    act: Any = db.execute("select reversed_by from act where id = %s", [act_id]).fetchone()
    return act.reversed_by is None or bool(left_here(db, project_id, act_id))


def _check_may_undo(db: Db, project_id: int, account_id: int, act_id: int, manager: bool) -> tuple[str, int | None]:
    """The act's kind, where it may be undone, and what undid it before."""
    act = db.execute(
        """
        select act.account_id, act.kind, act.reversed_by, undoer.name as undone_by
          from act
          left join act as reversal on reversal.id = act.reversed_by
          left join account as undoer on undoer.id = reversal.account_id
         where act.project_id = %s
           and act.id = %s
        """,
        [project_id, act_id],
    ).fetchone()
    if act is None:
        raise NotFound(NO_ACT)
    if act.kind == "undo_all":
        raise Conflict("An undo of many acts is taken back by doing them again, on the page of acts.")
    if act.kind == "edit":
        raise Conflict(f"This act is taken back on its own page: /projects/{project_id}/edits/{act_id}.")
    if act.kind not in UNDOABLE:
        raise Conflict("Only acts that label can be undone; an undo is taken back by redo.")
    if act.account_id != account_id and not manager:
        raise Forbidden("Only its author or a manager of the project can undo this act.")
    if act.reversed_by and not left_here(db, project_id, act_id):
        n_in_bin = len(left_in_bin(db, project_id, act_id))
        more = f" {in_bin_words(n_in_bin)}" if n_in_bin else ""
        raise Conflict(f"This act was undone already by {act.undone_by or 'someone who left'}.{more}")
    return str(act.kind), act.reversed_by
