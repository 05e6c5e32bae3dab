"""The start of a project: set out on what would bring most, by keyboard and pointer, and on the next after a batch."""

from playwright.sync_api import expect

from tests.browser.conftest import MakeBoard, OpenWindow, Person
from tests.browser.window import Window, reload


def go(window: Window, project_id: int) -> None:
    window.page.goto(f"/projects/{project_id}/start")
    expect(window.page.locator("#ways .way").first).to_be_visible()


def test_enter_sets_out_on_the_first_way(ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> None:
    project, window = make_board(ana, n=40, embedded=True), open_window(ana)
    go(window, project.id)
    reload(window.page)
    expect(window.page.locator(".way.best")).to_contain_text("Cards")
    window.press("Enter")
    window.page.wait_for_url("**/clusters")
    expect(window.page.get_by_text("waits for its turn")).to_be_visible()


def test_a_batch_is_begun_by_pointer_and_its_end_leads_on_by_one_key(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, n=24, embedded=True), open_window(ana)
    go(window, project.id)
    window.page.get_by_role("button", name="As a batch: Whatever is left").click()
    window.page.wait_for_url("**/batches/*")
    expect(window.tiles.first).to_be_visible()
    window.press("Backslash")
    ended = window.page.locator("#ended")
    expect(ended).to_contain_text("Most gain now: Cards")
    window.press("Enter")
    window.page.wait_for_url("**/clusters")
