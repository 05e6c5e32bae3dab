"""The table of contents: the rooms' routes, and what every request passes through."""

from concurrent.futures import ThreadPoolExecutor

from litestar import Litestar, Router
from litestar.concurrency import set_asyncio_executor
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from psycopg_pool import ConnectionPool

from app import api_docs, health, search, static_files
from app.accounts import api as accounts_api
from app.accounts import command_keys
from app.accounts import pages as accounts_pages
from app.accounts.access import Authentication, hold_to_declaration, recognise
from app.accounts.viewer import provide_viewer
from app.advice import find_helpers
from app.answers import exception_handlers
from app.batches import api as batches_api
from app.batches import (
    audit_routes,
    back_routes,
    mistakes_routes,
    pile_routes,
    probe_routes,
    proposal_routes,
    refusal_routes,
    review_routes,
)
from app.batches import pages as batches_pages
from app.bodies import refuse_unknown_fields
from app.classifiers import routes as classifiers_routes
from app.clusters import api as clusters_api
from app.clusters import pages as clusters_pages
from app.database import Db
from app.ecotaxa import routes as ecotaxa_routes
from app.edits import routes as edits_routes
from app.exchange import api as exchange_api
from app.exchange import pages as exchange_pages
from app.exchange import upload_api
from app.exporting import routes as exporting_routes
from app.finding import api as finding_api
from app.finding import pages as finding_pages
from app.frozen import routes as frozen_routes
from app.guide import pages as guide_pages
from app.jobs import api as jobs_api
from app.jobs import pages as jobs_pages
from app.keeping import pages as keeping_pages
from app.labels import activity_routes, acts_page, undo_routes
from app.labels import api as labels_api
from app.labels import pages as labels_pages
from app.learning import routes as learning_routes
from app.logs import configure_logs, log_answer
from app.objects import api as objects_api
from app.objects import choices, comments, image_pages, object_page, preferences
from app.objects import pages as objects_pages
from app.openapi import SaidTypes, openapi_config
from app.prediction import api as prediction_api
from app.prediction import routes as prediction_routes
from app.prediction import working_routes
from app.projects import api as projects_api
from app.projects import pages as projects_pages
from app.projects.access import provide_project
from app.reshaping import api as reshaping_api
from app.reshaping import pages as reshaping_pages
from app.samples import api as samples_api
from app.samples import edit_routes, map_pages
from app.samples import pages as samples_pages
from app.search import api as search_api
from app.search import crop_api, crop_pages, elsewhere_pages
from app.search import pages as search_pages
from app.searches import api as searches_api
from app.searches import pages as searches_pages
from app.security import SameOrigin, Watch, add_headers
from app.settings import Settings
from app.spaces import routes as spaces_routes
from app.start import api as start_api
from app.start import pages as start_pages
from app.statistics import routes as statistics_routes
from app.summaries import routes as summaries_routes
from app.taxonomy import api as taxonomy_api
from app.taxonomy import curate_routes, list_routes, outdated_routes
from app.taxonomy import pages as taxonomy_pages
from app.templating import template_config
from app.tuning import routes as tuning_routes
from app.web import end_transaction, open_connections, provide_db

MOST_BYTES = 4_000_000
THREADS = 32

