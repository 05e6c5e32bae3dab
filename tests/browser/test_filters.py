"""Filters and orders: every kind of condition by keyboard or by pointer, edited, removed, kept in the address."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Route, expect

from app import database
from tests.browser.conftest import OpenBay, Person, Site
from tests.browser.test_axe import faults_of
from tests.browser.window import Window
from tests.small_projects import Person as Labeller
from tests.small_projects import SmallProject, make_person

STRANGE = """"><b>x</b>' or 1, 100%"""


@pytest.fixture
def bay(survey: SmallProject) -> SmallProject:
    return survey


@pytest.fixture
def window(open_bay: OpenBay) -> Window:
    return open_bay()


def choose_kind(window: Window, name: str) -> None:
    """By keyboard alone: the sheet opens, a part of the name is typed, Enter takes the first."""
    window.press(":")
    kinds = window.page.locator("#filter-kind")
    expect(kinds).to_be_focused()
    window.page.keyboard.type(name)
    expect(window.page.locator("#filter-kind-list [role=option]").first).to_contain_text(name)
    window.press("Enter")
    expect(kinds).to_be_hidden()


def applied(window: Window, key: str, said: str, n: int) -> None:
    """The chip says it, also after a reload, and so many objects are left."""
    chip = window.page.locator(f'.chip[data-key="{key}"]')
    expect(chip).to_contain_text(said)
    window.reload()
    expect(chip).to_contain_text(said)
    expect(chip).not_to_have_class("chip invalid")
    expect(window.page.locator("#n-total")).to_have_text(str(n))
    expect(window.tiles).to_have_count(n)


def test_a_range_is_added_by_keyboard_alone_and_has_its_unit(window: Window) -> None:
    choose_kind(window, "depth")
    expect(window.page.get_by_label("from (m)").first).to_be_focused()
    window.page.keyboard.type("5")
    window.press("Tab")
    window.page.keyboard.type("9")
    window.press("Enter")
    applied(window, "depth", "5 to 9 m", 5)


def test_statuses_are_ticked_and_stand_in_one_chip(window: Window, bay: SmallProject) -> None:
    choose_kind(window, "status")
    expect(window.page.get_by_role("checkbox", name="unclassified")).to_be_focused()
    window.press("Space")
    window.page.get_by_role("checkbox", name="dubious").check()
    window.page.get_by_role("button", name="Add", exact=True).click()
    applied(window, "status", "unclassified, dubious", 30)
    assert window.page.locator(".chip").count() == 1


def test_provenances_suns_and_months_are_ticked(window: Window) -> None:
    choose_kind(window, "sun")
    window.page.get_by_role("checkbox", name="night").check()
    window.press("Enter")
    applied(window, "sun", "night", 15)
    choose_kind(window, "month")
    window.page.get_by_role("checkbox", name="June").check()
    window.page.get_by_role("button", name="Add", exact=True).click()
    expect(window.page.locator(".chip[data-key=month]")).to_contain_text("June")
    choose_kind(window, "provenance")
    window.page.get_by_role("checkbox", name="in a batch").check()
    window.press("Enter")
    expect(window.page.get_by_text("No object matches")).to_be_visible()


def test_days_are_given_from_and_to(window: Window) -> None:
    choose_kind(window, "date")
    window.page.get_by_label("from: day").locator("visible=true").fill("2024-05-03")
    window.page.get_by_label("to: day").locator("visible=true").fill("2024-05-05")
    window.press("Enter")
    applied(window, "date", "2024-05-03", 3)


def test_when_a_label_was_given_may_have_a_time_of_day(window: Window, bay: SmallProject) -> None:
    window.tile(bay.ids[0]).click()
    window.page.keyboard.type("oith")
    window.press("Enter")
    window.wait_until_sent()
    window.press(":")
    window.page.keyboard.type("labelled")
    window.page.locator("#filter-kind-list [role=option]").filter(has_text="When the present label").click()
    window.page.get_by_label("from: day").locator("visible=true").fill("2024-05-03")
    window.page.get_by_label("from: time of day, UTC").fill("12:30")
    window.press("Enter")
    applied(window, "when", "2024-05-03", 1)


