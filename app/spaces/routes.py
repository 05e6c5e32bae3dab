"""Pages and API of a project's spaces."""

from typing import Any

from app.spaces import api, pages

routes: list[Any] = pages.routes
api_routes: list[Any] = api.routes
