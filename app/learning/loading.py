"""A frozen learning set, read for who learns from it."""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.errors import NotFound
from app.search.arrays import fetch_arrays, fetch_vectors

VECTORS_AT_ONCE = 200_000


@dataclass(frozen=True)
class LearningData:
    """What one learns from: only items that have a vector of the embedder, by number."""

    numbers: np.ndarray  # int32 [n], ascending
    object_ids: np.ndarray  # int64 [n]; 0: from elsewhere
    project_ids: np.ndarray  # int32 [n]; 0: from elsewhere
    taxa: np.ndarray  # int32 [n]: what to teach
    groups: np.ndarray  # int64 [n]: samples
    vectors: np.ndarray  # float32 [n, d]: plain, of unit length
    n_without_vector: int


def load(db: Db, set_id: int, embedder_id: int) -> LearningData:
    """The items of a frozen set that have a vector of an embedder, with these."""
    columns = fetch_arrays(
        db,
        """
        select array_agg(number), array_agg(coalesce(object_id, 0)), array_agg(coalesce(project_id, 0)),
               array_agg(taxon_id), array_agg(group_id)
        from learning_item
        where set_id = %s
        """,
        [set_id],
    )
    if columns[0] is None:
        raise NotFound("This learning set has no objects: it is still being made, or it was deleted.")
    order = np.argsort(columns[0])
    numbers, object_ids, project_ids, taxa, groups = (column[order] for column in columns)
    found, vectors = _vectors(db, set_id, embedder_id, int(numbers[-1]))
    rows = np.searchsorted(numbers, found)
    return LearningData(
        found.astype(np.int32), object_ids[rows], project_ids[rows], taxa[rows], groups[rows], vectors,
        len(numbers) - len(found),
    )  # fmt: skip


def _vectors(db: Db, set_id: int, embedder_id: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, ascending, and vectors, float32 of unit length, of those items that have one."""
    row = db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone()
    if row is None:
        raise NotFound("This embedder is not known any more.")
    parts = [
        _vectors_between(db, set_id, embedder_id, row.dimension, first, first + VECTORS_AT_ONCE)
        for first in range(0, last + 1, VECTORS_AT_ONCE)
    ]
    numbers, vectors = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    return numbers, vectors


def _vectors_between(
    db: Db, set_id: int, embedder_id: int, dimension: int, first: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """In pieces, since the database gives no more than a gigabyte at once."""
    numbers, vectors = fetch_vectors(
        db,
        """
        select array_agg(number), array_agg(v)
        from (
            select item.number::bigint, object_vector.v
            from learning_item item
            join object_vector on object_vector.embedder_id = %(embedder)s
                              and object_vector.project_id = item.project_id
                              and object_vector.object_id = item.object_id
            where item.set_id = %(set)s
              and item.number >= %(first)s and item.number < %(end)s
            union all
            select number, v
            from learning_vector
            where set_id = %(set)s
              and embedder_id = %(embedder)s
              and number >= %(first)s and number < %(end)s
        ) as found
        """,
        {"embedder": embedder_id, "set": set_id, "first": first, "end": end},
        dimension,
    )
    order = np.argsort(numbers)
    found = vectors[order].astype(np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return numbers[order], found / np.maximum(lengths, 1e-12)
