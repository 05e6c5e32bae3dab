"""Statistics say what the tables say, to those who may know it: pages, CSV, programs, command."""

import csv
import io
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from app.database import Db
from app.projects.queries import set_member
from app.statistics import lines
from app.statistics.tables import write
from tests.samples.test_samples import as_seen, bay  # noqa: F401 (a fixture)
from tests.small_projects import Person, SmallProject, true_counts
from tests.web_fixtures import Client, bearer, logged_in


def table(db: Db, project: Any, by: str, account_id: int | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(write(db, project, account_id, by)))))


def test_taxa_have_the_numbers_that_the_rows_say(db: Db, bay: SmallProject, ada: Person, make_account: Any) -> None:  # noqa: F811
    bay.do(ada, bay.ids[20:23], taxon="Oithona similis")
    found = lines.by_taxon(db, as_seen(db, bay, make_account()))
    said = {(line.taxon_id, status): n for line in found for status, n in line.counts.items() if n}
    assert said == {key: n for key, n in true_counts(bay).items() if n}
    assert [(line.display_name, line.n, line.n_with_children) for line in found[1:]] == [
        ("Copepoda", 5, 8),
        ("Oithona similis", 3, 3),
        ("detritus", 1, 1),
    ]


def test_people_have_the_labels_that_stand(
    db: Db,
    bay: SmallProject,  # noqa: F811
    ada: Person,
    ben: Person,
    make_account: Any,
) -> None:
    bay.do(ben, bay.ids[:2], taxon="detritus")
    set_member(db, bay.id, ada.id, "annotator")
    for_all = lines.by_person(db, as_seen(db, bay, make_account(is_application_manager=True)), 0)
    assert [(line.name, line.validated, line.dubious, line.n_images) for line in for_all] == [
        ("Ada", 3, 1, 6),
        ("Ben", 2, 0, 2),
    ]
    own = lines.by_person(db, as_seen(db, bay, make_account()), ben.id)
    assert [(line.name, line.n_images) for line in own] == [("Ada", None), ("Ben", 2)]


def test_samples_days_and_dates_add_up_to_the_project(db: Db, bay: SmallProject, make_account: Any) -> None:  # noqa: F811
    project = as_seen(db, bay, make_account())
    samples = list(lines.by_sample(db, project))
    assert [(line.sample.name, line.sample.n_objects, line.n_taxa) for line in samples] == [
        ("sample0", 10, 1), ("sample1", 10, 0), ("sample2", 10, 0), ("sample3", 5, 0),
    ]  # fmt: skip
    assert [(day.n_images, day.n_acts) for day in lines.by_day(db, project)] == [(6, 2)]
    db.execute("update object set date = null where project_id = %s and id = %s", [bay.id, bay.ids[0]])
    db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    taken = lines.by_taken(db, project)
    assert [line.day for line in taken] == ["2024-06-01", "2024-06-02", "2024-06-03", ""]
    assert (sum(line.n for line in taken), taken[-1].counts["V"]) == (35, 1)


def test_csv_holds_every_line_and_no_formula(db: Db, bay: SmallProject, ada: Person, make_account: Any) -> None:  # noqa: F811
    names = {'=HYPERLINK("http://x")': '\'=HYPERLINK("http://x")', 'a "quote"\nand a line': 'a "quote"\nand a line'}
    for k, name in enumerate(names):
        db.execute(
            "update sample set orig_id = %s where project_id = %s and orig_id = %s", [name, bay.id, f"sample{k}"]
        )
    db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    project = as_seen(db, bay, make_account())
    rows = table(db, project, "samples")
    assert {row["sample"] for row in rows} == {*names.values(), "sample2", "sample3"}
    at_sea = next(row for row in rows if row["latitude"])
    assert (at_sea["latitude"], at_sea["longitude"]) == ("48.5", "-4")
    for by in ("taxa", "taken"):
        assert sum(int(row["objects"]) for row in table(db, project, by)) == 35
    assert table(db, project, "people", ada.id)[0]["images"] == "6"
    assert table(db, project, "days")[0]["images"] == "6"


def test_the_anonymous_learn_of_validated_objects_and_of_nobody(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
) -> None:
    path = f"/projects/{bay.id}/statistics"
    page = app_client.get(path)
    assert "Copepoda" in page.text and "detritus" not in page.text and "By person" not in page.text
    assert sum(line.n for line in lines.by_taken(db, as_seen(db, bay))) == 5
    for by in ("people", "days"):
        assert app_client.get(f"{path}?by={by}").headers["location"].startswith("/login")
        assert app_client.get(f"{path}/{by}.csv").status_code in (303, 401)
        assert app_client.get(f"/api/v1{path}/{by}", headers={"accept": "application/json"}).status_code == 401
    text = app_client.get(f"{path}/samples.csv")
    assert text.headers["content-type"].startswith("text/csv")
    assert "sample0" in text.text and "sample1" not in text.text
    assert "statistics by taxa" in app_client.get(f"{path}/secrets.csv").text


@pytest.mark.parametrize("by", ["taxa", "people", "samples", "days", "taken"])
def test_page_csv_and_programs_have_the_same_lines(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    make_account: Any,
    database_url: str,
    by: str,
) -> None:
    manager = make_account(is_application_manager=True)
    path = f"/projects/{bay.id}/statistics"
    logged_in(app_client, manager)
    page = app_client.get(f"{path}?by={by}")
    assert page.status_code == 200 and f"{path}/{by}.csv" in page.text
    rows = list(csv.reader(io.StringIO(app_client.get(f"{path}/{by}.csv").text.removeprefix("\ufeff"))))
    told = app_client.get(f"/api/v1{path}/{by}", headers=bearer(database_url, manager)).json()
    assert len(rows) - 1 == len(told["samples"] if by == "samples" else told) >= 1
    assert page.text.count("<tr>") == len(rows)
    if by in ("taxa", "taken"):
        assert '<th scope="row">All</th><td></td><td class="number">35</td>' in page.text


def test_an_empty_project_says_so(app_client: Client, make_account: Any, make_project: Any) -> None:
    manager = make_account(is_application_manager=True)
    project_id = make_project("Empty", manager=manager)
    logged_in(app_client, manager)
    for by, words in (("taxa", "No objects yet"), ("people", "Nobody has labelled"), ("taken", "No objects yet")):
        assert words in app_client.get(f"/projects/{project_id}/statistics?by={by}").text


def test_the_command_writes_the_table(db: Db, bay: SmallProject, database_url: str, tmp_path: Any) -> None:  # noqa: F811
    env = {"DATABASE_URL": database_url, "SHOAL_HOME": str(tmp_path)}
    said = CliRunner().invoke(main, ["statistics", str(bay.id)], env=env)
    assert (said.exit_code, "Copepoda,5,5,0,0,0,5" in said.output) == (0, True)
    file = tmp_path / "samples.csv"
    CliRunner().invoke(main, ["statistics", str(bay.id), "--by", "samples", "--output", str(file)], env=env)
    assert file.read_text("utf-8-sig").startswith("sample_id,sample")
    assert CliRunner().invoke(main, ["statistics", "nowhere"], env=env).exit_code == 1
