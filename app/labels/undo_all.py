"""Takes back all that one person said in a period, and does it again: as one act, in pieces, by a job where it is long.

Each object goes at once to what stood before the person's acts (see app/labels/undo_preview.py). The acts are marked as
reversed piece by piece, each in the transaction that takes back its labels, so that a killed job goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from app import database
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.labels import changes
from app.labels.acts import NO_ACT, InBatch, Labelled, Labeller, begin, check_open, check_same, digest
from app.labels.former import former, hold_batches, hold_labels, hold_undos
from app.labels.reversals import tell_reversed
from app.labels.undo_preview import MEANT, PART_OBJECTS, Back, Period, Preview, Stays, extent, next_acts, summarise
from app.nouns import counted

MOST_AT_ONCE = 2_000  # objects of an undo that a request does itself
MOST_TOLD = 100  # kinds of changes that the act remembers


@dataclass(frozen=True)
class Taken:
    """An undo of many acts, or its redo: done where `job_id` is null, else on its way. `n_refusals`: so many objects
    are no longer said not to be something, or are again."""

    act_id: int
    job_id: int | None
    n_acts: int
    n_changed: int
    n_left: int
    n_refusals: int = 0


def undo_all(db: Db, project: Labelled, account: Labeller, client_id: UUID, period: Period, manager: bool) -> Taken:
    """Take back everything of a period: one's own, or anybody's for a manager."""
    check_open(project)
    check_may(account.id, period.who, manager)
    place = InBatch(request=digest("undo_all", period.who, period.since, period.audit_id))
    act_id = begin(db, project.id, account.id, client_id, "undo_all", provenance="undo", place=place)
    if act_id is None:
        return _told_again(db, project.id, account.id, client_id, place.request)
    whole = extent(db, period)
    if not whole.n_acts:
        raise Conflict("Nothing of this person stands in this period: there is nothing to take back.")
    _remember(db, act_id, {"who": period.who, "since": period.since.isoformat(), "until": period.until.isoformat(),
                           "of_audit": period.audit_id, "n_acts": 0, "n_stays": 0, "back": [], "stays": []}
    )  # fmt: skip
    return _go(db, project.id, account.id, act_id, whole.n_objects, f"Take back {counted(whole.n_acts, 'act')}")


def redo_all(db: Db, project: Labelled, account: Labeller, client_id: UUID, of_act_id: int, manager: bool) -> Taken:
    """Do again what an undo of many acts took back, wherever nothing happened since."""
    check_open(project)
    undone = db.execute(
        "select id, account_id, kind, n_objects, detail from act where project_id = %s and id = %s",
        [project.id, of_act_id],
    ).fetchone()
    if undone is None:
        raise NotFound(NO_ACT)
    if undone.kind != "undo_all":
        raise Conflict("Only an undo of many acts is done again by its number; other undos by the redo key.")
    if undone.account_id != account.id and not manager:
        raise Forbidden("Only who took these acts back, or a manager of the project, can do them again.")
    place = InBatch(request=digest("redo_all", of_act_id))
    act_id = begin(db, project.id, account.id, client_id, "redo_all", provenance="redo", place=place)
    if act_id is None:
        return _told_again(db, project.id, account.id, client_id, place.request)
    marked = db.execute(
        "update act set reversed_by = %s where id = %s and reversed_by is null returning id", [act_id, of_act_id]
    )
    if marked.fetchone() is None:
        raise Conflict("These acts were done again already.")
    db.execute("update act set reverses = %s where id = %s", [of_act_id, act_id])
    kept = ("who", "since", "until", "of_audit", "n_acts", "n_refusals")
    _remember(db, act_id, {key: undone.detail[key] for key in kept if key in undone.detail})
    return _go(
        db, project.id, account.id, act_id, undone.n_objects, f"Do {counted(undone.detail['n_acts'], 'act')} again"
    )


def check_may(account_id: int, who: int, manager: bool) -> None:
    if account_id != who and not manager:
        raise Forbidden("Only a manager of the project can take back what somebody else did.")


def _go(db: Db, project_id: int, account_id: int, act_id: int, n_objects: int, title: str) -> Taken:
    """At once where that is quick, else by a job."""
    job_id = None
    if n_objects <= MOST_AT_ONCE:
        work = Work(db, act_id)
        while work.step():
            pass
    else:
        job_id = enqueue(db, "undo", title, project_id, account_id, {"act_id": act_id})
        db.execute("update act set detail = detail || %s where id = %s", [Jsonb({"job_id": job_id}), act_id])
    return _told(db, act_id)


def _told(db: Db, act_id: int) -> Taken:
    act = db.execute("select n_objects, n_refused, detail from act where id = %s", [act_id]).fetchone()
    detail = act.detail
    return Taken(
        act_id, detail.get("job_id"), detail["n_acts"], act.n_objects, act.n_refused, detail.get("n_refusals", 0)
    )  # fmt: skip


def _told_again(db: Db, project_id: int, account_id: int, client_id: UUID, request: str | None) -> Taken:
    act = db.execute(
        "select id, account_id, request from act where project_id = %s and client_id = %s", [project_id, client_id]
    ).fetchone()
    check_same(act, account_id, request)
    return _told(db, act.id)


def _remember(db: Db, act_id: int, detail: dict[str, Any]) -> None:
    db.execute("update act set detail = %s where id = %s", [Jsonb(detail), act_id])


@job_body("undo")
def run(job: JobContext) -> None:
    """Piece after piece, each in a transaction of its own."""
    with database.connect(job.database_url) as db:
        work = Work(db, job.args["act_id"])
        db.commit()
        total, done, more = work.n_to_do(), 0, True
        while more:
            job.progress(min(done, total), total, "objects")
            n_before = work.n_done
            more = work.step()
            db.commit()
            done += work.n_done - n_before
        job.progress(total, total, "objects")
        told = _told(db, work.act_id)
    job.log(
        f"{counted(told.n_changed, 'object')} changed; {told.n_left:,} stay, since somebody changed them meanwhile."
    )


class Work:
    """An undo of many acts or its redo, as far as it got."""

    def __init__(self, db: Db, act_id: int) -> None:
        row = db.execute("select project_id, kind, reverses, detail from act where id = %s", [act_id]).fetchone()
        if row is None:
            raise NotFound("The act that this job works for is gone, with its project.")
        self.db, self.act_id, self.project_id, self.undone = db, act_id, row.project_id, row.reverses
        since, until = (datetime.fromisoformat(row.detail[key]) for key in ("since", "until"))
        self.period = Period(row.project_id, row.detail["who"], since, until, row.detail.get("of_audit"))
        self.step = self._undo if row.kind == "undo_all" else self._redo
        self.last: int | None = row.detail.get("done_to")  # of a redo that was killed: it goes on from there
        self.n_done = 0

    def n_to_do(self) -> int:
        """Objects that are left to be looked at."""
        if self.undone is None:
            return extent(self.db, self.period).n_objects
        row = self.db.execute("select n_objects from act where id = %s", [self.undone]).fetchone()
        return int(row[0])

    def _undo(self) -> bool:
        """The next acts; False where there are none."""
        act_ids = next_acts(self.db, self.period, self.last, self.act_id)
        if not act_ids:
            return False
        marked = self._mark(act_ids)
        values = self.period.values(self.act_id)
        hold_undos(self.db, self.project_id)
        hold_labels(self.db, self.project_id, marked)
        told = summarise(self.db, values, MEANT, marked)
        changed = changes.change(self.db, _UNDO, {**values, "act_ids": changes.array(marked)})
        tell_reversed(self.db, self.project_id, marked, undone=True)
        self._count(len(changed), told.n_stays, told)
        self.last = act_ids[-1]
        return True

    def _mark(self, act_ids: Sequence[int]) -> list[int]:
        """Who undoes one of them at the same moment is waited for, and keeps it."""
        hold_batches(self.db, act_ids)
        held = self.db.execute(
            "select id, n_objects from act where id = any(%s::bigint[]) and reversed_by is null order by id for update",
            [changes.array(act_ids)],
        ).fetchall()
        mine = [row.id for row in held]
        self.n_done += sum(row.n_objects for row in held)
        self.db.execute(
            "update act set reversed_by = %s where id = any(%s::bigint[])", [self.act_id, changes.array(mine)]
        )
        return mine

    def _redo(self) -> bool:
        """The acts stand again first, so that no label is ever of an act that does not; then their objects, in the
        order of their ids."""
        if self.last is None:
            self._stand_again()
        values = {"project_id": self.project_id, "act_id": self.act_id, "of_act_id": self.undone}
        rows = self.db.execute(
            """
            select object_id
              from history
             where project_id = %(project_id)s
               and act_id = %(of_act_id)s
               and object_id > %(after)s
             order by object_id
             limit %(most)s
            """,
            {**values, "after": self.last or 0, "most": PART_OBJECTS},
        ).fetchall()
        if not rows:
            return False
        ids = [row.object_id for row in rows]
        changed = changes.change(self.db, _REDO, {**values, "object_ids": changes.array(ids)})
        self.last = ids[-1]
        self._count(len(changed), len(ids) - len(changed), None)
        self.n_done += len(ids)
        return True

    def _stand_again(self) -> None:
        rows = self.db.execute(
            f"select id from act where {MEANT} and reversed_by = %(act_id)s order by id",  # noqa: S608 (constants)
            self.period.values(self.undone),
        ).fetchall()
        act_ids = [row.id for row in rows]
        hold_batches(self.db, act_ids)
        self.db.execute(
            "update act set reversed_by = null where id = any(%s::bigint[])", [changes.array(act_ids)]
        )  # fmt: skip
        tell_reversed(self.db, self.project_id, act_ids, undone=False)

    def _count(self, n_changed: int, n_left: int, told: Preview | None) -> None:
        """Note on the act how far it is, and of an undo what went back and what stayed."""
        row = self.db.execute("select detail from act where id = %s", [self.act_id]).fetchone()
        detail = row.detail
        if told:
            detail["n_acts"] += told.n_acts
            detail["n_stays"] += told.n_stays
            detail["n_refusals"] = detail.get("n_refusals", 0) + told.n_refusals
            detail["back"] = _added(detail["back"], told.back)
            detail["stays"] = _added(detail["stays"], told.stays)
        else:
            detail["done_to"] = self.last
        self.db.execute(
            "update act set n_objects = n_objects + %s, n_refused = n_refused + %s, detail = %s where id = %s",
            [n_changed, n_left, Jsonb(detail), self.act_id],
        )


def _added(known: list[dict[str, Any]], more: Sequence[Back | Stays]) -> list[dict[str, Any]]:
    """Counts of the same change put together, the largest first."""
    n_of: dict[tuple[tuple[str, Any], ...], int] = {}
    for one in [*known, *map(asdict, more)]:
        what = tuple((key, value) for key, value in one.items() if key != "n")
        n_of[what] = n_of.get(what, 0) + one["n"]
    largest = sorted(n_of.items(), key=lambda pair: -pair[1])[:MOST_TOLD]
    return [{**dict(what), "n": n} for what, n in largest]


# Each object's label as it was before the first of the acts that stand above each other. What this undo touched once
# it touches no more: somebody's undo meanwhile may have put an older one of the acts in force again.
_IN_FORCE = """
      from held
      join history on history.project_id = %(project_id)s
                  and history.act_id = held.act_id
                  and history.object_id = held.object_id"""
_UNDO = changes.changing(
    f"""
