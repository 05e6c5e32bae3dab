"""Lists of taxa over HTTP: sent, compared, looked at, taken in, and the portable list out. For application managers."""

import shutil
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from litestar import Request, get, post
from litestar.background_tasks import BackgroundTask
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State as AppState
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, RawBody, URLEncodedBody
from litestar.response import File, Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db, connect
from app.errors import NotFound, Refused
from app.labels.pages import actor
from app.openapi import refusals
from app.settings import Settings
from app.taxonomy.bringing import ask_bring, ask_plan
from app.taxonomy.comparing import Report
from app.taxonomy.portable import write_list
from app.taxonomy.tables import CSV_COLUMNS

CURATES = {"role": "application_manager"}
MOST_FILE_BYTES = 1_000_000_000
KEPT_S = 30 * 86_400
LISTS = 50
PORTABLE = "shoal_taxonomy.zip"


@dataclass(frozen=True)
class ListJob:
    """The list that was sent, and the job that works on it."""

    import_id: int
    job_id: int


@dataclass(frozen=True)
class TaxonImport:
    """A list of taxa that was sent. `status`: reading, planned (look at the report), bringing, done or failed."""

    id: int
    source: str
    kind: str
    status: str
    report: Report
    error: str
    job_id: int | None
    by: str | None
    created_at: datetime


@dataclass(frozen=True)
class Bring:
    """`with_presets`: preset lists of projects called as in the list are replaced; `without_faulty`: lines with
    faults, and what stands below them, are left out; `match_roots`: classes at the root that have the name of a new
    taxon take its place."""

    with_presets: bool = False
    without_faulty: bool = False
    match_roots: bool = False


@dataclass
class BringForm:
    with_presets: str = ""
    without_faulty: str = ""
    match_roots: str = ""


def find_list(db: Db, import_id: int) -> TaxonImport:
    rows = _lists(db, import_id) if 0 < import_id < 2**31 else []
    if not rows:
        raise NotFound("There is no such list of taxa. Those that were sent stand on the page of lists.")
    return rows[0]


def _lists(db: Db, import_id: int | None = None) -> list[TaxonImport]:
    rows = db.execute(
        """
        select taxon_import.*, account.name as by, job.status as job_status, job.error as job_error
        from taxon_import
        left join account on account.id = taxon_import.account_id
        left join job on job.id = taxon_import.job_id
        where %(id)s::int is null or taxon_import.id = %(id)s
        order by taxon_import.id desc
        limit %(most)s
        """,
        {"id": import_id, "most": LISTS},
    )
    return [_told(row) for row in rows]


def _told(row: Any) -> TaxonImport:
    report = dict(row.report)
    error = report.pop("error", "") if row.status == "failed" else ""
    report.pop("error", None)
    is_stopped = row.status in ("reading", "bringing") and row.job_status in ("failed", "cancelled")
    return TaxonImport(
        row.id, row.source, row.kind, "failed" if is_stopped else row.status, Report(**report),
        row.job_error or error if is_stopped else error, row.job_id, row.by, row.created_at,
    )  # fmt: skip


def place_for(settings: Settings, name: str) -> Path:
    """Where a list that is sent lies; those of a month ago go."""
    folder = settings.home / "taxa"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(old, ignore_errors=True)
    place = folder / str(uuid.uuid4())
    place.mkdir(mode=0o700)
    return place / (Path(name).name[-100:] or "list")


@get("/taxonomy/lists", opt=CURATES, include_in_schema=False, sync_to_thread=True)
def show_lists(db: NamedDependency[Db]) -> Template:
    return Template("taxonomy/lists.html", context={"lists": _lists(db), "columns": CSV_COLUMNS})


@get("/taxonomy/lists/{import_id:int}", opt=CURATES, include_in_schema=False, sync_to_thread=True)
def show_list(db: NamedDependency[Db], import_id: FromPath[int]) -> Template:
    return Template("taxonomy/one_list.html", context={"one": find_list(db, import_id)})


@get("/taxonomy/lists/{import_id:int}/progress", opt=CURATES, include_in_schema=False, sync_to_thread=True)
def show_list_progress(db: NamedDependency[Db], import_id: FromPath[int], waits: FromQuery[bool] = False) -> Template:
    """How far its job is: asks again by itself; the page loads anew at the end."""
    one = find_list(db, import_id)
    job = db.execute("select done, total, unit, message from job where id = %s", [one.job_id]).fetchone()
    still = one.status in ("reading", "bringing")
    headers = {"Cache-Control": "no-store"} | ({"HX-Refresh": "true"} if waits and not still else {})
    return Template("taxonomy/_list_progress.html", context={"one": one, "job": job, "waits": still}, headers=headers)


