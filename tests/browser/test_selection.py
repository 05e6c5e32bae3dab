"""Selecting by the pointer: bands that add and take away, ranges, all and nothing, and what is labelled so."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenBay
from tests.browser.window import Window
from tests.small_projects import SmallProject


def draw_band(window: Window, first: int, last: int, *, held: str | None = None) -> None:
    start, end = window.tile(first).bounding_box(), window.tile(last).bounding_box()
    assert start and end
    mouse = window.page.mouse
    if held:
        window.page.keyboard.down(held)
    mouse.move(start["x"] + 5, start["y"] + 5)
    mouse.down()
    mouse.move(end["x"] + 5, end["y"] + 20, steps=4)
    mouse.up()
    if held:
        window.page.keyboard.up(held)


def labelled(window: Window, bay: SmallProject) -> list[int]:
    """Places of the objects that are validated, after a reload."""
    window.reload()
    return [place for place, k in enumerate(bay.ids) if window.label(k)[0] == "V"]


def test_a_band_adds_what_it_touches_and_with_ctrl_takes_it_away(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    draw_band(window, bay.ids[0], bay.ids[4])
    assert window.n_selected == 5
    draw_band(window, bay.ids[2], bay.ids[3], held="Control")
    assert window.n_selected == 3
    expect(window.tile(bay.ids[4])).to_have_attribute("aria-selected", "true")
    draw_band(window, bay.ids[6], bay.ids[7])
    window.name("oith")
    assert labelled(window, bay) == [0, 1, 4, 6, 7]


def test_all_are_selected_and_let_go_by_the_pointer(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    window.tile(bay.ids[0]).click()
    window.tile(bay.ids[-1]).click(modifiers=["Shift"])
    assert window.n_selected == 30
    window.page.get_by_role("button", name="Clear").click()
    assert window.n_selected == 0
    window.tile(bay.ids[3]).click()
    window.tile(bay.ids[5]).click(modifiers=["Control"])
    assert window.n_selected == 2
    window.tile(bay.ids[5]).click(modifiers=["Control"])
    assert window.n_selected == 1
    expect(window.page.locator("[data-command=validate]")).to_be_disabled()  # it has no taxon that could be kept
    window.page.get_by_role("button", name="Clear").click()
    expect(window.page.locator("#n-selected")).to_have_text("Nothing selected")
    window.tile(bay.ids[0]).click()
    window.tile(bay.ids[-1]).click(modifiers=["Shift"])
    window.tile(bay.ids[9]).click()
    window.page.locator("#label-field").fill("fib")
    window.page.get_by_role("option", name="fiber < detritus", exact=True).click()
    window.page.get_by_role("button", name="Validate").click()
    assert labelled(window, bay) == [place for place in range(30) if place != 9]
