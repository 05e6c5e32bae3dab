"""What every object has beside its free columns, by ordinal and as numbers: acquisition, import, day, time, sun."""

from typing import Any

import numpy as np
from psycopg import sql

from app.database.connections import Db
from app.search.arrays import fetch_arrays

NONE = -(2**31)  # an unknown day or time
# By name: the expression, the value where there is none, and what it is kept as.
HEADS: dict[str, tuple[str, float, type]] = {
    "acquisition": ("acquisition_id", 0, np.int64),
    "import": ("coalesce(import_id, 0)", 0, np.int32),
    "day": (f"case when isfinite(date) then date - date '1970-01-01' else {NONE} end", NONE, np.int32),
    "second": (f"coalesce(floor(date_part('epoch', time))::int, {NONE})", NONE, np.int32),
    "shallowest": ("coalesce(depth_min_m, depth_max_m, 'NaN')", np.nan, np.float64),
    "deepest": ("coalesce(depth_max_m, depth_min_m, 'NaN')", np.nan, np.float64),
    "sun": ("ascii(sun_position)::int2", ord("?"), np.uint8),
}
TOGETHER = (("day", "second"), ("shallowest", "deepest"))  # read in one go, since one is seldom used without the other


def read_heads(db: Db, project_id: int, ids: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """A column of HEADS, and those that are read with it.

    acquisition and import are ids; day counts from 1970, second from midnight; sun is the letter's code; shallowest
    and deepest are in metres, the same where the object has one depth only.
    """
    names = next((group for group in TOGETHER if name in group), (name,))
    query = sql.SQL(
        """
        select array_agg(id), {values}
        from object
        where project_id = %s
        """
    ).format(values=sql.SQL(", ").join(sql.SQL(f"array_agg({HEADS[one][0]})") for one in names))
    found, *columns = fetch_arrays(db, query, [project_id])
    if found is None:
        return {one: np.full(len(ids), HEADS[one][1], HEADS[one][2]) for one in names}
    return {
        one: place(ids, found, values.astype(HEADS[one][2]), HEADS[one][1])
        for one, values in zip(names, columns, strict=True)
    }


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
