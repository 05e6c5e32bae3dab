"""The people of this server, for application managers: found, invited, given a link, blocked, removed, promoted."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts import people, queries
from app.accounts.links import make_link
from app.accounts.me import ProfileForm, account_of
from app.accounts.removal import remove_account
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


@dataclass
class RemovalForm:
    typed: str = ""
    successor: str = ""
    forget_name: bool = False


@get("/accounts", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def show_accounts(
    db: NamedDependency[Db],
    q: FromQuery[str] = "",
    which: FromQuery[str] = "",
    after: FromQuery[str] = "",
    said: FromQuery[str] = "",
) -> Template:
    return accounts_page(db, q=q[:200], which=which if which in people.WHICH else "", after=after, said=SAID.get(said))


SAID = {
    "deleted": "The account is gone. It had done nothing.",
    "removed": "The account is removed. What it did stays, with its name.",
    "forgotten": "The account is removed. What it did stays, without its name.",
}


def accounts_page(
    db: Db, *, q: str = "", which: str = "", after: str = "", status_code: int = 200, **shown: Any
) -> Template:
    """The list; `shown` carries an `error`, or a `link` that works once `for_email`."""
    accounts, next_cursor = people.list_people(db, q, which, after)
    context = {
        "accounts": accounts,
        "q": q,
        "which": which,
        "choices": people.WHICH,
        "first": not after,
        "more_url": "/accounts?" + urlencode({"q": q, "which": which, "after": next_cursor}) if next_cursor else "",
        "error": "",
        "email": "",
        "link": "",
        "for_email": "",
        "said": "",
    }
    return once(Template("accounts/list.html", context=context | shown, status_code=status_code))


def once(page: Template) -> Template:
    """A page that shows a link which works once is kept by no cache."""
    if page.context.get("link"):
        page.headers["Cache-Control"] = "no-store"
    return page


@post("/accounts", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def invite(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[InvitationForm]
) -> Template:
    """Make an account and show the link with which its person chooses a password: Shoal sends no mail."""
    inviter = account_of(viewer)
    try:
        account_id = queries.make_account(
            db, data.email, data.name, is_application_manager=data.manager, invited_by=inviter.id
        )
    except Refused as refused:
        return accounts_page(db, status_code=refused.status, error=refused.sentence, email=data.email)
    link = make_link(db, account_id, "invitation", base_url(request))
    return accounts_page(db, link=link, for_email=data.email.strip())


def base_url(request: Request) -> str:
    """The address that people type, else the one that this request came to."""
    return request.app.state.settings.base_url or str(request.base_url)


@get("/accounts/found", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def find_somebody(db: NamedDependency[Db], q: FromQuery[str] = "") -> list[people.FoundPerson]:
    """For fields that name a person while one types."""
    return people.find_people(db, q[:200])


@get("/accounts/{account_id:int}", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def show_person(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    saved: FromQuery[bool] = False,
) -> Template:
    return person_page(db, viewer, account_id, said="Saved." if saved else "")


def person_page(db: Db, viewer: Viewer, account_id: int, status_code: int = 200, **shown: Any) -> Template:
    """One person; `shown` carries an `error` with its `section`, what was typed as `form`, or a `link`."""
    person = people.read_person(db, account_id)
    context = {
        "person": person,
        "form": person,
        "memberships": people.memberships(db, account_id),
        "is_self": account_id == viewer.account_id,
        "is_last_manager": queries.is_last_manager(db, account_id),
        "removal": RemovalForm(),
        "error": "",
        "section": "",
        "said": "",
        "link": "",
    }
    return once(Template("accounts/person.html", context=context | shown, status_code=status_code))


@post("/accounts/{account_id:int}/profile", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def change_person(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: URLEncodedBody[ProfileForm],
) -> Response[Any]:
    account_of(viewer)
    people.read_person(db, account_id)
    try:
        queries.change_profile(db, account_id, data.name, data.organisation, data.orcid)
    except Refused as refused:
        return person_page(db, viewer, account_id, refused.status, section="profile", error=refused.sentence, form=data)
    return _back(account_id)


def _back(account_id: int) -> Redirect:
    return Redirect(f"/accounts/{account_id}?saved=1", status_code=303)


@post("/accounts/{account_id:int}/link", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def renew_link(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], account_id: FromPath[int]
) -> Template:
    """For who lost the password or never chose one. The old password goes on until a new one is chosen."""
    account_of(viewer)
    account = queries.read_account(db, account_id)
    if account.blocked_at:
        raise Conflict(f"{account.name} is {'removed' if account.removed_at else 'blocked'}: a link would not let in.")
    purpose = "reset" if account.has_password else "invitation"
    return person_page(db, viewer, account_id, link=make_link(db, account, purpose, base_url(request)))


@post("/accounts/{account_id:int}/block", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def block(db: NamedDependency[Db], viewer: NamedDependency[Viewer], account_id: FromPath[int]) -> Redirect:
    if account_of(viewer).id == account_id:
        raise Conflict("You cannot block yourself. Ask another application manager.")
    queries.block_account(db, queries.read_account(db, account_id).id)
    return _back(account_id)


@post("/accounts/{account_id:int}/unblock", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def unblock(db: NamedDependency[Db], viewer: NamedDependency[Viewer], account_id: FromPath[int]) -> Redirect:
    account_of(viewer)
    queries.unblock_account(db, account_id)
    return _back(account_id)


@post("/accounts/{account_id:int}/manager", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def change_right(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: URLEncodedBody[RightForm],
) -> Response[Any]:
    account_of(viewer)
    try:
        queries.make_application_manager(db, queries.read_account(db, account_id).id, data.manager)
    except Conflict as refused:
        return person_page(db, viewer, account_id, refused.status, section="access", error=refused.sentence)
    return _back(account_id)


@post("/accounts/{account_id:int}/remove", opt=FOR_MANAGERS, include_in_schema=False, sync_to_thread=True)
def remove(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: URLEncodedBody[RemovalForm],
) -> Response[Any]:
    """The address is typed once more, so that nobody removes somebody else by a slip."""
    if account_of(viewer).id == account_id:
        raise Conflict("You cannot remove yourself. Ask another application manager.")
    try:
        with db.transaction():
            said = _remove(db, account_id, data)
    except Refused as refused:
        return person_page(
            db, viewer, account_id, refused.status, section="remove", error=refused.sentence, removal=data
        )
    return Redirect(f"/accounts?said={said}", status_code=303)


def _remove(db: Db, account_id: int, form: RemovalForm) -> str:
    account = queries.read_account(db, account_id)
    if form.typed.strip().lower() != account.email.lower():
        raise Refused(f"Type {account.email} to remove this account. Nothing was changed.", status=422)
    successor_id = queries.find_account(db, form.successor).id if form.successor.strip() else None
    if remove_account(db, account_id, forget_name=form.forget_name, successor_id=successor_id):
        return "deleted"
    return "forgotten" if form.forget_name else "removed"


routes = [
    show_accounts,
    invite,
    find_somebody,
    show_person,
    change_person,
    renew_link,
    block,
    unblock,
    change_right,
    remove,
]