def test_a_time_of_day_past_midnight_is_said_to_be_so(window: Window) -> None:
    choose_kind(window, "time")
    window.page.get_by_label("from (UTC)").fill("22:00")
    window.page.get_by_label("to (UTC)").fill("01:00")
    expect(window.page.locator(".night:visible")).to_contain_text("past midnight to 01:00 of the next day")
    window.page.get_by_role("button", name="Add", exact=True).click()
    applied(window, "time", "22:00", 6)


def test_a_box_may_cross_the_date_line_and_is_drawn(window: Window) -> None:
    choose_kind(window, "place")
    for side, degrees in (("north", "90"), ("west", "179"), ("east", "-179"), ("south", "0")):
        window.page.get_by_label(f"{side} (°)").fill(degrees)
    expect(window.page.locator(".night:visible")).to_contain_text("crosses the date line")
    assert window.page.locator(".world rect.box").evaluate_all("all => all.map(one => one.getAttribute('width'))") == [
        "1", "1",
    ]  # fmt: skip
    window.page.get_by_label("south (°)").fill("95")
    window.press("Enter")
    expect(window.page.locator("#add-filter .error")).to_be_visible()
    window.page.get_by_label("south (°)").fill("0")
    window.press("Enter")
    expect(window.page.locator(".chip[data-key=place]")).to_be_visible()
    window.reload()
    expect(window.page.locator(".chip[data-key=place] .edit")).to_be_visible()


def test_comments_are_any_none_or_hold_a_text(window: Window, bay: SmallProject, ana: Person, site: Site) -> None:
    with database.connect(site.database_url) as db:
        db.execute(
            "insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, 'a broken antenna')",
            [bay.id, bay.ids[4], ana.id],
        )
    choose_kind(window, "comment")
    window.page.get_by_label("the text that it contains").fill("antenna")
    window.press("Enter")
    applied(window, "comment", "antenna", 1)
    window.page.locator(".chip[data-key=comment] .edit").click()
    expect(window.page.get_by_label("the text that it contains")).to_have_value("antenna")
    window.page.get_by_role("radio", name="has none").check()
    window.page.get_by_role("button", name="Change", exact=True).click()
    applied(window, "comment", "none", 29)


def test_a_taxon_is_named_by_type_ahead(window: Window, bay: SmallProject) -> None:
    window.tile(bay.ids[0]).click()
    window.page.keyboard.type("oithona sim")
    window.press("Enter")
    window.wait_until_sent()
    choose_kind(window, "taxon")
    expect(window.page.locator("#filter-taxon")).to_be_focused()
    window.page.keyboard.type("cope")
    expect(window.page.locator("#filter-taxon-list")).to_contain_text("Copepoda")
    window.press("Enter")
    applied(window, "taxon", "Copepoda, with children", 1)


@pytest.mark.parametrize(
    ("kind", "typed", "said", "n"),
    [("sample", "sample1", "sample1", 10), ("instrument", "zoo", "zooscan", 30), ("labelled by", "me", "me", 0)],
)
def test_what_has_a_name_is_found_in_a_list(window: Window, kind: str, typed: str, said: str, n: int) -> None:
    choose_kind(window, kind)
    field = window.page.locator("#add-filter [data-for] choice-field input:visible")
    expect(field).to_be_focused()
    window.page.keyboard.type(typed)
    expect(window.page.locator("#add-filter [data-for]:visible [role=option]").first).to_contain_text(said)
    window.press("Enter")
    expect(window.page.locator(".chip")).to_contain_text(said)
    window.reload()
    expect(window.page.locator("#n-total")).to_have_text(str(n))


def test_one_sample_of_many_thousands_is_found(window: Window, bay: SmallProject, site: Site) -> None:
    with database.connect(site.database_url) as db:
        db.execute(
            """
            insert into sample (id, project_id, orig_id)
            select nextval('parent_id_seq'), %s, 'tow_' || k from generate_series(1, 20000) as k
            """,
            [bay.id],
        )
    choose_kind(window, "sample")
    window.page.keyboard.type("tow_19999")
    expect(window.page.locator("#filter-sample-list [role=option]")).to_have_count(1)
    window.press("Enter")
    expect(window.page.locator(".chip")).to_contain_text("tow_19999")


