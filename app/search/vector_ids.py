"""Which objects of a project have a vector, and which of them got it since a transaction, or before one."""

import numpy as np

from app.database.connections import Db
from app.search.arrays import fetch_arrays

NO_END = 2**64 - 1  # the last transaction that can be


def vector_ids(
    db: Db, embedder_id: int, project_id: int, since: int | str = 0, before: int | str = NO_END
) -> np.ndarray:
    """Ids, int64 ascending, of the objects whose vector a transaction from `since` on, and before `before`, added."""
    (ids,) = fetch_arrays(
        db,
        """
        select array_agg(object_id)
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and tx >= %s::text::xid8
          and tx < %s::text::xid8
        """,
        [embedder_id, project_id, str(since), str(before)],
    )
    return np.empty(0, np.int64) if ids is None else np.sort(ids)
