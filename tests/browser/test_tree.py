"""The taxonomy beside the tiles: counts, filters by click and by key, closed branches, long trees and long names."""

from contextlib import suppress

import pytest
from playwright.sync_api import APIResponse, Error, Locator, Route, expect

from app import database
from tests.browser.conftest import OpenBay, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject


@pytest.fixture
def bay(ana: Person, bay: SmallProject, site: Site) -> SmallProject:
    """30 objects: three are Oithona similis, two Copepoda, one fiber, the rest have no taxon."""
    with database.connect(site.database_url) as db:
        bay.db = db
        for ids, taxon in ((bay.ids[:3], "Oithona similis"), (bay.ids[3:5], "Copepoda")):
            bay.do(ana, ids, taxon=taxon)
        bay.do(ana, bay.ids[5:6], taxon="fiber")
    return bay


def line(window: Window, name: str) -> Locator:
    return window.page.get_by_role("tree").get_by_title(f"{name}:")


def count(window: Window, name: str, kind: str = "V") -> Locator:
    return line(window, name).locator(f".count.{kind}")


def names(window: Window) -> list[str]:
    titles = window.page.locator("#tree li[data-taxon-id] a").evaluate_all("all => all.map(one => one.title)")
    return [title.split(":")[0] for title in titles]


