"""What changes a batch without a label: a page is turned, tiles go on elsewhere, the tray is opened, the order or the
person is another."""

import numpy as np

from app.batches import page_rows, places, reservations
from app.batches.batch import Batch, find_batch, hold_batch, lock_batch, origin
from app.batches.hidden import is_hidden
from app.batches.make import check_order, freeze
from app.batches.ordering import first_turns, keep_together
from app.batches.page_making import note_gone, prepare_next
from app.batches.page_marks import rows_on
from app.batches.page_rows import HAD_LEFT, PASSED, PageRow
from app.batches.pinned import pinned
from app.batches.places import MOVED, TRAY, WAITING
from app.batches.ranking import found_again, rank_again
from app.batches.restore import places_after, turn_if_empty
from app.batches.sources import Batched, Found, Source
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.acts import Labeller, check_open


def pass_page(db: Db, project: Batched, account: Labeller, batch_id: int, number: int) -> Batch:
    """Turn the page without an act: all that is on it goes to the tray."""
    batch = hold_batch(db, project.id, batch_id, account)
    page, listed = page_rows.find_in_hand(db, batch.id, number), places.read(db, batch.id)
    page.marks[:] = PASSED
    after = places_after(listed, page, [])
    listed.put(page.ids[after >= 0], after[after >= 0])
    page_rows.finish(db, batch.id, page, after, None)
    places.write(db, batch.id, listed)
    reservations.release(db, batch.id, page.ids)
    prepare_next(db, project, batch, listed, listed.n_tiles(page.ids))
    reservations.renew(db, batch.id)
    return find_batch(db, project.id, batch.id)


def set_aside(db: Db, project: Batched, account: Labeller, batch_id: int, ids: list[int]) -> Batch:
    """Some tiles of the page in hand go on elsewhere, on a pile: neither labelled nor put into the tray."""
    check_open(project)
    batch = hold_batch(db, project.id, batch_id, account)
    page, listed, rows = on_page(db, batch, ids)
    take_off(db, project, batch, page, listed, rows, np.full(len(ids), MOVED, np.int16))
    return find_batch(db, project.id, batch.id)


def on_page(db: Db, batch: Batch, ids: list[int]) -> tuple[PageRow, places.Places, np.ndarray]:
    """The page in hand, and where on it these objects stand, each of them still there."""
    page, listed = page_rows.find_open(db, batch.id), places.read(db, batch.id)
    if page is None:
        raise Conflict(page_rows.DONE)
    if not ids or len(set(ids)) < len(ids):
        raise Refused("Name at least one object, and each of them once.")
    rows = rows_on(page, ids)
    if n := int(np.count_nonzero(listed.place_of(page.ids[rows]) != WAITING)):
        raise Conflict(f"{n} of these objects have left the page already. Choose from what is on it now.")
    return page, listed, rows


def take_off(
    db: Db, project: Batched, batch: Batch, page: PageRow, listed: places.Places, rows: np.ndarray, after: np.ndarray
) -> None:
    """Put objects of the page where they belong now, and turn it where nothing is left on it."""
    listed.put(page.ids[rows], after)
    rank_again(db, project.id, batch.id, listed)
    places.write(db, batch.id, listed)
    reservations.release(db, batch.id, page.ids[rows])
    if turn_if_empty(db, batch.id, page, listed):
        prepare_next(db, project, batch, listed, listed.n_tiles(page.ids))


def open_tray(db: Db, project: Batched, account: Labeller, batch_id: int, order: str = "neighbours") -> Batch:
    """A new batch of what stands in the tray and nobody labelled elsewhere, in a new order and without a target."""
    check_order(order)
    batch = hold_batch(db, project.id, batch_id, account)
    listed = places.read(db, batch.id)
    if not (listed.places == TRAY).any():
        raise Conflict("The tray of this batch is empty: work a page first.")
    note_gone(db, project.id, batch, listed)
    in_tray = listed.places == TRAY
    if not in_tray.any():
        raise Conflict("All that stood in the tray was deleted or labelled elsewhere meanwhile: nothing is left of it.")
    title = batch.title if batch.title.startswith("Tray: ") else f"Tray: {batch.title}"
    found = Found(listed.ids[in_tray], title=title, ranked=False, stacks=listed.stacks[in_tray])
    kept = {"batch_id": batch.id, "of": origin(batch), "hidden": is_hidden(batch)}
    made, _ = freeze(db, project, account, Source("tray", kept), found, order)
    listed.places[in_tray] = MOVED
    places.write(db, batch.id, listed)
    return made


def set_order(
    db: Db, project: Batched, account: Labeller, batch_id: int, order: str, measure_again: bool = False
) -> Batch:
    """Another order for what waits. The page in hand goes back to it, and a new one is made when it is asked for.

    measure_again: what was found by likeness is compared anew, since sizes now count otherwise.
    """
    check_order(order)
    batch = hold_batch(db, project.id, batch_id, account)
    listed = places.read(db, batch.id)
    if measure_again:
        listed = found_again(db, project, batch, listed)
    distances = None if np.isnan(listed.distances).all() else listed.distances
    ranked = db.execute("select ranked from batch where id = %s", [batch.id]).fetchone().ranked
    turns, _ = first_turns(db, pinned(db, project, batch.id), listed.ids, distances, order, ranked)
    listed.turns = keep_together(turns, listed.stacks)
    _drop_in_hand(db, batch.id, listed)
    db.execute("update batch set ordering = %s where id = %s", [order, batch.id])
    rank_again(db, project.id, batch.id, listed)
    places.write(db, batch.id, listed)
    return find_batch(db, project.id, batch.id)


def _drop_in_hand(db: Db, batch_id: int, listed: places.Places) -> None:
    """What is left on the page in hand waits again. What was labelled alone stays where it was seen."""
    for page in page_rows.find_without_act(db, batch_id):
        if not page.is_done:
            page_rows.keep_only(db, batch_id, page, listed.place_of(page.ids) != WAITING)
            if len(page.ids):
                page_rows.finish(db, batch_id, page, np.full(len(page.ids), HAD_LEFT), None)


def take_over(db: Db, project: Batched, account: Labeller, batch_id: int) -> Batch:
    """The batch, with its page in hand and what is kept for it, is the caller's from now on."""
    lock_batch(db, project.id, batch_id)
    batch = find_batch(db, project.id, batch_id)
    if batch.closed_at is not None:
        raise Conflict("This batch is closed: there is nothing to take over.")
    db.execute("update batch set account_id = %s, used_at = now() where id = %s", [account.id, batch_id])
    reservations.hand_over(db, batch_id, account.id)
    return find_batch(db, project.id, batch_id)
