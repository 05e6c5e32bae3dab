"""Like this: by selected examples, and by an image from elsewhere."""

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.window import Window
from tests.small_projects import SmallProject


@pytest.fixture
def board(
    person: Callable[[str], Person], make_board: Callable[..., SmallProject], open_window: Callable[..., Window]
) -> tuple[SmallProject, Window]:
    ana = person("Ana")
    project, window = make_board(ana, n=40, embedded=True), open_window(ana)
    window.open_board(project)
    return project, window


def test_like_these_puts_the_examples_kind_first(board: tuple[SmallProject, Window]) -> None:
    project, window = board

    window.tile(project.ids[0]).click()
    window.tile(project.ids[10]).click()
    window.press("=")
    window.page.wait_for_url("**order=like**")
    window.reload()

    shown = [int(tile.get_attribute("data-id") or 0) for tile in window.tiles.all()]
    assert len(shown) == 40
    assert set(shown[:2]) == {project.ids[0], project.ids[10]}
    # Every tenth object is the same digit: two more stand early, where chance would put one.
    assert len({project.ids[20], project.ids[30]} & set(shown[:12])) >= 1
    figures = [float(figure) for figure in window.page.locator("#tiles .figure").all_inner_texts()]
    assert figures == sorted(figures)
    assert window.page.locator("#order").input_value() == "like"


def test_a_dropped_image_is_looked_for(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    source = f"/projects/{project.id}/images/{window.tile(project.ids[7]).get_attribute('data-hash')}"
    image = Image.open(io.BytesIO(window.page.request.get(source).body()))
    file = io.BytesIO()
    ImageOps.expand(image, 1, fill=255).save(file, "PNG")

    window.page.evaluate(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "seven.png", { type: "image/png" }));
            const board = document.querySelector("shoal-board");
            board.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        list(file.getvalue()),
    )
    window.page.wait_for_url("**query=**")
    window.reload()

    assert window.tiles.first.get_attribute("data-id") == str(project.ids[7])


def test_an_objects_page_shows_its_neighbours_history_and_comments(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")

    expect(window.page.locator("zoom-image img")).to_be_visible()
    assert window.page.locator("[data-panel=neighbours] .tile").count() >= 5
    window.page.keyboard.type("oith")
    window.press("Enter")
    expect(window.page.locator(".label-now")).to_contain_text("validated")
    window.page.get_by_placeholder("add a comment").fill("A very round <b>zero</b>.")
    window.page.get_by_role("button", name="Add comment").click()

    window.page.reload()
    expect(window.page.locator(".label-now")).to_contain_text("Oithona")
    expect(window.page.get_by_label("History")).to_contain_text("Ana")
    expect(window.page.locator(".comment")).to_contain_text("A very round <b>zero</b>.")
