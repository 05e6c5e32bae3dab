"""The order of what is left, which follows what was labelled and refused: the same acts in force, the same order.

What was not found by likeness, but laid out between neighbours or by a score, keeps its order.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from app.batches.ordering import first_turns
from app.batches.places import WAITING, Places
from app.batches.vectors import vectors_of
from app.batches.wanted import wanted
from app.database import Db
from indexer.neighbours import feedback_scores


def rank_again(db: Db, project_id: int, batch_id: int, listed: Places) -> None:
    """Set the turns of a batch's waiting objects anew."""
    batch: Any = db.execute(
        """
        select batch.ordering, project.embedder_id
          from batch
          join project on project.id = batch.project_id
         where batch.id = %s
        """,
        [batch_id],
    ).fetchone()
    project = SimpleNamespace(id=project_id, embedder_id=batch.embedder_id)
    if batch.ordering not in ("neighbours", "alike") or np.isnan(listed.distances).all():
        return
    looks_for = wanted(db, project, batch_id)
    if looks_for is None or not looks_for.is_told:
        listed.turns, _ = first_turns(db, project, listed.ids, listed.distances, batch.ordering, ranked=True)
        return
    waiting = np.flatnonzero(listed.places == WAITING)
    vectors, has = vectors_of(db, project, listed.ids[waiting])
    if not has.any():
        return
    scores = np.full(len(waiting), -np.inf, np.float32)
    scores[has] = feedback_scores(vectors[has], looks_for.positive, looks_for.negative)
    listed.turns[waiting[np.argsort(-scores, kind="stable")]] = np.arange(len(waiting), dtype=np.int32)
