"""Cards over HTTP: who may do what, the page in all its states, and the API from asking to naming."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from app import search
from app.accounts.viewer import Account
from app.clusters import job, pages, runs
from app.database import connect
from app.projects.queries import set_member
from app.search import mirror
from tests.clusters.conftest import Heaps, Unheard
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def ana(heaps: Heaps, app_client: Client, make_account: Callable[..., Account]) -> Client:
    """Ana's browser, who labels in the project of heaps."""
    account = make_account("ana@example.org")
    with connect(heaps.url) as db:
        set_member(db, heaps.project.id, account.id, "annotator")
    return logged_in(app_client, account)


def api(heaps: Heaps, rest: str = "") -> str:
    return f"/api/v1/projects/{heaps.project.id}/clusters{rest}"


def page(heaps: Heaps, rest: str = "") -> str:
    return f"/projects/{heaps.project.id}/clusters{rest}"


def test_from_asking_to_naming_as_a_program_does_it(heaps: Heaps, ana: Client) -> None:
    heaps.project.db.commit()
    asked = ana.post(api(heaps), json={"n_cards": 5}).json()
    assert asked["state"] == "asked" and asked["job_status"] == "queued"
    assert ana.post(api(heaps), json={}).json()["id"] == asked["id"]
    run = runs.find(heaps.project.db, heaps.project.id, asked["id"])
    heaps.project.db.commit()
    job.cut(heaps.url, heaps.home, run, Unheard())
    listed = ana.get(api(heaps)).json()
    assert listed["run"]["state"] == "complete" and listed["n_cards"] == 5 and listed["n_left"] == 150
    card = listed["cards"][0]
    assert {"id", "n", "purity", "gain", "basis", "proposals", "loose"} <= card.keys()
    ids = ana.get(api(heaps, f"/{card['id']}")).json()["ids"]
    assert len(ids) == card["n"]

    split = ana.post(api(heaps, "/steps"), json={"client_id": str(uuid4()), "kind": "split", "cards": [card["id"]]})
    assert len(split.json()["added"]) == 2
    assert ana.get(api(heaps)).json()["n_cards"] == 6
    assert ana.get(api(heaps, f"/{card['id']}")).status_code == 404
    assert ana.post(api(heaps, "/undo"), json={"client_id": str(uuid4())}).json()["added"] == [card["id"]]
    assert ana.post(api(heaps, "/redo"), json={"client_id": str(uuid4())}).json()["removed"] == [card["id"]]

    other = ana.get(api(heaps, "?limit=1")).json()["cards"][0]
    seen = ana.get(api(heaps, f"/{other['id']}")).json()["ids"]
    word = {"client_id": str(uuid4()), "cards": [other["id"]], "taxon_id": heaps.project.taxa["Oithona"], "seen": []}
    refused = ana.post(api(heaps, "/name"), json=word)
    assert refused.status_code == 409 and "were not seen: open them as a batch" in refused.json()["detail"]
    named = ana.post(api(heaps, "/name"), json=word | {"seen": seen}).json()
    assert len(named["changed"]) == len(seen)
    made = ana.post(
        f"/api/v1/projects/{heaps.project.id}/batches",
        json={"source": {"kind": "cluster", "cluster_ids": split.json()["added"]}},
    )
    assert made.status_code == 201


def test_without_a_run_programs_are_given_the_unlabelled_as_the_page_is(heaps: Heaps, ana: Client) -> None:
    validated = heaps.cut("status=V")
    missing = ana.get(api(heaps))
    assert missing.status_code == 404 and "Ask for cards, or name the run" in missing.json()["detail"]
    unlabelled = heaps.cut(n_wanted=5)
    heaps.cut("status=V")
    assert ana.get(api(heaps)).json()["run"]["id"] == unlabelled.id
    assert ana.get(api(heaps, f"?run={validated.id}")).json()["run"]["query"] == "status=V"
    join = {"client_id": str(uuid4()), "kind": "join", "n_cards": 2}
    assert len(ana.post(api(heaps, "/steps"), json=join).json()["added"]) == 2
    assert ana.post(api(heaps, "/undo"), json={"client_id": str(uuid4())}).status_code == 200


def test_the_page_says_what_to_do_where_there_are_no_cards(heaps: Heaps, ana: Client) -> None:
    heaps.project.db.commit()
    text = ana.get(page(heaps)).text
    assert "No cards yet" in text and "150 unlabelled objects" in text and 'data-command="again"' in text


def test_what_a_filter_keeps_is_cut_and_found_again_beside_the_unlabelled(heaps: Heaps, ana: Client) -> None:
    heaps.project.db.commit()
    first = heaps.cut()
    asked = "?of=sample%3D" + str(heaps.project.db.execute("select min(id) from sample").fetchone()[0])
    heaps.project.db.commit()
    text = ana.get(page(heaps, asked)).text
    assert "No cards yet" in text and "10 objects into cards" in text and 'data-query="sample=' in text
    query = text.split('data-query="')[1].split('"')[0]
    assert ana.post(api(heaps), json={"query": query}).status_code == 201
    other = heaps.cut(query)
    text = ana.get(page(heaps, asked)).text
    assert '<span id="n-left">10</span> of 10 objects left' in text
    assert f'<option value="{first.id}">the unlabelled' in text
    assert f'<option value="{other.id}" selected>' in text
    board = ana.get(f"/projects/{heaps.project.id}?{query}").text
    assert "/clusters?of=sample%3D" in board


