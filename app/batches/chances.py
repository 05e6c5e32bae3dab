"""The calibrated chance that an object has the label which its batch expects, and the boundary line that follows."""

from dataclasses import replace
from typing import Any

import numpy as np

from app.batches.batch import Batch
from app.batches.calibrating import calibration
from app.batches.lineages import branch_of
from app.batches.ordering import Compared
from app.batches.vectors import compared
from app.batches.wanted import wanted
from app.database import Db
from app.labels.changes import array
from app.prediction.shown import has_scores
from app.projects.references import sources
from app.search.sizes import Space
from indexer.neighbours import Calibration, mean_direction

HALF = 0.5


def chances_of(
    db: Db, project: Compared, batch: Batch, ids: np.ndarray
) -> tuple[np.ndarray | None, dict[str, Any] | None]:
    """Chances, float32 in the order of `ids`, with what they rest on; None where there is nothing to calibrate on.

    The curve rests on what is validated, which in a young project is what was easy: so they are lowered as far as the
    batch's own pages have not borne them out.
    """
    if batch.source["kind"] == "predicted" and has_scores(db, project.id):
        return _scores(db, project.id, batch.taxon_id, ids), {"kind": "score"}
    looks_for = wanted(db, project, batch.id)
    if looks_for is None:
        return None, None
    curve, basis = _curve(db, looks_for.space, batch, len(looks_for.positive))
    if curve is None:
        return None, None
    vectors, has = compared(db, looks_for.space, ids)
    chances = np.zeros(len(ids), np.float32)
    chances[has] = looks_for.borne_out * curve.chance(1 - vectors[has] @ mean_direction(looks_for.positive))
    return chances, basis | {"kind": "pairs", "n": curve.n}


def _curve(db: Db, project: Space, batch: Batch, n_examples: int) -> tuple[Calibration | None, dict[str, Any]]:
    """The project's own curve; where too little is validated here, that of a reference."""
    curve = calibration(db, project, n_examples)
    if curve is not None:
        return curve, {}
    for source in sources(db, project.id, project.embedder_id, batch.account_id, project.space_id):
        curve = calibration(db, replace(project, id=source.id), n_examples)
        if curve is not None:
            return curve, {"reference": source.id}
    return None, {}


def line_of(chances: np.ndarray) -> int:
    """How many objects stand before the line: the chance of the others is under one half."""
    return int(np.count_nonzero(chances >= HALF))


def _scores(db: Db, project_id: int, taxon_id: int | None, ids: np.ndarray) -> np.ndarray:
    """The current run's scores, which are calibrated, for what the batch expects; 0 where that run, which may be later
    than the one the batch was made of, says something else or nothing."""
    rows = db.execute(
        """
        select prediction.object_id, prediction.score
          from prediction
          join project on project.id = prediction.project_id
         where prediction.project_id = %s
           and prediction.run_id = project.current_run_id
           and prediction.object_id = any(%s::bigint[])
           and prediction.taxon_id = any(%s::int[])
        """,
        [project_id, array(ids.tolist()), branch_of(db, taxon_id).tolist() if taxon_id else []],
    )
    scores = {row.object_id: row.score for row in rows}
    return np.array([scores.get(object_id, 0.0) for object_id in ids.tolist()], np.float32)
