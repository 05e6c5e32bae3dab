"""Who is whose neighbour in a project, and what that tells of labels: of the objects that its index generation holds.

Where there are too few vectors for an index, the graph is made in memory when it is asked for (0.1 s for 3,000 vectors,
2 s for 20,000), and kept until more of them have changed than a generation would bear. What came after a graph is in
the next one: a few percent at most.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.database.connections import Db
from app.errors import Conflict, Refused
from app.search import generations
from app.search.arrays import fetch_arrays, fetch_vectors
from app.search.codes import VALIDATED
from app.search.kept import Kept
from app.search.likeness import NO_EMBEDDER, Searched
from app.search.mirror import Mirror
from app.search.rows import Rows
from app.search.sizes import Space
from app.spaces.current import mapped, space_of
from indexer import suspects
from indexer.graph import Graph, InMemory, build_graph
from indexer.suspects import Suspects, VectorsOf

MOST_IN_MEMORY = generations.WORTH_A_FILE * 5 // 4  # vectors: an index is being built of more
MOST_KEPT = 8
NOT_YET = (
    "The neighbours of this project's objects are not known yet: the job that indexes the vectors finds them, some"
    " minutes after the embedding. Look under Jobs, and ask again."
)


@dataclass(frozen=True)
class ProjectGraph:
    """The graph of a project, with the object of each row."""

    rows: Rows
    graph: Graph
    vectors_of: VectorsOf  # of rows: float32 [n, d]
    known_stacks: np.ndarray | None = None

    @cached_property
    def stands_for(self) -> np.ndarray:
        """The row that stands for each row's stack of near-duplicates, itself where it is alone: int64 [n]."""
        return suspects.duplicate_stacks(self.graph) if self.known_stacks is None else self.known_stacks

    @property
    def ids(self) -> np.ndarray:
        return self.rows.ids

    @property
    def nbytes(self) -> int:
        return self.graph.nbytes


@dataclass(frozen=True)
class _InMemory:
    graph: ProjectGraph
    n: int
    latest: int  # the last transaction that added a vector

    @property
    def nbytes(self) -> int:
        return self.graph.nbytes


_kept = Kept(MOST_KEPT)


def open_graph(db: Db, project: Searched) -> ProjectGraph:
    """The graph of a project's vectors in its space. Raises Refused without any, Conflict while it is being built."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    generation = generations.open_generation(db, project.id, project.embedder_id, space_of(project))
    if generation is None:
        return _in_memory(db, project)
    if generation.graph is None:
        raise Conflict(NOT_YET)
    return ProjectGraph(generation.rows, generation.graph, generation.index.vectors, generation.stands_for)


def _in_memory(db: Db, project: Searched) -> ProjectGraph:
    key = (db.info.host, db.info.port, db.info.dbname, project.id, project.embedder_id, space_of(project))
    known: _InMemory | None = _kept.get(key)
    n, latest, n_added = _state(db, project, known.latest if known else 0)
    if n > MOST_IN_MEMORY:
        raise Conflict(NOT_YET)
    if known:
        n_removed = known.n - (n - n_added)
        if n_added + abs(n_removed) <= known.n * generations.MOST_DELTA_PERCENT // 100:
            return known.graph
    ids, vectors = _all_vectors(db, project)
    source = InMemory(vectors)
    graph = ProjectGraph(Rows(ids), build_graph(source, threads=1), source.vectors)
    _kept.put(key, _InMemory(graph, n, latest))
    return graph


def _state(db: Db, project: Searched, latest: int) -> tuple[int, int, int]:
    """How many vectors there are, the last transaction that added one, and how many were added after a transaction."""
    row = db.execute(
        """
        select count(*) as n,
               coalesce(max(tx::text::bigint), 0) as latest,
               count(*) filter (where tx > %s::text::xid8) as n_added
        from object_vector
        where embedder_id = %s
          and project_id = %s
        """,
        [str(latest), project.embedder_id, project.id],
    ).fetchone()
    return row.n, row.latest, row.n_added


def _all_vectors(db: Db, project: Searched) -> tuple[np.ndarray, np.ndarray]:
    dimension = db.execute("select dimension from embedder where id = %s", [project.embedder_id]).fetchone().dimension
    ids, vectors = fetch_vectors(
        db,
        """
        select array_agg(object_id), array_agg(v)
        from object_vector
        where embedder_id = %s
          and project_id = %s
        """,
        [project.embedder_id, project.id],
        dimension,
    )
    order = np.argsort(ids)
    return ids[order], mapped(db, project, vectors[order])


def validated_labels(graph: ProjectGraph, mirror: Mirror) -> np.ndarray:
    """int32 by row: the taxon that somebody validated, 0 for none."""
    return graph.rows.column(mirror, np.where(mirror.status == VALIDATED, mirror.taxon, 0))


def parents(db: Db, taxa: np.ndarray) -> dict[int, int | None]:
    """The parent of each of these taxa and of all that stand above them."""
    ids, above = fetch_arrays(
        db,
        """
        with recursive branch as (
            select id, parent_id from taxon where id = any(%s::int[])
            union
            select taxon.id, taxon.parent_id from branch join taxon on taxon.id = branch.parent_id
        )
        select array_agg(id), array_agg(coalesce(parent_id, 0))
        from branch
        """,
        [np.unique(taxa).tolist()],
    )
    if ids is None:
        return {}
    return {taxon: parent or None for taxon, parent in zip(ids.tolist(), above.tolist(), strict=True)}


@dataclass(frozen=True)
class Told:
    """Objects with the taxon that they have and the one that their neighbours speak for, the likeliest first."""

    ids: np.ndarray  # int64
    suspects: Suspects


def likely_mistakes(db: Db, project: Searched, mirror: Mirror, confirmed: np.ndarray | None = None) -> Told:
    """Validated objects whose neighbours disagree. confirmed: ids that somebody has looked at since: left out."""
    return _told(db, open_graph(db, project), mirror, suspects.mistakes, confirmed)


def to_refine(db: Db, project: Searched, mirror: Mirror, confirmed: np.ndarray | None = None) -> Told:
    """Validated objects at a taxon whose neighbours have one of its descendants, which is proposed."""
    return _told(db, open_graph(db, project), mirror, suspects.refinable, confirmed)


def _told(db: Db, graph: ProjectGraph, mirror: Mirror, find: Any, confirmed: np.ndarray | None) -> Told:
    labels = validated_labels(graph, mirror)
    found: Suspects = find(graph.graph, labels, parents(db, labels[labels > 0]))
    ids = np.asarray(graph.ids)[found.rows]
    if confirmed is not None and len(confirmed):
        kept = ~np.isin(ids, confirmed)
        found = Suspects(found.rows[kept], found.taxa[kept], found.others[kept], found.suspicion[kept])
        ids = ids[kept]
    return Told(ids, found)


def outliers(db: Db, project: Searched, mirror: Mirror, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the objects of one taxon (bool by the mirror's ordinals) those least like the others first: ids and scores."""
    graph = open_graph(db, project)
    rows = np.flatnonzero(graph.rows.column(mirror, members))
    rows, scores = suspects.local_outliers(graph.graph, rows, graph.vectors_of)
    return np.asarray(graph.ids)[rows], scores


