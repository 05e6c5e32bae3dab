"""The page of an audit: its numbers add up, and what was accepted under it is taken back, by keys and by pointer."""

from dataclasses import replace
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect

from app import database
from app.accounts.viewer import Account, Viewer
from app.batches import audit_state, plain_sources
from app.batches.audit_draw import draw
from app.batches.audit_state import Audit, Wish
from app.batches.make import make_batch
from app.batches.sources import Source
from app.projects.access import find_project
from tests.browser.conftest import OpenWindow, Person, Site
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

__all__ = ["plain_sources"]


@pytest.fixture
def audit(site: Site, bay: SmallProject, ana: Person) -> Audit:
    """Of Ana's 30 objects, which two strangers among the least likely do not keep from being accepted."""
    with database.connect(site.database_url) as db:
        audit_state.set_limit(db, bay.id, 0.5)
        project = find_project(db, Viewer(Account(ana.id, ana.email, ana.name, False)), bay.id)
        batch = make_batch(db, project, ana, Source("filter", {}))
        return draw(db, project, ana, Wish(uuid4(), "batch", batch.id, bay.taxa["Oithona"]))


def use(window: Window, button: Locator, way: str) -> None:
    if way == "keyboard":
        button.focus()
        window.press("Enter")
    else:
        button.click()


def n_validated(site: Site, project: SmallProject) -> int:
    with database.connect(site.database_url) as db:
        labelled = replace(project, db=db)
        return sum(labelled.seen(id)[0] == "V" for id in project.ids)


@pytest.mark.parametrize("way", ["keyboard", "pointer"])
def test_an_audit_says_how_many_it_labels_and_is_taken_back(
    site: Site, bay: SmallProject, ana: Person, audit: Audit, open_window: OpenWindow, way: str
) -> None:
    window = open_window(ana)
    page, unseen = window.page, 30 - len(audit.sample)
    page.goto(f"/projects/{bay.id}/audits/{audit.id}")
    words = f"Of 30 objects, {len(audit.sample)} stand here; {unseen} that nobody saw follow what you say."
    expect(page.get_by_text(words)).to_be_visible()
    for k in (0, 1):
        use(window, page.locator(".audit-tiles").nth(1).locator("button.tile").nth(k), way)
    use(window, page.get_by_role("button", name="2 strangers; the others are right"), way)
    told = f"28 would be labelled, of these {unseen} unseen; 2 strangers are left out."
    expect(page.get_by_text(told)).to_be_visible()
    accept = page.get_by_role("button", name="Accept 28 as Oithona")
    use(window, accept, way)
    expect(page.get_by_role("link", name="See what it labelled")).to_be_visible()
    reload(page)
    assert n_validated(site, bay) == 28
    if way == "keyboard":
        window.press("Control+z")
    else:
        page.get_by_role("button", name="Undo").click()
    expect(accept).to_be_visible()
    reload(page)
    expect(accept).to_be_visible()
    assert n_validated(site, bay) == 0
