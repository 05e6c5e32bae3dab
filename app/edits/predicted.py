"""Labels that are turned into predictions: a run like the shown one, which says of their objects what the labels said.

The run is made and shown while the labels still stand above it; then they go, as erased ones do.
"""

from typing import Any

import numpy as np

from app.database import Db
from app.edits import runs
from app.edits.label_statements import parameters
from app.edits.labels import LabelsWork
from app.labels.acts import check_open
from app.prediction import outside, pieces

PIECE = 50_000  # objects of a project whose predictions are copied in a transaction


class PredictedWork(LabelsWork):
    """First the run, a piece of the project's objects at a time, then the labels. A killed one makes the run anew, or
    goes on with the labels."""

    def __init__(self, db: Db, act: Any) -> None:
        super().__init__(db, act)
        self.run_id: int = act.detail.get("run_id", 0)  # 0: none yet
        self.is_shown = self.run_id > 0
        self.account_id, self.job_id, self.words = act.account_id, act.detail.get("job_id"), act.detail["words"]
        self.wanted = np.empty(0, np.int64) if self.is_shown else self.left
        self.all_ids = np.empty(0, np.int64) if self.is_shown else self._all_ids()

    def _all_ids(self) -> np.ndarray:
        row: Any = self.db.execute(
            "select coalesce(array_agg(id order by id), '{}') as ids from object where project_id = %s",
            [self.project_id],
        ).fetchone()
        return np.array(row.ids, np.int64)

    def step(self) -> bool:
        if self.is_shown:
            return super().step()
        if not self.run_id:
            self._begin()
        elif len(self.all_ids):
            self._copy()
        else:
            self._show()
        return True

    def _project(self) -> Any:
        return self.db.execute(
            "select id, status, current_run_id from project where id = %s", [self.project_id]
        ).fetchone()

    def _begin(self) -> None:
        """A run that nobody sees yet; what a killed job began of it goes."""
        project = self._project()
        check_open(project)
        outside.check_open(project)
        self.former_id = project.current_run_id
        self.run_id = runs.begin(
            self.db, self.project_id, self.act_id, self.former_id, words=self.words, account_id=self.account_id,
            job_id=self.job_id,
        )  # fmt: skip
        self.n = 0

    def _copy(self) -> None:
        piece, self.all_ids = self.all_ids[:PIECE], self.all_ids[PIECE:]
        first, last = int(piece[0]), int(piece[-1])
        mine = self.wanted[(self.wanted >= first) & (self.wanted <= last)]
        values = parameters(self.project_id, self.act_id, self.wish, self.asked_at, mine)
        self.n += self.db.execute(
            """
            insert into prediction (run_id, project_id, object_id, taxon_id, score)
            select %(run_id)s, label.project_id, label.object_id, label.taxon_id, 1
              from label
             where label.project_id = %(project_id)s
               and label.object_id = any(%(object_ids)s::bigint[])
               and label.status in ('D', 'V')
             order by label.object_id
            """,
            {"run_id": self.run_id, "project_id": self.project_id, "object_ids": values["object_ids"]},
        ).rowcount
        self.n += pieces.carry_over(self.db, self.project_id, self.run_id, self.former_id, first - 1, last)

    def _show(self) -> None:
        runs.show(self.db, self._project(), self.act_id, self.run_id, self.former_id, self.n)
        self.is_shown = True

    def end(self, whole: bool) -> list[str]:
        """Its objects are counted as predicted once no label stands above them."""
        if self.is_shown:
            runs.sum_up(self.db, self.project_id, self.run_id, self.run_id)
        return []
