"""The box that finds things: opened by its key anywhere, gone through by arrows, and its page of all that is found."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenBay
from tests.small_projects import SmallProject


def test_ctrl_k_finds_an_object_from_the_board_and_leads_to_it(open_bay: OpenBay, bay: SmallProject) -> None:
    page = open_bay().page
    expect(page.locator(".tile").first).to_be_visible()
    page.keyboard.press("Control+K")
    field = page.get_by_role("searchbox", name="Find anything")
    expect(field).to_be_focused()
    page.keyboard.type(f"#{bay.ids[3]}")
    offered = page.locator("#find-offered a").filter(has_text="object4")
    expect(offered).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(offered).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/projects/{bay.id}/objects/{bay.ids[3]}")


def test_enter_opens_the_one_thing_found_or_shows_all_and_says_where_there_is_nothing(
    open_bay: OpenBay, bay: SmallProject
) -> None:
    page = open_bay().page
    page.keyboard.press("Control+K")
    page.keyboard.type("object12")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/projects/{bay.id}/objects/{bay.ids[11]}")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_role("searchbox", name="Find anything")).to_be_focused()
    page.keyboard.type("oithona")
    expect(page.locator("#find-offered").get_by_role("link", name="Oithona similis")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/find?q=oithona*")
    expect(page.get_by_role("main").get_by_role("link", name="Oithona similis")).to_be_visible()
    page.get_by_role("searchbox", name="What to find").fill("no such thing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing that you may see goes by “no such thing”")).to_be_visible()


def test_escape_closes_the_box_and_its_letters_never_reach_the_board(open_bay: OpenBay) -> None:
    page = open_bay().page
    expect(page.locator(".tile").first).to_be_visible()
    page.keyboard.press("Control+K")
    page.keyboard.type("1=;")
    page.keyboard.press("Escape")
    expect(page.locator("#find")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Label")).to_have_value("")
