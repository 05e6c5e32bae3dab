"""The order of what is left, which follows what was labelled and refused: the same acts in force, the same order.

What was found the likeliest first by something else than likeness, such as a score, is ranked by both alike. What was
only laid out between neighbours keeps its order.
"""

from typing import Any

import numpy as np

from app.batches import places
from app.batches.batch import Batch
from app.batches.ordering import Compared, first_turns
from app.batches.places import WAITING, Places
from app.batches.vectors import compared
from app.batches.wanted import wanted
from app.database import Db
from app.search.sizes import Space
from indexer.neighbours import feedback_scores, mean_direction
from indexer.spaces import USUAL_WEIGHT


def found_again(db: Db, project: Compared, batch: Batch, listed: Places) -> Places:
    """A batch of what is like examples in the order in which its objects would be found now; others as they are."""
    looks_for = wanted(db, project, batch.id) if batch.source["kind"] == "examples" else None
    if looks_for is None:
        return listed
    vectors, has = compared(db, looks_for.space, listed.ids)
    distances = np.where(has, 1 - vectors @ mean_direction(looks_for.positive), np.nan).astype(np.float32)
    order = np.argsort(-distances if batch.source.get("far") else distances, kind="stable")
    again = listed.found_as(distances, order)
    places.rewrite(db, batch.id, again)
    return again


def rank_again(db: Db, project_id: int, batch_id: int, listed: Places) -> None:
    """Set the turns of a batch's waiting objects anew."""
    batch: Any = db.execute(
        """
        select batch.ordering, batch.ranked, batch.opens_marked, batch.space_id,
               coalesce(batch.embedder_id, project.embedder_id) as embedder_id,
               coalesce((kept.settings ->> 'size_weight')::float8, %s) as size_weight
          from batch
          join project on project.id = batch.project_id
          left join board_preference kept on kept.project_id = batch.project_id
                                         and kept.account_id = batch.account_id
         where batch.id = %s
        """,
        [USUAL_WEIGHT, batch_id],
    ).fetchone()
    project = Space(project_id, batch.embedder_id, batch.size_weight, batch.space_id)
    if batch.ordering not in ("neighbours", "alike") or not (batch.ranked and batch.opens_marked):
        return
    looks_for = wanted(db, project, batch_id)
    if looks_for is None or not looks_for.is_told:
        listed.turns, _ = first_turns(db, project, listed.ids, listed.distances, batch.ordering, ranked=True)
        return
    waiting = np.flatnonzero(listed.places == WAITING)
    vectors, has = compared(db, looks_for.space, listed.ids[waiting])
    if not has.any():
        return
    scores = np.full(len(waiting), -np.inf, np.float32)
    scores[has] = feedback_scores(vectors[has], looks_for.positive, looks_for.negative)
    order = np.argsort(-scores, kind="stable")
    if np.isnan(listed.distances).all():
        rank = np.empty(len(waiting), np.int64)
        rank[order] = np.arange(len(waiting))
        order = np.argsort(rank + np.arange(len(waiting)), kind="stable")
    listed.turns[waiting[order]] = np.arange(len(waiting), dtype=np.int32)
