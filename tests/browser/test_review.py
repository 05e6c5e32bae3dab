"""A review from its form to what it tells, and doubts that somebody else settles."""

from dataclasses import replace

from playwright.sync_api import expect

from app import database
from tests.browser.conftest import MakeBoard, MakePerson, MakeReview, OpenWindow, Person, Site
from tests.browser.window import reload


def test_a_manager_draws_a_review_works_it_and_reads_what_it_tells(
    site: Site, ana: Person, review: MakeReview, open_window: OpenWindow
) -> None:
    _, project = review(Oithona=8)
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{project.id}/reviews")
    page.get_by_label("by").first.select_option("Ben")
    page.get_by_role("button", name="Draw and open").focus()
    window.press("Enter")
    page.wait_for_url("**/batches/*")
    expect(page.locator("#tiles .tile:visible")).to_have_count(8)
    with database.connect(site.database_url) as db:
        replace(project, db=db).do(ana, project.ids[:6], "confirm")
        replace(project, db=db).do(ana, project.ids[6:8], taxon="detritus")
    page.goto(f"/projects/{project.id}/reviews")
    reload(page)
    expect(page.get_by_role("row", name="Ben").filter(has_text="25.0 %")).to_have_count(3)


def test_what_another_doubts_is_opened_as_a_batch(
    site: Site, ana: Person, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ben = person("Ben")
    project = make_board(ana, ben)
    with database.connect(site.database_url) as db:
        replace(project, db=db).do(ben, project.ids[:3], taxon="Oithona", status="D")
    window = open_window(ana)
    window.page.goto(f"/projects/{project.id}/acts")
    window.page.get_by_role("link", name="Review").click()
    expect(window.page.get_by_role("button", name="Draw and open")).to_have_count(0)
    window.page.get_by_role("button", name="Open", exact=True).click()
    window.page.wait_for_url("**/batches/*")
    expect(window.page.locator("#tiles .tile:visible")).to_have_count(3)


def test_a_label_is_sent_back_blind_and_its_author_says_it_again_and_a_doubt_is_settled(
    ana: Person, review: MakeReview, open_window: OpenWindow
) -> None:
    ben, project = review(Oithona=4, doubts={"fiber": 1})
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{project.id}/reviews")
    page.get_by_label("hide their labels").check()
    page.get_by_role("button", name="Draw and open").click()
    page.wait_for_url("**/batches/*")
    expect(page.locator("#tiles .tile:visible")).to_have_count(4)
    expect(page.locator("#tiles .tile .caption").first).to_be_hidden()
    window.press("Control+a", "F2")
    page.keyboard.type("too small for it")
    window.press("Enter")
    expect(window.toast("4 labels went back")).to_be_visible()
    expect(page.locator("#tiles .tile:visible")).to_have_count(0)
    page.goto(f"/projects/{project.id}/reviews")
    expect(page.get_by_role("row", name="Ben").filter(has_text="100.0 %").first).to_be_visible()

    other = open_window(ben)
    other.page.goto("/me")
    expect(other.page.get_by_text("4 of your labels in")).to_be_visible()
    other.page.goto(f"/projects/{project.id}/reviews")
    expect(other.page.get_by_text("too small for it").first).to_be_visible()
    other.page.get_by_role("button", name="Look at them again").click()
    other.page.wait_for_url("**/batches/*")
    expect(other.page.locator("#tiles .tile:visible")).to_have_count(4)
    other.page.goto(f"/projects/{project.id}/doubts?whose=mine")
    field = other.page.get_by_role("combobox", name="second choice")
    field.click()
    field.press_sequentially("Calanoida")
    other.page.get_by_role("option", name="Calanoida").first.click()
    expect(other.toast("The second choice is kept")).to_be_visible()

    page.goto(f"/projects/{project.id}/doubts")
    page.get_by_role("button", name="it is Calanoida").focus()
    window.press("Enter")
    expect(page.get_by_role("heading", name="No doubts")).to_be_visible()
    window.press("Control+z")
    page.get_by_role("button", name="it is Calanoida").click()
    expect(window.toast("Settled")).to_be_visible()
    reload(other.page)
    expect(other.page.get_by_role("row", name="Calanoida")).to_be_visible()
    page.goto(f"/projects/{project.id}/reviews")
    field = page.get_by_role("combobox", name="Taxon to sign off")
    field.click()
    field.press_sequentially("Calanoida")
    page.get_by_role("option", name="Calanoida").first.click()
    page.get_by_role("button", name="Sign off").click()
    expect(page.get_by_role("button", name="Withdraw the sign-off of Calanoida")).to_be_visible()
