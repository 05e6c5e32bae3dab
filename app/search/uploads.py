"""Takes an uploaded query image off a request, sent as a form's file or as the body itself."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.projects.access import Project
from app.search.query_image import make_query, make_text_query

MOST_BYTES = 50_000_000
# Anybody who may look may ask; nothing of the project is changed.


async def query_by_image(
    request: Request[Any, Any, Any], db: Db, project: Project, viewer: Viewer, body: bytes
) -> dict[str, str]:
    """The answer {"query": KEY} to an upload; KEY stands in `order=like&query=KEY`.

    The handler asks for `body`, so that it has come whole before a connection is taken: a slow upload holds none.
    """
    data = await read_image(request, body)
    state = request.app.state
    key = await sync_to_thread(make_query, db, project, state.settings, state.database_url, data, viewer.account_id)
    return {"query": key}


@dataclass(frozen=True)
class TextWish:
    """What is looked for, in a few words."""

    text: str


def query_by_text(
    request: Request[Any, Any, Any], db: Db, project: Project, viewer: Viewer, text: str
) -> dict[str, str]:
    """The same for a text."""
    state = request.app.state
    return {"query": make_text_query(db, project, state.settings, state.database_url, text, viewer.account_id)}


async def read_image(request: Request[Any, Any, Any], body: bytes) -> bytes:
    """The bytes of the form's file `image`, or of the whole body where it is not a form."""
    if request.content_type[0] != "multipart/form-data":
        return body
    form = await request.form()
    upload = form.get("image") or next((part for part in form.values() if isinstance(part, UploadFile)), None)
    if not isinstance(upload, UploadFile):
        raise Refused("The form holds no file: send the image as the field `image`.")
    return await upload.read()
