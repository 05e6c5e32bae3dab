"""Samples, help, jobs, taxonomy, errors and looks, as people use them: by pointer, by keyboard, and after a reload."""

from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import expect

from app import database
from tests.browser.conftest import Person, Site
from tests.browser.content import Content, fill
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

OpenWindow = Callable[..., Window]
# Keeps what is written on a canvas.
KEEP_WRITTEN = """window.written = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
    written.push(text);
    write.call(this, text, ...more);
}"""


@pytest.fixture
def content(site: Site, person: Callable[[str], Person], make_board: Callable[..., SmallProject]) -> Content:
    return fill(site, person, make_board)


@pytest.fixture
def window(content: Content, open_window: OpenWindow) -> Window:
    return open_window(content.manager)


def test_a_sample_is_found_and_its_images_opened_by_keys(content: Content, window: Window) -> None:
    page = window.page
    page.goto(f"/projects/{content.project.id}/samples")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Find samples by words of their names").focus()
    page.keyboard.type("sample1")
    window.press("Enter")
    page.wait_for_url("**q=sample1**")
    reload(page)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Images of sample1").focus()
    window.press("Enter")
    expect(window.tiles).to_have_count(10)
    expect(page.locator(".chip", has_text="sample1")).to_be_visible()


def test_a_sample_s_page_leads_to_its_taxon_on_the_board(content: Content, window: Window) -> None:
    page = window.page
    page.goto(f"/projects/{content.project.id}/samples")
    page.get_by_role("link", name="sample0", exact=True).click()
    expect(page.get_by_role("heading", name="sample0")).to_be_visible()
    expect(page.get_by_text("zooprocess")).to_be_visible()
    page.get_by_role("link", name="Oithona similis").click()
    expect(window.tiles).to_have_count(5)
    reload(page)
    expect(window.tiles).to_have_count(5)


