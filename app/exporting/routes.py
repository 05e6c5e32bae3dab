"""Pages and API of exports."""

from app.exporting import api, darwin_routes, pages

routes = [*pages.routes, *darwin_routes.pages]
api_routes = [*api.routes, *darwin_routes.api]