@post("/taxonomy/lists", opt=CURATES, include_in_schema=False, request_max_body_size=MOST_FILE_BYTES)
async def send_list(
    request: Request[Any, Any, Any], db: NamedDependency[Db], viewer: NamedDependency[Viewer], body: RawBody
) -> Redirect:
    """The handler asks for `body`, so that it has come whole before a connection is taken."""
    account = actor(viewer)
    form = await request.form()
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise Refused("Choose a file: a table of taxa, a Darwin Core archive, or a portable list.", status=422)
    path = place_for(request.app.state.settings, upload.filename)
    with path.open("wb") as file:
        while piece := await upload.read(1_000_000):
            await sync_to_thread(file.write, piece)
    import_id, _ = await sync_to_thread(ask_plan, db, account.id, path, upload.filename)
    return Redirect(f"/taxonomy/lists/{import_id}", status_code=303)


@post("/taxonomy/lists/{import_id:int}/bring", opt=CURATES, include_in_schema=False, sync_to_thread=True)
def bring_list(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    import_id: FromPath[int],
    data: URLEncodedBody[BringForm],
) -> Redirect:
    one = find_list(db, import_id)
    wish = (bool(data.with_presets), bool(data.without_faulty), bool(data.match_roots))
    ask_bring(db, actor(viewer).id, one.id, *wish)
    return Redirect(f"/taxonomy/lists/{one.id}", status_code=303)


def portable(state: AppState) -> File:
    """Written for this answer, and gone after it."""
    folder = Path(tempfile.mkdtemp(prefix="taxa-", dir=_made(state.settings.home / "taxa")))
    with connect(state.database_url, autocommit=True) as db:
        write_list(db, folder / PORTABLE)
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return File(folder / PORTABLE, filename=PORTABLE, content_disposition_type="attachment", background=gone)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@get("/taxonomy/portable", opt=CURATES, include_in_schema=False, sync_to_thread=True)
def download_portable(state: AppState) -> File:
    return portable(state)


@get(
    "/taxa/portable", opt=CURATES, sync_to_thread=True, tags=["taxa"],
    summary="The taxonomy with its names and all preset lists as one file, for another Shoal", responses=refusals(403),
)  # fmt: skip
def portable_api(state: AppState) -> File:
    return portable(state)


@get(
    "/taxa/lists", opt=CURATES, sync_to_thread=True, tags=["taxa"], summary="Lists of taxa that were sent",
    responses=refusals(403),
)  # fmt: skip
def lists_api(db: NamedDependency[Db]) -> list[TaxonImport]:
    return _lists(db)


@get(
    "/taxa/lists/{import_id:int}", opt=CURATES, sync_to_thread=True, tags=["taxa"],
    summary="A list of taxa, and what it would change", responses=refusals(403, 404),
)  # fmt: skip
def list_api(db: NamedDependency[Db], import_id: FromPath[int]) -> TaxonImport:
    return find_list(db, import_id)


@post(
    "/taxa/lists", opt=CURATES, status_code=202, request_max_body_size=MOST_FILE_BYTES, tags=["taxa"],
    summary="Send a list of taxa, and have it compared", responses=refusals(400, 403, 413),
)  # fmt: skip
async def send_api(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    body: RawBody,
    name: FromQuery[str] = "taxa.csv",
) -> ListJob:
    """The body is the file: EcoTaxa's list, a Darwin Core taxon table or archive, CSV, or a portable list. `name` ends
    as its kind does: .csv, .tsv, .json or .zip. Nothing changes before it is brought."""
    account = actor(viewer)

    def keep() -> tuple[int, int]:
        path = place_for(request.app.state.settings, name)
        path.write_bytes(bytes(body))
        return ask_plan(db, account.id, path, path.name)

    return ListJob(*await sync_to_thread(keep))


@post(
    "/taxa/lists/{import_id:int}/bring", opt=CURATES, sync_to_thread=True, status_code=202, tags=["taxa"],
    summary="Take a compared list of taxa in", responses=refusals(403, 404, 409, 422),
)  # fmt: skip
def bring_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], import_id: FromPath[int], data: JSONBody[Bring]
) -> ListJob:
    one = find_list(db, import_id)
    wish = (data.with_presets, data.without_faulty, data.match_roots)
    return ListJob(one.id, ask_bring(db, actor(viewer).id, one.id, *wish))


routes = [show_lists, show_list, show_list_progress, send_list, bring_list, download_portable]
api_routes = [portable_api, lists_api, list_api, send_api, bring_api]
