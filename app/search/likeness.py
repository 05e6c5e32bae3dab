"""The objects of a project most, or least, alike to examples: true cosine distances, under any filter.

A FAISS generation answers for the vectors before its horizon, PostgreSQL for those after it (for all where there is no
generation), and what was removed since is left out. So the answer is that of the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.database.connections import Db
from app.errors import Conflict, Refused
from app.search import generations
from app.search.arrays import fetch_arrays, fetch_vectors
from app.search.codes import VALIDATED
from app.search.generations import Generation
from app.search.mirror import Mirror, open_mirror
from app.search.sizes import sized, sizes, weight_of
from indexer.neighbours import ranked
from indexer.spaces import Aim, aim

NO_EMBEDDER = (
    "This project has no vectors yet, so nothing can be ordered by likeness: embed it first, by an import or by "
    "“shoal embed” on the server."
)
# Where size counts, so many times more are taken by their vectors alone and put in order by both, up to a weight. On
# real plankton 0.999 and 0.995 of the answer are among them; beyond the last weight everything is compared.
WIDER = ((0.2, 4, 0.998), (0.5, 8, 0.995))


class Searched(Protocol):
    """The project that is searched."""

    @property
    def id(self) -> int: ...

    @property
    def embedder_id(self) -> int | None: ...


class Visible(Searched, Protocol):
    """The project that is searched, as its caller may see it."""

    @property
    def validated_only(self) -> bool: ...


@dataclass(frozen=True)
class Ranked:
    """Objects by likeness."""

    ids: np.ndarray  # int64
    distances: np.ndarray  # float32, cosine: 0 alike, 2 opposite
    recall: float  # share of the true answer that is expected, as measured on this index; 1 where it is exact
    exact: bool
    n_without_vector: int  # objects that the filter keeps and that cannot be compared yet


def most_alike(
    db: Db,
    project: Searched,
    query: np.ndarray,
    mask: np.ndarray,
    k: int,
    least: bool = False,
    mirror: Mirror | None = None,
    around: bool = False,
) -> Ranked:
    """The `k` objects nearest to one query vector, or to the mean of several; `least`: the farthest; `around`: where
    that need not be certain.

    mask: which ordinals of `mirror` (by default the mirror as it is now) may be answered. Always `k` where so many
    have a vector.
    """
    mirror = mirror or open_mirror(db, project.id)
    if len(mask) != len(mirror):
        raise Conflict("Objects were added to the project at this moment. Ask again.")
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    wanted = aim_of(db, project, query)
    column = sizes(db, mirror) if wanted.size is not None else None
    generation = generations.open_generation(db, project.id, project.embedder_id)
    horizon = generation.manifest.horizon if generation else 0
    ids, distances, removed = later_vectors(db, project, horizon, wanted.vector)
    later = mirror.ordinals(ids)
    kept = np.isin(ids, mirror.ids[later[mask[later]]], assume_unique=True)
    ids, distances = ids[kept], distances[kept]
    if column is not None:
        distances = wanted.distances(distances, column[mirror.ordinals(ids)])
    recall, exact, n_compared = 1.0, True, len(ids)
    if generation:
        allowed = allowed_rows(generation, mirror, mask, np.concatenate([removed, ids]))
        here = None if column is None else generation.rows.column(mirror, column)
        asked = (wanted, weight_of(project), here, around)
        base_ids, base_distances, recall, exact, n_base = _base(generation, asked, k, allowed, least)
        ids, distances = np.concatenate([ids, base_ids]), np.concatenate([distances, base_distances])
        n_compared += n_base
    ids, distances = ranked(ids, distances, k, least)
    return Ranked(ids, distances, recall, exact, int(np.count_nonzero(mask)) - n_compared)


def allowed_rows(generation: Generation, mirror: Mirror, mask: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Which rows of a generation the filter keeps and nothing has replaced since."""
    allowed = generation.of_mirror(mirror, mask)
    if len(gone):
        allowed = allowed.copy()
        places = np.searchsorted(generation.ids, gone)
        inside = places < len(generation.ids)
        places, gone = places[inside], gone[inside]
        allowed[places[generation.ids[places] == gone]] = False
    return allowed


