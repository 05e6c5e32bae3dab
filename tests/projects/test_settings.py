"""Making a project and changing its settings."""

from typing import Any

import pytest

from app import database
from tests.web_fixtures import Client, bearer, logged_in, rows

SETTINGS = {
    "title": "Ligurian Sea",
    "description": "Point B, every week",
    "instrument": "ZooScan",
    "status": "annotate_no_prediction",
    "visibility": "accounts",
    "pixel_size_um": "10,58",
}


def saved(database_url: str, project_id: int) -> Any:
    return rows(
        database_url,
        "select title, description, instrument, status, visibility, pixel_size_um from project where id = %s",
        project_id,
    )[0]


def test_an_application_manager_makes_a_project_and_is_its_manager(
    app_client: Client, make_account: Any, database_url: str
) -> None:
    ada = make_account(is_application_manager=True)
    logged_in(app_client, ada)
    assert "Make the project" in app_client.get("/projects/new").text
    answer = app_client.post("/projects", data={"title": "  Sea ", "pixel_size_um": "5.3"})
    assert answer.status_code == 303
    project_id = int(answer.headers["location"].split("/")[2])
    assert saved(database_url, project_id) == ("Sea", "", "", "annotate", "private", 5.3)
    assert rows(database_url, "select account_id, role from member") == [(ada.id, "manager")]


def test_what_was_typed_is_kept_when_a_form_is_refused(app_client: Client, make_account: Any) -> None:
    logged_in(app_client, make_account(is_application_manager=True))
    answer = app_client.post("/projects", data={"title": " ", "description": "Point B", "pixel_size_um": "5"})
    assert answer.status_code == 422
    assert "Give the project a title" in answer.text
    assert "Point B" in answer.text


def test_a_manager_saves_the_settings(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    logged_in(app_client, ada)
    assert app_client.post(f"/projects/{project_id}/settings", data=SETTINGS).status_code == 303
    assert saved(database_url, project_id) == (*list(SETTINGS.values())[:5], 10.58)
    page = app_client.get(f"/projects/{project_id}/settings").text
    assert 'value="10.58"' in page
    assert '<option value="accounts" selected>' in page


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"title": ""}, "title of 1 to 200"),
        ({"status": "closed"}, "status is"),
        ({"visibility": "world"}, "visibility is"),
        ({"pixel_size_um": "-1"}, "above 0"),
        ({"pixel_size_um": "nan"}, "above 0"),
        ({"pixel_size_um": "wide"}, "is no number"),
        ({"visibility": "everyone"}, "Only an application manager"),
    ],
)
def test_impossible_settings_are_refused_and_nothing_is_saved(
    app_client: Client, make_account: Any, make_project: Any, database_url: str, change: dict[str, str], why: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    before = saved(database_url, project_id)
    logged_in(app_client, ada)
    answer = app_client.post(f"/projects/{project_id}/settings", data=SETTINGS | change)
    assert answer.status_code in (403, 422)
    assert why in answer.text
    assert saved(database_url, project_id) == before


def test_only_an_application_manager_opens_a_project_to_everyone(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    logged_in(app_client, ada)
    assert '<option value="everyone"' not in app_client.get(f"/projects/{project_id}/settings").text
    logged_in(app_client, make_account(is_application_manager=True))
    form = SETTINGS | {"visibility": "everyone"}
    assert app_client.post(f"/projects/{project_id}/settings", data=form).status_code == 303
    assert saved(database_url, project_id).visibility == "everyone"
    # Its manager may go on changing the rest, and close it again.
    logged_in(app_client, ada)
    assert app_client.post(f"/projects/{project_id}/settings", data=form | {"title": "Old sea"}).status_code == 303
    assert app_client.post(f"/projects/{project_id}/settings", data=SETTINGS).status_code == 303


def test_a_visitor_reads_the_settings_without_a_form(
    app_client: Client, make_account: Any, make_project: Any, make_member: Any
) -> None:
    ada, project_id = make_account(), make_project("Sea", instrument="UVP5")
    make_member(project_id, ada, "visitor")
    logged_in(app_client, ada)
    page = app_client.get(f"/projects/{project_id}/settings").text
    assert "UVP5" in page
    assert f'action="/projects/{project_id}/settings"' not in page


def test_a_script_in_any_text_is_shown_as_text(app_client: Client, make_account: Any, make_project: Any) -> None:
    ada = make_account(is_application_manager=True)
    script = "</textarea><script>alert(1)</script>"
    project_id = make_project(script, manager=ada, description=script, instrument='"><script>alert(1)</script>')
    logged_in(app_client, ada)
    for path in ["/", f"/projects/{project_id}/settings", f"/projects/{project_id}/members"]:
        assert "<script>alert" not in app_client.get(path).text


def test_the_embedder_is_shown_with_what_it_has_done(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    from app.database import connect

    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    logged_in(app_client, ada)
    assert "No vectors yet" in app_client.get(f"/projects/{project_id}/settings").text
    with connect(database_url) as db:
        embedder = db.execute(
            "insert into embedder (name, digest, dimension) values ('lite0-128-rot4', 'abc', 256) returning id"
        ).fetchone()
        db.execute("update project set embedder_id = %s where id = %s", [embedder.id, project_id])
    assert "lite0-128-rot4" in app_client.get(f"/projects/{project_id}/settings").text


def test_the_api_does_the_same(app_client: Client, make_account: Any, database_url: str) -> None:
    headers = bearer(database_url, make_account(is_application_manager=True))
    made = app_client.post("/api/v1/projects", json={"title": "Sea", "pixel_size_um": 5.3}, headers=headers)
    assert made.status_code == 201
    project_id = made.json()["id"]
    changed = app_client.patch(
        f"/api/v1/projects/{project_id}", json={"status": "explore", "pixel_size_um": 0}, headers=headers
    ).json()
    assert (changed["title"], changed["status"], changed["pixel_size_um"]) == ("Sea", "explore", None)
    assert app_client.get(f"/api/v1/projects/{project_id}", headers=headers).json() == changed
    refused = app_client.patch(f"/api/v1/projects/{project_id}", json={"title": ""}, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    wrong = app_client.post("/api/v1/projects", json={"title": 7}, headers=headers)
    assert wrong.status_code == 400
    assert "title" in wrong.json()["detail"]


@pytest.mark.parametrize("project_id", ["0", "99999999999", "99999999999999999999999"])
def test_a_project_number_beyond_all_numbers_is_not_found(
    app_client: Client, make_account: Any, project_id: str
) -> None:
    logged_in(app_client, make_account())
    assert app_client.get(f"/projects/{project_id}/settings").status_code == 404


def test_a_manager_says_which_field_holds_the_pixel_size(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    with database.connect(database_url) as db:
        db.execute(
            "insert into field (project_id, level, name, type, position) values (%s, 'process', 'pixel', 'text', 1)",
            [project_id],
        )
    client = app_client
    logged_in(client, ada)
    page = client.get(f"/projects/{project_id}/settings").text
    assert '<option value="process.pixel">' in page
    form = {"title": "T", "status": "annotate", "visibility": "private", "pixel_field": "process.pixel"}
    client.post(f"/projects/{project_id}/settings", data={**form, "pixel_unit": "mm"})
    page = client.get(f"/projects/{project_id}/settings").text
    assert '<option value="process.pixel" selected>' in page
    assert '<option value="mm" selected>' in page
    refused = client.post(f"/projects/{project_id}/settings", data={**form, "pixel_field": "object.none"})
    assert refused.status_code == 422
