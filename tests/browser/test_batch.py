"""A batch is worked from its making to its end by keyboard alone and by pointer alone, at 40 ms of delay."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app import database
from app.labels import runs
from tests.browser.batches import BatchWindow, know_taxa
from tests.browser.conftest import MakeBoard, OpenBatch, OpenWindow, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject, predict

OITHONA = ("V", "Oithona")


@pytest.fixture
def board(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> tuple[SmallProject, Window, BatchWindow]:
    """Ana's board of 30 unlabelled objects and two that are known, and the window as she will see its batch."""
    project, window = make_board(ana, n=32), open_window(ana)
    know_taxa(site, project, ana)
    batch = BatchWindow(window, project, site)
    batch.slow_down()
    window.open_board(project, "?status=U")
    return project, window, batch


def test_a_batch_is_worked_to_its_end_by_keyboard_alone(board: tuple[SmallProject, Window, BatchWindow]) -> None:
    _, window, batch = board
    window.page.keyboard.press("Control+Enter")
    window.page.wait_for_url("**/batches/*")
    batch.expect_shown()
    first = batch.ids
    batch.wait_until_seen()

    # All before the line but one stranger, which is none of them.
    batch.press("]", "ArrowRight", "ArrowRight", "Delete")
    before = batch.line
    assert 2 < before < len(first)
    assert batch.marked == [first[0], *first[2:before]]
    assert batch.not_this == [first[1]]
    batch.reload()
    assert batch.marked == [first[0], *first[2:before]]
    assert (batch.not_this, batch.line) == ([first[1]], before)
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")

    batch.wait_until_kept()
    assert batch.labelled_of(first) == {id: OITHONA for id in (first[0], *first[2:before])}
    assert batch.refused() == {first[1]}
    expect(window.page.locator("#ended")).to_contain_text("worked through")

    # The rest is in the tray, which is a batch of its own.
    with window.page.expect_navigation():
        batch.press("|")
    batch.expect_shown()
    rest = batch.ids
    assert sorted(rest) == sorted(first[before:])
    batch.wait_until_seen()
    batch.press("Control+a", "ArrowRight", "Space")
    assert batch.marked == rest[1:]
    batch.type_name("fib")
    with batch.turned():
        batch.press("Shift+Enter")
    batch.reload()
    expect(window.page.locator("#ended")).to_contain_text("1 in the tray")
    labels = batch.labels()
    assert {labels[id] for id in rest[1:]} == {("D", "fiber < detritus")}
    assert rest[0] not in labels


def test_a_batch_is_worked_to_its_end_by_pointer_alone(board: tuple[SmallProject, Window, BatchWindow]) -> None:
    _, window, batch = board
    page = window.page
    page.get_by_role("button", name="Work as a batch").click()
    page.wait_for_url("**/batches/*")
    batch.expect_shown()
    first = batch.ids
    batch.wait_until_seen()

    # The line is drawn behind the first row but two, and one is made a stranger.
    handle, last = page.locator("#tiles .boundary > span"), batch.tile(first[4])
    place, box = handle.bounding_box(), last.bounding_box()
    assert place and box
    page.mouse.move(place["x"] + 5, place["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] - 8, steps=8)
    page.mouse.up()
    assert (batch.line, batch.marked) == (5, first[:5])
    batch.tile(first[1]).click()
    batch.button("notThis").click()
    batch.tile(first[7]).click()
    batch.reload()
    assert (batch.line, batch.not_this) == (5, [first[1]])
    assert batch.marked == [first[0], *first[2:5], first[7]]

    page.locator("#label-field").click()
    page.locator("#label-field-list [role=option]", has_text="Oithona").first.click()
    with batch.turned():
        batch.button("apply").click()
    assert batch.labelled_of(first) == {id: OITHONA for id in (first[0], *first[2:5], first[7])}
    assert batch.refused() == {first[1]}

    with page.expect_navigation():
        page.locator("#ended").get_by_role("button", name="Open the tray").click()
    batch.expect_shown()
    batch.wait_until_seen()
    batch.button("all").click()
    page.locator("#label-field").click()
    page.locator("#label-field-list [role=option]", has_text="fiber").first.click()
    with batch.turned():
        batch.button("applyDubious").click()
    batch.reload()
    assert len(batch.labelled_of(first)) == 29
    expect(page.locator("#ended")).to_contain_text("worked through")


def test_the_label_field_is_empty_after_each_act_where_the_batch_has_no_target(open_batch: OpenBatch) -> None:
    batch = open_batch(n=40)
    batch.wait_until_seen()
    batch.press("]")
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")
    expect(batch.page.locator("#label-field")).to_have_value("")


def test_the_label_field_holds_the_target_of_the_batch(open_batch: OpenBatch) -> None:
    batch = open_batch(n=20)
    batch.make({"kind": "filter", "query": "status=U"}, taxon_id=batch.project.taxa["Oithona"])
    expect(batch.page.locator("#label-field")).to_have_value("Oithona")
    batch.wait_until_seen()
    batch.press("]")
    marked = batch.marked
    with batch.turned():
        batch.press("Enter")
    assert batch.labels() == {id: OITHONA for id in marked}
    expect(batch.page.locator("#ended")).to_be_visible()


def test_a_batch_of_what_is_predicted_as_a_deprecated_taxon_offers_it_neither_as_its_label_nor_as_seen(
    site: Site, open_batch: OpenBatch
) -> None:
    batch = open_batch(n=20)
    batch.window.forgive("400 (Bad Request)")
    taxon_id = batch.project.taxa["fiber"]
    with database.connect(site.database_url) as db:
        known = replace(batch.project, db=db)
        runs.publish(db, known, predict(known, dict.fromkeys(known.ids[:18], "fiber")))
        db.execute("update taxon set status = 'D' where id = %s", [taxon_id])
    try:
        batch.make({"kind": "predicted", "taxon_id": taxon_id}, taxon_id=taxon_id)
        expect(batch.page.locator("#label-field")).to_have_value("")
        batch.wait_until_seen()
        batch.press("Enter")
        expect(batch.page.get_by_text("fiber < detritus is deprecated: choose another taxon")).to_be_visible()
        assert batch.labels() == {}
    finally:
        with database.connect(site.database_url) as db:
            db.execute("update taxon set status = 'A' where id = %s", [taxon_id])


def test_a_page_is_turned_without_a_label(open_batch: OpenBatch) -> None:
    batch = open_batch()
    ids = batch.ids
    with batch.turned():
        batch.press("\\")
    batch.reload()
    assert batch.labels() == {}
    expect(batch.page.locator("#ended")).to_contain_text(f"{len(ids)} in the tray")
