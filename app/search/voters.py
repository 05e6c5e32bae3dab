"""The validated objects most alike to something: of a project, and of its references that the asking person may read.

They say what an object may be from the first one on, where nothing of the project itself is labelled yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.frozen.versions import mirror_of
from app.projects.references import Source, sources
from app.search.arrays import fetch_vectors
from app.search.codes import VALIDATED
from app.search.later import Rebuilding
from app.search.likeness import Searched, most_alike
from app.search.mirror import Mirror
from app.spaces.current import mapped, space_of

VOTERS, FEWEST = 30, 5  # fewer where little is validated: a fifth of it
MIX = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: neighbouring ids fall far apart


@dataclass(frozen=True)
class Voters:
    """Validated objects, the most alike first."""

    ids: np.ndarray  # int64
    taxa: np.ndarray  # int32
    distances: np.ndarray  # float32
    projects: np.ndarray  # int32

    def votes(self, loudness: np.ndarray | None = None) -> dict[int, float]:
        """How many of them have which taxon, those of the nearest first; with what each counts, float32, if not one."""
        votes: dict[int, float] = {}
        counts = np.ones(len(self.ids)) if loudness is None else loudness
        for taxon_id, count in zip(self.taxa.tolist(), counts.tolist(), strict=True):
            votes[taxon_id] = votes.get(taxon_id, 0.0) + count
        return votes

    def references(self, project_id: int) -> list[int]:
        """The other projects that have a vote."""
        return sorted(set(self.projects.tolist()) - {project_id})


@dataclass(frozen=True)
class _Asked:
    voters: Voters
    n_comparable: int


def nearest_voters(
    db: Db, project: Searched, account_id: int | None, vectors: np.ndarray, without: np.ndarray
) -> Voters:
    """At most VOTERS, a fifth of those there are where these are few. `without`: ids that are asked about."""
    others = sources(db, project.id, project.embedder_id, account_id, space_of(project))
    asked = [_ask(db, one, vectors, without) for one in (project, *others)]
    n = min(VOTERS, max(FEWEST, sum(one.n_comparable for one in asked) // 5))
    ids, taxa, distances, projects = (
        np.concatenate([getattr(one.voters, name) for one in asked])
        for name in ("ids", "taxa", "distances", "projects")
    )
    order = np.lexsort((ids, distances))[:n]
    return Voters(ids[order], taxa[order], distances[order], projects[order])


def _ask(db: Db, project: Searched, vectors: np.ndarray, without: np.ndarray) -> _Asked:
    mirror = mirror_of(db, project)
    mask = mirror.status == VALIDATED
    mask[mirror.ordinals(without)] = False
    n = int(np.count_nonzero(mask))
    none = np.empty(0, np.int64)
    nobody = _Asked(Voters(none, none.astype(np.int32), none.astype(np.float32), none.astype(np.int32)), 0)
    if not n:
        return nobody
    try:
        found = most_alike(db, project, vectors, mask, VOTERS, mirror=mirror, around=True)
    except Rebuilding:
        # Work goes on without proposals for the minutes that its index takes.
        return nobody
    taxa = mirror.taxon[mirror.ordinals(found.ids)]
    projects = np.full(len(found.ids), project.id, np.int32)
    return _Asked(Voters(found.ids, taxa, found.distances, projects), n - found.n_without_vector)


def some_voters(db: Db, references: Iterable[Source], most: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids, int64, and vectors, float [n, d] in the sources' space, of at most so many validated objects of references.

    Of more, the same number of each taxon as far as it has them: what is rare shall be known by somebody too.
    """
    ids, vectors = [np.empty(0, np.int64)], []
    chosen = [(source, validated(mirror_of(db, source))) for source in references]
    share = most // max(1, len(chosen))
    for source, (mirror, places) in chosen:
        wanted = np.sort(mirror.ids[evenly(mirror, places, share)])
        found, read = vectors_in(db, source, wanted)
        ids.append(found)
        vectors.append(read)
    return np.concatenate(ids), np.concatenate(vectors) if vectors else np.empty((0, 1), np.float16)


def validated(mirror: Mirror) -> tuple[Mirror, np.ndarray]:
    """A mirror with the places of what is validated there."""
    return mirror, np.flatnonzero((mirror.status == VALIDATED) & (mirror.taxon != 0))


def evenly(mirror: Mirror, places: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the places, of each taxon equally many as far as it has them; the same ones each time."""
    if len(places) <= most:
        return places
    return places[np.argsort(turns_within(mirror, places), kind="stable")[:most]]


def turns_within(mirror: Mirror, places: np.ndarray) -> np.ndarray:
    """When the turn of each is among those of its taxon, int64 [n]: by chance, but always the same."""
    mixed = np.argsort(mirror.ids[places].astype(np.uint64) * MIX, kind="stable")
    turns = np.empty(len(places), np.int64)
    turns[mixed] = rank_within(mirror.taxon[places][mixed])
    return turns


def rank_within(groups: np.ndarray) -> np.ndarray:
    """How many of the same group stand before each: int64 [n]."""
    order = np.argsort(groups, kind="stable")
    first = np.searchsorted(groups[order], groups[order])
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - first
    return ranks


def vectors_in(db: Db, source: Searched, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids of those that have a vector of the source's embedder, and the vectors in its space, float [n, d]."""
    dimension = db.execute("select dimension from embedder where id = %s", [source.embedder_id]).fetchone().dimension
    found, vectors = fetch_vectors(
        db,
        """
        select array_agg(object_vector.object_id), array_agg(object_vector.v)
        from unnest(%s::bigint[]) as wanted (id)
        join object_vector on object_vector.embedder_id = %s
                          and object_vector.project_id = %s
                          and object_vector.object_id = wanted.id
        """,
        ["{" + ",".join(map(str, ids.tolist())) + "}", source.embedder_id, source.id],
        dimension,
    )
    return found, mapped(db, source, vectors)
