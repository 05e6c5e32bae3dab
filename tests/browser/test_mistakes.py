"""Likely mistakes decided on by keys and by pointer, and random probes for what is still out there of a taxon."""

from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from app import database
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.window import reload
from tests.search.conftest import add_vectors, make_embedder, unit_vectors
from tests.small_projects import SmallProject

WRONG = (0, 2, 4)  # places of the Oithona that are called detritus
ALSO_WRONG = (1, 3)  # of detritus that is called Oithona
# When another pair was told, and when the first of it was decided on, in ms.
CLOCK = """
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  if (document.querySelector(".toast")) window.toldAt ??= performance.now();
  if (document.querySelector("#tiles .is-done")) window.decidedAt ??= performance.now();
}).observe(document.body, { subtree: true, childList: true, attributes: true }));
"""
PAUSE_MS = 600


@pytest.fixture
def mixed(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """Two groups of like objects, validated as Oithona and as detritus, with three of the first in the other's name."""
    return mix(site, ana, make_board(ana, n=60))


def mix(site: Site, who: Person, project: SmallProject, also: tuple[int, ...] = ()) -> SmallProject:
    centres = unit_vectors(2, 16, seed=5)
    vectors = centres[np.arange(60) % 2] + 0.1 * unit_vectors(60, 16, seed=6)
    is_detritus = (np.arange(60) % 2 == 1) ^ np.isin(np.arange(60), (*WRONG, *also))
    with database.connect(site.database_url) as db:
        embedder_id = make_embedder(db, 16, f"of project {project.id}")
        add_vectors(db, embedder_id, project.id, project.ids, vectors)
        db.execute("update project set embedder_id = %s where id = %s", [embedder_id, project.id])
        own, ids = replace(project, db=db), np.array(project.ids)
        own.do(who, ids[~is_detritus].tolist(), taxon="Oithona")
        own.do(who, ids[is_detritus].tolist(), taxon="detritus")
    return project


def test_mistakes_are_swapped_confirmed_and_named_otherwise_and_do_not_come_back(
    site: Site, mixed: SmallProject, ana: Person, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{mixed.id}")
    page.goto(f"/projects/{mixed.id}/batches")
    page.get_by_role("link", name="Checks").click()
    options = page.locator("#tiles .tile:visible")
    expect(options).to_have_count(3)
    expect(page.locator(".mistake-large img")).to_be_visible()
    ids = [int(id) for id in options.evaluate_all("tiles => tiles.map((tile) => tile.dataset.id)")]
    assert sorted(ids) == [mixed.ids[k] for k in WRONG]
    page.wait_for_timeout(500)
    window.press("Delete")
    expect(options).to_have_count(2)
    expect(page.locator(".mistake-pairs [aria-current] .number")).to_have_text("2")
    page.wait_for_timeout(500)
    window.press("Enter")
    expect(options).to_have_count(1)
    window.press("Control+z")
    expect(options).to_have_count(2)
    page.wait_for_timeout(500)
    page.get_by_role("button", name="It stays").click()
    expect(options).to_have_count(1)
    page.wait_for_timeout(500)
    page.keyboard.type("fiber")
    page.get_by_role("option", name="fiber").first.click()
    window.press("Enter")
    expect(page.get_by_role("heading", name="None left")).to_be_visible()
    reload(page)
    expect(page.get_by_role("heading", name="None left")).to_be_visible()
    with database.connect(site.database_url) as db:
        said = [replace(mixed, db=db).seen(id)[1] for id in ids]
    assert sorted(said) == ["Oithona", "detritus", "fiber < detritus"]


def test_another_pair_is_told_after_a_pause_and_a_third_taxon_is_created(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = mix(site, ana, make_board(ana, n=60), ALSO_WRONG), open_window(ana)
    page, name = window.page, f"worm {project.id}"
    page.add_init_script(CLOCK)
    page.goto(f"/projects/{project.id}/mistakes")
    window.press("?")
    expect(page.locator("#keys")).to_contain_text("the object is what its neighbours are")
    window.press("Delete", "Escape")  # a key that is not for the sheet decides nothing behind it
    options = page.locator("#tiles .tile:visible")
    for n_left in (2, 1, 0):
        expect(options).to_have_count(n_left + 1)
        page.wait_for_timeout(500)
        with page.expect_response("**/suspects/decide"):
            window.press("Delete")
    expect(window.toast("Another pair: Oithona that may be detritus.")).to_be_visible()
    while not page.evaluate("window.decidedAt"):
        window.press("Enter")
        page.wait_for_timeout(30)
    assert page.evaluate("window.decidedAt - window.toldAt") >= PAUSE_MS / 2  # the page may be slow to say it
    expect(options).to_have_count(1)

    window.press(".")
    page.keyboard.type(name)
    window.press("Enter")
    expect(page.locator("#new-taxon-parent")).to_be_focused()
    page.get_by_label("at the root").check()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Create and validate 1 object").click()
    expect(page.get_by_role("heading", name="None left")).to_be_visible()
    reload(page)
    expect(page.get_by_role("heading", name="None left")).to_be_visible()
    with database.connect(site.database_url) as db:
        said = [replace(project, db=db).seen(project.ids[k])[1] for k in (*WRONG, *ALSO_WRONG)]
    assert said[:3] == ["Oithona"] * 3
    assert sorted(said[3:]) == ["Oithona", name]


def test_random_probes_tell_how_many_of_a_taxon_are_still_out_there(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = make_board(ana, n=30)
    with database.connect(site.database_url) as db:
        replace(project, db=db).do(ana, project.ids[:10], taxon="Oithona")
    window = open_window(ana)
    page = window.page
    page.set_viewport_size({"width": 900, "height": 700})
    page.goto(f"/projects/{project.id}/stragglers")
    page.get_by_role("combobox", name="Taxon").fill("Oithona")
    page.get_by_role("option", name="Oithona").first.click()
    page.get_by_role("button", name="Look what is left of it").click()
    page.get_by_label("How many, at random").fill("12")
    window.press("Enter")
    probes = page.locator(".audit-tiles button.tile")
    expect(probes).to_have_count(12)
    reload(page)
    probes.first.focus()
    window.press("Space", "ArrowRight", "Space")
    reload(page)
    expect(page.locator(".audit-tiles button.tile[aria-pressed=true]")).to_have_count(2)
    probes.last.scroll_into_view_if_needed()
    page.get_by_role("button", name="2 belong; the others do not").focus()
    window.press("Enter")
    expect(page.get_by_text("still out there, between")).to_be_visible()
    reload(page)
    expect(page.get_by_text("2 of 12 drawn of 20 belonged")).to_be_visible()
    with database.connect(site.database_url) as db:
        n = db.execute("select count(*) from label where project_id = %s and status = 'V'", [project.id]).fetchone()[0]
    assert n == 12
