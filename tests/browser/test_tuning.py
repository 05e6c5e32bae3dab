"""An embedder trained on what is validated: offered, watched, read before and after, moved to, and gone back from."""

import threading
from dataclasses import replace

from playwright.sync_api import expect

from app import database
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.small_projects import SmallProject

N = 110


def work(site: Site, project: SmallProject, kind: str) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        row = db.execute(
            "select id from job where project_id = %s and kind = %s and status = 'queued'", [project.id, kind]
        ).fetchone()
    run_queued(row.id, site.settings, site.database_url, threading.Event())


def validated(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """110 digits, each validated as one of two taxa."""
    project = make_board(ana, n=N, embedded=True)
    with database.connect(site.database_url) as db:
        set_member(db, project.id, ana.id, "manager")
        here = replace(project, db=db)
        for odd, taxon in enumerate(("Oithona", "fiber")):
            here.do(ana, project.ids[odd::2], taxon=taxon)
    return project


def test_a_manager_trains_reads_what_it_brought_moves_and_goes_back(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project = validated(site, ana, make_board)
    page = open_window(ana).page
    page.goto(f"/projects/{project.id}/spaces")
    part = page.locator("#embedders")
    expect(part).to_contain_text("110 of 2 taxa are validated")
    part.get_by_role("button", name="Train an embedder all the same").click()
    expect(part.get_by_role("button", name="Cancel the training")).to_be_visible()
    with database.connect(site.database_url) as db:
        db.execute(
            "update embedder_training set config = config || '{\"epochs\": 1}' where project_id = %s", [project.id]
        )
    work(site, project, "tune")
    row = part.locator("tbody tr")
    expect(row).to_contain_text("Validated here 1", timeout=10_000)
    expect(row.locator("td.number")).to_have_count(3)
    page.goto(f"/projects/{project.id}")
    expect(page.get_by_text("decide whether the project moves to it")).to_be_visible()
    page.goto(f"/projects/{project.id}/spaces")
    row.get_by_role("button", name="Move the project to it").click()
    expect(part).to_contain_text("Its present embedder serves until all images have their new vectors")
    work(site, project, "embed")
    expect(row).to_contain_text("in use", timeout=10_000)
    row.get_by_role("button", name="Back to lite0-128").click()
    expect(part.get_by_role("button", name="Cancel the move")).to_be_visible()
    work(site, project, "embed")
    expect(row.get_by_role("button", name="Move the project to it")).to_be_visible(timeout=10_000)
