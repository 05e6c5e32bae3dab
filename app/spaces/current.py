"""The map of a learned space, as readers of vectors apply it: PostgreSQL holds plain vectors only.

Whatever compares objects of a project names the space by `space_id` beside `embedder_id`; where it names none, the
space is the plain one. Objects of other projects are compared in the space of the project that asks.
"""

from typing import Any

import numpy as np

from app.database.connections import Db
from app.errors import NotFound
from app.search.kept import Kept
from indexer.linear_map import LinearMap

MOST_KEPT = 32  # maps; of 256 dimensions each is a quarter of a megabyte

_kept = Kept(MOST_KEPT)


def space_of(project: object) -> int | None:
    """The space in which objects are compared; None for the plain one, as where nobody names any."""
    space_id: int | None = getattr(project, "space_id", None)
    return space_id


def map_of(db: Db, space_id: int | None) -> LinearMap | None:
    """The map of a space, which never changes; None for the plain one."""
    if space_id is None:
        return None
    key = (db.info.host, db.info.port, db.info.dbname, space_id)
    found: LinearMap = _kept.made(key, lambda: _read(db, space_id))
    return found


def _read(db: Db, space_id: int) -> LinearMap:
    row: Any = db.execute("select map, dimension from space where id = %s", [space_id]).fetchone()
    if row is None:
        raise NotFound("The space in which this was to be compared is gone. Load the page again.")
    return LinearMap.from_bytes(bytes(row.map), row.dimension)


def mapped(db: Db, project: object, vectors: np.ndarray) -> np.ndarray:
    """Plain vectors as the project compares them: the very ones that were given where its space is plain."""
    learned = map_of(db, space_of(project))
    return vectors if learned is None or not len(vectors) else learned.apply(vectors)