def test_several_conditions_of_one_kind_are_added_and_each_is_removed(window: Window) -> None:
    for name in ("sample0", "sample2"):
        choose_kind(window, "sample")
        window.page.keyboard.type(name)
        expect(window.page.locator("#filter-sample-list [role=option]")).to_have_count(1)
        window.press("Enter")
        expect(window.page.locator(".chip").filter(has_text=name)).to_be_visible()
    window.reload()
    expect(window.tiles).to_have_count(20)
    expect(window.page.locator(".chip").nth(1)).to_contain_text("or sample")
    window.page.locator(".chip .edit").first.focus()
    window.press("Delete")
    expect(window.page.locator(".chip")).to_have_count(1)
    expect(window.tiles).to_have_count(10)


def test_a_chip_opens_filled_in_and_keeps_its_place(window: Window, bay: SmallProject) -> None:
    window.open_board(bay, "?depth=5..9&status=U")
    window.page.locator(".chip[data-key=depth] .edit").focus()
    window.press("Enter")
    lo, hi = (window.page.get_by_label(f"{end} (m)").locator("visible=true") for end in ("from", "to"))
    expect(lo).to_have_value("5")
    expect(hi).to_have_value("9")
    hi.fill("6")
    window.press("Enter")
    window.page.wait_for_url("**depth=5..6&status=U**")
    window.reload()
    expect(window.tiles).to_have_count(2)
    window.page.locator(".chip[data-key=depth] .edit").click()
    window.page.get_by_role("button", name="Remove this filter").click()
    expect(window.page.locator(".chip")).to_have_count(1)


def test_all_filters_are_cleared_at_once_and_the_order_stays(window: Window, bay: SmallProject) -> None:
    window.open_board(bay, "?depth=5..9&status=U&order=depth&dir=desc")
    window.page.get_by_role("link", name="clear all").click()
    expect(window.tiles).to_have_count(30)
    window.reload()
    expect(window.page.locator("#order")).to_contain_text("depth, deepest first")
    assert window.page.locator(".chip").count() == 0


def test_where_nothing_matches_the_filter_in_the_way_is_named(window: Window, bay: SmallProject) -> None:
    window.page.goto(f"/projects/{bay.id}?depth=5..9&status=V")
    expect(window.page.get_by_text("No object matches")).to_be_visible()
    window.page.get_by_role("link", name="Without status validated: 5 objects").click()
    expect(window.tiles).to_have_count(5)


def test_the_header_counts_what_the_filter_keeps(window: Window, bay: SmallProject) -> None:
    window.tile(bay.ids[6]).click()
    window.page.keyboard.type("oith")
    window.press("Enter")
    window.wait_until_sent()
    window.page.goto(f"/projects/{bay.id}?depth=5..9")
    expect(window.page.locator("[data-count=V]")).to_have_text("1")
    expect(window.page.locator("[data-count=U]")).to_have_text("4")
    expect(window.page.get_by_text("in this filter", exact=True)).to_be_visible()
    window.tile(bay.ids[7]).click()
    window.press("Shift+Enter")
    expect(window.page.locator("#tiles")).to_be_visible()


def test_a_filter_that_is_gone_stays_as_a_chip_with_its_reason_and_can_be_removed(
    window: Window, bay: SmallProject
) -> None:
    window.open_board(bay, "?f.gone=1..2&taxon=99999999&nothing=3&status=U")
    expect(window.page.locator(".chip.invalid")).to_have_count(3)
    expect(window.page.locator(".chip.invalid").first).to_contain_text("no such column")
    expect(window.tiles).to_have_count(30)
    window.page.locator(".chip.invalid a").first.click()
    expect(window.page.locator(".chip.invalid")).to_have_count(2)


@pytest.mark.parametrize("width", [1440, 900])
def test_what_is_not_obeyed_is_said_whole(open_bay: OpenBay, width: int) -> None:
    chip = open_bay("?sample=999&depth=0..20&order=f.area", width=width).page.locator(".chip.invalid")
    for part, said in ((".value", "999"), (".why", "This project has no such sample: not obeyed.")):
        expect(chip.locator(part)).to_have_text(said)
        assert chip.locator(part).evaluate("part => part.scrollWidth <= part.clientWidth")


