"""Likeness: a manager reads what learning brought, goes back to the plain one and forth, and is told once elsewhere."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect
from psycopg.types.json import Jsonb

from app import database
from app.projects.queries import set_member
from indexer.linear_map import LinearMap
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site
from tests.small_projects import SmallProject
from tests.spaces.conftest import REPORT, forgetful, make_space


@pytest.fixture
def project(site: Site, ana: Person, make_board: MakeBoard) -> SmallProject:
    """With one version that is in use, told taxon by taxon."""
    made = make_board(ana, n=20, embedded=True)
    taxa = [
        {"taxon": made.taxa[name], "n": n, "before": 0.4, "after": after, "seen": seen}
        for name, n, after, seen in (("Oithona", 12, 0.7, True), ("fiber", 9, 0.35, True), ("Calanoida", 4, 0.4, False))
    ]
    unseen = {"n": 4, "before": 0.4, "after": 0.4}
    with database.connect(site.database_url) as db:
        row = db.execute(
            """
            select embedder.id as embedder_id, dimension
              from project
              join embedder on embedder.id = embedder_id
             where project.id = %s
            """,
            [made.id],
        ).fetchone()
        learned = forgetful() if row.dimension == 16 else _turned(row.dimension)
        space_id = make_space(db, made.id, row.embedder_id, learned)
        report = REPORT | {"per_taxon": taxa, "unseen": unseen}
        db.execute("update space set report = %s where id = %s", [Jsonb(report), space_id])
        db.execute("update project set space_id = %s where id = %s", [space_id, made.id])
        set_member(db, made.id, ana.id, "manager")
    return made


def _turned(dimension: int) -> LinearMap:
    return LinearMap(np.eye(dimension, dtype=np.float32)[::-1].copy(), np.zeros(dimension, np.float32))


def test_what_learning_brought_is_read_and_gone_back_from_and_forth(
    ana: Person, project: SmallProject, open_window: OpenWindow
) -> None:
    page = open_window(ana).page
    page.goto(f"/projects/{project.id}/start")
    news = page.locator("#space-news")
    expect(news).to_contain_text("learned from 90 labels")
    news.get_by_role("button", name="Understood").click()
    expect(news).to_have_count(0)
    page.goto(f"/projects/{project.id}/spaces")
    expect(page.get_by_role("heading", name="Learned from 90 labels")).to_be_visible()
    expect(page.get_by_role("row", name="of taxa that it had never seen")).to_contain_text("+0.0")
    page.get_by_text("Taxon by taxon").click()
    rows = page.locator("#taxa tbody tr")
    expect(rows.first).to_contain_text("Oithona")
    page.locator("#taxa").get_by_role("button", name="Points").click()
    page.locator("#taxa").get_by_role("button", name="Points").click()
    expect(rows.first).to_contain_text("fiber")
    page.locator("#taxa-filter").fill("cala")
    expect(rows.filter(visible=True)).to_have_count(1)
    page.get_by_role("button", name="Back to the plain likeness").click()
    expect(page.get_by_role("heading", name="As the embedder sees it")).to_be_visible()
    expect(page.get_by_text("It is not learned by itself")).to_be_visible()
    page.get_by_role("button", name="Go back to version 1").click()
    expect(page.get_by_role("heading", name="Learned from 90 labels")).to_be_visible()
    page.get_by_role("button", name="Learn by itself again").click()
    expect(page.get_by_text("the next time at 500")).to_be_visible()


def test_who_may_not_manage_reads_and_turns_nothing(
    person: Callable[[str], Person], project: SmallProject, site: Site, open_window: OpenWindow
) -> None:
    ben = person("Ben")
    with database.connect(site.database_url) as db:
        set_member(db, project.id, ben.id, "annotator")
    page = open_window(ben).page
    page.goto(f"/projects/{project.id}/spaces")
    expect(page.get_by_text("Version 1 is in use")).to_be_visible()
    expect(page.get_by_role("button", name="Back to the plain likeness")).to_have_count(0)
