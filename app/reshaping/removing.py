"""Objects that are deleted: out of sight at once, for 30 days in their project's bin, and back from it as they were."""

from typing import Any

import numpy as np

from app.database import Db
from app.errors import Conflict, Refused
from app.jobs.context import JobContext
from app.nouns import counted
from app.projects.access import Project
from app.reshaping import asked, counting, erasing, moving, numbering
from app.reshaping.asked import Reshaping
from app.reshaping.choosing import Wish, choose_some, read_wish

KIND = "objects"
MOST_AT_ONCE = 2_000  # objects that a request moves itself


def ask(db: Db, project: Project, account_id: int | None, wish: Wish, n: int | None) -> Reshaping:
    """Delete objects: here where they are few, else by a job. `n`: how many were told to the person, who agreed to no
    other number; for all of a project it has to be said."""
    if n is None and not (wish.filters or wish.ids):
        raise Refused(
            "Say which objects, by filters or ids, or with `n` how many there are: without these, all of the project"
            " would go. Nothing was deleted.",
            status=422,
        )
    chosen = choose_some(db, project.id, account_id, wish)
    _check_number(len(chosen), n)
    choices = {"wish": wish.to_json(), "n": len(chosen)}
    reshaping_id = asked.begin(db, KIND, project.id, account_id, choices, bin_of(db, project.id))
    if len(chosen) > MOST_AT_ONCE:
        asked.by_job(db, reshaping_id, f"Delete {counted(len(chosen), 'object')}", project.id, account_id)
        return asked.find(db, reshaping_id)
    return _here(db, reshaping_id, chosen.ids)


def _here(db: Db, reshaping_id: int, ids: np.ndarray) -> Reshaping:
    """Within the request."""
    _begin(db, asked.find(db, reshaping_id), ids)
    while _remove_piece(db, asked.find(db, reshaping_id)) is not None:
        continue
    _removed(db, asked.find(db, reshaping_id))
    return asked.find(db, reshaping_id)


def _check_number(there: int, n: int | None) -> None:
    if n is not None and n != there:
        raise Conflict(
            f"{counted(there, 'object')} meet this now, and {n:,} did when you looked. Nothing was deleted: look at"
            " the number, and ask again."
        )


def bin_of(db: Db, project_id: int) -> int:
    """The project in which this one's deleted objects wait."""
    db.execute(
        """
        insert into project (title, hidden, bin_of)
        select 'Deleted from ' || left(title, 180), 'bin', id
          from project
         where id = %s
            on conflict (bin_of) do nothing
        """,
        [project_id],
    )
    row: Any = db.execute("select id from project where bin_of = %s", [project_id]).fetchone()
    return int(row.id)


def remove(db: Db, job: JobContext, made: Reshaping) -> None:
    """Begin, or go on. `db` in autocommit."""
    if made.state == "asked":
        with db.transaction():
            chosen = choose_some(db, made.project_id, made.account_id, read_wish(made.choices["wish"]))
            _check_number(len(chosen), made.choices["n"])
            _begin(db, made, chosen.ids)
    _each_piece(db, job, made.id, _remove_piece)
    with db.transaction():
        _removed(db, made)


def _each_piece(db: Db, job: JobContext, reshaping_id: int, do: Any) -> None:
    made = asked.find(db, reshaping_id)
    n = _n_before(db, made)
    job.progress(n, made.n_objects, "objects")
    while True:
        with db.transaction():
            upto = do(db, made)
        if upto is None:
            return
        made = asked.find(db, reshaping_id)
        n = min(n + moving.PIECE, made.n_objects)
        job.progress(n, made.n_objects, "objects")


def _n_before(db: Db, made: Reshaping) -> int:
    row: Any = db.execute(
        "select count(*) as n from reshaped_object where reshaping_id = %s and object_id <= %s", [made.id, made.upto]
    ).fetchone()
    return int(row.n)


def _begin(db: Db, made: Reshaping, ids: np.ndarray) -> None:
    numbering.list_objects(db, made.id, ids)
    db.execute("update reshaping set state = 'begun', n_objects = %s where id = %s", [len(ids), made.id])


