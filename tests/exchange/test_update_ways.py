"""Updates by the API and by the command: looked at, written, taken back, and refused to those who may not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.exchange.command import import_command
from app.jobs import foreground
from app.settings import Settings
from tests.exchange.conftest import Workplace, picture
from tests.web_fixtures import Client, bearer

TABLE = "object_id\tobject_area\n[t]\t[f]\n"


def write(folder: Path, *rows: str) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "ecotaxa_t.tsv").write_text(TABLE + "\n".join(rows) + "\n")
    return folder


def bundle_of(folder: Path) -> Path:
    """Two objects with an image and an area each."""
    folder.mkdir(parents=True)
    head = "object_id\timg_file_name\tobject_area\n[t]\t[t]\t[f]\n"
    (folder / "ecotaxa_t.tsv").write_text(head + "o1\ta.png\t1\no2\ta.png\t2\n")
    (folder / "a.png").write_bytes(picture())
    return folder


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    bundle_of(tmp_path / "opened" / "leg")
    write(tmp_path / "opened" / "new", "o1\t9", "o9\t1")
    return tmp_path / "opened"


@pytest.fixture
def settings(settings: Settings, opened: Path) -> Settings:
    return replace(settings, import_roots=str(opened))


@pytest.fixture
def ask(app_client: Client, settings: Settings, make_account: Callable, make_project: Callable) -> Any:
    """Sends a request of the project's imports as its manager, and does the job that it queues."""
    manager = make_account()
    project_id = make_project(manager=manager)
    headers = bearer(settings.database_url, manager)

    def send(method: str, path: str = "", **body: Any) -> Any:
        url = f"/api/v1/projects/{project_id}/imports{path}"
        answer = app_client.request(method, url, headers=headers, **({"json": body} if method == "POST" else {}))
        if answer.status_code == 202:
            foreground.run_waiting(settings, settings.database_url, answer.json()["job_id"])
        return answer

    return send


def areas(db: Any) -> list[float]:
    rows = db.execute("select numbers[1] as area from object_field order by object_id").fetchall()
    db.commit()
    return [row.area for row in rows]


def test_the_api_tells_the_differences_writes_them_and_takes_them_back(ask: Any, db: Any) -> None:
    ask("POST", source="leg")
    ask("POST", source="new", update="fields", dry_run=True)
    seen = ask("GET").json()[0]
    assert (seen["status"], seen["report"]["n_values"]) == ("asking", 1)
    assert seen["report"]["left_out"][0]["message"] == "This project has no object “o9”."
    assert areas(db) == [1, 2]

    ask("POST", source="new", update="fields")
    done = ask("GET").json()[0]
    assert (done["id"], done["status"], done["report"]["n_values"]) == (seen["id"], "done", 1)
    assert areas(db) == [9, 2]
    assert ask("POST", f"/{done['id']}/undo").status_code == 202
    assert areas(db) == [1, 2]

    again = ask("POST", f"/{done['id']}/undo")
    assert (again.status_code, "nothing to take back" in again.json()["detail"]) == (409, True)
    first = ask("GET").json()[-1]
    assert "added objects" in ask("POST", f"/{first['id']}/undo").json()["detail"]
    assert ask("POST", "/999/undo").status_code == 404
    wrong = ask("POST", source="new", update="some")
    assert (wrong.status_code, "fields or all" in wrong.json()["detail"]) == (422, True)


@pytest.fixture
def call(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("DATABASE_URL", workplace.settings.database_url)
    monkeypatch.setenv("SHOAL_HOME", str(workplace.settings.home))

    def run(*arguments: object) -> Result:
        workplace.db.commit()
        return CliRunner().invoke(import_command, [str(argument) for argument in arguments])

    return run


def test_the_command_tells_the_differences_and_writes_them(
    call: Callable[..., Result], workplace: Workplace, tmp_path: Path
) -> None:
    assert call(bundle_of(tmp_path / "leg2"), "--project", "test").exit_code == 0
    table = write(tmp_path / "new2", "o1\t9", "o9\t1") / "ecotaxa_t.tsv"

    seen = call(table, "--project", "test", "--update", "fields", "--dry-run")
    assert seen.exit_code == 0, seen.output
    assert "left out: ecotaxa_t.tsv, line 4: This project has no object “o9”." in seen.output
    assert "Would change 1 value from 2 rows. 1 row is left out." in seen.output
    assert areas(workplace.db) == [1, 2]

    done = call(table, "--project", "test", "--update", "all")
    assert done.exit_code == 0, done.output
    assert "Changed 1 value from 2 rows." in done.output
    assert "taken back" in done.output
    again = call(table, "--project", "test", "--update", "all")
    assert "Nothing differs" in again.output and "taken back" not in again.output
    assert areas(workplace.db) == [9, 2]


def test_an_update_does_not_make_a_project_nor_watch(call: Callable[..., Result], tmp_path: Path) -> None:
    folder = write(tmp_path / "new3", "o1\t9")
    for more in ("--create", "--watch"):
        refused = call(folder, "--project", "test", "--update", "fields", more)
        assert "--update" in str(refused.exception)


def test_a_folder_without_a_table_is_no_update(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(picture())
    refused = call(tmp_path / "images", "--project", "test", "--update", "fields")
    assert "holds no EcoTaxa table" in refused.output + str(refused.exception)
