"""Tiles dragged onto a taxon of the tree."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]


@pytest.fixture
def bench(open_bench: OpenBench) -> tuple[SmallProject, Window]:
    """A board in whose tree fiber and Oithona stand."""
    project, window = open_bench()
    for k, name in ((28, "oith"), (29, "fiber")):
        window.tile(project.ids[k]).click()
        window.name(name)
    window.reload()
    return project, window


def test_a_selection_is_dragged_onto_a_taxon(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.tile(project.ids[1]).click()
    window.tile(project.ids[4]).click(modifiers=["Shift"])
    window.grab(window.tile(project.ids[2]))
    expect(window.page.locator(".drag-ghost")).to_have_text("4 objects")
    window.carry_to(window.tree_row("Oithona"))
    expect(window.page.locator(".drag-ghost")).to_have_text("4 objects → Oithona")
    expect(window.page.locator("#tree li.drop-target")).to_have_count(1)
    window.page.mouse.up()
    expect(window.page.locator(".drag-ghost")).to_have_count(0)

    window.reload()
    assert window.page.url.endswith(f"/projects/{project.id}")
    assert [window.label(k) for k in project.ids[:6]] == [("U", ""), *[("V", "Oithona")] * 4, ("U", "")]


def test_with_shift_what_is_dropped_is_dubious(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.tile(project.ids[1]).click()
    window.grab(window.tile(project.ids[1]))
    window.page.keyboard.down("Shift")
    window.carry_to(window.tree_row("Oithona"))
    expect(window.page.locator(".drag-ghost")).to_have_text("1 object → Oithona, dubious")
    window.page.mouse.up()
    window.page.keyboard.up("Shift")

    window.reload()
    assert window.label(project.ids[1]) == ("D", "Oithona")


def test_what_is_dropped_is_what_the_badge_said_last(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    ghost, keyboard = window.page.locator(".drag-ghost"), window.page.keyboard
    for k, keys in ((1, ("down", "up")), (2, ("down",))):
        window.tile(project.ids[k]).click()
        window.grab(window.tile(project.ids[k]))
        window.carry_to(window.tree_row("Oithona"))
        for key in keys:
            getattr(keyboard, key)("Shift")
        dubious = keys[-1] == "down"
        expect(ghost).to_have_text(f"1 object → Oithona{', dubious' if dubious else ''}")
        window.page.mouse.up()
    keyboard.up("Shift")

    window.tile(project.ids[3]).click()
    keyboard.down("Shift")
    window.grab(window.tile(project.ids[3]))
    window.carry_to(window.tree_row("Oithona"))
    keyboard.up("Shift")
    window.page.mouse.up()

    window.reload()
    assert [window.label(project.ids[k])[0] for k in (1, 2, 3)] == ["V", "D", "V"]


def test_a_tile_that_is_held_is_dragged_alone(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.tile(project.ids[7]).click()
    box = window.tile(project.ids[3]).bounding_box()
    assert box
    window.page.mouse.move(box["x"] + 20, box["y"] + 20)
    window.page.mouse.down()
    expect(window.page.locator(".tile.held")).to_have_count(1)
    window.page.mouse.move(box["x"] + 40, box["y"] + 30, steps=3)
    expect(window.page.locator(".drag-ghost")).to_have_text("1 object")
    window.carry_to(window.tree_row("Oithona"))
    window.page.mouse.up()

    window.reload()
    assert [window.label(project.ids[k]) for k in (3, 7)] == [("V", "Oithona"), ("U", "")]


def test_escape_cancels_a_drag_and_keeps_the_selection(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.tile(project.ids[1]).click()
    window.grab(window.tile(project.ids[1]))
    window.carry_to(window.tree_row("Oithona"))
    window.press("Escape")
    expect(window.page.locator(".drag-ghost, .drop-target")).to_have_count(0)
    window.page.mouse.up()
    assert window.n_selected == 1

    window.reload()
    assert window.label(project.ids[1]) == ("U", "")


def test_dropped_beside_the_tree_nothing_happens(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.tile(project.ids[1]).click()
    window.grab(window.tile(project.ids[1]))
    window.carry_to(window.page.locator(".panel"))
    window.page.mouse.up()
    assert window.n_selected == 1

    window.reload()
    assert window.label(project.ids[1]) == ("U", "")


def test_a_drag_from_elsewhere_is_still_a_band(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.tile(project.ids[8]).click()
    first, third = (window.tile(project.ids[k]).bounding_box() for k in (0, 2))
    assert first and third
    window.page.mouse.move(first["x"] + 5, first["y"] + 5)
    window.page.mouse.down()
    window.page.mouse.move(third["x"] + 5, third["y"] + 20, steps=4)
    window.page.mouse.up()
    assert window.n_selected == 4
    window.name("oith")

    window.reload()
    assert [k for k in range(12) if window.label(project.ids[k])[1] == "Oithona"] == [0, 1, 2, 8]


def test_in_a_narrow_window_the_tree_comes_for_the_drag(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    window.page.set_viewport_size({"width": 900, "height": 700})
    expect(window.tree_row("Oithona")).not_to_be_in_viewport()
    window.tile(project.ids[6]).click()
    window.grab(window.tile(project.ids[6]))
    expect(window.tree_row("Oithona")).to_be_in_viewport()
    window.carry_to(window.tree_row("Oithona"))
    window.page.mouse.up()
    expect(window.tree_row("Oithona")).not_to_be_in_viewport()

    window.reload()
    assert window.label(project.ids[6]) == ("V", "Oithona")


def test_in_a_narrow_window_a_tree_that_was_open_stays_so(bench: tuple[SmallProject, Window]) -> None:
    _, window = bench
    window.page.set_viewport_size({"width": 900, "height": 700})
    window.page.get_by_role("button", name="Taxa").click()
    expect(window.tree_row("Oithona")).to_be_in_viewport()
    tree = window.page.locator("aside.tree").bounding_box()
    assert tree
    beside = (tile for tile in window.tiles.all() if (tile.bounding_box() or tree)["x"] > tree["width"] + 10)
    tile = next(beside)
    tile.click()
    window.grab(tile)
    window.carry_to(window.tree_row("Oithona"))
    window.page.mouse.up()
    expect(tile.locator(".name-cut")).to_have_attribute("title", "Oithona")
    expect(window.tree_row("Oithona")).to_be_in_viewport()
