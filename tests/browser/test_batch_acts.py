"""Acts in a batch: digits, brush, undo and redo with marks and places, lost connections, two windows, two people."""

from playwright.sync_api import Route, expect

from app import database
from app.projects.queries import set_member
from tests.browser.batches import BatchWindow
from tests.browser.conftest import OpenBatch, OpenWindow, Person, Site

OITHONA, FIBER = ("V", "Oithona"), ("V", "fiber < detritus")


def test_undo_and_redo_bring_marks_and_places_back_also_after_a_reload(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    first = batch.ids
    batch.wait_until_seen()
    batch.press("]", "ArrowRight", "Delete")
    line, marked = batch.line, batch.marked
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")
    second = batch.ids
    assert not set(first) & set(second)
    batch.reload()
    with batch.turned():
        batch.press("Control+z")
    batch.reload()
    assert (batch.ids, batch.line, batch.marked, batch.not_this) == (first, line, marked, [first[0]])
    assert (batch.labels(), batch.refused()) == ({}, set())

    with batch.turned():
        batch.button("redo").click()
    batch.reload()
    assert batch.ids == second
    assert (batch.labels(), batch.refused()) == ({id: OITHONA for id in marked}, {first[0]})


def test_a_digit_labels_the_tile_under_the_cursor_or_the_pointer_alone(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.fill_slot("1", "oith")
    batch.window.fill_slot("2", "fib")
    batch.wait_until_seen()
    ids = batch.ids
    batch.press("]", "ArrowRight", "ArrowRight", "1", "Shift+Digit2")
    batch.tile(ids[7]).hover()
    batch.press("2")
    batch.reload()
    assert batch.labels() == {ids[1]: OITHONA, ids[2]: ("D", "fiber < detritus"), ids[7]: FIBER}
    assert batch.ids == [id for id in ids if id not in (ids[1], ids[2], ids[7])]
    assert batch.marked and ids[0] in batch.marked

    # An undo brings the tile back to its place on the page.
    with batch.turned():
        batch.press("Control+z")
    assert batch.ids == [id for id in ids if id not in (ids[1], ids[2])]


def test_a_digit_labels_the_marked_where_no_tile_is_pointed_at(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.fill_slot("3", "oith")
    batch.wait_until_seen()
    batch.press("]")
    marked = batch.marked
    expect(batch.page.locator("#digits-mean")).to_have_text(f"the {len(marked)} marked")
    with batch.turned():
        batch.press("3")
    batch.reload()
    assert batch.labels() == {id: OITHONA for id in marked}


def test_the_brush_paints_one_label_by_drag_and_by_the_cursor(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.fill_slot("1", "oith")
    batch.wait_until_seen()
    ids = batch.ids
    batch.button("brush").click()
    a, b = batch.tile(ids[1]).bounding_box(), batch.tile(ids[3]).bounding_box()
    assert a and b
    batch.page.mouse.move(a["x"] + 30, a["y"] + a["height"] - 40)
    batch.page.mouse.down()
    batch.page.mouse.move(b["x"] + 30, b["y"] + b["height"] - 40, steps=2)
    batch.page.mouse.up()
    batch.wait_until_kept()
    assert batch.labels() == {id: OITHONA for id in ids[1:4]}
    batch.button("brush").click()

    batch.page.mouse.move(5, 5)
    batch.press("ArrowRight", "Backquote", "ArrowRight", "ArrowRight", "Backquote")
    batch.reload()
    assert len(batch.labels()) == 5
    assert batch.ids == [id for id in ids if id not in batch.labels()]


def test_an_act_whose_answer_was_lost_happens_once_and_the_batch_goes_on(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    batch.window.forgive("ERR_CONNECTION_RESET")
    batch.wait_until_seen()
    first = batch.ids

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    batch.page.route("**/apply", lose_the_answer, times=1)
    batch.press("]")
    marked = batch.marked
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")
    batch.reload()
    assert not set(batch.ids) & set(first)
    assert (batch.labels(), batch.n_acts()) == ({id: OITHONA for id in marked}, 1)


def test_what_was_done_without_a_connection_is_sent_at_the_next_visit(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.forgive("ERR_INTERNET_DISCONNECTED")
    batch.wait_until_seen()
    url = batch.page.url
    batch.page.route("**/batches/**", lambda route: route.abort("internetdisconnected"))
    batch.press("]")
    marked = batch.marked
    batch.type_name("oith")
    batch.press("Enter")
    expect(batch.window.toast("kept in this browser")).to_be_visible()
    batch.page.goto("about:blank")
    batch.page.unroute_all()

    batch.page.goto(url)
    batch.expect_shown()
    batch.reload()
    assert batch.labels() == {id: OITHONA for id in marked}


def test_marks_made_without_a_connection_are_not_lost(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.forgive("ERR_INTERNET_DISCONNECTED")
    ids = batch.ids
    batch.page.route("**/page/*", lambda route: route.abort("internetdisconnected"))
    batch.press("]", "ArrowRight", "Delete")
    marked = batch.marked
    batch.page.wait_for_timeout(600)
    batch.page.unroute_all()
    batch.page.reload()
    batch.expect_shown()
    batch.reload()
    assert (batch.marked, batch.not_this) == (marked, [ids[0]])


def test_the_end_of_a_reservation_is_told_and_nothing_is_lost(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.page.clock.install()
    batch.page.reload()
    batch.expect_shown()
    batch.press("]")
    batch.page.clock.fast_forward("00:02")
    batch.page.clock.fast_forward("21:00")
    expect(batch.window.toast("was kept for you").or_(batch.window.toast("were kept for you"))).to_be_visible()
    marked = batch.marked
    assert marked
    batch.press("ArrowRight", "ArrowDown", "Space")
    batch.page.clock.fast_forward("00:02")
    expect(batch.window.toast("were kept for you")).to_be_hidden()


def test_somebody_else_looks_on_and_a_manager_takes_over(
    site: Site, open_batch: OpenBatch, person: OpenWindow, open_window: OpenWindow
) -> None:
    batch = open_batch()
    batch.press("]")
    marked = batch.marked
    batch.wait_until_kept()
    ben: Person = person("Ben")
    with database.connect(site.database_url) as db:
        set_member(db, batch.project.id, ben.id, "manager")
    other = BatchWindow(open_window(ben), batch.project, site)
    other.page.goto(batch.page.url)
    other.expect_shown()
    assert other.marked == marked
    other.tile(other.ids[5]).click()
    other.press("]", "Enter")
    assert other.marked == marked

    with other.page.expect_navigation():
        other.page.get_by_role("button", name="Take it over").click()
    other.expect_shown()
    other.wait_until_seen()
    other.type_name("oith")
    with other.turned():
        other.press("Enter")
    other.reload()
    assert other.labels() == {id: OITHONA for id in marked}

    # The first one's window says whose it is now.
    batch.window.forgive("403")
    batch.press("]")
    batch.type_name("fib")
    batch.page.wait_for_timeout(400)
    batch.press("Enter")
    expect(batch.window.toast("to work").first).to_be_visible()


def test_what_others_hold_or_have_begun_meanwhile_is_told(
    site: Site, open_batch: OpenBatch, person: OpenWindow, open_window: OpenWindow
) -> None:
    batch = open_batch()
    batch.window.fill_slot("1", "oith")
    ben: Person = person("Ben")
    with database.connect(site.database_url) as db:
        set_member(db, batch.project.id, ben.id, "annotator")
    other = BatchWindow(open_window(ben), batch.project, site).make({"kind": "filter", "query": "status=U"})
    expect(other.page.locator("#ended")).to_contain_text("Ana works on 30")

    with database.connect(site.database_url) as db:
        db.execute("update reservation set until = now() where project_id = %s", [batch.project.id])
    other.reload()
    assert len(other.ids) == 30
    batch.press("]")
    marked = batch.marked
    batch.wait_until_seen()
    batch.press("1")
    expect(batch.window.toast("begun by Ben (30) meanwhile")).to_be_visible()
    batch.reload()
    assert batch.labels() == {id: OITHONA for id in marked}


def test_a_taxon_that_is_missing_is_created_for_what_is_marked(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.wait_until_seen()
    batch.press("]")
    marked, name = batch.marked, f"curled of batches {batch.project.id}"
    batch.page.keyboard.type(name)
    batch.press("Shift+Enter")
    expect(batch.page.locator("#new-taxon-parent")).to_be_focused()
    batch.page.get_by_label("at the root").check()
    with batch.turned():
        batch.page.get_by_role("button", name=f"Create and mark {len(marked)} objects as dubious").click()
    batch.reload()
    assert batch.labels() == {id: ("D", name) for id in marked}
