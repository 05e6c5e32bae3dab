"""A merge is taken apart: the project that came is there again, with what was said of its objects since, and nothing
of it stays in the other one. Each object is told to the one and erased in the other within one transaction."""

from dataclasses import dataclass
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict
from app.jobs.context import JobContext
from app.projects.access import Project
from app.reshaping import asked, carrying, copying, counting, hiding, sweeping
from app.reshaping.asked import Reshaping
from app.reshaping.merging import KIND, check_at_rest, recount_activity

MOST_AT_ONCE = 2_000  # objects that a request takes apart itself


@dataclass(frozen=True)
class Since:
    """What became of the objects that a merge brought: `n_objects` are there, `n_deleted` are not; `n_labelled` of
    them were labelled since and `n_commented` got comments, which go along; `n_changed` got other values in columns,
    which do not."""

    n_objects: int
    n_deleted: int
    n_labelled: int
    n_commented: int
    n_changed: int


def look(db: Db, project: Project, reshaping_id: int) -> Since:
    """What would go, and what of it is of after the merge."""
    made = _find(db, project.id, reshaping_id)
    row: Any = db.execute(
        f"""
        with came as (
            select new_id as object_id, object.id is not null as is_there
              from reshaped_object
              left join object on object.project_id = %(target)s
                              and object.id = new_id
             where reshaping_id = %(merge)s
        )
        select count(*) filter (where is_there) as n_objects,
               count(*) filter (where not is_there) as n_deleted,
               count(*) filter (where object_id in (select object_id
                                                      from history
                                                     where project_id = %(target)s
                                                       and act_id in ({carrying.SINCE}))) as n_labelled,
               count(*) filter (where object_id in (select object_id
                                                      from comment
                                                     where project_id = %(target)s
                                                       and at > %(at)s)) as n_commented,
               count(*) filter (where object_id in (select object_id
                                                      from field_change
                                                     where project_id = %(target)s)) as n_changed
          from came
        """,  # noqa: S608 - a constant
        carrying.keys_of(made),
    ).fetchone()
    return Since(*row)


def _find(db: Db, project_id: int, reshaping_id: int) -> Reshaping:
    """A merge into the project, held until the transaction ends."""
    if 0 < reshaping_id < asked.LARGEST_ID:
        db.execute("select from reshaping where id = %s for update", [reshaping_id])
    made = asked.find_of(db, project_id, reshaping_id)
    if made.kind != KIND or made.to_id != project_id or made.state not in ("done", "bringing"):
        raise Conflict("This is no merge into this project that can be taken apart.")
    if made.is_active:
        raise Conflict(f"Job {made.job_id} is at work on it: wait for it.")
    for one in asked.list_of(db, project_id, [KIND]):
        if one.project_id == project_id:
            check_at_rest(one)
    return made


def take_apart(db: Db, project: Project, account_id: int | None, reshaping_id: int) -> Reshaping:
    """Undo a merge into the project: at once where few objects came."""
    return _take(db, _find(db, project.id, reshaping_id), account_id)


def _take(db: Db, made: Reshaping, account_id: int | None) -> Reshaping:
    if made.state == "done":
        _hold_hidden(db, made)
        db.execute("update reshaping set state = 'bringing', upto = 0 where id = %s", [made.id])
    if made.n_objects > MOST_AT_ONCE:
        asked.by_job(db, made.id, f"Take {made.title} out of {made.to_title}", made.to_id, account_id)
        return asked.find(db, made.id)
    upto = 0
    while (last := _take_piece(db, made, upto)) is not None:
        upto = last
    _finish(db, made)
    return asked.find(db, made.id)


def _hold_hidden(db: Db, made: Reshaping) -> None:
    """The deletion of the project that came: nobody brings it back or erases it meanwhile."""
    n = db.execute(
        """
        update reshaping
           set state = 'bringing', expires_at = null
          from project
         where project.id = project_id
           and project_id = %s
           and kind = 'project'
           and state = 'done'
           and hidden = 'deleted'
        """,
        [made.project_id],
    ).rowcount
    if not n:
        raise Conflict(
            f"“{made.title}” is there again, or being erased, so that the merge cannot be taken apart. Delete what came"
            " from it here by a condition, under Delete, if it is not wanted twice."
        )


