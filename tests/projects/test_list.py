"""The list of projects: who sees which, with what counts."""

from typing import Any

import pytest

from app.database import connect
from tests.web_fixtures import Client, logged_in


def add_counts(database_url: str, project_id: int, **by_status: int) -> None:
    with connect(database_url) as db:
        for status, n in by_status.items():
            db.execute(
                "insert into count_delta (project_id, taxon_id, status, n) values (%s, 7, %s, %s), (%s, 8, %s, 1)",
                [project_id, status, n - 1, project_id, status],
            )


def titles(client: Client, q: str = "") -> list[str]:
    """Through the API, as the caller would."""
    headers = {"accept": "application/json"}
    return [project["title"] for project in client.get("/api/v1/projects", params={"q": q}, headers=headers).json()]


def test_one_sees_what_one_is_a_member_of_and_what_is_open(
    app_client: Client, make_account: Any, make_project: Any, make_member: Any
) -> None:
    ada = make_account()
    make_member(make_project("Zoo, mine"), ada, "visitor")
    make_project("Private of others")
    make_project("For accounts", visibility="accounts")
    make_project("For everyone", visibility="everyone")
    assert titles(app_client) == ["For everyone"]
    logged_in(app_client, ada)
    assert titles(app_client) == ["Zoo, mine", "For accounts", "For everyone"]
    logged_in(app_client, make_account(is_application_manager=True))
    assert titles(app_client) == ["For accounts", "For everyone", "Private of others", "Zoo, mine"]


def test_counts_by_status_are_sums_of_the_deltas(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    add_counts(database_url, project_id, V=6721, P=18405, D=119, U=5091)
    logged_in(app_client, ada)
    listed = app_client.get("/api/v1/projects").json()[0]
    assert listed["counts"] == {"V": 6721, "P": 18405, "D": 119, "U": 5091}
    assert listed["n_objects"] == 30336
    assert listed["role"] == "manager"
    page = app_client.get("/").text
    assert "30\u202f336" in page
    assert 'viewBox="0 0 30336 1"' in page


def test_the_anonymous_learn_of_validated_objects_only(
    app_client: Client, make_project: Any, database_url: str
) -> None:
    project_id = make_project("Open sea", visibility="everyone")
    add_counts(database_url, project_id, V=10, P=90, U=500)
    listed = app_client.get("/api/v1/projects").json()[0]
    assert (listed["counts"]["V"], listed["counts"]["P"], listed["n_objects"]) == (10, 0, 10)
    page = app_client.get("/")
    assert "Open sea" in page.text
    assert "500" not in page.text


def test_where_nothing_is_open_the_anonymous_are_led_to_the_login(app_client: Client, make_project: Any) -> None:
    make_project("Private")
    assert app_client.get("/").headers["location"] == "/login?next=/"


def test_the_search_box_finds_by_title_and_instrument(app_client: Client, make_account: Any, make_project: Any) -> None:
    ada = make_account()
    make_project("Ligurian Sea", manager=ada, instrument="UVP5")
    make_project("100% of_it", manager=ada, instrument="ZooScan")
    logged_in(app_client, ada)
    assert titles(app_client, "ligurian") == ["Ligurian Sea"]
    assert titles(app_client, "zoo") == ["100% of_it"]
    assert titles(app_client, "%") == ["100% of_it"]
    page = app_client.get("/?q=<b>nothing").text
    assert "No project has “&lt;b&gt;nothing”" in page
    assert "Show all projects" in page


@pytest.mark.parametrize(("manager", "words"), [(True, "shoal import"), (False, "Ask a project's manager")])
def test_an_empty_list_says_what_to_do(app_client: Client, make_account: Any, manager: bool, words: str) -> None:
    logged_in(app_client, make_account(is_application_manager=manager))
    assert words in app_client.get("/").text
