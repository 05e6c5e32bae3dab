"""Keys by place and by sign, those that are left to the browser, and two windows on one project."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]

SENT = """([key, code, held]) => {
    const event = new KeyboardEvent("keydown", {key, code, bubbles: true, cancelable: true, ...held});
    document.getElementById("tiles").dispatchEvent(event);
    return event.defaultPrevented;
}"""


def send(window: Window, key: str, code: str, **held: bool) -> bool:
    """A key as another keyboard sends it; whether the page took it."""
    return bool(window.page.evaluate(SENT, [key, code, held]))


def test_digits_go_by_place_on_a_french_keyboard(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.fill_slot("1", "oith")
    window.fill_slot("4", "detr")
    window.tile(project.ids[0]).click()
    assert send(window, "&", "Digit1")
    window.tile(project.ids[1]).click()
    assert send(window, "'", "Digit4")
    window.tile(project.ids[2]).click()
    assert send(window, "4", "Digit4", shiftKey=True)

    window.reload()
    told = [window.label(k) for k in project.ids[:3]]
    assert told == [("V", "Oithona"), ("V", "detritus"), ("D", "detritus")]


@pytest.mark.parametrize(
    ("key", "code", "held"),
    [
        ("1", "Digit1", {"ctrlKey": True}), ("1", "Digit1", {"altKey": True}), ("d", "KeyD", {"ctrlKey": True}),
        ("l", "KeyL", {"ctrlKey": True}), ("+", "Equal", {"ctrlKey": True}), ("-", "Minus", {"ctrlKey": True}),
        ("0", "Digit0", {"ctrlKey": True}), ("F5", "F5", {}), ("Tab", "Tab", {}), ("[", "BracketLeft", {}),
        ("]", "BracketRight", {}), ("Delete", "Delete", {}), ("PageDown", "PageDown", {}),
    ],
)  # fmt: skip
def test_the_browsers_own_keys_are_left_alone(
    open_bench: OpenBench, key: str, code: str, held: dict[str, bool]
) -> None:
    project, window = open_bench(n=3)
    window.tile(project.ids[0]).click()
    assert not send(window, key, code, **held)
    assert window.n_selected == 1


def test_the_list_of_keys_opens_and_closes_by_its_key(open_bench: OpenBench) -> None:
    _, window = open_bench(n=3)
    window.press("?")
    keys = window.page.locator("#keys")
    for words in (
        "label the selection with the taxon of that slot",
        "stretch the contrast",
        "smaller and larger tiles",
    ):
        expect(keys).to_contain_text(words)
    window.press("Escape")
    expect(keys).to_be_hidden()


def test_digits_and_signs_in_a_field_are_text(open_bench: OpenBench) -> None:
    project, window = open_bench(n=3)
    window.fill_slot("1", "oith")
    window.tile(project.ids[0]).click()
    window.press(".")
    window.page.keyboard.type("1,;'-")
    expect(window.page.locator("#label-field")).to_have_value("1,;'-")
    window.press("Escape")

    window.reload()
    assert window.label(project.ids[0]) == ("U", "")


def test_two_tabs_of_one_person_do_not_lose_each_others_acts(open_bench: OpenBench) -> None:
    project, one = open_bench()
    other = Window(one.page.context.new_page())
    other.open_board(project)
    for window, k, name in ((one, 0, "oith"), (other, 1, "detr"), (one, 2, "fiber"), (other, 0, "cala")):
        window.tile(project.ids[k]).click()
        window.name(name)
        window.wait_until_sent()

    expect(other.toast("1 object was changed by you, in another window, meanwhile")).to_be_visible()
    other.press("Control+z")
    expect(other.toast("Taken back: 1 label")).to_be_visible()
    one.reload()
    assert [one.label(k)[1] for k in project.ids[:3]] == ["Oithona", "detritus", ""]
    assert other.faults == []


def test_a_sign_on_a_digits_key_is_the_digit_and_its_command_has_a_second_key(open_bench: OpenBench) -> None:
    project, window = open_bench(n=3)
    window.fill_slot("7", "oith")
    window.tile(project.ids[0]).click()
    assert send(window, "/", "Digit7", shiftKey=True)  # German, Nordic, Spanish, Italian
    window.wait_until_sent()
    assert window.label(project.ids[0]) == ("D", "Oithona")
    image = window.tile(project.ids[1]).locator(".picture img")
    usual = image.bounding_box()
    window.press("F9", "F9")
    larger = image.bounding_box()
    window.press("F8", "F8", "F8")
    smaller = image.bounding_box()
    assert usual and larger and smaller
    assert larger["width"] > usual["width"] > smaller["width"]
    window.press("?")
    expect(window.page.locator("#keys tr", has_text="find a taxon in the tree")).to_contain_text("F4")


def test_shift_and_space_open_the_page_of_the_object_under_the_cursor(open_bench: OpenBench) -> None:
    project, window = open_bench(n=3)
    window.press("ArrowRight", "ArrowRight")
    with window.page.expect_popup() as opened:
        window.press("Shift+Space")
    assert opened.value.url.endswith(f"/objects/{project.ids[1]}")
    assert window.n_selected == 0
