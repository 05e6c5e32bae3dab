"""From the settings to a subset, a merge, deleted objects and a deleted project, and back, in Chromium."""

import re
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app import database
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

BOARD = re.compile(r"/projects/\d+$")
OpenWindow = Callable[..., Window]


@pytest.fixture
def own(site: Site, ana: Person, make_board: Callable[..., SmallProject]) -> Callable[[], SmallProject]:
    """Makes projects that Ana manages."""

    def make() -> SmallProject:
        made = make_board(ana)
        with database.connect(site.database_url) as db:
            set_member(db, made.id, ana.id, "manager")
        return made

    return make


def work(site: Site) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        rows = db.execute("select id from job where status = 'queued' and kind = 'reshape' order by id").fetchall()
    for row in rows:
        run_queued(row.id, site.settings, site.database_url, threading.Event())


def title_of(site: Site, project: SmallProject) -> str:
    with database.connect(site.database_url) as db:
        return str(db.execute("select title from project where id = %s", [project.id]).fetchone().title)


def open_from_settings(window: Window, project: SmallProject, name: str) -> None:
    window.page.goto(f"/projects/{project.id}/settings")
    window.page.get_by_label("More of this project").get_by_role("link", name=name, exact=True).click()


def test_a_subset_from_the_look_to_its_own_board(
    site: Site, ana: Person, own: Callable[[], SmallProject], open_window: OpenWindow
) -> None:
    bay = own()
    window = open_window(ana)
    page = window.page
    open_from_settings(window, bay, "Subset")
    page.get_by_label("Title").fill("Every sample")
    page.get_by_label("Or number, at most").fill("4")
    page.locator("select[name=per]").select_option(label="each sample")
    page.get_by_role("button", name="Look first").click()
    expect(page.get_by_text("12 objects of 3 samples")).to_be_visible()
    expect(page.get_by_label("comments")).to_be_checked()
    page.get_by_role("button", name="Make the subset").click()
    expect(page.locator("#reshapings")).to_contain_text("waits for its turn")
    work(site)
    page.get_by_role("link", name="Every sample", exact=True).click()
    page.wait_for_url(BOARD)
    expect(page.locator(".tile")).to_have_count(12)


def test_a_merge_from_what_collides_to_its_taking_apart(
    site: Site, ana: Person, own: Callable[[], SmallProject], open_window: OpenWindow
) -> None:
    bay, gulf = own(), own()
    with database.connect(site.database_url) as db:
        db.execute("update sample set latitude = 43 where project_id = %s and orig_id = 'sample1'", [gulf.id])
    window = open_window(ana)
    page = window.page
    open_from_settings(window, bay, "Merge")
    page.get_by_label("Project that comes").select_option(label=f"{title_of(site, gulf)} ({gulf.id})")
    page.get_by_role("button", name="Look what collides").click()
    expect(page.get_by_text("30 of 3 samples")).to_be_visible()
    expect(page.get_by_text("in 1 sample, which loses these values")).to_contain_text("sample1 (sample.latitude)")
    window.forgive("409 (Conflict)")
    page.get_by_role("button", name="Merge it into this project").click()
    expect(page.get_by_role("alert")).to_contain_text("3 samples have the same name in both projects")
    page.get_by_label("Samples of the same name").select_option("apart")
    page.get_by_label("Objects of the same id").select_option("apart")
    page.get_by_role("button", name="Merge it into this project").click()
    work(site)
    page.goto(f"/projects/{bay.id}/samples")
    expect(page.get_by_text(f"sample2 (from {title_of(site, gulf)})")).to_be_visible()
    page.goto("/deleted")
    page.get_by_role("link", name="Look first").click()
    page.wait_for_url(re.compile(r"/merge/\d+/apart"))
    page.goto(f"/projects/{bay.id}/merge")
    page.get_by_role("link", name="Take").click()
    expect(page.get_by_role("status").first).to_contain_text("30 objects that came by the merge leave this project")
    page.get_by_role("button", name="Take the merge apart").click()
    page.wait_for_url(BOARD)
    expect(page.locator(".tile")).to_have_count(30)
    page.goto(f"/projects/{bay.id}/samples")
    expect(page.get_by_text("sample2", exact=True)).to_be_visible()
    expect(page.get_by_text(f"sample2 (from {title_of(site, gulf)})")).to_have_count(0)


def test_objects_go_into_the_bin_and_come_back(
    site: Site, ana: Person, own: Callable[[], SmallProject], open_window: OpenWindow
) -> None:
    bay = own()
    window = open_window(ana)
    page = window.page
    open_from_settings(window, bay, "Delete")
    expect(page.get_by_text("The bin is empty.")).to_be_visible()
    page.get_by_label("Only what meets").fill("depth=..9")
    page.get_by_role("button", name="Look which these are").click()
    page.get_by_role("button", name="Delete 9 objects").click()
    expect(page.locator("#reshapings code")).to_have_text("depth=..9")
    page.goto(f"/projects/{bay.id}")
    expect(page.locator(".tile")).to_have_count(21)
    page.goto(f"/projects/{bay.id}/bin")
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("The bin is empty.")).to_be_visible()
    page.goto(f"/projects/{bay.id}")
    expect(page.locator(".tile")).to_have_count(30)


def test_selected_objects_are_deleted_from_the_board(
    site: Site, ana: Person, own: Callable[[], SmallProject], open_window: OpenWindow
) -> None:
    bay = own()
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{bay.id}")
    expect(page.get_by_role("button", name="Delete…")).to_be_disabled()
    page.locator(f"#o{bay.ids[2]}").click()
    page.locator(f"#o{bay.ids[5]}").click(modifiers=["Control"])
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete 2 objects").click()
    expect(page.locator("#reshapings")).to_contain_text("2 by their numbers")
    page.goto(f"/projects/{bay.id}")
    expect(page.locator(".tile")).to_have_count(28)


def test_a_project_is_deleted_by_its_title_and_brought_back(
    site: Site, ana: Person, own: Callable[[], SmallProject], open_window: OpenWindow
) -> None:
    bay = own()
    title = title_of(site, bay)
    window = open_window(ana)
    page = window.page
    open_from_settings(window, bay, "Delete")
    page.get_by_label("To delete it, type its title").fill(title)
    page.get_by_role("button", name="Delete the project").click()
    expect(page.get_by_role("heading", name="Deleted projects")).to_be_visible()
    page.get_by_role("link", name="Shoal", exact=True).click()
    expect(page.get_by_role("link", name=title, exact=True)).to_have_count(0)
    page.get_by_role("link", name="Deleted projects").click()
    page.get_by_role("button", name=f"Bring {title} back").click()
    page.wait_for_url(BOARD)
    expect(page.locator(".tile")).to_have_count(30)
