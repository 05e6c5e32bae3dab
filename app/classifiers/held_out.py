"""What a classifier said of the objects that it did not learn from, kept with it."""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.search.arrays import fetch_arrays
from indexer.classifier import HeldOut


@dataclass(frozen=True)
class HeldOutObjects:
    """Arrays of one length, by held-out object; object_ids int64 (0: brought from elsewhere), project_ids, truths,
    firsts and seconds int32, scores, second_scores and novelties float32."""

    object_ids: np.ndarray
    project_ids: np.ndarray
    truths: np.ndarray
    firsts: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray
    second_scores: np.ndarray
    novelties: np.ndarray

    def __len__(self) -> int:
        return len(self.object_ids)


def read_held_out(db: Db, classifier_id: int) -> HeldOutObjects:
    """Empty for a classifier that nothing was held out from, or that was made elsewhere."""
    row = fetch_arrays(
        db,
        """
        select object_ids, project_ids, truths, firsts, scores, seconds, second_scores, novelties
        from held_out
        where classifier_id = %s
        """,
        [classifier_id],
    )
    if row:
        return HeldOutObjects(*row)
    whole, real = np.empty(0, np.int32), np.empty(0, np.float32)
    return HeldOutObjects(np.empty(0, np.int64), whole, whole, whole, real, whole, real, real)


def write_held_out(db: Db, classifier_id: int, held: HeldOut, object_ids: np.ndarray, project_ids: np.ndarray) -> None:
    """In place of what was there; the ids are those of the whole learning set, by its rows."""
    columns = [
        object_ids[held.index], project_ids[held.index], held.truth, held.first, held.score, held.second,
        held.second_score, held.novelty,
    ]  # fmt: skip
    db.execute("delete from held_out where classifier_id = %s", [classifier_id])
    db.execute(
        """
        insert into held_out (classifier_id, object_ids, project_ids, truths, firsts, scores, seconds, second_scores,
                              novelties)
        values (%s, %s::bigint[], %s::int[], %s::int[], %s::int[], %s::real[], %s::int[], %s::real[], %s::real[])
        """,
        [classifier_id, *("{" + ",".join(map(str, column.tolist())) + "}" for column in columns)],
    )
