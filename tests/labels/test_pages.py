"""Acts through HTTP: rights, answers, the list of acts."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.database import connect
from tests.small_projects import make_project
from tests.web_fixtures import Client, bearer, logged_in, rows


@pytest.fixture
def project_id(database_url: str) -> int:
    with connect(database_url) as db:
        return make_project(db, 10).id


@pytest.fixture
def member(
    make_account: Callable[..., Account], make_member: Callable[[int, Account, str], None], project_id: int
) -> Callable[[str], Account]:
    """Makes an account with a role in the project."""

    def make(role: str) -> Account:
        account = make_account(f"{role}@example.org")
        make_member(project_id, account, role)
        return account

    return make


def label(database_url: str, project_id: int, n: int = 3, **more: object) -> dict[str, object]:
    """The body of an act on the first objects."""
    ids = [
        r.id
        for r in rows(database_url, "select id from object where project_id = %s order by id limit %s", project_id, n)
    ]
    (taxon,) = rows(database_url, "select id from taxon where name = 'Oithona'")
    return {
        "client_id": str(uuid4()),
        "kind": "label",
        "objects": ids,
        "states": ["0.0"] * n,
        "taxon_id": taxon.id,
        **more,
    }


def test_an_annotator_labels_undoes_and_redoes(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    client = logged_in(app_client, member("annotator"))
    url = f"/projects/{project_id}"
    said = client.post(f"{url}/acts", json=label(database_url, project_id)).json()
    assert [(now["status"], now["taxon"], now["state"], now["italic"]) for now in said["changed"]] == [
        ("V", "Oithona", "1.0", True)
    ] * 3
    assert said["undo"]["undo"]["n"] == 3
    undone = client.post(f"{url}/undo", json={"client_id": str(uuid4())}).json()
    assert [now["status"] for now in undone["changed"]] == ["U"] * 3
    redone = client.post(f"{url}/redo", json={"client_id": str(uuid4())}).json()
    assert [now["status"] for now in redone["changed"]] == ["V"] * 3
    nothing = client.post(f"{url}/redo", json={"client_id": str(uuid4())}, headers={"accept": "application/json"})
    assert (nothing.status_code, "nothing of yours" in nothing.json()["detail"]) == (409, True)


def test_a_visitor_and_a_read_only_token_change_nothing(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    visitor, annotator = member("visitor"), member("annotator")
    url, body = f"/api/v1/projects/{project_id}/acts", label(database_url, project_id)
    assert app_client.post(url, json=body, headers=bearer(database_url, visitor)).status_code == 403
    assert app_client.post(url, json=body, headers=bearer(database_url, annotator, "read")).status_code == 403
    assert app_client.post(url, json=body).status_code in (401, 403)
    assert rows(database_url, "select 1 from history") == []
    assert app_client.post(url, json=body, headers=bearer(database_url, annotator)).status_code == 200


def test_what_a_program_labels_is_recorded_as_a_programs_and_nothing_else_can_be_claimed(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    annotator, url = member("annotator"), f"/projects/{project_id}"
    headers = bearer(database_url, annotator)
    body = label(database_url, project_id, 2)
    for claim in ("batch", "single", "audit"):
        answer = app_client.post(f"/api/v1{url}/acts", json={**body, "provenance": claim}, headers=headers)
        assert (answer.status_code, "unknown field provenance" in answer.json()["detail"]) == (400, True)
    assert app_client.post(f"/api/v1{url}/acts", json=body, headers=headers).status_code == 200
    told = app_client.get(f"/api/v1{url}/activity", headers=headers).json()
    assert [one["what"] for one in told["sources"]] == ["api"]
    labels = rows(database_url, "select object_id, provenance from label where project_id = %s", project_id)
    assert {row.provenance for row in labels} == {"api"}
    found = app_client.get(f"/api/v1{url}/objects?provenance=api", headers=headers).json()
    assert {one["id"] for one in found["objects"]} == {row.object_id for row in labels}
    page = logged_in(app_client, annotator).get(f"{url}/objects/{labels[0].object_id}").text
    assert "given by a program" in page
    acts = app_client.get(f"{url}/acts").text
    assert "a program" in acts and "the board" not in acts


@pytest.mark.parametrize(
    "change",
    [{"kind": "explode"}, {"client_id": "x"}, {"objects": "all"}, {"states": []}, {"status": "P"},
     {"objects": [], "states": []}, {"taxon_id": None}, {"taxon_id": 5}, {"taxon_id": 2**40},
     {"objects": [2**70], "states": ["0.0"]}, {"states": ["0.0", "0.0", 7]},
    ],
)  # fmt: skip
def test_an_act_that_makes_no_sense_is_refused_with_a_sentence(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account], change: dict[str, object]
) -> None:
    headers = bearer(database_url, member("annotator"))
    answer = app_client.post(
        f"/api/v1/projects/{project_id}/acts", json=label(database_url, project_id) | change, headers=headers
    )
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert rows(database_url, "select 1 from act") == []


def test_the_list_of_acts_shows_who_did_what_and_offers_undo_to_those_who_may(
    app_client: Client,
    database_url: str,
    project_id: int,
    member: Callable[[str], Account],
    another_client: Callable[[], Client],
) -> None:
    client = logged_in(app_client, member("annotator"))
    url = f"/projects/{project_id}"
    act_id = client.post(f"{url}/acts", json=label(database_url, project_id)).json()["act_id"]
    page = client.get(f"{url}/acts").text
    for words in ("annotator", "validated as Oithona", f'data-undo="{act_id}"'):
        assert words in page
    visitor = logged_in(another_client(), member("visitor"))
    assert "data-undo" not in visitor.get(f"{url}/acts").text
    assert visitor.post(f"{url}/acts/{act_id}/undo", json={"client_id": str(uuid4())}).status_code == 403
    manager = logged_in(another_client(), member("manager"))
    assert manager.post(f"{url}/acts/{act_id}/undo", json={"client_id": str(uuid4())}).status_code == 200
    listed = client.get(f"/api/v1/projects/{project_id}/acts").json()
    assert [(act["kind"], act["undone"], act["undone_by"] is not None) for act in listed] == [
        ("undo", False, False), ("label", True, True),
    ]  # fmt: skip
    assert "data-undo" not in client.get(f"{url}/acts").text


def test_the_list_of_acts_is_paged(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    headers = bearer(database_url, member("annotator"))
    for k in range(5):
        body = label(database_url, project_id, 1, states=[f"{k}.0"], status="DV"[k % 2])
        app_client.post(f"/api/v1/projects/{project_id}/acts", json=body, headers=headers)
    first = app_client.get(f"/api/v1/projects/{project_id}/acts?limit=3", headers=headers).json()
    rest = app_client.get(f"/api/v1/projects/{project_id}/acts?before={first[-1]['id']}", headers=headers).json()
    assert (len(first), len(rest)) == (3, 2)


def test_an_act_after_the_undo_of_a_lost_answer_is_not_repeated(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    """The browser sends an act again after a lost connection, though it was undone meanwhile in another window."""
    client = logged_in(app_client, member("annotator"))
    body = label(database_url, project_id)
    first = client.post(f"/projects/{project_id}/acts", json=body).json()
    client.post(f"/projects/{project_id}/undo", json={"client_id": str(uuid4())})
    again = client.post(f"/projects/{project_id}/acts", json=body).json()
    assert again["act_id"] == first["act_id"]
    assert rows(database_url, "select 1 from label where status = 'V'") == []


def test_the_list_of_acts_is_narrowed_by_person_kind_and_day(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    annotator = member("annotator")
    client = logged_in(app_client, annotator)
    url = f"/projects/{project_id}"
    act_id = client.post(f"{url}/acts", json=label(database_url, project_id)).json()["act_id"]
    row = f'href="{url}?act={act_id}"'
    for query in (
        "",
        f"?who={annotator.id}",
        "?kind=label",
        f"?day={datetime.now(UTC).date()}",
        "?kind=nonsense&who=x",
    ):
        assert row in client.get(f"{url}/acts{query}").text, query
    for query in ("?who=999", "?kind=doubt", "?day=2020-01-01"):
        page = client.get(f"{url}/acts{query}").text
        assert (row in page, "Nothing of that kind" in page) == (False, True), query
    assert "A day is written" in client.get(f"{url}/acts?day=yesterday").text


def test_ones_own_acts_are_listed_with_undo_where_one_may(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account]
) -> None:
    annotator = member("annotator")
    client = logged_in(app_client, annotator)
    assert "Nothing yet" in client.get("/me/acts").text
    act_id = client.post(f"/projects/{project_id}/acts", json=label(database_url, project_id)).json()["act_id"]
    for page in ("/me", "/me/acts"):
        assert f'data-undo="{act_id}"' in client.get(page).text, page
    with connect(database_url) as db:
        db.execute("update member set role = 'visitor'")
    page = client.get("/me/acts").text
    assert (f"?act={act_id}" in page, "data-undo" in page) == (True, False)
    with connect(database_url) as db:
        db.execute("delete from member")
    assert f"?act={act_id}" not in client.get("/me/acts").text