def test_one_free_column_of_500_is_found_whatever_its_name(window: Window, bay: SmallProject, site: Site) -> None:
    with database.connect(site.database_url) as db:
        db.execute(
            """
            insert into field (project_id, level, name, type, position)
            select %s, 'object', 'feature ' || k, 'number', k from generate_series(2, 500) as k
            """,
            [bay.id],
        )
        db.execute(
            "insert into field (project_id, level, name, type, position) values (%s, 'object', %s, 'number', 501)",
            [bay.id, STRANGE],
        )
        db.execute("update object_field set numbers[501] = object_id - %s where project_id = %s", [bay.ids[0], bay.id])
        db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    window.reload()
    choose_kind(window, '"><b')
    window.page.get_by_label("from", exact=True).locator("visible=true").fill("3")
    window.page.get_by_label("to", exact=True).locator("visible=true").fill("7")
    window.press("Enter")
    expect(window.page.locator(".chip")).to_contain_text(STRANGE)
    window.reload()
    expect(window.tiles).to_have_count(5)
    window.page.locator(".chip .edit").click()
    expect(window.page.get_by_label("to", exact=True).locator("visible=true")).to_have_value("7")
    window.press("Escape")

    window.page.locator("#view").click()
    expect(window.page.locator("#view-sheet choice-field input")).to_be_focused()
    window.page.keyboard.type('"><b')
    expect(window.page.locator("#show-field-list [role=option]").first).to_contain_text("<b>x</b>")
    window.press("Enter")
    window.page.wait_for_url("**show=**")
    window.reload()
    expect(window.tile(bay.ids[4]).locator(".fields")).to_have_text("4")

    window.page.locator("#order").click()
    expect(window.page.locator("#order-sheet choice-field input")).to_be_focused()
    window.page.keyboard.type('"><b')
    window.press("Enter")
    window.page.wait_for_url("**order=f.**")
    window.reload()
    expect(window.page.locator("#order")).to_contain_text("smallest first")
    assert window.page.locator("b", has_text="x").filter(has_not=window.page.locator("*")).count() <= 1


def test_text_columns_hold_or_equal_a_text(window: Window) -> None:
    choose_kind(window, "station")
    expect(window.page.get_by_label("how", exact=True)).to_be_focused()
    window.page.get_by_label("how", exact=True).select_option("=")
    window.page.get_by_label("text", exact=True).fill("st1")
    window.press("Enter")
    applied(window, "f.sample.station", "is “st1”", 10)


def test_twelve_chips_leave_order_and_tiles_their_place_at_900_pixels(window: Window, bay: SmallProject) -> None:
    window.page.set_viewport_size({"width": 900, "height": 900})
    query = "&".join(
        ["status=U", "depth=0..99", "date=2024-01-01..2025-01-01", "month=5", "time=00:00..23:59", "sun=N", "sun=D",
         "place=-90,-180,90,180", "comment=none", "score=..1", "f.area=0..1000", "f.note=~", "f.sample.station=~st",
         "who=me", "ever=me"]
    )  # fmt: skip
    window.page.goto(f"/projects/{bay.id}?{query}")
    chips, order = window.page.locator(".chips").bounding_box(), window.page.locator("#order").bounding_box()
    assert order["y"] + order["height"] <= chips["y"]
    assert chips["height"] <= 104
    assert chips["x"] + chips["width"] <= 900
    expect(window.page.locator("#order")).to_be_in_viewport()
    expect(window.page.locator("#view")).to_be_in_viewport()
    last = window.page.locator(".chip .edit").last
    last.focus()
    expect(last).to_be_in_viewport()
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 900


