"""How an error is said: a page, a toast in the page that asked, or RFC 9457 problem details, all with one sentence."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.response import Redirect, Template
from psycopg_pool import PoolTimeout, TooManyRequests

from app.advice import advice
from app.choices import choices_of
from app.errors import LoginNeeded, NotFound, Refused
from app.logs import log, request_id

SENTENCES = {
    404: "There is no page at this address. Check it, or start from the list of projects.",
    405: "This address does not take that kind of request.",
    413: "What was sent is too large for this address. Send less at once, or import it from the server's own disk.",
}
DATABASE_DOWN = (
    "The database cannot be reached. What was saved is safe, and Shoal goes on by itself as soon as the database is "
    "back. If it stays away, whoever runs this server finds the cause with “shoal doctor”."
)
TOO_SLOW = "This took longer than the server allows and was stopped. Narrow the filter, or try again later."
SAME_MOMENT = "Somebody else changed the same thing at the same moment. Nothing of yours was done: try again."
IMPOSSIBLE = "The request holds a number that is too large, or a character that no text may hold. Nothing was changed."
DISK_FULL = "The database's disk is full, so this was not saved. Whoever runs this server must make room."


def show_refused(request: Request, error: Refused) -> Response[Any]:
    if isinstance(error, LoginNeeded):
        return ask_to_log_in(request, error)
    wait = error.detail.get("retry_after")
    headers = {"Retry-After": str(wait)} if wait else {}
    return say(request, error.status, error.title, error.sentence, error.detail, headers)


def show_http_error(request: Request, error: HTTPException) -> Response[Any]:
    """What Litestar itself refuses: unknown addresses, values that do not parse, bodies that are too large."""
    status = error.status_code
    if status >= 500:
        return show_unexpected(request, error)
    sentence = SENTENCES.get(status) or sentence_of(error, request)
    headers = {"Allow": allowed_methods(request)} if isinstance(error, MethodNotAllowedException) else {}
    return say(request, status, HTTPStatus(status).phrase.capitalize(), sentence, headers=headers)


def sentence_of(error: HTTPException, request: Request | None = None) -> str:
    """Litestar's own words name the parameter or field at fault; of a word that is none of some, we name these."""
    faults = error.extra if isinstance(error.extra, list) else []
    told = [
        f"{fault.get('key', 'body')}: {choices_of(request, fault) or fault['message']}"
        for fault in faults
        if "message" in fault
    ]
    return "The request was not understood: " + ("; ".join(told) or error.detail)


def show_database_error(request: Request, error: Exception) -> Response[Any]:
    log.error("database", request_id=request_id(request.scope), error=type(error).__name__)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return say(request, 503, "Took too long", TOO_SLOW)
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return say(request, 409, "Changed meanwhile", SAME_MOMENT)
    if isinstance(error, psycopg.errors.DiskFull):
        return say(request, 507, "No room left", DISK_FULL)
    return say(request, 503, "The database is away", DATABASE_DOWN, headers={"Retry-After": "5"})


def show_impossible_value(request: Request, error: psycopg.DataError) -> Response[Any]:
    """A number that no column holds, or a NUL in a text."""
    log.warning("impossible value", request_id=request_id(request.scope), error=type(error).__name__)
    return say(request, 400, "Not understood", IMPOSSIBLE)


def show_unexpected(request: Request, error: Exception) -> Response[Any]:
    """A fault of ours: the person gets a number to report, the log gets the rest."""
    name = request_id(request.scope)
    log.error("unexpected", request_id=name, exc_info=error)
    sentence = f"Shoal made a mistake. Nothing was changed. Tell whoever runs this server: request {name}."
    return say(request, 500, "A mistake of ours", sentence)


def ask_to_log_in(request: Request, error: LoginNeeded) -> Response[Any]:
    """Pages lead to the login and back; what runs inside a page stays where it is and says so."""
    if asks_for(request) == "page" and request.method == "GET":
        return Redirect(f"/login?next={quote(page_asked_for(request), safe='/')}", status_code=303)
    headers = {} if "authorization" not in request.headers else {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    headers = headers or {"WWW-Authenticate": "Bearer"}
    return say(request, 401, error.title, error.sentence, error.detail, headers)


def page_asked_for(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def asks_for(request: Request) -> str:
    """Who asks: 'problem' for programs and scripts, 'toast' for htmx, 'page' for a person."""
    headers = request.headers
    if request.url.path.startswith("/api/"):
        return "problem"
    if "hx-request" in headers:
        return "toast"
    accepts = headers.get("accept", "")
    sends_json = headers.get("content-type", "").startswith("application/json")
    is_image = headers.get("sec-fetch-dest") == "image"
    if "text/html" not in accepts and ("json" in accepts or sends_json or is_image):
        return "problem"
    return "page"


def wants_part(request: Request) -> bool:
    """Whether htmx asks for the changing part of a page alone, which no cache may take for the page."""
    return "hx-request" in request.headers and request.headers.get("hx-request-type") != "full"


def say(
    request: Request,
    status: int,
    title: str,
    sentence: str,
    detail: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """The answer, in the form that who asks can use."""
    headers = dict(headers or {})
    form = asks_for(request)
    if form == "problem":
        body = {"type": "about:blank", "title": title, "status": status, "detail": sentence, **(detail or {})}
        body["request_id"] = request_id(request.scope)
        return Response(body, status_code=status, media_type="application/problem+json", headers=headers)
    if form == "toast":
        headers |= {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"}
        name = "errors/toast.html"
    else:
        name = "errors/page.html"
    context = {
        "status": status,
        "error_title": title,
        "sentence": sentence,
        "shown_request_id": request_id(request.scope),
        "back": way_back(request),
        # Only what comes back by itself is waited for, and a form is never sent again unasked.
        "comes_back": status == 503 and "Retry-After" in headers and request.method == "GET",
        **advice(request, status),
    }
    return Template(name, context=context, status_code=status, headers=headers)


def way_back(request: Request) -> str | None:
    """The page of ours that one came from, for what a form refused."""
    came_from = urlsplit(request.headers.get("referer", ""))
    if came_from.netloc != request.headers.get("host") or came_from.path == request.url.path:
        return None
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def allowed_methods(request: Request) -> str:
    """RFC 9110 wants a 405 to say what the address does take; Litestar does not."""
    path = request.url.path.rstrip("/") or "/"
    try:
        template = request.app.asgi_router.handle_routing(path=path, method="OPTIONS")[4]
    except (NotFoundException, NotFound, MethodNotAllowedException):
        return "GET"
    methods = {method for route in request.app.routes if route.path == template for method in route.methods}
    return ", ".join(sorted(methods)) or "GET"


exception_handlers = {
    Refused: show_refused,
    HTTPException: show_http_error,
    psycopg.OperationalError: show_database_error,
    psycopg.InterfaceError: show_database_error,
    psycopg.DataError: show_impossible_value,
    PoolTimeout: show_database_error,
    TooManyRequests: show_database_error,
    Exception: show_unexpected,
}
