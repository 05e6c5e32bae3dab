"""Resumable uploads, under /api/v1: the protocol tus 1.0.0 (https://tus.io/protocols/resumable-upload).

Spoken: the core, creation and termination. Bodies go to the disk as they come: none is ever whole in memory.
"""

import asyncio
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, head, patch, post, route
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from app.accounts.viewer import Viewer
from app.answers import show_refused
from app.database import Db
from app.errors import Conflict, Refused
from app.exchange import uploads
from app.exchange.uploads import Appender, Upload
from app.jobs.queue import is_active
from app.openapi import refusals
from app.projects.access import IMPORTS, Project

VERSION = "1.0.0"
TUS = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
PIECE_BYTES = 1 << 20
# A connection that brings nothing for so long is taken for lost: it would lock out the one that goes on after it.
SILENT_S = 20.0
UPLOADS, UPLOAD = "/projects/{project_id:int}/uploads", "/projects/{project_id:int}/uploads/{upload_id:uuid}"


@dataclass(frozen=True)
class UploadAnswer:
    """An upload that is still here: how much of it has arrived, and what came of it."""

    id: UUID
    name: str
    kind: str
    size: int
    offset: int
    fingerprint: str
    created_at: datetime
    completed_at: datetime | None
    job_id: int | None
    import_id: int | None


def tus_refused(request: Request, error: Refused) -> Response[Any]:
    response = show_refused(request, error)
    response.headers.update(TUS)
    if "upload_offset" in error.detail:
        response.headers["Upload-Offset"] = str(error.detail["upload_offset"])
    return response


TOLD = {Refused: tus_refused}


@get(
    UPLOADS, opt=IMPORTS, sync_to_thread=True, tags=["imports"],
    summary="Uploads of a project whose files are still here, newest first", responses=refusals(401, 403, 404),
)  # fmt: skip
def list_uploads_api(db: NamedDependency[Db], project: NamedDependency[Project], state: State) -> list[UploadAnswer]:
    return [
        UploadAnswer(
            upload.id, upload.name, upload.kind, upload.size, upload.offset(state.settings), upload.fingerprint,
            upload.created_at, upload.completed_at, upload.job_id, upload.import_id,
        )
        for upload in uploads.list_uploads(db, project.id)
    ]  # fmt: skip


@route(
    UPLOADS, http_method=[HttpMethod.OPTIONS], opt=IMPORTS, sync_to_thread=False, status_code=204, tags=["imports"],
    summary="What the server speaks of tus, and the largest upload it takes", responses=refusals(401, 403, 404),
)  # fmt: skip
def tell_protocol_api(project: NamedDependency[Project], state: State) -> Response[None]:
    limit = str(state.settings.upload_limit_gb * uploads.GB)
    told = {"Tus-Version": VERSION, "Tus-Extension": "creation,termination", "Tus-Max-Size": limit}
    return Response(None, status_code=204, headers=TUS | told)


@post(
    UPLOADS, opt=IMPORTS, sync_to_thread=True, status_code=201, tags=["imports"], exception_handlers=TOLD,
    summary="Begin a resumable upload (tus): the answer's Location is where its bytes go",
    responses=refusals(400, 401, 403, 404, 412, 413, 415, 507),
)  # fmt: skip
def create_upload_api(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Response[None]:
    """Upload-Length says the size; Upload-Metadata holds `filename` (a .zip, a .tar or an EcoTaxa
    table) and may hold `fingerprint`."""
    check_version(request)
    told = metadata(request.headers.get("upload-metadata", ""))
    upload = uploads.create_upload(
        db,
        request.app.state.settings,
        project.id,
        viewer.account_id,
        told.get("filename", ""),
        number(request, "upload-length"),
        told.get("fingerprint", "")[:200],
    )
    location = f"/api/v1/projects/{project.id}/uploads/{upload.id}"
    return Response(None, status_code=201, headers=TUS | {"Location": location, "Upload-Offset": "0"})


@head(
    UPLOAD, opt=IMPORTS, sync_to_thread=True, tags=["imports"], exception_handlers=TOLD,
    summary="How much of an upload has arrived (tus)", responses=refusals(401, 403, 404, 412),
)  # fmt: skip
def read_offset_api(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], upload_id: FromPath[UUID]
) -> Response[None]:
    check_version(request)
    settings = request.app.state.settings
    upload = uploads.find_upload(db, settings, project.id, upload_id)
    offset = {"Upload-Offset": str(upload.offset(settings)), "Upload-Length": str(upload.size)}
    return Response(None, status_code=200, headers=TUS | offset)


