"""An edit as an act: asked for once, done at once where it is short, else by a job; and listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound
from app.jobs.queue import enqueue
from app.labels.acts import InBatch, Labelled, begin, check_same, digest
from app.labels.history import BEFORE

MOST_AT_ONCE = 2_000  # things that a request changes itself
PAGE = 50
LARGEST_ID = 2**63
NO_EDIT = "This project has no such mass edit. The page of mass edits lists those that there are."


@dataclass(frozen=True)
class Asked:
    """An edit, or its undo: done where `job_id` is null, else on its way. `n_things` are looked at, and `n_changed`
    have changed by now. Of an undo: `n_left` stay, since they were changed meanwhile, and `n_in_bin` are in the bin:
    once they are back, the undo may be done again."""

    act_id: int
    job_id: int | None
    n_things: int
    n_changed: int
    n_left: int = 0
    n_in_bin: int = 0


@dataclass(frozen=True)
class Undone:
    """The undo of an edit, as far as it is: the last one, with what all of them put back. `said`: what could not be
    taken back, and why."""

    act_id: int
    at: datetime
    by: str | None
    n_changed: int
    n_left: int
    n_in_bin: int
    job_id: int | None
    job_status: str | None
    said: str = ""


@dataclass(frozen=True)
class Edit:
    """A mass edit. `way`: value, formula or table, of columns; erase, reset, predicted or reclassify, of labels;
    replace, of a taxon in labels, predictions and the preset list.
    `level`: of what the columns are; object where it is of labels. `job_status`: null where no job was needed."""

    id: int
    at: datetime
    by: str | None
    way: str
    level: str
    words: str
    filters: str
    n_things: int
    n_changed: int
    job_id: int | None
    job_status: str | None
    job_error: str | None
    n_done: int
    undone: Undone | None

    @property
    def waits(self) -> bool:
        """Whether it, or its undo, is still under way."""
        at_work = ("queued", "running")
        return self.job_status in at_work or (self.undone is not None and self.undone.job_status in at_work)

    @property
    def may_be_undone(self) -> bool:
        is_left = self.undone is None or self.undone.n_in_bin > 0
        return is_left and not self.waits and self.n_changed > 0


def start(
    db: Db,
    project: Labelled,
    account_id: int | None,
    client_id: UUID,
    detail: dict[str, Any],
    n_things: int,
    taxon_id: int | None = None,
) -> int | None:
    """The new act's id; None where the same was sent before. `detail`: the way, the wish and its words."""
    place = InBatch(detail=detail | {"n": n_things, "done_to": 0}, request=request_of(detail))
    return begin(db, project.id, account_id, client_id, "edit", taxon_id, None, "edit", place)  # type: ignore[arg-type]


def request_of(detail: dict[str, Any]) -> str:
    return digest("edit", detail["way"], detail["wish"])


def go(db: Db, project_id: int, account_id: int | None, act_id: int, n: int, title: str, by_job: bool = False) -> Asked:
    """At once where that is quick, else by a job."""
    from app.edits.work import open_work

    if n > MOST_AT_ONCE or by_job:
        job_id = enqueue(db, "edit", title[:200], project_id, account_id, {"act_id": act_id})
        db.execute("update act set detail = detail || %s where id = %s", [Jsonb({"job_id": job_id}), act_id])
    else:
        work = open_work(db, act_id)
        while work.step():
            pass
        work.end(whole=True)
    return told(db, act_id)


def told(db: Db, act_id: int) -> Asked:
    act: Any = db.execute("select n_objects, n_refused, detail from act where id = %s", [act_id]).fetchone()
    detail = act.detail
    return Asked(
        act_id, detail.get("job_id"), detail["n"], act.n_objects, act.n_refused, detail.get("n_in_bin", 0)
    )  # fmt: skip


def told_again(db: Db, project_id: int, account_id: int | None, client_id: UUID, detail: dict[str, Any]) -> Asked:
    """What came of the same request when it was sent before."""
    act: Any = db.execute(
        "select id, account_id, request from act where project_id = %s and client_id = %s", [project_id, client_id]
    ).fetchone()
    check_same(act, account_id, request_of(detail))  # type: ignore[arg-type]
    return told(db, act.id)


