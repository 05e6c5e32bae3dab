"""Vectors of a batch's objects: from the index's file where it has them, else from the table."""

from typing import Protocol

import numpy as np

from app.database import Db
from app.labels.changes import array
from app.search import generations, likeness
from app.search.arrays import fetch_arrays
from app.search.sizes import sized
from app.spaces.current import mapped


class Compared(Protocol):
    """The project whose objects are compared."""

    @property
    def id(self) -> int: ...

    @property
    def embedder_id(self) -> int | None: ...


def vectors_of(db: Db, project: Compared, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [n, d] in the project's space, in the order of `ids`, and which of them have one; the others are zero."""
    if project.embedder_id is None or not len(ids):
        return np.zeros((len(ids), 1), np.float32), np.zeros(len(ids), bool)
    found_ids, found = _from_file(db, project, ids)
    rest = ids[~np.isin(ids, found_ids)]
    if len(rest):
        rest_ids, rest_vectors = _from_table(db, project, rest)
        found_ids = np.concatenate([found_ids, rest_ids])
        found = np.concatenate([found, rest_vectors]) if len(found) else rest_vectors
    order = np.argsort(found_ids)
    found_ids, found = found_ids[order], found[order]
    has = np.isin(ids, found_ids)
    vectors = np.zeros((len(ids), found.shape[1]), np.float32)
    vectors[has] = found[np.searchsorted(found_ids, ids[has])]
    return vectors, has


def compared(db: Db, project: Compared, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same as likeness is measured for the person for whom the project was found: with sizes, where these count."""
    vectors, has = vectors_of(db, project, ids)
    return sized(db, project, ids, vectors), has


def _from_file(db: Db, project: Compared, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the objects that the index of plain vectors holds and nothing has replaced since."""
    generation = generations.open_generation(db, project.id, project.embedder_id or 0)
    if generation is None:
        return np.empty(0, np.int64), np.empty((0, 1), np.float32)
    rows = np.searchsorted(generation.ids, ids)
    known = rows < len(generation.ids)
    known[known] = generation.ids[rows[known]] == ids[known]
    (gone,) = fetch_arrays(
        db,
        """
        select array_agg(object_id)
          from vector_removed
         where embedder_id = %s
           and project_id = %s
           and tx >= %s::text::xid8
           and object_id = any(%s::bigint[])
        """,
        [project.embedder_id, project.id, str(generation.manifest.horizon), array(ids.tolist())],
    )
    if gone is not None:
        known &= ~np.isin(ids, gone)
    return ids[known], mapped(db, project, generation.index.vectors(rows[known]))


def _from_table(db: Db, project: Compared, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return likeness.vectors_by_id(db, project, ids)