def unlike_anything(
    db: Db, project: Searched, mirror: Mirror, mask: np.ndarray, most: int = 10_000, known: np.ndarray | None = None
) -> np.ndarray:
    """Ids of those of these objects (bool by ordinal) that no label is near to, strangest first.

    known: vectors of what is labelled in other projects, float [k, d]. Where nothing is labelled in this one, they
    alone tell, of at most `most` objects that lie evenly between the first and the last.
    """
    graph = open_graph(db, project)
    labels, candidates = validated_labels(graph, mirror), graph.rows.column(mirror, mask)
    if labels.any():
        alone = candidates & suspects.without_known_neighbour(graph.graph, labels)
        rows, _ = suspects.novelties(graph.graph, labels, alone, most)
        if known is not None and len(known):
            rows, _ = suspects.unlike_known(graph.graph, rows, graph.vectors_of, known)
    elif known is not None and len(known):
        rows = np.flatnonzero(candidates)
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)]
        rows, excess = suspects.unlike_known(graph.graph, rows, graph.vectors_of, known)
        rows = rows[np.argsort(-excess, kind="stable")]
    else:
        return np.empty(0, np.int64)
    return np.asarray(graph.ids)[rows]


def left_over(
    db: Db, project: Searched, mirror: Mirror, taxa: np.ndarray, mask: np.ndarray, least: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Of these objects (bool by ordinal) those that the neighbours say belong to the taxa: ids and agreement."""
    graph = open_graph(db, project)
    labels = validated_labels(graph, mirror)
    rows, agreeing = suspects.stragglers(graph.graph, labels, taxa, graph.rows.column(mirror, mask), least)
    return np.asarray(graph.ids)[rows], agreeing


def stacks(db: Db, project: Searched, mirror: Mirror, mask: np.ndarray) -> list[np.ndarray]:
    """Near-duplicates among these objects (bool by ordinal), the largest stack first; each begins with the object that
    stands for it, where the mask keeps that. What is nearly the same is so in the plain space: a learned one draws
    together what is of one taxon, the same or not.
    """
    graph = open_graph(db, Space(project.id, project.embedder_id, 0.0))
    rows = np.flatnonzero(graph.rows.column(mirror, mask))
    first = np.asarray(graph.stands_for)[rows]
    together = np.bincount(first, minlength=len(graph.ids))[first] > 1
    rows, first = rows[together], first[together]
    order = np.lexsort((rows, rows != first, first))
    rows, first = rows[order], first[order]
    parts = np.split(np.asarray(graph.ids)[rows], np.flatnonzero(np.diff(first)) + 1) if len(rows) else []
    return sorted(parts, key=len, reverse=True)
