"""Batches of the objects behind a cell of a classifier's confusions: held-out objects of one taxon by what it said."""

from typing import Any

import numpy as np

from app.batches.lineages import names_of_taxa
from app.batches.sources import Batched, Found, known_args, number_in, source
from app.classifiers import versions
from app.database import Db
from app.errors import NotFound
from app.labels.acts import Labeller

NO_REPORT = "This project has no classifier of that number, or it has kept no held-out objects. Open its report again."


@source("confusion", "what a classifier confuses")
def find_confused(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Held-out objects of this project that were `truth` and that the classifier called `predicted`, the surest first:
    where it was wrong, the likeliest to be mislabelled. Those of other projects are told, not opened."""
    known_args(args, "classifier_id", "truth", "predicted")
    classifier_id, truth, predicted = (int(number_in(args, name)) for name in ("classifier_id", "truth", "predicted"))
    ids, n_elsewhere = held_out_of(db, project.id, classifier_id, truth, predicted)
    versions.check_sources(db, classifier_id, account.id)
    names = names_of_taxa(db, [truth, predicted])
    said, was = names.get(predicted, "a taxon that is gone"), names.get(truth, "a taxon that is gone")
    title = f"{was}, rightly recognised" if truth == predicted else f"{was}, called {said}"
    if n_elsewhere:
        title += f" ({n_elsewhere:,} more in other projects)"
    return Found(ids[:limit], title=title, taxon_id=predicted, opens_marked=False, ranked=True)


def held_out_of(db: Db, project_id: int, classifier_id: int, truth: int, predicted: int) -> tuple[np.ndarray, int]:
    """Objects of this project in one cell, the surest first: int64; and how many more are of other projects."""
    row = db.execute(
        """
        select array_agg(object_id order by score desc, object_id) filter (where of_project = %(project_id)s) as ids,
               count(truth) filter (where of_project is distinct from %(project_id)s) as n_elsewhere
        from classifier
        join held_out on held_out.classifier_id = classifier.id
        left join unnest(object_ids, project_ids, truths, firsts, scores)
             as one (object_id, of_project, truth, first, score) on truth = %(truth)s and first = %(predicted)s
        where classifier.id = %(classifier_id)s
          and classifier.project_id = %(project_id)s
        group by classifier.id
        """,
        {"project_id": project_id, "classifier_id": classifier_id, "truth": truth, "predicted": predicted},
    ).fetchone()
    if row is None:
        raise NotFound(NO_REPORT)
    return np.array(row.ids or [], np.int64), row.n_elsewhere
