"""Pages and API of summaries."""

from app.summaries import api, pages

routes = pages.routes
api_routes = api.api_routes
