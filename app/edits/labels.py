"""Edits of labels: erased, put back to what stood before somebody's, turned into predictions, or given another taxon.

One act for all of it, piece by piece. What somebody says of an object after the edit was asked for stays.
"""

from typing import Any
from uuid import UUID

from app.database import Db
from app.edits import acts
from app.edits.acts import Asked
from app.edits.label_statements import STATEMENTS, TAKE_BACK, parameters
from app.edits.label_wishes import LabelsWish, check, meant, read_wish
from app.errors import Refused
from app.labels import changes
from app.labels.acts import Labelled, check_open
from app.labels.changes import array
from app.labels.former import hold_undos
from app.labels.in_bin import bin_of
from app.labels.reversals import tell_reversed
from app.prediction import outside

PIECE = 20_000  # labels a transaction


def edit_labels(
    db: Db, project: Labelled, account_id: int | None, client_id: UUID, wish: LabelsWish, expected: int | None = None
) -> Asked:
    """At once for up to 2,000 labels, else by the job that is told. `expected`: how many a preview told of."""
    check_open(project)
    words = check(db, project, wish)
    detail: dict[str, Any] = {"way": wish.way, "wish": wish.to_json(), "words": words}
    n = len(meant(db, project.id, account_id, wish).places)
    act_id = acts.start(db, project, account_id, client_id, detail, n, wish.taxon_id)
    if act_id is None:
        return acts.told_again(db, project.id, account_id, client_id, detail)
    acts.check_expected(expected, n, "labels")
    if not n:
        raise Refused("No label meets this: there is nothing to change.", status=422)
    return acts.go(db, project.id, account_id, act_id, n, f"Edit: {words}", by_job=wish.way == "predicted")


class LabelsWork:
    """An edit of labels, as far as it got. `n_done` and `total` count labels."""

    def __init__(self, db: Db, act: Any) -> None:
        self.db, self.act_id, self.project_id, self.asked_at = db, act.id, act.project_id, act.at
        self.wish = read_wish(act.detail["wish"])
        self.total, self.done_to = act.detail["n"], act.detail["done_to"]
        found = meant(db, act.project_id, act.account_id, self.wish).ids
        self.left = found[found > self.done_to]
        self.n_done = max(0, self.total - len(self.left)) if self.done_to else 0

    def step(self) -> bool:
        """The next labels; False where there are none."""
        piece, self.left = self.left[:PIECE], self.left[PIECE:]
        if not len(piece):
            return False
        if self.wish.way == "reset":
            hold_undos(self.db, self.project_id)
        values = parameters(self.project_id, self.act_id, self.wish, self.asked_at, piece)
        n_changed = changes.change_many(self.db, STATEMENTS[self.wish.way], values)
        self.done_to, self.n_done = int(piece[-1]), self.n_done + len(piece)
        acts.note(self.db, self.act_id, self.done_to, n_changed)
        return len(self.left) > 0

    def end(self, whole: bool) -> list[str]:
        return []


class LabelsBack:
    """The undo of an edit of labels, as far as it got."""

    def __init__(self, db: Db, act: Any, of: Any) -> None:
        self.db, self.act_id, self.of_id, self.project_id = db, act.id, of.id, act.project_id
        self.total, self.done_to, self.n_done = act.detail["n"], act.detail["done_to"], 0
        self.n_in_bin = act.detail.get("n_in_bin", 0)
        self.run_id = of.detail.get("run_id")
        self.is_repeated = acts.is_repeated(act)

    def step(self) -> bool:
        """The next objects, those in the bin too: they are counted."""
        rows = self.db.execute(
            """
            select history.object_id, history.project_id = %(project_id)s as is_here,
                   label.act_id is not distinct from %(of_id)s as stands
              from history
              left join label on label.project_id = history.project_id and label.object_id = history.object_id
             where history.project_id = any(%(projects)s)
               and history.act_id = %(of_id)s
               and history.object_id > %(after)s
             order by history.object_id
             limit %(most)s
            """,
            {
                "project_id": self.project_id, "projects": [self.project_id, bin_of(self.db, self.project_id)],
                "of_id": self.of_id, "after": self.done_to, "most": PIECE,
            },
        ).fetchall()  # fmt: skip
        if not rows:
            return False
        hold_undos(self.db, self.project_id)
        ids = [row.object_id for row in rows if row.is_here]
        values = {"project_id": self.project_id, "act_id": self.act_id, "of_act_id": self.of_id,
                  "object_ids": array(ids)}  # fmt: skip
        n_changed = changes.change_many(self.db, TAKE_BACK, values)
        self.done_to, self.n_done = rows[-1].object_id, self.n_done + len(rows)
        self.n_in_bin += sum(row.stands and not row.is_here for row in rows)
        n_left = 0 if self.is_repeated else len(ids) - n_changed
        acts.note(self.db, self.act_id, self.done_to, n_changed, n_left, n_in_bin=self.n_in_bin)
        return len(rows) == PIECE

    def end(self, whole: bool) -> list[str]:
        if not whole or self.is_repeated:
            return []
        tell_reversed(self.db, self.project_id, [self.of_id], undone=True)
        if self.run_id is None:
            return []
        project: Any = self.db.execute(
            "select id, status, current_run_id from project where id = %s", [self.project_id]
        ).fetchone()
        if project.current_run_id != self.run_id or project.status != "annotate":
            return ["Other predictions are shown by now: those that this edit made stay among the project's runs."]
        outside.take_back(self.db, project)
        return []
