"""Who may use which address: generated from the routes, so that a new one is held to the rules unasked."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from psycopg_pool import ConnectionPool

from app.accounts.access import ROLES, SAFE_METHODS, guards_project
from app.accounts.viewer import Account
from app.main import create_app
from app.settings import load_settings
from tests.web_fixtures import Client, bearer, logged_in

NOBODY = 2_000_000_000

# What everybody may reach without being logged in. Whoever adds a line answers for it.
OPEN_TO_ALL = {
    "GET /",
    "GET /api",
    "GET /api/v1/find",
    "GET /api/v1/openapi.json",
    "GET /api/v1/projects",
    "GET /favicon.ico",
    "GET /find",
    "GET /find/offered",
    "GET /health",
    "GET /help",
    "GET /login",
    "GET /login/link/{token:str}",
    "HEAD /health",
    "GET /static/{name:path}",
    "POST /login",
    "POST /login/link/{token:str}",
    "POST /logout",
}


@dataclass(frozen=True)
class Address:
    """One method of one route."""

    method: str
    path: str
    handler: HTTPRouteHandler

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def opt(self) -> dict[str, Any]:
        return self.handler.opt

    @property
    def writes(self) -> bool:
        return self.method not in SAFE_METHODS and not self.opt.get("reads")

    def url(self, project_id: int) -> str:
        """The path with the project filled in, and with something of every other parameter's type."""
        filled = self.path.replace("{project_id:int}", str(project_id))
        filled = re.sub(r"\{\w+:int\}", str(NOBODY), filled)
        filled = re.sub(r"\{\w+:uuid\}", "00000000-0000-4000-8000-000000000000", filled)
        return re.sub(r"\{\w+:\w+\}", "nothing", filled)


def all_addresses() -> list[Address]:
    pool: Any = ConnectionPool("postgresql:///nowhere", open=False)
    app = create_app(load_settings({"SHOAL_HOME": "/nowhere"}), pool, "postgresql:///nowhere")
    return sorted(
        (
            Address(method, route.path, handler)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            for method in handler.http_methods
            if method != "OPTIONS"
        ),
        key=str,
    )


ADDRESSES = all_addresses()
CLOSED = [address for address in ADDRESSES if not address.opt.get("public")]
IN_PROJECT = [address for address in CLOSED if "{project_id:int}" in address.path]
WRITES = [address for address in CLOSED if address.writes]


def ask(client: Client, address: Address, project_id: int = NOBODY, **kwargs: Any) -> Any:
    """The answer, with a body that no handler gets to read: rights are looked at first."""
    body = {"json": {}} if address.method not in SAFE_METHODS else {}
    return client.request(address.method, address.url(project_id), **body, **kwargs)


def test_only_what_is_listed_here_is_open_to_all() -> None:
    assert {str(address) for address in ADDRESSES if address.opt.get("public")} == OPEN_TO_ALL


@pytest.mark.parametrize("address", IN_PROJECT, ids=str)
def test_every_route_of_a_project_declares_a_role_and_asks_for_the_project(address: Address) -> None:
    assert guards_project(address.handler), f"{address} needs opt={{'role': ...}} and the dependency `project`"
    theirs = address.opt["role"] == "visitor" and address.opt.get("own")
    assert not address.writes or theirs or address.opt["role"] != "visitor", f"{address} lets visitors change something"


def test_every_declared_role_exists() -> None:
    assert {address.opt.get("role") for address in ADDRESSES} <= {*ROLES, "application_manager", None}


def test_a_project_is_named_by_one_kind_of_parameter_only() -> None:
    assert not [str(address) for address in ADDRESSES if "{project_id" in address.path and address not in IN_PROJECT]


def test_nobody_who_is_not_logged_in_gets_in(app_client: Client, make_project: Any) -> None:
    private = make_project()
    answers = {str(address): ask(app_client, address, private).status_code for address in CLOSED}
    assert {name: status for name, status in answers.items() if status not in (303, 401, 404)} == {}


