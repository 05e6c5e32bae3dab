"""A search is kept from a list of likeness, finds what the next import brings, and is worked from its page."""

from collections.abc import Callable

from playwright.sync_api import expect

from app import database
from app.searches.look import look
from tests.browser.conftest import Person, Site
from tests.browser.window import Window
from tests.searches.test_kept import Unheard
from tests.small_projects import SmallProject


def test_a_search_is_kept_by_keyboard_and_what_it_finds_is_worked(
    site: Site,
    person: Callable[[str], Person],
    make_board: Callable[..., SmallProject],
    open_window: Callable[..., Window],
) -> None:
    ana = person("Ana")
    project, window = make_board(ana, n=40, embedded=True), open_window(ana)
    page = window.page
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.press("=")
    page.wait_for_url("**order=like**")
    page.get_by_role("button", name="Keep this search…").press("Enter")
    expect(page.locator("#keep-search [name=title]")).to_be_focused()
    page.keyboard.type("Zeros")
    page.get_by_role("spinbutton", name="Distance at most").fill("1.5")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Kept")

    with database.connect(site.database_url) as db:
        # As if the vectors had come with an import after this: the search has looked at nothing yet.
        db.execute("update kept_search set since = '0'")
        assert look(db, project.id, Unheard()) == 39
    page.goto(f"{site.address}/projects/{project.id}/start")
    page.get_by_role("link", name="look at them").click()
    page.get_by_role("link", name="Zeros").click()
    page.reload()
    expect(page.locator(".search-tiles .is-new")).to_have_count(39)
    page.get_by_role("button", name="I have looked at these").click()
    expect(page.locator(".search-tiles li")).to_have_count(39)
    expect(page.locator(".search-tiles .is-new")).to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.get_by_role("button", name="as a batch").click()
    page.wait_for_url("**/batches/*")
    expect(page.locator("h1")).to_have_text("Found by “Zeros”")
    expect(page.locator("#tiles .tile").first).to_be_visible()
