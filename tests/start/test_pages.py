"""The start page and its parts over HTTP: every state of a project, and who sees what."""

from collections.abc import Callable

import pytest

from app.accounts.viewer import Account
from app.database import connect
from app.projects.queries import set_member
from tests.clusters.conftest import Heaps
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def ana(heaps: Heaps, app_client: Client, make_account: Callable[..., Account]) -> Client:
    """Ana's browser, who labels in the project of heaps."""
    heaps.project.db.commit()
    account = make_account("ana@example.org")
    with connect(heaps.url) as db:
        set_member(db, heaps.project.id, account.id, "annotator")
    return logged_in(app_client, account)


def part(client: Client, heaps: Heaps, rest: str = "/ways") -> str:
    answer = client.get(f"/projects/{heaps.project.id}/start{rest}")
    assert answer.status_code == 200
    return answer.text


def test_the_page_tells_how_far_it_is_and_asks_for_what_to_do_next(heaps: Heaps, ana: Client) -> None:
    page = part(ana, heaps, "")
    assert "<b>0 %</b> labelled" in page and f'hx-get="/projects/{heaps.project.id}/start/ways"' in page


def test_the_first_way_is_the_one_that_enter_sets_out_on(heaps: Heaps, ana: Client) -> None:
    ways = part(ana, heaps)
    assert ways.count("data-next") == 1 and "Propose cards" in ways and "Whatever is left" in ways


def test_while_vectors_are_made_it_says_how_far_that_is_and_asks_again(heaps: Heaps, ana: Client) -> None:
    db = heaps.project.db
    db.execute(
        """
        insert into job (kind, title, project_id, status, done, total, rate)
        values ('embed', 'Embed', %s, 'running', 40, 150, 10)
        """,
        [heaps.project.id],
    )
    db.commit()
    ways = part(ana, heaps)
    assert "40 of 150 · 11 s left" in ways and 'hx-trigger="load delay:5s"' in ways
    db.execute(
        "update job set status = 'failed', error = 'The disk is full.' where project_id = %s", [heaps.project.id]
    )
    db.commit()
    ways = part(ana, heaps)
    assert "The disk is full." in ways and "hx-trigger" not in ways


def test_a_project_that_nothing_makes_vectors_for_says_what_would(
    heaps: Heaps, ana: Client, make_project: Callable[..., int]
) -> None:
    heaps.project.db.execute("update project set embedder_id = null where id = %s", [heaps.project.id])
    heaps.project.db.commit()
    assert f"shoal embed {heaps.project.id}" in part(ana, heaps)


def test_an_empty_project_sends_its_managers_to_import(
    app_client: Client, make_account: Callable[..., Account], make_project: Callable[..., int]
) -> None:
    manager = make_account()
    project_id = make_project(manager=manager)
    client = logged_in(app_client, manager)
    assert "No objects yet." in client.get(f"/projects/{project_id}/start").text
    assert f"/projects/{project_id}/import" in client.get(f"/projects/{project_id}/start/ways").text
    assert client.get(f"/api/v1/projects/{project_id}/next").json() == []


def test_who_may_only_look_sees_the_ways_and_no_button(
    heaps: Heaps, app_client: Client, make_account: Callable[..., Account]
) -> None:
    heaps.project.db.execute("update project set visibility = 'accounts' where id = %s", [heaps.project.id])
    heaps.project.db.commit()
    client = logged_in(app_client, make_account())
    ways = part(client, heaps)
    assert "Whatever is left" in ways and "data-set-out" not in ways
    assert "Most gain now" not in part(client, heaps, "/brief")


def test_other_pages_show_it_in_brief(heaps: Heaps, ana: Client) -> None:
    brief = part(ana, heaps, "/brief")
    assert "0 % labelled" in brief and "Most gain now" in brief
    assert "labelled" not in part(ana, heaps, "/brief?part=next")


def test_programs_are_told_the_same(heaps: Heaps, ana: Client) -> None:
    url = f"/api/v1/projects/{heaps.project.id}"
    assert ana.get(f"{url}/progress").json()["n_unclassified"] == 150
    ways = ana.get(f"{url}/next").json()
    assert {way["kind"] for way in ways} == {"cards", "filter"}
    made = ana.post(f"{url}/batches", json={"source": next(way["source"] for way in ways if way["source"])})
    assert made.json()["n"] == 150


def test_a_batch_that_is_worked_through_says_what_comes_next(heaps: Heaps, ana: Client) -> None:
    url = f"/projects/{heaps.project.id}/batches"
    made = ana.post(f"/api/v1{url}", json={"source": {"kind": "filter", "query": "status=D"}}).json()
    ended = ana.get(f"{url}/{made['id']}/page?n=20").text
    assert "Most gain now" in ended and "data-next" in ended
    full = ana.post(f"/api/v1{url}", json={"source": {"kind": "filter", "query": "status=U"}}).json()
    assert "Most gain now" not in ana.get(f"{url}/{full['id']}/page?n=20").text