def test_a_program_without_a_good_token_is_told_so_as_problem_details(app_client: Client) -> None:
    for address in CLOSED:
        if not address.path.startswith("/api/v1/schema") and address.path.startswith("/api/"):
            answer = ask(app_client, address, headers={"authorization": "Bearer wrong"})
            assert answer.status_code == 401, address
            assert answer.headers["content-type"] == "application/problem+json"


def test_to_an_outsider_the_project_does_not_exist(app_client: Client, make_account: Any, make_project: Any) -> None:
    private = make_project()
    logged_in(app_client, make_account())
    answers = {str(address): ask(app_client, address, private).status_code for address in IN_PROJECT}
    assert {name: status for name, status in answers.items() if status != 404} == {}


@pytest.mark.parametrize("role", ["visitor", "annotator"])
def test_a_member_may_not_do_what_needs_a_higher_role(
    app_client: Client, make_account: Any, make_project: Any, make_member: Any, role: str
) -> None:
    account, project_id = make_account(), make_project()
    make_member(project_id, account, role)
    logged_in(app_client, account)
    above = [address for address in IN_PROJECT if ROLES.index(address.opt["role"]) > ROLES.index(role)]
    answers = {str(address): ask(app_client, address, project_id).status_code for address in above}
    assert above
    assert {name: status for name, status in answers.items() if status != 403} == {}


def test_a_role_opens_what_it_should(
    app_client: Client, make_account: Any, make_project: Any, make_member: Any
) -> None:
    """The reverse of the tests above: a guard that refuses everybody would pass them."""
    account, project_id = make_account(), make_project()
    make_member(project_id, account, "manager")
    logged_in(app_client, account)
    answers = {str(address): ask(app_client, address, project_id).status_code for address in IN_PROJECT}
    assert {name: status for name, status in answers.items() if status in (401, 403) or status >= 500} == {}


def test_only_application_managers_reach_what_is_theirs(app_client: Client, make_account: Any) -> None:
    logged_in(app_client, make_account())
    theirs = [address for address in CLOSED if address.opt.get("role") == "application_manager"]
    assert theirs
    assert {ask(app_client, address).status_code for address in theirs} == {403}


def test_a_read_only_token_changes_nothing(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    manager: Account = make_account(is_application_manager=True)
    project_id, headers = make_project(manager=manager), bearer(database_url, manager, "read")
    answers = {str(address): ask(app_client, address, project_id, headers=headers) for address in WRITES}
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 403} == {}
    assert all("read-only" in answer.json()["detail"] for answer in answers.values())


def test_a_project_open_to_everyone_lets_the_anonymous_only_look(app_client: Client, make_project: Any) -> None:
    everyone = make_project(visibility="everyone")
    shut = [address for address in IN_PROJECT if address.opt["role"] != "visitor"]
    answers = {str(address): ask(app_client, address, everyone).status_code for address in shut}
    assert {name: status for name, status in answers.items() if status not in (303, 401)} == {}
    assert app_client.get(f"/projects/{everyone}/settings").status_code == 200


def test_what_is_kept_for_oneself_is_not_for_who_is_not_logged_in(app_client: Client, make_project: Any) -> None:
    everyone = make_project(visibility="everyone")
    own = [address for address in IN_PROJECT if address.opt.get("own")]
    answers = {str(address): ask(app_client, address, everyone).status_code for address in own}
    assert own
    assert {name: status for name, status in answers.items() if status not in (303, 401)} == {}


def test_a_route_that_declares_nothing_is_closed(own_app: Litestar, make_account: Any, make_project: Any) -> None:
    """Registered late, as a careless change would: even an application manager does not get in."""

    @get("/projects/{project_id:int}/careless", sync_to_thread=False)
    def careless(project_id: FromPath[int]) -> str:
        return f"the secrets of {project_id}"

    own_app.register(careless)
    manager = make_account(is_application_manager=True)
    project_id = make_project(manager=manager)
    with TestClient(own_app) as client:
        answer = logged_in(client, manager).get(f"/projects/{project_id}/careless")
    assert answer.status_code == 403
    assert "secrets" not in answer.text
