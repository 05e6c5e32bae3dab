"""The undo of an edit: looked at before, done at once or by a job, and once more for what was in the bin meanwhile.

What a later edit stands on stays. When that one is undone too, what comes back is what stood before both.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.database import Db
from app.edits import acts
from app.edits.acts import Asked
from app.edits.label_wishes import WAYS
from app.edits.values_back import ValuesBack
from app.errors import Conflict
from app.jobs.queue import is_active
from app.labels.acts import InBatch, Labelled, begin, check_open
from app.labels.in_bin import bin_of, in_bin_words

MOST_LOOKED_AT = 100_000  # things or labels that a page waits for, a second or two
MOST_TOLD = 10
REPLACE = "replace"  # of a taxon: beside labels, predictions and the preset list go back


@dataclass(frozen=True)
class Stays:
    """So many things stay under this later act, an edit or one that labels; null where something else changed them."""

    act_id: int | None
    words: str
    n: int
    is_edit: bool = False


@dataclass(frozen=True)
class UndoLook:
    """What the undo of an edit would do now, of the first `n_looked_at` things: `n_back` go back, `n_stay` were changed
    since, and `n_in_bin` are in the bin: once they are back, the undo may be done again."""

    n_looked_at: int
    n_back: int
    n_stay: int
    n_in_bin: int
    stays: list[Stays] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.n_looked_at < MOST_LOOKED_AT


def look(db: Db, project_id: int, act_id: int) -> UndoLook:
    """Nothing is written. Of an edit that was undone: what is left of it."""
    return _look(db, acts.held(db, project_id, act_id, lock=False))


def _look(db: Db, act: Any) -> UndoLook:
    found = _labels(db, act) if act.detail["way"] in (*WAYS, REPLACE) else _values(db, act)
    n_looked_at, n_back, n_in_bin, stays = found
    if act.reversed_by is not None:
        stays = Counter()  # they come right by themselves
    told = _told(db, stays)
    return UndoLook(n_looked_at, n_back, sum(stays.values()), n_in_bin, told)


Found = tuple[int, int, int, Counter[int | None]]


def _values(db: Db, act: Any) -> Found:
    work = ValuesBack(db, None, act)
    n_back, n_in_bin, stays = 0, 0, Counter[int | None]()
    while work.n_done < MOST_LOOKED_AT and (ids := work.next_ids()):
        told = work.look(ids)
        n_back, n_in_bin = n_back + len(told.back), n_in_bin + len(told.in_bin)
        stays.update(told.stays.values())
    return work.n_done, n_back, n_in_bin, stays


def _labels(db: Db, act: Any) -> Found:
    """By the act whose label each object has now."""
    rows = db.execute(
        """
        with mine as (
            select project_id, object_id
              from history
             where project_id = any(%(projects)s)
               and act_id = %(act_id)s
             order by object_id
             limit %(most)s
        )
        select label.act_id, mine.project_id = %(project_id)s as is_here, count(*) as n
          from mine
          join label on label.project_id = mine.project_id and label.object_id = mine.object_id
         group by 1, 2
        """,
        {
            "project_id": act.project_id, "projects": [act.project_id, bin_of(db, act.project_id)], "act_id": act.id,
            "most": MOST_LOOKED_AT,
        },
    ).fetchall()  # fmt: skip
    stays = Counter[int | None]()
    for row in rows:
        if row.act_id != act.id:
            stays[row.act_id] += row.n
    n_back = sum(row.n for row in rows if row.act_id == act.id and row.is_here)
    n_in_bin = sum(row.n for row in rows if row.act_id == act.id and not row.is_here)
    return sum(row.n for row in rows), n_back, n_in_bin, stays


def _told(db: Db, stays: Counter[int | None]) -> list[Stays]:
    largest = stays.most_common(MOST_TOLD)
    rows = db.execute(
        """
        select act.id, act.kind = 'edit' as is_edit,
               coalesce(act.detail ->> 'words', 'labels of ' || coalesce(account.name, 'someone who left')) as words
          from act
          left join account on account.id = act.account_id
         where act.id = any(%s)
        """,
        [[act_id for act_id, _ in largest if act_id]],
    )
    known = {row.id: (row.words, row.is_edit) for row in rows}
    told = []
    for act_id, n in largest:
        words, is_edit = known.get(act_id, ("changed otherwise", False))
        told.append(Stays(act_id, words, n, is_edit))
    return told


def undo(
    db: Db, project: Labelled, account_id: int | None, client_id: UUID, act_id: int, goes_on: bool = False
) -> Asked:
    """Put back what stood before an edit. With `goes_on` it is one of a row of acts, and done with though nothing of it
    can be put back."""
    check_open(project)
    act = acts.held(db, project.id, act_id)
    wish: dict[str, Any] = {"of": act_id}
    detail: dict[str, Any] = {"way": "undo", "wish": wish}
    place = InBatch(
        detail=detail | {"words": f"undid: {act.detail['words']}", "n": act.n_objects, "done_to": 0},
        request=acts.request_of(detail),
    )
    new_id = begin(db, project.id, account_id, client_id, "undo_edit", None, None, "undo", place)  # type: ignore[arg-type]
    if new_id is None:
        return acts.told_again(db, project.id, account_id, client_id, detail)
    _check_undoable(db, act)
    if not goes_on:
        _check_something(_look(db, act), act)
    db.execute(
        "update act set reverses = %s, detail = detail || jsonb_build_object('again', %s::bool) where id = %s",
        [act_id, act.reversed_by is not None, new_id],
    )
    db.execute("update act set reversed_by = %s where id = %s", [new_id, act_id])
    title, by_job = f"Undo: {act.detail['words']}", "run_id" in act.detail
    return acts.go(db, project.id, account_id, new_id, act.n_objects, title, by_job)


def _check_undoable(db: Db, act: Any) -> None:
    if is_active(db, act.detail.get("job_id")):
        raise Conflict("This edit is still being done: cancel its job first, then undo what it did.")
    if is_active(db, act.undo_job_id):
        raise Conflict("This edit is being undone already.")
    if act.n_objects == 0:
        raise Conflict("This edit changed nothing, so there is nothing to take back.")


def _check_something(told: UndoLook, act: Any) -> None:
    if told.n_back or not told.is_whole or (act.detail["way"] == REPLACE and act.reversed_by is None):
        return
    in_bin = in_bin_words(told.n_in_bin) if told.n_in_bin else ""
    if act.reversed_by is not None:
        raise Conflict(f"This edit was undone already. {in_bin}".strip())
    if told.stays:
        first = told.stays[0]
        last = f"{'edit' if first.is_edit else 'act'} {first.act_id} ({first.words})" if first.act_id else "other means"
        raise Conflict(f"All that this edit changed was changed again since, last by {last}: undo that first. {in_bin}")
    raise Conflict(in_bin or "Nothing of this edit stands any more, so there is nothing to take back.")
