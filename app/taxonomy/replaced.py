"""The work of a replacement and of its undo: labels, what the shown run predicts, and the preset list.

Predictions are never changed: a new run says of the other taxon what the shown one says of the first, and takes its
place. It is made and shown while the labels still stand, as mass edits do.
"""

from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.edits import acts, runs
from app.edits.labels import LabelsBack
from app.labels import changes
from app.labels.reversals import tell_reversed
from app.prediction import outside, pieces
from app.taxonomy.presets import preset_ids, put_presets

PIECE = 20_000  # labels, or predictions, a transaction
CHANGED_PRESETS = "The preset list was changed since: it stays as it is."
CHANGED_RUN = "Other predictions are shown by now: those of the replacement stay among the project's runs."

# Labels keep their status, their author and their time: what they say is said of the other taxon.
_REPLACE = changes.changing(
    """
with asked as materialized (
    select label.object_id, label.status as to_status, %(to)s::int as to_taxon_id, label.account_id as to_account_id,
           label.at as to_at, label.provenance as to_provenance, %(act_id)s::bigint as to_act_id,
           label.ctid as place, label.version, label.status, label.taxon_id, label.account_id, label.at,
           label.provenance, label.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           true as fits
      from label
      join project on project.id = label.project_id
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = label.object_id
                          and prediction.run_id = project.current_run_id
     where label.project_id = %(project_id)s
       and label.taxon_id = %(from)s
       and label.status in ('D', 'V')
     order by label.object_id
     limit %(most)s
       for no key update of label
),
""",
    counted=True,
)


class ReplacedWork:
    """A replacement, as far as it got: first the run, then the labels. A killed one makes the run anew, or goes on with
    the labels. `total` and `n_done` count labels, predictions and the place in the preset list."""

    def __init__(self, db: Db, act: Any) -> None:
        self.db, self.act, self.detail, self.project_id = db, act, act.detail, act.project_id
        self.total, self.n_done = act.detail["n"], 0
        self.values = {
            "project": self.project_id, "project_id": self.project_id, "act_id": act.id, "most": PIECE,
            "from": act.detail["wish"]["from_id"], "to": act.detail["wish"]["to_id"],
        }  # fmt: skip
        self.is_shown = not act.detail["n_predictions"] or "run_id" in act.detail
        self.run_id, self.former_id, self.after, self.n, self.is_copied = 0, 0, 0, 0, False

    def step(self) -> bool:
        if self.is_shown:
            return self._labels()
        if not self.run_id:
            self._begin()
        elif not self.is_copied:
            self._copy()
        else:
            self._show()
        return True

    def _labels(self) -> bool:
        n = changes.change_many(self.db, _REPLACE, self.values)
        acts.note(self.db, self.act.id, 0, n)
        self.n_done += n
        return n == PIECE

    def _project(self) -> Any:
        return self.db.execute("select * from project where id = %s", [self.project_id]).fetchone()

    def _begin(self) -> None:
        """A run like the shown one and named as it, since that is what predicted, of which nobody sees anything yet;
        what was begun of it before goes. None where the project shows, or takes, no predictions any more."""
        project = self._project()
        if project.current_run_id is None or project.status != "annotate":
            self.is_shown = True
            return
        self.former_id, self.after, self.n, self.is_copied = project.current_run_id, 0, 0, False
        self.run_id = runs.begin(
            self.db, self.project_id, self.act.id, self.former_id, words=self.detail["words"],
            account_id=self.act.account_id, job_id=self.detail.get("job_id"), stays_import=True,
        )  # fmt: skip

    def _copy(self) -> None:
        """The next predictions; once there are none left, PostgreSQL is to know how many there are."""
        part: Any = self.db.execute(
            _COPY, self.values | {"former": self.former_id, "run": self.run_id, "after": self.after}
        ).fetchone()
        self.after, self.n, self.is_copied = part.last, self.n + part.n, part.n == 0
        if self.is_copied:
            pieces.settle(self.db, self.project_id, self.run_id)

    def _show(self) -> None:
        """In place of the run that it was made of; where another is shown by now, it is made anew of that."""
        if outside.shown(self.db, self.project_id) != self.former_id:
            self.run_id = 0
            return
        runs.show(self.db, self._project(), self.act.id, self.run_id, self.former_id, self.n)
        acts.note(self.db, self.act.id, 0, self.detail["n_predictions"])
        self.n_done += self.detail["n_predictions"]
        self.is_shown = True

    def end(self, whole: bool) -> list[str]:
        return []


