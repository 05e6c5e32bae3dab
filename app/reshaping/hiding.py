"""Projects that are deleted: nobody sees them any more, and for 30 days their managers can bring them back."""

from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import cancel
from app.projects.access import Project
from app.reshaping import asked
from app.reshaping.asked import Reshaping

KIND = "project"
NO_SUCH = "There is no such deleted project that you managed, or its 30 days are over."


def check_typed(typed: str, title: str, what: str) -> None:
    """Refused unless the title was typed: nobody deletes the wrong one by a slip."""
    if " ".join(typed.split()) != " ".join(title.split()):
        raise Refused(f"Type the project's title, “{title}”, to {what}. Nothing was done.", status=422)


def remove(db: Db, project: Project, account_id: int | None, typed: str) -> Reshaping:
    """Put a project out of sight, its jobs stopped; it goes for good in 30 days."""
    check_typed(typed, project.title, "delete it")
    going = [one for one in asked.list_of(db, project.id, ["merge"]) if one.is_active]
    if going:
        raise Conflict(f"Job {going[0].job_id} merges it: wait for it, or cancel it first.")
    return hide(db, project.id, account_id)


def hide(db: Db, project_id: int, account_id: int | None, reason: dict[str, Any] | None = None) -> Reshaping:
    row: Any = db.execute(
        "select id, visibility, hidden from project where id = %s for update", [project_id]
    ).fetchone()
    if row is None or row.hidden is not None:
        raise Conflict("This project was deleted already.")
    _stop_jobs(db, project_id)
    reshaping_id = asked.begin(db, KIND, project_id, account_id, {"visibility": row.visibility} | (reason or {}))
    db.execute(
        """
        with moved as (
            delete from member
             where project_id = %(id)s
            returning project_id, account_id, role
        )
        insert into hidden_member (project_id, account_id, role)
        select project_id, account_id, role
          from moved
        """,
        {"id": project_id},
    )
    db.execute("update project set hidden = 'deleted', visibility = 'private' where id = %s", [project_id])
    asked.finish(db, reshaping_id, "done", expires=True)
    return asked.find(db, reshaping_id)


def _stop_jobs(db: Db, project_id: int) -> None:
    """Of a merge the job that asks this goes on: it is the target's."""
    rows = db.execute(
        "select id from job where project_id = %s and status in ('queued', 'running') for update", [project_id]
    ).fetchall()
    for row in rows:
        cancel(db, row.id)


def list_hidden(db: Db, viewer: Viewer) -> list[Reshaping]:
    """Deleted projects that the viewer managed, the newest first; an application manager's are all."""
    return _list(db, viewer.account_id, viewer.is_application_manager)


def list_all(db: Db) -> list[Reshaping]:
    """All that can be brought back, for who reads the database."""
    return [one for one in _list(db, None, True) if one.state == "done"]


def _list(db: Db, account_id: int | None, everything: bool) -> list[Reshaping]:
    rows = db.execute(
        f"""
        {asked.FOUND}
         where reshaping.kind = 'project'
           and reshaping.state in ('done', 'erasing')
           and project.hidden = 'deleted'
           and (%(all)s or exists (select
                                     from hidden_member
                                    where hidden_member.project_id = reshaping.project_id
                                      and hidden_member.account_id = %(account)s
                                      and role = 'manager'))
         order by reshaping.id desc
         limit 500
        """,  # noqa: S608 - a constant
        {"all": everything, "account": account_id},
    )
    return [Reshaping(*row) for row in rows]


def find_hidden(db: Db, viewer: Viewer, reshaping_id: int) -> Reshaping:
    """One of these, held until the transaction ends."""
    if not 0 < reshaping_id < asked.LARGEST_ID:
        raise NotFound(NO_SUCH)
    db.execute("select from reshaping where id = %s for update", [reshaping_id])
    for made in list_hidden(db, viewer):
        if made.id == reshaping_id:
            return made
    raise NotFound(NO_SUCH)


def bring_back(db: Db, viewer: Viewer, reshaping_id: int) -> Reshaping:
    """A deleted project, with its members and open to whom it was open."""
    made = find_hidden(db, viewer, reshaping_id)
    if made.state == "erasing":
        raise Conflict(f"“{made.title}” is being erased: it cannot be brought back any more.")
    restore(db, made)
    return asked.find(db, made.id)


def restore(db: Db, made: Reshaping) -> None:
    db.execute(
        """
        with moved as (
            delete from hidden_member
             where project_id = %(id)s
            returning project_id, account_id, role
        )
        insert into member (project_id, account_id, role)
        select project_id, account_id, role
          from moved
            on conflict do nothing
        """,
        {"id": made.project_id},
    )
    db.execute(
        """
        update project
           set hidden = null, visibility = %s, status = coalesce(%s, status), data_version = data_version + 1
         where id = %s
        """,
        [made.choices.get("visibility", "private"), made.choices.get("status"), made.project_id],
    )
    asked.finish(db, made.id, "back")


def erase(db: Db, viewer: Viewer, reshaping_id: int, typed: str) -> Reshaping:
    """Before its time: a job removes it for good."""
    made = find_hidden(db, viewer, reshaping_id)
    check_typed(typed, made.title, "erase it for good")
    return ask_erasing(db, made, viewer.account_id)


def ask_erasing(db: Db, made: Reshaping, account_id: int | None) -> Reshaping:
    """By a job of no project: a project's own would go with it."""
    asked.put(db, made.id, "erasing")
    asked.by_job(db, made.id, f"Erase {made.title}", None, account_id)
    return asked.find(db, made.id)
