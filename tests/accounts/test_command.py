"""`shoal user`, run as a command."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.accounts.command import user
from app.errors import Conflict, NotFound, Refused
from app.settings import Settings
from tests.web_fixtures import Client, bearer, logged_in, rows


@pytest.fixture
def run(settings: Settings) -> Callable[..., Result]:
    env = {"DATABASE_URL": settings.database_url, "SHOAL_HOME": str(settings.home), "SHOAL_BASE_URL": "http://here:1"}
    return lambda *words, **more: CliRunner().invoke(user, list(words), env=env, **more)


def test_add_makes_an_account_and_prints_a_link_that_works(run: Any, app_client: Client) -> None:
    told = run("add", "ada@example.org", "--name", "Ada", "--manager")
    assert told.exit_code == 0, told.output
    link = re.search(r"http://here:1(/login/link/\S+)", told.output)
    assert link
    assert "Welcome, Ada" in app_client.get(link[1]).text


def test_the_same_address_twice_is_refused(run: Any) -> None:
    run("add", "ada@example.org")
    assert isinstance(run("add", "ADA@example.org").exception, Conflict)
    assert isinstance(run("add", "no address").exception, Refused)


def test_list_shows_everybody_and_what_they_are(run: Any) -> None:
    assert "No accounts yet" in run("list").output
    run("add", "ada@example.org", "--manager")
    run("add", "bob@example.org")
    run("block", "bob@example.org")
    lines = run("list").output.splitlines()
    assert lines == [
        "ada@example.org\tada\tapplication manager, no password yet",
        "bob@example.org\tbob\tblocked, no password yet",
    ]


def test_link_logs_in(run: Any, app_client: Client, make_account: Any) -> None:
    make_account("ada@example.org")
    link = run("link", "ada@example.org").output.strip().removeprefix("http://here:1")
    assert app_client.get(link).status_code == 303
    assert app_client.get("/me").status_code == 200
    assert isinstance(run("link", "nobody@example.org").exception, NotFound)


def test_password_sets_it_and_ends_the_sessions(run: Any, app_client: Client, make_account: Any) -> None:
    logged_in(app_client, make_account("ada@example.org"))
    typed = "seven quiet copepods\nseven quiet copepods\n"
    told = run("password", "ada@example.org", input=typed)
    assert told.exit_code == 0, told.output
    assert "copepods" not in told.output
    assert app_client.get("/me").status_code == 303
    form = {"email": "ada@example.org", "password": "seven quiet copepods"}
    assert app_client.post("/login", data=form).status_code == 303


def test_block_ends_sessions_and_tokens_and_unblock_lets_in_again(
    run: Any, app_client: Client, make_account: Any, database_url: str
) -> None:
    account = make_account("ada@example.org")
    headers = bearer(database_url, account)
    run("block", "ada@example.org")
    assert app_client.get("/api/v1/me", headers=headers).status_code == 401
    run("unblock", "ada@example.org")
    logged_in(app_client, account)
    assert app_client.get("/me").status_code == 200


def test_a_blocked_account_gets_neither_link_nor_password(run: Any, make_account: Any) -> None:
    make_account("ada@example.org")
    run("block", "ada@example.org")
    for words in (["link", "ada@example.org"], ["password", "ada@example.org", "--password", "a long new one"]):
        refused = run(*words)
        assert isinstance(refused.exception, Conflict), refused.output
        assert "shoal user unblock ada@example.org" in str(refused.exception)


def test_who_never_managed_is_not_said_to_do_so_no_more(run: Any, make_account: Any) -> None:
    make_account("ada@example.org", is_application_manager=True)
    make_account("bob@example.org")
    refused = run("manager", "bob@example.org", "--no")
    assert isinstance(refused.exception, Refused), refused.output


def test_remove_takes_an_account_away(run: Any, make_account: Any, make_project: Any, database_url: str) -> None:
    ada = make_account("ada@example.org")
    make_account("ben@example.org")
    make_project("Sea", manager=ada)
    refused = str(run("remove", "ada@example.org").exception)
    assert "Nobody else manages" in refused and "--successor EMAIL" in refused
    # Its maker is named with the project, so the name stays.
    assert "What it did stays" in run("remove", "ada@example.org", "--successor", "ben@example.org").output
    run("add", "carl@example.org")
    assert "is gone" in run("remove", "carl@example.org").output
    assert [row.name for row in rows(database_url, "select name from account order by id")] == ["ada", "ben"]


def test_the_last_application_manager_stays_one(run: Any, make_account: Any, database_url: str) -> None:
    make_account("ada@example.org", is_application_manager=True)
    make_account("bob@example.org")
    assert isinstance(run("manager", "ada@example.org", "--no").exception, Conflict)
    assert run("manager", "bob@example.org").exit_code == 0
    assert run("manager", "ada@example.org", "--no").exit_code == 0
    managers = rows(database_url, "select email from account where is_application_manager")
    assert [row.email for row in managers] == ["bob@example.org"]