with recursive held as materialized (
    select label.ctid as place, label.object_id, label.version, label.status, label.taxon_id, label.account_id,
           label.at, label.provenance, label.act_id
      from history
      join label on label.project_id = %(project_id)s
                and label.object_id = history.object_id
                and label.act_id = history.act_id
     where history.project_id = %(project_id)s
       and history.act_id = any(%(act_ids)s::bigint[])
       and not exists (select
                         from history as done
                        where done.project_id = %(project_id)s
                          and done.act_id = %(act_id)s
                          and done.object_id = history.object_id)
     order by label.object_id
       for no key update of label
),
{former(_IN_FORCE, MEANT)},
asked as materialized (
    select held.object_id, coalesce(former.old_status, 'U') as to_status, former.old_taxon_id as to_taxon_id,
           former.old_account_id as to_account_id, coalesce(former.old_at, now()) as to_at,
           coalesce(former.old_provenance, 'single') as to_provenance, former.old_act_id as to_act_id,
           held.place, held.version, held.status, held.taxon_id, held.account_id, held.at, held.provenance, held.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           true as fits
      from former
      join held on held.object_id = former.object_id
      join project on project.id = %(project_id)s
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = held.object_id
                          and prediction.run_id = project.current_run_id
),
"""  # noqa: S608 (constant)
)

# Each object's label as it was before the undo `of_act_id`, where nothing happened to it since.
_REDO = changes.changing(
    """
with asked as materialized (
    select history.object_id, history.old_status as to_status, history.old_taxon_id as to_taxon_id,
           history.old_account_id as to_account_id, history.old_at as to_at, history.old_provenance as to_provenance,
           history.old_act_id as to_act_id,
           label.ctid as place, label.version, label.status, label.taxon_id, label.account_id, label.at,
           label.provenance, label.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           label.version = history.new_version as fits
      from history
      join project on project.id = %(project_id)s
      join label on label.project_id = %(project_id)s and label.object_id = history.object_id
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = history.object_id
                          and prediction.run_id = project.current_run_id
     where history.project_id = %(project_id)s
       and history.act_id = %(of_act_id)s
       and history.object_id = any(%(object_ids)s::bigint[])
     order by history.object_id
       for no key update of label
),
"""
)
