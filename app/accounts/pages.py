"""Logging in and out."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts import command_keys, managing, me, queries
from app.accounts.links import find_link, use_link
from app.accounts.sessions import end_session, expired_cookie, session_cookie, start_session
from app.accounts.throttle import TooManyAttempts, address_of
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused

WRONG = "This email address and password do not belong together. Check both, or ask an application manager for a link."


@dataclass
class LoginForm:
    email: str = ""
    password: str = ""
    next: str = "/"


@dataclass
class NewPasswordForm:
    password: str = ""
    again: str = ""


def safe_next(address: str) -> str:
    """The path to go on to, if it is one of ours: never another site's, and never the login itself."""
    parts = urlsplit(address)
    strange = parts.scheme or parts.netloc or "\\" in address or any(ord(letter) < 32 for letter in address)
    if strange or not address.startswith("/") or address.startswith("//") or parts.path.startswith("/login"):
        return "/"
    return address


@get("/login", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def show_login(viewer: NamedDependency[Viewer], next: FromQuery[str] = "/") -> Template | Redirect:
    if viewer.account:
        return Redirect(safe_next(next), status_code=303)
    return login_page(next=safe_next(next))


@post("/login", opt={"public": True}, include_in_schema=False, sync_to_thread=True, request_max_body_size=20_000)
def log_in(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[LoginForm]
) -> Response[Any]:
    try:
        account_id = queries.log_in(db, data.email, data.password, address_of(request))
    except TooManyAttempts as refused:
        page = login_page(refused.sentence, data.email, safe_next(data.next), status_code=429)
        page.headers["Retry-After"] = str(refused.detail["retry_after"])
        return page
    if account_id is None:
        return login_page(WRONG, data.email, safe_next(data.next), status_code=422)
    return enter(request, db, viewer, account_id, safe_next(data.next))


def login_page(error: str = "", email: str = "", next: str = "/", status_code: int = 200) -> Template:
    context = {"error": error, "email": email, "next": next}
    return Template("accounts/login.html", context=context, status_code=status_code)


def enter(request: Request, db: Db, viewer: Viewer, account_id: int, to: str) -> Redirect:
    """Start a new session, in place of the one this browser had."""
    if viewer.account and viewer.session_hash:
        end_session(db, viewer.account.id, viewer.session_hash)
    token = start_session(db, account_id, request.headers.get("user-agent", ""), address_of(request))
    cookie = session_cookie(token, request.app.state.settings.secure_cookies)
    return Redirect(to, status_code=303, cookies=[cookie])


@post("/logout", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def log_out(request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Redirect:
    if viewer.account and viewer.session_hash:
        end_session(db, viewer.account.id, viewer.session_hash)
    cookie = expired_cookie(request.app.state.settings.secure_cookies)
    # The browser's Back button would show the last board to whoever sits here next.
    return Redirect("/login", status_code=303, cookies=[cookie], headers={"Clear-Site-Data": '"cache"'})


@get("/login/link/{token:str}", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def open_link(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], token: FromPath[str]
) -> Template | Redirect:
    """A login link that was typed, or opened from a terminal, logs in at once.

    One that another site leads to asks first, or that site could log somebody in as somebody else.
    """
    link = find_link(db, token)
    led_here = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if link.purpose == "login" and not led_here:
        return enter(request, db, viewer, use_link(db, token).id, "/")
    return link_page(link, token)


@post(
    "/login/link/{token:str}",
    opt={"public": True},
    include_in_schema=False,
    sync_to_thread=True,
    request_max_body_size=20_000,
)
def use_opened_link(
    request: Request,
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    token: FromPath[str],
    data: URLEncodedBody[NewPasswordForm],
) -> Response[Any]:
    link = find_link(db, token)
    if link.purpose != "login":
        try:
            me.check_typed_twice(data.password, data.again)
            queries.set_password(db, link.id, data.password)
        except Refused as refused:
            return link_page(link, token, refused.sentence, status_code=refused.status)
    return enter(request, db, viewer, use_link(db, token).id, "/")


def link_page(link: Any, token: str, error: str = "", status_code: int = 200) -> Template:
    context = {"link": link, "token": token, "error": error}
    return Template("accounts/link.html", context=context, status_code=status_code)


routes = [show_login, log_in, log_out, open_link, use_opened_link, *me.routes, *command_keys.routes, *managing.routes]
