"""Pages and API of classifiers."""

from typing import Any

from app.classifiers import api, making, pages

routes: list[Any] = [*pages.routes, *making.routes]
api_routes: list[Any] = [*api.routes]