@patch(
    UPLOAD, opt=IMPORTS, status_code=204, tags=["imports"], exception_handlers=TOLD, request_max_body_size=None,
    summary="Append to an upload at its offset (tus)",
    responses=refusals(400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 423, 507),
)  # fmt: skip
async def append_api(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], upload_id: FromPath[UUID]
) -> Response[None]:
    """What has arrived when the connection breaks, or the disk is full, is kept."""
    check_version(request)
    if request.content_type[0] != "application/offset+octet-stream":
        raise Refused("Send the bytes as application/offset+octet-stream.", status=415)
    offset, settings = number(request, "upload-offset"), request.app.state.settings
    upload = await sync_to_thread(uploads.find_upload, db, settings, project.id, upload_id)
    refuse_complete(upload)
    # Bytes may come for hours: no connection to the database waits with them.
    await request.scope["state"]["transaction"].end(commit=True)
    reached = await append(request, Appender(upload, upload.source(settings), offset))
    async with request.app.state.connections.take() as own:
        await sync_to_thread(uploads.complete if reached == upload.size else uploads.touch, own, upload.id)
    return Response(None, status_code=204, headers=TUS | {"Upload-Offset": str(reached)})


def refuse_complete(upload: Upload) -> None:
    """What stands on the server by itself is never written into."""
    if upload.path:
        raise Conflict(f"{upload.name} stands on the server already: nothing of it is sent.")
    if upload.completed_at is not None:
        raise Conflict(f"{upload.name} has arrived whole: no more of it is taken.", upload_offset=upload.size)


async def append(request: Request, appender: Appender) -> int:
    """Write the body as it comes, off the event loop; returns the offset reached."""
    await sync_to_thread(appender.__enter__)
    try:
        await _take_in(request, appender)
    finally:
        await sync_to_thread(appender.__exit__, None, None, None)
    return appender.offset


async def _take_in(request: Request, appender: Appender) -> None:
    waiting, loop = bytearray(), asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SILENT_S) as deadline:
            async for piece in request.stream():
                waiting += piece
                if len(waiting) >= PIECE_BYTES:
                    deadline.reschedule(None)
                    # Let go first: what could not be written is not written once more at the end.
                    whole, waiting = waiting, bytearray()
                    await sync_to_thread(appender.write, whole)
                deadline.reschedule(loop.time() + SILENT_S)
    except TimeoutError:
        raise Refused(
            f"Nothing came for {SILENT_S:.0f} s, so this connection was ended. Go on with a new one.", status=408
        ) from None
    except HTTPException:
        # The other side is gone. Nobody hears the answer; what came is kept.
        return
    finally:
        if waiting:
            await sync_to_thread(appender.write, waiting)


@delete(
    UPLOAD, opt=IMPORTS, sync_to_thread=True, status_code=204, tags=["imports"], exception_handlers=TOLD,
    summary="Cancel an upload, or take away one that came whole (tus)",
    responses=refusals(401, 403, 404, 409, 412),
)  # fmt: skip
def remove_upload_api(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], upload_id: FromPath[UUID]
) -> Response[None]:
    check_version(request)
    remove_idle(db, request.app.state.settings, project.id, upload_id)
    return Response(None, status_code=204, headers=TUS)


def remove_idle(db: Db, settings: Any, project_id: int, upload_id: UUID) -> Upload:
    """Take an upload away, unless a job reads it."""
    upload = uploads.find_upload(db, settings, project_id, upload_id, lock=True)
    if is_active(db, upload.job_id):
        raise Conflict(f"{upload.name} is being checked or imported. Cancel that first.")
    uploads.remove(db, settings, upload)
    return upload


def check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise Refused(f"Send the header Tus-Resumable: {VERSION}.", status=412)


def number(request: Request, header: str) -> int:
    """A header that says a number of bytes."""
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refused(f"The header {header.title()} must say a number of bytes; it says {text[:40]!r}.")
    return int(text)


def metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: names, each with its value in Base64, with commas between."""
    told = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            told[name] = b64decode(value, validate=True).decode()
        except (NotBase64, ValueError):
            raise Refused(f"Upload-Metadata: the value of {name[:40]!r} is not UTF-8 text in Base64.") from None
    return told


# OPTIONS stands first: Litestar answers it by itself on an address that has been registered without (2.25).
routes = [
    tell_protocol_api, list_uploads_api, create_upload_api, read_offset_api, append_api, remove_upload_api,
]  # fmt: skip
