"""A project's own pages from opening to result: settings, samples edited, where and when, statistics, the list."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app import database
from app.projects import reach
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.small_projects import SmallProject


@pytest.fixture
def sea(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """Ana's project: 30 objects of three samples along a coast, a year apart each, ten of them validated."""
    sea = make_board(ana)
    with database.connect(site.database_url) as db:
        set_member(db, sea.id, ana.id, "manager")
        replace(sea, db=db).do(ana, sea.ids[:10], taxon="Oithona")
        rows = db.execute("select id from sample where project_id = %s order by id", [sea.id]).fetchall()
        for k, row in enumerate(rows):
            db.execute("update sample set latitude = %s, longitude = %s where id = %s", [43.2 + 3 * k, 5.5, row.id])
            db.execute("update object set date = %s where sample_id = %s", [f"202{k}-06-0{k + 1}", row.id])
        db.execute("update project set data_version = data_version + 1 where id = %s", [sea.id])
    return sea


def drag(page: Page, place: str, left: float, right: float) -> None:
    """From one part of a drawing's width to another, through its middle and downwards."""
    box = page.locator(place).bounding_box()
    assert box
    page.mouse.move(box["x"] + left * box["width"], box["y"] + box["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(box["x"] + right * box["width"], box["y"] + box["height"] * 0.9, steps=4)
    page.mouse.up()


def test_licence_contacts_and_fields_of_the_tiles_are_kept_from_the_form(
    ana: Person, sea: SmallProject, open_window: OpenWindow
) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/settings")
    page.get_by_label("Licence").select_option(label="CC BY 4.0, for any use that names you")
    page.get_by_label("Name of contact 1").fill("Ana Mar")
    page.get_by_role("button", name="Another row").click()
    page.get_by_label("Organisation of contact 2").fill("Museum")
    field = page.get_by_label("Field to show under the tiles")
    field.fill("area")
    expect(page.get_by_role("option", name="areanumber")).to_be_visible()
    field.press("Enter")
    expect(page.locator(".shown li")).to_have_text("area✕")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.get_by_label("Organisation of contact 2")).to_have_value("Museum")
    expect(page.locator(".shown li")).to_have_text("area✕")
    page.goto(f"/projects/{sea.id}")
    expect(page.locator(".tile").first).to_contain_text("7")  # its area


def test_a_field_of_a_sample_is_changed_and_taken_back(ana: Person, sea: SmallProject, open_window: OpenWindow) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/samples")
    page.get_by_role("link", name="sample1", exact=True).click()
    page.get_by_role("link", name="Edit the fields").click()
    page.get_by_label("station").fill("Point B")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("dl.values")).to_contain_text("Point B")
    page.get_by_role("link", name="See it, or take it back").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("main")).to_contain_text("ndone")
    page.goto(f"/projects/{sea.id}/samples")
    page.get_by_role("link", name="sample1", exact=True).click()
    expect(page.locator("dl.values")).to_contain_text("st1")
    expect(page.get_by_role("region", name="Changed")).to_contain_text("undone")


def test_a_box_and_a_period_are_drawn_and_open_the_images_in_them(
    ana: Person, sea: SmallProject, open_window: OpenWindow
) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/samples")
    page.get_by_role("link", name="Where and when").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("taxon").select_option(label="Oithona (10)")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="All", exact=True).click()
    drag(page, "[data-time]", 0.3, 0.6)
    expect(page.get_by_label("from")).to_have_value("2021-06-01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("sample1")
    drag(page, "[data-map]", 0.05, 0.95)
    page.get_by_role("button", name="Show").press("Enter")
    page.get_by_role("link", name="10 objects").click()
    expect(page.locator("#n-total")).to_have_text("10")


def test_acquisitions_are_listed_and_opened(ana: Person, sea: SmallProject, open_window: OpenWindow) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/samples")
    page.get_by_role("link", name="Acquisitions").click()
    page.get_by_label("Find acquisitions by words of their names").fill("q1")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="acq1", exact=True).click()
    expect(page.get_by_role("heading", name="acq1")).to_be_visible()
    page.get_by_role("link", name="10 images on the board").click()
    expect(page.locator("#n-total")).to_have_text("10")


def test_statistics_are_read_and_taken_away(
    ana: Person, sea: SmallProject, open_window: OpenWindow, tmp_path: Path
) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{sea.id}/samples")
    page.get_by_role("link", name="Statistics").click()
    expect(page.locator("tbody tr").first).to_contain_text("unclassified")
    for name, words in (("By person", "Ana"), ("By sample", "sample2"), ("By day of work", "10")):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("tbody")).to_contain_text(words)
    page.get_by_role("link", name="By day of sampling").click()
    expect(page.get_by_role("img", name="Objects taken by month")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["day"], row["objects"], row["validated"]) for row in rows] == [
        ("2020-06-01", "10", "10"),
        ("2021-06-02", "10", "0"),
        ("2022-06-03", "10", "0"),
    ]


def test_projects_are_found_by_taxon_and_place(
    site: Site, ana: Person, sea: SmallProject, open_window: OpenWindow
) -> None:
    with database.connect(site.database_url) as db:
        reach.follow(db)
        title = db.execute("select title from project where id = %s", [sea.id]).fetchone().title
    page = open_window(ana).page
    page.goto("/?mine=true")
    page.get_by_text("by instrument, taxon, place").click()
    page.get_by_label("place").fill("43,5,44,6")
    page.get_by_label("place").press("Enter")
    expect(page.locator(".projects tbody tr")).to_have_count(1)
    expect(page.locator(".projects tbody")).to_contain_text(title)
    page.get_by_label("place").fill("10,5,11,6")
    page.get_by_label("place").press("Enter")
    expect(page.get_by_role("heading", name="No project meets all this")).to_be_visible()
    page.get_by_label("place").fill("")
    taxon = page.locator("input[name=taxon]")
    taxon.fill("Copepoda")
    expect(page.locator("taxon-field [role=option]").first).to_be_visible()
    taxon.press("Enter")
    taxon.press("Enter")
    expect(page.locator(".projects tbody tr")).to_have_count(1)
