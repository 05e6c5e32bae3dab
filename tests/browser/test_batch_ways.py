"""Ways into a batch, from the board and from another batch, and the list of batches."""

from playwright.sync_api import expect

from tests.browser.batches import BatchWindow
from tests.browser.conftest import MakeBoard, OpenBatch, OpenWindow, Person, Site


def test_what_is_like_the_selection_is_worked_as_a_batch(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, n=24, embedded=True), open_window(ana)
    batch = BatchWindow(window, project, site)
    window.open_board(project)
    window.press("ArrowRight", "Shift+ArrowRight", "Control+Enter")
    window.page.wait_for_url("**/batches/*")
    batch.expect_shown()
    expect(window.page.locator(".example")).to_have_count(2)
    assert not set(project.ids[:2]) & set(batch.ids)
    assert len(batch.ids) == 22

    # From what is marked there, and is not this, another one.
    ids = batch.ids
    batch.press("ArrowRight", "Space", "ArrowRight", "Delete")
    with window.page.expect_navigation():
        batch.press("=")
    batch.expect_shown()
    expect(window.page.locator(".example:not(.stranger)")).to_have_count(1)
    expect(window.page.locator(".example.stranger")).to_have_count(1)
    batch.reload()
    assert not set(ids[:2]) & set(batch.ids)


def test_an_order_by_likeness_is_worked_as_a_batch_of_its_examples(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, embedded=True), open_window(ana)
    window.open_board(project)
    window.tile(project.ids[4]).click()
    window.press("=")
    window.page.wait_for_url("**order=like**")
    window.page.get_by_role("button", name="Work as a batch").click()
    window.page.wait_for_url("**/batches/*")
    BatchWindow(window, project, site).expect_shown()
    expect(window.page.get_by_role("heading", name="Like 1 example")).to_be_visible()


def test_a_taxon_of_the_tree_is_worked_as_a_batch(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.name("oith")
    window.reload()
    window.tree_row("Oithona").click(button="right")
    window.page.get_by_role("menuitem", name="Work what is predicted so as a batch").click()
    window.page.wait_for_url("**/batches/*")
    expect(window.page.get_by_role("heading", name="Predicted Oithona")).to_be_visible()
    expect(window.page.locator("#ended")).to_contain_text("Nothing was found")


def test_the_list_says_how_far_each_batch_is_and_closes_it(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60)
    batch.wait_until_seen()
    batch.press("]")
    n = len(batch.marked)
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")
    batch.page.get_by_role("link", name="Batches").click()
    row = batch.page.get_by_role("row", name="Filter")
    expect(row).to_contain_text(f"{n} of 60 labelled")
    row.get_by_role("link", name="Go on").click()
    batch.expect_shown()
    batch.page.go_back()
    row.get_by_role("button", name="Close").click()
    expect(row).to_contain_text("closed")
    batch.page.reload()
    expect(row).to_contain_text("closed")
    row.get_by_role("link").first.click()
    expect(batch.page.get_by_text("This batch is closed")).to_be_visible()
    assert len(batch.labels()) == n


def test_a_project_without_batches_says_how_to_make_one(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.page.goto(f"/projects/{project.id}/batches")
    expect(window.page.get_by_role("heading", name="No batch yet")).to_be_visible()
    expect(window.page.get_by_text("Ctrl Enter")).to_be_visible()


def test_of_a_filter_that_keeps_nothing_no_batch_is_made(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.page.goto(f"/projects/{project.id}?status=D")
    window.wait_for("customElements.get('shoal-board') !== undefined")
    window.press("Control+Enter")
    expect(window.toast("Nothing to work through: no object passes this filter.")).to_be_visible()
    window.page.goto(f"/projects/{project.id}/batches")
    expect(window.page.get_by_role("heading", name="No batch yet")).to_be_visible()


def test_the_order_is_switched_and_kept(open_batch: OpenBatch) -> None:
    batch = open_batch(n=60, embedded=True)
    with batch.turned():
        batch.page.get_by_label("Order").select_option("extremes")
    batch.wait_until_seen()  # a page that nobody looked at is made anew for a window that fits another number
    ids = batch.ids
    batch.reload()
    expect(batch.page.get_by_label("Order")).to_have_value("extremes")
    assert batch.ids == ids


def test_at_900_pixels_all_is_within_reach(open_batch: OpenBatch) -> None:
    batch = open_batch(width=900)
    batch.wait_until_seen()
    for command in ("apply", "notThis", "pass", "undo", "brush", "invertMarks"):
        expect(batch.button(command)).to_be_in_viewport(ratio=1)
    batch.button("all").click()
    n = len(batch.marked)
    batch.type_name("oith")
    for _ in range(5):
        batch.button("apply").click()
        batch.wait_until_seen()
        if len(batch.labels()) == n:
            break
    batch.reload()
    assert len(batch.labels()) == n


def test_the_first_page_fits_its_window(open_batch: OpenBatch) -> None:
    """What is small and large, broad and high stands in it whole, with room for at most two rows more."""
    batch = open_batch(n=150, ragged=True)
    for width in (1440, 900):
        batch.page.set_viewport_size({"width": width, "height": 900})
        batch.make({"kind": "filter", "query": ""})
        batch.wait_until_seen()
        free, highest = batch.page.locator("#tiles").evaluate(
            """list => {
              const places = [...list.querySelectorAll(".tile")].map((tile) => tile.getBoundingClientRect());
              const lowest = Math.max(...places.map((place) => place.bottom));
              const highest = Math.max(...places.map((place) => place.height));
              return [list.getBoundingClientRect().bottom - lowest, highest];
            }"""
        )
        assert 0 <= free <= 2 * highest + 40, (width, free, len(batch.ids))
