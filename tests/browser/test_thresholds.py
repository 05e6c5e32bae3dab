"""Working the predictions: a threshold is moved and suggested, what it takes is accepted under an audit and taken back;
and the batches that start from that page."""

from dataclasses import replace

import pytest
from playwright.sync_api import Locator, expect

from app import database
from app.batches import audit_state
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.test_audit_page import n_validated, use
from tests.browser.window import Window, reload
from tests.prediction.runs import Said, classify, falling, show_run
from tests.small_projects import SmallProject

N = 60


@pytest.fixture
def project(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """Of 60 objects 50 are predicted as Oithona, with scores from 0.99 down, five of them strange; ten as fibers."""
    made = make_board(ana, n=N, embedded=True)
    with database.connect(site.database_url) as db:
        audit_state.set_limit(db, made.id, 0.5)
        seen = replace(made, db=db)
        held_out = falling("Oithona", 60, wrong=range(30, 60)) + falling("fiber", 5)
        said = [Said("Oithona", round(0.99 - k / 100, 2), novelty=0.95 if k >= 45 else 0.1) for k in range(50)]
        show_run(seen, said + [Said("fiber", 0.7)] * 10, classify(seen, held_out))
    return made


def go(window: Window, project: SmallProject, query: str = "") -> None:
    window.page.goto(f"/projects/{project.id}/predictions/work{query}")
    window.wait_for("customElements.get('threshold-table') !== undefined")


def line(window: Window, taxon: str) -> Locator:
    return window.page.locator("#thresholds tbody tr").filter(
        has=window.page.get_by_role("link", name=taxon, exact=True)
    )


def test_a_threshold_is_suggested_and_moved_and_what_it_takes_is_accepted_and_taken_back(
    site: Site, ana: Person, project: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    go(window, project)
    oithona = line(window, "Oithona")
    slider = oithona.get_by_role("slider")
    expect(oithona.locator("output")).to_have_text("0.70")
    expect(oithona).to_contain_text("100.0 % at least 90.5 % of 30")
    expect(line(window, "fiber < detritus")).to_contain_text("only 5 held out: too few to tell")
    slider.focus()
    window.press("ArrowLeft")
    expect(oithona.locator("output")).to_have_text("0.69")
    expect(oithona).to_contain_text("96.8 % at least")
    field = page.get_by_label("wished precision")
    field.fill("75")
    window.press("Enter")
    expect(oithona.locator("output")).to_have_text("0.61")
    reload(page)
    expect(field).to_have_value("75")
    expect(oithona.locator("output")).to_have_text("0.61")
    takes = oithona.locator("td.threshold + td")
    expect(takes).to_have_text("39")
    slider.fill("50")
    expect(takes).to_have_text("45")
    page.get_by_label("also what is unlike the learning set").check()
    expect(takes).to_have_text("50")
    page.get_by_label("also what is unlike the learning set").uncheck()
    slider.fill("60")
    expect(takes).to_have_text("40")
    slider.focus()
    window.press("Enter")
    page.wait_for_url("**/audits/*")
    expect(page.get_by_text("Click every stranger")).to_be_visible()
    use(window, page.get_by_role("button", name="All are right"), "pointer")
    use(window, page.get_by_role("button", name="Accept 40 as Oithona"), "pointer")
    expect(page.get_by_role("link", name="See what it labelled")).to_be_visible()
    assert n_validated(site, project) == 40
    go(window, project)
    expect(oithona.locator("td.number").first).to_have_text("10")
    page.go_back()
    window.press("Control+z")
    expect(page.get_by_role("button", name="Accept 40 as Oithona")).to_be_visible()
    assert n_validated(site, project) == 0


def test_the_table_is_narrowed_and_sorted_by_keyboard(
    ana: Person, project: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    go(window, project)
    rows = page.locator("#thresholds tbody tr:visible")
    expect(rows.first).to_contain_text("Oithona")
    page.get_by_role("button", name="Mean score").focus()
    window.press("Enter")
    expect(rows.first).to_contain_text("Oithona")
    window.press("Enter")
    expect(rows.first).to_contain_text("fiber")
    window.press("/")
    page.keyboard.type("oith")
    expect(rows).to_have_count(1)
    page.keyboard.type("x")
    expect(page.get_by_text("No predicted taxon has this in its name.")).to_be_visible()


def test_what_teaches_most_and_what_is_strange_open_as_batches(
    ana: Person, project: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    go(window, project)
    page.get_by_role("button", name="Most useful next").click()
    page.wait_for_url("**/batches/*")
    expect(window.tiles.first).to_be_visible()
    expect(page.get_by_role("heading", name="Most useful next")).to_be_visible()
    go(window, project)
    page.get_by_role("button", name="Unlike the learning set, 5").click()
    page.wait_for_url("**/batches/*")
    expect(window.tiles).to_have_count(5)
    go(window, project)
    page.get_by_label("Batches come").select_option(label="the least sure first")
    line(window, "Oithona").get_by_role("button", name="Open").click()
    page.wait_for_url("**/batches/*")
    expect(page.get_by_role("heading", name="Predicted Oithona, the least sure first")).to_be_visible()


def test_without_predictions_the_page_says_how_to_come_by_some(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    window.page.goto(f"/projects/{make_board(ana).id}/predictions/work")
    expect(window.page.get_by_text("No predictions are shown here")).to_be_visible()
    window.page.get_by_role("link", name="To the predictions").click()
    expect(window.page.get_by_role("heading", name="Predictions", exact=True)).to_be_visible()
