"""Bins are emptied: by upkeep, of what has been in them for 30 days, and before by a person who types the title."""

from app.database import Db
from app.errors import Conflict
from app.jobs.context import JobContext
from app.projects.access import Project
from app.reshaping import asked, erasing, hiding, removing
from app.reshaping.asked import Reshaping


def list_bin(db: Db, project_id: int) -> list[Reshaping]:
    """What was deleted of a project and is not back: objects that can be brought back."""
    deleted = asked.list_of(db, project_id, ["objects"])
    return [one for one in deleted if one.state != "back" and not (one.state == "asked" and one.status == "cancelled")]


def list_all(db: Db) -> list[Reshaping]:
    """All objects that can be brought back, of projects that are there, for who reads the database."""
    rows = db.execute(
        f"""
        {asked.FOUND}
         where reshaping.kind = 'objects'
           and reshaping.state = 'done'
           and project.hidden is null
         order by reshaping.id desc
         limit 500
        """
    )
    return [Reshaping(*row) for row in rows]


def empty(db: Db, project: Project, account_id: int | None, typed: str) -> list[Reshaping]:
    """Erase for good all that is in a project's bin, each deletion by a job."""
    hiding.check_typed(typed, project.title, "empty its bin")
    waiting = [one for one in list_bin(db, project.id) if one.state == "done"]
    if not waiting:
        raise Conflict("The bin is empty: there is nothing to erase.")
    return [_ask(db, removing.hold(db, project.id, one.id), account_id) for one in waiting]


def _ask(db: Db, made: Reshaping, account_id: int | None) -> Reshaping:
    asked.put(db, made.id, "erasing")
    asked.by_job(db, made.id, f"Erase {made.n_objects:,} deleted objects", made.project_id, account_id)
    return asked.find(db, made.id)


def erase_expired(db: Db) -> int:
    """Have erased what has been deleted for 30 days; how many these are. A job for each."""
    rows = db.execute(
        """
        select id
          from reshaping
         where expires_at < now()
           and state = 'done'
           and kind in ('objects', 'project')
           for update skip locked
        """
    ).fetchall()
    for row in rows:
        made = asked.find(db, row.id)
        if made.kind == "project":
            hiding.ask_erasing(db, made, None)
        else:
            _ask(db, made, None)
    return len(rows)


def erase(db: Db, job: JobContext, made: Reshaping) -> None:
    """The job. `db` in autocommit."""
    if made.kind == "objects":
        removing.erase(db, made, lambda n: job.progress(n, made.n_objects, "objects"))
        return
    n = 0

    def tell(more: int) -> None:
        nonlocal n
        n += more
        job.progress(n, None, "objects", "erasing")

    erasing.erase_project(db, made.project_id, tell)
    job.log(f"{made.title} is erased. The files of its images go with `shoal gc`, where no other project shows them.")
