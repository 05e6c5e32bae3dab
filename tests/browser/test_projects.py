"""The list of projects, a new one, its preset taxa, and who did what; by keyboard and by pointer."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Route, expect

from app import database
from app.accounts.queries import make_application_manager
from app.projects.queries import set_member
from app.taxonomy.presets import set_presets
from tests.browser.conftest import Person, Site
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

OpenWindow = Callable[..., Window]
MakeBoard = Callable[..., SmallProject]


@pytest.fixture
def ana(person: Callable[[str], Person]) -> Person:
    return person("Ana")


@pytest.fixture
def managed(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """A project that Ana manages, with three preset taxa."""
    project = make_board(ana, n=6)
    with database.connect(site.database_url) as db:
        set_member(db, project.id, ana.id, "manager")
        set_presets(db, project.id, [project.taxa[name] for name in ("fiber", "Oithona", "Calanoida")])
    return project


def presets(window: Window) -> list[str]:
    return window.page.locator(".presets .taxon").all_inner_texts()


def open_settings(window: Window, project: SmallProject) -> None:
    window.page.goto(f"/projects/{project.id}/settings")
    window.wait_for("customElements.get('taxa-presets') !== undefined")


def wait_until_kept(window: Window) -> None:
    window.page.wait_for_load_state("networkidle")


def test_a_project_is_made_and_leads_to_its_import(
    site: Site, person: Callable[[str], Person], open_window: OpenWindow
) -> None:
    chief = person("Chief")
    with database.connect(site.database_url) as db:
        make_application_manager(db, chief.id, True)
    window = open_window(chief)
    window.page.goto("/")
    window.page.get_by_role("link", name="New project").click()
    window.page.get_by_label("Title").fill("Villefranche, point B")
    window.press("Enter")
    expect(window.page).to_have_url(re.compile(r"/projects/\d+/import$"))
    expect(window.page.get_by_role("heading").first).to_be_visible()
    window.page.goto("/")
    expect(window.page.get_by_role("link", name="bring images in").first).to_be_visible()


def test_projects_are_found_by_keys_and_sorted_by_pointer(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow, site: Site
) -> None:
    first, second = make_board(ana, n=4), make_board(ana, n=8)
    with database.connect(site.database_url) as db:
        db.execute("update project set title = 'Zanclean', description = 'krill net' where id = %s", [first.id])
        db.execute("update project set title = 'Aptian', description = 'krill pump' where id = %s", [second.id])
    window = open_window(ana)
    window.page.goto("/")
    window.press("/")
    window.page.keyboard.type("krill")
    window.press("Enter")
    titles = window.page.locator("tbody tr td:first-child a")
    expect(titles).to_have_text(["Aptian", "Zanclean"])
    window.press("ArrowDown", "ArrowDown")
    expect(titles.nth(1)).to_be_focused()

    window.page.get_by_label("Order of the projects").select_option("size")
    window.page.get_by_label("only mine").check()
    window.page.get_by_role("button", name="Show").click()
    reload(window.page)
    expect(titles).to_have_text(["Aptian", "Zanclean"])
    expect(window.page.get_by_label("Order of the projects")).to_have_value("size")
    titles.nth(1).click()
    expect(window.tiles).to_have_count(4)


def test_preset_taxa_are_moved_removed_and_put_back_by_keys(
    ana: Person, managed: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    open_settings(window, managed)
    window.page.locator(".presets li").first.focus()
    window.press("Alt+ArrowDown", "ArrowDown", "Delete")
    assert presets(window) == ["Oithona", "fiber < detritus"]
    window.page.get_by_role("button", name="Put back").click()
    window.page.locator(".presets li").first.focus()
    window.press("End", "Alt+ArrowUp")
    wait_until_kept(window)

    reload(window.page)
    assert presets(window) == ["Oithona", "fiber < detritus", "Calanoida"]


def test_preset_taxa_are_added_by_name_and_dragged(ana: Person, managed: SmallProject, open_window: OpenWindow) -> None:
    window = open_window(ana)
    open_settings(window, managed)
    window.page.locator("#preset-field").click()
    window.page.keyboard.type("oithona sim")
    expect(window.page.locator("#preset-field-list [title='Oithona similis']")).to_be_visible()
    window.press("Enter")
    expect(window.page.locator(".presets li")).to_have_count(4)
    rows = window.page.locator(".presets li")
    rows.nth(3).drag_to(rows.nth(0))
    wait_until_kept(window)

    reload(window.page)
    assert presets(window) == ["Oithona similis", "fiber < detritus", "Oithona", "Calanoida"]
    window.open_board(managed)
    window.page.locator("#label-field").focus()
    expect(window.page.locator("taxon-field#label .group").first).to_have_text("Preset list")


def test_the_preset_list_starts_from_what_was_validated(
    site: Site, ana: Person, managed: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    with database.connect(site.database_url) as db:
        replace(managed, db=db).do(ana, managed.ids[:1], taxon="detritus")
    open_settings(window, managed)
    window.page.get_by_role("button", name="Empty the list").click()
    expect(window.page.get_by_text("None yet.")).to_be_visible()
    window.page.get_by_role("button", name="Add all with validated objects").click()
    expect(window.page.locator(".presets li")).to_have_count(1)
    wait_until_kept(window)
    reload(window.page)
    assert presets(window) == ["detritus"]


def test_a_list_that_cannot_be_kept_is_as_it_was(ana: Person, managed: SmallProject, open_window: OpenWindow) -> None:
    window = open_window(ana)
    window.forgive("net::ERR")
    open_settings(window, managed)
    window.page.context.set_offline(True)
    window.page.get_by_role("button", name="Remove Oithona").click()
    expect(window.toast("The list is as it was")).to_be_visible()
    assert presets(window) == ["fiber < detritus", "Oithona", "Calanoida"]
    window.page.context.set_offline(False)


def test_the_acts_of_a_project_are_narrowed_and_lead_to_their_objects(
    site: Site, ana: Person, managed: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    with database.connect(site.database_url) as db:
        for k, taxon in enumerate(("Oithona", "fiber")):
            replace(managed, db=db).do(ana, managed.ids[k : k + 1], taxon=taxon)
    window.page.goto(f"/projects/{managed.id}/acts")
    expect(window.page.locator("tbody tr")).to_have_count(2)
    window.page.get_by_role("button", name="Undo: validated as fiber < detritus, 1 object").click()
    expect(window.page.get_by_text("1 object goes back")).to_be_visible()
    window.page.get_by_role("button", name="Take back 1 object").click()
    expect(window.page.locator("tbody tr")).to_have_count(3)
    expect(window.page.get_by_role("link", name="undid: fiber < detritus")).to_be_visible()

    window.page.get_by_label("what").select_option("undo")
    window.page.get_by_label("who").select_option("Ana")
    window.page.get_by_role("button", name="Show").click()
    reload(window.page)
    expect(window.page.locator("tbody tr")).to_have_count(1)
    window.page.get_by_role("link", name="undid: fiber < detritus").click()
    expect(window.tiles).to_have_count(1)


def test_a_change_that_failed_is_shown_once_a_later_one_has_kept_it(
    ana: Person, managed: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    window.forgive("net::ERR")
    open_settings(window, managed)
    held: list[Route] = []
    window.page.route("**/presets", lambda route: held.append(route), times=1)
    for name in ("Oithona", "Calanoida"):
        window.page.get_by_role("button", name=f"Remove {name}").click()
    for _ in range(100):
        if held:
            break
        window.page.wait_for_timeout(50)
    held[0].abort()
    expect(window.page.locator(".presets li")).to_have_count(1)
    expect(window.toast("The list is as it was")).to_have_count(0)
    reload(window.page)
    assert presets(window) == ["fiber < detritus"]
