"""The table of contents: the rooms' routes, and what every request passes through."""

import importlib
import importlib.util
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.concurrency import set_asyncio_executor
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from psycopg_pool import ConnectionPool

from app import api_docs, health, search, static_files
from app.accounts.access import Authentication, hold_to_declaration, recognise
from app.accounts.viewer import provide_viewer
from app.answers import exception_handlers
from app.database import Db
from app.logs import configure_logs, log_answer
from app.openapi import openapi_config
from app.projects.access import provide_project
from app.security import SameOrigin, Watch, add_headers
from app.settings import Settings
from app.templating import template_config
from app.web import Connections, end_transaction, provide_db

ROOMS = ("accounts", "projects", "taxonomy", "objects", "labels", "search", "exchange", "jobs")
MOST_BYTES = 4_000_000
THREADS = 32


def room_routes(kind: str) -> list[Any]:
    """The `routes` of every room that has pages, or an API."""
    names = [f"app.{room}.{kind}" for room in ROOMS if importlib.util.find_spec(f"app.{room}")]
    return [route for name in names if importlib.util.find_spec(name) for route in importlib.import_module(name).routes]


@asynccontextmanager
async def open_connections(app: Litestar) -> AsyncIterator[None]:
    app.state.connections = Connections(app.state.pool)
    yield


def create_app(settings: Settings, pool: ConnectionPool[Db], database_url: str) -> Litestar:
    """The server, on a pool that the caller opens and closes."""
    configure_logs(settings.log_level)
    search.configure(settings)
    set_asyncio_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="web"))
    return Litestar(
        route_handlers=[
            # In routers, since the application itself registers the first of two handlers on one path twice, which
            # breaks a synchronous one (Litestar 2.25).
            Router("/", route_handlers=[*static_files.routes, *health.routes, *api_docs.routes, *room_routes("pages")]),
            Router("/api/v1", route_handlers=room_routes("api")),
        ],
        dependencies={
            "db": Provide(provide_db),
            "viewer": Provide(provide_viewer, sync_to_thread=False),
            "project": Provide(provide_project, sync_to_thread=True),
        },
        guards=[hold_to_declaration],
        middleware=[Watch(), SameOrigin(), Authentication()],
        exception_handlers=exception_handlers,
        after_exception=[end_transaction, recognise],
        before_send=[add_headers, log_answer],
        lifespan=[open_connections],
        template_config=template_config(),
        compression_config=CompressionConfig(
            backend="gzip",
            gzip_compress_level=4,
            exclude=[r"/thumbnails/", r"/images/"],
            exclude_opt_key="exclude_from_compression",
        ),
        openapi_config=openapi_config(),
        request_max_body_size=MOST_BYTES,
        logging_config=None,
        state=State({"settings": settings, "pool": pool, "database_url": database_url}),
    )
