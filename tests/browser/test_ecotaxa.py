"""EcoTaxa and frozen versions, from the settings to the labels that were sent and the version that was frozen."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app import database
from app.ecotaxa import job, visits
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.test_axe import look_over
from tests.ecotaxa.server import MANAGER, Remote, Sea, Thing
from tests.small_projects import SmallProject


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """A small EcoTaxa with three objects, of which Ada has validated one."""
    monkeypatch.setattr(job, "POLL_S", 0.01)
    things = [Thing(4300000001 + place, f"sea{place + 1}") for place in range(3)]
    made = Remote(Sea(things=things))
    made.sea.label("sea1", 45100)
    yield made
    made.close()


def work(site: Site, project: SmallProject) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        rows = db.execute(
            "select id from job where status = 'queued' and kind = 'ecotaxa' and project_id = %s", [project.id]
        ).fetchall()
    for row in rows:
        run_queued(row.id, site.settings, site.database_url, threading.Event())


def test_a_project_is_pulled_and_its_labels_are_sent(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow, remote: Remote
) -> None:
    bay = make_board(ana, n=3)
    with database.connect(site.database_url) as db:
        set_member(db, bay.id, ana.id, "manager")
        visits.set_link(db, bay.id, f"{remote.address}/prj/42", None)
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{bay.id}/settings")
    page.get_by_role("link", name="EcoTaxa", exact=True).click()
    page.get_by_label("Token").first.fill(MANAGER)
    page.get_by_role("button", name="Pull").click()
    expect(page.get_by_text("Pulling")).to_be_visible()
    work(site, bay)
    expect(page.get_by_text("Both sides say the same.")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("link", name="Villefranche, Point B")).to_be_visible()

    _label(site, bay, ana, {"sea1": "Copepoda", "sea2": "Copepoda"})
    remote.sea.label("sea1", 99001)
    page.get_by_label("Token").first.fill(MANAGER)
    page.get_by_role("button", name="Compare").click()
    work(site, bay)
    expect(page.get_by_role("heading", name="1 label to send")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("heading", name="1 label changed on both sides")).to_be_visible()
    assert look_over(window, page.url) == []

    page.get_by_label("sea1").check()
    page.get_by_role("button", name="Theirs stand").click()
    page.get_by_label("Token").last.fill(MANAGER)
    page.get_by_role("button", name="Send to EcoTaxa").click()
    work(site, bay)
    expect(page.get_by_role("cell", name="Push")).to_be_visible(timeout=15_000)
    assert [remote.sea.find(name).taxon for name in ("sea1", "sea2")] == [99001, 45072]


def _label(site: Site, made: SmallProject, who: Person, said: dict[str, str]) -> None:
    with database.connect(site.database_url) as db:
        for orig_id, taxon in said.items():
            ids = [row.id for row in db.execute("select id from object where orig_id = %s", [orig_id])]
            taxa = {row.name: row.id for row in db.execute("select name, id from taxon where ecotaxa_id is not null")}
            replace(made, db=db, ids=ids, taxa=taxa).do(who, ids, taxon=taxon)


def test_a_version_is_frozen_and_changes_are_accepted(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    bay = make_board(ana, n=8)
    with database.connect(site.database_url) as db:
        set_member(db, bay.id, ana.id, "manager")
        replace(bay, db=db).do(ana, bay.ids[:5], taxon="Oithona")
    window = open_window(ana)
    page = window.page
    page.goto(f"/projects/{bay.id}/settings")
    page.get_by_role("link", name="Versions").click()
    page.get_by_label("Title").fill("Spring 2026")
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("cell", name="Spring 2026")).to_be_visible()

    with database.connect(site.database_url) as db:
        replace(bay, db=db).do(ana, bay.ids[4:7], taxon="Copepoda")
    page.get_by_role("button", name="Look for changes").click()
    expect(page.get_by_text("3 to decide, 0 accepted")).to_be_visible()
    assert look_over(window, page.url) == []
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("2 to decide, 0 accepted")).to_be_visible()
    page.get_by_label("all of them, also on other pages").check()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("0 to decide, 2 accepted")).to_be_visible()
    page.get_by_label("Title").fill("Summer 2026")
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("cell", name="Summer 2026")).to_be_visible()
    expect(page.get_by_role("row", name="2 Summer 2026")).to_contain_text("7")
