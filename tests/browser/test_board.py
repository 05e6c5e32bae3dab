"""Finding one's way: endless scroll, filters in the address, the tree, narrow windows, empty projects."""

import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Route, expect

from app import database
from app.accounts.tokens import make_token
from tests.browser.conftest import MakeBoard, MakePerson, OpenBay, OpenBench, OpenWindow, Person, Site
from tests.small_projects import SmallProject

WITHIN_THE_BAR = """figure => {
    const right = figure.getBoundingClientRect().right;
    return right <= figure.closest('.bar-middle').getBoundingClientRect().right;
}"""


@pytest.mark.parametrize("order", ["id", "when", "taxon"])
def test_endless_scroll_shows_every_object_once_while_another_person_labels(
    site: Site, ana: Person, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow, order: str
) -> None:
    """Ben labels through the API before each further page: what was shown, what was not yet, and some of it again."""
    ben = person("Ben")
    project, window = make_board(ana, ben, n=700), open_window(ana)
    label = labels_through_the_api(site, ben, project)
    label("Oithona", project.ids[100:250])
    turns = [("Calanoida", project.ids[k::7]) for k in range(7)]

    def label_before(route: Route) -> None:
        if turns:
            label(*turns.pop())
        route.continue_()

    window.page.route("**/tiles?**", label_before)
    window.open_board(project, f"?order={order}")
    for _ in range(60):
        window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        if window.tiles.count() >= 700:
            break
        window.page.wait_for_timeout(100)

    shown = [int(k) for k in window.tiles.evaluate_all("tiles => tiles.map(tile => tile.dataset.id)")]
    assert len(turns) < 5, "too few pages were asked for"
    assert sorted(shown) == project.ids
    window.reload()
    expect(window.page.locator("#n-total")).to_have_text("700")


def labels_through_the_api(site: Site, who: Person, project: SmallProject) -> Callable[[str, list[int]], None]:
    """What `who` says by another program, as the objects stand when it is said."""
    with database.connect(site.database_url) as db:
        _, token = make_token(db, who.id, "script", "full", 1)
    url, headers = f"{site.address}/api/v1/projects/{project.id}/acts", {"Authorization": f"Bearer {token}"}

    def label(name: str, ids: list[int]) -> None:
        with database.connect(site.database_url) as db:
            project.db = db
            act = {"kind": "label", "objects": ids, "states": project.states(ids), "taxon_id": project.taxa[name]}
        told = httpx.post(url, json=act | {"client_id": str(uuid4()), "status": "V"}, headers=headers)
        assert told.status_code == 200, told.text

    return label


def test_a_filter_on_a_free_column_is_added_kept_in_the_address_and_removed(open_bench: OpenBench) -> None:
    _, window = open_bench()

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


def test_a_taxon_of_the_tree_filters_with_and_without_what_is_below(open_bench: OpenBench) -> None:
    project, window = open_bench()
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


def test_a_range_that_holds_no_number_is_told_in_the_form(open_bench: OpenBench) -> None:
    _, window = open_bench()
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


def test_a_taxon_of_which_all_is_dubious_shows_how_many(open_bench: OpenBench) -> None:
    _, window = open_bench()
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
def test_at_900_pixels_everything_is_within_reach(bay: SmallProject, open_bay: OpenBay, scheme: str) -> None:
    window = open_bay(width=900, color_scheme=scheme)
    window.fill_slot("1", "oith")
    for k in bay.ids[:2]:
        window.tile(k).click()
    for command in ("Validate", "Dubious", "Like these", "Comment"):
        expect(window.page.locator(".commands").get_by_role("button", name=command)).to_be_in_viewport()
    expect(window.page.locator("#label-field")).to_be_in_viewport()
    window.press("'")
    expect(window.page.locator("#comment-sheet")).to_be_in_viewport(ratio=1)
    window.page.keyboard.type("narrow")
    window.press("Enter")
    window.page.locator("#slots [data-digit='1']").click()
    window.reload()
    window.press("/")
    expect(window.page.locator("#find-taxon")).to_be_focused()
    window.tree_row("Oithona").click()
    expect(window.page.locator("#n-total")).to_have_text("2")

    window.reload()
    assert [window.label(k) for k in bay.ids[:2]] == [("V", "Oithona")] * 2
    expect(window.page.locator("#tiles .signs [title='1 comment']")).to_have_count(2)
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 900


def test_the_header_keeps_the_counts_whole_and_what_has_no_room_stands_in_the_menu(
    bay: SmallProject, open_bay: OpenBay, site: Site
) -> None:
    with database.connect(site.database_url) as db:
        db.execute("update project set title = 'Imaging of the whole Strait, 2014' where id = %s", [bay.id])
        db.execute("update member set role = 'manager' where project_id = %s", [bay.id])
    window = open_bay("?depth=0..20", width=1440)
    page = window.page
    figures = page.locator(".count-words [data-count]")
    for width in (1440, 1200, 900):
        page.set_viewport_size({"width": width, "height": 900})
        for k in range(4):
            expect(figures.nth(k)).to_be_visible()
            assert figures.nth(k).evaluate(WITHIN_THE_BAR)
    expect(page.get_by_text("in this filter")).to_be_visible()
    page.get_by_label("Account and looks").click()
    expect(page.get_by_role("link", name="Export…")).to_have_attribute("href", re.compile("depth%3D0..20"))
    page.get_by_role("link", name="Predictions", exact=True).click()
    expect(page.get_by_role("heading", name="Predictions", exact=True)).to_be_visible()


@pytest.mark.parametrize("way", ["key", "button"])
def test_the_sheet_that_sets_aside_opens_in_the_middle(bay: SmallProject, open_bay: OpenBay, way: str) -> None:
    window = open_bay()
    window.tile(bay.ids[0]).click()
    if way == "key":
        window.press("Insert")
    else:
        window.page.get_by_role("button", name="Set aside Ins", exact=True).click()
    sheet = window.page.locator("#aside-sheet")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()
    assert box and box["y"] == 120
    assert abs(box["x"] + box["width"] / 2 - 720) <= 1


def test_the_label_field_stays_where_it_is_whatever_is_selected(open_bench: OpenBench) -> None:
    project, window = open_bench()
    field = window.page.locator("#label-field")
    place = field.bounding_box()

    window.tile(project.ids[0]).click()
    assert field.bounding_box() == place
    expect(window.page.locator("#facts")).to_contain_text("sample")
    assert field.bounding_box() == place


def test_the_list_of_keys_opens_with_a_question_mark(open_bench: OpenBench) -> None:
    _, window = open_bench()

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
        # A content of its own: those of the digits are shared with every other test's project.
        db.execute(
            """
            with lost as (
                insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
                select sha256(%s::text::bytea), 1, 'PNG', 'L', 64, 64, 'packs/none:0:1', 'packs/none:0:1'
                returning hash
            )
            update image set hash = lost.hash from lost where object_id = %s
            """,
            [f"lost {project.ids[1]}", project.ids[1]],
        )
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
