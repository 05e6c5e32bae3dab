"""Finding one's way: endless scroll, filters in the address, the tree, narrow windows, empty projects."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app import database
from tests.browser.conftest import Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

MakeBoard = Callable[..., SmallProject]
OpenWindow = Callable[..., Window]


@pytest.fixture
def ana(person: Callable[[str], Person]) -> Person:
    return person("Ana")


def test_endless_scroll_shows_every_object_once_while_labels_change(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, n=450), open_window(ana)
    window.open_board(project, "?status=U")
    window.tile(project.ids[3]).click()
    window.page.keyboard.type("oith")
    window.press("Enter")
    window.wait_until_sent()

    for _ in range(20):
        window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        window.page.wait_for_timeout(150)

    shown = [int(k) for k in window.tiles.evaluate_all("tiles => tiles.map(tile => tile.dataset.id)")]
    assert shown == [k for k in project.ids if k != project.ids[3]]


def test_a_filter_on_a_free_column_is_added_kept_in_the_address_and_removed(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)

    window.page.get_by_role("button", name="+ filter").click()
    window.page.locator("#filter-kind").fill("area")
    window.page.locator("#filter-kind-list").get_by_text("area", exact=True).click()
    window.page.get_by_label("from", exact=True).locator("visible=true").fill("5")
    window.page.get_by_role("button", name="Add", exact=True).click()
    window.page.wait_for_url("**f.area=5..**")
    window.reload()

    kept = window.tiles.count()
    assert 0 < kept < 30
    window.page.get_by_role("link", name="Remove the filter").click()
    expect(window.tiles).to_have_count(30)


def test_a_taxon_of_the_tree_filters_with_and_without_what_is_below(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    for k, name in ((0, "calanoida"), (1, "copepoda"), (2, "detritus")):
        window.tile(project.ids[k]).click()
        window.page.keyboard.type(name)
        window.press("Enter")
        window.wait_until_sent()
    window.reload()

    window.page.get_by_label("Taxonomy").get_by_title("Copepoda:").click()
    expect(window.tiles).to_have_count(2)
    window.page.get_by_label("with the taxa below").uncheck()
    expect(window.tiles).to_have_count(1)
    window.reload()
    assert window.label(project.ids[1]) == ("V", "Copepoda")


def test_filters_that_nothing_passes_can_be_cleared(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.page.goto(f"/projects/{project.id}?status=V&taxon=99999999")

    expect(window.page.get_by_text("No object matches")).to_be_visible()
    window.page.get_by_role("link", name="Clear the filters").click()
    expect(window.tiles).to_have_count(30)


def test_the_filters_stay_on_top_where_nothing_is_shown(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, empty, window = make_board(ana), make_board(ana, n=0), open_window(ana)
    window.open_board(project)
    filters = window.page.locator(".filters")
    place = filters.bounding_box()

    for address in (f"/projects/{project.id}?status=P", f"/projects/{empty.id}"):
        window.page.goto(address)
        expect(window.page.locator(".empty")).to_be_visible()
        assert filters.bounding_box() == place


def test_a_range_that_holds_no_number_is_told_in_the_form(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    window.page.get_by_role("button", name="+ filter").click()
    window.page.locator("#filter-kind").fill("area")
    window.page.locator("#filter-kind-list").get_by_text("area", exact=True).click()
    window.page.get_by_label("from", exact=True).locator("visible=true").fill("9")
    window.page.get_by_label("to", exact=True).locator("visible=true").fill("5")
    window.page.get_by_role("button", name="Add", exact=True).click()

    expect(window.page.get_by_text("No number is both")).to_be_visible()
    window.page.get_by_label("to", exact=True).locator("visible=true").fill("12")
    expect(window.page.get_by_text("No number is both")).to_be_hidden()
    window.page.get_by_role("button", name="Add", exact=True).click()
    window.page.wait_for_url("**f.area=9..12**")


def test_a_taxon_of_which_all_is_dubious_shows_how_many(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    window.press("ArrowRight", "Shift+ArrowRight")
    window.page.keyboard.type("detr")
    window.press("Shift+Enter")
    window.reload()

    expect(window.page.get_by_label("Taxonomy").get_by_title("detritus:").locator(".count.D")).to_have_text("2")


def test_an_empty_project_says_how_images_come_in(
    ana: Person, site: Site, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, n=0), open_window(ana)
    window.page.goto(f"/projects/{project.id}")

    expect(window.page.get_by_text("A manager of this project brings images in")).to_be_visible()
    with database.connect(site.database_url) as db:
        db.execute("update member set role = 'manager' where project_id = %s", [project.id])
    window.reload()
    expect(window.page.get_by_text("shoal import")).to_be_visible()
    expect(window.page.get_by_role("link", name="Import images")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_900_pixels_everything_is_within_reach(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow, scheme: str
) -> None:
    project, window = make_board(ana), open_window(ana, color_scheme=scheme)
    window.page.set_viewport_size({"width": 900, "height": 900})
    window.open_board(project)

    window.tile(project.ids[0]).click()
    expect(window.page.get_by_role("button", name="Validate")).to_be_in_viewport()
    expect(window.page.locator("#label-field")).to_be_in_viewport()
    window.press("/")
    expect(window.page.locator("#find-taxon")).to_be_focused()
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 900


def test_the_label_field_stays_where_it_is_whatever_is_selected(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    field = window.page.locator("#label-field")
    place = field.bounding_box()

    window.tile(project.ids[0]).click()
    assert field.bounding_box() == place
    expect(window.page.locator("#facts")).to_contain_text("sample")
    assert field.bounding_box() == place


def test_the_list_of_keys_opens_with_a_question_mark(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)

    window.press("?")
    expect(window.page.get_by_role("heading", name="Keys")).to_be_visible()
    window.press("Escape")
    expect(window.page.get_by_role("heading", name="Keys")).to_be_hidden()


def test_objects_without_an_image_or_with_a_lost_one_have_a_place_of_their_own(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.forgive("Failed to load resource")
    with database.connect(site.database_url) as db:
        db.execute("delete from image where object_id = %s", [project.ids[0]])
        lost = db.execute("select encode(hash, 'hex') from image where object_id = %s", [project.ids[1]]).fetchone()[0]
    window.page.route(f"**/thumbnails/{lost}", lambda route: route.fulfill(status=404))
    window.open_board(project)

    expect(window.tile(project.ids[0])).to_contain_text("no image")
    expect(window.tile(project.ids[1])).to_contain_text("image cannot be shown")
    window.tile(project.ids[0]).click()
    window.page.keyboard.type("oith")
    window.press("Enter")
    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")


def test_every_stylesheet_and_module_is_kept_by_the_browser(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    answers = []
    window.page.on("response", lambda answer: "/static/" in answer.url and answers.append(answer))
    window.open_board(project)

    assert any(answer.url.endswith("js/taxon_field.js") for answer in answers)
    assert [answer.url for answer in answers if "immutable" not in answer.headers["cache-control"]] == []
