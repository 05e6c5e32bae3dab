"""Piles from the board to their name, audits of what nobody saw, and the undo of all that one person did."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from app import database
from app.accounts.viewer import Account, Viewer
from app.batches import plain_sources
from app.batches.make import make_batch
from app.batches.piles import make_pile
from app.batches.sources import Source
from app.projects.access import find_project
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

__all__ = ["plain_sources"]


@pytest.fixture
def ben(person: Callable[[str], Person]) -> Person:
    return person("Ben")


@pytest.fixture
def shared(ana: Person, ben: Person, make_board: MakeBoard) -> SmallProject:
    """Ana's and Ben's project of 30 objects."""
    return make_board(ana, ben)


def label(site: Site, project: SmallProject, who: Person, ids: list[int], taxon: str) -> None:
    with database.connect(site.database_url) as db:
        replace(project, db=db).do(who, ids, taxon=taxon)


def seen(site: Site, project: SmallProject, object_id: int) -> tuple[str, str | None, str | None]:
    with database.connect(site.database_url) as db:
        return replace(project, db=db).seen(object_id)


def test_a_pile_is_set_aside_by_keys_looked_through_by_another_and_named(
    site: Site, shared: SmallProject, ana: Person, ben: Person, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    window.open_board(shared)
    window.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Insert")
    expect(window.page.get_by_role("heading", name="Set 3 objects aside")).to_be_visible()
    window.page.keyboard.type("worm-like")
    window.press("Enter")
    expect(window.toast("3 objects set aside on “worm-like”")).to_be_visible()
    assert window.n_selected == 0  # what comes next is not for them
    expect(window.page.locator("#tiles .signs .aside")).to_have_count(3)
    window.reload()
    expect(window.page.locator("#tiles .signs .aside")).to_have_count(3)

    other = open_window(ben)
    other.page.goto(f"/projects/{shared.id}/piles")
    other.page.get_by_role("link", name="worm-like").click()
    expect(other.page.locator(".pile-tiles .tile")).to_have_count(3)
    expect(other.page.locator(".to-see")).to_have_text("")
    reload(other.page)
    expect(other.page.locator("[data-unseen]")).to_have_count(0)
    field = other.page.get_by_role("combobox", name="Taxon of the pile")
    field.click()
    field.press_sequentially("Calanoida")
    other.page.get_by_role("option", name="Calanoida").first.click()
    other.page.get_by_role("button", name="Name 3 objects").click()
    expect(other.page.get_by_role("button", name="Open the pile again")).to_be_visible()
    assert {seen(site, shared, i) for i in shared.ids[:3]} == {("V", "Calanoida", "Ben")}


def test_ticked_members_are_taken_off_and_the_pile_is_renamed_closed_and_named_by_a_new_taxon(
    site: Site, shared: SmallProject, ana: Person, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    window.open_board(shared)
    window.press("ArrowRight", "Shift+ArrowRight")
    window.page.get_by_role("button", name="Set aside").click()
    window.page.get_by_label("Provisional name").fill("odd")
    window.page.get_by_role("button", name="Set aside Enter").click()
    expect(window.toast("2 objects set aside")).to_be_visible()
    window.page.goto(f"/projects/{shared.id}/piles")
    window.page.get_by_role("link", name="odd").click()
    window.page.get_by_label("Tick object1", exact=True).check()
    window.page.get_by_role("button", name="Take the ticked off").click()
    expect(window.page.locator(".pile-tiles .tile")).to_have_count(1)
    window.page.get_by_label("Name of the pile").fill("odder")
    window.page.get_by_role("button", name="Rename").click()
    expect(window.page.get_by_role("heading", name="odder")).to_be_visible()
    window.page.get_by_role("button", name="Close the pile").click()
    expect(window.page.get_by_role("button", name="Open the pile again")).to_be_visible()
    reload(window.page)
    window.page.get_by_role("button", name="Open the pile again").click()
    expect(window.page.get_by_role("button", name="Close the pile")).to_be_visible()

    # Its taxon is one that is not there yet.
    name = f"odd worm {shared.id}"
    window.page.get_by_role("combobox", name="Taxon of the pile").press_sequentially(name)
    window.press("Enter")
    expect(window.page.locator("#new-taxon-parent")).to_be_focused()
    window.page.get_by_label("at the root").check()
    window.page.get_by_role("button", name="Create and validate 1 object").click()
    expect(window.page.get_by_role("button", name="Open the pile again")).to_be_visible()
    assert name in {seen(site, shared, i)[1] for i in shared.ids}


def test_all_that_one_person_did_is_looked_at_taken_back_and_done_again(
    site: Site, shared: SmallProject, ana: Person, ben: Person, open_window: OpenWindow
) -> None:
    with database.connect(site.database_url) as db:
        set_member(db, shared.id, ana.id, "manager")
    label(site, shared, ben, shared.ids[:5], "Oithona")
    label(site, shared, ben, shared.ids[5:6], "fiber")
    label(site, shared, ana, shared.ids[:1], "detritus")
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{shared.id}/acts")
    page.get_by_role("link", name="Take back many…").click()
    page.get_by_label("of").select_option("Ben")
    page.get_by_label("from").fill("2020-01-01T00:00")
    page.get_by_role("button", name="See what changes back").focus()
    window.press("Enter")
    expect(page.get_by_text("5 objects go back")).to_be_visible()
    expect(page.get_by_text("1 stays, changed since")).to_be_visible()
    page.get_by_role("button", name="Take back 2 acts").focus()
    window.press("Enter")
    page.wait_for_url("**/acts")
    reload(page)
    expect(page.get_by_role("link", name="took back 2 acts of Ben")).to_be_visible()
    assert [seen(site, shared, i)[0] for i in (*shared.ids[:2], shared.ids[5])] == ["V", "U", "U"]
    page.get_by_role("button", name="Do again: took back 2 acts of Ben").click()
    expect(page.get_by_role("link", name="did again 2 acts of Ben")).to_be_visible()
    assert seen(site, shared, shared.ids[5]) == ("V", "fiber < detritus", "Ben")


def judge_all(window: Window, n_strangers: int) -> None:
    """Look at the whole sample, say that the first ones are strangers, and that the others are right."""
    tiles = window.page.locator(".audit-tiles button.tile")
    for k in range(n_strangers):
        tiles.nth(k).click()
    words = f"{n_strangers} stranger; the others are right" if n_strangers else "All are right"
    judge = window.page.get_by_role("button", name=words)
    # A tile counts as looked at once it was shown for a while: on a busy machine that may take a second look.
    for _ in range(5):
        for k in range(0, tiles.count(), 5):
            tiles.nth(k).scroll_into_view_if_needed()
            window.page.wait_for_timeout(500)
        if judge.is_visible():
            break
    judge.click()


def test_a_pile_of_another_is_accepted_unseen_under_an_audit(
    site: Site, shared: SmallProject, ana: Person, ben: Person, open_window: OpenWindow
) -> None:
    with database.connect(site.database_url) as db:
        pile_id = make_pile(db, replace(shared, db=db), ana, uuid4(), "worms", shared.ids)
    window = open_window(ben)
    page = window.page
    page.set_viewport_size({"width": 1000, "height": 300})
    page.goto(f"/projects/{shared.id}/piles/{pile_id}")
    field = page.get_by_role("combobox", name="Taxon of the pile")
    field.click()
    field.press_sequentially("Calanoida")
    page.get_by_role("option", name="Calanoida").first.click()
    page.get_by_role("button", name="Audit instead").click()
    expect(page.get_by_role("heading", name="Are these Calanoida?")).to_be_visible()
    judge_all(window, 0)
    expect(page.get_by_text("0 wrong of")).to_be_visible()
    reload(page)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("link", name="See what it labelled")).to_be_visible()
    assert {seen(site, shared, i) for i in shared.ids} == {("V", "Calanoida", "Ben")}
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/projects/{shared.id}/acts")
    expect(page.get_by_role("link", name="validated as Calanoida, under an audit")).to_be_visible()


def test_over_the_limit_a_manager_is_asked_and_decides(
    site: Site, make_board: MakeBoard, ana: Person, ben: Person, open_window: OpenWindow
) -> None:
    shared = make_board(ana, ben, n=60)  # more than its sample and the least likely
    with database.connect(site.database_url) as db:
        set_member(db, shared.id, ana.id, "manager")
        project = find_project(db, Viewer(Account(ben.id, ben.email, ben.name, False)), shared.id)
        batch = make_batch(db, project, ben, Source("filter", {}), taxon_id=shared.taxa["Oithona"])
    window = open_window(ben)
    page = window.page
    page.goto(f"/projects/{shared.id}/batches/{batch.id}")
    expect(page.locator(".tile:visible").first).to_be_visible()
    page.get_by_role("button", name="Audit…").click()
    expect(page.get_by_role("heading", name="Are these Oithona?")).to_be_visible()
    judge_all(window, 1)
    page.get_by_label("What the manager should know").fill("one broken piece")
    page.get_by_role("button", name="Ask a manager to decide").focus()
    window.press("Enter")
    expect(page.get_by_text("asks a manager to decide: one broken piece")).to_be_visible()

    other = open_window(ana)
    other.page.goto(f"/projects/{shared.id}/audits?only=asked")
    other.page.get_by_role("link", name="Oithona").click()
    other.page.get_by_role("button", name="Accept").click()
    expect(other.page.get_by_role("link", name="See what it labelled")).to_be_visible()
    reload(other.page)
    labelled = [seen(site, shared, i) for i in shared.ids]
    assert labelled.count(("V", "Oithona", "Ana")) >= 28
    other.page.goto(f"/projects/{shared.id}/audits")
    other.page.get_by_label("Percent of wrong labels").fill("8")
    other.page.get_by_role("button", name="Save").click()
    expect(other.toast("Up to 8 % may be accepted")).to_be_visible()

    waiving = other.page.get_by_role("checkbox", name="their programs may accept without a sample")
    expect(waiving).to_be_checked()
    waiving.focus()
    other.press("Space", "Enter")
    expect(other.toast("Their programs may not accept without a sample.")).to_be_visible()
    reload(other.page)
    expect(waiving).not_to_be_checked()
    expect(other.page.get_by_label("Percent of wrong labels")).to_have_value("8")