@pytest.mark.parametrize(
    ("typed", "first", "turned"),
    [
        ("depth", "shallowest first", "deepest first"), ("date", "oldest first", "newest first"),
        ("score", "least certain first", "most certain first"), ("taxon", "A to Z", "Z to A"),
        ("import", "first imported first", "last imported first"),
        ("time of the label", "labelled longest ago first", "last labelled first"),
    ],
)  # fmt: skip
def test_orders_are_chosen_by_keyboard_and_turned_by_pointer(
    window: Window, typed: str, first: str, turned: str
) -> None:
    window.page.locator("#order").focus()
    window.press("Enter")
    expect(window.page.locator("#order-by")).to_be_focused()
    window.page.keyboard.type(typed)
    expect(window.page.locator("#order-by-list [role=option]").first).to_contain_text(typed)
    window.press("Enter")
    window.page.wait_for_url("**order=**")
    window.reload()
    expect(window.page.locator("#order")).to_contain_text(first)
    window.page.locator("#direction").click()
    window.page.wait_for_url("**dir=desc**")
    window.reload()
    expect(window.page.locator("#order")).to_contain_text(turned)
    expect(window.tiles).to_have_count(30)


def shown_ids(window: Window) -> list[int]:
    return [int(k) for k in window.tiles.evaluate_all("tiles => tiles.map(tile => tile.dataset.id)")]


def test_an_order_is_chosen_by_pointer_and_turned_by_keyboard(window: Window, bay: SmallProject) -> None:
    """Column area: 7, 1, 8, none, 9, 3, ... ; objects without a value stand last in both directions."""
    area = {k: n * 7 % 13 for n, k in enumerate(bay.ids, 1) if n % 4}
    window.page.locator("#order").click()
    window.page.locator("#order-by").fill("area")
    window.page.locator("#order-by-list").get_by_text("area", exact=True).click()
    window.page.wait_for_url("**order=f.area**")
    window.reload()
    shown = [area.get(k) for k in shown_ids(window)]
    assert shown == sorted(area.values()) + [None] * 7
    window.page.locator("#direction").focus()
    window.press("Enter")
    window.page.wait_for_url("**dir=desc**")
    window.reload()
    assert [area.get(k) for k in shown_ids(window)] == sorted(area.values(), reverse=True) + [None] * 7

    window.page.locator("#order").click()
    window.page.locator("#order-by").fill("id")
    window.page.locator("#order-by-list [role=option]").filter(has_text="id").first.click()
    window.page.wait_for_url("**order=id**")
    window.reload()
    window.page.locator("#order").focus()
    window.press("Enter")
    expect(window.page.locator("#order-by")).to_be_focused()
    window.press("Shift+Tab", "ArrowDown")
    window.page.wait_for_url("**dir=desc**")
    window.reload()
    assert shown_ids(window) == bay.ids[::-1]


def test_a_random_order_is_kept_and_shuffled_again(window: Window) -> None:
    window.page.locator("#order").click()
    expect(window.page.locator("#order-by")).to_be_focused()
    window.page.keyboard.type("random")
    window.press("Enter")
    window.page.wait_for_url("**seed=**")
    window.reload()
    first = shown_ids(window)
    window.reload()
    assert shown_ids(window) == first
    window.page.locator("#order").click()
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Shuffle again").click()
    expect(window.tiles).to_have_count(30)
    assert shown_ids(window) != first


def test_who_labelled_is_asked_of_a_list_of_people(
    window: Window, bay: SmallProject, site: Site, make_other: Callable[[], Labeller]
) -> None:
    ben = make_other()
    choose_kind(window, "labelled by")
    window.page.keyboard.type("Ben")
    expect(window.page.locator("#filter-who-list [role=option]").first).to_contain_text("Ben")
    window.press("Enter")
    window.page.wait_for_url(f"**who={ben.id}**")
    window.reload()
    expect(window.page.locator("#n-total")).to_have_text("3")


@pytest.fixture
def make_other(bay: SmallProject, site: Site) -> Callable[[], Labeller]:
    """Another person, who has labelled the first three objects."""

    def make() -> Labeller:
        with database.connect(site.database_url) as db:
            found = db.execute("select id from account where email = 'ben@example.org'").fetchone()
            ben = Labeller(found.id, "Ben") if found else make_person(db, "Ben")
            bay.db = db
            bay.do(ben, bay.ids[:3], taxon="Oithona")
        return ben

    return make