# The three choices with one taxon in place of the other: where both are among them they become one, of both scores.
_COPY = """
with part as (
    select *
    from prediction
    where project_id = %(project)s
      and run_id = %(former)s
      and object_id > %(after)s
    order by object_id
    limit %(most)s
),
choice as (
    select object_id, min(place) as place, taxon_id, least(sum(score), 1) as score
    from (
        select object_id, place, case when told.taxon_id = %(from)s then %(to)s else told.taxon_id end as taxon_id,
               told.score
        from part
        cross join lateral (
            values (1, part.taxon_id, part.score), (2, part.taxon_2_id, part.score_2),
                   (3, part.taxon_3_id, part.score_3)
        ) as told (place, taxon_id, score)
        where told.taxon_id is not null
    ) as named
    group by object_id, taxon_id
),
ordered as (
    select object_id,
           array_agg(taxon_id order by score desc, place) as taxa,
           array_agg(score order by score desc, place) as scores
    from choice
    group by object_id
),
written as (
    insert into prediction (run_id, project_id, object_id, taxon_id, score,
                            taxon_2_id, score_2, taxon_3_id, score_3, novelty)
    select %(run)s, part.project_id, object_id, taxa[1], scores[1], taxa[2], scores[2], taxa[3], scores[3], novelty
    from part
    join ordered using (object_id)
    order by object_id
    returning object_id
)
select max(object_id) as last, count(*) as n
from written
"""


class ReplacedBack(LabelsBack):
    """The undo of a replacement, as far as it got: the labels, then the run and the preset list, where these still are
    as it left them."""

    def __init__(self, db: Db, act: Any, of: Any) -> None:
        super().__init__(db, act, of)
        self.of_detail = of.detail

    def end(self, whole: bool) -> list[str]:
        if not whole or self.is_repeated:
            return []
        tell_reversed(self.db, self.project_id, [self.of_id], undone=True)
        said = [*self._run_back(), *self._presets_back()]
        self.db.execute(
            "update act set detail = detail || %s where id = %s", [Jsonb({"said": " ".join(said)}), self.act_id]
        )
        return said

    def _run_back(self) -> list[str]:
        """The former run shows again, if no other was shown since."""
        if self.run_id is None:
            return []
        project: Any = self.db.execute(
            """
            select project.id, project.status
              from project
              join run on run.id = project.current_run_id
              join run as former on former.id = run.replaced_run_id
                                and former.removed_at is null
             where project.id = %s
               and project.status = 'annotate'
               and run.id = %s
            """,
            [self.project_id, self.run_id],
        ).fetchone()
        self._count(self.of_detail["n_predictions"], is_back=project is not None)
        if project is None:
            return [CHANGED_RUN]
        outside.take_back(self.db, project)
        return []

    def _presets_back(self) -> list[str]:
        if "presets_before" not in self.of_detail:
            return []
        is_same = preset_ids(self.db, self.project_id) == self.of_detail["presets_after"]
        self._count(1, is_back=is_same)
        if not is_same:
            return [CHANGED_PRESETS]
        put_presets(self.db, self.project_id, self.of_detail["presets_before"])
        return []

    def _count(self, n: int, *, is_back: bool) -> None:
        acts.note(self.db, self.act_id, self.done_to, n if is_back else 0, 0 if is_back else n)
