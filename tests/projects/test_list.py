"""The list of projects: who sees which, with what counts."""

from typing import Any

import pytest

from app.database import connect
from app.projects import listing
from tests.web_fixtures import Client, logged_in


def add_counts(database_url: str, project_id: int, **by_status: int) -> None:
    with connect(database_url) as db:
        for status, n in by_status.items():
            db.execute(
                "insert into count_delta (project_id, taxon_id, status, n) values (%s, 7, %s, %s), (%s, 8, %s, 1)",
                [project_id, status, n - 1, project_id, status],
            )


def titles(client: Client, q: str = "", **more: Any) -> list[str]:
    """Through the API, as the caller would."""
    answer = client.get("/api/v1/projects", params={"q": q, **more}, headers={"accept": "application/json"})
    return [project["title"] for project in answer.json()]


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


def test_every_word_is_looked_for_in_title_instrument_and_description(
    app_client: Client, make_account: Any, make_project: Any
) -> None:
    ada = make_account()
    make_project("Ligurian Sea", manager=ada, instrument="UVP5", description="Point B, every week")
    make_project("Ross Sea", manager=ada, instrument="UVP5")
    logged_in(app_client, ada)
    assert titles(app_client, "sea uvp") == ["Ligurian Sea", "Ross Sea"]
    assert titles(app_client, "week SEA") == ["Ligurian Sea"]


def test_projects_are_sorted_by_title_activity_and_size(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    large, small, empty = (make_project(title, manager=ada) for title in ("a large", "b small", "c empty"))
    add_counts(database_url, large, V=100, U=50)
    add_counts(database_url, small, P=120)
    with connect(database_url) as db:
        db.execute("update project set created_at = now() - interval '1 year'")
        for project_id, at in ((large, "2026-01-02"), (empty, "2099-01-01")):
            db.execute(
                """
                insert into act (project_id, client_id, account_id, kind, provenance, n_objects, at)
                values (%s, gen_random_uuid(), %s, 'label', 'single', 1, %s)
                """,
                [project_id, ada.id, at],
            )
    logged_in(app_client, ada)
    assert titles(app_client, sort="title") == ["a large", "b small", "c empty"]
    assert titles(app_client, sort="size") == ["a large", "b small", "c empty"]
    assert titles(app_client, sort="activity")[0] == "c empty"
    assert app_client.get("/api/v1/projects?sort=colour").status_code == 400


def test_when_others_worked_is_not_told_to_the_anonymous(app_client: Client, make_project: Any) -> None:
    for title in ("One", "Two"):
        make_project(title, visibility="everyone")
    answer = app_client.get("/api/v1/projects?sort=activity&limit=1", headers={"accept": "application/json"})
    assert (answer.status_code, "title, size;" in answer.text) == (400, True)
    page = app_client.get("/?sort=activity")
    assert page.status_code == 200 and "Last activity" not in page.text


@pytest.mark.parametrize("sort", ["title", "activity", "size"])
def test_pages_hold_every_project_once(
    app_client: Client, make_account: Any, make_project: Any, database_url: str, sort: str
) -> None:
    ada = make_account()
    for title in ("same: 1", "same: 1", "Zoo", "älg", "b"):
        make_project(title, manager=ada)
    add_counts(database_url, make_project("counted", manager=ada), V=5)
    logged_in(app_client, ada)
    seen, after = [], ""
    while True:
        query = {"sort": sort, "limit": 2, "after": after}
        page = app_client.get("/api/v1/projects", params=query, headers={"accept": "application/json"}).json()
        seen += [project["id"] for project in page]
        after = page[-1]["next"]
        if not after:
            break
    assert (len(seen), len(set(seen))) == (6, 6)


def test_a_long_list_goes_on_under_a_link(
    app_client: Client, make_account: Any, make_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing.list_projects, "__kwdefaults__", {**listing.list_projects.__kwdefaults__, "limit": 2})
    ada = make_account()
    for title in ("first", "second", "third"):
        make_project(title, manager=ada)
    logged_in(app_client, ada)
    page = app_client.get("/?sort=title").text
    more = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert ("first" in page, "third" in page, "3 projects" in page) == (True, False, True)
    assert "third" in app_client.get(more).text
    assert app_client.get("/?after=nowhere").status_code == 400


def test_only_mine_leaves_out_what_is_open_to_all(app_client: Client, make_account: Any, make_project: Any) -> None:
    ada = make_account()
    make_project("Mine", manager=ada)
    make_project("Open", visibility="everyone")
    logged_in(app_client, ada)
    assert (titles(app_client), titles(app_client, mine=True)) == (["Mine", "Open"], ["Mine"])
    logged_in(app_client, make_account())
    assert "You are no member of a project" in app_client.get("/?mine=true").text


def test_an_empty_project_leads_its_manager_to_the_import(
    app_client: Client, make_account: Any, make_project: Any
) -> None:
    ada = make_account()
    project_id = make_project("Mine", manager=ada)
    assert f"/projects/{project_id}/import" in logged_in(app_client, ada).get("/").text
