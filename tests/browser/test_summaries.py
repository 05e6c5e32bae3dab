"""From a project's page of exports to a summary: formulas tried, the plot, its table and its file."""

import threading
import zipfile
from dataclasses import replace

from playwright.sync_api import expect

from app import database
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.test_axe import look_over
from tests.small_projects import SmallProject


def give_volumes(site: Site, project: SmallProject, who: Person) -> None:
    """Two samples of 40 and one without a volume; 15 labels in the first two."""
    with database.connect(site.database_url) as db:
        set_member(db, project.id, who.id, "manager")
        replace(project, db=db).do(who, project.ids[:12], taxon="Oithona")
        replace(project, db=db).do(who, project.ids[12:15], taxon="fiber")
        db.execute(
            "insert into field (project_id, level, name, type, position) values (%s, 'sample', 'tot_vol', 'number', 1)",
            [project.id],
        )
        db.execute(
            """
            update sample
            set fields = fields || '{"tot_vol": "40"}'
            where project_id = %s
              and orig_id <> 'sample2'
            """,
            [project.id],
        )


def work(site: Site, project: SmallProject) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        row = db.execute(
            "select id from job where status = 'queued' and kind = 'export' and project_id = %s", [project.id]
        ).fetchone()
    run_queued(row.id, site.settings, site.database_url, threading.Event())


def test_from_the_exports_to_a_plot_and_its_tables(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = make_board(ana)
    give_volumes(site, project, ana)
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{project.id}/exports")
    page.get_by_role("link", name="Choose what to sum up").click()

    page.get_by_label("Subsample coefficient").fill("1")
    page.get_by_label("Total water volume", exact=True).fill("sam.tot_volume")
    page.get_by_role("button", name="Try them").press("Enter")
    expect(page.locator("#trial")).to_contain_text("Did you mean sample.tot_vol?")
    page.get_by_label("Total water volume", exact=True).fill("sam.tot_vol")
    page.get_by_role("button", name="Try them").click()
    expect(page.locator("#trial")).to_contain_text("sample.tot_vol is missing")
    page.get_by_label("Concentration").check()
    page.get_by_label("Remember these formulas for the project").check()
    page.get_by_role("button", name="Sum up").click()

    expect(page.locator("#summary")).to_contain_text("It waits for its turn")
    work(site, project)
    expect(page.locator("#summary")).to_contain_text("sample.tot_vol is missing")
    bars = page.locator(".bars tbody tr")
    expect(bars).to_have_count(3)
    expect(bars.first).to_contain_text("10")
    page.get_by_role("link", name="Concentration").click()
    expect(bars.first).to_contain_text("0.25")
    expect(bars.last).to_contain_text("not known")
    assert bars.first.locator("title").first.text_content() == "sample0: Oithona: 0.25"

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV and TSV").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"summary.csv", "summary.tsv", "README.md", "without_value.csv"} == set(archive.namelist())

    faults = look_over(window, page.url)
    page.goto(f"/projects/{project.id}/summaries")
    expect(page.get_by_label("Total water volume", exact=True)).to_have_value("sam.tot_vol")
    assert not faults + look_over(window, page.url)
