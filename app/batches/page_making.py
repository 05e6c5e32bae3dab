"""Making a page: the next objects of a batch that still are there and that nobody else holds, laid out and marked.

A page is made with the act before it, so that it is there when it is asked for.
"""

import numpy as np

from app.batches import page_rows, places
from app.batches.batch import Batch
from app.batches.chances import HALF, chances_of, line_of
from app.batches.hidden import is_hidden
from app.batches.lineages import branch_of, lineage_of
from app.batches.ordering import Compared, laid_out
from app.batches.page_rows import MARKED, PASSED, PageRow
from app.batches.pinned import pinned
from app.batches.places import GONE, TRAY, WAITING, Places
from app.batches.proposals import propose
from app.batches.reservations import Holder, held_by_others, release_others, reserve
from app.database import Db
from app.errors import Refused
from app.labels.changes import array

USUAL_PAGE, LARGEST_PAGE = 60, 1000
AHEAD = 2  # pages that are kept beyond the one in hand


def check_size(n: int) -> None:
    if not 1 <= n <= LARGEST_PAGE:
        raise Refused(f"A page has between 1 and {LARGEST_PAGE:,} objects, not {n:,}.")


def prepare_next(db: Db, project: Compared, batch: Batch, listed: Places, n: int) -> None:
    """After an act: make the next page, or make it anew where it was made before the act and nobody looked at it."""
    page = page_rows.find_open(db, batch.id)
    if page is None or is_untouched(page):
        page_rows.drop_open(db, batch.id, since=page.number if page else 1)
        make_next(db, project, batch, listed, n)


def is_untouched(page: PageRow) -> bool:
    """Whether nothing of a page was seen, and its line and marks are those that it was made with."""
    line = None if page.line is None or page.chances is None else line_of(page.chances)
    as_made = page.line == line and np.array_equal(page.marks, _first_marks(len(page.ids), line))
    return as_made and not page.seen.any()


def _first_marks(n: int, line: int | None) -> np.ndarray:
    marks = np.full(n, PASSED, np.int16)
    marks[: line or 0] = MARKED
    return marks


def make_next(db: Db, project: Compared, batch: Batch, listed: Places, n: int) -> tuple[PageRow | None, list[Holder]]:
    """The next page, written; None where nothing is left to show. Keeps it and the next two from other people.

    Where other people hold all that is left, what they have not before them yet is shared with them.
    """
    account_id, n_gone = batch.account_id or 0, int(listed.counts()[GONE])
    free, held_back = _looked_through(db, project.id, batch, listed, n)
    if not len(free) and len(held_back):
        shared = reserve(db, project.id, batch.id, account_id, listed.ids[held_back], what_is_ahead=True)
        free = held_back[np.isin(listed.ids[held_back], shared)]
    if not len(free):
        note_gone(db, project.id, batch, listed)
    if int(listed.counts()[GONE]) > n_gone:
        places.write(db, batch.id, listed)
    else:
        db.execute("update batch set used_at = now() where id = %s", [batch.id])
    release_others(db, batch.id, listed.ids[listed.first(free, (1 + AHEAD) * n)])
    held = held_by_others(db, project.id, account_id, listed.ids[held_back]) if len(held_back) else []
    if not len(free):
        return None, held
    page = _laid_out(db, project, batch, listed, listed.first(free, n))
    page_rows.insert(db, batch.id, page)
    return page, held


def _looked_through(db: Db, project_id: int, batch: Batch, listed: Places, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the list whose turn is next, until a page of them is free: those that are this batch's now, and those
    that other people hold. What is gone is put where it belongs."""
    waiting = listed.next(np.empty(0, np.int64))
    free, held_back = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    n_free, start, n_at_once = 0, 0, (1 + AHEAD) * n
    while start < len(waiting) and n_free < n:
        piece = listed.first(waiting[start:], n_at_once)
        start += len(piece)
        there = still_there(db, project_id, batch, listed.ids[piece])
        listed.places[piece[~there]] = GONE
        piece = piece[there]
        kept = reserve(db, project_id, batch.id, batch.account_id or 0, listed.ids[piece])
        is_free = np.isin(listed.ids[piece], kept)
        free.append(piece[is_free])
        held_back.append(piece[~is_free])
        n_free += int(np.count_nonzero(listed.begins(piece[is_free])))
        n_at_once *= 2  # of a long list nearly all may be gone or held
    return np.concatenate(free), np.concatenate(held_back)


def note_gone(db: Db, project_id: int, batch: Batch, listed: Places) -> None:
    """What stands in the tray and is not to be shown any more is put where it belongs."""
    rows = np.flatnonzero(listed.places == TRAY)
    listed.places[rows[~still_there(db, project_id, batch, listed.ids[rows])]] = GONE


def find_waiting(db: Db, project_id: int, batch: Batch) -> np.ndarray:
    """The objects, int64, that wait in a batch and are still to be shown, though nobody opened it meanwhile."""
    listed = places.read(db, batch.id)
    ids = listed.ids[listed.places == WAITING]
    return ids[still_there(db, project_id, batch, ids)]


def _laid_out(db: Db, project: Compared, batch: Batch, listed: Places, chosen: np.ndarray) -> PageRow:
    """Objects in the order of the screen, those before the boundary line marked."""
    ids, distances = listed.ids[chosen], listed.distances[chosen]
    project = pinned(db, project, batch.id)
    chances, basis = chances_of(db, project, batch, ids)
    line = line_of(chances) if chances is not None and batch.opens_marked else None
    if line is not None and chances is not None:
        first = np.argsort(~(chances >= HALF), kind="stable")
        ids, distances, chances = ids[first], distances[first], chances[first]
    # What was laid out whole stands well already, and pairs and stacks stay together.
    if batch.order == "neighbours" and batch.ranked and batch.opens_marked:
        order = laid_out(db, project, ids, line)
        ids, distances, chances = ids[order], distances[order], None if chances is None else chances[order]
    number, marks = page_rows.last_number(db, batch.id) + 1, _first_marks(len(ids), line)
    proposals = propose(db, project, ids[:line] if line else ids, batch.account_id, not is_hidden(batch))
    seen = np.zeros(len(ids), np.int16)
    return PageRow(number, ids, distances, marks, seen, None, line, chances, basis, proposals, None, is_done=False)


def still_there(db: Db, project_id: int, batch: Batch, ids: np.ndarray) -> np.ndarray:
    """Which objects are to be shown: not deleted, not labelled by anybody since the batch was made, and not refused
    meanwhile for what the batch expects."""
    target = batch.taxon_id
    rows = db.execute(
        """
        select object.id
          from object
          left join label on label.project_id = object.project_id and label.object_id = object.id
         where object.project_id = %(project_id)s
           and object.id = any(%(ids)s::bigint[])
           and (coalesce(label.status, 'U') = 'U' or label.at <= %(made_at)s)
           and (%(target)s::int is null
                or label.taxon_id = any(%(below)s::int[])
                or not exists (select
                                 from refusal
                                 join act on act.id = refusal.act_id
                                where refusal.project_id = object.project_id
                                  and refusal.object_id = object.id
                                  and refusal.taxon_id = any(%(above)s::int[])
                                  and refusal.lapsed_at is null
                                  and act.reversed_by is null))
        """,
        {
            "project_id": project_id, "ids": array(ids.tolist()), "made_at": batch.made_at, "target": target,
            "below": branch_of(db, target).tolist() if target else [],
            "above": lineage_of(db, target).tolist() if target else [],
        },
    )  # fmt: skip
    return np.isin(ids, np.array([row.id for row in rows], np.int64))