def test_branches_count_what_is_below_them_and_follow_labels(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    expect(count(window, "Copepoda")).to_have_text("5")
    expect(count(window, "Oithona")).to_have_text("3")
    window.tile(bay.ids[7]).click()
    window.page.keyboard.type("calanoida")
    window.press("Enter")
    window.wait_until_sent()
    expect(count(window, "Copepoda")).to_have_text("6")
    expect(count(window, "Calanoida")).to_have_text("1")
    window.reload()
    expect(count(window, "Copepoda")).to_have_text("6")


def test_a_filters_own_counts_stand_in_grey_beside_the_projects(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay("?depth=3..5")
    expect(count(window, "Copepoda")).to_have_text("5")
    expect(count(window, "Copepoda", "kept")).to_have_text("3")
    expect(count(window, "fiber < detritus", "kept")).to_have_text("")
    window.page.get_by_label("hide empty").check()
    window.reload()
    assert names(window) == ["living", "Copepoda", "Oithona", "Oithona similis"]


def test_a_taxon_filters_by_click_and_lets_go_by_another(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    line(window, "Oithona").click()
    expect(window.tiles).to_have_count(3)
    window.reload()
    expect(line(window, "Oithona")).to_have_attribute("aria-selected", "true")
    line(window, "Oithona").click()
    expect(window.tiles).to_have_count(30)


def test_the_menu_of_a_taxon_filters_by_it_alone_or_by_what_stands_above(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    line(window, "Copepoda").click(button="right")
    window.page.get_by_role("menuitem", name="Only this").click()
    expect(window.tiles).to_have_count(2)
    window.reload()
    line(window, "fiber < detritus").hover()
    line(window, "fiber < detritus").locator(".more").click()
    window.page.get_by_role("menuitem", name="Add it").click()
    expect(window.page.locator(".chip")).to_have_count(2)
    window.reload()
    expect(window.tiles).to_have_count(6)
    line(window, "Oithona similis").focus()
    window.press("Shift+F10")
    expect(window.page.get_by_role("menuitem").first).to_be_focused()
    window.press("End", "Enter")
    expect(window.page.locator(".chip")).to_have_count(1)
    expect(window.page.locator(".chip")).to_contain_text("living")
    expect(window.tiles).to_have_count(5)


def test_the_menu_of_a_taxon_labels_what_is_selected(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    window.tile(bay.ids[8]).click()
    window.tile(bay.ids[9]).click()
    line(window, "fiber < detritus").click(button="right")
    window.page.get_by_role("menuitem", name="Label the 2 selected objects so").click()
    window.wait_until_sent()
    window.reload()
    assert window.label(bay.ids[9]) == ("V", "fiber < detritus")


def test_the_tree_is_walked_by_keys_as_one_stop_of_tab(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    assert window.page.locator('#tree a[tabindex="0"]').count() == 1
    window.page.locator("#find-taxon").focus()
    window.press("Tab")
    focused = window.page.locator("#tree a:focus")
    expect(focused).to_contain_text("unclassified")
    window.press("ArrowDown")
    expect(focused).to_have_attribute("title", focused.get_attribute("title") or "")
    expect(focused).to_contain_text("living")
    window.press("ArrowLeft")
    expect(focused).to_have_attribute("aria-expanded", "false")
    assert "Copepoda" not in names(window)
    window.press("ArrowRight")
    expect(focused).to_have_attribute("aria-expanded", "true")
    window.press("ArrowRight")
    expect(focused).to_contain_text("Copepoda")
    window.press("End")
    expect(focused).to_contain_text("fiber")
    window.press("ArrowLeft")
    expect(focused).to_contain_text("detritus")
    window.press("Home", "ArrowDown", "ArrowDown", "Enter")
    expect(window.tiles).to_have_count(5)
    window.reload()
    expect(line(window, "Copepoda")).to_have_attribute("aria-selected", "true")


def test_a_closed_branch_stays_closed(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    line(window, "Copepoda").locator(".twist").click()
    window.reload()
    assert names(window)[:3] == ["living", "Copepoda", "not-living"]
    line(window, "Copepoda").locator(".twist").click()
    window.reload()
    assert "Oithona similis" in names(window)


def test_a_taxon_is_found_by_its_name_and_taken_by_enter(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    window.press("/")
    window.page.keyboard.type("simi")
    assert names(window) == ["living", "Copepoda", "Oithona", "Oithona similis"]
    window.press("Enter")
    expect(window.page.locator(".chip")).to_contain_text("Oithona similis")
    window.reload()
    expect(window.tiles).to_have_count(3)


def test_preset_taxa_show_though_nothing_has_them(bay: SmallProject, open_bay: OpenBay, site: Site) -> None:
    with database.connect(site.database_url) as db:
        db.execute(
            "insert into preset_taxon (project_id, taxon_id, position) values (%s, %s, 1)",
            [bay.id, bay.taxa["Calanoida"]],
        )
    window = open_bay()
    expect(line(window, "Calanoida")).to_be_visible()
    window.page.get_by_label("hide empty").check()
    expect(line(window, "Calanoida")).to_be_hidden()
    window.reload()
    expect(line(window, "Calanoida")).to_have_count(0)


def test_a_closed_branch_opens_under_what_is_dragged_over_it(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    line(window, "Copepoda").locator(".twist").click()
    window.tile(bay.ids[8]).click()
    place = window.tile(bay.ids[8]).bounding_box()
    target = line(window, "Copepoda").bounding_box()
    window.page.mouse.move(place["x"] + 20, place["y"] + 20)
    window.page.mouse.down()
    window.page.mouse.move(target["x"] + 60, target["y"] + 10, steps=8)
    expect(line(window, "Oithona similis")).to_be_visible()
    below = line(window, "Oithona similis").bounding_box()
    window.page.mouse.move(below["x"] + 60, below["y"] + 10, steps=4)
    expect(window.page.locator("#tree .drop-target")).to_contain_text("Oithona")
    window.page.mouse.up()
    window.wait_until_sent()
    window.reload()
    assert window.label(bay.ids[8]) == ("V", "Oithona similis")


@pytest.fixture
def long_tree(bay: SmallProject, site: Site) -> SmallProject:
    """3 000 more taxa in six levels, one of them with a name of 250 characters, each with two objects counted."""
    with database.connect(site.database_url) as db:
        db.execute(
            """
            insert into taxon (id, parent_id, name, display_name)
            select 500000 + k, case when k > 7 then 500000 + k / 4 end,
                   case when k = 3 then repeat('Longissima', 25) else 'Taxon ' || k end,
                   case when k = 3 then repeat('Longissima', 25) else 'Taxon ' || k end
              from generate_series(0, 2999) as k
            on conflict (id) do nothing
            """
        )
        db.execute(
            """
            insert into count_delta (project_id, taxon_id, status, n)
            select %s, 500000 + k, 'P', 2 from generate_series(0, 2999) as k
            """,
            [bay.id],
        )
    return bay


def test_three_thousand_taxa_open_scroll_and_are_found_without_a_pause(
    long_tree: SmallProject, open_bay: OpenBay
) -> None:
    window = open_bay()
    assert window.page.locator("#tree li").count() < 100
    window.page.locator("#find-taxon").fill("taxon")
    expect(window.page.get_by_text("more: type on")).to_be_attached()
    took_ms = window.page.evaluate(
        """() => {
          const find = document.getElementById("find-taxon");
          const start = performance.now();
          find.value = "";
          find.dispatchEvent(new Event("input"));
          find.value = "taxon";
          find.dispatchEvent(new Event("input"));
          document.getElementById("tree").getBoundingClientRect();
          return performance.now() - start;
        }"""
    )
    assert took_ms < 300
    window.page.locator("#tree").evaluate("tree => tree.scrollTo(0, tree.scrollHeight)")
    window.page.locator("#find-taxon").fill("taxon 2999")
    window.page.locator("#find-taxon").press("Enter")
    expect(window.page.locator(".chip")).to_contain_text("Taxon 2999")
    window.reload()
    expect(line(window, "Taxon 2999")).to_be_in_viewport()


def test_a_name_of_250_characters_is_cut_in_the_middle(long_tree: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    row = window.page.locator("#tree a", has_text="Longissima")
    row.scroll_into_view_if_needed()
    assert row.bounding_box()["width"] <= 280
    expect(row.locator(".tail")).to_be_visible()
    expect(row.locator(".count.P")).to_be_in_viewport()
    row.click()
    expect(window.page.locator(".chip")).to_be_visible()
    window.reload()
    expect(window.page.locator("#order")).to_be_in_viewport()
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 1440


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_900_pixels_the_tree_slides_over_and_filters(bay: SmallProject, open_bay: OpenBay, scheme: str) -> None:
    window = open_bay(width=900, color_scheme=scheme)
    expect(line(window, "Copepoda")).to_be_hidden()
    window.page.get_by_role("button", name="Taxa").focus()
    window.press("Enter")
    expect(line(window, "Copepoda")).to_be_in_viewport()
    line(window, "Copepoda").click()
    expect(window.tiles).to_have_count(5)
    window.reload()
    expect(window.page.locator(".chip")).to_contain_text("Copepoda")


def test_a_taxon_that_is_new_here_is_kept_or_left_as_the_tree_s_answer_says(
    bay: SmallProject, open_bay: OpenBay
) -> None:
    window = open_bay("?taxon=" + str(bay.taxa["Copepoda"]))
    window.tile(bay.ids[3]).click()
    window.name("calanoida")
    window.wait_until_sent()
    expect(count(window, "Calanoida")).to_have_text("1")
    expect(window.page.locator("#n-total")).to_have_text("5")
    expect(window.tile(bay.ids[3])).to_be_visible()
    window.press("Control+z")
    expect(count(window, "Calanoida")).to_have_count(0)

    window.open_board(bay, "?taxon=" + str(bay.taxa["Oithona"]))
    window.tile(bay.ids[0]).click()
    window.name("calanoida")
    expect(window.tile(bay.ids[0])).to_be_hidden()
    expect(window.page.locator("#n-total")).to_have_text("2")
    window.reload()
    expect(window.tiles).to_have_count(2)


def test_older_counts_never_take_the_place_of_newer_ones(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    older: list[tuple[Route, APIResponse]] = []
    window.page.route("**/tree", lambda route: older.append((route, route.fetch())), times=1)
    for k in (7, 8):
        window.tile(bay.ids[k]).click()
        window.name("calanoida")
        window.wait_until_sent()
        window.page.wait_for_timeout(600)
    expect(count(window, "Calanoida")).to_have_text("2")
    (route, response) = older[0]
    with suppress(Error):  # it was given up
        route.fulfill(response=response)
    window.page.wait_for_timeout(300)
    expect(count(window, "Calanoida")).to_have_text("2")


def test_escape_closes_the_tree_or_a_menu_and_keeps_the_selection(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    window.press("ArrowRight", "Shift+ArrowRight", "/")
    expect(window.page.locator("#find-taxon")).to_be_focused()
    window.press("Escape")
    expect(window.page.locator("#tiles")).to_be_focused()
    window.press("F4")
    expect(window.page.locator("#find-taxon")).to_be_focused()
    window.press("Escape")
    window.page.locator("details.menu summary").click()
    expect(window.page.locator("details.menu")).to_have_attribute("open", "")
    window.press("Escape")
    expect(window.page.locator("details.menu[open]")).to_have_count(0)
    assert window.n_selected == 2

    window.page.set_viewport_size({"width": 900, "height": 900})
    window.page.get_by_role("button", name="Taxa").click()
    expect(window.page.locator("#find-taxon")).to_be_focused()
    window.press("ArrowDown", "ArrowDown", "Escape")
    expect(line(window, "Copepoda")).not_to_be_in_viewport()
    expect(window.page.locator(".show-tree")).to_be_focused()
    assert window.n_selected == 2


def test_the_tree_is_made_wider_by_pointer_and_by_keys_and_stays_so(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    tree, divider = window.page.locator("aside.tree"), window.page.get_by_role("separator", name="Width of the taxa")

    def width() -> float:
        box = tree.bounding_box()
        return box["width"] if box else 0

    usual = width()
    box = divider.bounding_box()
    assert box
    window.page.mouse.move(box["x"] + 3, 400)
    window.page.mouse.down()
    window.page.mouse.move(420, 400, steps=3)
    window.page.mouse.up()
    assert width() == pytest.approx(420, abs=2)
    divider.focus()
    window.press("ArrowRight")
    assert width() == pytest.approx(440, abs=2)
    window.reload()
    assert width() == pytest.approx(440, abs=2)
    divider.focus()
    for key, told in (("End", "600"), ("Home", "180")):
        window.press(key)
        expect(divider).to_have_attribute("aria-valuenow", told)
        assert width() == float(told)
    divider.dblclick()
    assert width() == usual


def test_the_number_of_objects_follows_what_others_label(
    bay: SmallProject, site: Site, open_bay: OpenBay, ana: Person
) -> None:
    window = open_bay("?status=U")
    expect(window.page.locator("#n-total")).to_have_text("24")
    with database.connect(site.database_url) as db:
        bay.db = db
        bay.do(ana, bay.ids[10:14], taxon="fiber")
    window.tile(bay.ids[20]).click()
    window.name("fiber")
    expect(window.page.locator("#n-total")).to_have_text("19")
    expect(window.page.locator('[data-count="U"]')).to_have_text("19")


@pytest.mark.parametrize("name", ["chaetognath_non_sagitta", "a_b", "_x_", "rod < detritus_dark"])
def test_a_name_is_made_alike_by_the_server_and_in_the_browser(
    bay: SmallProject, site: Site, ana: Person, open_bay: OpenBay, name: str
) -> None:
    with database.connect(site.database_url) as db:
        db.execute("update taxon set name = %s, display_name = %s where id = %s", [name, name, bay.taxa["fiber"]])
    window = open_bay()
    told = window.tile(bay.ids[5]).locator(".name-cut")
    by_server = told.evaluate("(name) => name.outerHTML")
    url = window.page.evaluate("document.querySelector('link[rel=modulepreload][href*=\"js/html.\"]').href")
    made = "async ([url, name, italic]) => (await import(url)).nameCut(name, italic).outerHTML"
    by_browser = window.page.evaluate(made, [url, name, "italic" in by_server.split(">")[0]])
    assert by_browser.replace('"', "'").split(">", 1)[1] == by_server.replace('"', "'").split(">", 1)[1]
