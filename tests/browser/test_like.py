"""Like this: by selected examples, and by an image from elsewhere."""

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from app import database
from app.projects.queries import set_member
from tests.browser.conftest import Person, Site
from tests.browser.window import Window, reload
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
    expect(window.page.locator("#order")).to_contain_text("likeness")


def test_like_these_is_asked_for_by_its_button(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    window.tile(project.ids[3]).click()
    window.page.get_by_role("button", name="Like these").click()
    window.page.wait_for_url("**order=like**")
    window.reload()
    assert window.tiles.first.get_attribute("data-id") == str(project.ids[3])
    expect(window.page.locator("#order")).to_contain_text("likeness to 1 example")
    window.page.get_by_role("link", name="turn round").click()
    window.page.wait_for_url("**dir=desc**")
    window.reload()
    assert window.tiles.last.get_attribute("data-id") == str(project.ids[3])


def test_what_sizes_count_is_kept_and_changes_the_order(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    slider = window.page.get_by_role("slider", name="Size counts")
    window.tile(project.ids[0]).click()
    window.press("=")
    window.page.wait_for_url("**order=like**")
    window.page.locator("#order").click()
    expect(slider).to_have_value("0.2")
    slider.focus()
    slider.press("End")
    expect(window.page.locator(".size-weight output")).to_have_text("1.00")
    # Forty images of digits are all of one size: by it alone, none is farther than another.
    expect(window.page.locator("#tiles .figure").nth(5)).to_have_text("0.00")
    window.reload()
    window.page.locator("#order").click()
    expect(slider).to_have_value("1")


def framed_image(project: SmallProject, window: Window, place: int) -> bytes:
    """The image of an object with one more pixel on each side, as another program saves it."""
    source = f"/projects/{project.id}/images/{window.tile(project.ids[place]).get_attribute('data-hash')}"
    image = Image.open(io.BytesIO(window.page.request.get(source).body()))
    file = io.BytesIO()
    ImageOps.expand(image, 1, fill=255).save(file, "PNG")
    return file.getvalue()


def test_a_pasted_image_is_looked_for(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.page.evaluate(
        """async bytes => {
            const image = new Blob([new Uint8Array(bytes)], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": image })]);
        }""",
        list(framed_image(project, window, 12)),
    )
    window.press("Control+v")
    window.page.wait_for_url("**query=**")
    window.reload()

    assert window.tiles.first.get_attribute("data-id") == str(project.ids[12])


def test_a_dropped_image_is_looked_for(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    window.page.evaluate(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "seven.png", { type: "image/png" }));
            const board = document.querySelector("shoal-board");
            board.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        list(framed_image(project, window, 7)),
    )
    window.page.wait_for_url("**query=**")
    window.reload()

    assert window.tiles.first.get_attribute("data-id") == str(project.ids[7])


def test_what_is_near_or_far_from_an_image_is_worked_as_a_batch(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    image = {"name": "seven.png", "mimeType": "image/png", "buffer": framed_image(project, window, 7)}
    window.page.locator("#order").click()
    window.page.get_by_label("Or by likeness to an image of yours").set_input_files(image)
    window.page.wait_for_url("**query=**")
    expect(window.page.locator(".like-bar")).to_contain_text("Like the image")
    window.page.get_by_role("link", name="far", exact=True).click()
    window.page.wait_for_url("**dir=desc**")
    window.reload()
    assert window.tiles.last.get_attribute("data-id") == str(project.ids[7])
    window.page.get_by_role("button", name="Work through as a batch").click()
    window.page.wait_for_url("**/batches/*")
    expect(window.page.locator("h1")).to_have_text("Unlike the image")

    window.page.goto(f"/projects/{project.id}/batches")
    window.page.get_by_label("an image").set_input_files(image)
    button = window.page.get_by_role("button", name="Make the batch")
    button.focus()
    button.press("Enter")
    window.page.wait_for_url("**/batches/*")
    reload(window.page)
    expect(window.page.locator("h1")).to_have_text("Like the image")
    expect(window.page.locator(f".tile[data-id='{project.ids[7]}']")).to_be_visible()


def test_a_reference_is_named_by_keys_and_its_objects_are_looked_for_elsewhere(
    board: tuple[SmallProject, Window],
    make_board: Callable[..., SmallProject],
    site: Site,
) -> None:
    project, window = board
    atlas = make_board(n=20, embedded=True)
    with database.connect(site.database_url) as db:
        ana = db.execute("select account_id from member where project_id = %s", [project.id]).fetchone().account_id
        set_member(db, project.id, ana, "manager")
        set_member(db, atlas.id, ana, "visitor")
        title = f"Atlas {atlas.id}"
        db.execute("update project set title = %s where id = %s", [title, atlas.id])
    window.page.goto(f"/projects/{project.id}/settings")
    field = window.page.get_by_label("Add a project")
    field.focus()
    window.page.keyboard.type(title)
    window.page.keyboard.press("Enter")  # the first of the list, though that is not there yet
    expect(window.page.locator(".references")).to_contain_text(title)
    reload(window.page)
    expect(window.page.locator(".references")).to_contain_text("0 of 0 validated objects vote")

    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.press("=")
    window.page.wait_for_url("**order=like**")
    window.page.get_by_role("link", name="In other projects…").press("Enter")
    window.page.wait_for_url("**/alike**")
    reload(window.page)
    shown = window.page.locator(f".alike-tiles a[href='/projects/{atlas.id}/objects/{atlas.ids[0]}']")
    expect(shown).to_be_visible()
    button = window.page.get_by_role("button", name="Work through as a batch in")
    expect(button).to_have_count(1)
    button.click()
    window.page.wait_for_url(f"**/projects/{project.id}/batches/*")
    expect(window.page.locator("h1")).to_have_text("Like 1 example")


def test_an_objects_page_shows_its_neighbours_history_and_comments(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")

    expect(window.page.locator("zoom-image img")).to_be_visible()
    assert window.page.locator("[data-panel=neighbours] .tile").count() >= 5
    window.wait_for("customElements.get('zoom-image') !== undefined")
    window.press("+", "+")
    expect(window.page.get_by_label("zoom", exact=True)).not_to_have_text("800 %")
    window.press("0")
    expect(window.page.get_by_label("zoom", exact=True)).to_have_text("800 %")
    window.page.keyboard.type("oith")
    window.press("Enter")
    expect(window.page.locator(".label-now")).to_contain_text("validated")
    window.wait_for("customElements.get('zoom-image') !== undefined")
    window.press("Control+z")
    expect(window.page.locator(".label-now")).to_contain_text("unclassified")
    window.wait_for("customElements.get('zoom-image') !== undefined")
    window.press("Control+y")
    expect(window.page.locator(".label-now")).to_contain_text("validated")
    window.page.get_by_placeholder("add a comment").fill("A very round <b>zero</b>.")
    window.page.get_by_role("button", name="Add comment").click()
    # The form's own navigation has to end before the next can begin.
    expect(window.page.locator(".comment")).to_have_count(1)

    reload(window.page)
    expect(window.page.locator(".label-now")).to_contain_text("Oithona")
    expect(window.page.get_by_label("History")).to_contain_text("Ana")
    expect(window.page.locator(".comment")).to_contain_text("A very round <b>zero</b>.")


def test_without_a_vector_nothing_is_compared_and_the_board_stays(
    site: Site, board: tuple[SmallProject, Window]
) -> None:
    project, window = board
    window.forgive("404")
    with database.connect(site.database_url) as db:
        db.execute("delete from object_vector where project_id = %s and object_id = %s", [project.id, project.ids[3]])
    window.tile(project.ids[3]).click()
    window.press("=")
    expect(window.toast("None of these examples has a vector")).to_be_visible()
    assert window.n_selected == 1
    button = window.page.get_by_role("button", name="Like these")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "This object has no vector yet: it cannot be compared.")

    window.tile(project.ids[4]).click(modifiers=["Control"])
    expect(window.page.locator("#neighbours .tile").first).to_be_visible()
    expect(button).to_be_enabled()


def test_an_address_of_a_likeness_that_cannot_be_had_shows_the_board_and_why(
    site: Site, board: tuple[SmallProject, Window]
) -> None:
    project, window = board
    with database.connect(site.database_url) as db:
        db.execute("delete from object_vector where project_id = %s and object_id = %s", [project.id, project.ids[3]])

    window.open_board(project, f"?order=like&examples={project.ids[3]}")
    expect(window.page.locator(".notice", has_text="None of these examples has a vector")).to_be_visible()
    expect(window.tiles).to_have_count(40)

    window.open_board(project, "?order=like&query=elsewhere")
    expect(window.page.get_by_text("This search by an image is gone")).to_be_visible()
    expect(window.tiles).to_have_count(40)


def test_every_tile_shows_its_distance(board: tuple[SmallProject, Window]) -> None:
    project, window = board
    window.open_board(project, f"?order=like&examples={project.ids[0]}")

    for figure in window.page.locator("#tiles .figure").all():
        place = figure.evaluate(
            "it => [it.getBoundingClientRect().bottom, it.parentElement.getBoundingClientRect().bottom]"
        )
        assert place[0] <= place[1] + 1
