"""What the board asks of search: a query by an uploaded image, or by a text."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, RawBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.projects.access import READS, Project
from app.search.uploads import MOST_BYTES, TextWish, query_by_image, query_by_text


@post(
    "/projects/{project_id:int}/query-image", opt=READS, include_in_schema=False, status_code=200,
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


@post(
    "/projects/{project_id:int}/query-text", opt=READS, include_in_schema=False, status_code=200, sync_to_thread=True
)  # fmt: skip
def query_text_page(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[TextWish],
) -> dict[str, str]:
    return query_by_text(request, db, project, viewer, data.text)


routes = [query_image_page, query_text_page]
