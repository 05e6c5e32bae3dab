"""The room's routes: pages, and the API's."""

from app.ecotaxa import api, pages

routes = pages.routes
api_routes = api.routes
