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