def test_a_box_drawn_on_the_map_filters_the_board(content: Content, window: Window) -> None:
    page = window.page
    page.goto(f"/projects/{content.project.id}/samples")
    dots = page.locator(".map-frame circle")
    expect(dots).to_have_count(3)
    first = min((dots.nth(k).bounding_box() for k in range(3)), key=lambda box: box["x"])
    page.mouse.move(first["x"] - 6, first["y"] - 6)
    page.mouse.down()
    page.mouse.move(first["x"] + 10, first["y"] + 10, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Objects in this box").click()
    expect(window.tiles).to_have_count(10)
    reload(page)
    expect(window.tiles).to_have_count(10)


def test_the_box_can_be_typed(content: Content, window: Window) -> None:
    page = window.page
    page.goto(f"/projects/{content.project.id}/samples")
    page.get_by_label("South, west, north, east").fill("43,5,43.3,6")
    window.press("Enter")
    expect(window.tiles).to_have_count(10)


def test_the_help_shows_the_board_s_own_keys(window: Window) -> None:
    page = window.page
    page.goto("/help")
    expect(page.locator("#key-tables kbd", has_text="Ctrl Z").first).to_be_visible()
    listed = page.locator("#key-tables tr:has(kbd)").count()
    page.get_by_role("link", name="Filters", exact=True).focus()
    window.press("Enter")
    expect(page.get_by_role("heading", name="Filters")).to_be_in_viewport()
    reload(page)
    expect(page.locator("#key-tables tr:has(kbd)")).to_have_count(listed)
    assert listed > 15


def test_the_help_is_printed_without_its_contents_and_header(window: Window) -> None:
    page = window.page
    page.goto("/help")
    page.emulate_media(media="print")
    expect(page.locator("header.bar")).to_be_hidden()
    expect(page.locator(".contents")).to_be_hidden()
    expect(page.get_by_role("heading", name="Statuses and signs")).to_be_visible()


def test_jobs_are_narrowed_and_turned_by_keys_and_one_is_cancelled(content: Content, window: Window) -> None:
    page = window.page
    page.goto("/jobs")
    page.get_by_label("project").select_option(str(content.project.id))
    page.get_by_label("state").select_option("failed")
    page.get_by_role("button", name="Show").focus()
    window.press("Enter")
    page.wait_for_url("**status=failed**")
    expect(page.get_by_role("row", name="failed").first).to_be_visible()
    page.goto(f"/jobs?project_id={content.project.id}")
    page.get_by_role("link", name="Older jobs").click()
    expect(page.get_by_role("heading", name="Ended, older ones")).to_be_visible()
    page.goto(f"/jobs/{content.parameters['job_id']}")
    expect(page.get_by_text("85 images a second")).to_be_visible()
    page.get_by_role("button", name="Cancel Embed new images").click()
    reload(page)
    expect(page.locator("#job .badge", has_text="stopping")).to_be_visible()


def test_a_misspelt_taxon_is_found_and_leads_to_its_objects(content: Content, window: Window) -> None:
    page = window.page
    page.goto("/taxonomy")
    page.get_by_label("Find a taxon").focus()
    page.keyboard.type("oithna similis")
    window.press("Enter")
    expect(page.get_by_text("Spelt alike")).to_be_visible()
    page.get_by_role("link", name="Oithona similis").click()
    reload(page)
    expect(page.get_by_label("Lineage").get_by_role("link", name="Copepoda")).to_be_visible()
    page.locator(f'a[href^="/projects/{content.project.id}?"]').click()
    expect(window.tiles).to_have_count(5)


def test_looks_are_chosen_and_kept(window: Window) -> None:
    page = window.page
    page.emulate_media(color_scheme="light")
    page.goto("/jobs")
    page.get_by_label("Account and looks").click()
    page.get_by_role("button", name="Dark").click()
    reload(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(34, 35, 36)"
    page.get_by_label("Account and looks").click()
    page.get_by_role("button", name="As the system").click()
    reload(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(245, 245, 244)"


def test_an_unknown_address_leads_on(window: Window) -> None:
    window.forgive("status of 404")
    window.page.goto("/no/such/page")
    expect(window.page.get_by_role("heading", name="Not found")).to_be_visible()
    window.page.get_by_role("main").get_by_role("link", name="Projects").click()
    expect(window.page).to_have_url("/")


def test_a_session_that_ended_comes_back_to_the_same_page(site: Site, content: Content, window: Window) -> None:
    with database.connect(site.database_url) as db:
        db.execute("delete from session where account_id = %s", [content.manager.id])
    window.page.goto("/jobs?status=failed")
    window.page.get_by_label("Email").fill(content.manager.email)
    window.page.get_by_label("Password").fill("lobster quadrille 7")
    window.press("Enter")
    window.page.wait_for_url("**/jobs?status=failed")
    expect(window.page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_while_the_database_is_away_the_page_waits_and_then_loads_by_itself(
    site: Site, content: Content, window: Window
) -> None:
    window.forgive("status of 503")
    name = site.database_url.rsplit("///", 1)[1].partition("?")[0]
    with psycopg.connect(site.database_url.replace(f"///{name}", "///postgres"), autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false')
        try:
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
            window.page.goto("/jobs?status=done")
            expect(window.page.get_by_role("heading", name="The database is away")).to_be_visible()
            expect(window.page.get_by_label("Account and looks")).to_have_count(0)
        finally:
            admin.execute(f'alter database "{name}" allow_connections true')
    expect(window.page.get_by_role("heading", name="Jobs")).to_be_visible(timeout=40_000)
    assert window.page.url.endswith("/jobs?status=done")


def test_taxa_that_differ_in_their_ends_have_different_names_beside_the_confusions(
    content: Content, window: Window
) -> None:
    page, names = window.page, ["copepod_cyclopoid_oithona", "copepod_cyclopoid_oithona_eggs"]
    matrix = {"ids": [1, 2], "names": names, "cells": [[0, 0, 3], [1, 1, 4]], "orders": {"confused": [0, 1]}}
    page.add_init_script(KEEP_WRITTEN)
    page.route("**/confusion", lambda route: route.fulfill(json=matrix))
    page.goto(f"/projects/{content.project.id}/classifiers/{content.parameters['classifier_id']}")
    window.wait_for("written.length > 0")
    written = set(page.evaluate("written.filter((text) => text.startsWith('copepod'))"))
    assert len(written) == 2
    assert {text[-4:] for text in written} == {"hona", "eggs"}
