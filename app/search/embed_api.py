"""A query by an uploaded image, or by a text: for programs, and for the pages' scripts under addresses of their own."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, RawBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.openapi import refusals
from app.projects.access import READS, Project
from app.search.uploads import MOST_BYTES, TextWish, query_by_image, query_by_text


@post(
    "/projects/{project_id:int}/query-image", opt=READS, status_code=200, request_max_body_size=MOST_BYTES,
    tags=["search"], summary="Upload an image to search by", responses=refusals(400, 404, 413, 503),
)  # fmt: skip
async def query_image_api(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    body: RawBody,
) -> dict[str, str]:
    """Send the image as a form's file `image`, or as the body itself. The answer's `query` is what `like` takes."""
    return await query_by_image(request, db, project, viewer, body)


@post(
    "/projects/{project_id:int}/query-text", opt=READS, status_code=200, sync_to_thread=True, tags=["search"],
    summary="Say in words what to search by", responses=refusals(400, 404, 503),
)  # fmt: skip
def query_text_api(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[TextWish],
) -> dict[str, str]:
    """Where the project's embedder knows texts, as those of open_clip do. The answer's `query` is what `like` takes,
    and a batch of `examples` as its `image`."""
    return query_by_text(request, db, project, viewer, data.text)


routes = [query_image_api, query_text_api]
