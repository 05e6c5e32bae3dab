"""Members of a project: added by email, given a role, removed."""

from typing import Any
from uuid import uuid4

import pytest

from app.database import connect
from app.labels.undo import undo
from tests.small_projects import make_project as make_small_project
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
    assert "invite a new person below" in answer.text
    assert answer.text.count('value="nobody@example.org"') == 2


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


def test_the_field_offers_people_who_are_no_members_yet(
    app_client: Client, manager: Any, project_id: int, make_account: Any, make_member: Any
) -> None:
    bob = make_account("bob@example.org")
    make_account("bobby@example.org")
    make_member(project_id, bob, "visitor")
    logged_in(app_client, manager)
    found = app_client.get(f"/projects/{project_id}/members/found?q=BOB").json()
    assert [person["email"] for person in found] == ["bobby@example.org"]


def test_a_new_person_is_invited_straight_into_the_project(
    app_client: Client, manager: Any, project_id: int, database_url: str, another_client: Any
) -> None:
    logged_in(app_client, manager)
    form = {"email": "new@example.org", "name": "New", "role": "annotator"}
    made = app_client.post(f"/projects/{project_id}/members/invite", data=form)
    link = "/login/link/" + made.text.split("/login/link/")[1].split("<")[0]
    assert made.headers["cache-control"] == "no-store"
    assert roles(database_url, project_id)["new@example.org"] == "annotator"
    browser = another_client()
    password = "seven quiet copepods"
    assert browser.post(link, data={"password": password, "again": password}).status_code == 303
    assert browser.get(f"/projects/{project_id}/settings").status_code == 200
    again = app_client.post(f"/projects/{project_id}/members/invite", data=form)
    assert (again.status_code, "is an account for new@example.org already" in again.text) == (409, True)


def test_a_refused_invitation_makes_no_account(
    app_client: Client, manager: Any, project_id: int, database_url: str
) -> None:
    logged_in(app_client, manager)
    for role, status in [("manager", 403), ("king", 422)]:
        form = {"email": "new@example.org", "role": role}
        assert app_client.post(f"/projects/{project_id}/members/invite", data=form).status_code == status
    assert len(rows(database_url, "select 1 from account")) == 1


def test_a_lost_invitation_is_renewed_by_who_invited_and_by_nobody_else(
    app_client: Client, manager: Any, project_id: int, make_account: Any, make_member: Any, database_url: str
) -> None:
    logged_in(app_client, manager)
    members = f"/projects/{project_id}/members"
    app_client.post(f"{members}/invite", data={"email": "new@example.org"})
    (new,) = rows(database_url, "select id from account where email = 'new@example.org'")
    assert "/login/link/" in app_client.post(f"{members}/{new.id}/link").text
    # An application manager who was invited by another and has no password yet: a link would let in as that person.
    chief = make_account("chief@example.org", is_application_manager=True)
    bob = make_account("bob@example.org")
    for account in (chief, bob):
        make_member(project_id, account, "visitor")
        assert app_client.post(f"{members}/{account.id}/link").status_code == 403
    outsider = make_account("out@example.org")
    assert app_client.post(f"{members}/{outsider.id}/link").status_code == 404


def test_the_page_tells_what_each_member_labelled(
    app_client: Client, make_account: Any, make_member: Any, database_url: str
) -> None:
    ada, ben = make_account("ada@example.org"), make_account("ben@example.org")
    with connect(database_url) as db:
        project = make_small_project(db, 10)
        project.do(ada, project.ids[:7], taxon="Oithona")
        project.do(ada, project.ids[7:9], taxon="fiber")
        undo(db, project, ada, uuid4())
    make_member(project.id, ada, "manager")
    make_member(project.id, ben, "annotator")
    page = logged_in(app_client, ada).get(f"/projects/{project.id}/members").text
    assert f'href="/projects/{project.id}/acts?who={ada.id}" title="The acts of ada">7</a>' in page
    assert f"/projects/{project.id}?who={ben.id}" in page
    assert page.count("not in Shoal") == 1
