"""Fixtures for pages and API: a server in this process, people, projects and members, without a form to fill in."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from app.accounts import queries as accounts
from app.accounts.sessions import cookie_name, start_session
from app.accounts.tokens import make_token
from app.accounts.viewer import Account
from app.database import Db, connect, open_pool
from app.main import connect_app, create_app, make_app
from app.projects import queries as projects
from app.settings import Settings

Client = TestClient[Litestar]
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def all_routes() -> Litestar:
    """The whole application, made once, on no database."""
    return make_app()


@pytest.fixture
def web_app(all_routes: Litestar, settings: Settings, database_url: str) -> Iterator[Litestar]:
    """The whole application on this test's database. Who changes it asks for `own_app`."""
    with open_pool(database_url, max_size=4) as pool:
        yield connect_app(all_routes, settings, pool, database_url)


@pytest.fixture
def own_app(settings: Settings, database_url: str) -> Iterator[Litestar]:
    """An application that no other test sees: routes may be added to it."""
    with open_pool(database_url, max_size=4) as pool:
        yield create_app(settings, pool, database_url)


@pytest.fixture
def app_client(web_app: Litestar) -> Iterator[Client]:
    """An anonymous browser. Redirects are not followed, so that tests see them."""
    with TestClient(web_app) as client:
        client.follow_redirects = False
        client.headers["accept"] = "text/html"
        yield client


@pytest.fixture
def another_client(web_app: Litestar, app_client: Client) -> Callable[[], Client]:
    """Makes further browsers on the running application of `app_client`."""

    def make() -> Client:
        client = TestClient(web_app)
        client.follow_redirects = False
        client.blocking_portal = app_client.blocking_portal
        client.headers["accept"] = "text/html"
        return client

    return make


@pytest.fixture
def make_account(database_url: str) -> Callable[..., Account]:
    """Makes committed accounts: `make_account("ada@example.org", password=..., is_application_manager=True)`."""

    def make(email: str | None = None, *, password: str | None = None, is_application_manager: bool = False) -> Account:
        email = email or f"person{next(numbers)}@example.org"
        with connect(database_url) as db:
            account_id = accounts.make_account(
                db, email, password=password, is_application_manager=is_application_manager
            )
            row = accounts.find_account(db, email)
        return Account(account_id, row.email, row.name, is_application_manager)

    return make


@pytest.fixture
def make_project(database_url: str) -> Callable[..., int]:
    """Makes committed projects and gives their id: `make_project("Sea", visibility="everyone", manager=account)`."""

    def make(title: str = "Plankton", *, manager: Account | None = None, **given: object) -> int:
        with connect(database_url) as db:
            return projects.make_project(db, manager.id if manager else None, title, **given)

    return make


@pytest.fixture
def make_member(database_url: str) -> Callable[[int, Account, str], None]:
    """Gives an account a role: `make_member(project_id, account, "annotator")`."""

    def make(project_id: int, account: Account, role: str) -> None:
        with connect(database_url) as db:
            projects.set_member(db, project_id, account.id, role)

    return make


def logged_in(client: Client, account: Account) -> Client:
    """The same browser, now with a session of `account`."""
    settings: Settings = client.app.state.settings
    with connect(settings.database_url) as db:
        token = start_session(db, account.id, "test browser", "127.0.0.1")
    client.cookies.set(cookie_name(settings.secure_cookies), token, domain="testserver.local")
    return client


def token_of(database_url: str, account: Account, scope: str = "full") -> str:
    """A personal token's text."""
    with connect(database_url) as db:
        return make_token(db, account.id, "test", scope, 1)[1]


def bearer(database_url: str, account: Account, scope: str = "full") -> dict[str, str]:
    """Headers of a program that uses the API as `account`."""
    return {"authorization": f"Bearer {token_of(database_url, account, scope)}", "accept": "application/json"}


def rows(database_url: str, query: str, *values: object) -> list[object]:
    """What the database holds now, seen from outside the application."""
    db: Db
    with connect(database_url) as db:
        return db.execute(query, list(values)).fetchall()
