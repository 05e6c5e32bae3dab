"""Contrast and inversion of the images, by key and by button, kept; and the large view while Alt is held."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Person
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]


def filter_of(image: Locator) -> str:
    return str(image.evaluate("image => getComputedStyle(image).filter"))


def first_image(window: Window, project: SmallProject) -> Locator:
    image = window.tile(project.ids[0]).locator("img")
    expect(image).to_have_js_property("complete", True)
    return image


def test_contrast_is_stretched_by_key_per_image_and_kept(
    open_bench: OpenBench, ana: Person, open_window: Callable[..., Window]
) -> None:
    project, window = open_bench()
    assert filter_of(first_image(window, project)) == "none"
    with window.page.expect_response("**/preferences"):
        window.press(",")
    window.reload()

    elsewhere = open_window(ana)
    elsewhere.open_board(project)
    for each in (window, elsewhere):
        expect(each.page.locator("[data-command=contrast]")).to_have_attribute("aria-pressed", "true")
        each.wait_for("[...document.querySelectorAll('#tiles img')].every(i => i.style.getPropertyValue('--stretch'))")
    stretches = {
        window.tile(k).locator("img").evaluate("i => i.style.getPropertyValue('--stretch')") for k in project.ids
    }
    assert len(stretches) > 1
    with window.page.expect_response("**/preferences"):
        window.page.locator("[data-command=contrast]").click()
    window.reload()
    assert filter_of(first_image(window, project)) == "none"


def test_a_grey_image_becomes_black_and_white(open_bench: OpenBench) -> None:
    """0.4 to 0.6 of the range is drawn, and what the filter makes of its ends is read back."""
    _, window = open_bench(n=1)
    ends = window.page.evaluate(
        """async () => {
            const { stretchOf } = await import("/static/js/contrast.js").catch(() => ({}));
            if (!stretchOf) return null;
            const grey = document.createElement("canvas");
            grey.width = grey.height = 64;
            const pen = grey.getContext("2d");
            pen.fillStyle = "rgb(102 102 102)"; pen.fillRect(0, 0, 64, 32);
            pen.fillStyle = "rgb(153 153 153)"; pen.fillRect(0, 32, 64, 32);
            const made = document.createElement("canvas");
            made.width = made.height = 64;
            const out = made.getContext("2d", { willReadFrequently: true });
            out.filter = stretchOf(grey);
            out.drawImage(grey, 0, 0);
            return [out.getImageData(32, 8, 1, 1).data[0], out.getImageData(32, 56, 1, 1).data[0]];
        }"""
    )
    assert ends is not None
    assert ends[0] <= 4
    assert ends[1] >= 251


def test_images_are_inverted_by_key_and_by_button_and_so_is_the_large_one(open_bench: OpenBench) -> None:
    project, window = open_bench()
    with window.page.expect_response("**/preferences"):
        window.press(";")
    window.reload()
    assert "invert(1)" in filter_of(first_image(window, project))
    window.tile(project.ids[2]).click()
    assert "invert(1)" in filter_of(window.page.locator("#large img"))
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")
    assert "invert(1)" in filter_of(window.page.locator("zoom-image img"))
    with window.page.expect_response("**/preferences"):
        window.press(";")
    reload(window.page)
    assert filter_of(window.page.locator("zoom-image img")) == "none"

    window.open_board(project)
    with window.page.expect_response("**/preferences"):
        window.page.locator("[data-command=invert]").click()
    window.reload()
    expect(window.page.locator("[data-command=invert]")).to_have_attribute("aria-pressed", "true")


@pytest.fixture
def held(open_bench: OpenBench) -> tuple[SmallProject, Window]:
    return open_bench()


def test_alt_shows_the_tile_under_the_pointer_large_while_it_is_held(held: tuple[SmallProject, Window]) -> None:
    project, window = held
    window.reload()
    window.tile(project.ids[3]).hover()
    window.page.keyboard.down("Alt")
    large = window.page.locator(".large-view")
    expect(large).to_contain_text("object4")
    expect(large).to_contain_text("sample0")
    small = window.tile(project.ids[3]).locator("img").bounding_box()
    shown = large.locator("img").bounding_box()
    assert small and shown
    assert shown["width"] == pytest.approx(4 * small["width"], abs=2)
    expect(large.locator(".zoom-scale")).to_contain_text("µm")
    window.tile(project.ids[12]).hover(force=True)
    expect(large).to_contain_text("object13")
    window.page.keyboard.up("Alt")
    expect(large).to_have_count(0)


def test_alt_shows_the_tile_under_the_cursor_and_blocks_nothing(held: tuple[SmallProject, Window]) -> None:
    project, window = held
    window.press("ArrowRight", "ArrowRight")
    window.page.keyboard.down("Alt")
    expect(window.page.locator(".large-view")).to_contain_text("object2")
    window.page.keyboard.up("Alt")
    window.press("Space")
    assert window.n_selected == 1
    window.name("oith")
    window.reload()
    assert [window.label(k)[1] for k in project.ids[:3]] == ["", "Oithona", ""]


def test_the_large_images_are_stretched_too(held: tuple[SmallProject, Window]) -> None:
    project, window = held
    window.tile(project.ids[0]).click()
    with window.page.expect_response("**/preferences"):
        window.press(",")
    window.wait_for("document.querySelector('#large img').style.getPropertyValue('--stretch') !== ''")
    window.reload()
    window.tile(project.ids[1]).hover()
    window.page.keyboard.down("Alt")
    window.wait_for("document.querySelector('.large-view img').style.getPropertyValue('--stretch') !== ''")
    assert filter_of(window.page.locator(".large-view img")) != "none"
    window.page.keyboard.up("Alt")
