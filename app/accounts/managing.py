"""The people of this server, for application managers: invited, given a new link, blocked, made managers."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts import queries
from app.accounts.links import make_link
from app.accounts.me import account_of
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Refused

FOR_MANAGERS = {"role": "application_manager"}


@dataclass
class InvitationForm:
    email: str = ""
    name: str = ""
    manager: bool = False


@dataclass
class RightForm:
    manager: bool = False


@get("/accounts", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def show_accounts(db: NamedDependency[Db]) -> Template:
    return accounts_page(db)


def accounts_page(db: Db, status_code: int = 200, **shown: Any) -> Template:
    """The list; `shown` carries an `error`, or a `link` that works once `for_email`."""
    context = {"accounts": queries.list_accounts(db), "error": "", "email": "", "link": "", "for_email": ""}
    page = Template("accounts/list.html", context=context | shown, status_code=status_code)
    if shown.get("link"):
        page.headers["Cache-Control"] = "no-store"
    return page


@post("/accounts", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def invite(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[InvitationForm]
) -> Template:
    """Make an account and show the link with which its person chooses a password: Shoal sends no mail."""
    account_of(viewer)
    try:
        account_id = queries.make_account(db, data.email, data.name, is_application_manager=data.manager)
    except Refused as refused:
        return accounts_page(db, refused.status, error=refused.sentence, email=data.email)
    link = make_link(db, account_id, "invitation", base_url(request))
    return accounts_page(db, link=link, for_email=data.email.strip())


def base_url(request: Request) -> str:
    """The address that people type, else the one that this request came to."""
    return request.app.state.settings.base_url or str(request.base_url)


@post("/accounts/{account_id:int}/link", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def renew_link(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], account_id: FromPath[int]
) -> Template:
    """For who lost the password or never chose one. The old password goes on until a new one is chosen."""
    account_of(viewer)
    account = queries.read_account(db, account_id)
    purpose = "reset" if account.has_password else "invitation"
    return accounts_page(db, link=make_link(db, account, purpose, base_url(request)), for_email=account.email)


@post("/accounts/{account_id:int}/block", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def block(db: NamedDependency[Db], viewer: NamedDependency[Viewer], account_id: FromPath[int]) -> Redirect:
    if account_of(viewer).id == account_id:
        raise Conflict("You cannot block yourself. Ask another application manager.")
    queries.block_account(db, queries.read_account(db, account_id).id)
    return Redirect("/accounts", status_code=303)


@post("/accounts/{account_id:int}/unblock", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def unblock(db: NamedDependency[Db], viewer: NamedDependency[Viewer], account_id: FromPath[int]) -> Redirect:
    account_of(viewer)
    queries.unblock_account(db, queries.read_account(db, account_id).id)
    return Redirect("/accounts", status_code=303)


@post("/accounts/{account_id:int}/manager", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def change_right(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: URLEncodedBody[RightForm],
) -> Redirect:
    account_of(viewer)
    queries.make_application_manager(db, queries.read_account(db, account_id).id, data.manager)
    return Redirect("/accounts", status_code=303)


routes = [show_accounts, invite, renew_link, block, unblock, change_right]