@pytest.mark.parametrize("width", [1440, 900])
def test_axe_finds_nothing_serious_in_the_open_sheets(window: Window, bay: SmallProject, width: int) -> None:
    window.page.set_viewport_size({"width": width, "height": 900})
    query = "?depth=1..9&status=U&place=-9,170,65,-150&f.note=~n&f.gone=1&when=..2026-01-01&sample=1&show=depth"
    window.page.goto(f"/projects/{bay.id}{query}")
    faults = []
    for opener in (".add-filter", "#order", "#view", *(f".chip:nth-child({k}) .edit" for k in range(1, 8))):
        window.page.locator(opener).click()
        expect(window.page.locator("[popover]:popover-open")).to_be_visible()
        window.page.wait_for_timeout(200)
        for theme, rules in (("dark", ["color-contrast"]), ("light", [])):
            window.page.emulate_media(color_scheme=theme)
            faults += [f"{opener}, {theme}: {fault}" for fault in faults_of(window.page, rules)]
        window.press("Escape")
    assert not faults, "\n".join(faults)


def test_a_value_that_was_left_in_another_kind_hinders_nothing(window: Window) -> None:
    choose_kind(window, "place")
    window.page.locator("[data-side=north]").fill("95")
    window.page.get_by_role("button", name="another kind").click()
    window.page.keyboard.type("depth")
    window.press("Enter")
    window.page.get_by_label("from (m)").first.fill("5")
    window.page.get_by_label("to (m)").first.fill("9")
    window.page.get_by_role("button", name="Add", exact=True).click()
    applied(window, "depth", "5 to 9 m", 5)


def test_what_is_typed_on_after_enter_is_not_taken_by_it(window: Window) -> None:
    held: list[Route] = []
    window.page.route("**/choices?**", lambda route: held.append(route))
    window.press(":")
    expect(window.page.locator("#filter-kind")).to_be_focused()
    window.page.keyboard.type("are")
    window.press("Enter")
    window.page.keyboard.type("a")
    window.page.wait_for_timeout(200)
    window.page.unroute("**/choices?**")
    for route in held:
        with suppress(Error):  # those for fewer letters were given up
            route.continue_()
    expect(window.page.locator("#filter-kind-list [role=option]").first).to_contain_text("area")
    window.page.wait_for_timeout(200)
    expect(window.page.locator("#filter-kind")).to_be_visible()


def test_of_two_chips_opened_in_a_row_the_later_is_filled_in(window: Window, bay: SmallProject) -> None:
    window.page.goto(f"/projects/{bay.id}?f.area=1..20&f.note=~n")
    held: list[Route] = []
    window.page.route("**/choices?**", lambda route: held.append(route))
    first, second = window.page.locator(".chip .edit").all()
    sheet = window.page.locator("#add-filter")
    first.click()
    expect(first).to_have_attribute("aria-expanded", "true")
    window.press("Escape")
    expect(first).to_have_attribute("aria-expanded", "false")
    second.click()
    window.page.wait_for_timeout(200)
    for route in reversed(held):
        route.continue_()
        window.page.wait_for_timeout(200)
    expect(sheet.locator("h2")).to_have_text("note")
    expect(sheet.locator("[data-kind=words] [data-text]")).to_have_value("n")
    expect(sheet.locator(":scope [data-kind=number]")).to_be_hidden()


def test_an_impossible_year_is_told_in_the_sheet(window: Window, survey: SmallProject) -> None:
    choose_kind(window, "date")
    day = window.page.locator('[data-for="date"] [data-lo]')
    day.evaluate(
        "(field) => { field.value = '61122-02-02'; field.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(window.page.locator("#add-filter .error")).to_contain_text("12/31/9999")
    window.press("Enter")
    expect(window.page.locator("#add-filter")).to_be_visible()
    assert "date=" not in window.page.url


def test_what_is_named_exactly_as_typed_comes_first_and_nothing_is_offered_twice(window: Window) -> None:
    choose_kind(window, "labelled")
    expect(window.page.locator("#add-filter .chosen h2")).to_have_text("labelled")
    window.page.locator("#add-filter .back").click()
    window.page.locator("#filter-kind").fill("date")
    offered = window.page.locator("#filter-kind-list .choice")
    expect(offered.filter(has_text="dataportal")).to_have_count(0)
    assert offered.all_inner_texts().count("date") == 1


def test_a_filter_for_no_taxon_speaks_of_no_children(open_bay: OpenBay) -> None:
    expect(open_bay("?taxon=0").page.locator(".chip")).to_have_attribute("title", "taxon unclassified")
