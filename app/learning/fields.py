"""The numeric columns of a learning set's objects, and which of them its sources and a project that is to be predicted
share."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.search.arrays import fetch_arrays
from app.search.mirror import Mirror, open_mirror

PREDEFINED = ("depth_min_m", "depth_max_m")


@dataclass(frozen=True)
class FieldInfo:
    """A numeric column that all have; over the set's objects, how much is missing, and whether all are alike."""

    name: str  # as load_fields takes it: object.area
    share_missing: float
    constant: bool


@dataclass(frozen=True)
class Lacking:
    """A numeric column that some have and others lack, with the ids of those that lack it."""

    name: str
    project_ids: list[int]


def load_fields(db: Db, set_id: int, names: list[str]) -> np.ndarray:
    """Numeric columns of a set's items, float64 [n, f] by number: NaN where a value is missing or infinite, and for
    what was brought from elsewhere."""
    object_ids, project_ids = _items(db, set_id)
    values = np.full((len(object_ids), len(names)), np.nan)
    for project_id in _there(db, np.setdiff1d(project_ids, 0).tolist()):
        rows = np.flatnonzero(project_ids == project_id)
        values[rows] = read_fields(db, project_id, object_ids[rows], names)
    return values


def _there(db: Db, project_ids: list[int]) -> list[int]:
    """Those that were not deleted since."""
    row: Any = db.execute(
        "select coalesce(array_agg(id order by id), '{}') as ids from project where id = any(%s)", [project_ids]
    ).fetchone()
    return list(row.ids)


def read_fields(db: Db, project_id: int, ids: np.ndarray, names: list[str]) -> np.ndarray:
    """Numeric columns of a project's objects, float64 [n, f]: NaN where there is no such object, column or number."""
    mirror = open_mirror(db, project_id)
    places = np.searchsorted(mirror.ids, ids)
    there = places < len(mirror)
    there[there] = mirror.ids[places[there]] == ids[there]
    values = np.full((len(ids), len(names)), np.nan)
    for column, name in enumerate(names):
        values[there, column] = _numbers(db, mirror, name)[places[there]]
    values[~np.isfinite(values)] = np.nan
    return values


def _numbers(db: Db, mirror: Mirror, name: str) -> np.ndarray:
    level, _, field = name.rpartition(".")
    try:
        found = mirror.column(db, level or "object", field)
    except KeyError:
        return np.full(len(mirror), np.nan)
    return found if isinstance(found, np.ndarray) else np.full(len(mirror), np.nan)


def _items(db: Db, set_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Object ids and project ids by number; 0: from elsewhere."""
    numbers, objects, projects = fetch_arrays(
        db,
        """
        select array_agg(number), array_agg(coalesce(object_id, 0)), array_agg(coalesce(project_id, 0))
        from learning_item
        where set_id = %s
        """,
        [set_id],
    )
    if numbers is None:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    order = np.argsort(numbers)
    return objects[order], projects[order]


def common_fields(db: Db, set_id: int, project_id: int) -> list[FieldInfo]:
    """The numeric columns that all of a set's sources and the project have, in the project's order."""
    row = db.execute("select source_ids from learning_set where id = %s", [set_id]).fetchone()
    names = shared_names(db, [project_id, *_there(db, row.source_ids)])[0] if row else []
    values = load_fields(db, set_id, names)
    return [FieldInfo(name, *_told(values[:, column])) for column, name in enumerate(names)]


def _told(values: np.ndarray) -> tuple[float, bool]:
    known = values[~np.isnan(values)]
    missing = 1 - len(known) / len(values) if len(values) else 1.0
    return round(missing, 4), not len(known) or bool(known.min() == known.max())


def shared_names(db: Db, project_ids: list[int]) -> tuple[list[str], list[Lacking]]:
    """Names of the numeric columns that all projects have, in the order of the first; and those that some lack."""
    wanted = sorted(set(project_ids))
    rows: Any = db.execute(
        """
        select name, array_agg(project_id) as project_ids,
               min(position) filter (where project_id = %s) as place
        from field
        where project_id = any(%s)
          and level = 'object'
          and type = 'number'
        group by name
        order by place nulls last, name
        """,
        [project_ids[0], wanted],
    ).fetchall()
    free = [row for row in rows if row.name not in PREDEFINED]
    shared = [f"object.{row.name}" for row in free if len(row.project_ids) == len(wanted)]
    lacking = [
        Lacking(f"object.{row.name}", sorted(set(wanted) - set(row.project_ids)))
        for row in free
        if len(row.project_ids) < len(wanted)
    ]
    return shared + [f"object.{name}" for name in PREDEFINED], lacking