def bring(db: Db, job: JobContext, made: Reshaping) -> None:
    """The job that takes many out. `db` in autocommit."""
    upto, n = made.upto, 0
    while True:
        job.progress(n, made.n_objects, "objects")
        with db.transaction():
            last = _take_piece(db, made, upto)
        if last is None:
            break
        n, upto = min(n + copying.PIECE, made.n_objects), last
    with db.transaction():
        _finish(db, made)


def _take_piece(db: Db, made: Reshaping, upto: int) -> int | None:
    """The last object that was taken, None where none was left."""
    last, n = copying.take_piece(db, made.id, upto)
    if not n:
        return None
    counting.hold(db, made.to_id or 0)
    carrying.carry_piece(db, made)
    sweeping.drop_piece(db, made.to_id or 0)
    db.execute("update reshaping set upto = %s where id = %s", [last, made.id])
    counting.changed(db, made.to_id or 0)
    return last


def _finish(db: Db, made: Reshaping) -> None:
    """The project that came is seen again, and nothing of it is left in the other one."""
    target_id = made.to_id or 0
    carrying.figure_acts(db, made)
    sweeping.sweep(db, made, target_id)
    _forget_changes(db, target_id)
    db.execute("delete from reshaped_object where reshaping_id = %s", [made.id])
    for project_id in (made.project_id, target_id):
        recount_activity(db, project_id)
        counting.changed(db, project_id)
    hidden: Any = db.execute(
        "select id from reshaping where project_id = %s and kind = 'project' and state = 'bringing'", [made.project_id]
    ).fetchone()
    hiding.restore(db, asked.find(db, hidden.id))
    asked.finish(db, made.id, "back")


def _forget_changes(db: Db, project_id: int) -> None:
    """What edits of columns wrote to what left: they say how many things they are of now."""
    db.execute(
        """
        with gone as (
            delete from field_change
             where project_id = %(project)s
               and case when object_id > 0
                        then not exists (select
                                           from object
                                          where project_id in (select id from project
                                                                where %(project)s in (id, bin_of))
                                            and id = field_change.object_id)
                        else not exists (select from sample where id = parent_id)
                             and not exists (select from acquisition where id = parent_id) end
            returning act_id, object_id, parent_id
        )
        update act
           set n_objects = n_objects - n
          from (select act_id, count(distinct (object_id, parent_id)) as n from gone group by act_id) as counted
         where id = act_id
           and kind in ('edit', 'undo_edit')
        """,
        {"project": project_id},
    )


def of_deleted(db: Db, hidden: Reshaping) -> Reshaping | None:
    """The merge by which a project was deleted, where it can be taken apart."""
    row = db.execute(
        "select id from reshaping where id = %s and state in ('done', 'bringing') and to_id is not null",
        [hidden.choices.get("merge")],
    ).fetchone()
    return asked.find(db, row.id) if row else None


def bring_project_back(db: Db, viewer: Viewer, reshaping_id: int) -> Reshaping:
    """A deleted project; of one that was merged into another the merge is taken apart, so that no object is there
    twice."""
    made = hiding.find_hidden(db, viewer, reshaping_id)
    merge = of_deleted(db, made)
    if merge is None or made.state == "erasing":
        return hiding.bring_back(db, viewer, reshaping_id)
    return bring_merged_back(db, merge, viewer.account_id, viewer.is_application_manager)


def bring_merged_back(db: Db, merge: Reshaping, account_id: int | None, manages_all: bool) -> Reshaping:
    """Conflict where the project that it went into is deleted too, or managed by others."""
    row: Any = db.execute(
        """
        select hidden,
               exists (select
                         from member
                        where project_id = project.id
                          and account_id = %s
                          and role = 'manager') as is_manager
          from project
         where id = %s
        """,
        [account_id, merge.to_id],
    ).fetchone()
    if row.hidden is not None:
        raise Conflict(
            f"“{merge.title}” was merged into “{merge.to_title}”, which is deleted too: bring that one back first."
        )
    if not (row.is_manager or manages_all):
        raise Conflict(
            f"The objects of “{merge.title}” are in “{merge.to_title}” now, which you do not manage: ask one of its"
            " managers to take the merge apart, and the project is there again."
        )
    return _take(db, _find(db, merge.to_id or 0, merge.id), account_id)
