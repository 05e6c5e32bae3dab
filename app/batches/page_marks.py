"""What a person does on the page in hand before an act: marks, the boundary line, the order of its tiles, and what was
seen of them."""

import numpy as np

from app.batches import page_rows, places
from app.batches.batch import hold_batch
from app.batches.page_rows import MARKED, NOT_THIS, PASSED, PageRow
from app.batches.places import WAITING
from app.batches.reservations import renew
from app.batches.sources import Batched
from app.database import Db
from app.errors import Refused
from app.labels.acts import Labeller


def keep_marks(
    db: Db,
    project: Batched,
    account: Labeller,
    batch_id: int,
    number: int,
    marks: dict[int, int],
    line: int | None,
    order: list[int] | None = None,
) -> None:
    """Keep marks of the page in hand, where its boundary line stands among the tiles that it shows, and their order
    where it was changed."""
    batch = hold_batch(db, project.id, batch_id, account)
    page = page_rows.find_in_hand(db, batch.id, number)
    if not all(mark in (PASSED, MARKED, NOT_THIS) for mark in marks.values()):
        raise Refused("A mark is 0 (passed over), 1 (marked) or 2 (not this).")
    rows = rows_on(page, list(marks))
    page.marks[rows] = list(marks.values())
    if order is not None:
        _arrange(page, places.read(db, batch.id), order)
        page_rows.write_order(db, batch.id, page)
    if line is not None:
        put_line(page, places.read(db, batch.id), line)
    page_rows.write_marks(db, batch.id, page)
    renew(db, batch.id)


def _arrange(page: PageRow, listed: places.Places, order: list[int]) -> None:
    """The tiles that the page still shows in another order; those that it does not name come last."""
    named = rows_on(page, order)
    if len(np.unique(named)) < len(named):
        raise Refused("An order names each object of the page once.")
    is_shown = listed.place_of(page.ids) == WAITING
    others = np.setdiff1d(np.flatnonzero(is_shown), named)
    rows = np.arange(len(page.ids))
    rows[is_shown] = np.concatenate([named[is_shown[named]], others])
    page_rows.arrange(page, rows)


def note_seen(db: Db, project: Batched, account: Labeller, batch_id: int, number: int, ids: list[int]) -> None:
    """Tiles of the page in hand that were painted in the window for 300 ms."""
    batch = hold_batch(db, project.id, batch_id, account)
    page = page_rows.find_in_hand(db, batch.id, number)
    page.seen[rows_on(page, ids)] = 1
    page_rows.write_seen(db, batch.id, page)
    renew(db, batch.id)


def rows_on(page: PageRow, ids: list[int]) -> np.ndarray:
    """Where on a page objects stand; refused where one is not on it."""
    place = {object_id: k for k, object_id in enumerate(page.ids.tolist())}
    unknown = [object_id for object_id in ids if object_id not in place]
    if unknown:
        raise Refused(f"Object {unknown[0]} is not on page {page.number}. Reload to see what is.")
    return np.array([place[object_id] for object_id in ids], np.int64)


def put_line(page: PageRow, listed: places.Places, line: int) -> None:
    """After so many of the tiles that the page still shows."""
    there = np.flatnonzero(listed.place_of(page.ids) == WAITING)
    if not 0 <= line <= len(there):
        raise Refused(f"The page has {len(there)} tiles, so that its line cannot stand after {line}.")
    page.line = int(there[line]) if line < len(there) else len(page.ids)
