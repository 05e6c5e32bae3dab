"""One's own account: name, password, sessions, tokens, keys, and what one did."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts import queries
from app.accounts.own_keys import list_keys
from app.accounts.sessions import browser_name, end_session, end_sessions, list_sessions
from app.accounts.throttle import address_of
from app.accounts.tokens import list_tokens, make_token, revoke_token
from app.accounts.viewer import Account, Viewer
from app.batches import returned
from app.database import Db
from app.errors import Forbidden, LoginNeeded, Refused
from app.labels.acts_page import shown_own
from app.labels.history import own_acts

LAST_ACTS = 10


@dataclass
class ProfileForm:
    name: str = ""
    organisation: str = ""
    orcid: str = ""


@dataclass
class PasswordForm:
    present: str = ""
    password: str = ""
    again: str = ""


@dataclass
class TokenForm:
    name: str = ""
    scope: str = "read"
    days: str = "90"


def account_of(viewer: Viewer) -> Account:
    """The account behind a page that only people with a browser session may use."""
    if viewer.account is None:
        raise LoginNeeded()
    if viewer.token_id is not None:
        raise Forbidden("A token cannot change its account. Log in with a browser.")
    return viewer.account


def check_typed_twice(password: str, again: str) -> None:
    if password != again:
        raise Refused("The two passwords differ. Type the same one twice.", status=422)


@get("/me", include_in_schema=False, sync_to_thread=True)
def show_me(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Template:
    return me_page(db, viewer)


def me_page(db: Db, viewer: Viewer, status_code: int = 200, **shown: Any) -> Template:
    """The account's page; `shown` carries an `error` with its `section`, or the text of a new token."""
    account = account_of(viewer)
    own = own_acts(db, viewer, limit=LAST_ACTS + 1)
    context = {
        "account": queries.read_account(db, account.id),
        "keys": list_keys(db, viewer),
        "acts": shown_own(own[:LAST_ACTS]),
        "more_acts": len(own) > LAST_ACTS,
        "sent_back": returned.of_person(db, account.id),
        "sessions": list_sessions(db, account.id),
        "browser_name": browser_name,
        "tokens": list_tokens(db, account.id),
        "error": "",
        "section": "",
        "new_token": "",
        "said": "",
        "form": None,
    }
    return Template("accounts/me.html", context=context | shown, status_code=status_code)


@post("/me/profile", include_in_schema=False, sync_to_thread=True)
def change_profile(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[ProfileForm]
) -> Response[Any]:
    try:
        queries.change_profile(db, account_of(viewer).id, data.name, data.organisation, data.orcid)
    except Refused as refused:
        return me_page(db, viewer, refused.status, section="profile", error=refused.sentence, form=data)
    return Redirect("/me", status_code=303)


@post("/me/password", include_in_schema=False, sync_to_thread=True, request_max_body_size=20_000)
def change_password(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[PasswordForm]
) -> Response[Any]:
    account = account_of(viewer)
    try:
        check_typed_twice(data.password, data.again)
        if not queries.is_present_password(db, account.id, data.present, address_of(request)):
            raise Refused("The present password is not right. Nothing was changed.", status=422)
        queries.set_password(db, account.id, data.password, keep_session=viewer.session_hash)
    except Refused as refused:
        return me_page(db, viewer, refused.status, section="password", error=refused.sentence)
    return me_page(db, viewer, section="password", said="The password is changed. All other sessions have ended.")


@post("/me/sessions/{session_id:str}/end", include_in_schema=False, sync_to_thread=True)
def end_one_session(db: NamedDependency[Db], viewer: NamedDependency[Viewer], session_id: FromPath[str]) -> Redirect:
    """One that has ended already is as good as ended."""
    try:
        token_hash = bytes.fromhex(session_id)
    except ValueError:
        raise Refused("This is no session's name.") from None
    end_session(db, account_of(viewer).id, token_hash)
    return Redirect("/me", status_code=303)


@post("/me/sessions/end-others", include_in_schema=False, sync_to_thread=True)
def end_other_sessions(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Redirect:
    end_sessions(db, account_of(viewer).id, except_hash=viewer.session_hash)
    return Redirect("/me", status_code=303)


@post("/me/tokens", include_in_schema=False, sync_to_thread=True)
def add_token(db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[TokenForm]) -> Template:
    """The page with the new token, shown this once: it is not stored, so there is no address to come back to."""
    account = account_of(viewer)
    try:
        days = int(data.days) if data.days.strip() else None
        _, token = make_token(db, account.id, data.name, data.scope, days)
    except ValueError:
        return me_page(db, viewer, 422, section="tokens", error=f"{data.days!r} is no number of days.")
    except Refused as refused:
        return me_page(db, viewer, refused.status, section="tokens", error=refused.sentence)
    page = me_page(db, viewer, section="tokens", new_token=token)
    page.headers["Cache-Control"] = "no-store"
    return page


@post("/me/tokens/{token_id:int}/revoke", include_in_schema=False, sync_to_thread=True)
def revoke_own_token(db: NamedDependency[Db], viewer: NamedDependency[Viewer], token_id: FromPath[int]) -> Redirect:
    revoke_token(db, account_of(viewer).id, token_id)
    return Redirect("/me", status_code=303)


routes = [
    show_me,
    change_profile,
    change_password,
    end_one_session,
    end_other_sessions,
    add_token,
    revoke_own_token,
]
