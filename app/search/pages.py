"""What the board asks of search: a query by an uploaded image."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import RawBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.projects.access import Project
from app.search.uploads import MOST_BYTES, VISITOR, query_by_image


@post(
    "/projects/{project_id:int}/query-image", opt=VISITOR, include_in_schema=False, status_code=200,
    request_max_body_size=MOST_BYTES,
)  # fmt: skip
async def query_image_page(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    body: RawBody,
) -> dict[str, str]:
    return await query_by_image(request, db, project, viewer, body)


routes = [query_image_page]
