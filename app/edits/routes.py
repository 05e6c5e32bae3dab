"""The routes of mass edits: pages and API."""

from app.edits import api, pages

routes, api_routes = pages.routes, api.routes
