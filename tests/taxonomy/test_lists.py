"""Lists of taxa by page, by API and by command: for application managers, and nothing changes before they say so."""

import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from app.database import connect
from app.jobs.run import run_queued
from app.settings import Settings
from app.taxonomy.portable import write_list
from tests.small_projects import make_project
from tests.web_fixtures import Client, bearer, logged_in, rows

CSV = "name,parent,type\nliving,,P\nCopepoda,living,P\negg,Copepoda,M\n"


@pytest.fixture
def at_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands work on this test's home and database."""
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)


@pytest.fixture
def boss(make_account: Any) -> Any:
    return make_account("boss@example.org", is_application_manager=True)


def work(settings: Settings) -> None:
    """What a worker does."""
    for row in rows(settings.database_url, "select id from job where status = 'queued' order by id"):
        run_queued(row.id, settings, settings.database_url, threading.Event())


def names(database_url: str) -> list[str]:
    return [row.name for row in rows(database_url, "select name from taxon order by id")]


def test_a_list_is_sent_looked_at_and_taken_in(app_client: Client, boss: Any, settings: Settings) -> None:
    page = logged_in(app_client, boss)
    assert "No list was brought yet" in page.get("/taxonomy/lists").text
    sent = page.post("/taxonomy/lists", files={"file": ("mine.csv", CSV.encode())})
    place = sent.headers["location"]
    assert "being compared" in page.get(place).text
    assert "hx-trigger" in page.get(f"{place}/progress").text
    work(settings)
    told = page.get(place).text
    assert "egg under Copepoda" in told and names(settings.database_url) == []
    assert page.get(f"{place}/progress?waits=true").headers["hx-refresh"] == "true"
    assert page.post(f"{place}/bring").status_code == 303
    work(settings)
    assert names(settings.database_url) == ["living", "Copepoda", "egg"]
    assert "taken in" in page.get("/taxonomy/lists").text
    assert page.post(f"{place}/bring").status_code == 409


def test_programs_send_bring_and_fetch_lists(app_client: Client, boss: Any, settings: Settings) -> None:
    headers, url = bearer(settings.database_url, boss), "/api/v1/taxa/lists"
    sent = app_client.post(f"{url}?name=mine.csv", content=CSV, headers=headers)
    assert sent.status_code == 202
    one = f"{url}/{sent.json()['import_id']}"
    work(settings)
    assert app_client.get(one, headers=headers).json()["report"]["n_new"] == 3
    assert app_client.post(f"{one}/bring", json={}, headers=headers).status_code == 202
    work(settings)
    assert [done["status"] for done in app_client.get(url, headers=headers).json()] == ["done"]
    answer = app_client.get("/api/v1/taxa/portable", headers=headers)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("taxa.csv").decode().count("\n") == 4
    assert list((settings.home / "taxa").glob("taxa-*")) == []


def test_only_application_managers_bring_lists(app_client: Client, make_account: Any, settings: Settings) -> None:
    page = logged_in(app_client, make_account())
    assert page.get("/taxonomy/lists").status_code == 403
    assert page.get("/taxonomy/portable").status_code == 403
    assert page.post("/taxonomy/lists", files={"file": ("mine.csv", b"name\nx\n")}).status_code == 403


def test_a_list_that_cannot_be_read_says_why(app_client: Client, boss: Any, settings: Settings) -> None:
    page = logged_in(app_client, boss)
    assert page.post("/taxonomy/lists", data={"x": "y"}).status_code == 422
    place = page.post("/taxonomy/lists", files={"file": ("odd.csv", b"a,b\n1,2\n")}).headers["location"]
    work(settings)
    assert "has no column of names" in page.get(place).text
    assert page.get("/taxonomy/lists/999").status_code == 404


def test_the_command_brings_and_writes_lists(settings: Settings, tmp_path: Path, at_home: None) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    said = CliRunner().invoke(main, ["taxonomy", "import", str(path), "--dry-run"])
    assert (said.exit_code, "3 new" in said.output) == (0, True), said.output
    assert names(settings.database_url) == []
    assert CliRunner().invoke(main, ["taxonomy", "import", str(path)]).exit_code == 0
    assert len(names(settings.database_url)) == 3
    written = CliRunner().invoke(main, ["taxonomy", "export", str(tmp_path / "out.zip")])
    assert (written.exit_code, "3 taxa" in written.output) == (0, True), written.output
    path.write_text("name,parent\nx,nobody\n")
    refused = CliRunner().invoke(main, ["taxonomy", "import", str(path)])
    assert refused.exit_code == 1 and "fault" in refused.output
    with connect(settings.database_url) as db:
        assert db.execute("select count(*) from taxon").fetchone()[0] == 3


def test_the_command_says_how_many_faults_it_does_not_show(tmp_path: Path, at_home: None) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("name,aphia_id\nRa,1\n" + "".join(f"R{n},x{n}\n" for n in range(15)))
    for options in (["--dry-run"], ["--without-faulty"]):
        said = CliRunner().invoke(main, ["taxonomy", "import", str(path), *options])
        assert said.exit_code == 0 and said.output.count("no positive") == 10, said.output
        assert "… and 5 more: --all says them." in said.output
    said = CliRunner().invoke(main, ["taxonomy", "import", str(path), "--dry-run", "--all"])
    assert said.output.count("no positive") == 15 and "more" not in said.output


def test_preset_lists_are_counted_where_they_are_set_and_told_where_two_projects_or_none_are_called_so(
    app_client: Client, boss: Any, settings: Settings, tmp_path: Path, at_home: None
) -> None:
    path = tmp_path / "port.zip"
    with connect(settings.database_url, autocommit=True) as db:
        bay = make_project(db, 2, title="Bay")
        make_project(db, 2, title="Gulf")
        for id in (1, 2):
            db.execute("insert into preset_taxon values (%s, %s, 1)", [id, bay.taxa["Oithona"]])
        write_list(db, path)
        db.execute("delete from preset_taxon")
        db.execute("insert into project (title) values ('Bay')")
    said = CliRunner().invoke(main, ["taxonomy", "import", str(path), "--with-presets"])
    assert "1 preset taxon set." in said.output
    assert "2 projects are called “Bay”: the preset list of none is changed." in said.output
    assert [row.project_id for row in rows(settings.database_url, "select project_id from preset_taxon")] == [2]
    page = logged_in(app_client, boss).get("/taxonomy/lists/1").text
    assert "1 preset taxon" in page and "2 projects are called “Bay”" in page
    rows(settings.database_url, "update project set title = 'Sound' where title = 'Bay' returning id")
    assert (
        "no project is called “Bay”"
        in CliRunner().invoke(main, ["taxonomy", "import", str(path), "--with-presets"]).output
    )
