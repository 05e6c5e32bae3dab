"""Versions by page, API and job: frozen, proposed to, decided, learned from, and named by references."""

import threading
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from app.database import Db
from app.frozen import doing
from app.jobs.run import run_queued
from app.projects.members import set_member
from app.settings import Settings
from tests.small_projects import SmallProject, make_project
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def bay(db: Db, app_client: Client, make_account: Any, make_member: Any) -> tuple[SmallProject, Any]:
    """A project with three validated objects, and its manager, logged in."""
    made = make_project(db, 6, "Bay")
    db.commit()
    account = make_account("ada@example.org")
    make_member(made.id, account, "manager")
    made.do(account, made.ids[:3], taxon="Oithona")
    db.commit()
    logged_in(app_client, account)
    return made, account


def test_the_page_freezes_decides_and_learns(db: Db, app_client: Client, bay: tuple[SmallProject, Any]) -> None:
    project, ada = bay
    home = f"/projects/{project.id}/versions"
    assert "None yet." in app_client.get(home).text
    refused = app_client.post(home, data={"title": " ", "note": "kept"})
    assert refused.status_code == 422
    assert "kept</textarea>" in refused.text
    assert app_client.post(home, data={"title": "Spring"}).status_code == 303
    project.do(ada, project.ids[:2], taxon="Copepoda")
    db.commit()
    assert app_client.post(f"{home}/look").status_code == 303
    page = app_client.get(home).text
    assert "2 to decide, 0 accepted" in page
    assert "Tick the proposals" in app_client.post(f"{home}/decide", data={"do": "accept"}).text
    one = {"do": "accept", "object_ids": str(project.ids[0])}
    assert app_client.post(f"{home}/decide", data=one).status_code == 303
    assert app_client.post(f"{home}/decide", data={"do": "refuse", "all": "yes"}).status_code == 303
    assert "0 to decide, 1 accepted" in app_client.get(home).text
    assert app_client.post(home, data={"title": "Summer"}).status_code == 303
    made = app_client.post(f"{home}/2/learn")
    assert (made.status_code, "/learning-sets/" in made.headers["location"]) == (303, True)


def test_the_api_does_the_same(db: Db, app_client: Client, bay: tuple[SmallProject, Any]) -> None:
    project, ada = bay
    base = f"/api/v1/projects/{project.id}/versions"
    frozen = app_client.post(base, json={"title": "Spring"})
    assert (frozen.status_code, frozen.json()["version"]["n_objects"]) == (201, 3)
    project.do(ada, project.ids[3:5], taxon="fiber")
    db.commit()
    assert app_client.post(f"{base}/look").json()["n"] == 2
    told = app_client.get(f"{base}/proposals").json()
    assert [(one["kind"], one["new_taxon"]) for one in told["page"]] == [("added", "fiber < detritus")] * 2
    assert app_client.post(f"{base}/accept", json={"object_ids": [project.ids[3]]}).json()["n"] == 1
    assert app_client.post(f"{base}/refuse", json={}).json()["n"] == 1
    assert app_client.post(f"{base}/refuse", json={"object_ids": [-1]}).status_code == 422
    assert app_client.post(base, json={"title": "Summer"}).json()["version"]["n_objects"] == 4
    assert [one["title"] for one in app_client.get(base).json()] == ["Summer", "Spring"]


def test_a_reference_names_a_version(
    db: Db, app_client: Client, bay: tuple[SmallProject, Any], make_member: Any
) -> None:
    project, ada = bay
    gulf = make_project(db, 2, "Gulf")
    db.commit()
    make_member(gulf.id, ada, "manager")
    app_client.post(f"/api/v1/projects/{project.id}/versions", json={"title": "Spring"})
    reference = f"/projects/{gulf.id}/references/{project.id}"
    app_client.put(f"/api/v1{reference}")
    assert "as in version 1, Spring" in app_client.get(f"/projects/{gulf.id}/references").text
    assert app_client.post(f"{reference}/version", data={"number": "1"}).status_code == 303
    [told] = app_client.get(f"/api/v1/projects/{gulf.id}/references").json()["references"]
    assert (told["number"], told["versions"]) == (1, {"1": "Spring"})
    assert app_client.put(f"/api/v1{reference}/version", json={"number": 9}).status_code == 404
    assert app_client.put(f"/api/v1{reference}/version", json={}).status_code == 204
    [told] = app_client.get(f"/api/v1/projects/{gulf.id}/references").json()["references"]
    assert told["number"] is None


def test_a_large_project_is_frozen_by_a_job(
    app_client: Client, bay: tuple[SmallProject, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = bay
    monkeypatch.setattr(doing, "MOST_AT_ONCE", 2)
    base = f"/api/v1/projects/{project.id}/versions"
    asked = app_client.post(base, json={"title": "Spring"}).json()
    assert (asked["version"], asked["job_id"] > 0) == (None, True)
    assert app_client.post(f"{base}/look").status_code == 409
    assert "A job is at work" in app_client.get(f"/projects/{project.id}/versions").text
    run_queued(asked["job_id"], settings, settings.database_url, threading.Event())
    assert [one["n_objects"] for one in app_client.get(base).json()] == [3]


def test_the_command_freezes_and_tells_what_changed(
    db: Db, bay: tuple[SmallProject, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, ada = bay
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def shoal(*words: str) -> str:
        answer = CliRunner().invoke(main, list(words))
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "No version yet" in shoal("freeze", "Bay")
    assert "Version 1, Spring: 3 objects of 1 taxon." in shoal("freeze", "Bay", "--title", "Spring")
    project.do(ada, project.ids[:1], taxon="Copepoda")
    db.execute("update project set created_by = %s", [ada.id])
    db.commit()
    told = shoal("freeze", "Bay")
    assert "renamed\t1\tOithona\tCopepoda" in told
    assert "1 changes since version 1, 0 accepted." in told
    made = shoal("learning-set", "make", "Bay", "--frozen", "Bay=1", "--title", "Spring")
    assert "3 objects of 1 taxon" in made
    assert "1 changes accepted." in shoal("freeze", "Bay", "--accept-all", "--title", "Summer")
    ben = db.execute("insert into account (email, name) values ('ben@example.org', 'Ben') returning id").fetchone().id
    db.commit()
    refused = CliRunner().invoke(main, ["freeze", "Bay", "--title", "Autumn", "--as", "ben@example.org"])
    assert refused.exit_code == 1 and "ben@example.org may not freeze" in refused.output
    set_member(db, project.id, ben, "manager")
    project.do(ada, project.ids[1:2], taxon="Copepoda")
    db.commit()
    shoal("freeze", "Bay", "--accept-all", "--title", "Autumn", "--as", "ben@example.org")
    assert db.execute("select account_id from frozen_version where title = 'Autumn'").fetchone().account_id == ben
