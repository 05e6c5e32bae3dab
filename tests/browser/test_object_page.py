"""One object's page, and objects that are out of the ordinary: no image, a huge one, names without end."""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import expect

from app import database
from app.labels.runs import publish
from app.objects.store import open_store
from indexer.images import open_image, thumbnail
from tests.browser.conftest import Site
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject, predict

# What stands out of the window at the right, where nothing can be scrolled to.
TOO_WIDE = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 90))"""

OpenBench = Callable[..., tuple[SmallProject, Window]]


@pytest.fixture
def bench(open_bench: OpenBench) -> tuple[SmallProject, Window]:
    return open_bench(n=6)


def give_image(site: Site, project: SmallProject, object_id: int, picture: Image.Image) -> None:
    writer = open_store(site.settings).pack_writer()
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    data = file.getvalue()
    blob, small = writer.add(data), writer.add(thumbnail(open_image(data)))
    writer.finish()
    with database.connect(site.database_url) as db:
        db.execute(
            """
            with new as (
                insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
                select sha256(data), length(data), 'PNG', 'L', %s, %s, %s, %s
                  from (select %s::bytea as data) as given
            )
            update image
               set hash = sha256(%s)
             where project_id = %s
               and object_id = %s
            """,
            [*picture.size, blob, small, data, data, project.id, object_id],
        )


def change(site: Site, project: SmallProject, statement: str, *values: object) -> None:
    """As an import would: readers see it as new data."""
    with database.connect(site.database_url) as db:
        db.execute(statement, values)
        db.execute("update project set data_version = data_version + 1 where id = %s", [project.id])


def test_an_object_is_named_and_taken_back_by_keys_on_its_page(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    url = f"/projects/{project.id}/objects/{project.ids[2]}"
    window.page.goto(url)
    window.page.keyboard.type("oith")
    expect(window.page.get_by_role("option", name="Oithona").first).to_be_visible()
    with window.page.expect_navigation():
        window.press("Enter")
    expect(window.page.locator(".label-now")).to_contain_text("Oithona")
    with window.page.expect_navigation():
        window.press("Control+z")
    expect(window.page.locator(".label-now")).to_contain_text("unclassified")
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Redo").click()

    reload(window.page)
    expect(window.page.locator(".label-now")).to_contain_text("Oithona")
    expect(window.page.get_by_label("History").locator("tbody tr")).to_have_count(3)


def test_it_tells_position_sample_and_the_machines_choice(site: Site, bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    with database.connect(site.database_url) as db:
        project.db = db
        run_id = predict(project, {project.ids[0]: "Calanoida"}, score=0.83)
        publish(db, project, run_id)
    change(site, project, "update object set latitude = -43.5, longitude = 7.25 where id = %s", project.ids[0])
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.name("oith")
    window.wait_until_sent()

    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")
    expect(window.page.get_by_label("Fields")).to_contain_text("43.5000° S, 7.2500° E")
    expect(window.page.get_by_label("History")).to_contain_text("Calanoida 0.83")
    expect(window.page.get_by_label("Label", exact=True)).to_contain_text("machine's choice: Calanoida 0.83")
    window.page.get_by_role("link", name="sample0").click()
    expect(window.page.get_by_role("heading", name="sample0")).to_be_visible()


def test_an_image_of_twenty_thousand_pixels_is_shown_reduced_at_its_true_size(
    site: Site, bench: tuple[SmallProject, Window]
) -> None:
    project, window = bench
    give_image(site, project, project.ids[1], Image.linear_gradient("L").resize((20_000, 600)))
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[1]}")

    image = window.page.locator("zoom-image img")
    expect(image).to_have_js_property("naturalWidth", 6667)
    expect(image).to_have_js_property("width", 20_000)
    expect(window.page.locator("figcaption")).to_contain_text("shown reduced")
    box, frame = image.bounding_box(), window.page.locator("zoom-image").bounding_box()
    assert box and frame
    assert box["width"] <= frame["width"] + 1

    window.open_board(project)
    window.tile(project.ids[1]).click()
    expect(window.page.locator("#large img")).to_have_js_property("naturalWidth", 6667)


def test_an_object_without_an_image_is_worked_like_any_other(site: Site, bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    change(site, project, "delete from image where object_id = %s", project.ids[0])
    window.open_board(project)
    window.fill_slot("1", "oith")
    expect(window.tile(project.ids[0])).to_contain_text("no image")
    window.press(",", ";", "ArrowRight")
    window.page.keyboard.down("Alt")
    expect(window.page.locator(".large-view")).to_contain_text("no image")
    window.page.keyboard.up("Alt")
    window.press("1")

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")
    expect(window.page.get_by_role("heading", name="No image")).to_be_visible()


def test_names_of_250_characters_break_nothing(site: Site, bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    name = "x" * 120 + "<b>" + "y" * 127
    change(site, project, "update object set orig_id = %s where id = %s", name, project.ids[0])
    change(site, project, "update sample set orig_id = %s where project_id = %s", name, project.id)
    with database.connect(site.database_url) as db:
        db.execute("insert into taxon (name, display_name, type) values (%s, %s, 'M')", [name[:200], name])
    window.open_board(project)
    window.fill_slot("1", name[:30])
    window.reload()
    window.tile(project.ids[0]).hover()
    window.press("1")
    window.reload()
    window.tile(project.ids[0]).click()

    assert window.label(project.ids[0]) == ("V", name)
    for page in (None, f"/projects/{project.id}/objects/{project.ids[0]}"):
        if page:
            window.page.goto(page)
        for width in (1440, 900):
            window.page.set_viewport_size({"width": width, "height": 900})
            assert window.page.evaluate(TOO_WIDE) == [], width


def test_its_image_is_zoomed_by_wheel_and_buttons_and_moved_by_dragging_and_arrows(
    bench: tuple[SmallProject, Window],
) -> None:
    project, window = bench
    page = window.page
    page.goto(f"/projects/{project.id}/objects/{project.ids[2]}")
    window.wait_for("customElements.get('zoom-image') !== undefined")
    frame, image, zoom = (
        page.locator("zoom-image"),
        page.locator("zoom-image img"),
        page.get_by_label("zoom", exact=True),
    )
    page.get_by_role("button", name="One screen pixel").click()
    expect(zoom).to_have_text("100 %")
    before, around = image.bounding_box(), frame.bounding_box()
    assert before and around
    assert before["width"] == pytest.approx(64, abs=1)

    page.mouse.move(before["x"] + 16, before["y"] + 10)
    page.mouse.wheel(0, -400)
    expect(zoom).to_have_text("272 %")
    zoomed = image.bounding_box()
    assert zoomed
    # What is under the pointer stays there.
    assert zoomed["x"] == pytest.approx(before["x"] + 16 - 16 * 2.718, abs=2)
    bar = frame.locator(".zoom-scale")
    assert float(bar.inner_text().split()[0]) / bar.bounding_box()["width"] == pytest.approx(12 / 2.718, rel=0.05)

    page.mouse.down()
    page.mouse.move(before["x"] + 56, before["y"] + 40, steps=4)
    page.mouse.up()
    dragged = image.bounding_box()
    assert dragged
    assert (dragged["x"] - zoomed["x"], dragged["y"] - zoomed["y"]) == pytest.approx((40, 30), abs=2)
    frame.focus()
    window.press("ArrowLeft", "ArrowUp")
    moved = image.bounding_box()
    assert moved
    assert (moved["x"] - dragged["x"], moved["y"] - dragged["y"]) == pytest.approx((60, 60), abs=2)
    window.press("0")
    expect(zoom).not_to_have_text("272 %")


def test_its_contrast_is_stretched_and_inverted_by_key_and_by_button(bench: tuple[SmallProject, Window]) -> None:
    project, window = bench
    page = window.page
    page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")
    image = page.locator("zoom-image img")
    for key, command in ((",", "contrast"), (";", "invert")):
        window.wait_for("customElements.get('zoom-image') !== undefined")
        button = page.locator(f"[data-command={command}]")
        expect(button).to_have_attribute("aria-pressed", "false")
        with page.expect_response("**/preferences"):
            window.press(key)
        reload(page)
        expect(button).to_have_attribute("aria-pressed", "true")
        assert image.evaluate("image => getComputedStyle(image).filter") != "none"
        with page.expect_response("**/preferences"):
            button.click()
        reload(page)
        expect(button).to_have_attribute("aria-pressed", "false")
