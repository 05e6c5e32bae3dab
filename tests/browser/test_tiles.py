"""What a tile shows beside its image, and how it is opened: signs, a true scale bar, and what comes while one waits."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Route, expect

from app import database
from app.labels.runs import publish
from tests.browser.conftest import OpenBay, OpenBench, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject, predict

WITHIN_THE_CAPTION = """figure => {
    const bottom = figure.getBoundingClientRect().bottom;
    return bottom <= figure.closest('.caption').getBoundingClientRect().bottom;
}"""
UM = {"nm": 0.001, "µm": 1.0, "mm": 1000.0}
PIXEL_UM = 12.0  # of every project of make_board


def um_per_screen_pixel(window: Window, object_id: int) -> float:
    """As the tile's bar says."""
    tile = window.tile(object_id)
    length, unit = tile.locator(".scale-label").inner_text().split()
    box = tile.locator("svg.scale").bounding_box()
    assert box
    return float(length) * UM[unit] / box["width"]


@pytest.mark.parametrize("opened", ["by its address", "by keys"])
def test_the_scale_bar_of_a_tile_is_true_at_every_size(bay: SmallProject, open_bay: OpenBay, opened: str) -> None:
    """Images are 64 pixels wide, 48 to 76 high, and 12 µm to the pixel."""
    window = open_bay("?size=200" if opened == "by its address" else "")
    if opened == "by keys":
        window.press("+", "+", "+")
    window.reload()
    for k in (0, 3, 7):
        image = window.tile(bay.ids[k]).locator(".picture img").bounding_box()
        assert image
        true = 64 * PIXEL_UM / image["width"]
        assert um_per_screen_pixel(window, bay.ids[k]) == pytest.approx(true, rel=0.03)


def test_without_a_pixel_size_no_bar_is_drawn(site: Site, bay: SmallProject, open_bay: OpenBay) -> None:
    with database.connect(site.database_url) as db:
        db.execute("update project set pixel_size_um = null where id = %s", [bay.id])
    window = open_bay()
    expect(window.page.locator("#tiles svg.scale")).to_have_count(0)


def test_an_object_of_several_images_says_how_many_and_its_page_shows_them(
    site: Site, bay: SmallProject, open_bay: OpenBay
) -> None:
    with database.connect(site.database_url) as db:
        db.execute(
            """
            insert into image (project_id, object_id, rank, hash, file_name)
            select project_id, %s, row_number() over (order by object_id), hash, file_name
              from image
             where object_id = any(%s)
            """,
            [bay.ids[0], bay.ids[1:3]],
        )
        db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    window = open_bay()
    window.reload()
    expect(window.tile(bay.ids[0]).locator(".signs .stack[title='3 images']")).to_have_text("3")
    expect(window.page.locator("#tiles .stack")).to_have_count(1)

    with window.page.context.expect_page() as opened:
        window.tile(bay.ids[0]).dblclick()
    page = opened.value
    expect(page.locator("zoom-image")).to_have_count(3)
    assert re.search(rf"/projects/{bay.id}/objects/{bay.ids[0]}$", page.url)
    # Both clicks of a double click select: it ends as it began.
    assert window.n_selected == 0


def test_while_more_is_loading_the_page_says_so(open_bench: OpenBench) -> None:
    project, window = open_bench(n=230)
    held: list[Route] = []
    window.page.route("**/tiles?**", lambda route: held.append(route), times=1)
    window.press("ArrowRight", "Control+a")
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    expect(window.page.get_by_text("Loading more…")).to_be_visible()
    assert window.n_selected == 200

    held[0].continue_()
    expect(window.page.get_by_text("Loading more…")).to_be_hidden()
    expect(window.tiles).to_have_count(230)
    window.reload()
    window.tile(project.ids[199]).scroll_into_view_if_needed()
    expect(window.tiles).to_have_count(230)


@pytest.mark.parametrize("query", ["?status=P", "?status=P&order=score"])
def test_a_predicted_tile_shows_its_score_whole_whatever_its_name(
    site: Site, bay: SmallProject, open_bay: OpenBay, query: str
) -> None:
    with database.connect(site.database_url) as db:
        name = f"trichodesmium_bowtie_{bay.id}"
        row = db.execute(
            "insert into taxon (name, display_name, type) values (%(name)s, %(name)s, 'P') returning id", {"name": name}
        ).fetchone()
        bay.taxa[name] = row.id
        run_id = predict(replace(bay, db=db), {bay.ids[0]: name, bay.ids[1]: "Oithona"}, score=0.83)
        publish(db, bay, run_id)
    window = open_bay(query)
    for k in bay.ids[:2]:
        assert window.tile(k).locator(".figure").evaluate(WITHIN_THE_CAPTION)
