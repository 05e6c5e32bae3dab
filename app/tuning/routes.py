"""Pages and API of embedders that a project trains."""

from typing import Any

from app.tuning import api, pages

routes: list[Any] = [*pages.routes]
api_routes: list[Any] = [*api.routes]
