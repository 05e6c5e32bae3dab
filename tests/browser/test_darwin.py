"""From a project's page of exports to a Darwin Core Archive: what it lacks, its taxa in WoRMS, the file."""

import threading
from dataclasses import replace

from dwca.read import DwCAReader
from playwright.sync_api import expect

from app import database
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.test_axe import look_over
from tests.small_projects import SmallProject


def prepare(site: Site, project: SmallProject, who: Person) -> None:
    """15 labels, and a WoRMS id above the Oithona among them."""
    with database.connect(site.database_url) as db:
        set_member(db, project.id, who.id, "manager")
        replace(project, db=db).do(who, project.ids[:12], taxon="Oithona")
        replace(project, db=db).do(who, project.ids[12:15], taxon="fiber")
        db.execute("update taxon set aphia_id = 1080 where id = %s", [project.taxa["Copepoda"]])


def work(site: Site, project: SmallProject) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        row = db.execute(
            "select id from job where status = 'queued' and kind = 'export' and project_id = %s", [project.id]
        ).fetchone()
    run_queued(row.id, site.settings, site.database_url, threading.Event())


def test_from_what_is_missing_to_an_archive(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = make_board(ana)
    prepare(site, project, ana)
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{project.id}/exports")
    page.get_by_role("link", name="What the project still needs").click()
    expect(page.get_by_text("a contact who made the data")).to_be_visible()
    expect(page.get_by_text("2 of 2 taxa have no WoRMS id: their objects are left out.")).to_be_visible()
    assert look_over(window, page.url) == []

    page.get_by_role("link", name="Settings").last.click()
    page.get_by_label("Licence").select_option("CC-BY-4.0")
    page.get_by_label("Name of contact 1").fill("Ana Lima")
    page.get_by_label("Email of contact 1").fill("ana@example.org")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.goto(f"/projects/{project.id}/exports/darwin-core")
    page.get_by_role("link", name="Resolve through ancestors").click()
    expect(page.get_by_text("1 of 2 taxa have no WoRMS id, nor has any ancestor")).to_be_visible()
    expect(page.locator("tr", has_text="Oithona")).to_contain_text("an ancestor's")
    page.get_by_role("button", name="Export validated objects").press("Enter")
    expect(page.get_by_text("waits for its turn")).to_be_visible()
    work(site, project)
    with page.expect_download() as taken:
        page.locator("#exports a[download]").click()
    with DwCAReader(str(taken.value.path())) as archive:
        rows = [one for row in archive for one in row.extensions if one.rowtype.endswith("/Occurrence")]
    assert sum(int(row.data["http://rs.tdwg.org/dwc/terms/individualCount"]) for row in rows) == 12
