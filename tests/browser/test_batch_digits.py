"""What a digit in a batch is for: one tile, what is marked, the brush, or nothing; panel and strip say so before."""

from playwright.sync_api import Locator, expect

from tests.browser.batches import BatchWindow
from tests.browser.conftest import OpenBatch

OITHONA, FIBER = ("V", "Oithona"), ("V", "fiber < detritus")


def strip(batch: BatchWindow) -> Locator:
    return batch.page.locator('#strip [data-of="slot"]')


def says(batch: BatchWindow, panel: str, footer: str) -> None:
    expect(batch.page.locator(".digits")).to_contain_text(panel)
    expect(strip(batch)).to_contain_text(footer)


def point_at(batch: BatchWindow, object_id: int) -> tuple[float, float]:
    """Where the pointer lies then."""
    box = batch.tile(object_id).bounding_box()
    assert box
    x, y = box["x"] + 20, box["y"] + 20
    batch.page.mouse.move(x, y)
    return x, y


def id_at(batch: BatchWindow, x: float, y: float) -> int:
    found = "([x, y]) => document.elementFromPoint(x, y)?.closest('#tiles .tile')?.dataset.id"
    return int(batch.page.evaluate(found, [x, y]))


def test_a_second_digit_is_for_the_tile_that_came_under_the_pointer_and_never_for_the_marked(
    open_batch: OpenBatch,
) -> None:
    batch = open_batch()
    batch.window.fill_slot("1", "oith")
    batch.window.fill_slot("3", "fib")
    batch.wait_until_seen()
    batch.press("]")
    marked = batch.marked
    says(batch, f"label the {len(marked)} marked", f"label the {len(marked)} marked")
    stray = batch.ids[len(marked) + 1]
    x, y = point_at(batch, stray)
    says(batch, "label one tile alone", "label this tile")
    batch.press("1")
    expect(batch.tile(stray)).to_be_hidden()
    follows = id_at(batch, x, y)
    says(batch, "label one tile alone", "label this tile")
    batch.press("3")
    expect(batch.tile(follows)).to_be_hidden()
    batch.reload()
    assert batch.labels() == {stray: OITHONA, follows: FIBER}
    assert batch.marked == marked


def test_after_a_digit_for_one_tile_the_marked_wait_for_a_gesture_of_their_own(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.fill_slot("1", "oith")
    batch.wait_until_seen()
    batch.press("]")
    batch.press("ArrowRight")
    for _ in range(2):
        batch.press("1")
    one_by_one = len(batch.window.page.locator("#tiles .tile").all()) - len(batch.ids)
    assert one_by_one == 2
    left = batch.ids[-1]
    x, y = point_at(batch, left)
    batch.press("1")  # the last tile: nothing moves up under the pointer
    expect(batch.tile(left)).to_be_hidden()
    assert batch.page.evaluate("([x, y]) => !document.elementFromPoint(x, y)?.closest('.tile')", [x, y])
    marked = batch.marked
    says(batch, "label nothing", "label nothing now")
    batch.press("1")
    expect(batch.window.toast(f"labels the {len(marked)} marked")).to_be_visible()
    batch.wait_until_kept()
    assert len(batch.labels()) == 3

    batch.press("Escape")
    says(batch, f"label the {len(marked)} marked", f"label the {len(marked)} marked")
    with batch.turned():
        batch.press("1")
    batch.wait_until_kept()
    assert set(marked) <= set(batch.labels())


def test_with_the_brush_on_a_digit_chooses_what_it_paints(open_batch: OpenBatch) -> None:
    batch = open_batch()
    batch.window.fill_slot("1", "oith")
    batch.window.fill_slot("2", "fib")
    batch.wait_until_seen()
    ids = batch.ids
    batch.press("ArrowRight", "Backquote")
    says(batch, "choose what the brush paints", "choose the brush's taxon")
    batch.press("2")
    expect(batch.window.toast("The brush paints fiber")).to_be_visible()
    assert batch.labels() == {}
    batch.press("ArrowRight", "Backquote")
    batch.reload()
    assert batch.labels() == {ids[0]: FIBER}
