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
from app.search.arrays import fetch_vectors_of
from app.search.codes import VALIDATED
from app.search.generations import Generation
from app.search.later import check_unindexed, later_vectors
from app.search.mirror import Mirror, open_mirror
from app.search.sizes import sized, sizes, weight_of
from app.spaces.current import map_of, mapped, space_of
from indexer.linear_map import LinearMap
from indexer.neighbours import ranked
from indexer.spaces import Aim, aim

NO_EMBEDDER = (
    "This project has no vectors yet, so nothing can be ordered by likeness: embed it first, by an import or by "
    "“shoal embed” on the server."
)
# Where size counts, so many times more are taken by their vectors alone and put in order by both, up to a weight. On
# real plankton 0.999 and 0.995 of the answer are among them; beyond the last weight everything is compared.
WIDER = ((0.2, 4, 0.998), (0.5, 8, 0.995))
# What a plain index proposes for a learned space: so many at least, and so many times what is asked for.
MAPPED_AT_ONCE, MAPPED_TIMES, MAPPED_RECALL = 10_000, 8, 0.99


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
    generation, learned = open_index(db, project)
    if generation is None and space_of(project) is not None:
        check_unindexed(db, project)
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
        asked = Asked(wanted, weight_of(project), here, around, learned)
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


def open_index(db: Db, project: Searched) -> tuple[Generation | None, LinearMap | None]:
    """The generation that answers for a project, and the map by which what it gives is yet to be compared.

    Of a learned space that has no generation, as of another project than the space's own or where the file was deleted,
    the plain one proposes.
    """
    embedder_id, space_id = project.embedder_id or 0, space_of(project)
    generation = generations.open_generation(db, project.id, embedder_id, space_id)
    if generation is not None or space_id is None:
        return generation, None
    return generations.open_generation(db, project.id, embedder_id), map_of(db, space_id)


@dataclass(frozen=True)
class Asked:
    """What a generation is asked for: with the weight of size, the size of each of its rows, whether only what is
    around is asked, and the map by which its vectors are to be compared, if not as they are."""

    wanted: Aim
    weight: float
    column: np.ndarray | None
    around: bool
    learned: LinearMap | None = None


def _base(
    generation: Generation, asked: Asked, k: int, allowed: np.ndarray, least: bool
) -> tuple[np.ndarray, np.ndarray, float, bool, int]:
    """Ids and distances from a generation, the recall to expect, whether exact, and how many were compared."""
    wanted, column = asked.wanted, asked.column
    n_allowed = int(np.count_nonzero(allowed))
    everything = n_allowed == generation.index.n
    n, share = _wider(k, asked.weight, n_allowed) if column is not None else (k, 1.0)
    if asked.learned is not None:
        rows, cosines, exact, recall = _mapped_base(generation, asked, asked.learned, n, allowed, least)
    else:
        rows, cosines, exact = generation.index.search(
            wanted.vector.astype(np.float32), n, None if everything else allowed, least, asked.around
        )  # fmt: skip
        recall = generation.index.recall(exact, plain=everything and not least)
    distances = 1 - cosines
    if column is not None:
        distances, exact = wanted.distances(distances, column[rows]), exact and n >= n_allowed
        recall *= share
    return np.asarray(generation.ids[rows]), distances, recall, exact, n_allowed


def _mapped_base(
    generation: Generation, asked: Asked, learned: LinearMap, n: int, allowed: np.ndarray, least: bool
) -> tuple[np.ndarray, np.ndarray, bool, float]:
    """Rows of a plain generation and their cosines in a learned space: of few, all are mapped; of more, those that lie
    farthest along the query as the map sees it."""
    rows, exact = np.flatnonzero(allowed), True
    if len(rows) > max(MAPPED_AT_ONCE, n):
        proposed = max(MAPPED_AT_ONCE, n * MAPPED_TIMES)
        back = learned.pulled_back(asked.wanted.vector)
        rows, _, _ = generation.index.search(back, proposed, allowed, least, asked.around)
        exact = len(rows) >= int(np.count_nonzero(allowed))
    cosines = learned.apply(generation.index.vectors(rows)) @ asked.wanted.vector.astype(np.float32)
    order = np.lexsort((rows, cosines if least else -cosines))[:n]
    return rows[order], cosines[order], exact, 1.0 if exact else MAPPED_RECALL


def _wider(k: int, weight: float, n_allowed: int) -> tuple[int, float]:
    """How many to take by their vectors alone, and which share of the `k` nearest by both is among them."""
    for most, times, share in WIDER:
        if weight <= most and k * times < n_allowed:
            return k * times, share
    return n_allowed, 1.0


def example_vectors(db: Db, project: Searched, ids: list[int]) -> np.ndarray:
    """Vectors of those objects that have one, in the order of `ids`: float32 [n, d], with sizes beside them where
    these count."""
    found, vectors = vectors_by_id(db, project, ids)
    vectors = sized(db, project, found, vectors)
    row_of = {object_id: row for row, object_id in enumerate(found.tolist())}
    return vectors[[row_of[object_id] for object_id in ids if object_id in row_of]]


def vectors_by_id(db: Db, project: Searched, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids of those objects that have a vector, int64 in no order, and the vectors in the project's space, float32
    [n, d]."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    dimension = db.execute("select dimension from embedder where id = %s", [project.embedder_id]).fetchone().dimension
    found, vectors = fetch_vectors_of(db, project.embedder_id, project.id, ids, dimension)
    return found, mapped(db, project, vectors.astype(np.float32))


def own_examples(db: Db, project: Visible, ids: Sequence[int], mirror: Mirror) -> np.ndarray:
    """Vectors of those of the project's objects that the caller may see, float32 [n, d]; examples of other projects are
    in app/search/elsewhere.py."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    places = mirror.ordinals(np.array([i for i in ids if abs(i) < 2**63], np.int64))
    if project.validated_only:
        places = places[mirror.status[places] == VALIDATED]
    return example_vectors(db, project, mirror.ids[places].tolist())
