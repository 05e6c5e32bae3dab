"""Members of a project: added by email, given a role, removed."""

from typing import Any

import pytest

from tests.web_fixtures import Client, bearer, logged_in, rows


@pytest.fixture
def manager(make_account: Any) -> Any:
    return make_account("manager@example.org")


@pytest.fixture
def project_id(make_project: Any, manager: Any) -> int:
    return make_project("Sea", manager=manager)


def roles(database_url: str, project_id: int) -> dict[str, str]:
    found = rows(
        database_url,
        "select a.email, m.role from member m join account a on a.id = m.account_id where m.project_id = %s",
        project_id,
    )
    return {row.email: row.role for row in found}


def test_a_manager_adds_changes_and_removes_a_member(
    app_client: Client, manager: Any, project_id: int, make_account: Any, database_url: str
) -> None:
    bob = make_account("bob@example.org")
    logged_in(app_client, manager)
    members = f"/projects/{project_id}/members"
    assert app_client.post(members, data={"email": "BOB@example.org", "role": "annotator"}).status_code == 303
    assert roles(database_url, project_id)["bob@example.org"] == "annotator"
    assert "bob@example.org" in app_client.get(members).text
    assert app_client.post(f"{members}/{bob.id}", data={"role": "visitor"}).status_code == 303
    assert roles(database_url, project_id)["bob@example.org"] == "visitor"
    assert app_client.post(f"{members}/{bob.id}/remove").status_code == 303
    assert roles(database_url, project_id) == {"manager@example.org": "manager"}


def test_an_address_without_an_account_is_refused_with_what_to_do(
    app_client: Client, manager: Any, project_id: int
) -> None:
    logged_in(app_client, manager)
    answer = app_client.post(f"/projects/{project_id}/members", data={"email": "nobody@example.org"})
    assert answer.status_code == 404
    assert "no account for nobody@example.org" in answer.text
    assert "Somebody without an account gets one from an application manager" in answer.text


def test_the_last_manager_can_neither_go_nor_step_down(
    app_client: Client, manager: Any, project_id: int, database_url: str
) -> None:
    logged_in(app_client, manager)
    path = f"/projects/{project_id}/members/{manager.id}"
    for answer in (app_client.post(f"{path}/remove"), app_client.post(path, data={"role": "visitor"})):
        assert answer.status_code == 409
        assert "last manager" in answer.text
    assert roles(database_url, project_id) == {"manager@example.org": "manager"}


def test_only_an_application_manager_names_managers(
    app_client: Client, manager: Any, project_id: int, make_account: Any, database_url: str
) -> None:
    bob = make_account("bob@example.org")
    form = {"email": "bob@example.org", "role": "manager"}
    logged_in(app_client, manager)
    assert app_client.post(f"/projects/{project_id}/members", data=form).status_code == 403
    app_client.post(f"/projects/{project_id}/members", data=form | {"role": "visitor"})
    assert app_client.post(f"/projects/{project_id}/members/{bob.id}", data={"role": "manager"}).status_code == 403
    assert roles(database_url, project_id)["bob@example.org"] == "visitor"
    logged_in(app_client, make_account(is_application_manager=True))
    assert app_client.post(f"/projects/{project_id}/members", data=form).status_code == 303
    assert roles(database_url, project_id)["bob@example.org"] == "manager"


def test_a_role_that_does_not_exist_is_refused(
    app_client: Client, manager: Any, project_id: int, make_account: Any
) -> None:
    make_account("bob@example.org")
    logged_in(app_client, manager)
    form = {"email": "bob@example.org", "role": "king"}
    assert app_client.post(f"/projects/{project_id}/members", data=form).status_code == 422


def test_the_api_does_the_same(
    app_client: Client, manager: Any, project_id: int, make_account: Any, database_url: str
) -> None:
    make_account("bob@example.org")
    headers = bearer(database_url, manager)
    member = f"/api/v1/projects/{project_id}/members/bob@example.org"
    set_role = app_client.put(member, json={"role": "annotator"}, headers=headers)
    assert (set_role.status_code, set_role.json()["role"]) == (200, "annotator")
    listed = app_client.get(f"/api/v1/projects/{project_id}/members", headers=headers).json()
    assert [(one["email"], one["role"]) for one in listed] == [
        ("manager@example.org", "manager"),
        ("bob@example.org", "annotator"),
    ]
    assert app_client.delete(member, headers=headers).status_code == 204
    assert app_client.delete(member, headers=headers).status_code == 404
    assert roles(database_url, project_id) == {"manager@example.org": "manager"}
