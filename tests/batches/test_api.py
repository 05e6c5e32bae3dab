"""A program works a batch from its making to its tray, over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.database import connect
from app.projects import queries as projects
from tests.small_projects import SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in

Ask = Callable[..., Any]


@pytest.fixture
def small(database_url: str) -> SmallProject:
    with connect(database_url) as db:
        made = make_project(db, 40)
    return made


@pytest.fixture
def ask(app_client: Client, database_url: str, small: SmallProject, make_account: Callable[..., Account]) -> Ask:
    """Asks the API as a person with a role, who is made when they are asked for first."""
    headers: dict[str, dict[str, str]] = {}

    def ask(method: str, path: str, body: Any = None, role: str = "annotator", status: int = 200) -> Any:
        if role not in headers:
            account = make_account()
            with connect(database_url) as db:
                projects.set_member(db, small.id, account.id, role.split()[0])
            headers[role] = bearer(database_url, account)
        url = f"/api/v1/projects/{small.id}{path}"
        answer = app_client.request(method, url, json=body, headers=headers[role])
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    return ask


@pytest.fixture
def page_of(app_client: Client, make_account: Callable[..., Account]) -> Callable[[str], str]:
    """A page as an application manager sees it."""
    return lambda path: logged_in(app_client, make_account(is_application_manager=True)).get(path).text


def test_a_program_works_a_batch(ask: Ask, small: SmallProject, page_of: Callable[[str], str]) -> None:
    batch = ask("POST", "/batches", {"source": {"kind": "filter", "query": "status=U"}, "limit": 30}, status=201)
    path = f"/batches/{batch['id']}"
    page = ask("GET", f"{path}/page?n=10")
    ids = [tile["id"] for tile in page["tiles"]]
    assert page["atlas"].startswith(f"/projects/{small.id}/atlas/")
    assert page["next_atlas"]
    ask("POST", f"{path}/page/1/seen", {"ids": ids}, status=204)
    ask("PUT", f"{path}/page/1", {"marks": {str(ids[0]): 1, str(ids[1]): 2}}, status=204)
    assert [tile["mark"] for tile in ask("GET", f"{path}/page")["tiles"][:3]] == [1, 2, 0]
    act = {
        "client_id": str(uuid4()), "taxon_id": small.taxa["Oithona"], "marked": ids[:4],
        "states": [tile["state"] for tile in page["tiles"][:4]], "not_this": ids[4:5],
    }  # fmt: skip
    worked = ask("POST", f"{path}/page/1/apply", act)
    assert len(worked["outcome"]["changed"]) == 4
    assert (worked["batch"]["n_labelled"], worked["batch"]["n_tray"], worked["late"]) == (5, 5, [])
    assert ask("POST", f"{path}/page/1/apply", act)["outcome"]["act_id"] == worked["outcome"]["act_id"]
    second = ask("GET", f"{path}/page?n=10")
    assert second["number"] == 2
    tile = second["tiles"][0]
    ask("POST", f"{path}/page/2/seen", {"ids": [tile["id"]]}, status=204)
    one = {"client_id": str(uuid4()), "ids": [tile["id"]], "states": [tile["state"]], "taxon_id": small.taxa["fiber"]}
    assert ask("POST", f"{path}/one", one)["batch"]["n_labelled"] == 6
    assert ask("POST", f"{path}/page/2/pass")["n_tray"] == 14
    assert ask("PUT", f"{path}/order", {"order": "extremes"})["order"] == "extremes"
    tray = ask("POST", f"{path}/tray", {"order": "alike"}, status=201)
    assert tray["n"] == 14
    shown = page_of(f"/projects/{small.id}/objects/{ids[4]}")
    assert "Not this" in shown
    assert "not offered for it again" in shown
    (refusal,) = ask("GET", f"/objects/{ids[4]}/refusals")
    assert (refusal["taxon"], refusal["in_force"]) == ("Oithona", True)
    assert ask("POST", "/refusals/reset", {"taxon_id": small.taxa["Oithona"]}) == {"n": 1}
    ask("DELETE", path, status=204)
    listed = ask("GET", "/batches?mine=true")["batches"]
    assert [(row["id"], row["closed_at"] is None) for row in listed] == [(tray["id"], True), (batch["id"], False)]


def kept(database_url: str) -> list[Any]:
    """All that working a batch writes."""
    with connect(database_url) as db:
        pages = db.execute("select batch_id, number, object_ids, seen from batch_page order by 1, 2").fetchall()
        return [pages, db.execute("select object_id, until from reservation order by 1").fetchall()]


def test_visitors_look_and_change_nothing(ask: Ask, database_url: str) -> None:
    batch = ask("POST", "/batches", {"source": {"kind": "filter"}}, status=201)
    path = f"/batches/{batch['id']}"
    before = kept(database_url)
    assert len(ask("GET", f"{path}/page?n=7", role="visitor")["tiles"]) == 40
    assert kept(database_url) == before
    ask("POST", "/batches", {"source": {"kind": "filter"}}, role="visitor", status=403)
    assert "take over a batch" in ask("POST", f"{path}/take-over", role="annotator", status=403)["detail"]
    assert ask("POST", f"{path}/take-over", role="manager")["id"] == batch["id"]
    ask("POST", f"{path}/page/1/pass", role="annotator", status=403)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"source": {}}, "needs a kind"),
        ({"source": {"kind": "wishes"}}, "There are no batches of"),
        ({"source": {"kind": "examples", "ids": []}}, "name at least one"),
        ({"source": {"kind": "filter", "query": "colour=red"}}, "no such filter"),
        ({"source": {"kind": "filter", "query": "copepods"}}, "The condition copepods cannot be obeyed"),
        ({"source": {"kind": "predicted", "taxon_id": "x"}}, "must be a number"),
        ({"source": {"kind": "examples", "ids": [1], "taxon_id": "x"}}, "must be a number"),
        ({"source": {"kind": "filter"}, "limit": 0}, "between 1 and 10,000"),
    ],
)
def test_strange_wishes_are_told_what_is_wrong(ask: Ask, body: dict[str, Any], words: str) -> None:
    assert words in ask("POST", "/batches", body, status=400)["detail"]


def test_where_nobody_labels_nothing_refused_is_offered_again(ask: Ask, small: SmallProject, database_url: str) -> None:
    with connect(database_url) as db:
        db.execute("update project set status = 'explore' where id = %s", [small.id])
    told = ask("POST", "/refusals/reset", {"taxon_id": small.taxa["Oithona"]}, status=403)
    assert "only be explored" in told["detail"]
