"""Undo and redo show what they changed: in its place, or brought from elsewhere."""

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.browser.conftest import Person
from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]


def label(window: Window, *tiles: int, name: str = "oith") -> None:
    for tile in tiles:
        window.tile(tile).click()
    window.name(name)
    window.wait_until_sent()


def test_what_left_the_page_returns_to_its_place_and_is_marked(open_bench: OpenBench) -> None:
    project, window = open_bench(n=120, query="?status=U")
    label(window, *project.ids[1:3])
    expect(window.page.locator("#n-total")).to_have_text("118")
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    window.press("Control+z")

    for k in (1, 2):
        expect(window.tile(project.ids[k])).to_have_class("tile reversed")
        expect(window.tile(project.ids[k])).to_be_in_viewport()
    expect(window.page.locator("#n-total")).to_have_text("120")
    expect(window.page.locator(".returned")).to_have_count(0)
    window.reload()
    expect(window.page.locator("#n-total")).to_have_text("120")


def test_what_the_filter_no_longer_keeps_is_still_shown_until_the_next_act(open_bench: OpenBench) -> None:
    project, window = open_bench()
    label(window, *project.ids[:4])
    window.open_board(project, "?status=V")
    expect(window.tiles).to_have_count(4)
    window.page.locator("[data-command=undo]").click()

    expect(window.page.locator(".tile.reversed:visible")).to_have_count(4)
    expect(window.page.locator("#n-total")).to_have_text("0")
    label(window, project.ids[0], name="detr")
    expect(window.tiles).to_have_count(1)
    expect(window.page.locator("#n-total")).to_have_text("1")
    window.reload()
    assert window.label(project.ids[0]) == ("V", "detritus")
    expect(window.tiles).to_have_count(1)


def test_after_a_reload_objects_that_are_not_on_the_page_come_in_a_section_of_their_own(open_bench: OpenBench) -> None:
    project, window = open_bench(query="?status=U")
    label(window, *project.ids[3:8])
    window.reload()
    expect(window.tiles).to_have_count(25)
    window.press("Control+z")

    section = window.page.locator(".returned")
    expect(window.page.locator(".returned-title")).to_contain_text("Taken back: 5 objects")
    expect(section.locator(".tile.reversed")).to_have_count(5)
    expect(section).to_be_in_viewport()
    expect(window.page.locator("#n-total")).to_have_text("30")
    assert window.label(project.ids[3]) == ("U", "")

    window.press("Control+y")
    expect(window.page.locator(".returned .tile.reversed")).to_have_count(5)
    expect(window.page.locator("#n-total")).to_have_text("25")
    window.page.locator(".returned-title").get_by_role("button", name="Close").click()
    expect(window.page.locator(".returned, .returned-title")).to_have_count(0)
    expect(window.tiles).to_have_count(25)
    window.reload()
    expect(window.page.locator("#n-total")).to_have_text("25")


def test_the_returned_can_be_labelled_at_once(open_bench: OpenBench) -> None:
    project, window = open_bench(query="?status=U")
    label(window, *project.ids[3:5])
    window.reload()
    window.press("Control+z")
    expect(window.page.locator(".returned .tile")).to_have_count(2)
    label(window, project.ids[4], name="detr")
    expect(window.page.locator("#n-total")).to_have_text("29")

    window.open_board(project)
    assert [window.label(project.ids[k]) for k in (3, 4)] == [("U", ""), ("V", "detritus")]


def test_of_many_objects_the_first_two_hundred_are_shown_with_the_way_to_all(open_bench: OpenBench) -> None:
    _, window = open_bench(n=230, query="?status=U")
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    expect(window.tiles).to_have_count(230)
    window.press("Control+a")
    window.name("oith")
    window.wait_until_sent()
    window.reload()
    expect(window.tiles).to_have_count(0)
    window.press("Control+z")

    expect(window.page.locator(".returned .tile")).to_have_count(200)
    window.page.get_by_role("link", name="The first 200 of them: show all").click()
    expect(window.page.locator("#n-total")).to_have_text("230")
    window.reload()
    expect(window.page.locator("#n-total")).to_have_text("230")


def test_two_undos_in_a_row_after_a_reload_show_the_objects_of_the_later(open_bench: OpenBench) -> None:
    project, window = open_bench(query="?status=U")
    label(window, *project.ids[3:6])
    label(window, *project.ids[8:10])
    window.reload()
    expect(window.tiles).to_have_count(25)
    held: list[Route] = []
    window.page.route("**/tiles?act=**", lambda route: held.append(route))
    window.press("Control+z", "Control+z")
    for _ in range(100):
        if len(held) == 2:
            break
        window.page.wait_for_timeout(50)
    for route in held:
        route.continue_()

    expect(window.page.locator(".returned .tile")).to_have_count(3)
    expect(window.page.locator(".returned-title")).to_contain_text("Taken back: 3 objects")
    window.reload()
    expect(window.tiles).to_have_count(30)


def test_what_was_done_elsewhere_is_undone_here(
    open_bench: OpenBench, ana: Person, open_window: Callable[..., Window]
) -> None:
    project, window = open_bench()
    undo = window.page.locator("[data-command=undo]")
    expect(undo).to_be_disabled()
    beside = Window(window.page.context.new_page())
    beside.open_board(project)
    label(beside, project.ids[0])
    expect(undo).to_be_enabled()
    expect(undo).to_have_attribute("title", "Oithona, 1 object")
    beside.reload()
    expect(beside.page.locator("[data-command=undo]")).to_have_attribute("title", "Oithona, 1 object")
    undo.click()
    expect(undo).to_be_disabled()

    elsewhere = open_window(ana)  # another browser, of which this one hears nothing
    elsewhere.open_board(project)
    label(elsewhere, project.ids[1])
    window.press("Control+z")
    expect(window.toast("Taken back: 1 label")).to_be_visible()
    window.reload()
    assert [window.label(k)[0] for k in project.ids[:2]] == ["U", "U"]
    assert beside.faults == []
