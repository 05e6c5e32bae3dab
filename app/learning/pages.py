"""The list of a project's learning sets, one of them, its files, and one that is brought."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import State as AppState
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import File, Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import is_active
from app.labels.pages import actor
from app.learning import exporting, job, offered, sets, uploads
from app.learning.drafts import keep_draft
from app.learning.sets import LearningSet
from app.learning.wizard import LEARNS, LIST
from app.projects.access import VISITOR, Project
from app.settings import Settings

LARGEST_ID = 2**31


@dataclass
class ExportForm:
    with_images: str = ""


@dataclass(frozen=True)
class SetTaxon:
    """A taxon that a set teaches, and the taxa that its objects were validated as where that is another."""

    id: int
    name: str
    italic: bool
    n: int
    from_taxa: list[str]


@get(LIST, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_sets(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    actor(viewer)
    context = {
        "project": project,
        "found": sets.list_sets(db, viewer, project.id),
        "others": sets.list_sets(db, viewer, project.id, elsewhere=True),
    }
    return Template("learning/list.html", context=context)


def find(db: Db, viewer: Viewer, set_id: int) -> LearningSet:
    if not 0 < set_id < LARGEST_ID:
        raise NotFound(sets.NO_SET)
    return sets.find_set(db, viewer, set_id)


def own_of(db: Db, project: Project, viewer: Viewer, set_id: int) -> LearningSet:
    """A set that was made in this project: only there it is changed."""
    made = find(db, viewer, set_id)
    if made.project_id != project.id:
        raise NotFound(sets.NO_SET)
    return made


@get(f"{LIST}/{{set_id:int}}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_set(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
) -> Template:
    """What a set is of; a set of another project too, where the viewer may read it."""
    actor(viewer)
    made = find(db, viewer, set_id)
    context = {
        "project": project,
        "one": made,
        "taxa": taxa_of(db, made.id),
        "sources": sources_of(db, made.id),
        **_files(db, made),
    }
    return Template("learning/one.html", context=context)


def _files(db: Db, made: LearningSet) -> dict[str, Any]:
    return {"exports": exporting.list_exports(db, made), "is_active": is_being_made(db, made)}


def is_being_made(db: Db, made: LearningSet) -> bool:
    """Its job may go on when it is frozen, and learn from it."""
    return made.frozen_at is None and is_active(db, made.job_id)


def remove(db: Db, made: LearningSet) -> None:
    if is_being_made(db, made):
        raise Conflict("This learning set is being made: cancel its job first.")
    sets.delete(db, made.id)


@get(f"{LIST}/{{set_id:int}}/progress", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_progress(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
    waits: FromQuery[bool] = False,
) -> Template:
    """How far the making of a set, or of its files, is: asks again by itself; the page loads anew at the end."""
    actor(viewer)
    made = find(db, viewer, set_id)
    told = db.execute(
        "select status, done, total, unit, message, error from job where id = %s", [made.job_id]
    ).fetchone()
    files = _files(db, made)
    still = files["is_active"] or any(export.n_bytes is None for export in files["exports"])
    headers = {"Cache-Control": "no-store"} | ({"HX-Refresh": "true"} if waits and not still else {})
    context = {"project": project, "one": made, "job": told, "waits": still, **files}
    return Template("learning/_progress.html", context=context, headers=headers)


def taxa_of(db: Db, set_id: int) -> list[SetTaxon]:
    """Those that a set teaches, the largest first."""
    rows = db.execute(
        """
        select taxon.id, taxon.display_name, sum(counted.n)::int as n,
               coalesce(array_agg(own.display_name order by counted.n desc)
                        filter (where own.id <> taxon.id), '{}') as from_taxa
        from (
            select taxon_id, own_taxon_id, count(*) as n
            from learning_item
            where set_id = %s
            group by taxon_id, own_taxon_id
        ) as counted
        join taxon on taxon.id = counted.taxon_id
        left join taxon own on own.id = counted.own_taxon_id
        group by taxon.id, taxon.display_name
        order by sum(counted.n) desc, lower(taxon.display_name)
        """,
        [set_id],
    ).fetchall()
    italic = offered.italics(db, [row.id for row in rows])
    return [SetTaxon(row.id, row.display_name, row.id in italic, row.n, row.from_taxa) for row in rows]


def sources_of(db: Db, set_id: int) -> list[Any]:
    """Rows (id, title, n): the projects that a set's objects are of; without a project where it is gone, or where they
    were brought."""
    return db.execute(
        """
        select counted.project_id as id, project.title, counted.n
        from (
            select project_id, count(*) as n
            from learning_item
            where set_id = %s
            group by project_id
        ) as counted
        left join project on project.id = counted.project_id
        order by counted.n desc
        """,
        [set_id],
    ).fetchall()


@post(f"{LIST}/own", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def make_own(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Redirect:
    """What is validated here and in the reference projects, in one click."""
    account = actor(viewer)
    choices = sets.own_choices(db, project, account.id)
    return _to_set(project, job.ask(db, project, account.id, sets.OWN_TITLE, choices)[0])


def _to_set(project: Project, set_id: int) -> Redirect:
    return Redirect(f"/projects/{project.id}/learning-sets/{set_id}", status_code=303)


@post(f"{LIST}/{{set_id:int}}/again", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def make_again(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
) -> Redirect:
    """The wizard with what was chosen for this set."""
    account = actor(viewer)
    found = find(db, viewer, set_id)
    keep_draft(db, project.id, account.id, found.choices, found.title)
    return Redirect(f"/projects/{project.id}/learning-sets/new/taxa", status_code=303)


@post(f"{LIST}/{{set_id:int}}/delete", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def delete_set(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
) -> Redirect:
    actor(viewer)
    remove(db, own_of(db, project, viewer, set_id))
    return Redirect(f"/projects/{project.id}/learning-sets", status_code=303)


@post(f"{LIST}/{{set_id:int}}/exports", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def export_set(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
    data: URLEncodedBody[ExportForm],
) -> Redirect:
    actor(viewer)
    exporting.ask(db, viewer, find(db, viewer, set_id), bool(data.with_images))
    return _to_set(project, set_id)


@get(f"{LIST}/{{set_id:int}}/exports/{{export_id:int}}", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def download(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    set_id: FromPath[int],
    export_id: FromPath[int],
) -> File:
    actor(viewer)
    return export_file(db, viewer, state.settings, find(db, viewer, set_id), export_id)


def export_file(db: Db, viewer: Viewer, settings: Settings, made: LearningSet, export_id: int) -> File:
    """The file, once it is whole; who asked for it may manage less by now, or be another person."""
    export = exporting.find(db, made, export_id if export_id < LARGEST_ID else 0)
    if export.with_images:
        exporting.check_manages(db, viewer, made)
    path = exporting.path_of(settings, export)
    if export.n_bytes is None:
        raise Conflict("This file is still being written: wait until it is whole.")
    if not path.exists():
        raise NotFound("This file was removed, a week after it was made: export the learning set again.")
    return File(path, filename=export.file_name, content_disposition_type="attachment")


@post(f"{LIST}/import", opt=LEARNS, include_in_schema=False, request_max_body_size=uploads.MOST_FILE_BYTES)
async def bring_set(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
) -> Redirect:
    account = actor(viewer)
    await request.scope["state"]["transaction"].end(commit=True)
    form = await request.form()
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise Refused("Choose a file: a parquet table, or a zip of images with a folder for each taxon.", status=422)
    title = str(form.get("title") or "") or Path(upload.filename).stem[:200]
    made = await uploads.take_in(request, project, account.id, title, upload.filename, _pieces(upload))
    return _to_set(project, made[0])


async def _pieces(upload: UploadFile) -> AsyncIterator[bytes]:
    while piece := await upload.read(uploads.PIECE_BYTES):
        yield piece


routes = [show_sets, show_set, show_progress, make_own, make_again, delete_set, export_set, download, bring_set]
