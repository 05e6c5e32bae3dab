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

    def counts(self) -> np.ndarray:
        """How many stand at each place."""
        return np.bincount(self.places, minlength=MOVED + 1)


def fresh(ids: np.ndarray, distances: np.ndarray | None, turns: np.ndarray) -> Places:
    """All waiting."""
    distances = np.full(len(ids), np.nan, np.float32) if distances is None else distances.astype(np.float32)
    return Places(ids.astype(np.int64), np.zeros(len(ids), np.int16), turns.astype(np.int32), distances)


def read(db: Db, batch_id: int) -> Places:
    """The parts of a batch as one."""
    ids, places, turns, distances = fetch_arrays(
        db,
        """
        select array_agg(one.id), array_agg(one.place), array_agg(one.turn), array_agg(one.distance)
          from (select *
                  from batch_part
                 where batch_id = %s
                 order by part) as part,
               unnest(object_ids, places, turns, distances) as one (id, place, turn, distance)
        """,
        [batch_id],
    )
    if ids is None:
        return fresh(np.empty(0, np.int64), None, np.empty(0, np.int32))
    return Places(ids, places, turns, distances)


def insert(db: Db, batch_id: int, made: Places) -> None:
    """Write the parts of a new batch."""
    db.execute(
        """
        insert into batch_part (batch_id, part, object_ids, places, turns, distances)
        select %s, part, object_ids::bigint[], places::smallint[], turns::int[], distances::real[]
          from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
               as given (part, object_ids, places, turns, distances)
        """,
        [batch_id, *_parts(made.ids, made.places, made.turns, made.distances)],
    )


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
