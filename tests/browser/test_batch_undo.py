"""Undo in a batch: marks, what was set aside, and pages of the tray, before anything that was done elsewhere."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenBatch

OITHONA = ("V", "Oithona")


def test_undo_takes_back_marks_one_after_the_other_and_acts_elsewhere_only_at_a_second_press(
    open_batch: OpenBatch,
) -> None:
    batch = open_batch(n=60)
    batch.window.fill_slot("1", "oith")
    batch.wait_until_seen()
    batch.tile(batch.ids[2]).hover()
    batch.press("1")
    batch.wait_until_kept()
    labelled = batch.labels()
    assert list(labelled.values()) == [OITHONA]
    expect(batch.window.toast("1 object validated as Oithona")).to_be_visible()
    expect(batch.page.locator("#left")).to_contain_text("1 labelled or refused")

    batch.make({"kind": "filter", "query": "status=U"})
    batch.page.mouse.move(5, 5)
    opened, before = batch.ids, (batch.marked, batch.line)
    batch.press("]", "ArrowRight", "Delete")
    assert batch.not_this == [opened[0]]
    batch.press("Control+z")
    assert (batch.not_this, opened[0] in batch.marked) == ([], True)
    batch.press("Control+z")
    assert (batch.marked, batch.line) == before
    batch.press("Control+z")
    expect(batch.window.toast("Nothing left to undo in this batch")).to_be_visible()
    assert batch.labels() == labelled
    batch.press("Control+z")
    expect(batch.window.toast("Taken back elsewhere")).to_be_visible()
    assert batch.labels() == {}


def test_undo_brings_a_page_back_from_the_tray_with_its_marks_and_what_was_set_aside(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    first = batch.ids
    batch.wait_until_seen()
    batch.press("]")
    marked = batch.marked
    with batch.turned():
        batch.press("\\")
    assert not set(batch.ids) & set(first)
    with batch.turned():
        batch.press("Control+z")
    assert (batch.ids, batch.marked) == (first, marked)

    batch.press("Insert")
    batch.page.get_by_label("Provisional name").fill("worm-like")
    batch.press("Enter")
    expect(batch.tile(marked[0])).to_be_hidden()
    batch.wait_until_kept()
    with batch.turned():
        batch.press("Control+z")
    batch.reload()
    assert batch.ids == first
    batch.page.goto(f"/projects/{batch.project.id}/piles")
    expect(batch.page.get_by_role("main")).to_contain_text("worm-like")


def test_what_the_machine_marked_is_no_step_and_each_step_is_told_and_brought_back(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    first, opened = batch.ids, batch.marked
    batch.wait_until_seen()
    batch.press("]", "Shift+Delete")
    marked, not_this = batch.marked, batch.not_this
    assert len(marked) + len(not_this) == len(first)
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")
    second = batch.ids
    batch.wait_until_kept()
    with batch.turned():
        batch.press("Control+z")
    expect(batch.window.toast(f"Taken back: {len(marked)} labels")).to_be_visible()
    assert (batch.ids, batch.marked, batch.not_this) == (first, marked, not_this)

    batch.press("Control+z")
    expect(batch.window.toast(f"Marks as before: {len(marked)} marked.")).to_be_visible()
    assert (batch.marked, batch.not_this) == (marked, [])
    batch.press("Control+z")
    expect(batch.window.toast("Marks as before: 0 marked.")).to_be_visible()
    assert (batch.marked, batch.not_this) == (opened, [])
    batch.press("Control+z")
    expect(batch.window.toast("Nothing left to undo in this batch")).to_be_visible()

    batch.press("Control+y", "Control+y")
    expect(batch.window.toast("Marks done again")).to_be_visible()
    assert (batch.marked, batch.not_this) == (marked, not_this)
    with batch.turned():
        batch.press("Control+y")
    expect(batch.window.toast("Done again")).to_be_visible()
    assert batch.ids == second
    assert batch.labels() == {id: OITHONA for id in marked}


def test_marks_that_a_page_came_with_are_not_undone_before_an_act(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    batch.window.forgive("ERR_INTERNET_DISCONNECTED")
    batch.wait_until_seen()
    batch.press("]")
    marked = batch.marked
    batch.type_name("oith")
    batch.page.context.set_offline(True)
    batch.press("Enter")
    expect(batch.window.toast("kept in this browser")).to_be_visible()
    with batch.turned():
        batch.page.context.set_offline(False)
    batch.press("ArrowRight", "Space")  # a step of this page, so that the page itself begins where it was
    with batch.turned():
        batch.press("Control+z", "Control+z")
    assert (batch.marked, batch.labels()) == (marked, {})


def test_a_page_of_the_tray_and_a_pile_are_done_again(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    first = batch.ids
    batch.wait_until_seen()
    with batch.turned():
        batch.press("\\")
    with batch.turned():
        batch.press("Control+z")
    assert batch.ids == first
    with batch.turned():
        batch.press("Control+y")
    expect(batch.window.toast("in the tray again")).to_be_visible()
    assert not set(batch.ids) & set(first)

    aside = batch.ids[0]
    batch.press("ArrowRight", "Space", "Insert")
    batch.page.get_by_label("Provisional name").fill("worm-like")
    batch.press("Enter")
    expect(batch.tile(aside)).to_be_hidden()
    batch.wait_until_kept()
    with batch.turned():
        batch.press("Control+z")
    expect(batch.tile(aside)).to_be_visible()
    batch.press("Control+y")
    expect(batch.tile(aside)).to_be_hidden()
    batch.reload()
    assert aside not in batch.ids


def test_redo_goes_elsewhere_only_at_a_second_press(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    batch.window.fill_slot("1", "oith")
    batch.wait_until_seen()
    expect(batch.button("redo")).to_be_disabled()
    batch.press("ArrowRight", "1")
    batch.wait_until_kept()
    with batch.turned():
        batch.press("Control+z")
    expect(batch.button("redo")).to_be_enabled()
    assert batch.labels() == {}

    batch.make({"kind": "filter", "query": "status=U"})
    batch.press("Control+y")
    expect(batch.window.toast("Ctrl+Y again does Oithona, 1 object, again elsewhere")).to_be_visible()
    batch.wait_until_kept()
    assert batch.labels() == {}
    batch.press("Control+y")
    expect(batch.window.toast("Done again elsewhere")).to_be_visible()
    assert list(batch.labels().values()) == [OITHONA]
    expect(batch.button("redo")).to_be_disabled()
    batch.press("Control+y")
    expect(batch.window.toast("Nothing left to do again in this batch.")).to_be_visible()
