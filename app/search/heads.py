"""What every object has beside its free columns, by ordinal and as numbers: acquisition, import, day, time, sun."""

from typing import Any

import numpy as np
from psycopg import sql

from app.database.connections import Db
from app.search.arrays import fetch_arrays

NONE = -(2**31)  # an unknown day or time
# By name: the expression, the value where there is none, and what it is kept as.
HEADS: dict[str, tuple[str, int, type]] = {
    "acquisition": ("acquisition_id", 0, np.int64),
    "import": ("coalesce(import_id, 0)", 0, np.int32),
    "day": (f"case when isfinite(date) then date - date '1970-01-01' else {NONE} end", NONE, np.int32),
    "second": (f"coalesce(floor(date_part('epoch', time))::int, {NONE})", NONE, np.int32),
    "sun": ("ascii(sun_position)::int2", ord("?"), np.uint8),
}


def read_head(db: Db, project_id: int, ids: np.ndarray, name: str) -> np.ndarray:
    """acquisition and import are ids; day counts from 1970, second from midnight; sun is the letter's code."""
    expression, missing, kind = HEADS[name]
    query = sql.SQL(
        """
        select array_agg(id), array_agg({value})
        from object
        where project_id = %s
        """
    ).format(value=sql.SQL(expression))
    found, values = fetch_arrays(db, query, [project_id])
    if found is None:
        return np.full(len(ids), missing, kind)
    return place(ids, found, values.astype(kind), missing)


def place(ids: np.ndarray, found: np.ndarray, values: np.ndarray, missing: Any) -> np.ndarray:
    """Values, in the order of the ids that were found, in that of `ids`; what is not among these is passed over."""
    if np.array_equal(found, ids):
        return values
    column = np.full(len(ids), missing, values.dtype)
    places = np.searchsorted(ids, found)
    known = places < len(ids)
    known[known] = ids[places[known]] == found[known]
    column[places[known]] = values[known]
    return column
