"""The digits 1 to 9: taxa of one's own, on the selection or on one tile, kept until they are changed."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]


def test_a_digit_labels_the_selection_and_shift_as_dubious(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.fill_slot("1", "oith")
    window.fill_slot("2", "fiber")
    window.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "1")
    expect(window.page.locator("#n-selected")).to_have_text("Nothing selected")
    window.tile(project.ids[5]).click()
    window.tile(project.ids[6]).click()
    window.press("Shift+Digit2")

    window.reload()
    assert [window.label(k) for k in project.ids[:4]] == [("V", "Oithona")] * 3 + [("U", "")]
    assert [window.label(k) for k in project.ids[5:7]] == [("D", "fiber < detritus")] * 2


def test_without_a_selection_a_digit_labels_the_tile_under_the_pointer_and_moves_on(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.fill_slot("1", "oith")
    window.fill_slot("2", "detr")
    window.tile(project.ids[4]).hover()
    window.press("1", "2", "1")
    window.tile(project.ids[12]).hover()
    window.press("2")

    window.reload()
    told = [window.label(project.ids[k]) for k in (4, 5, 6, 12)]
    assert told == [("V", "Oithona"), ("V", "detritus"), ("V", "Oithona"), ("V", "detritus")]
    assert window.label(project.ids[7]) == ("U", "")


def test_without_a_selection_a_digit_labels_the_tile_under_the_cursor_and_moves_on(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.fill_slot("3", "cala")
    window.tile(project.ids[20]).hover()
    window.press("ArrowRight", "ArrowRight", "3", "3")

    window.reload()
    assert [window.label(k)[1] for k in project.ids[:5]] == ["", "Calanoida", "Calanoida", "", ""]
    assert window.label(project.ids[20]) == ("U", "")


def test_one_tile_after_the_other_is_labelled_where_each_leaves_the_filter(open_bench: OpenBench) -> None:
    project, window = open_bench(query="?status=U")
    window.fill_slot("1", "oith")
    window.tile(project.ids[2]).hover()
    for left in (29, 28, 27):
        window.press("1")
        expect(window.tiles).to_have_count(left)

    window.reload()
    window.open_board(project)
    assert [window.label(k)[0] for k in project.ids[:6]] == ["U", "U", "V", "V", "V", "U"]


def test_slots_are_kept_over_a_reload_and_in_another_browser(
    open_bench: OpenBench, ana: Person, open_window: Callable[..., Window]
) -> None:
    project, window = open_bench()
    window.fill_slot("9", "oithona similis")
    window.fill_slot("1", "cala")
    window.fill_slot("1", "detr")
    window.reload()
    elsewhere = open_window(ana)
    elsewhere.open_board(project)

    for each in (window, elsewhere):
        expect(each.page.locator("#slots [data-digit='9']")).to_have_attribute("aria-label", "9: Oithona similis")
        expect(each.page.locator("#slots [data-digit='1']")).to_have_attribute("aria-label", "1: detritus")
    elsewhere.page.get_by_role("button", name="Change…").click()
    with elsewhere.page.expect_response("**/preferences"):
        elsewhere.page.get_by_role("button", name="Empty the slot 1").click()
    window.reload()
    expect(window.page.locator("#slots [data-digit='1']")).to_contain_text("empty")


def test_an_empty_slot_says_how_to_fill_it(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.tile(project.ids[0]).click()
    window.press("4")
    window.toast("Slot 4 is empty").get_by_role("button", name="Fill 4").click()
    expect(window.page.locator("#slot-4")).to_be_focused()
    window.page.keyboard.type("oith")
    expect(window.page.locator("#slot-4-list [role=option]").first).to_be_visible()
    window.press("Enter")
    expect(window.page.locator("#slot-5")).to_be_focused()
    window.press("Escape")
    assert window.n_selected == 1
    window.press("4")

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")


def test_a_slot_is_used_by_the_pointer_too(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.fill_slot("1", "oith")
    window.tile(project.ids[3]).click()
    window.page.locator("#slots [data-digit='1']").click()

    window.reload()
    assert window.label(project.ids[3]) == ("V", "Oithona")


def test_a_suggestion_from_the_neighbours_is_one_press_away(open_bench: OpenBench) -> None:
    project, window = open_bench(n=40, embedded=True)
    for k in (10, 20, 30):
        window.tile(project.ids[k]).click()
    window.name("oith")
    window.reload()
    window.tile(project.ids[0]).click()
    expect(window.page.locator("#neighbours .tile").first).to_be_visible()
    window.page.get_by_role("button", name="Name it Oithona").click()
    expect(window.page.locator("[data-command=validate]")).to_contain_text("Validate as Oithona")
    window.press("Enter")

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")


def test_looking_through_the_slots_by_enter_changes_none(open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.fill_slot("1", "oith")
    window.tile(project.ids[0]).click()
    window.name("oithona similis")
    window.wait_until_sent()
    window.page.get_by_role("button", name="Change…").click()
    window.page.locator("#slot-1").focus()
    window.page.wait_for_timeout(500)
    window.press("Enter")
    expect(window.page.locator("#slot-2")).to_be_focused()
    expect(window.page.locator("#slot-1")).to_have_value("Oithona")
    window.press("Escape")

    window.reload()
    expect(window.page.locator("#slots [data-digit='1']")).to_have_attribute("aria-label", "1: Oithona")


def test_a_slot_that_is_changed_in_one_tab_is_known_in_the_other(open_bench: OpenBench) -> None:
    project, window = open_bench()
    beside = Window(window.page.context.new_page())
    beside.open_board(project)
    window.fill_slot("1", "oith")
    slot = beside.page.locator("#slots [data-digit='1']")
    expect(slot).to_have_attribute("aria-label", "1: Oithona")
    beside.tile(project.ids[0]).click()
    beside.press("1")

    beside.reload()
    assert beside.label(project.ids[0]) == ("V", "Oithona")
    window.page.goto("/me")
    window.page.get_by_role("button", name="Empty 1: Oithona").click()
    expect(slot).to_contain_text("empty")
    assert beside.faults == []
