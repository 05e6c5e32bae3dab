"""The room's routes: pages, and the API's."""

from app.frozen import api, pages

routes = pages.routes
api_routes = api.routes
