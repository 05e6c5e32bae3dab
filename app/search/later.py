"""What came to a project's vectors, and what went, since a horizon: compared in the caller's transaction.

In the plain space PostgreSQL compares. In a learned one the vectors are read, mapped once and kept: which of them are
there is asked each time, by object and transaction, so that none that was removed or made anew is taken for another.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database.connections import Db
from app.errors import Refused
from app.search import generations
from app.search.arrays import fetch_arrays, fetch_vectors_of
from app.search.kept import Kept
from app.spaces.current import map_of, space_of

MOST_KEPT = 16
MOST_ROWS = 60_000  # mapped vectors that are kept of a project; of more, each question reads them anew
PIECE = 20_000  # read at once
MOST_UNINDEXED = 100_000  # that are read and mapped within a request, in about two seconds

REMOVED = """
        removed as (
            select array_agg(object_id) as ids
            from vector_removed
            where embedder_id = %(embedder_id)s
              and project_id = %(project_id)s
              and tx >= %(horizon)s::text::xid8
        )
"""

_kept = Kept(MOST_KEPT)


@dataclass(frozen=True)
class _Mapped:
    """Mapped vectors float32 [n, d] with the object and the transaction of each, by object."""

    ids: np.ndarray
    txs: np.ndarray
    vectors: np.ndarray

    @property
    def nbytes(self) -> int:
        return int(self.ids.nbytes + self.txs.nbytes + self.vectors.nbytes)


class Rebuilding(Refused):
    """So many objects cannot be compared before their index is there. Its job was asked for."""

    status = 503
    title = "The index is missing"


def check_unindexed(db: Db, project: Any) -> None:
    """Rebuilding where a learned space has no index to propose from, and too many vectors to be read instead.

    Of an embedder that the project has left none will come: then they are read all the same.
    """
    row = db.execute(
        """
        select title, count(*) as n
        from project,
             (select
              from object_vector
              where embedder_id = %(embedder_id)s
                and project_id = %(project_id)s
              limit %(most)s) as compared
        where id = %(project_id)s
          and embedder_id = %(embedder_id)s
        group by id
        """,
        {"embedder_id": project.embedder_id, "project_id": project.id, "most": MOST_UNINDEXED + 1},
    ).fetchone()
    if row is None or row.n <= MOST_UNINDEXED:
        return
    generations.request_apart(db, project.id)
    raise Rebuilding(
        f"The index of “{row.title}” has to be built anew before so many objects can be compared. That takes some"
        " minutes: how far it is, or what hinders it, stands under Jobs.",
        retry_after=60,
    )


def later_vectors(
    db: Db, project: Any, horizon: int, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids and exact distances of the vectors since a horizon, and the ids of those removed since.

    direction: float16 [d], of unit length, in the project's space.
    """
    compare = _compared_in_sql if space_of(project) is None else _compared_mapped
    return compare(db, project, horizon, direction)


def _compared_in_sql(
    db: Db, project: Any, horizon: int, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One statement."""
    ids, distances, removed = fetch_arrays(
        db,
        f"""
        with asked as materialized (
            -- Read once: a prepared statement would read the text again for every row, 40 times as slow.
            select %(query)s::text::halfvec as v
        ), added as (
            select array_agg(object_id) as ids, array_agg((object_vector.v <=> asked.v)::real) as distances
            from object_vector, asked
            where embedder_id = %(embedder_id)s
              and project_id = %(project_id)s
              and tx >= %(horizon)s::text::xid8
        ), {REMOVED}
        select added.ids, added.distances, removed.ids
        from added, removed
        """,  # noqa: S608 - constants
        {
            "query": _text(direction),
            "embedder_id": project.embedder_id,
            "project_id": project.id,
            "horizon": str(horizon),
        },
    )
    none = np.empty(0, np.int64)
    if ids is None:
        ids, distances = none, np.empty(0, np.float32)
    return ids, distances, none if removed is None else removed


def _text(vector: np.ndarray) -> str:
    return "[" + ",".join(map(str, vector.tolist())) + "]"


def _compared_mapped(
    db: Db, project: Any, horizon: int, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ids, txs, removed = _there(db, project, horizon)
    wanted = np.asarray(direction, np.float32)
    if len(ids) <= MOST_ROWS:
        return ids, (1 - _mapped(db, project, horizon, ids, txs) @ wanted).astype(np.float32), removed
    pieces = [ids[start : start + PIECE] for start in range(0, len(ids), PIECE)]
    return ids, np.concatenate([1 - _read(db, project, piece) @ wanted for piece in pieces]), removed


def _there(db: Db, project: Any, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids of the vectors since a horizon, ascending, the transaction of each, and the ids of those removed since."""
    ids, txs, removed = fetch_arrays(
        db,
        f"""
        with added as (
            select array_agg(object_id) as ids, array_agg(tx::text::bigint) as txs
            from object_vector
            where embedder_id = %(embedder_id)s
              and project_id = %(project_id)s
              and tx >= %(horizon)s::text::xid8
        ), {REMOVED}
        select added.ids, added.txs, removed.ids
        from added, removed
        """,  # noqa: S608 - constants
        {"embedder_id": project.embedder_id, "project_id": project.id, "horizon": str(horizon)},
    )
    none = np.empty(0, np.int64)
    if ids is None:
        ids = txs = none
    order = np.argsort(ids)
    return ids[order], txs[order], none if removed is None else removed


def _mapped(db: Db, project: Any, horizon: int, ids: np.ndarray, txs: np.ndarray) -> np.ndarray:
    """Mapped vectors of these objects, float32 [n, d] in their order, of which what is kept is not read again."""
    space_id = space_of(project)
    key = (db.info.host, db.info.port, db.info.dbname, project.id, project.embedder_id, space_id, horizon)
    known: _Mapped | None = _kept.get(key)
    vectors = np.empty((len(ids), _map(db, project).dimension), np.float32)
    has = np.zeros(len(ids), bool)
    if known is not None and len(known.ids):
        places = np.minimum(np.searchsorted(known.ids, ids), len(known.ids) - 1)
        has = (known.ids[places] == ids) & (known.txs[places] == txs)
        vectors[has] = known.vectors[places[has]]
    if not has.all():
        vectors[~has] = _read(db, project, ids[~has])
    if not has.all() or known is None or len(known.ids) != len(ids):
        _kept.put(key, _Mapped(ids, txs, vectors))
    return vectors


def _map(db: Db, project: Any) -> Any:
    return map_of(db, space_of(project))


def _read(db: Db, project: Any, ids: np.ndarray) -> np.ndarray:
    """In the order of the ids, which ascend; they were there in this transaction or statement. One that went meanwhile
    is zero: as far from everything as can be told."""
    learned = _map(db, project)
    found, plain = fetch_vectors_of(db, project.embedder_id, project.id, ids.tolist(), learned.dimension)
    vectors = np.zeros((len(ids), learned.dimension), np.float32)
    vectors[np.searchsorted(ids, found)] = learned.apply(plain)
    return vectors