def check_expected(expected: int | None, n: int, what: str) -> None:
    """What was looked at is what is done."""
    if expected is not None and expected != n:
        raise Conflict(
            f"What you looked at has changed meanwhile: {expected:,} {what} then, {n:,} now. Look again, then do it."
        )


def held(db: Db, project_id: int, act_id: int, lock: bool = True) -> Any:
    """An edit, with the job of its undo; who undoes it at the same moment is waited for."""
    act = None
    if 0 < act_id < LARGEST_ID:
        act = db.execute(
            f"""
            select act.id, act.project_id, act.n_objects, act.detail, act.reversed_by,
                   (select (detail ->> 'job_id')::int from act as undo where undo.id = act.reversed_by) as undo_job_id
              from act
             where project_id = %s
               and id = %s
               and kind = 'edit'
               {"for no key update" if lock else ""}
            """,  # noqa: S608 (constants)
            [project_id, act_id],
        ).fetchone()
    if act is None:
        raise NotFound(NO_EDIT)
    return act


def is_repeated(undo: Any) -> bool:
    """Whether an undo is of what another one left in the bin."""
    return bool(undo.detail.get("again"))


def note(db: Db, act_id: int, done_to: int, n_changed: int, n_left: int = 0, n_in_bin: int = 0) -> None:
    """How far an edit is, with what it did. `n_in_bin`: of an undo, of all so far."""
    detail = {"done_to": done_to} | ({"n_in_bin": n_in_bin} if n_in_bin else {})
    db.execute(
        """
        update act
           set n_objects = n_objects + %s, n_refused = n_refused + %s, detail = detail || %s
         where id = %s
        """,
        [n_changed, n_left, Jsonb(detail), act_id],
    )


def list_edits(db: Db, project_id: int, before: int | None = None, only: int | None = None) -> list[Edit]:
    """A project's mass edits, newest first; or one of them."""
    rows = db.execute(
        f"""
        select act.id, act.at, account.name as by, act.detail, act.n_objects, act.n_refused,
               job.id as job_id, job.status as job_status, job.error as job_error, job.done as job_done,
               undo.id as undo_id, undo.at as undo_at, undoer.name as undo_by, undone.n as undo_n,
               undone.n_left as undo_left, (undo.detail ->> 'n_in_bin')::int as n_in_bin,
                undo.detail ->> 'said' as undo_said,
               undo_job.id as undo_job_id, undo_job.status as undo_job_status
          from act
          left join account on account.id = act.account_id
          left join job on job.id = (act.detail ->> 'job_id')::int
          left join act as undo on undo.id = act.reversed_by
          left join account as undoer on undoer.id = undo.account_id
          left join job as undo_job on undo_job.id = (undo.detail ->> 'job_id')::int
          left join lateral (select sum(n_objects)::int as n, sum(n_refused)::int as n_left
                               from act as one
                              where one.reverses = act.id) as undone on true
         where act.project_id = %(project_id)s
           and act.kind = 'edit'
           and (%(only)s::bigint is null or act.id = %(only)s)
           and {BEFORE}
         order by act.at desc, act.id desc
         limit %(most)s
        """,  # noqa: S608 (constants)
        {"project_id": project_id, "only": only, "before": before, "most": PAGE},
    )
    return [_edit(row) for row in rows]


def _edit(row: Any) -> Edit:
    detail = row.detail
    undone = None
    if row.undo_id is not None:
        undone = Undone(row.undo_id, row.undo_at, row.undo_by, row.undo_n, row.undo_left, row.n_in_bin or 0,
                        row.undo_job_id, row.undo_job_status, row.undo_said or "")  # fmt: skip
    wish = detail["wish"]
    return Edit(
        row.id, row.at, row.by, detail["way"], wish.get("level", "object"), detail["words"], wish.get("filters", ""),
        detail["n"], row.n_objects, row.job_id, row.job_status, row.job_error or None, row.job_done or 0, undone,
    )  # fmt: skip


def find_edit(db: Db, project_id: int, act_id: int) -> Edit:
    found: Sequence[Edit] = list_edits(db, project_id, only=act_id) if 0 < act_id < LARGEST_ID else []
    if not found:
        raise NotFound(NO_EDIT)
    return found[0]
