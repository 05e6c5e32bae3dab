"""Application managers look after the people of the server."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web_fixtures import Client, bearer, logged_in, rows

PASSWORD = "seven quiet copepods"


@pytest.fixture
def chief(app_client: Client, make_account: Any) -> Any:
    account = make_account("chief@example.org", is_application_manager=True)
    logged_in(app_client, account)
    return account


def link_in(page: str) -> str:
    return "/login/link/" + page.split("/login/link/")[1].split("<")[0]


def test_an_invited_person_gets_in_by_the_link_that_is_shown_once(
    app_client: Client, another_client: Callable[[], Client], chief: Any
) -> None:
    made = app_client.post("/accounts", data={"email": "new@example.org", "name": "New"})
    assert made.headers["cache-control"] == "no-store"
    link = link_in(made.text)
    assert link not in app_client.get("/accounts").text
    browser = another_client()
    assert "Welcome, New" in browser.get(link).text
    assert browser.post(link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert browser.get("/me").status_code == 200
    assert browser.get("/accounts").status_code == 403


def test_the_same_address_twice_is_refused(app_client: Client, chief: Any) -> None:
    answer = app_client.post("/accounts", data={"email": "Chief@example.org"})
    assert answer.status_code == 409
    assert "is an account for Chief@example.org already" in answer.text


def test_who_lost_the_password_chooses_another_by_a_new_link(
    app_client: Client, another_client: Callable[[], Client], chief: Any, make_account: Any
) -> None:
    ada = make_account("ada@example.org", password="an old and lost one")
    link = link_in(app_client.post(f"/accounts/{ada.id}/link").text)
    browser = another_client()
    browser.post(link, data={"password": PASSWORD, "again": PASSWORD})
    browser.post("/logout")
    assert browser.post("/login", data={"email": "ada@example.org", "password": PASSWORD}).status_code == 303


def test_blocking_ends_everything_and_unblocking_lets_in_again(
    app_client: Client, another_client: Callable[[], Client], chief: Any, make_account: Any, database_url: str
) -> None:
    ada = make_account()
    browser, headers = logged_in(another_client(), ada), bearer(database_url, ada)
    assert app_client.post(f"/accounts/{ada.id}/block").status_code == 303
    assert browser.get("/me").status_code == 303
    assert browser.get("/api/v1/me", headers=headers).status_code == 401
    assert app_client.post(f"/accounts/{ada.id}/unblock").status_code == 303
    assert logged_in(browser, ada).get("/me").status_code == 200


def test_nobody_locks_the_last_application_manager_out(
    app_client: Client, chief: Any, make_account: Any, database_url: str
) -> None:
    assert app_client.post(f"/accounts/{chief.id}/block").status_code == 409
    refused = app_client.post(f"/accounts/{chief.id}/manager", data={"manager": "false"})
    assert refused.status_code == 409
    assert "This is the last application manager" in refused.text
    assert "Go back and reload" not in refused.text
    assert f"/accounts/{chief.id}/manager" not in app_client.get(f"/accounts/{chief.id}").text
    ada = make_account()
    assert f"/accounts/{ada.id}/manager" in app_client.get(f"/accounts/{ada.id}").text
    assert app_client.post(f"/accounts/{ada.id}/manager", data={"manager": "true"}).status_code == 303
    assert app_client.post(f"/accounts/{chief.id}/manager", data={"manager": "false"}).status_code == 303
    managers = rows(database_url, "select id from account where is_application_manager")
    assert [row.id for row in managers] == [ada.id]


def test_a_token_cannot_invite(app_client: Client, chief: Any, database_url: str) -> None:
    headers = bearer(database_url, chief, "full")
    app_client.cookies.clear()
    assert app_client.post("/accounts", data={"email": "new@example.org"}, headers=headers).status_code == 403
