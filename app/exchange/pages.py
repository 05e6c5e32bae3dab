"""The import page: a source is sent or named, checked, asked about and imported; and what was imported before."""

import csv
import io
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.answers import wants_part
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.exchange import preparing, update_undo, uploads
from app.exchange.api import find_source
from app.exchange.chunks import IMAGE_ENDINGS
from app.exchange.report import SHOWN_FAULTS, ImportReport
from app.exchange.upload_api import remove_idle
from app.jobs.queue import cancel
from app.jobs.words import rate_text, time_span
from app.projects.access import IMPORTS, Project
from app.projects.members import list_members
from app.settings import Settings

IMPORT, ONE = "/projects/{project_id:int}/import", "/projects/{project_id:int}/import/{upload_id:uuid}"
MOST_ACCOUNTS = 2000


@dataclass
class PathForm:
    path: str = ""


@dataclass
class OptionsForm:
    """What is ticked. Folders' names: taxa, samples or both. `update`: fields or all, of objects that are there."""

    taxa_from_folders: bool = False
    samples_from_folders: bool = False
    skip_existing: bool = False
    skip_bad_images: bool = False
    create_taxa: bool = False
    update: str = ""


@dataclass(frozen=True)
class Answers:
    """By the name in the source: a taxon's id, "-" for no label, null for no answer; an account's id or e-mail."""

    taxa: dict[str, int | str | None] = field(default_factory=dict)
    users: dict[str, int | str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class NewTaxa:
    texts: list[str]
    parent_id: int | None = None
    type: str = "M"


@dataclass(frozen=True)
class NewPerson:
    name: str
    email: str = ""


@get(IMPORT, opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def show_sources(db: NamedDependency[Db], project: NamedDependency[Project], state: AppState) -> Template:
    """Choose a source, or go on with one; and the imports so far."""
    return sources_page(db, project, state.settings)


def sources_page(
    db: Db, project: Project, settings: Settings, path: str = "", error: str = "", status_code: int = 200
) -> Template:
    context = {
        "project": project,
        "uploads": [(upload, upload.offset(settings)) for upload in uploads.list_uploads(db, project.id)],
        "imports": list_imports(db, project.id),
        "roots": settings.import_roots,
        "limit_gb": settings.upload_limit_gb,
        "image_endings": " ".join(sorted(IMAGE_ENDINGS)),
        "path": path,
        "error": error,
    }
    return Template("exchange/import.html", context=context, status_code=status_code)


def list_imports(db: Db, project_id: int) -> list[Any]:
    return db.execute(
        """
        select import.id, import.source, import.status, import.n_objects, import.n_images, import.started_at,
               account.name as author, import.report ->> 'status' as outcome,
               import.options ->> 'update' as mode,
               coalesce((import.report ->> 'n_faults')::bigint, 0) as n_faults,
               (select upload.id from upload where import_id = import.id and removed_at is null limit 1) as upload
        from import
        left join account on account.id = import.account_id
        where import.project_id = %s
        order by import.id desc
        limit 100
        """,
        [project_id],
    ).fetchall()


@post("/projects/{project_id:int}/import/paths", opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def take_path(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    data: URLEncodedBody[PathForm],
) -> Response[Any]:
    """A folder or archive that stands on the server, where its administrator has opened any."""
    if not state.settings.import_roots:
        raise NotFound("No folder of this server is opened for imports. Send the source instead.")
    try:
        source = find_source(state.settings.import_roots, data.path.strip())
    except Refused as refused:
        return sources_page(db, project, state.settings, data.path, refused.sentence, refused.status)
    upload = uploads.note_path(db, project.id, viewer.account_id, source)
    return Redirect(f"/projects/{project.id}/import/{upload.id}", status_code=303)


@get(ONE, opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def show_import(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    upload_id: FromPath[UUID],
) -> Template:
    """Where it stands; while a job works, the page asks for its changing part alone."""
    return import_page(request, db, project, viewer, upload_id)


def import_page(
    request: Request, db: Db, project: Project, viewer: Viewer, upload_id: UUID, error: str = "", status_code: int = 200
) -> Template:
    settings = request.app.state.settings
    upload = uploads.find_upload(db, settings, project.id, upload_id)
    shown = preparing.read_state(db, project, viewer, upload)
    context = {
        "project": project,
        "upload": upload,
        "offset": upload.offset(settings),
        "state": shown,
        "is_unreadable": preparing.is_unreadable(settings, upload, shown),
        "accounts": offered_accounts(db, project, viewer) if shown.people else [],
        "image_endings": " ".join(sorted(IMAGE_ENDINGS)),
        "most_faults": SHOWN_FAULTS,
        "error": error,
        "time_span": time_span,
        "rate_text": rate_text,
    }
    name = "exchange/_step.html" if wants_part(request) else "exchange/one.html"
    return Template(name, context=context, headers={"Cache-Control": "no-store"}, status_code=status_code)


def offered_accounts(db: Db, project: Project, viewer: Viewer) -> list[Any]:
    """Whom unknown people may be: the project's members; application managers know all accounts anyway."""
    if not viewer.is_application_manager:
        return list(list_members(db, project.id))
    return db.execute(
        "select name, email from account where removed_at is null order by lower(name) limit %s", [MOST_ACCOUNTS]
    ).fetchall()


@post(f"{ONE}/check", opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def check(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    upload_id: FromPath[UUID],
    data: URLEncodedBody[OptionsForm],
) -> Redirect:
    """Read and check everything, and show nothing of it to anybody yet."""
    upload = uploads.find_upload(db, state.settings, project.id, upload_id, lock=True)
    chosen = {name: getattr(data, name) for name in (*preparing.CHOICES, "update")}
    options = preparing.import_options(upload.options | chosen, hold=True)
    preparing.start(db, project, viewer, upload, options)
    return Redirect(f"/projects/{project.id}/import/{upload.id}", status_code=303)


@post(f"{ONE}/run", opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def run(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    upload_id: FromPath[UUID],
) -> Response[Any]:
    """Bring in what was checked, with the answers given."""
    upload = uploads.find_upload(db, request.app.state.settings, project.id, upload_id, lock=True)
    shown = preparing.read_state(db, project, viewer, upload)
    if shown.step != "asking":
        raise Conflict(f"{upload.name} must be checked first, without faults.")
    if shown.n_open:
        error = f"{shown.n_open} of the names are not answered yet. Answer these, or leave them without a label."
        return import_page(request, db, project, viewer, upload_id, error, 422)
    preparing.start(db, project, viewer, upload, preparing.import_options(upload.options))
    return Redirect(f"/projects/{project.id}/import/{upload.id}", status_code=303)


@post(f"{ONE}/answers", opt=IMPORTS, include_in_schema=False, sync_to_thread=True, status_code=200)
def answer(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    state: AppState,
    upload_id: FromPath[UUID],
    data: JSONBody[Answers],
) -> dict[str, Any]:
    """Kept at once, so that a reload or another day finds them."""
    upload = uploads.find_upload(db, state.settings, project.id, upload_id)
    return preparing.save_answers(db, upload, data.taxa, data.users)


@post(f"{ONE}/taxa", opt=IMPORTS, include_in_schema=False, sync_to_thread=True, status_code=200)
def make_taxa(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    upload_id: FromPath[UUID],
    data: JSONBody[NewTaxa],
) -> dict[str, Any]:
    """Taxa of many names under one parent at once, which are the answers then."""
    upload = uploads.find_upload(db, state.settings, project.id, upload_id)
    made = preparing.make_taxa(db, viewer, data.texts, data.parent_id, data.type)
    return preparing.save_answers(db, upload, made, {})


@post(f"{ONE}/people", opt=IMPORTS, include_in_schema=False, sync_to_thread=True, status_code=200)
def make_person(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    upload_id: FromPath[UUID],
    data: JSONBody[NewPerson],
) -> dict[str, Any]:
    """An account without access for a name of the source."""
    upload = uploads.find_upload(db, state.settings, project.id, upload_id)
    account_id = preparing.make_person(db, viewer, data.name, data.email)
    return preparing.save_answers(db, upload, {}, {data.name: account_id})


@post(f"{ONE}/cancel", opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def cancel_job(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, upload_id: FromPath[UUID]
) -> Redirect:
    upload = uploads.find_upload(db, state.settings, project.id, upload_id)
    if upload.job_id is not None:
        cancel(db, upload.job_id)
    return Redirect(f"/projects/{project.id}/import/{upload.id}", status_code=303)


@post(f"{ONE}/remove", opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def remove(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, upload_id: FromPath[UUID]
) -> Redirect:
    with suppress(NotFound):  # cancelled in another tab: it is gone, as was wanted
        remove_idle(db, state.settings, project.id, upload_id)
    return Redirect(f"/projects/{project.id}/import", status_code=303)


@get("/projects/{project_id:int}/imports/{import_id:int}", opt=IMPORTS, include_in_schema=False, sync_to_thread=True)
def show_report(db: NamedDependency[Db], project: NamedDependency[Project], import_id: FromPath[int]) -> Template:
    """What an earlier import brought, or why it did not."""
    row = find_import(db, project.id, import_id)
    context = {
        "project": project,
        "import_": row,
        "report": report_of(row),
        "standing": update_undo.standing(db, project.id, row.id),
        "most_faults": SHOWN_FAULTS,
    }
    return Template("exchange/report.html", context=context)


@get(
    "/projects/{project_id:int}/imports/{import_id:int}/faults.tsv", opt=IMPORTS, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def download_faults(
    db: NamedDependency[Db], project: NamedDependency[Project], import_id: FromPath[int]
) -> Response[bytes]:
    """File, line and what is wrong, for a spreadsheet."""
    report = report_of(find_import(db, project.id, import_id))
    if report is None:
        raise NotFound("This import has no report yet. Come back when it has ended.")
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(["file", "line", "fault"])
    for fault in [*report.faults, *report.left_out]:
        writer.writerow([_harmless(fault.file), fault.line or "", _harmless(fault.message)])
    headers = {"Content-Disposition": f'attachment; filename="import-{import_id}-faults.tsv"'}
    return Response(text.getvalue().encode(), media_type="text/tab-separated-values; charset=utf-8", headers=headers)


def report_of(import_: Any) -> ImportReport | None:
    """None while the import runs."""
    return ImportReport.from_json(import_.report) if import_.report else None


def _harmless(text: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def find_import(db: Db, project_id: int, import_id: int) -> Any:
    row = db.execute(
        """
        select import.*, account.name as author
        from import
        left join account on account.id = import.account_id
        where project_id = %s
          and import.id = %s
        """,
        [project_id, import_id],
    ).fetchone()
    if row is None:
        raise NotFound("There is no such import in this project.")
    return row._replace(source=Path(row.source).name or row.source)


routes = [
    show_sources, take_path, show_import, check, run, answer, make_taxa, make_person, cancel_job, remove, show_report,
    download_faults, *update_undo.pages,
]  # fmt: skip
