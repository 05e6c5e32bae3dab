"""Embedding for programs: a query by an uploaded image."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import RawBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.openapi import refusals
from app.projects.access import Project
from app.search.uploads import MOST_BYTES, VISITOR, query_by_image


@post(
    "/projects/{project_id:int}/query-image", opt=VISITOR, status_code=200, request_max_body_size=MOST_BYTES,
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


routes = [query_image_api]
