"""The view of the tiles: their size and the fields under them, by keyboard and by pointer, kept and in the address."""

import re

import pytest
from playwright.sync_api import expect

from app import database
from tests.browser.conftest import MakeBoard, OpenBay, OpenBench, OpenWindow, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject


def width(window: Window, object_id: int) -> float:
    return window.tile(object_id).locator(".picture img").bounding_box()["width"]


def kept(site: Site, bay: SmallProject) -> dict[str, object]:
    with database.connect(site.database_url) as db:
        row = db.execute("select settings from board_preference where project_id = %s", [bay.id]).fetchone()
    return row.settings if row else {}


def wait_until_kept(window: Window, site: Site, bay: SmallProject, key: str, value: object) -> None:
    for _ in range(100):
        if kept(site, bay).get(key) == value:
            return
        window.page.wait_for_timeout(50)
    raise AssertionError(f"{key} is {kept(site, bay).get(key)!r}, not {value!r}")


def test_tiles_grow_and_shrink_by_keys_and_stay_so(bay: SmallProject, open_bay: OpenBay, site: Site) -> None:
    window = open_bay()
    usual = width(window, bay.ids[0])
    window.press("+", "+")
    assert width(window, bay.ids[0]) == pytest.approx(1.4 * usual, rel=0.02)
    assert "size=140" in window.page.url
    wait_until_kept(window, site, bay, "size", 140)
    window.page.goto(f"/projects/{bay.id}")
    expect(window.tiles.first).to_be_visible()
    assert width(window, bay.ids[0]) == pytest.approx(1.4 * usual, rel=0.02)
    window.press("-", "-", "-")
    window.reload()
    assert width(window, bay.ids[0]) == pytest.approx(0.9 * usual, rel=0.02)


def test_the_size_is_chosen_on_a_slider_and_shared_by_its_address(
    ana: Person, open_window: OpenWindow, bay: SmallProject, open_bay: OpenBay
) -> None:
    window = open_bay()
    usual = width(window, bay.ids[0])
    window.page.locator("#view").click()
    window.page.locator("#tile-size").fill("200")
    window.page.get_by_role("button", name="Larger tiles").click()
    expect(window.page.locator("#size-now")).to_have_text("250 %")
    window.press("Escape")
    address = window.page.url
    other = open_window(ana)
    other.page.goto(address)
    expect(other.tiles.first).to_be_visible()
    assert width(other, bay.ids[0]) == pytest.approx(2.5 * usual, rel=0.02)


def test_what_is_looked_at_keeps_its_place_while_the_size_changes(open_bench: OpenBench) -> None:
    bay, window = open_bench(n=60, query="?size=200")
    window.tile(bay.ids[25]).scroll_into_view_if_needed()
    window.tile(bay.ids[25]).click()
    before = window.tile(bay.ids[25]).bounding_box()["y"]
    window.press("-")
    assert window.tile(bay.ids[25]).bounding_box()["y"] == pytest.approx(before, abs=3)


def test_links_made_before_the_size_changed_keep_it(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay("?size=80&depth=1..20")
    window.press("+")
    window.page.get_by_role("link", name="Remove the filter depth").click()
    window.page.wait_for_url("**size=90**")
    expect(window.page.locator(".chip")).to_have_count(0)


def test_large_tiles_show_the_image_itself(bay: SmallProject, open_bay: OpenBay, site: Site) -> None:
    with database.connect(site.database_url) as db:
        db.execute(
            """
            update content
               set width_px = width_px * 8, height_px = height_px * 8
             where hash in (select hash from image where project_id = %s)
               and width_px = 64
            """,
            [bay.id],
        )
        db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    window = open_bay()
    assert window.page.locator(".tile.original").count() == 0
    window.page.locator("#view").click()
    window.page.locator("#tile-size").fill("300")
    window.reload()
    image = f"{site.address}/projects/{bay.id}/images/{window.tile(bay.ids[0]).get_attribute('data-hash')}?as=png"
    expect(window.tile(bay.ids[0]).locator(".picture img")).to_have_attribute("src", image)
    assert window.page.locator(".tile.original").count() < len(bay.ids)


def test_fields_under_the_tiles_are_added_by_keyboard_and_hidden_by_pointer(
    bay: SmallProject, open_bay: OpenBay, site: Site
) -> None:
    window = open_bay()
    window.page.locator("#view").focus()
    window.press("Enter")
    expect(window.page.locator("#show-field")).to_be_focused()
    window.page.keyboard.type("depth")
    window.press("Enter")
    window.page.wait_for_url("**show=depth**")
    expect(window.page.locator("#show-field")).to_be_focused()
    window.page.keyboard.type("station")
    window.press("Enter")
    window.page.wait_for_url("**f.sample.station**")
    wait_until_kept(window, site, bay, "show", ["depth", "f.sample.station"])
    window.page.goto(f"/projects/{bay.id}")
    fields = window.tile(bay.ids[4]).locator(".fields span")
    expect(fields).to_have_text(["5 m", "st0"])
    expect(fields.last).to_have_attribute("title", "sample.station: st0")

    window.page.locator("#view").click()
    window.page.get_by_role("button", name="Hide depth").click()
    expect(fields).to_have_text(["st0"])
    window.reload()
    expect(fields).to_have_text(["st0"])


def test_six_fields_are_as_many_as_fit(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay("?show=depth,date,sample,score,f.area,f.note,f.gone")
    expect(window.tile(bay.ids[0]).locator(".fields span")).to_have_count(6)
    window.page.locator("#view").click()
    expect(window.page.get_by_text("Six fields are as many as fit")).to_be_visible()
    expect(window.page.locator("#show-field")).to_have_count(0)


def test_a_field_that_is_gone_is_told_and_can_be_hidden(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay("?show=f.gone,depth")
    expect(window.tile(bay.ids[0]).locator(".fields span")).to_have_text(["1 m"])
    window.page.locator("#view").click()
    expect(window.page.get_by_text("this project has no such field")).to_be_visible()
    window.page.get_by_role("button", name="Hide gone").click()
    window.page.wait_for_url("**show=depth")


def test_large_tiles_are_sharp_again_after_they_were_scrolled_away(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow, site: Site
) -> None:
    project, window = make_board(ana, n=600), open_window(ana)
    with database.connect(site.database_url) as db:
        db.execute(
            """
            update content
               set width_px = width_px * 8, height_px = height_px * 8
             where hash in (select hash from image where project_id = %s)
               and width_px = 64
            """,
            [project.id],
        )
        db.execute("update project set data_version = data_version + 1 where id = %s", [project.id])
    window.open_board(project, "?size=250")
    first = window.tile(project.ids[0])
    expect(first).to_have_class("tile original")
    for _ in range(20):
        window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        window.page.wait_for_timeout(100)
        if first.locator("img").get_attribute("src") is None:
            break
    expect(first).to_have_class("tile")
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, 0)")
    image = re.compile(f"/projects/{project.id}/images/")
    expect(first.locator(".picture img")).to_have_attribute("src", image)
    expect(first).to_have_class("tile original")