def test_the_page_shows_that_cards_are_being_cut_that_it_failed_or_was_cancelled(heaps: Heaps, ana: Client) -> None:
    run = heaps.ask()
    text = ana.get(page(heaps)).text
    assert "waits for its turn" in text and f'data-cancel="{run.job_id}"' in text
    db = heaps.project.db
    db.execute("update job set status = 'failed', error = 'The disk is full.' where id = %s", [run.job_id])
    db.commit()
    text = ana.get(page(heaps)).text
    assert "The disk is full." in text and "Try again" in text
    db.execute("update job set status = 'cancelled' where id = %s", [run.job_id])
    db.commit()
    assert "The cutting was cancelled." in ana.get(page(heaps, f"/progress?run={run.id}")).text


def test_the_page_shows_cards_and_their_next_ones(heaps: Heaps, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 3)
    run = heaps.cut(n_wanted=5)
    text = ana.get(page(heaps)).text
    assert text.count('class="tile card-tile') == 3 and 'data-next="/projects' in text
    assert '<span id="n-left">150</span> of 150 objects left' in text and "complete" in text
    next_url = text.split('data-next="')[1].split('"')[0].replace("&amp;", "&")
    rest = ana.get(next_url).text
    assert rest.count('class="tile card-tile') == 2
    card = next(iter(heaps.members(run)))
    one = ana.get(page(heaps, f"/cards?run={run.id}&ids={card},999999")).text
    assert one.count('class="tile card-tile') == 1
    inside = ana.get(page(heaps, f"/members?run={run.id}&card={card}")).text
    assert inside.count('role="option"') == len(heaps.members(run)[card])


def test_cards_of_the_first_objects_say_that_the_rest_comes_or_that_it_does_not(heaps: Heaps, ana: Client) -> None:
    run = heaps.ask()
    job.cut(heaps.url, heaps.home, run, Unheard(), complete=False)
    db = heaps.project.db
    db.execute("update job set status = 'done' where id = %s", [run.job_id])
    embed = "insert into job (kind, title, project_id, status) values ('embed', 'Embed', %s, 'running')"
    db.execute(embed, [heaps.project.id])
    db.commit()
    text = ana.get(page(heaps)).text
    assert "cards of the first 150 objects" in text and "is being embedded" in text
    db.execute("update job set status = 'failed' where kind = 'embed'")
    db.commit()
    text = ana.get(page(heaps)).text
    assert "the embedding of the rest has stopped" in text and 'data-command="again"' in text


def test_what_changed_since_the_page_was_made_is_offered(heaps: Heaps, ana: Client) -> None:
    run = heaps.cut()
    same = ana.get(page(heaps, f"/progress?run={run.id}&revision={run.revision}")).text
    later = ana.get(page(heaps, f"/progress?run={run.id}&revision={run.revision - 1}")).text
    assert "Show them" in later and "Show them" not in same


def test_a_visitor_looks_and_changes_nothing(heaps: Heaps, app_client: Client, make_account: Callable) -> None:
    run = heaps.cut(n_wanted=5)
    account = make_account()
    with connect(heaps.url) as db:
        set_member(db, heaps.project.id, account.id, "visitor")
    logged_in(app_client, account)
    text = app_client.get(page(heaps)).text
    assert "card-tile" in text and 'data-command="split"' not in text
    assert app_client.post(api(heaps), json={}).status_code == 403
    step = {"client_id": str(uuid4()), "kind": "split", "cards": [next(iter(heaps.members(run)))]}
    assert app_client.post(api(heaps, "/steps"), json=step).status_code == 403


def test_cards_are_not_for_anonymous_people(heaps: Heaps, app_client: Client) -> None:
    heaps.cut()
    heaps.project.db.execute("update project set visibility = 'everyone' where id = %s", [heaps.project.id])
    heaps.project.db.commit()
    assert app_client.get(page(heaps)).status_code == 303
    assert app_client.get(api(heaps), headers={"accept": "application/json"}).status_code == 401


def test_nothing_of_a_run_of_another_project_is_told(heaps: Heaps, ana: Client, make_project: Callable) -> None:
    run = heaps.cut()
    other = make_project("Other")
    with connect(heaps.url) as db:
        account = db.execute("select id from account where email = 'ana@example.org'").fetchone().id
        set_member(db, other, account, "annotator")
    assert ana.get(f"/projects/{other}/clusters?run={run.id}").status_code == 404
    assert ana.get(f"/api/v1/projects/{other}/clusters/{next(iter(heaps.members(run)))}").status_code == 404


@pytest.fixture(autouse=True)
def same_home(heaps: Heaps, app_client: Client) -> None:
    """The application has set its own home; nothing of this test lies in an index there."""
    search.configure(app_client.app.state.settings)
    mirror.forget()
