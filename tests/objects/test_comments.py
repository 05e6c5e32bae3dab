"""Comments on one object and on many, and taking them back."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.database import connect
from tests.small_projects import SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in, rows


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account()


@pytest.fixture
def small(database_url: str, account: Account, make_member: Callable[[int, Account, str], None]) -> SmallProject:
    with connect(database_url) as db:
        small = make_project(db, 5)
    make_member(small.id, account, "annotator")
    return small


def n_comments(database_url: str, small: SmallProject) -> int:
    return rows(database_url, "select count(*) as n from comment where project_id = %s", small.id)[0].n


def test_one_request_comments_on_many_and_passes_over_who_is_not_there(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    asked = {"objects": [*small.ids[:3], small.ids[0], 2**40], "text": "  two eggs\0 "}
    answer = logged_in(app_client, account).post(f"/projects/{small.id}/comments", json=asked)

    assert (answer.status_code, answer.json()) == (201, {"objects": small.ids[:3], "n_unknown": 1})
    said = rows(database_url, "select object_id, text, account_id from comment order by object_id")
    assert [tuple(row) for row in said] == [(k, "two eggs", account.id) for k in small.ids[:3]]


def test_a_comment_that_is_sent_again_is_written_once(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    asked = {"objects": small.ids[:2], "text": "odd", "client_id": str(uuid4())}
    headers = bearer(database_url, account)
    answers = [app_client.post(f"/api/v1/projects/{small.id}/comments", json=asked, headers=headers) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"objects": small.ids[:2], "n_unknown": 0}] * 2
    assert n_comments(database_url, small) == 2


@pytest.mark.parametrize(
    "change", [{"text": " "}, {"text": "x" * 10_001}, {"objects": []}, {"objects": [-1]}, {"objects": [1] * 10_001}]
)
def test_an_empty_or_endless_comment_is_refused(
    app_client: Client, database_url: str, account: Account, small: SmallProject, change: dict[str, object]
) -> None:
    asked = {"objects": small.ids, "text": "odd"} | change
    assert logged_in(app_client, account).post(f"/projects/{small.id}/comments", json=asked).status_code == 400
    assert n_comments(database_url, small) == 0


def test_nothing_is_said_in_a_project_that_can_only_be_explored(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    rows(database_url, "update project set status = 'explore' where id = %s returning id", small.id)
    asked = {"objects": small.ids, "text": "odd"}
    assert logged_in(app_client, account).post(f"/projects/{small.id}/comments", json=asked).status_code == 403


def test_nothing_is_taken_back_either_in_a_project_that_can_only_be_explored(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    logged_in(app_client, account).post(
        f"/projects/{small.id}/comments", json={"objects": small.ids[:1], "text": "odd"}
    )
    rows(database_url, "update project set status = 'explore' where id = %s returning id", small.id)
    said = rows(database_url, "select id from comment")[0].id
    assert app_client.post(f"/projects/{small.id}/comments/{said}/delete").status_code == 403
    assert n_comments(database_url, small) == 1


def test_a_comment_is_deleted_by_its_author_or_a_manager_and_by_nobody_else(
    app_client: Client,
    database_url: str,
    account: Account,
    small: SmallProject,
    make_account: Callable[..., Account],
    make_member: Callable[[int, Account, str], None],
) -> None:
    other, manager = make_account(), make_account()
    make_member(small.id, other, "annotator")
    make_member(small.id, manager, "manager")
    api = f"/api/v1/projects/{small.id}"
    whole = app_client.post(
        f"{api}/objects/{small.ids[0]}/comments", json={"text": "first"}, headers=bearer(database_url, account)
    ).json()
    page_url = f"/projects/{small.id}/objects/{small.ids[0]}"
    logged_in(app_client, account).post(f"{page_url}/comments", data={"text": "second"})
    second = rows(database_url, "select max(id) as id from comment")[0].id

    refused = logged_in(app_client, other).post(f"/projects/{small.id}/comments/{second}/delete")
    assert (refused.status_code, n_comments(database_url, small)) == (403, 2)
    page = logged_in(app_client, account).get(page_url).text
    assert page.count("/delete") == 2
    gone = app_client.post(f"/projects/{small.id}/comments/{second}/delete")
    assert (gone.status_code, gone.headers["location"]) == (303, page_url)
    by_manager = app_client.delete(f"{api}/comments/{whole['id']}", headers=bearer(database_url, manager))
    assert (by_manager.status_code, n_comments(database_url, small)) == (204, 0)
    again = app_client.delete(f"{api}/comments/{whole['id']}", headers=bearer(database_url, manager))
    assert again.status_code == 404
