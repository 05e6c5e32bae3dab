"""From labelled images to predictions that are worked: one click trains and predicts, the report is read, a cell of its
confusions opens, a predicted taxon is accepted, and all of it is taken back."""

import threading
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app import database
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.browser.batches import BatchWindow
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

N, N_LABELLED = 80, 50
TAXA = {0: "Oithona", 1: "fiber"}  # by the digit that an object shows; the others are Calanoida


@pytest.fixture
def labelled(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """Ana's project of 80 digits, of which she has labelled 50 as three taxa."""
    project = make_board(ana, n=N, embedded=True)
    with database.connect(site.database_url) as db:
        set_member(db, project.id, ana.id, "manager")
        known = replace(project, db=db)
        for taxon in ("Oithona", "fiber", "Calanoida"):
            ids = [id for k, id in enumerate(project.ids[:N_LABELLED]) if TAXA.get(k % 10, "Calanoida") == taxon]
            known.do(ana, ids, taxon=taxon)
    return project


def work(site: Site, project: SmallProject, *kinds: str) -> None:
    """What a worker does, one job after the other."""
    for kind in kinds:
        with database.connect(site.database_url) as db:
            job = db.execute(
                "select id from job where status = 'queued' and kind = %s and project_id = %s", [kind, project.id]
            ).fetchone()
        run_queued(job.id, site.settings, site.database_url, threading.Event())


def train_and_predict(site: Site, project: SmallProject, window: Window) -> None:
    page = window.page
    page.goto(f"/projects/{project.id}/predictions")
    expect(page.get_by_text("50 validated images of 3 taxa to learn from")).to_be_visible()
    page.get_by_role("button", name="Train and predict").focus()
    window.press("Enter")
    expect(page.get_by_text("Train Validated here waits for its turn")).to_be_visible()
    work(site, project, "train", "predict")
    expect(page.get_by_role("heading", name="Shown now: Validated here, version 1")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("30 predicted images are left to look at")).to_be_visible()


def test_what_is_labelled_is_learned_predicted_worked_accepted_and_taken_back(
    site: Site, ana: Person, labelled: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    train_and_predict(site, labelled, window)

    page.get_by_role("link", name="what to expect").click()
    expect(page.get_by_text("of 100 new images get the right name")).to_be_visible()
    picture = page.locator("confusion-picture canvas")
    picture.focus()
    expect(page.locator("#confusion-told")).to_contain_text("rightly recognised")
    window.press("Enter")
    batch = BatchWindow(window, labelled, site)
    page.wait_for_url("**/batches/*")
    batch.expect_shown()
    assert set(batch.ids) <= set(labelled.ids[:N_LABELLED])
    assert batch.marked == []

    page.goto(f"/projects/{labelled.id}/predictions")
    page.get_by_role("link", name="Work the predictions").click()
    page.get_by_role("button", name="Open", exact=False).first.click()
    page.wait_for_url("**/batches/*")
    batch.expect_shown()
    before = batch.labels()
    batch.wait_until_seen()
    if not batch.marked:
        batch.press("Control+a")
    marked = batch.marked
    with batch.turned():
        batch.press("Enter")
    batch.wait_until_kept()
    assert set(batch.labels()) - set(before) == set(marked) != set()
    with batch.turned():
        batch.press("Control+z")
    batch.wait_until_kept()
    assert batch.labels() == before

    page.goto(f"/projects/{labelled.id}/predictions")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("heading", name="Shown now")).to_have_count(0)
    page.get_by_role("button", name="Show Validated here, version 1").click()
    expect(page.get_by_role("heading", name="Shown now: Validated here, version 1")).to_be_visible()


def test_a_classifier_is_trained_with_choices_looked_at_first_and_compared(
    site: Site, ana: Person, labelled: SmallProject, open_window: OpenWindow
) -> None:
    window = open_window(ana)
    page = window.page
    train_and_predict(site, labelled, window)
    page.get_by_role("link", name="Choose how…").click()
    page.get_by_label("Learn from").select_option(index=1)
    page.get_by_label("area").check()
    page.get_by_label("Method").select_option("discriminant")
    page.get_by_label("Predict, and let me look at the summary first").check()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("It waits for its training")).to_be_visible()
    work(site, labelled, "train", "predict")
    expect(page.get_by_text("Measured columns beside the vectors: object.area")).to_be_visible(timeout=10_000)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("images that both held out")).to_be_visible()
    page.get_by_label("only").fill("oith")
    expect(page.locator("#taxa tbody tr:visible")).to_have_count(1)

    page.goto(f"/projects/{labelled.id}/predictions")
    expect(page.get_by_role("heading", name="Shown now: Validated here, version 1")).to_be_visible()
    page.get_by_role("link", name="Validated here, version 2").first.click()
    expect(page.get_by_text("nobody sees it yet")).to_be_visible()
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("heading", name="Shown now: Validated here, version 2")).to_be_visible()
