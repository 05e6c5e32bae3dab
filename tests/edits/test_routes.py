"""The page, the API and the command of mass edits: from what is asked for to what was done, and back."""

import re
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app import cli
from app.accounts.viewer import Account
from app.database import Db, connect
from app.edits import acts, tables
from app.jobs import upkeep
from app.jobs.run import run_queued
from app.projects.queries import set_member
from app.settings import Settings
from tests.small_projects import Person, SmallProject
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def manager(make_account: Any, make_member: Any, app_client: Client, bay: SmallProject) -> Account:
    account: Account = make_account()
    make_member(bay.id, account, "manager")
    logged_in(app_client, account)
    return account


def hidden_fields(html: str) -> dict[str, str]:
    """Of the form that does what was looked at."""
    form = next(form for form in re.findall(r"<form.*?</form>", html, re.DOTALL) if "client_id" in form)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def areas(db: Db) -> list[float]:
    db.rollback()
    return [row.n for row in db.execute("select numbers[1] as n from object_field order by object_id limit 3")]


def test_a_column_is_looked_at_changed_and_put_back_on_the_page(
    app_client: Client, manager: Account, bay: SmallProject, db: Db
) -> None:
    base = f"/projects/{bay.id}/edits"
    page = app_client.get(f"{base}?of=taxon%3D7").text
    assert 'value="taxon=7"' in page and 'value="object.area"' in page
    shown = app_client.post(
        f"{base}/values/preview",
        data={"way": "formula", "column": "object.area", "formula": "object.area * 2", "filters": ""},
    )
    assert shown.status_code == 200
    assert "Change 18 values" in shown.text and "object.area is missing" in shown.text
    done = app_client.post(f"{base}/values", data=hidden_fields(shown.text))
    assert done.status_code == 303
    assert areas(db) == [14, 2, 16]
    one = app_client.get(done.headers["location"]).text
    assert "<b>18</b> of 25 objects changed" in one
    assert f'hx-get="{done.headers["location"]}/undo"' in one
    looked = app_client.get(f"{done.headers['location']}/undo").text
    assert "An undo would put 18 objects back." in looked
    undone = app_client.post(f"{done.headers['location']}/undo", data=hidden_fields(looked))
    assert undone.status_code == 303
    assert areas(db) == [7, 1, 8]
    assert "Undone by" in app_client.get(done.headers["location"]).text
    assert "<button" not in app_client.get(f"{done.headers['location']}/undo").text
    assert "undone by" in app_client.get(base).text


def test_a_refusal_leaves_what_was_typed(app_client: Client, manager: Account, bay: SmallProject) -> None:
    base = f"/projects/{bay.id}/edits"
    shown = app_client.post(
        f"{base}/values/preview", data={"way": "formula", "column": "object.area", "formula": "object.ar + 1"}
    )
    assert shown.status_code == 422
    assert "no such column" in shown.text and "object.ar + 1</textarea>" in shown.text
    shown = app_client.post(f"{base}/labels/preview", data={"way": "reclassify", "to": "Oitona"})
    assert shown.status_code == 422
    assert "No taxon is called" in shown.text and 'value="Oitona"' in shown.text


def test_a_table_is_brought_looked_at_and_written(
    app_client: Client, manager: Account, bay: SmallProject, db: Db
) -> None:
    base = f"/projects/{bay.id}/edits"
    content = b"sample_id,station\nsample0,=HYPERLINK(1)\nsample9,x\n"
    brought = app_client.post(
        f"{base}/tables", data={"level": "sample"}, files={"file": ("new.csv", BytesIO(content), "text/csv")}
    )
    assert brought.status_code == 303
    shown = app_client.get(brought.headers["location"]).text
    assert "1 sample of this project; 1 line left out" in shown and "no sample “sample9”" in shown
    done = app_client.post(f"{base}/values", data=hidden_fields(shown))
    assert done.status_code == 303, done.text
    db.rollback()
    stations = [row.s for row in db.execute("select fields ->> 'station' as s from sample order by id")]
    assert stations == ["=HYPERLINK(1)", "st1", "st2"]


