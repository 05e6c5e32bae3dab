"""The page, the API and the command: from the link to the labels that were sent."""

import threading
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.datastructures import State

from app.cli import main
from app.database import connect
from app.jobs.run import run_queued
from app.settings import Settings
from tests.ecotaxa.conftest import Traveller
from tests.ecotaxa.server import MANAGER, Remote
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def home(app_client: Client, make_account: Any, make_member: Any, make_project: Any, sea: Remote) -> str:
    """A manager's project on a server that may talk to the small EcoTaxa; its page's address."""
    told = app_client.app.state
    app_client.app.state = State(
        {**told._state, "settings": Settings(**(told.settings.__dict__ | {"ecotaxa_servers": sea.address}))}
    )
    account, project_id = make_account("ada@example.org"), make_project("Bay")
    make_member(project_id, account, "manager")
    logged_in(app_client, account)
    return f"/projects/{project_id}/ecotaxa"


def work(settings: Settings) -> None:
    """What a worker does."""
    with connect(settings.database_url) as db:
        rows = db.execute("select id from job where status = 'queued' and kind = 'ecotaxa' order by id").fetchall()
    for row in rows:
        run_queued(row.id, settings, settings.database_url, threading.Event())


def test_the_page_links_pulls_decides_and_sends(app_client: Client, home: str, sea: Remote, settings: Settings) -> None:
    assert "Address of the project there" in app_client.get(home).text
    assert app_client.post(f"{home}/link", data={"address": f"{sea.address}/prj/42"}).status_code == 303
    assert app_client.post(f"{home}/visits", data={"action": "pull", "token": MANAGER}).status_code == 303
    running = app_client.get(home).text
    assert f'hx-get="{home}/progress"' in running
    assert MANAGER not in running
    work(settings)
    assert app_client.get(f"{home}/progress").headers["hx-refresh"] == "true"
    page = app_client.get(home).text
    assert "Villefranche, Point B" in page
    assert "Both sides say the same." in page

    sea.sea.label("o1", 99001)
    _relabel(settings, "Copepoda")
    app_client.post(f"{home}/visits", data={"action": "compare", "token": MANAGER})
    work(settings)
    page = app_client.get(home).text
    assert "1 label changed on both sides" in page
    assert "1 label to send" in page
    told = app_client.post(f"{home}/conflicts", data={"keep": "ours"})
    assert told.status_code == 422
    assert "Tick the objects" in told.text
    assert app_client.post(f"{home}/conflicts", data={"keep": "ours", "all": "yes"}).status_code == 303
    for action in ("compare", "push"):
        app_client.post(f"{home}/visits", data={"action": action, "token": MANAGER})
        work(settings)
    assert [sea.sea.find(name).taxon for name in ("o1", "o2")] == [45072, 45072]
    assert app_client.post(f"{home}/unlink").status_code == 303
    assert "Address of the project there" in app_client.get(home).text


def _relabel(settings: Settings, taxon: str) -> None:
    with connect(settings.database_url) as db:
        db.execute(
            """
            update label
            set taxon_id = taxon.id, version = version + 1
            from object, taxon
            where object.project_id = label.project_id
              and object.id = label.object_id
              and object.orig_id in ('o1', 'o2')
              and taxon.name = %s
            """,
            [taxon],
        )


@pytest.mark.parametrize(
    ("address", "says"),
    [("ecotaxa", "is no address of an EcoTaxa"), ("http://10.0.0.1/prj/1", "SHOAL_ECOTAXA_SERVERS"),
     ("", "is no address"), ("https://ecotaxa.obs-vlfr.fr", "Say which project of EcoTaxa")],
)  # fmt: skip
def test_a_link_that_cannot_be_is_refused_with_what_was_typed(
    app_client: Client, home: str, address: str, says: str
) -> None:
    told = app_client.post(f"{home}/link", data={"address": address})
    assert told.status_code == 422
    assert says in told.text
    assert f'value="{address}"' in told.text