def _remove_piece(db: Db, made: Reshaping) -> int | None:
    return _move_piece(db, made, made.project_id, made.to_id or 0)


def _bring_piece(db: Db, made: Reshaping) -> int | None:
    return _move_piece(db, made, made.to_id or 0, made.project_id)


def _move_piece(db: Db, made: Reshaping, from_id: int, to_id: int) -> int | None:
    """The last object that was moved, None where none was left; its transaction tells where it was."""
    upto, n = moving.take_piece(db, made.id, made.upto)
    if not n:
        return None
    moving.move_objects(db, from_id, to_id)
    db.execute("update reshaping set upto = %s where id = %s", [upto, made.id])
    counting.changed(db, made.project_id)
    return upto


def _removed(db: Db, made: Reshaping) -> None:
    asked.finish(db, made.id, "done", expires=True)


def give_up(db: Db, made: Reshaping) -> None:
    """Stopped before its end: what was deleted of it by then can be brought back, and nothing more is deleted."""
    with db.transaction():
        if made.state == "asked":
            db.execute("delete from reshaping where id = %s", [made.id])
        elif made.state == "begun":
            db.execute(
                """
                with left_alone as (
                    delete from reshaped_object
                     where reshaping_id = %(id)s
                       and object_id > %(upto)s
                    returning 1
                )
                update reshaping
                   set n_objects = n_objects - (select count(*) from left_alone)
                 where id = %(id)s
                """,
                {"id": made.id, "upto": made.upto},
            )
            _removed(db, made)


def bring_back(db: Db, project: Project, account_id: int | None, reshaping_id: int) -> Reshaping:
    """Objects that were deleted, back as they were: at once where they are few."""
    made = hold(db, project.id, reshaping_id)
    check_back(made)
    db.execute("update reshaping set state = 'bringing', upto = 0, expires_at = null where id = %s", [made.id])
    if made.n_objects > MOST_AT_ONCE:
        asked.by_job(db, made.id, f"Bring back {counted(made.n_objects, 'object')}", project.id, account_id)
        return asked.find(db, made.id)
    made = asked.find(db, made.id)
    while _bring_piece(db, made) is not None:
        made = asked.find(db, made.id)
    _brought(db, made)
    return asked.find(db, made.id)


def hold(db: Db, project_id: int, reshaping_id: int) -> Reshaping:
    """One of the project's deletions; two who do something with it take turns."""
    if 0 < reshaping_id < asked.LARGEST_ID:
        db.execute("select from reshaping where id = %s for update", [reshaping_id])
    made = asked.find_of(db, project_id, reshaping_id)
    if made.kind != KIND or made.project_id != project_id:
        raise Conflict("This is no deletion of objects: only these can be taken back here.")
    return made


def check_back(made: Reshaping) -> None:
    if made.is_active:
        raise Conflict(f"Job {made.job_id} is at work on it: wait for it, or cancel it first.")
    if made.state == "back":
        raise Conflict("These objects are back already.")
    if made.state != "done":
        raise Refused("This deletion was not carried to its end: retry its job, or cancel it first.", status=409)


def bring(db: Db, job: JobContext, made: Reshaping) -> None:
    """The job that brings many back. `db` in autocommit."""
    _each_piece(db, job, made.id, _bring_piece)
    with db.transaction():
        _brought(db, made)


def _brought(db: Db, made: Reshaping) -> None:
    db.execute("delete from reshaped_object where reshaping_id = %s", [made.id])
    asked.finish(db, made.id, "back")


def erase(db: Db, made: Reshaping, tell: Any) -> None:
    """For good. `db` in autocommit."""
    asked.put(db, made.id, "erasing")
    upto, n = 0, 0
    while True:
        with db.transaction():
            upto, step = moving.take_piece(db, made.id, upto)
            erasing.erase_piece(db, made.to_id or 0)
            db.execute(
                "delete from reshaped_object where reshaping_id = %s and object_id in (select object_id from piece)",
                [made.id],
            )
        if not step:
            break
        n += step
        tell(n)
    db.execute("delete from reshaping where id = %s", [made.id])