PAGES = [
    *static_files.routes,
    *health.routes,
    *api_docs.routes,
    *accounts_pages.routes,
    *projects_pages.routes,
    *exchange_pages.routes,
    *exporting_routes.routes,
    *summaries_routes.routes,
    *ecotaxa_routes.routes,
    *frozen_routes.routes,
    *taxonomy_pages.routes,
    *curate_routes.routes,
    *outdated_routes.routes,
    *list_routes.routes,
    *objects_pages.routes,
    *choices.routes,
    *object_page.routes,
    *comments.routes,
    *preferences.routes,
    *image_pages.routes,
    *batches_pages.routes,
    *proposal_routes.routes,
    *clusters_pages.routes,
    *pile_routes.routes,
    *refusal_routes.routes,
    *audit_routes.routes,
    *review_routes.routes,
    *mistakes_routes.routes,
    *probe_routes.routes,
    *labels_pages.routes,
    *acts_page.routes,
    *undo_routes.routes,
    *edits_routes.routes,
    *activity_routes.routes,
    *start_pages.routes,
    *samples_pages.routes,
    *map_pages.routes,
    *edit_routes.routes,
    *statistics_routes.routes,
    *search_pages.routes,
    *elsewhere_pages.routes,
    *searches_pages.routes,
    *learning_routes.routes,
    *classifiers_routes.routes,
    *prediction_routes.routes,
    *working_routes.routes,
    *spaces_routes.routes,
    *tuning_routes.routes,
    *crop_pages.routes,
    *keeping_pages.routes,
    *reshaping_pages.routes,
    *jobs_pages.routes,
    *guide_pages.routes,
    *finding_pages.routes,
]
API = [
    *accounts_api.routes,
    *command_keys.api_routes,
    *projects_api.routes,
    *finding_api.routes,
    *taxonomy_api.routes,
    *curate_routes.api_routes,
    *outdated_routes.api_routes,
    *list_routes.api_routes,
    *objects_api.routes,
    *comments.api_routes,
    *preferences.api_routes,
    *labels_api.routes,
    *batches_api.routes,
    *proposal_routes.api_routes,
    *back_routes.routes,
    *clusters_api.routes,
    *pile_routes.api_routes,
    *refusal_routes.api_routes,
    *audit_routes.api_routes,
    *review_routes.api_routes,
    *mistakes_routes.api_routes,
    *probe_routes.api_routes,
    *undo_routes.api_routes,
    *edits_routes.api_routes,
    *activity_routes.api_routes,
    *start_api.routes,
    *samples_api.routes,
    *map_pages.api_routes,
    *edit_routes.api_routes,
    *statistics_routes.api_routes,
    *search_api.routes,
    *searches_api.routes,
    *crop_api.routes,
    *prediction_api.routes,
    *learning_routes.api_routes,
    *classifiers_routes.api_routes,
    *prediction_routes.api_routes,
    *working_routes.api_routes,
    *spaces_routes.api_routes,
    *tuning_routes.api_routes,
    *exchange_api.routes,
    *upload_api.routes,
    *exporting_routes.api_routes,
    *summaries_routes.api_routes,
    *ecotaxa_routes.api_routes,
    *frozen_routes.api_routes,
    *keeping_pages.api_routes,
    *reshaping_api.routes,
    *jobs_api.routes,
]


def create_app(settings: Settings, pool: ConnectionPool[Db], database_url: str) -> Litestar:
    """The server, on a pool that the caller opens and closes."""
    return connect_app(make_app(), settings, pool, database_url)


def connect_app(app: Litestar, settings: Settings, pool: ConnectionPool[Db], database_url: str) -> Litestar:
    """Give an application that serves nobody now its settings and its database."""
    configure_logs(settings.log_level)
    search.configure(settings)
    app.state = State({"settings": settings, "pool": pool, "database_url": database_url})
    return app


def make_app() -> Litestar:
    """All routes, on no database yet: to register them takes half a second."""
    set_asyncio_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="web"))
    return Litestar(
        route_handlers=[
            # In routers, since the application itself registers the first of two handlers on one path twice, which
            # breaks a synchronous one (Litestar 2.25).
            Router("/", route_handlers=PAGES),
            Router("/api/v1", route_handlers=API, before_request=refuse_unknown_fields),
        ],
        dependencies={
            "db": Provide(provide_db),
            "viewer": Provide(provide_viewer, sync_to_thread=False),
            "project": Provide(provide_project, sync_to_thread=True),
        },
        guards=[hold_to_declaration],
        middleware=[Watch(), SameOrigin(), Authentication()],
        exception_handlers=exception_handlers,
        after_exception=[end_transaction, recognise, find_helpers],
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
        plugins=[SaidTypes()],
        request_max_body_size=MOST_BYTES,
        logging_config=None,
    )