def test_labels_are_looked_at_erased_by_a_job_and_put_back(
    app_client: Client, manager: Account, bay: SmallProject, db: Db, ben: Any, settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(acts, "MOST_AT_ONCE", 2)
    base = f"/projects/{bay.id}/edits"
    shown = app_client.post(f"{base}/labels/preview", data={"way": "erase", "who": str(ben.id)}).text
    assert "<b>3</b> labels of 25 objects would change" in shown
    done = app_client.post(f"{base}/labels", data=hidden_fields(shown)).headers["location"]
    assert "It waits for its turn" in app_client.get(done).text
    progress = app_client.get(f"{done}/progress")
    assert "hx-get" in progress.text and "hx-refresh" not in progress.headers
    work(settings)
    assert app_client.get(f"{done}/progress").headers["hx-refresh"] == "true"
    one = app_client.get(done).text
    assert "<b>3</b> of 3 labels changed" in one
    app_client.post(f"{done}/undo", data=hidden_fields(app_client.get(f"{done}/undo").text))
    work(settings)
    assert "3 put back" in app_client.get(done).text
    db.rollback()
    assert bay.seen(bay.ids[5]) == ("V", "fiber < detritus", "Ben")


def work(settings: Settings) -> None:
    """What a worker does."""
    with connect(settings.database_url or "") as db:
        rows = db.execute("select id from job where status = 'queued' and kind = 'edit' order by id").fetchall()
    for row in rows:
        run_queued(row.id, settings, settings.database_url or "", threading.Event())


def test_programs_do_the_same(app_client: Client, manager: Account, bay: SmallProject, db: Db) -> None:
    base = f"/api/v1/projects/{bay.id}/edits"
    wish = {"level": "object", "way": "value", "column": "area", "value": "3"}
    told = app_client.post(f"{base}/values/preview", json=wish).json()
    assert (told["n_things"], told["n_changed"], told["examples"][0]["new"]) == (25, 23, "3")
    client_id = "00000000-0000-4000-8000-000000000001"
    done = app_client.post(f"{base}/values", json=wish | {"client_id": client_id, "expected": 25})
    assert done.status_code == 202
    assert app_client.post(f"{base}/values", json=wish | {"client_id": client_id, "expected": 25}).json() == done.json()
    assert areas(db) == [3, 3, 3]
    listed = app_client.get(base).json()
    assert [one["words"] for one in listed["edits"]] == ["object.area = 3"]
    act_id = done.json()["act_id"]
    assert app_client.get(f"{base}/{act_id}").json()["n_changed"] == told["n_changed"]
    again = {"client_id": "00000000-0000-4000-8000-000000000002"}
    assert app_client.post(f"{base}/{act_id}/undo", json=again).json()["n_changed"] == told["n_changed"]
    assert areas(db) == [7, 1, 8]
    table = app_client.post(f"{base}/tables", json={"level": "object", "text": "object_id\tarea\nobject1\t99\n"}).json()
    assert (table["n_rows"], table["columns"]) == (1, ["object.area"])
    wish = {"level": "object", "way": "table", "table_id": table["id"]}
    assert app_client.post(f"{base}/values", json=wish).json()["n_changed"] == 1
    labels = {"way": "reclassify", "taxon_id": bay.taxa["detritus"], "filters": f"taxon={bay.taxa['fiber']}"}
    assert app_client.post(f"{base}/labels/preview", json=labels).json()["n_labels"] == 3
    assert app_client.post(f"{base}/labels", json=labels | {"expected": 3}).json()["n_changed"] == 3
    wrong = app_client.post(f"{base}/labels", json=labels | {"expected": 3})
    assert (wrong.status_code, "3 labels then, 0 now" in wrong.json()["detail"]) == (409, True)


def test_annotators_may_read_an_edit_and_change_nothing(
    app_client: Client, manager: Account, bay: SmallProject, make_account: Any, make_member: Any
) -> None:
    done = app_client.post(
        f"/api/v1/projects/{bay.id}/edits/values",
        json={"level": "object", "way": "value", "column": "area", "value": "3"},
    ).json()
    annotator = make_account()
    make_member(bay.id, annotator, "annotator")
    logged_in(app_client, annotator)
    page = app_client.get(f"/projects/{bay.id}/edits/{done['act_id']}")
    assert page.status_code == 200 and "undo" not in page.text
    listed = app_client.get(f"/projects/{bay.id}/edits")
    assert "object.area = 3" in listed.text and "<form" not in listed.text.partition("<main")[2]
    api = f"/api/v1/projects/{bay.id}/edits"
    assert app_client.get(api).json()["edits"][0] == app_client.get(f"{api}/{done['act_id']}").json()
    for method, path in (("GET", "/undo"), ("POST", "/undo")):
        assert app_client.request(method, f"{api}/{done['act_id']}{path}", json={}).status_code == 403
    acts_page = app_client.get(f"/projects/{bay.id}/acts").text
    assert "object.area = 3" in acts_page and "#undo" not in acts_page
    logged_in(app_client, manager)
    assert f"/projects/{bay.id}/edits/{done['act_id']}#undo" in app_client.get(f"/projects/{bay.id}/acts").text


def test_an_undo_says_which_later_edit_it_waits_for(app_client: Client, manager: Account, bay: SmallProject) -> None:
    base = f"/api/v1/projects/{bay.id}/edits"
    wish = {"level": "object", "way": "value", "column": "area"}
    first, second = (
        app_client.post(f"{base}/values", json=wish | {"value": value}).json()["act_id"] for value in ("3", "4")
    )
    told = app_client.get(f"{base}/{first}/undo").json()
    assert (told["n_back"], told["n_stay"], told["n_in_bin"]) == (0, 23, 0)
    assert told["stays"] == [{"act_id": second, "words": "object.area = 4", "n": 23, "is_edit": True}]
    page = app_client.get(f"/projects/{bay.id}/edits/{first}/undo").text
    assert "23 stay, changed since" in page and "Undo these first" in page and "<button" not in page
    refused = app_client.post(f"{base}/{first}/undo", json={"client_id": "00000000-0000-4000-8000-000000000003"})
    assert (refused.status_code, f"edit {second} (object.area = 4)" in refused.json()["detail"]) == (409, True)
    assert app_client.get(f"{base}/{first}").json()["undone"] is None


@pytest.fixture
def shoal(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `shoal edit` in this process; what it says."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli.main, ["edit", *words])
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_the_command_says_what_would_change_does_it_and_takes_it_back(
    db: Db, bay: SmallProject, ada: Person, shoal: Callable[..., str], tmp_path: Path
) -> None:
    set_member(db, bay.id, ada.id, "manager")
    db.commit()
    said = shoal("set", "Bay", "object.area", "--formula", "object.area + 1", "--dry-run")
    assert "19 values of 25 objects would change" in said and "object.area is missing" in said
    assert areas(db) == [7, 1, 8]
    shoal("set", "Bay", "object.area", "--formula", "object.area + 1", "--as", "ada@example.org")
    assert areas(db) == [8, 2, 9]
    file = tmp_path / "new.tsv"
    file.write_text("object_id\tobject_area\nobject1\t5\nghost\t6\n")
    assert "no object “ghost”" in shoal("table", "Bay", "object", str(file))
    said = shoal("labels", "Bay", "erase", "--by", "ben@example.org")
    assert "3 labels of 25 objects" in said and "3 changed" in said
    db.rollback()
    assert bay.seen(bay.ids[5])[0] == "U"
    listed = shoal("list", "Bay").splitlines()
    assert ["labels erased, of Ben" in listed[0], "from a table" in listed[1]] == [True, True]
    assert "1 put back" in shoal("undo", "Bay", listed[1].split("\t")[0])
    assert "3 put back" in shoal("undo", "Bay", listed[0].split("\t")[0])
    assert areas(db) == [8, 2, 9]
    assert "with its level" in shoal("set", "Bay", "area", "--value", "1", code=1)
    assert "Say which taxon they get" in shoal("labels", "Bay", "reclassify", code=1)
    new = shoal("set", "Bay", "object.half", "--formula", "area / 2", "--new", "number", "--dry-run")
    assert "object.half\tnothing\t→ 4.0" in new
    parted = shoal("set", "Bay", "object.note", "--value", "a\tb")
    assert "\tobject.note\t" in parted and parted.splitlines()[1].endswith("\t→ a b")
    assert shoal("list", "Bay").splitlines()[0].count("\t") == 4
    same = shoal("set", "Bay", "object.date", "--value", "2024-06-01")
    assert "0 values of 25 objects would change" in same and "Nothing was done" in same
    assert len(shoal("list", "Bay").splitlines()) == 4


def test_the_page_offers_everybody_whose_labels_stand(
    app_client: Client, manager: Account, bay: SmallProject, db: Db, ada: Person, ben: Person
) -> None:
    cleo = db.execute("insert into account (email, name) values ('c@example.org', 'Cleo') returning id").fetchone().id
    db.execute("update label set account_id = %s where project_id = %s and account_id = %s", [cleo, bay.id, ben.id])
    db.commit()
    page = app_client.get(f"/projects/{bay.id}/edits").text
    people = re.findall(r'<option value="(\d+)">', page.partition("Given by")[2].partition("</select>")[0])
    assert {int(one) for one in people} == {ada.id, cleo}


@pytest.mark.parametrize("role", [None, "visitor", "annotator"])
def test_who_is_named_for_a_command_needs_the_right_to_it(
    db: Db, bay: SmallProject, ada: Person, shoal: Callable[..., str], tmp_path: Path, role: str | None
) -> None:
    shoal("set", "Bay", "object.area", "--value", "3")
    if role:
        set_member(db, bay.id, ada.id, role)
        db.commit()
    number = shoal("list", "Bay").split("\t")[0]
    (file := tmp_path / "t.csv").write_text("object_id,area\nobject1,5\n")
    for words in (
        ["set", "Bay", "object.area", "--value", "4"], ["table", "Bay", "object", str(file)],
        ["labels", "Bay", "erase"], ["undo", "Bay", number],
    ):  # fmt: skip
        told = shoal(*words, "--as", ada.email, code=1)
        assert f"{ada.email} may not edit in mass in this project" in told and str(role or "none") in told
    assert areas(db) == [3, 3, 3]
    assert db.execute("select count(*) from edit_table").fetchone()[0] == 0


def test_tables_that_nobody_used_go_after_a_day(db: Db, bay: SmallProject, settings: Settings) -> None:
    told = tables.take_in(db, bay.id, None, "object", "t.csv", b"object_id,area\nobject1,2\n")
    db.execute("update edit_table set created_at = now() - interval '2 days'")
    db.commit()
    upkeep.do("sweep_uploads", settings, settings.database_url or "")
    db.rollback()
    assert db.execute("select count(*) from edit_table where id = %s", [told.id]).fetchone()[0] == 0
    assert db.execute("select count(*) from edit_row").fetchone()[0] == 0


def test_what_is_wrong_is_said_once(app_client: Client, manager: Account, bay: SmallProject) -> None:
    base = f"/projects/{bay.id}/edits"
    shown = app_client.post(f"{base}/labels/preview", data={"way": "reclassify", "to": " "})
    assert (shown.status_code, "Say which taxon the labels get." in shown.text) == (422, True)
    shown = app_client.post(f"{base}/labels/preview", data={"way": "erase", "filters": "depth=deep"})
    assert "Take it away" in shown.text
    assert "not obeyed" not in shown.text and ".. Take" not in shown.text
    shown = app_client.post(f"{base}/values/preview", data={"way": "value", "column": "object.area", "value": "7"})
    told = "<b>23</b> values of 25 objects would change"
    assert told in shown.text and "2 are so already" in shown.text
