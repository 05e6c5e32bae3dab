"""Who one is, and one's tokens, for programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts import people, tokens
from app.accounts.me import account_of
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import LoginNeeded, Refused
from app.openapi import refusals


@dataclass
class Me:
    id: int
    email: str
    name: str
    is_application_manager: bool
    read_only: bool


@dataclass
class Token:
    id: int
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


@dataclass
class NewToken:
    name: str
    scope: str = "read"
    days: int | None = 90


@dataclass
class MadeToken:
    id: int
    token: str


@get("/me", tags=["people"], responses=refusals(401), sync_to_thread=False)
def read_me(viewer: NamedDependency[Viewer]) -> Me:
    """Who the token belongs to."""
    if viewer.account is None:
        raise LoginNeeded()
    account = viewer.account
    return Me(account.id, account.email, account.name, account.is_application_manager, viewer.read_only)


@get("/tokens", tags=["people"], responses=refusals(401), sync_to_thread=True)
def read_tokens(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> list[Token]:
    """One's tokens that are not revoked."""
    return [
        Token(row.id, row.name, row.scope, row.created_at, row.expires_at, row.used_at)
        for row in tokens.list_tokens(db, viewer.account_id or 0)
    ]


@post("/tokens", tags=["people"], responses=refusals(400, 401, 403, 422), sync_to_thread=True)
def create_token(db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: JSONBody[NewToken]) -> MadeToken:
    """Make a token; its text is answered this once. Only a browser's session may: a leaked token must not multiply."""
    return MadeToken(*tokens.make_token(db, account_of(viewer).id, data.name, data.scope, data.days))


@delete("/tokens/{token_id:int}", tags=["people"], responses=refusals(401, 403, 404), sync_to_thread=True)
def delete_token(db: NamedDependency[Db], viewer: NamedDependency[Viewer], token_id: FromPath[int]) -> None:
    """Revoke a token of one's own. A full token may revoke any, itself too."""
    tokens.revoke_token(db, viewer.account_id or 0, token_id)


@dataclass
class ListedAccount:
    id: int
    email: str
    name: str
    organisation: str
    orcid: str
    is_application_manager: bool
    blocked: bool
    removed: bool
    created_at: datetime
    seen_at: datetime | None


@dataclass
class Accounts:
    """A page of accounts by name; `next` is the cursor of the page that follows, empty on the last."""

    accounts: list[ListedAccount]
    next: str


@get(
    "/accounts", tags=["people"], opt={"role": "application_manager"}, responses=refusals(400, 401, 403),
    sync_to_thread=True,
)  # fmt: skip
def read_accounts(
    db: NamedDependency[Db], q: FromQuery[str] = "", which: FromQuery[str] = "", after: FromQuery[str] = ""
) -> Accounts:
    """`q` looks in name, email and organisation; `which` is managers, waiting, blocked or removed, or all others."""
    if which not in people.WHICH:
        raise Refused(f"`which` is one of {', '.join(filter(None, people.WHICH))}, or empty; not {which!r}.")
    rows, following = people.list_people(db, q, which, after)
    return Accounts([_listed(row) for row in rows], following)


def _listed(row: Any) -> ListedAccount:
    return ListedAccount(
        row.id, row.email, row.name, row.organisation, row.orcid, row.is_application_manager,
        row.blocked_at is not None, row.removed_at is not None, row.created_at, row.seen_at,
    )  # fmt: skip


routes = [read_accounts, read_me, read_tokens, create_token, delete_token]
