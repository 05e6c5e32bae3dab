"""Mass edits in a browser: columns by a formula, a table and labels, from the page to the result and back."""

import threading
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from app import database
from app.edits.values import edit_values
from app.edits.wishes import ValuesWish
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.small_projects import SmallProject


@pytest.fixture
def sea(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """30 objects of Ana's, of which she labelled ten."""
    sea = make_board(ana)
    with database.connect(site.database_url) as db:
        set_member(db, sea.id, ana.id, "manager")
        replace(sea, db=db).do(ana, sea.ids[:10], taxon="Oithona")
    return sea


def work(site: Site, project: SmallProject) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        rows = db.execute(
            "select id from job where status = 'queued' and kind = 'edit' and project_id = %s order by id", [project.id]
        ).fetchall()
    for row in rows:
        run_queued(row.id, site.settings, site.database_url, threading.Event())


def test_a_column_is_changed_by_a_formula_seen_and_put_back(
    ana: Person, sea: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{sea.id}?taxon={sea.taxa['Oithona']}")
    page.get_by_role("link", name="mass edit").click()
    columns = page.get_by_role("form", name="Columns", exact=True)
    columns.get_by_role("combobox", name="Column").select_option("")
    expect(columns.get_by_label("Its name")).to_be_visible()
    columns.get_by_role("combobox", name="Column").select_option("object.area")
    expect(columns.get_by_label("Its name")).to_be_hidden()
    columns.get_by_label("what a formula gives").check()
    expect(columns.get_by_label("Value", exact=True)).to_be_hidden()
    columns.get_by_role("textbox", name="Formula").fill("object.area + 1000")
    expect(columns.get_by_label("Only what meets")).to_have_value(f"taxon={sea.taxa['Oithona']}")
    columns.get_by_role("button", name="Look at what changes").press("Enter")

    expect(page.get_by_text("8 values of 10 objects would change")).to_be_visible()
    expect(page.get_by_text("object.area is missing")).to_be_visible()
    expect(page.get_by_role("row", name="object1 object.area 7 1007")).to_be_visible()
    page.get_by_role("button", name="Change 8 values").click()
    expect(page.get_by_text("8 of 10 objects changed")).to_be_visible()
    expect(page.get_by_text("An undo would put 8 objects back.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("8 put back")).to_be_visible()
    page.goto(f"/projects/{sea.id}/edits")
    expect(
        page.get_by_role("row", name=f"object.area = object.area + 1000 of taxon={sea.taxa['Oithona']}")
    ).to_be_visible()


def test_an_edit_under_a_later_one_says_so_and_both_are_undone_from_the_list_of_acts(
    site: Site, ana: Person, sea: SmallProject, open_window: OpenWindow
) -> None:
    with database.connect(site.database_url) as db:
        for value in ("50", "60"):
            edit_values(db, sea, ana.id, uuid4(), ValuesWish("object", "value", "area", value))
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/acts")
    page.get_by_role("link", name="Undo: object.area = 50").click()
    expect(page.get_by_text("30 stay, changed since")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    for _ in range(2):
        page.goto(f"/projects/{sea.id}/acts")
        page.get_by_role("link", name="Undo: object.area").first.click()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("30 put back")).to_be_visible()
    page.goto(f"/projects/{sea.id}/objects/{sea.ids[0]}")
    expect(page.get_by_role("definition").filter(has_text="7").first).to_be_visible()


def test_a_table_of_new_values_is_brought_and_written(
    ana: Person, sea: SmallProject, open_window: OpenWindow, tmp_path: Path
) -> None:
    file = tmp_path / "stations.csv"
    file.write_text("sample_id;station\nsample0;A1\nsample2;C7\nsample9;X\n")
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/edits")
    table = page.get_by_role("form", name="Columns from a table")
    table.get_by_label("Each row is of").select_option("sample")
    table.get_by_label("File").set_input_files(file)
    table.get_by_role("button", name="Look at what changes").click()
    expect(page.get_by_text("2 samples of this project; 1 line left out")).to_be_visible()
    page.get_by_text("Lines left out: 1").click()
    expect(page.get_by_text("line 4: this project has no sample “sample9”")).to_be_visible()
    page.get_by_role("button", name="Change 2 values").click()
    expect(page.get_by_text("2 of 2 samples changed")).to_be_visible()
    page.get_by_role("link", name="sample0").click()
    expect(page.get_by_role("definition").filter(has_text="A1")).to_be_visible()


def test_labels_become_predictions_and_labels_again(
    site: Site, ana: Person, sea: SmallProject, open_window: OpenWindow
) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/settings")
    page.get_by_role("link", name="Mass edits").click()
    labels = page.get_by_role("form", name="Labels")
    labels.get_by_label("another taxon").check()
    expect(labels.get_by_role("combobox", name="The taxon")).to_be_visible()
    labels.get_by_label("predictions of score 1").check()
    labels.get_by_label("Given by").select_option(label=ana.name)
    labels.get_by_role("button", name="Look at what changes").click()
    expect(page.get_by_text("10 labels of 30 objects would change")).to_be_visible()
    expect(page.get_by_text("validated as Oithona → predicted as Oithona")).to_be_visible()
    page.get_by_role("button", name="Change 10 labels").click()
    expect(page.get_by_text("It waits for its turn")).to_be_visible()
    work(site, sea)
    expect(page.get_by_text("10 of 10 labels changed")).to_be_visible()
    page.goto(f"/projects/{sea.id}?status=P")
    expect(page.locator("#n-total")).to_have_text("10")
    page.goto(f"/projects/{sea.id}/acts")
    page.get_by_role("link", name="labels turned into predictions").first.click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("It waits for its turn")).to_be_visible()
    work(site, sea)
    expect(page.get_by_text("10 put back")).to_be_visible()
    page.goto(f"/projects/{sea.id}?status=V")
    expect(page.locator("#n-total")).to_have_text("10")
