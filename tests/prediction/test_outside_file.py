"""Predictions that come as a parquet file: taken in whole as a run of a classifier's version, or leaving nothing."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("pyarrow", reason="parquet needs pip install 'shoal[parquet]'")

import pyarrow as pa
from pyarrow import parquet

from app.accounts.viewer import Account
from app.cli import main
from app.errors import Refused
from app.jobs import foreground
from app.prediction import outside, outside_file, summaries
from app.prediction.outside_file import Wish
from app.settings import Settings
from tests.prediction.conftest import Bay
from tests.small_projects import Person
from tests.web_fixtures import logged_in


def write(path: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leg3.parquet"


def take_in(bay: Bay, settings: Settings, path: Path, **wish: Any) -> int:
    wish = {"title": "Leg 3"} | wish
    project = bay.project.db.execute("select id, status from project").fetchone()
    run_id, job_id = outside_file.start(bay.project.db, project, None, path, Wish(**wish))
    bay.project.db.commit()
    foreground.run_waiting(settings, settings.database_url, job_id)
    return run_id


def run(bay: Bay, run_id: int) -> Any:
    bay.project.db.rollback()
    return bay.project.db.execute("select * from run where id = %s", [run_id]).fetchone()


def rows(bay: Bay) -> list[Any]:
    return bay.project.db.execute("select * from prediction order by object_id").fetchall()


def test_columns_of_names_become_a_shown_run(bay: Bay, settings: Settings, path: Path) -> None:
    ids, taxa = bay.project.ids, bay.project.taxa
    write(
        path, object_id=ids[:3], taxon=["Oithona", "fiber < detritus", "Oithona"], score=[0.75, 0.5, 1.0],
        taxon_2=["fiber", None, None], score_2=[0.25, None, None], novelty=[0.5, 0.999, 0.0],
    )  # fmt: skip
    run_id = take_in(bay, settings, path, classifier="ResNet")
    told = run(bay, run_id)
    assert told.completed_at is not None and told.n_predictions == 3
    assert bay.project.db.execute("select current_run_id from project").fetchone()[0] == run_id
    first, second, _ = rows(bay)
    assert [first.taxon_id, first.score, first.taxon_2_id, first.score_2] == [
        taxa["Oithona"],
        0.75,
        taxa["fiber"],
        0.25,
    ]
    assert (second.taxon_id, second.taxon_2_id) == (taxa["fiber"], None)
    summary = summaries.read(told.summary)
    assert (summary.n, summary.n_confident, summary.n_novel) == (3, 1, 1)
    classifier = bay.project.db.execute("select * from classifier").fetchone()
    assert (classifier.title, classifier.version, classifier.method) == ("ResNet", 1, "outside")
    assert classifier.taxa == sorted([taxa["Oithona"], taxa["fiber"]]) and told.classifier_id == classifier.id
    assert not path.exists()


def test_lists_of_ids_and_original_names_of_objects_do_too(bay: Bay, settings: Settings, path: Path) -> None:
    taxa = bay.project.taxa
    write(
        path, orig_id=["object2", "nobody", "object5"], taxa=[[taxa["Oithona"], taxa["fiber"]], [taxa["fiber"]]] * 1
        + [[taxa["fiber"]]], scores=[[0.5, 0.25], [0.5], [0.5]],
    )  # fmt: skip
    run_id = take_in(bay, settings, path, publish=False)
    assert [row.object_id for row in rows(bay)] == [bay.project.ids[1], bay.project.ids[4]]
    assert run(bay, run_id).completed_at is not None
    assert bay.project.db.execute("select current_run_id from project").fetchone()[0] is None


def test_each_run_is_the_next_version_unless_one_is_named(bay: Bay, settings: Settings, path: Path) -> None:
    for wish in ({}, {}, {"version": 7}, {"version": 7}, {}):
        write(path, object_id=bay.project.ids[:1], taxon=["Oithona"], score=[0.5])
        take_in(bay, settings, path, classifier="ResNet", **wish)
    versions = bay.project.db.execute(
        "select version from run join classifier on classifier.id = run.classifier_id order by run.id"
    ).fetchall()
    assert [row.version for row in versions] == [1, 2, 7, 7, 8]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"object": [1]}, "needs object_id or orig_id"),
        ({"object_id": [1], "taxon": ["Oithona"]}, "needs object_id or orig_id"),
        ({"object_id": ["1"], "taxon": ["Oithona"], "score": [0.5]}, "no whole numbers"),
        ({"object_id": pa.array([], pa.int64()), "taxon": [], "score": []}, "no rows"),
        ({"object_id": [1], "taxa": [3], "scores": [[0.5]]}, "column taxa holds int64: give a list"),
        ({"object_id": [1], "taxon": ["Oithona"], "score": [0.5], "novelty": ["odd"]}, "column novelty holds string"),
    ],
)
def test_columns_that_do_not_fit_are_refused_at_once(
    bay: Bay, settings: Settings, path: Path, columns: dict[str, Any], said: str
) -> None:
    write(path, **columns)
    with pytest.raises(Refused, match=said):
        take_in(bay, settings, path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"taxon": ["Oithona", "Nessie"]}, "not known here: Nessie"),
        ({"score": [0.5, 1.5]}, "between 0 and 1"),
        ({"score": [0.5, None]}, "scores are numbers"),
        ({"score": [0.5, float("nan")]}, "between 0 and 1"),
        ({"taxon": ["Oithona", None]}, "one to 3 different taxa"),
        ({"novelty": [0.5, None]}, "give all of them one"),
        ({"novelty": [0.5, 2.0]}, "lies between 0"),
        ({"object_id": [10**12, 10**12 + 1]}, "None of the 2 rows"),
    ],
)
def test_a_row_that_cannot_be_leaves_nothing(
    bay: Bay, settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(outside_file, "ROWS", 1)
    write(path, **({"object_id": bay.project.ids[:2], "taxon": ["Oithona"] * 2, "score": [0.5, 0.5]} | changed))
    with pytest.raises(Refused, match=said):
        take_in(bay, settings, path)
    bay.project.db.rollback()
    assert bay.project.db.execute("select count(*) from run").fetchone()[0] == 0 and not rows(bay)
    assert bay.project.db.execute("select count(*) from classifier").fetchone()[0] == 0
    assert not path.exists()


def test_a_job_that_is_begun_again_goes_on_after_its_last_piece(
    bay: Bay, settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_file, "ROWS", 2)
    write(path, object_id=bay.project.ids, taxon=["Oithona"] * 10, score=[0.5] * 10)
    add, n = outside.add, []

    def add_twice(*args: Any) -> list[int]:
        n.append(1)
        if len(n) == 3:
            raise ZeroDivisionError
        return add(*args)

    monkeypatch.setattr(outside, "add", add_twice)
    with pytest.raises(Refused):
        take_in(bay, settings, path)
    bay.project.db.rollback()
    half = bay.project.db.execute("select id, completed_at, n_predictions from run").fetchone()
    assert (half.completed_at, half.n_predictions) == (None, 4)
    job = bay.project.db.execute("select * from job").fetchone()
    foreground.run(settings, settings.database_url, "predict", "Again", job.project_id, None, job.args)
    assert len(n) == 6 and run(bay, half.id).n_predictions == 10 == len(rows(bay))


def test_the_command_says_how_many_rows_matched_nothing_and_who_brought_them(
    bay: Bay, settings: Settings, path: Path, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setattr(outside_file, "ROWS", 2)
    write(path, orig_id=["object1", "nobody", "object2", "none"], taxon=["Oithona"] * 4, score=[0.5] * 4)
    words = ["predict", str(bay.project.id), "--from", str(path), "--as", ada.email]
    answer = CliRunner().invoke(main, words)
    said = "2 of 4 rows are of no object of this project: left out."
    assert answer.exit_code == 0 and said in answer.stderr
    assert said in logged_in(bay.client, Account(ada.id, ada.email, ada.name, False)).get("/jobs").text
    assert bay.project.db.execute("select account_id from run").fetchone().account_id == ada.id
    refused = CliRunner().invoke(main, [*words[:-1], "ben@example.org"])
    assert refused.exit_code == 1 and "may not predict in this project" in refused.output


def test_a_file_comes_over_the_api(bay: Bay, settings: Settings, path: Path) -> None:
    write(path, object_id=bay.project.ids[:3], taxon=["Oithona"] * 3, score=[0.5] * 3)
    url = f"{bay.runs}/file?title=Leg+3&classifier=ResNet&version=2"
    assert bay.client.post(url, content=path.read_bytes(), headers=bay.headers["annotator"]).status_code == 403
    answer = bay.client.post(url, content=path.read_bytes(), headers=bay.headers["manager"])
    assert answer.status_code == 202, answer.text
    foreground.run_waiting(settings, settings.database_url, answer.json()["job_id"])
    told = bay.get(f"/predictions/{answer.json()['run_id']}", "annotator").json()
    assert told["run"]["is_shown"] and told["summary"]["n"] == 3
    refused = bay.client.post(url, content=b"PK no parquet", headers=bay.headers["manager"])
    assert refused.status_code == 400 and "no parquet file" in refused.json()["detail"]
    folder = settings.home / "predictions"
    assert not list(folder.glob("*")) and folder.stat().st_mode & 0o777 == 0o700
