"""Marks of a batch: line, range, band, invert, not this; they are kept, and Enter does nothing that was not seen."""

from playwright.sync_api import Route, expect

from tests.browser.batches import know_taxa
from tests.browser.conftest import OpenBatch, Person


def test_the_line_moves_by_rows_and_tiles_and_marks_what_it_passes(open_batch: OpenBatch) -> None:
    batch = open_batch()
    ids = batch.ids
    batch.press("]", "]")
    two_rows = batch.line
    assert batch.marked == ids[:two_rows]
    batch.press("[", ">")
    one_more = batch.line
    assert 1 < one_more < two_rows
    assert batch.marked == ids[:one_more]
    batch.press("<", "<")
    batch.reload()
    assert (batch.line, batch.marked) == (one_more - 2, ids[: one_more - 2])
    batch.button("line").click()
    assert batch.line < one_more - 2


def test_marks_are_toggled_inverted_and_refused_by_keys(open_batch: OpenBatch) -> None:
    batch = open_batch()
    ids = batch.ids
    batch.press("ArrowRight", "Space", "ArrowRight", "Shift+ArrowRight", "ArrowRight", "Delete")
    assert (batch.marked, batch.not_this) == (ids[:3], [ids[3]])
    batch.press("_")
    assert batch.marked == ids[4:]
    expect(batch.button("all")).to_contain_text("Mark all")
    batch.press("Control+a")
    expect(batch.button("all")).to_contain_text("Unmark all")
    batch.press("Control+a")
    assert (batch.marked, batch.not_this) == ([], [ids[3]])
    batch.press("Delete")
    batch.press("Control+a")
    batch.reload()
    assert (batch.marked, batch.not_this) == (ids, [])


def test_marks_are_set_by_click_range_control_and_band(open_batch: OpenBatch) -> None:
    batch = open_batch()
    ids = batch.ids
    batch.tile(ids[2]).click()
    batch.tile(ids[5]).click(modifiers=["Shift"])
    batch.tile(ids[3]).click(modifiers=["Control"])
    assert (batch.marked, batch.not_this) == ([ids[2], ids[4], ids[5]], [ids[3]])
    batch.button("invertMarks").click()
    assert batch.marked == [*ids[:2], *ids[6:]]

    a, b = batch.tile(ids[3]).bounding_box(), batch.tile(ids[5]).bounding_box()
    assert a and b
    batch.page.mouse.move(a["x"] + 10, a["y"] + 10)
    batch.page.mouse.down()
    batch.page.mouse.move(b["x"] + 20, b["y"] + 20, steps=5)
    batch.page.mouse.up()
    batch.reload()
    assert (batch.marked, batch.not_this) == ([*ids[:2], *ids[3:]], [])


def test_enter_waits_until_the_images_are_painted(open_batch: OpenBatch) -> None:
    batch = open_batch()
    held: list[Route] = []
    batch.page.route("**/atlas/**", lambda route: held.append(route))
    batch.make({"kind": "filter", "query": "status=U"})
    marked = batch.ids[:1]
    batch.press("ArrowRight", "Space")
    batch.type_name("oith")
    batch.press("Enter")
    batch.page.wait_for_timeout(600)
    assert batch.n_acts() == 0
    with batch.turned():
        for route in held:
            route.continue_()
    assert batch.labels() == {marked[0]: ("V", "Oithona")}


def test_enter_held_down_labels_once(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60, width=900)
    batch.wait_until_seen()
    batch.press("]")
    batch.type_name("oith")
    with batch.turned():
        batch.page.keyboard.down("Enter")
        for _ in range(4):
            batch.page.keyboard.down("Enter")
    batch.page.keyboard.up("Enter")
    batch.wait_until_kept()
    assert batch.n_acts() == 1


def test_the_marked_come_first_and_the_rest_is_not_this(open_batch: OpenBatch) -> None:
    batch = open_batch()
    ids = batch.ids
    batch.press(*["ArrowRight"] * 5, "Space", "ArrowRight", "ArrowRight", "Space", ":")
    first = [ids[4], ids[6]]
    assert (batch.ids[:2], batch.line, batch.marked) == (first, 2, first)
    batch.press("Shift+Delete")
    assert batch.not_this == batch.ids[2:]
    batch.reload()
    assert (batch.ids[:2], batch.line, batch.marked) == (first, 2, first)
    assert batch.not_this == batch.ids[2:]
    batch.press("Shift+Delete")
    batch.reload()
    assert batch.not_this == []


def test_what_is_marked_is_set_aside_and_leaves_the_page(open_batch: OpenBatch) -> None:
    batch = open_batch()
    ids = batch.ids
    batch.press("ArrowRight", "ArrowRight", "Space", "ArrowRight", "Space", "Insert")
    batch.page.get_by_label("Provisional name").fill("worm-like")
    batch.press("Enter")
    expect(batch.window.toast("2 objects set aside on “worm-like”")).to_be_visible()
    batch.reload()
    assert batch.ids == [ids[0], *ids[3:]]
    batch.page.goto(f"/projects/{batch.project.id}/piles")
    expect(batch.page.get_by_role("link", name="worm-like")).to_be_visible()


def test_enter_scrolls_first_while_marked_tiles_are_further_down(open_batch: OpenBatch) -> None:
    batch = open_batch()
    page = batch.page
    page.set_viewport_size({"width": 1440, "height": 420})
    batch.wait_until_seen()
    ids = batch.ids
    batch.press("Control+a")
    batch.type_name("oith")
    batch.press("Enter")
    expect(batch.window.toast("further down")).to_be_visible()
    assert page.locator("#tiles").evaluate("list => list.scrollTop") > 0
    batch.wait_until_seen()
    assert batch.labels() == {}
    for _ in range(4):
        if batch.n_acts():
            break
        batch.press("Enter")
        batch.wait_until_seen()
    assert set(batch.labels()) == set(ids)
    expect(batch.window.toast("further down")).to_be_hidden()


def test_nothing_marked_labels_nothing_and_says_so(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.wait_until_seen()
    batch.press("Enter")
    expect(batch.window.toast("Nothing is marked")).to_be_visible()
    expect(batch.button("apply")).to_be_disabled()
    batch.press("]", "Enter")
    expect(batch.window.toast("Name the taxon")).to_be_visible()
    expect(batch.page.locator("#label-field")).to_be_focused()
    batch.reload()
    assert batch.n_acts() == 0


def test_what_is_marked_is_named_by_its_own_neighbours(open_batch: OpenBatch, ana: Person) -> None:
    batch = open_batch(embedded=True)
    know_taxa(batch.site, batch.project, ana)
    proposals = batch.window.page.locator("#proposals button")
    with batch.window.page.expect_response(f"**/proposals?ids={batch.ids[1]}"):
        batch.press("ArrowRight", "ArrowRight", "Space")
    expect(proposals.first).to_contain_text("of")
    batch.press("Alt+1")
    name = str(proposals.first.get_attribute("data-taxon"))
    expect(batch.window.page.locator("#label input")).to_have_value(name)
