"""How loud reference projects may speak: the less, the farther their validated objects are from what is asked about.

That thirty of them agree does not say that any is near: of what nobody knows, thirty are the nearest all the same. So
the way to the nearest of them is held against the ways that these have among themselves.

Measured on what most of 30 neighbours say of 1 to 30 objects that stand together. On PlanktonSet by its other half,
they agree by 54 to 62 %, are right in 57 to 80 %, and count 0.93 of that; with half of the labels shuffled they agree
by 31 to 34 %, and are right in 53 to 74 %. On IFCB by PlanktonSet, where hardly anything is the same, they agree by
36 %; where they agree by 70 % and more, one in thirteen is right. There they count 0.06 of it; and of the cards, 19
of 23 were named (44 % expected, 9 % right), of which none is left, while on PlanktonSet all 75 still are.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.projects.references import Source
from app.search.kept import Kept
from app.search.likeness import Searched, vectors_by_id
from app.search.mirror import open_mirror
from app.search.vector_ids import vector_ids
from app.search.voters import validated, vectors_in
from indexer.matches import nearness, usual_distances

SAMPLE = 4000
SOME = 500  # objects of a project, that tell how near a reference is to it
MOST_KEPT = 32
KEPT_FOR_S = 600.0  # labels and vectors of a reference change slowly
SEED = 1

_kept = Kept(MOST_KEPT)


@dataclass(frozen=True)
class Voice:
    """A sample of a reference's validated objects: vectors float16 [m, d], and the distances that are usual among them,
    float32, ascending."""

    known: np.ndarray
    usual: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.known.nbytes + self.usual.nbytes

    def loudness(self, vectors: np.ndarray) -> np.ndarray:
        """What a vote of the reference counts on each of these, plain vectors of unit length: float32 [n], 0 to 1."""
        return nearness(vectors, self.known, self.usual)


def voices_of(db: Db, sources: Iterable[Source]) -> dict[int, Voice]:
    """The voices of references by project; none of one that has nothing to compare with."""
    found = {source.id: _voice_of(db, source) for source in sources if source.embedder_id is not None}
    return {project_id: voice for project_id, voice in found.items() if len(voice.known)}


def heard_in(db: Db, project: Searched, sources: Iterable[Source]) -> dict[int, float]:
    """How loud references speak of the objects of a project, on average of some of them; none where nothing can be
    compared."""
    voices = voices_of(db, sources)
    if not voices or project.embedder_id is None:
        return {}
    ids = open_mirror(db, project.id).ids
    rng = np.random.default_rng(SEED)
    vectors = vectors_by_id(db, project, ids if len(ids) <= SOME else rng.choice(ids, SOME, replace=False))[1]
    if not len(vectors):
        return {}
    return {project_id: round(float(voice.loudness(vectors).mean()), 3) for project_id, voice in voices.items()}


def _voice_of(db: Db, source: Source) -> Voice:
    key = (db.info.host, db.info.port, db.info.dbname, source.id, source.embedder_id, source.space_id)
    voice, made_at = _kept.get(key) or (None, 0.0)
    if voice is None or time.monotonic() - made_at > KEPT_FOR_S:
        known = _sample(db, source)
        voice = Voice(known, usual_distances(known))
        if len(known):
            _kept.put(key, (voice, time.monotonic()))
    return voice


def _sample(db: Db, source: Source) -> np.ndarray:
    mirror, places = validated(open_mirror(db, source.id))
    rng = np.random.default_rng(SEED)
    ids = mirror.ids[places]
    vectors = vectors_in(db, source, _some(rng, ids))[1]
    if 2 * len(vectors) < min(len(ids), SAMPLE):
        # Of a reference with another embedder, only the first ones of each taxon have a vector in this space.
        there = np.intersect1d(ids, vector_ids(db, source.embedder_id or 0, source.id), assume_unique=True)
        vectors = vectors_in(db, source, _some(rng, there))[1]
    return vectors


def _some(rng: np.random.Generator, ids: np.ndarray) -> np.ndarray:
    return ids if len(ids) <= SAMPLE else np.sort(rng.choice(ids, SAMPLE, replace=False))
