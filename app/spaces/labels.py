"""What a space is learned from: validated objects of a project and of its references, with their plain vectors.

What was accepted unseen teaches nothing. Whoever asks for a space learns from the references that they may read, as
with a classifier. What a project learns by itself, or the server's keeper has it learn, is learned from all that its
managers have named: nobody chose for themselves, and a map of numbers tells nobody what is in them.
"""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.frozen.versions import mirror_of
from app.projects.references import Source, all_sources, sources
from app.search.codes import PROVENANCES
from app.search.voters import evenly, validated, vectors_in

MOST_LABELS = 50_000  # that are learned from; of more, of each taxon equally many as far as it has them
ROWS = 10_000  # read at once
UNSEEN = PROVENANCES.index("audit")


@dataclass(frozen=True)
class Labels:
    """vectors float32 [n, d], plain; taxa int32 [n]; groups int64 [n], the sample of each. `n_own`: validated ones of
    the project itself; `n_references`: projects of which some were taken besides."""

    vectors: np.ndarray
    taxa: np.ndarray
    groups: np.ndarray
    n_own: int
    n_references: int


def teachers(db: Db, project_id: int, embedder_id: int, account_id: int | None) -> list[Source]:
    """The references that teach where an account asks; null: where nobody does."""
    if account_id is None:
        return all_sources(db, project_id, embedder_id)
    return sources(db, project_id, embedder_id, account_id)


def read_labels(db: Db, project_id: int, embedder_id: int, account_id: int | None = None) -> Labels:
    """The project's own first; references as far as there is room."""
    own = _read(db, Source(project_id, "", embedder_id), MOST_LABELS)
    others = teachers(db, project_id, embedder_id, account_id)
    room = (MOST_LABELS - len(own[1])) // max(1, len(others))
    of_others = [part for part in (_read(db, one, room) for one in others) if len(part[1])]
    vectors, taxa, groups = (np.concatenate([part[k] for part in (own, *of_others)]) for k in range(3))
    return Labels(vectors, taxa, groups, len(own[1]), len(of_others))


def _read(db: Db, source: Source, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plain vectors, taxa and samples of at most so many validated objects."""
    mirror, places = validated(mirror_of(db, source))
    places = np.sort(evenly(mirror, places[mirror.provenance[places] != UNSEEN], most))
    pieces = [vectors_in(db, source, mirror.ids[places[start : start + ROWS]]) for start in range(0, len(places), ROWS)]
    if not pieces:
        pieces = [vectors_in(db, source, np.empty(0, np.int64))]
    ids, vectors = (np.concatenate([piece[k] for piece in pieces]) for k in range(2))
    there = np.searchsorted(mirror.ids, ids)
    return vectors.astype(np.float32), mirror.taxon[there], mirror.sample[there]
