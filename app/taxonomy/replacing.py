"""Puts a taxon in another's place in a project, as one act: who said what, and when, stays as it was.

The act is a mass edit of labels, of what the shown run predicts and of the preset list (app/taxonomy/replaced.py), and
is undone as one.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from app.database import Db
from app.edits import acts
from app.errors import Refused
from app.labels.acts import Labelled, check_open, named_taxon
from app.taxonomy.presets import preset_ids, put_presets


@dataclass(frozen=True)
class Replaced:
    """What came of it: the act, if anything had the taxon, and the job that does it where it is not done yet."""

    n_labels: int
    n_predictions: int
    act_id: int | None = None
    job_id: int | None = None


def replace(db: Db, project: Labelled, account_id: int, from_id: int, to_id: int) -> Replaced:
    """At once where that is quick, else by a job; the preset list follows at once."""
    check_open(project)
    check_pair(db, from_id, to_id)
    n_labels, n_predictions = extent(db, project.id, from_id)
    if project.status != "annotate":
        n_predictions = 0  # they stay: the project takes no other ones
    presets = _presets(db, project.id, from_id, to_id)
    n = n_labels + n_predictions + bool(presets)
    if not n:
        return Replaced(0, 0)
    words = f"replaced {_names(db, from_id, to_id)}"
    wish = {"from_id": from_id, "to_id": to_id}
    detail = {"way": "replace", "wish": wish, "words": words, "n_predictions": n_predictions} | presets
    act_id: Any = acts.start(db, project, account_id, uuid4(), detail, n, to_id)
    if presets:
        put_presets(db, project.id, presets["presets_after"])
        acts.note(db, act_id, 0, 1)
    asked = acts.go(db, project.id, account_id, act_id, n, f"Edit: {words}", by_job=n_predictions > 0)
    return Replaced(n_labels, n_predictions, act_id, asked.job_id)


def check_pair(db: Db, from_id: int, to_id: int) -> None:
    if named_taxon(db, to_id) == from_id:
        raise Refused("A taxon cannot take its own place: choose another.", status=422)
    if not 0 < from_id < 2**31 or db.execute("select 1 from taxon where id = %s", [from_id]).fetchone() is None:
        raise Refused("The taxon that is to be replaced is not known here.", status=422)


def extent(db: Db, project_id: int, taxon_id: int) -> tuple[int, int]:
    """How many objects have it by a person's word, and how many by a prediction, by the project's own sums."""
    row: Any = db.execute(
        """
        select coalesce(sum(n) filter (where status in ('D', 'V')), 0)::bigint as labels,
               coalesce(sum(n) filter (where status = 'P'), 0)::bigint as predictions
          from count_delta
         where project_id = %s
           and taxon_id = %s
        """,
        [project_id, taxon_id],
    ).fetchone()
    return row.labels, row.predictions


def _names(db: Db, from_id: int, to_id: int) -> str:
    rows = db.execute("select id, display_name from taxon where id = any(%s)", [[from_id, to_id]])
    names = {row.id: row.display_name for row in rows}
    return f"{names[from_id]} by {names[to_id]}"


def _presets(db: Db, project_id: int, from_id: int, to_id: int) -> dict[str, list[int]]:
    """The preset list before and after, where the taxon is on it: the other one takes its place, or has its own."""
    before = preset_ids(db, project_id)
    if from_id not in before:
        return {}
    after = [to_id if taxon_id == from_id else taxon_id for taxon_id in before if taxon_id != to_id]
    if to_id in before:
        after = [taxon_id for taxon_id in before if taxon_id != from_id]
    return {"presets_before": before, "presets_after": after}
