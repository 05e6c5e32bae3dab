"""Takes an update back: the values and the classifications that it changed, wherever nobody changed them since."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app import database
from app.accounts.viewer import Viewer
from app.database import Db
from app.edits import undo as edits_undo
from app.errors import Conflict, NotFound, Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.labels import undo as labels_undo
from app.labels.acts import check_open
from app.labels.in_bin import in_bin_words, left_in_bin
from app.labels.pages import actor
from app.openapi import refusals
from app.prediction import outside
from app.projects.access import IMPORTS, Project

PLACE = "/projects/{project_id:int}/imports/{import_id:int}/undo"


@dataclass(frozen=True)
class Standing:
    """What of an update stands, and what was taken back: numbers of acts, and the run that shows its predictions."""

    n_acts: int
    n_undone: int
    run_id: int | None

    @property
    def may_be_undone(self) -> bool:
        return self.n_undone < self.n_acts or self.run_id is not None


@dataclass(frozen=True)
class UndoQueued:
    """The job that takes it back."""

    job_id: int


# Of `act`: it stands, or left something in the bin when it was undone, which may be back.
LEFT = """
    reversed_by is null
    or coalesce((select (undo.detail ->> 'n_in_bin')::int from act as undo where undo.id = act.reversed_by), 0) > 0"""


def standing(db: Db, project_id: int, import_id: int) -> Standing:
    row: Any = db.execute(
        f"""
        select count(*) as n_acts, count(*) filter (where not ({LEFT})) as n_undone,
               (select run.id
                from project
                join run on run.id = current_run_id
                where project.id = %(project_id)s
                  and run.config ->> 'import_id' = %(import_id)s::text) as run_id
        from act
        where project_id = %(project_id)s
          and detail ? 'import_id'
          and detail ->> 'import_id' = %(import_id)s::text
          and kind in ('edit', 'import')
        """,  # noqa: S608 - constants
        {"project_id": project_id, "import_id": import_id},
    ).fetchone()
    return Standing(row.n_acts, row.n_undone, row.run_id)


def ask(db: Db, project: Project, account_id: int, import_id: int) -> int:
    """Queue the undo of an update; returns its job."""
    check_open(project)
    row = None
    if 0 < import_id < 2**31:
        row = db.execute(
            "select source, options ->> 'update' as mode from import where project_id = %s and id = %s",
            [project.id, import_id],
        ).fetchone()
    if row is None:
        raise NotFound("There is no such import in this project.")
    if not row.mode:
        raise Conflict("This import added objects: delete them instead of taking it back.")
    if not standing(db, project.id, import_id).may_be_undone:
        raise Conflict("Nothing of this update stands any more: there is nothing to take back.")
    title = f"Take back the update of {project.title}"
    args = {"import_id": import_id}
    return enqueue(db, "undo_update", title, project.id, account_id, args, f"undo_update:{import_id}")


@post(PLACE, opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def undo_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    import_id: FromPath[int],
) -> Response[Any]:
    job_id = ask(db, project, actor(viewer).id, import_id)
    return Redirect(f"/jobs/{job_id}", status_code=303)


@post(
    PLACE, opt=IMPORTS, sync_to_thread=True, status_code=202, tags=["imports"], summary="Take an update back",
    responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def undo_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    import_id: FromPath[int],
) -> UndoQueued:
    """Values and classifications that somebody changed since stay as they are."""
    return UndoQueued(ask(db, project, actor(viewer).id, import_id))


@dataclass(frozen=True)
class _Person:
    id: int


@job_body("undo_update")
def run(job: JobContext) -> None:
    """Act by act, each in its transaction; a killed job goes on with those that are left."""
    if job.project_id is None or job.account_id is None:
        raise Refused("The project, or the person who asked for this, is gone.")
    import_id = int(job.args["import_id"])
    with database.connect(job.database_url) as db:
        left = db.execute(
            f"""
            select id, kind
            from act
            where project_id = %s
              and detail ? 'import_id'
              and detail ->> 'import_id' = %s::text
              and kind in ('edit', 'import')
              and ({LEFT})
            order by id desc
            """,  # noqa: S608 - constants
            [job.project_id, import_id],
        ).fetchall()
        for done, act in enumerate(left):
            job.progress(done, len(left), "acts")
            _take_back(db, job, act)
            db.commit()
        _show_former(db, job, import_id)
        db.commit()
        job.progress(len(left), len(left), "acts")


def _take_back(db: Db, job: JobContext, act: Any) -> None:
    project: Any = db.execute("select * from project where id = %s", [job.project_id]).fetchone()
    account = _Person(job.account_id or 0)
    if act.kind == "edit":
        told = edits_undo.undo(db, project, account.id, uuid4(), act.id, goes_on=True)
        job.log(f"Values of {told.n_changed:,} things are put back; {told.n_left:,} were changed since, and stay.")
        if told.job_id:
            job.log(f"The job {told.job_id} puts the rest of these values back.")
        n_in_bin = told.n_in_bin
    elif labels_undo.may_be_undone(db, project.id, act.id):
        outcome = labels_undo.undo(db, project, account, uuid4(), act.id, manager=True, goes_on=True)
        n_in_bin = sum(left.why == "in_bin" for left in outcome.refused)
        n_left = len(outcome.refused) - n_in_bin
        job.log(f"{len(outcome.changed):,} classifications are put back; {n_left:,} were changed since, and stay.")
    else:
        n_in_bin = len(left_in_bin(db, project.id, act.id))
    if n_in_bin:
        job.log(in_bin_words(n_in_bin))


def _show_former(db: Db, job: JobContext, import_id: int) -> None:
    """The predictions from before, where those of the update are shown still."""
    project: Any = db.execute("select * from project where id = %s", [job.project_id]).fetchone()
    if standing(db, project.id, import_id).run_id is not None:
        outside.take_back(db, project)
        job.log("The predictions from before are shown again.")


pages, api = [undo_page], [undo_api]
