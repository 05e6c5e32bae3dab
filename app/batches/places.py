"""Where each object of a batch stands, and when its turn is: read and written as whole arrays."""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.labels.changes import array
from app.search.arrays import fetch_arrays

PART = 200
WAITING, TRAY, LEFT, GONE, MOVED = range(5)


@dataclass
class Places:
    """A batch's objects in the order in which they were found, with what changes of them."""

    ids: np.ndarray  # int64
    places: np.ndarray  # int16
    turns: np.ndarray  # int32: the lowest comes first
    distances: np.ndarray  # float32, NaN: none
    stacks: np.ndarray  # int64: the first of the near-duplicates that each stands with, 0: alone

    def rows_of(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in the list each of `ids` stands, and which of them do at all."""
        order = np.argsort(self.ids)
        found = np.searchsorted(self.ids[order], ids)
        known = found < len(order)
        known[known] = self.ids[order[found[known]]] == np.asarray(ids)[known]
        rows = np.zeros(len(ids), np.int64)
        rows[known] = order[found[known]]
        return rows, known

    def put(self, ids: np.ndarray, places: np.ndarray | int) -> None:
        """Set where objects stand; others than the batch's are passed over."""
        rows, known = self.rows_of(ids)
        self.places[rows[known]] = np.broadcast_to(places, len(ids))[known]

    def place_of(self, ids: np.ndarray) -> np.ndarray:
        """Where objects stand; GONE for others than the batch's."""
        rows, known = self.rows_of(ids)
        found = np.full(len(ids), GONE, np.int16)
        found[known] = self.places[rows[known]]
        return found

    def next(self, without: np.ndarray) -> np.ndarray:
        """Where in the list those stand that wait for their turn, the next first, without objects on a page."""
        waiting = np.flatnonzero(self.places == WAITING)
        waiting = waiting[~np.isin(self.ids[waiting], without)]
        return waiting[np.argsort(self.turns[waiting], kind="stable")]

    def first(self, rows: np.ndarray, n: int) -> np.ndarray:
        """The first `n` of rows in their order, where a stack counts as one."""
        return rows[np.cumsum(self.begins(rows)) <= n]

    def n_tiles(self, ids: np.ndarray) -> int:
        """How many tiles objects make on the screen, where a stack is one."""
        rows, known = self.rows_of(ids)
        return int(np.count_nonzero(self.begins(rows[known])))

    def begins(self, rows: np.ndarray) -> np.ndarray:
        """Which of rows in their order do not go on with the stack of the one before."""
        stacks = self.stacks[rows]
        return (stacks == 0) | (stacks != np.concatenate([[-1], stacks[:-1]]))

    def found_as(self, distances: np.ndarray, order: np.ndarray) -> "Places":
        """The same objects as if they had been found at these distances (float32, as they stand), in this order."""
        return Places(self.ids[order], self.places[order], self.turns[order], distances[order], self.stacks[order])

    def counts(self) -> np.ndarray:
        """How many stand at each place."""
        return np.bincount(self.places, minlength=MOVED + 1)


def fresh(ids: np.ndarray, distances: np.ndarray | None, turns: np.ndarray, stacks: np.ndarray | None = None) -> Places:
    """All waiting."""
    stacks = np.zeros(len(ids), np.int64) if stacks is None else stacks.astype(np.int64)
    distances = np.full(len(ids), np.nan, np.float32) if distances is None else distances.astype(np.float32)
    return Places(ids.astype(np.int64), np.zeros(len(ids), np.int16), turns.astype(np.int32), distances, stacks)


def read(db: Db, batch_id: int) -> Places:
    """The parts of a batch as one."""
    ids, places, turns, distances, stacks = fetch_arrays(
        db,
        """
        select array_agg(one.id), array_agg(one.place), array_agg(one.turn), array_agg(one.distance),
               array_agg(coalesce(one.stack, 0))
          from (select *
                  from batch_part
                 where batch_id = %s
                 order by part) as part,
               unnest(object_ids, places, turns, distances, stacks) as one (id, place, turn, distance, stack)
        """,
        [batch_id],
    )
    if ids is None:
        return fresh(np.empty(0, np.int64), None, np.empty(0, np.int32))
    return Places(ids, places, turns, distances, stacks)


def insert(db: Db, batch_id: int, made: Places) -> None:
    """Write the parts of a new batch."""
    db.execute(
        """
        insert into batch_part (batch_id, part, object_ids, places, turns, distances, stacks)
        select %s, part, object_ids::bigint[], places::smallint[], turns::int[], distances::real[],
               case when %s then stacks::bigint[] end
          from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
               as given (part, object_ids, places, turns, distances, stacks)
        """,
        [
            batch_id, bool(made.stacks.any()),
            *_parts(made.ids, made.places, made.turns, made.distances, made.stacks),
        ],
    )  # fmt: skip


def rewrite(db: Db, batch_id: int, made: Places) -> None:
    """Write all parts anew: their objects stand in another order."""
    db.execute("delete from batch_part where batch_id = %s", [batch_id])
    insert(db, batch_id, made)


def write(db: Db, batch_id: int, changed: Places) -> None:
    """Write places and turns back, with their counts on the batch, which counts as used now."""
    parts, places, turns = _parts(changed.places, changed.turns)
    _, tray, left, gone, moved = changed.counts().tolist()
    db.execute(
        """
        with given as (
            select *
              from unnest(%s::int[], %s::text[], %s::text[]) as given (part, places, turns)
        ),
        written as (
            update batch_part
               set places = given.places::smallint[], turns = given.turns::int[]
              from given
             where batch_id = %s
               and batch_part.part = given.part
        )
        update batch
           set n_tray = %s, n_left = %s, n_gone = %s, n_moved = %s, used_at = now()
         where id = %s
        """,
        [parts, places, turns, batch_id, tray, left, gone, moved, batch_id],
    )


def _parts(*columns: np.ndarray) -> list[list[int] | list[str]]:
    """Numbers of parts, and each column cut into as many arrays in PostgreSQL's notation."""
    starts = range(0, len(columns[0]), PART)
    texts = [[array(column[start : start + PART].tolist()) for start in starts] for column in columns]
    return [list(range(len(starts))), *texts]
