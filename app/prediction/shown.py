"""The run that a project shows, and which of its objects are unlike what its classifier learned from."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.prediction.novel import USUAL_FROM
from app.search.mirror import Mirror
from app.search.run_columns import carried, novelties


@dataclass(frozen=True)
class ShownRun:
    """`novel_from`: the novelty from which an object is unlike the learning set: there is no confident label for it."""

    id: int
    title: str
    classifier_id: int | None
    classifier: str | None
    novel_from: float


def shown_run(db: Db, project_id: int) -> ShownRun | None:
    """None where the project shows none."""
    row = db.execute(
        """
        select run.id, run.title, run.classifier_id, classifier.title as classifier, classifier.version,
               coalesce(run.summary ->> 'novel_from', classifier.report -> 'novelty' ->> 'threshold')::float8
                   as novel_from
          from project
          join run on run.id = project.current_run_id
          left join classifier on classifier.id = run.classifier_id
         where project.id = %s
        """,
        [project_id],
    ).fetchone()
    if row is None:
        return None
    classifier = f"{row.classifier}, version {row.version}" if row.classifier_id else None
    novel_from = USUAL_FROM if row.novel_from is None else row.novel_from
    return ShownRun(row.id, row.title, row.classifier_id, classifier, novel_from)


def has_scores(db: Db, project_id: int) -> bool:
    """False where an import brought what is shown: its tables tell no score, and 1 stands in the place of each."""
    row: Any = db.execute(
        """
        select exists (select
                         from project
                         join run on run.id = project.current_run_id
                        where project.id = %s
                          and run.kind = 'import'
                          and run.classifier_id is null) as is_imported
        """,
        [project_id],
    ).fetchone()
    return not row.is_imported


def is_known(db: Db, mirror: Mirror, run: ShownRun | None) -> np.ndarray:
    """bool by ordinal: what is neither unlike the learning set nor carried over; all that is not carried over where the
    shown run tells no novelty."""
    if run is None:
        return np.ones(len(mirror), bool)
    strange, own = novelties(db, mirror), ~is_carried(db, mirror)
    if np.isnan(strange).all():
        return own
    found: np.ndarray = own & (strange < np.float32(run.novel_from))
    return found


def is_carried(db: Db, mirror: Mirror) -> np.ndarray:
    """bool by ordinal: what the shown run has from another classifier's, or from an import: no object that was held out
    of its own classifier's learning says how often that is right. Where it tells novelty, what has none is such too."""
    strange = novelties(db, mirror)
    is_untold = np.isnan(strange)
    found: np.ndarray = carried(db, mirror) | (is_untold & ~is_untold.all())
    return found
