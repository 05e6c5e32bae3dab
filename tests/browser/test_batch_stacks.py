"""Near-duplicates in a batch: one tile for all of a stack, opened and labelled by keys and by the pointer."""

from playwright.sync_api import expect

from app import database
from tests.browser.batches import BatchWindow, know_taxa
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.search.conftest import add_vectors, make_embedder, unit_vectors
from tests.small_projects import SmallProject

N, DIMENSION = 14, 16


def give_stacks(site: Site, project: SmallProject) -> None:
    """Objects 0 to 3 are nearly the same, and so are 4 and 5."""
    vectors = unit_vectors(N, DIMENSION, seed=9)
    vectors[1:4], vectors[5] = vectors[0], vectors[4]
    with database.connect(site.database_url) as db:
        known = db.execute("select id from embedder where name = 'test'").fetchone()
        embedder_id = known.id if known else make_embedder(db, DIMENSION)
        add_vectors(db, embedder_id, project.id, project.ids, vectors)
        db.execute("update project set embedder_id = %s where id = %s", [embedder_id, project.id])


def test_a_stack_is_labelled_as_one_and_opened_where_one_of_it_is_a_stranger(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = make_board(ana, n=N)
    know_taxa(site, project, ana)
    give_stacks(site, project)
    batch = BatchWindow(open_window(ana), project, site)
    batch.page.goto(f"/projects/{project.id}/batches")
    batch.page.get_by_role("button", name="Near-duplicates").click()
    batch.page.wait_for_url("**/batches/*")
    batch.expect_shown()
    large, small = project.ids[:4], project.ids[4:6]
    assert (sorted(batch.ids[:4]), sorted(batch.ids[4:])) == (large, small)
    expect(batch.page.locator(".stack-n")).to_have_text(["×4", "×2"])

    # One step of the cursor goes over a whole stack, and one key marks it.
    batch.press("ArrowRight", "ArrowRight", "Space")
    assert sorted(batch.marked) == small
    batch.press("Space", "ArrowLeft", "Space", "F6", "ArrowRight", "Delete")
    (stranger,) = batch.not_this
    batch.reload()
    assert (batch.not_this, len(batch.marked)) == ([stranger], 3)
    batch.press("ArrowRight", "F6")
    expect(batch.window.toast("marked alike")).to_be_visible()

    batch.wait_until_seen()
    batch.page.locator(".stack-n").last.click()
    batch.tile(batch.ids[4]).click()
    assert len(batch.marked) == 4
    batch.page.locator(".stack-n").last.click()
    batch.type_name("oith")
    with batch.turned():
        batch.press("Enter")
    batch.wait_until_kept()
    assert len(batch.labels()) == 4 + 2
    assert batch.refused() == {stranger}
    assert batch.n_acts() == 3
