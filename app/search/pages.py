"""What the board asks of search: a query by an uploaded image, or by a text, as a program asks it."""

from litestar import Router

from app.search import embed_api

routes = [Router("/", route_handlers=embed_api.routes, include_in_schema=False)]
