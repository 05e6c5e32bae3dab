"""The calibrated chance that an object has the label which its batch expects, and the boundary line that follows."""

from typing import Any

import numpy as np

from app.batches.batch import Batch
from app.batches.calibrating import calibration
from app.batches.ordering import Compared
from app.batches.vectors import vectors_of
from app.batches.wanted import wanted
from app.database import Db
from app.labels.changes import array
from indexer.neighbours import mean_direction

HALF = 0.5


def chances_of(
    db: Db, project: Compared, batch: Batch, ids: np.ndarray
) -> tuple[np.ndarray | None, dict[str, Any] | None]:
    """Chances, float32 in the order of `ids`, with what they rest on; None where there is nothing to calibrate on."""
    if batch.source["kind"] == "predicted":
        return _scores(db, project.id, ids), {"kind": "score"}
    looks_for = wanted(db, project, batch.id)
    if looks_for is None:
        return None, None
    curve = calibration(db, project, len(looks_for.positive))
    if curve is None:
        return None, None
    vectors, has = vectors_of(db, project, ids)
    chances = np.zeros(len(ids), np.float32)
    chances[has] = curve.chance(1 - vectors[has] @ mean_direction(looks_for.positive))
    return chances, {"kind": "pairs", "n": curve.n}


def line_of(chances: np.ndarray) -> int:
    """How many objects stand before the line: the chance of the others is under one half."""
    return int(np.count_nonzero(chances >= HALF))


def _scores(db: Db, project_id: int, ids: np.ndarray) -> np.ndarray:
    """The current run's scores, which are calibrated; 0 where it says nothing."""
    rows = db.execute(
        """
        select prediction.object_id, prediction.score
          from prediction
          join project on project.id = prediction.project_id
         where prediction.project_id = %s
           and prediction.run_id = project.current_run_id
           and prediction.object_id = any(%s::bigint[])
        """,
        [project_id, array(ids.tolist())],
    )
    scores = {row.object_id: row.score for row in rows}
    return np.array([scores.get(object_id, 0.0) for object_id in ids.tolist()], np.float32)
