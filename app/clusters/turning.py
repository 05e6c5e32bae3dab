"""Undo and redo among cards: whichever came last, a step that changed cards or an act that labelled objects."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.clusters import steps
from app.clusters.runs import Run
from app.database import Db
from app.errors import Conflict
from app.labels import undo as labels
from app.labels.acts import Labelled, Labeller
from app.labels.undo_state import Step, UndoState, undo_state
from app.nouns import counted


@dataclass(frozen=True)
class Turned:
    """What was taken back or done again: cards that came and went, or objects whose label changed."""

    says: str
    removed: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)


def may_turn(db: Db, run: Run | None, account_id: int, acts: UndoState) -> dict[str, bool]:
    """Whether a person has something to take back, and to do again, among the cards or of labels."""
    ways = {"undo": (acts.undo, False), "redo": (acts.redo, True)}
    return {
        way: act is not None or (run is not None and steps.last(db, run.id, account_id, undone=undone) is not None)
        for way, (act, undone) in ways.items()
    }


def undo(db: Db, project: Labelled, account: Labeller, run: Run, client_id: UUID) -> Turned:
    if not _was_step(db, run, client_id):
        step, act = steps.last(db, run.id, account.id), undo_state(db, project.id, account.id).undo
        acted_at = _at(db, act.act_id) if act else None
        if _was_act(db, project.id, client_id) or (act and acted_at and (step is None or acted_at > step.at)):
            outcome = labels.undo(db, project, account, client_id)
            words = _words("Taken back", outcome.changed, outcome.undo.redo)
            return Turned(words, objects=[now.id for now in outcome.changed])
    return _of_step(steps.turn(db, run, account, client_id))


def redo(db: Db, project: Labelled, account: Labeller, run: Run, client_id: UUID) -> Turned:
    if not _was_step(db, run, client_id):
        step, act = steps.last(db, run.id, account.id, undone=True), undo_state(db, project.id, account.id).redo
        if step is None and act is None and not _was_act(db, project.id, client_id):
            raise Conflict("There is nothing of yours to do again here.")
        turned_at = _at(db, act.act_id) if act else None
        if _was_act(db, project.id, client_id) or (turned_at and (step is None or turned_at > step.undone_at)):
            outcome = labels.redo(db, project, account, client_id)
            words = _words("Done again", outcome.changed, outcome.undo.undo)
            return Turned(words, objects=[now.id for now in outcome.changed])
    return _of_step(steps.turn(db, run, account, client_id, redo=True))


def _of_step(outcome: steps.Outcome) -> Turned:
    return Turned(outcome.says, outcome.removed, outcome.added)


def _words(done: str, changed: list, turned: Step | None) -> str:
    """`turned`: what was turned, as it stands now."""
    if not changed and turned and turned.label.startswith("not "):
        return f"{done}: {counted(turned.n, 'time')} {turned.label}."
    return f"{done}: the labels of {counted(len(changed), 'object')}."


def _was_step(db: Db, run: Run, client_id: UUID) -> bool:
    """Whether this very request has turned a step before."""
    row = db.execute("select from cluster_step where run_id = %s and turned_by = %s", [run.id, client_id]).fetchone()
    return row is not None


def _was_act(db: Db, project_id: int, client_id: UUID) -> bool:
    row = db.execute("select from act where project_id = %s and client_id = %s", [project_id, client_id]).fetchone()
    return row is not None


def _at(db: Db, act_id: int) -> datetime:
    at: datetime = db.execute("select at from act where id = %s", [act_id]).fetchone().at
    return at
