"""One name for several cards at once: an act on what is left in them, all of which was seen."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np

from app.clusters.cards import Board
from app.clusters.runs import Run
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.acts import MOST_OBJECTS, Act, InBatch, Labelled, Labeller, Outcome, apply, digest, repeated
from app.labels.changes import seen_states, state_token

LARGEST = 2**63


@dataclass(frozen=True)
class Naming:
    """The word on cards; `seen` are the objects that were painted in the window for 300 ms."""

    client_id: UUID
    cards: list[int]
    taxon_id: int
    seen: list[int]
    status: Literal["V", "D"] = "V"


def name(db: Db, project: Labelled, account: Labeller, run: Run, naming: Naming) -> Outcome:
    """Label what is left in the cards. Refused where something in them was not seen: that is a batch's work."""
    sent = db.execute(
        "select id from act where project_id = %s and client_id = %s", [project.id, naming.client_id]
    ).fetchone()
    request = digest(naming, run.id)
    if sent is not None:
        return repeated(db, project.id, account.id, naming.client_id, request)
    if not naming.cards:
        raise Refused("Select one or several cards first.")
    seen = [object_id for object_id in dict.fromkeys(naming.seen) if 0 <= object_id < LARGEST]
    # Read before it is known what is left: what somebody labels in between is then refused, and not labelled over.
    states = seen_states(db, project.id, seen)
    board = Board(db, run, account.id)
    left = np.concatenate([board.left_ids(place) for place in board.places_of(list(dict.fromkeys(naming.cards)))])
    unseen = np.setdiff1d(left, np.array(seen, np.int64))
    if len(unseen):
        raise Conflict(
            f"{len(unseen):,} of the {len(left):,} objects in these cards were not seen: open them as a batch.",
            n_unseen=len(unseen),
        )
    if not len(left):
        raise Conflict("Nothing is left in these cards: others have labelled all of it.")
    if len(left) > MOST_OBJECTS:
        raise Refused(f"One act labels at most {MOST_OBJECTS:,} objects: name fewer cards at once.")
    ids = [object_id for object_id in left.tolist() if object_id in states]
    tokens = [state_token(states[id].version, states[id].status, states[id].run_id) for id in ids]
    act = Act(naming.client_id, "label", ids, tokens, naming.taxon_id, naming.status, "batch")
    return apply(db, project, account, act, InBatch(None, {"cards": len(naming.cards)}, request))
