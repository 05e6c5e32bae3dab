"""The field that names a taxon, in the forms of the checks: Enter chooses what is highlighted, then sends the form."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app import database
from app.labels import runs
from tests.browser.conftest import MakeBoard, MakeReview, OpenWindow, Person, Site
from tests.small_projects import predict


@pytest.mark.parametrize("keys", [["Enter"], ["ArrowDown", "ArrowUp", "Enter"]])
def test_enter_chooses_the_predicted_taxon_and_draws_the_sample(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow, keys: list[str]
) -> None:
    project = make_board(ana)
    with database.connect(site.database_url) as db:
        own = replace(project, db=db)
        runs.publish(db, own, predict(own, dict.fromkeys(project.ids, "Oithona"), 0.95))
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{project.id}/audits")
    field = page.get_by_role("combobox", name="Predicted taxon")
    field.click()
    field.press_sequentially("oithon")
    expect(page.get_by_role("option", name="Oithona", selected=True)).to_be_visible()
    window.press(*keys)
    expect(field).to_have_value("Oithona")
    expect(page.get_by_role("listbox")).to_have_count(0)
    window.press("Enter")
    page.wait_for_url("**/audits/*")


def test_a_name_typed_in_full_is_taken_where_the_button_is_pressed(
    ana: Person, review: MakeReview, open_window: OpenWindow
) -> None:
    _, project = review(Oithona=4, doubts={"detritus": 2})
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{project.id}/reviews")
    page.get_by_role("combobox", name="Taxon to sign off").fill("Oithona")
    page.get_by_role("button", name="Sign off").click()
    expect(page.get_by_role("button", name="Withdraw the sign-off of Oithona")).to_be_visible()
    field = page.get_by_role("combobox", name="Dubious taxon")
    field.fill("detri")
    window.press("Enter")
    expect(field).to_have_value("detritus")
    window.press("Enter")
    page.wait_for_url("**/batches/*")
    expect(page.locator("#tiles .tile:visible")).to_have_count(2)
    page.goto(f"/projects/{project.id}/doubts")
    page.get_by_role("combobox", name="another taxon").first.fill("fiber")
    window.press("Enter")
    expect(window.toast("Settled")).to_be_visible()


def test_a_misspelt_name_shows_those_that_are_nearly_it_and_enter_takes_none_unasked(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = make_board(ana)
    window = open_window(ana)
    window.open_board(project)
    window.tiles.first.click()
    field = window.page.locator("#label-field")
    field.click()
    field.press_sequentially("Oithno")
    near = window.page.locator("#label-field-list").get_by_role("option", name="Oithona", exact=True)
    expect(near).to_be_visible()
    expect(window.page.locator("#label-field-list")).to_contain_text("Nearly so:")
    window.press("Enter")
    expect(window.page.get_by_role("heading", name="Create a taxon")).to_be_visible()
    window.press("Escape")
    field.fill("Oithno")
    expect(near).to_be_visible()
    window.press("ArrowDown", "Enter")
    expect(window.page.get_by_role("heading", name="Create a taxon")).to_be_hidden()
    expect(field).not_to_have_value("Oithno")
