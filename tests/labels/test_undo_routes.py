"""The look before an undo, and the undo of many acts, through HTTP: rights, addresses and answers."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.database import connect
from tests.labels.test_pages import label, member, project_id
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["member", "project_id"]
SINCE = "2020-01-01T00:00"


@pytest.fixture
def act_id(app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]) -> int:
    """Three objects named by an annotator."""
    headers = bearer(database_url, member("annotator"))
    body = label(database_url, project_id)
    return int(app_client.post(f"/api/v1/projects/{project_id}/acts", json=body, headers=headers).json()["act_id"])


def annotator_of(database_url: str, act_id: int) -> Account:
    with connect(database_url) as db:
        row = db.execute(
            """
            select account.id, email, name
              from act
              join account on account.id = act.account_id
             where act.id = %s
            """,
            [act_id],
        ).fetchone()
    return Account(*row, False)


def test_one_act_is_looked_at_by_members_and_programs(
    app_client: Client, database_url: str, project_id: int, act_id: int, member: Callable[[str], Account]
) -> None:
    headers = bearer(database_url, member("visitor"), "read")
    seen = app_client.get(f"/api/v1/projects/{project_id}/acts/{act_id}/undo", headers=headers).json()
    assert [(one["status"], one["taxon"], one["to_status"], one["n"]) for one in seen["back"]] == [
        ("V", "Oithona", "U", 3)
    ]
    client = logged_in(app_client, annotator_of(database_url, act_id))
    page = client.get(f"/projects/{project_id}/acts/{act_id}/undo").text
    assert "3 objects go back" in page
    assert f'data-undo-now="{act_id}"' in page


def test_the_look_says_what_keeps_its_name_and_when_nothing_is_left(
    app_client: Client, database_url: str, project_id: int, act_id: int, member: Callable[[str], Account]
) -> None:
    manager, url = member("manager"), f"/projects/{project_id}/acts"
    client = logged_in(app_client, manager)
    again = client.post(url, json=label(database_url, project_id, states=["1.0"] * 3)).json()["act_id"]
    page = client.get(f"{url}/{again}/undo").text
    assert "3 objects go back" in page and "the same, as it was said before" in page
    assert "Take back 3 objects" in page
    covered = client.get(f"{url}/{act_id}/undo").text
    assert "3 stay, changed since" in covered and "data-undo-now" not in covered
    client.post(f"{url}/{again}/undo", json={"client_id": str(uuid4())})
    assert "Nothing of it is left to be taken back" in client.get(f"{url}/{again}/undo").text


def test_a_period_is_looked_at_taken_back_and_done_again(
    app_client: Client, database_url: str, project_id: int, act_id: int
) -> None:
    annotator = annotator_of(database_url, act_id)
    headers, url = bearer(database_url, annotator), f"/api/v1/projects/{project_id}"
    seen = app_client.get(f"{url}/undo-all?who={annotator.id}&since={SINCE}", headers=headers).json()
    assert (seen["n_acts"], seen["n_back"], seen["n_stays"]) == (1, 3, 0)
    rest = app_client.get(
        f"{url}/undo-all?who={annotator.id}&since={SINCE}&before={seen['before']}", headers=headers
    ).json()
    assert (rest["n_acts"], rest["before"]) == (0, None)
    body = {"client_id": str(uuid4()), "who": annotator.id, "since": f"{SINCE}Z", "until": "2100-01-01T00:00Z"}
    taken = app_client.post(f"{url}/undo-all", json=body, headers=headers).json()
    assert (taken["n_acts"], taken["n_changed"], taken["job_id"]) == (1, 3, None)
    assert app_client.post(f"{url}/undo-all", json=body, headers=headers).json() == taken
    page = logged_in(app_client, annotator).get(f"/projects/{project_id}/acts").text
    assert f'data-redo="{taken["act_id"]}"' in page
    again = app_client.post(
        f"{url}/acts/{taken['act_id']}/redo", json={"client_id": str(uuid4())}, headers=headers
    ).json()
    assert again["n_changed"] == 3


def test_what_others_did_is_for_managers(
    app_client: Client, database_url: str, project_id: int, act_id: int, member: Callable[[str], Account]
) -> None:
    who, url = annotator_of(database_url, act_id).id, f"/api/v1/projects/{project_id}"
    with connect(database_url) as db:
        other = db.execute("insert into account (email, name) values ('o@example.org', 'O') returning id").fetchone()[0]
        db.execute("insert into member values (%s, %s, 'annotator')", [project_id, other])
    body = {"client_id": str(uuid4()), "who": who, "since": f"{SINCE}Z", "until": "2100-01-01T00:00Z"}
    for account, status in ((Account(other, "o@example.org", "O", False), 403), (member("manager"), 200)):
        headers = bearer(database_url, account)
        asked = f"{url}/undo-all?who={who}&since={SINCE}"
        assert app_client.get(asked, headers=headers).status_code == status
        assert app_client.post(f"{url}/undo-all", json=body, headers=headers).status_code == status


def test_the_page_asks_whose_and_when_and_shows_what_stands(
    app_client: Client, database_url: str, project_id: int, act_id: int
) -> None:
    client, url = logged_in(app_client, annotator_of(database_url, act_id)), f"/projects/{project_id}/acts/undo"
    assert "of you" in client.get(url).text
    page = client.get(f"{url}?since={SINCE}").text
    assert "Take back 1 act" in page and f"/projects/{project_id}/undo-all?who=" in page
    assert "Nothing stands in this period" in client.get(f"{url}?since=2020-01-01T00:00&until=2020-01-02T00:00").text
    assert "is no moment" in client.get(f"{url}?since=yesterday").text
    assert "before it begins" in client.get(f"{url}?since=2020-01-02T00:00&until=2020-01-01T00:00").text
    assert "Only a manager" in client.get(f"{url}?since={SINCE}&who=999999").text
