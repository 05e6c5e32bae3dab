"""The API described: OpenAPI 3.1 for programs, and a page of it for people, without any script."""

from typing import Any

from litestar import Request, Response, get
from litestar.response import Template


@get("/api/v1/openapi.json", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def send_schema(request: Request) -> Response[dict[str, Any]]:
    return Response(request.app.openapi_schema.to_schema(), media_type="application/json")


@get("/api", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def show_docs(request: Request) -> Template:
    schema = request.app.openapi_schema.to_schema()
    return Template("api.html", context={"schema": schema, "operations": list_operations(schema)})


def list_operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return []


routes = [send_schema, show_docs]
