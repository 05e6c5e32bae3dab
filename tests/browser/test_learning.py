"""The wizard of learning sets: projects, what each taxon appears as, the preview, and the set that comes of it."""

import threading
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, expect

from app import database
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.test_axe import look_over
from tests.browser.window import Window
from tests.small_projects import SmallProject


@pytest.fixture
def seas(site: Site, ana: Person, make_board: MakeBoard) -> tuple[SmallProject, SmallProject]:
    """Two projects of Ana's: 20 Oithona and 3 fibers in the first, 30 Oithona similis in the other."""
    bay, gulf = make_board(ana, embedded=True), make_board(ana, embedded=True)
    with database.connect(site.database_url) as db:
        for project in (bay, gulf):
            set_member(db, project.id, ana.id, "manager")
        replace(bay, db=db).do(ana, bay.ids[:20], taxon="Oithona")
        replace(bay, db=db).do(ana, bay.ids[20:23], taxon="fiber")
        replace(gulf, db=db).do(ana, gulf.ids, taxon="Oithona similis")
    return bay, gulf


def work(site: Site, project: SmallProject) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        rows = db.execute(
            "select id from job where status = 'queued' and kind = 'learning' and project_id = %s order by id",
            [project.id],
        ).fetchall()
    for row in rows:
        run_queued(row.id, site.settings, site.database_url, threading.Event())


def title_of(site: Site, project: SmallProject) -> str:
    with database.connect(site.database_url) as db:
        return str(db.execute("select title from project where id = %s", [project.id]).fetchone().title)


def row_of(window: Window, taxon: str) -> Locator:
    return window.page.locator("tr[data-taxon]").filter(has=window.page.get_by_title(taxon, exact=True))


def to_the_taxa(window: Window, bay: SmallProject, gulf_title: str) -> None:
    page = window.page
    page.goto(f"/projects/{bay.id}/learning-sets")
    page.get_by_role("link", name="New learning set").click()
    page.get_by_role("searchbox", name="Find projects by title", exact=True).fill(gulf_title.lower())
    expect(page.locator("#sources tbody tr")).to_have_count(2)  # this project is ticked, and stays
    page.get_by_label(gulf_title, exact=True).press("Space")
    page.get_by_role("searchbox", name="Find projects by title", exact=True).fill("")
    expect(page.get_by_label(gulf_title, exact=True)).to_be_checked()
    page.get_by_role("button", name="Go on to the taxa").press("Enter")
    expect(page.locator("[data-sum]")).to_have_text("3 taxa · 53 objects · 1 with fewer than 10")


def test_from_the_projects_to_a_frozen_set_of_what_was_chosen(
    site: Site, ana: Person, seas: tuple[SmallProject, SmallProject], open_window: OpenWindow
) -> None:
    bay, gulf = seas
    window = open_window(ana)
    page = window.page
    to_the_taxa(window, bay, title_of(site, gulf))

    similis = row_of(window, "Oithona similis").get_by_role("combobox")
    similis.focus()
    similis.select_option(label="Oithona (genus)")
    expect(page.locator("[data-sum]")).to_have_text("2 taxa · 53 objects · 1 with fewer than 10")
    page.get_by_label("At most").fill("25")
    expect(row_of(window, "Oithona similis").locator("[data-in-set]")).to_have_text("about 15")
    page.get_by_role("button", name="Leave out", exact=True).click()
    expect(page.locator("[data-sum]")).to_have_text("1 taxon · 25 objects")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("[data-sum]")).to_have_text("2 taxa · 28 objects · 1 with fewer than 10")
    page.get_by_role("button", name="Look at what it would be").press("Enter")

    expect(page.get_by_text("28 objects of 2 taxa, of 53 validated in 2 projects")).to_be_visible()
    expect(page.get_by_text("25 objects more than 25 of their taxon stay out")).to_be_visible()
    expect(page.get_by_role("heading", name="Between the projects")).to_be_visible()
    page.get_by_label("Title").fill("Copepods")
    page.get_by_role("button", name="Make the learning set").click()
    expect(page.get_by_text("It waits for its turn")).to_be_visible()
    work(site, bay)
    expect(page.get_by_text("28 objects of 2 taxa")).to_be_visible()
    expect(page.get_by_role("row", name="Oithona 25 also Oithona similis")).to_be_visible()

    page.get_by_role("button", name="Export with images").click()
    expect(page.get_by_text("The file is being written")).to_be_visible()
    work(site, bay)
    with page.expect_download() as download:
        page.get_by_role("link", name="Copepods_1.zip").click()
    assert download.value.path().stat().st_size > 5000
    page.get_by_role("link", name="Train a classifier").click()
    page.wait_for_url("**/classifiers/new?learning_set=*")


def test_any_taxon_can_be_typed_and_whole_columns_change_at_once(
    site: Site, ana: Person, seas: tuple[SmallProject, SmallProject], open_window: OpenWindow
) -> None:
    bay, gulf = seas
    window = open_window(ana, color_scheme="dark")
    page = window.page
    page.set_viewport_size({"width": 900, "height": 900})
    to_the_taxa(window, bay, title_of(site, gulf))

    page.get_by_label("Find", exact=True).fill("oith")
    page.get_by_role("combobox", name="Let all 2 appear as").select_option(label="their parent")
    page.get_by_role("button", name="Apply").click()
    page.get_by_label("Find", exact=True).fill("")
    expect(row_of(window, "Oithona").get_by_role("combobox")).to_have_value(str(bay.taxa["Copepoda"]))
    expect(row_of(window, "fiber < detritus").get_by_role("combobox")).to_have_value(str(bay.taxa["fiber"]))

    fiber = row_of(window, "fiber < detritus").get_by_role("combobox")
    fiber.focus()
    fiber.select_option(label="another taxon…")
    page.get_by_label("Taxon to appear as").fill("Calan")
    expect(page.get_by_role("option", name="Calanoida").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(fiber).to_have_value(str(bay.taxa["Calanoida"]))
    expect(fiber).to_be_focused()
    page.get_by_role("button", name="Look at what it would be").click()
    expect(page.get_by_text("53 objects of 3 taxa")).to_be_visible()
    page.get_by_role("link", name="What each taxon teaches").click()
    expect(row_of(window, "fiber < detritus").get_by_role("combobox")).to_have_value(str(bay.taxa["Calanoida"]))
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_nothing_serious_is_found_on_the_steps_wide_or_narrow_light_or_dark(
    site: Site, ana: Person, seas: tuple[SmallProject, SmallProject], open_window: OpenWindow
) -> None:
    bay, gulf = seas
    window = open_window(ana)
    to_the_taxa(window, bay, title_of(site, gulf))
    base = f"/projects/{bay.id}/learning-sets"
    pages = [f"{base}/new", f"{base}/new/taxa", f"{base}/new/preview"]
    window.page.goto(pages[-1])
    window.page.get_by_role("button", name="Make the learning set").click()
    work(site, bay)
    expect(window.page.get_by_text("53 objects of 3 taxa")).to_be_visible()
    pages += [base, window.page.url]
    assert [fault for url in pages for fault in look_over(window, url)] == []
