"""A project's vectors for programs: pages of ids and half-precision numbers, as one .npy file each."""

from io import BytesIO

import numpy as np

from app.database import Db
from app.errors import Refused
from app.labels.changes import array
from app.projects.access import Project
from app.search import embedders
from app.search.arrays import fetch_vectors
from app.search.likeness import NO_EMBEDDER
from app.spaces.current import mapped

MOST_ROWS = 20_000
MOST_IDS = 1_000
SPACES = PLAIN, CURRENT = "plain", "current"


def vectors_after(db: Db, project: Project, after: int, limit: int, space: str = PLAIN) -> np.ndarray:
    """The next `limit` vectors by object id: records of `id` and `v`, see `packed`. space: plain, or the current."""
    if not 1 <= limit <= MOST_ROWS:
        raise Refused(f"limit is {limit}: ask for 1 to {MOST_ROWS:,} vectors at once.")
    return _fetched(db, project, "object_id > %(after)s", {"after": after, "limit": limit}, space)


def vectors_of(db: Db, project: Project, ids: list[int], space: str = PLAIN) -> np.ndarray:
    """Those of the given objects that have a vector, by object id."""
    if len(ids) > MOST_IDS:
        raise Refused(f"Name at most {MOST_IDS:,} objects, or leave `ids` out and go through the pages.")
    if not all(0 <= object_id < 2**63 for object_id in ids):
        raise Refused("One of the ids is a number that no object has.")
    return _fetched(db, project, "object_id = any(%(ids)s::bigint[])", {"ids": array(ids), "limit": MOST_IDS}, space)


def _fetched(db: Db, project: Project, which: str, values: dict[str, object], space: str) -> np.ndarray:
    if space not in SPACES:
        raise Refused(f"There is no space {space[:40]!r}: say {' or '.join(SPACES)}, or leave it out.")
    embedder = embedders.of_project(db, project.id)
    if embedder is None:
        raise Refused(NO_EMBEDDER)
    ids, vectors = fetch_vectors(
        db,
        f"""
        select array_agg(object_id), array_agg(v)
        from (
            select object_id, v
            from object_vector
            where embedder_id = %(embedder)s
              and project_id = %(project)s
              and {which}
              and (not %(validated_only)s
                   or exists (select
                              from label
                              where label.project_id = object_vector.project_id
                                and label.object_id = object_vector.object_id
                                and label.status = 'V'))
            order by object_id
            limit %(limit)s
        ) as page
        """,  # noqa: S608 - one of two constants
        values | {"embedder": embedder.id, "project": project.id, "validated_only": project.validated_only},
        embedder.dimension,
    )
    return packed(ids, mapped(db, project, vectors) if space == CURRENT else vectors)


def packed(ids: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Records of `id` (int64) and `v` (float16 [d])."""
    records = np.empty(len(ids), np.dtype([("id", "<i8"), ("v", "<f2", (vectors.shape[1],))]))
    records["id"], records["v"] = ids, vectors
    return records


def as_npy(records: np.ndarray) -> bytes:
    """What `numpy.load` reads; it says its own dimension."""
    file = BytesIO()
    np.lib.format.write_array(file, records, allow_pickle=False)
    return file.getvalue()
