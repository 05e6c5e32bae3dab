"""Error pages help: they say what may be wrong, who can grant it, and how to come back."""

import json
from typing import Any

import pytest
from litestar import Litestar, Router, get

from app.errors import Refused
from app.main import MOST_BYTES, make_app
from tests.web_fixtures import Client, bearer, logged_in


@get("/try/often", opt={"public": True}, sync_to_thread=False)
def ask_too_often() -> str:
    raise Refused("Too often.", status=429, retry_after=40)


@get("/try/break", opt={"public": True}, sync_to_thread=False)
def break_down() -> str:
    raise ValueError("the secret inside")


@pytest.fixture(scope="module")
def all_routes() -> Litestar:
    """The application with a few routes more, for this file."""
    app = make_app()
    app.register(Router("/", route_handlers=[ask_too_often, break_down]))
    return app


@pytest.fixture
def client(app_client: Client) -> Client:
    app_client.raise_server_exceptions = False
    return app_client


def test_an_unknown_address_says_what_may_be_wrong(client: Client, make_account: Any) -> None:
    anonymous = client.get("/no/such/page?a=1").text
    assert "mistyped" in anonymous and "/login?next=/no/such/page%3Fa%3D1" in anonymous
    known = logged_in(client, make_account("ada@example.org")).get("/no/such/page").text
    assert "You are logged in as ada@example.org." in known and "its manager can add you" in known
    assert 'href="/help"' in known


def test_a_member_who_may_not_is_told_who_can_grant_it(
    client: Client, make_account: Any, make_project: Any, make_member: Any
) -> None:
    manager, other, ada = make_account("bo@example.org"), make_account("cy@example.org"), make_account()
    project_id = make_project(manager=manager)
    make_project(manager=other)
    make_member(project_id, ada, "visitor")
    page = logged_in(client, ada).get(f"/projects/{project_id}/members")
    assert page.status_code == 403
    assert f'<a href="mailto:bo@example.org">{manager.name}</a>' in page.text
    assert "cy@example.org" not in page.text


def test_who_only_looks_in_learns_a_manager_s_name_but_not_the_address(
    client: Client, make_account: Any, make_project: Any
) -> None:
    manager = make_account("bo@example.org")
    project_id = make_project(manager=manager, visibility="accounts")
    page = logged_in(client, make_account()).get(f"/projects/{project_id}/members").text
    assert manager.name in page.split("Who can grant it")[1]
    assert "mailto:" not in page


def test_whose_project_one_may_not_see_is_told_to_nobody(
    client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    project_id = make_project(manager=make_account("bo@example.org"))
    headers = bearer(database_url, make_account(), "read") | {"accept": "text/html"}
    answer = client.post(f"/projects/{project_id}/settings", headers=headers)
    assert answer.status_code == 403
    assert "Who can grant it" not in answer.text and ">bo<" not in answer.text


def test_what_is_for_application_managers_names_them(client: Client, make_account: Any) -> None:
    make_account("root@example.org", is_application_manager=True)
    page = logged_in(client, make_account()).get("/projects/new")
    assert page.status_code == 403 and "mailto:root@example.org" in page.text


def test_a_page_asked_for_without_a_session_comes_back_after_the_login(client: Client) -> None:
    answer = client.get("/jobs?status=failed")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/jobs%3Fstatus%3Dfailed"


def test_a_form_sent_without_a_session_says_how_to_lose_nothing(client: Client) -> None:
    answer = client.post("/me/profile", data={"name": "Ada"})
    assert answer.status_code == 401
    assert "reload it" in answer.text and 'target="_blank"' in answer.text
    assert "/login?next=/" in answer.text


def test_what_is_too_large_is_led_to_the_upload(client: Client) -> None:
    answer = client.post("/login", content=b"x" * (MOST_BYTES + 1), headers={"content-type": "text/plain"})
    assert answer.status_code == 413 and "upload page" in answer.text


def test_too_often_says_when_to_come_again(client: Client) -> None:
    answer = client.get("/try/often")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "40")


def test_a_mistake_of_ours_shows_the_number_that_the_log_holds(client: Client, capsys: Any) -> None:
    answer = client.get("/try/break")
    number = answer.text.split("Number <code>")[1].split("<")[0]
    assert number == answer.headers["x-request-id"]
    assert "secret" not in answer.text and "Traceback" not in answer.text
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if number in line]
    assert any("the secret inside" in line.get("exception", "") for line in logged)


def test_without_the_database_the_page_waits_and_shows_nobody(client: Client, make_account: Any) -> None:
    logged_in(client, make_account())
    pool = client.app.state.pool
    pool.timeout = 0.2
    held = [pool.getconn() for _ in range(pool.max_size)]
    try:
        answer = client.get("/me")
    finally:
        for connection in held:
            pool.putconn(connection)
    assert answer.status_code == 503
    assert 'id="comes-back"' in answer.text and "comes_back.js" in answer.text
    assert "Log out" not in answer.text and "/login" not in answer.text
    assert client.get("/me").status_code == 200
