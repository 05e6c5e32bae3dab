"""From a filtered board to a file: the filter goes along, and what is being written stands where one looks."""

from playwright.sync_api import expect

from app import database
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.test_darwin import work


def test_a_filter_goes_from_the_board_into_a_file(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = make_board(ana)
    with database.connect(site.database_url) as db:
        set_member(db, project.id, ana.id, "manager")
    page = open_window(ana).page
    page.goto(f"/projects/{project.id}?status=U")
    page.get_by_role("link", name="Remove the filter status").click()
    expect(page.get_by_role("link", name="Remove the filter status")).to_have_count(0)
    assert (page.get_by_role("link", name="Export…").get_attribute("href") or "").endswith("/exports")
    page.go_back()
    expect(page.get_by_role("link", name="Remove the filter status")).to_be_visible()
    page.get_by_role("link", name="Export…").click()

    card = page.get_by_role("form", name="EcoTaxa tables")
    expect(card.get_by_label("Only what meets")).to_have_value("status=U")
    card.get_by_role("button", name="Export").press("Enter")
    expect(page.get_by_text("waits for its turn")).to_be_in_viewport(ratio=1)
    expect(card.get_by_label("Only what meets")).to_have_value("status=U")
    work(site, project)
    link = page.get_by_role("link", name="filtered")
    expect(link).to_be_in_viewport(ratio=1)
    with page.expect_download() as taken:
        link.click()
    assert "ecotaxa_general_filtered_" in taken.value.suggested_filename

    page.get_by_role("form", name="Annotations").get_by_role("button", name="Export").press("Enter")
    with database.connect(site.database_url) as db:
        db.execute(
            "update job set status = 'failed', error = 'No room.' where status = 'queued' and project_id = %s",
            [project.id],
        )
    expect(page.get_by_text("No room.")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="The job")).to_be_in_viewport(ratio=1)
