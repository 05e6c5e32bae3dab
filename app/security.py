"""What every request and answer must obey: where a page may load from, and who may change something."""

import time
from urllib.parse import urlsplit

from litestar import Request
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.access import SAFE_METHODS
from app.errors import Forbidden
from app.logs import request_id

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What a page shows depends on who asks: only routes that say so may be kept.
    "Cache-Control": "private, no-cache",
}
ENCODED_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
ANOTHER_SITE = "This came from another site and was not done. Do it from Shoal's own pages."


async def add_headers(message: Message, scope: Scope) -> None:
    """On every answer, unknown addresses and errors included, where no middleware runs."""
    if message["type"] != "http.response.start":
        return
    headers = list(message.get("headers", []))
    present = {name.lower() for name, _ in headers}
    headers += [(name, value) for name, value in ENCODED_HEADERS if name not in present]
    headers.append((b"x-request-id", request_id(scope).encode()))
    if scope["app"].state.settings.secure_cookies:
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    message["headers"] = headers


class Watch(ASGIMiddleware):
    """Names the request and starts its clock."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request_id(scope)
        scope["state"]["began"] = time.perf_counter()
        await next_app(scope, receive, send)


class SameOrigin(ASGIMiddleware):
    """Refuses what another site makes a browser send, by what browsers say of a request's origin.

    The Fetch-Metadata algorithm that Go's CrossOriginProtection also follows: Sec-Fetch-Site where there is one, else
    Origin against Host (browsers send no Sec-Fetch-Site over plain HTTP to another machine). It replaces tokens in
    forms: no secret stands in a page. A bearer token without a cookie cannot be sent by a page of another site.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["method"] not in SAFE_METHODS and not is_same_origin(Request(scope)):
            raise Forbidden(ANOTHER_SITE)
        await next_app(scope, receive, send)


def is_same_origin(request: Request) -> bool:
    headers = request.headers
    if headers.get("authorization", "").lower().startswith("bearer ") and "cookie" not in headers:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        # No browser leaves both away on a request that could be forged.
        return True
    # A proxy may pass on a Host of its own: the address that people type counts as well.
    ours = {headers.get("host"), urlsplit(request.app.state.settings.base_url).netloc} - {""}
    return urlsplit(origin).netloc in ours
