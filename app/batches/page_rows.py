"""The rows of pages: what stands on each, its marks, what was seen, and where its act put it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound
from app.labels.changes import array

PASSED, MARKED, NOT_THIS = range(3)
HAD_LEFT = -1  # labelled singly before the page was done
DONE = "This page was done already, perhaps in another window: nothing of this was kept. Go on with the next page."


@dataclass
class PageRow:
    """One page of a batch; arrays are in the order of the screen."""

    number: int
    ids: np.ndarray  # int64
    distances: np.ndarray  # float32
    marks: np.ndarray  # int16
    seen: np.ndarray  # int16
    places: np.ndarray | None  # int16
    line: int | None
    chances: np.ndarray | None  # float32
    basis: dict[str, Any] | None
    proposals: list[dict[str, Any]] | None
    act_id: int | None
    is_done: bool


COLUMNS = """
    number, object_ids, distances, marks, seen, places, line, chances, basis, proposals, act_id,
    done_at is not null as is_done
"""


def find_open(db: Db, batch_id: int) -> PageRow | None:
    """The page in hand: the first that is not done."""
    return _find(db, "batch_id = %s and done_at is null order by number limit 1", [batch_id])


def look_for(db: Db, batch_id: int, number: int) -> PageRow | None:
    """A page by its number; None where there is none: one that was not done may have been dropped."""
    return _find(db, "batch_id = %s and number = %s", [batch_id, number])


def find_of_act(db: Db, batch_id: int, act_id: int) -> PageRow | None:
    """The page that an act did."""
    return _find(db, "act_id = %s and batch_id = %s", [act_id, batch_id])


def _find(db: Db, condition: str, values: list[int]) -> PageRow | None:
    row = db.execute(f"select {COLUMNS} from batch_page where {condition}", values).fetchone()  # noqa: S608 (constants)
    return _read(row) if row else None


def find_page(db: Db, batch_id: int, number: int) -> PageRow:
    page = look_for(db, batch_id, number)
    if page is None:
        raise NotFound("This batch has no such page. Reload to see which one is next.")
    return page


def find_in_hand(db: Db, batch_id: int, number: int) -> PageRow:
    """A page that is not done yet."""
    row = find_page(db, batch_id, number)
    if row.is_done:
        raise Conflict(DONE)
    return row


def _read(row: Any) -> PageRow:
    return PageRow(
        row.number,
        np.array(row.object_ids, np.int64),
        np.array(row.distances, np.float32),
        np.array(row.marks, np.int16),
        np.array(row.seen, np.int16),
        None if row.places is None else np.array(row.places, np.int16),
        row.line,
        None if row.chances is None else np.array(row.chances, np.float32),
        row.basis,
        row.proposals,
        row.act_id,
        row.is_done,
    )


def find_without_act(db: Db, batch_id: int) -> list[PageRow]:
    """Pages in hand, and those that were turned without an act."""
    rows = db.execute(
        f"select {COLUMNS} from batch_page where batch_id = %s and act_id is null order by number",  # noqa: S608
        [batch_id],
    )
    return [_read(row) for row in rows]


def open_ids(db: Db, batch_id: int) -> np.ndarray:
    """Objects on pages that are not done."""
    rows = db.execute("select object_ids from batch_page where batch_id = %s and done_at is null", [batch_id])
    return np.array([object_id for row in rows for object_id in row.object_ids], np.int64)


def insert(db: Db, batch_id: int, made: PageRow) -> None:
    db.execute(
        """
        insert into batch_page (batch_id, number, object_ids, distances, marks, seen, line, chances, basis,
                                proposals)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            batch_id, made.number, array(made.ids.tolist()), _reals(made.distances), array(made.marks.tolist()),
            array(made.seen.tolist()), made.line, None if made.chances is None else _reals(made.chances),
            None if made.basis is None else Jsonb(made.basis), Jsonb(made.proposals or []),
        ],
    )  # fmt: skip


def _reals(values: np.ndarray) -> str:
    """Numbers in PostgreSQL's notation, which reads what Python writes, nan and inf too."""
    return array(values.tolist())


def last_number(db: Db, batch_id: int) -> int:
    return int(
        db.execute("select coalesce(max(number), 0) from batch_page where batch_id = %s", [batch_id]).fetchone()[0]
    )


def write_marks(db: Db, batch_id: int, page: PageRow) -> None:
    db.execute(
        "update batch_page set marks = %s, line = %s where batch_id = %s and number = %s",
        [array(page.marks.tolist()), page.line, batch_id, page.number],
    )


def arrange(page: PageRow, rows: np.ndarray) -> None:
    """Put what stands on a page into the order of its rows."""
    for name in ("ids", "distances", "marks", "seen", "places", "chances"):
        column = getattr(page, name)
        setattr(page, name, None if column is None else column[rows])


def write_order(db: Db, batch_id: int, page: PageRow) -> None:
    db.execute(
        """
        update batch_page
           set object_ids = %s, distances = %s, marks = %s, seen = %s, places = %s, chances = %s
         where batch_id = %s
           and number = %s
        """,
        [
            array(page.ids.tolist()), _reals(page.distances), array(page.marks.tolist()), array(page.seen.tolist()),
            None if page.places is None else array(page.places.tolist()),
            None if page.chances is None else _reals(page.chances), batch_id, page.number,
        ],
    )  # fmt: skip


def keep_only(db: Db, batch_id: int, page: PageRow, rows: np.ndarray) -> None:
    """Only some of a page's rows, bool, stay on it; a page on which nothing stays is none any more."""
    arrange(page, np.flatnonzero(rows))
    page.line = None
    if len(page.ids):
        write_order(db, batch_id, page)
        write_marks(db, batch_id, page)
    else:
        db.execute("delete from batch_page where batch_id = %s and number = %s", [batch_id, page.number])


def write_seen(db: Db, batch_id: int, page: PageRow) -> None:
    db.execute(
        "update batch_page set seen = %s where batch_id = %s and number = %s",
        [array(page.seen.tolist()), batch_id, page.number],
    )


def finish(db: Db, batch_id: int, page: PageRow, places: np.ndarray, act_id: int | None) -> None:
    """The page is done: its marks and line, and where it put each object."""
    db.execute(
        """
        update batch_page
           set marks = %s, line = %s, places = %s, act_id = %s, done_at = now()
         where batch_id = %s
           and number = %s
        """,
        [array(page.marks.tolist()), page.line, array(places.tolist()), act_id, batch_id, page.number],
    )


def reopen(db: Db, batch_id: int, number: int) -> None:
    """The page is in hand again, as it was."""
    db.execute(
        """
        update batch_page
           set places = null, act_id = null, done_at = null
         where batch_id = %s
           and number = %s
        """,
        [batch_id, number],
    )


def drop_open(db: Db, batch_id: int, since: int = 1) -> None:
    """What stands on pages that are not done waits again: on all of them, or on those from a number on."""
    db.execute(
        "delete from batch_page where batch_id = %s and done_at is null and number >= %s", [batch_id, since]
    )  # fmt: skip