def test_the_api_does_the_same(app_client: Client, home: str, sea: Remote, settings: Settings) -> None:
    base = f"/api/v1{home}"
    assert app_client.get(base).status_code == 404
    assert app_client.post(f"{base}/conflicts", json={"keep": "ours"}).status_code == 404
    linked = app_client.put(base, json={"address": sea.address, "remote_id": 42})
    assert (linked.status_code, linked.json()["remote_id"]) == (200, 42)
    asked = app_client.post(f"{base}/visits", json={"action": "pull", "token": MANAGER})
    assert (asked.status_code, asked.json()["status"]) == (202, "queued")
    assert app_client.delete(base).status_code == 409
    work(settings)
    done = app_client.get(f"{base}/visits/{asked.json()['id']}").json()
    assert (done["status"], done["report"]["n_new"]) == ("done", 7)

    sea.sea.label("o1", 99001)
    _relabel(settings, "Copepoda")
    app_client.post(f"{base}/visits", json={"action": "compare", "token": MANAGER})
    work(settings)
    sends = app_client.get(f"{base}/differences", params={"kind": "send"}).json()
    assert [(one["orig_id"], one["theirs"], one["ours"]) for one in sends] == [("o2", "fiber", "Copepoda")]
    conflicts = app_client.get(f"{base}/differences", params={"kind": "conflict"}).json()
    numbers = [one["remote_id"] for one in conflicts]
    assert app_client.post(f"{base}/conflicts", json={"keep": "theirs", "remote_ids": numbers}).json() == {"n": 1}
    assert app_client.get(f"{base}/taxa").json() == []
    assert app_client.put(f"{base}/taxa", json={"taxa": {"999999": 5}}).status_code == 422
    assert app_client.put(f"{base}/taxa", json={"taxa": {"x": 5}}).status_code == 422
    assert app_client.delete(base).status_code == 204


@pytest.fixture
def shoal(traveller: Traveller, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `shoal ecotaxa` in this process, on this test's database, where Ada is an application manager."""
    settings = traveller.place.settings
    traveller.db.execute("update account set is_application_manager = true")
    traveller.db.execute("delete from ecotaxa_link")
    traveller.db.commit()
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("SHOAL_ECOTAXA_TOKEN", MANAGER)

    def run(*words: str, code: int = 0, typed: str | None = None) -> str:
        answer = CliRunner().invoke(main, ["ecotaxa", *words], input=typed)
        assert answer.exit_code == code, answer.output
        return answer.output

    return run


def test_the_command_pulls_shows_and_sends(traveller: Traveller, shoal: Any, tmp_path: Any) -> None:
    url = f"{traveller.remote.address}/prj/42"
    assert "7 objects at EcoTaxa: 7 objects taken in, and 0 labels." in shoal("pull", url, "Test")
    traveller.db.execute("insert into taxon (name, display_name) values ('rolled', 'rolled')")
    traveller.label("o1", "rolled")
    traveller.label("o5", "Copepoda")
    told = shoal("push", url, "Test", "--dry-run", code=3)
    assert "send\t1\tno label\tvalidated Copepoda" in told
    assert "unmapped\t1\tvalidated Oithona\tvalidated rolled" in told
    assert traveller.sea.classified == []
    mapping = tmp_path / "mapping.tsv"
    mapping.write_text("rolled\t99009\n")
    old = shoal("push", url, "Test", "--dry-run", "--mapping", str(mapping), code=3)
    assert "no category\t1\trolled\t99009: old fiber, deprecated there" in old
    mapping.write_text("rolled\t5\n")
    none = shoal("push", url, "Test", "--dry-run", "--mapping", str(mapping), code=3)
    assert "no category\t1\trolled\t5: unknown there" in none
    assert traveller.db.execute("select from ecotaxa_taxon").fetchall() == [], "only looked at"
    rolled = traveller.db.execute("select id from taxon where name = 'rolled'").fetchone().id
    mapping.write_text(f"{rolled}\t99001\n")
    assert "Send 2 labels to EcoTaxa?" in shoal("push", url, "Test", "--mapping", str(mapping), typed="n\n")
    assert "2 labels sent." in shoal("push", url, "Test", "--yes")
    assert [traveller.sea.find(name).taxon for name in ("o1", "o5")] == [99001, 45072]


def test_a_project_that_was_made_for_a_pull_that_failed_is_gone_again(traveller: Traveller, shoal: Any) -> None:
    shoal("pull", f"{traveller.remote.address}/prj/4242", "Fresh", "--create", "--as", "ada@example.org", code=1)
    assert traveller.db.execute("select from project where title = 'Fresh'").fetchall() == []


def test_the_token_is_asked_for_or_got_by_logging_in(
    traveller: Traveller, shoal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{traveller.remote.address}/prj/42"
    monkeypatch.delenv("SHOAL_ECOTAXA_TOKEN")
    told = shoal("pull", url, "New", "--create", "--as", "ada@example.org", typed="\nada@example.org\nSecret!9\n")
    assert "7 objects taken in" in told
    assert "Secret!9" not in told
    told = shoal("pull", url, "New", typed="wrong-token\n", code=1)
    assert "does not let this token do that" in told
    assert "wrong-token" not in told