def aim_of(db: Db, project: Searched, query: np.ndarray) -> Aim:
    """What a query of vectors, with sizes beside them or without, asks of the project."""
    weight, dimension = weight_of(project), np.shape(query)[-1]
    if weight:
        row = db.execute("select dimension from embedder where id = %s", [project.embedder_id]).fetchone()
        dimension = row.dimension
    return aim(query, dimension, weight)


# With the weight of size, the size of each row of a generation, and whether only what is around is asked.
Asked = tuple[Aim, float, np.ndarray | None, bool]


def _base(
    generation: Generation, asked: Asked, k: int, allowed: np.ndarray, least: bool
) -> tuple[np.ndarray, np.ndarray, float, bool, int]:
    """Ids and distances from a generation, the recall to expect, whether exact, and how many were compared."""
    index, (wanted, weight, column, around) = generation.index, asked
    n_allowed = int(np.count_nonzero(allowed))
    everything = n_allowed == index.n
    n, share = _wider(k, weight, n_allowed) if column is not None else (k, 1.0)
    rows, cosines, exact = index.search(
        wanted.vector.astype(np.float32), n, None if everything else allowed, least, around
    )  # fmt: skip
    recall = index.recall(exact, plain=everything and not least)
    distances = 1 - cosines
    if column is not None:
        distances, exact = wanted.distances(distances, column[rows]), exact and n >= n_allowed
        recall *= share
    return np.asarray(generation.ids[rows]), distances, recall, exact, n_allowed


def _wider(k: int, weight: float, n_allowed: int) -> tuple[int, float]:
    """How many to take by their vectors alone, and which share of the `k` nearest by both is among them."""
    for most, times, share in WIDER:
        if weight <= most and k * times < n_allowed:
            return k * times, share
    return n_allowed, 1.0


def later_vectors(
    db: Db, project: Searched, horizon: int, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids and exact distances of the vectors since a horizon, and the ids of those removed since: one statement."""
    ids, distances, removed = fetch_arrays(
        db,
        """
        with asked as materialized (
            -- Read once: a prepared statement would read the text again for every row, 40 times as slow.
            select %(query)s::text::halfvec as v
        ), added as (
            select array_agg(object_id) as ids, array_agg((object_vector.v <=> asked.v)::real) as distances
            from object_vector, asked
            where embedder_id = %(embedder_id)s
              and project_id = %(project_id)s
              and tx >= %(horizon)s::text::xid8
        ), removed as (
            select array_agg(object_id) as ids
            from vector_removed
            where embedder_id = %(embedder_id)s
              and project_id = %(project_id)s
              and tx >= %(horizon)s::text::xid8
        )
        select added.ids, added.distances, removed.ids
        from added, removed
        """,
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


def example_vectors(db: Db, project: Searched, ids: list[int]) -> np.ndarray:
    """Vectors of those objects that have one, in the order of `ids`: float32 [n, d], with sizes beside them where
    these count."""
    found, vectors = vectors_by_id(db, project, ids)
    vectors = sized(db, project, found, vectors)
    row_of = {object_id: row for row, object_id in enumerate(found.tolist())}
    return vectors[[row_of[object_id] for object_id in ids if object_id in row_of]]


def vectors_by_id(db: Db, project: Searched, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids of those objects that have a vector, int64 in no order, and the vectors, float32 [n, d]."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    dimension = db.execute("select dimension from embedder where id = %s", [project.embedder_id]).fetchone().dimension
    found, vectors = fetch_vectors(
        db,
        """
        select array_agg(object_id), array_agg(v)
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and object_id = any(%s::bigint[])
        """,
        [project.embedder_id, project.id, "{" + ",".join(map(str, ids)) + "}"],
        dimension,
    )
    return found, vectors.astype(np.float32)


def own_examples(db: Db, project: Visible, ids: Sequence[int], mirror: Mirror) -> np.ndarray:
    """Vectors of those of the project's objects that the caller may see, float32 [n, d]; examples of other projects are
    in app/search/elsewhere.py."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    places = mirror.ordinals(np.array([i for i in ids if abs(i) < 2**63], np.int64))
    if project.validated_only:
        places = places[mirror.status[places] == VALIDATED]
    return example_vectors(db, project, mirror.ids[places].tolist())
