"""Who is asking and whether this route is for them: authentication, and the guard that closes what is not opened."""

from contextlib import suppress

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.accounts.sessions import cookie_name, find_session
from app.accounts.tokens import find_token
from app.accounts.viewer import ANONYMOUS, Viewer
from app.database import Db
from app.errors import Forbidden, LoginNeeded

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
ROLES = ("visitor", "annotator", "manager")


class Authentication(ASGIMiddleware):
    """Puts the viewer into the scope. Files that everybody may have cost no look-up."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        opt = scope["route_handler"].opt
        if not (opt.get("public") and opt.get("quiet")):
            scope["user"] = await find_viewer(Request(scope))
        await next_app(scope, receive, send)


async def find_viewer(request: Request) -> Viewer:
    """The account of the bearer token, else of the session cookie, else nobody."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if kind.lower() == "bearer" else ""
    cookie = request.cookies.get(cookie_name(request.app.state.settings.secure_cookies))
    if not bearer and not cookie:
        return ANONYMOUS
    async with request.app.state.connections.take() as db:
        viewer: Viewer | None = await sync_to_thread(_look_up, db, bearer, cookie)
    if viewer is None and bearer:
        raise LoginNeeded("This token is unknown, expired or revoked. Make a new one on your account's page.")
    return viewer or ANONYMOUS


async def recognise(_: Exception, scope: Scope) -> None:
    """For the page that tells of an unknown address, where no middleware has run, so that it too knows who asks."""
    if scope["type"] == "http" and "route_handler" not in scope:
        with suppress(Exception):
            scope["user"] = await find_viewer(Request(scope))


def _look_up(db: Db, bearer: str, cookie: str | None) -> Viewer | None:
    if bearer:
        return find_token(db, bearer)
    return find_session(db, cookie) if cookie else None


def hold_to_declaration(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """The guard of every route: see app/web.py for what a route may declare."""
    opt = handler.opt
    if opt.get("public"):
        return
    viewer: Viewer = connection.scope.get("user") or ANONYMOUS
    role = opt.get("role")
    in_project = "project_id" in connection.path_params
    if in_project and not guards_project(handler):
        raise Forbidden("This address is closed: it does not say which role may use it.")
    # The project dependency decides whether this project is open to everyone.
    if viewer.account is None and not (in_project and role == "visitor"):
        raise LoginNeeded()
    if role == "application_manager" and not viewer.is_application_manager:
        raise Forbidden("Only application managers may do this.")
    if viewer.read_only and connection.scope.get("method") not in SAFE_METHODS and not opt.get("reads"):
        raise Forbidden("This token is read-only. Use a token with full rights to change something.")


def guards_project(handler: BaseRouteHandler) -> bool:
    """Whether a project's route declares a role and asks for the project, whose dependency enforces it."""
    return handler.opt.get("role") in ROLES and "project" in handler.parsed_fn_signature.parameters
