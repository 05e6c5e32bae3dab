"""Taking back one's last step in a batch: an act, a page that went to the tray, or what was set aside."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from app.batches import page_rows, piles, places, reservations
from app.batches.batch import Batch, find_batch, hold_batch
from app.batches.page_rows import HAD_LEFT
from app.batches.places import MOVED, TRAY, WAITING
from app.batches.sources import Batched
from app.database import Db
from app.labels.acts import Labeller, Outcome, check_open
from app.labels.undo import UNDOABLE, undo
from app.labels.undo_state import UndoState, undo_state


@dataclass(frozen=True)
class Back:
    """What was taken back: an act, with its outcome, or a page that had gone to the tray, by its number. Neither:
    nothing of the person's own is left in this batch. `undo`: what undo and redo of the whole project would do now."""

    outcome: Outcome | None
    page: int | None
    undo: UndoState


def take_back(
    db: Db, project: Batched, account: Labeller, batch_id: int, client_id: UUID, in_hand: int | None = None
) -> Back:
    """Take back the last thing that the person did in the batch. `in_hand`: the page that they had before them, so that
    a page is not brought back twice where the request is sent again."""
    check_open(project)
    batch = hold_batch(db, project.id, batch_id, account)
    sent = db.execute(
        "select reverses from act where project_id = %s and client_id = %s", [project.id, client_id]
    ).fetchone()
    now = page_rows.find_open(db, batch.id)
    if not sent and in_hand is not None and now is not None and now.number < in_hand:
        return Back(None, now.number, undo_state(db, project.id, account.id))  # the answer to this request was lost
    act = sent or _last_act(db, project.id, batch.id, account.id)
    page = None if sent else _last_passed(db, batch.id)
    if page and act and (page.done_at, page.number) < (act.at, act.page or 0):
        page = None
    if page and _bring_back(db, project, batch, page.number):
        return Back(None, page.number, undo_state(db, project.id, account.id))
    if act is None:
        return Back(None, None, undo_state(db, project.id, account.id))
    act_id = act.reverses if sent else act.id
    outcome = undo(db, project, account, client_id, act_id, goes_on=True)
    return Back(outcome, None, undo_state(db, project.id, account.id))


def _last_act(db: Db, project_id: int, batch_id: int, account_id: int) -> Any:
    return db.execute(
        """
        select id, at, (detail ->> 'page')::int as page
          from act
         where project_id = %s
           and batch_id = %s
           and account_id = %s
           and kind = any(%s)
           and n_objects > 0
           and reversed_by is null
         order by id desc
         limit 1
        """,
        [project_id, batch_id, account_id, list(UNDOABLE)],
    ).fetchone()


def _last_passed(db: Db, batch_id: int) -> Any:
    """The page that went to the tray without an act."""
    return db.execute(
        """
        select number, done_at
          from batch_page
         where batch_id = %s
           and done_at is not null
           and act_id is null
           and %s = any(places)
         order by done_at desc, number desc
         limit 1
        """,
        [batch_id, TRAY],
    ).fetchone()


def _bring_back(db: Db, project: Batched, batch: Batch, number: int) -> bool:
    """Whether a page is in hand again, with what of it is in the tray still."""
    page, listed = page_rows.find_page(db, batch.id, number), places.read(db, batch.id)
    ids = page.ids[listed.place_of(page.ids) == TRAY]
    if not len(ids):
        return False
    page_rows.reopen(db, batch.id, number)
    listed.put(ids, WAITING)
    places.write(db, batch.id, listed)
    reservations.reserve(db, project.id, batch.id, batch.account_id or 0, ids)
    return True


def bring_from_pile(
    db: Db, project: Batched, account: Labeller, batch_id: int, pile_id: int, ids: list[int]
) -> Batch:  # fmt: skip
    """What was set aside is off the pile, and on its page again; in the tray where that page was done since."""
    batch = hold_batch(db, project.id, batch_id, account)
    piles.take_off(db, project, pile_id, ids)
    listed = places.read(db, batch.id)
    aside = np.array(ids, np.int64)
    aside = aside[listed.place_of(aside) == MOVED]
    if len(aside):
        _put_back(db, batch, listed, aside)
        places.write(db, batch.id, listed)
        reservations.reserve(db, project.id, batch.id, account.id, aside)
    return find_batch(db, project.id, batch.id)


def _put_back(db: Db, batch: Batch, listed: places.Places, ids: np.ndarray) -> None:
    row = db.execute(
        "select number from batch_page where batch_id = %s and %s = any(object_ids) order by number desc limit 1",
        [batch.id, int(ids[0])],
    ).fetchone()
    page = page_rows.find_page(db, batch.id, row.number) if row else None
    if page is not None and page.is_done and page.places is not None and (page.places == HAD_LEFT).all():
        page_rows.reopen(db, batch.id, page.number)  # it was turned since nothing was left on it
        page.is_done = False
    listed.put(ids, TRAY if page is None or page.is_done else WAITING)
