"""A project's licence, citation and contacts, and the fields that its tiles show at first."""

from typing import Any

import pytest

from app.database import connect
from app.objects import preferences
from tests.projects.test_settings import SETTINGS
from tests.web_fixtures import Client, bearer, logged_in

ABOUT = {
    "licence": "CC-BY-4.0",
    "citation": "Lovelace, A. (2026). Point B.",
    "show": "depth,f.area",
    "contact_name": ["Ada Lovelace", "", ""],
    "contact_organisation": ["LOV", "Museum", ""],
    "contact_email": ["ada@example.org", "", ""],
    "contact_orcid": ["https://orcid.org/0000000218250097", "", ""],
    "contact_role": ["creator", "associate", "contact"],
}


def test_what_one_cites_is_kept_and_shown_again(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    logged_in(app_client, ada)
    assert app_client.post(f"/projects/{project_id}/settings", data=SETTINGS | ABOUT).status_code == 303
    told = app_client.get(f"/api/v1/projects/{project_id}", headers={"accept": "application/json"}).json()
    assert (told["licence"], told["citation"], told["show"]) == ("CC-BY-4.0", ABOUT["citation"], ["depth", "f.area"])
    assert told["contacts"] == [
        {
            "name": "Ada Lovelace", "organisation": "LOV", "email": "ada@example.org", "orcid": "0000-0002-1825-0097",
            "role": "creator",
        },
        {"name": "", "organisation": "Museum", "email": "", "orcid": "", "role": "associate"},
    ]  # fmt: skip
    page = app_client.get(f"/projects/{project_id}/settings").text
    assert '<option value="CC-BY-4.0" selected>' in page
    assert 'value="0000-0002-1825-0097"' in page and 'value="depth,f.area"' in page


def test_who_may_not_change_it_reads_it_and_the_anonymous_no_addresses(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    manager = make_account(is_application_manager=True)
    project_id = make_project("Sea", visibility="everyone")
    contacts = [{"name": "Ada Lovelace", "email": "ada@example.org", "role": "creator"}]
    answer = app_client.patch(
        f"/api/v1/projects/{project_id}",
        json={"licence": "CC0-1.0", "contacts": contacts},
        headers=bearer(database_url, manager),
    )
    assert answer.status_code == 200
    page = app_client.get(f"/projects/{project_id}/settings").text
    assert "CC0 1.0" in page and "Ada Lovelace" in page
    assert "ada@example.org" not in page
    told = app_client.get(f"/api/v1/projects/{project_id}", headers={"accept": "application/json"}).json()
    assert told["contacts"][0]["email"] == ""
    logged_in(app_client, make_account())
    assert "ada@example.org" in app_client.get(f"/projects/{project_id}/settings").text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"licence": "GPL"}, "The licence is CC0-1.0"),
        ({"contact_name": "", "contact_organisation": "", "contact_email": "a@b.org"}, "needs a name"),
        ({"contact_email": "nowhere"}, "is no email address"),
        ({"contact_orcid": "0000-0002-1825-0098"}, "is no ORCID"),
        ({"contact_role": "king"}, "role is creator"),
        ({"contact_name": "x" * 201}, "200 letters"),
        ({"citation": "x" * 2001}, "2,000 letters"),
        ({"show": "a,b,c,d,e,f,g"}, "6 fields fit"),
    ],
)
def test_impossible_entries_are_refused_and_what_was_typed_stays(
    app_client: Client, make_account: Any, make_project: Any, change: dict[str, Any], why: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    logged_in(app_client, ada)
    one = {name: value[0] if isinstance(value, list) else value for name, value in ABOUT.items()}
    answer = app_client.post(f"/projects/{project_id}/settings", data=SETTINGS | one | {"title": "New"} | change)
    assert (answer.status_code, why in answer.text) == (422, True)
    assert 'value="New"' in answer.text
    assert "<title>Settings · Sea" in app_client.get(f"/projects/{project_id}/settings").text


def test_only_fields_that_the_project_has_are_shown_under_its_tiles_and_each_once(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    with connect(database_url) as db:
        db.execute(
            "insert into field (project_id, level, name, type, position) values (%s, 'object', 'area', 'number', 1)",
            [project_id],
        )
    path, headers = f"/api/v1/projects/{project_id}", bearer(database_url, ada)
    for wrong in ("object.nope", "nope", "f.nope"):
        answer = app_client.patch(path, json={"show": ["depth", wrong]}, headers=headers)
        assert (answer.status_code, f"no field '{wrong}'" in answer.json()["detail"]) == (422, True)
    shown = ["object.area", "f.area", "f.object.area", "depth", "sample.latitude"]
    told = app_client.patch(path, json={"show": shown}, headers=headers).json()
    assert told["show"] == ["f.area", "depth", "f.sample.latitude"]


def test_tiles_show_the_projects_fields_to_who_has_chosen_none(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    logged_in(app_client, ada)
    app_client.post(f"/projects/{project_id}/settings", data=SETTINGS | ABOUT)
    with connect(database_url) as db:
        assert preferences.read(db, project_id, None).show == ["depth", "f.area"]
        assert preferences.read(db, project_id, ada.id).show == ["depth", "f.area"]
        preferences.write(db, project_id, ada.id, preferences.PreferenceChange(size=150))
        assert preferences.read(db, project_id, ada.id).show == ["depth", "f.area"]
        preferences.write(db, project_id, ada.id, preferences.PreferenceChange(show=[]))
        assert preferences.read(db, project_id, ada.id).show == []


def test_the_api_leaves_what_it_does_not_name(
    app_client: Client, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    headers = bearer(database_url, ada)
    for change in ({"licence": "CC0-1.0"}, {"citation": "Us"}, {"contacts": [{"name": "Ada"}]}, {"show": ["date"]}):
        answer = app_client.patch(f"/api/v1/projects/{project_id}", json=change, headers=headers)
        assert answer.status_code == 200
    told = answer.json()
    assert (told["licence"], told["citation"], told["show"]) == ("CC0-1.0", "Us", ["date"])
    assert told["contacts"][0]["role"] == "contact"
    refused = app_client.patch(f"/api/v1/projects/{project_id}", json={"licence": "GPL"}, headers=headers)
    assert (refused.status_code, "The licence is" in refused.json()["detail"]) == (422, True)
