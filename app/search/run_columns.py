"""What the current run says of every object beside its taxon and score, by ordinal: read when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.database.connections import Db
from app.search.arrays import fetch_arrays
from app.search.heads import place

if TYPE_CHECKING:
    from app.search.mirror import Mirror

KIND = "of the run"
# By name: the expression, NaN where the run says nothing.
RUN_COLUMNS = {
    "margin": "coalesce(score - coalesce(score_2, 0), 'NaN')",
    "novelty": "coalesce(novelty, 'NaN')",
    "carried": "(said_by is not null and said_by is distinct from run.classifier_id)::int::real",
}


def margins(db: Db, mirror: Mirror) -> np.ndarray:
    """float32 [n]: how far the score is above that of the second choice, or above 0 where there is no second."""
    return _column(db, mirror, "margin")


def novelties(db: Db, mirror: Mirror) -> np.ndarray:
    """float32 [n]: the share of held-out objects that are less strange to the learning set, 0 to 1."""
    return _column(db, mirror, "novelty")


def carried(db: Db, mirror: Mirror) -> np.ndarray:
    """bool [n]: what another classifier than the run's, or an import, said, and the run has carried over."""
    found: np.ndarray = _column(db, mirror, "carried") == 1
    return found


def _column(db: Db, mirror: Mirror, name: str) -> np.ndarray:
    return mirror.columns.made(KIND, name, lambda: _read(db, mirror, name))


def _read(db: Db, mirror: Mirror, name: str) -> np.ndarray:
    objects, values = fetch_arrays(
        db,
        f"""
        select array_agg(object_id), array_agg({RUN_COLUMNS[name]})
        from prediction
        join project on project.id = prediction.project_id
                    and project.current_run_id = prediction.run_id
        join run on run.id = prediction.run_id
        where prediction.project_id = %s
        """,  # noqa: S608 (one of these constants)
        [mirror.project_id],
    )
    if objects is None:
        return np.full(len(mirror), np.nan, np.float32)
    order = np.argsort(objects)
    return place(mirror.ids, objects[order], values[order].astype(np.float32), np.nan)
