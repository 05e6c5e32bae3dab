"""Updating what is there from a table, in the browser: sent, compared, looked at, written and taken back."""

import os
import threading
from pathlib import Path

from playwright.sync_api import expect

from app import database
from app.jobs.run import run_queued
from tests.browser.conftest import Site
from tests.browser.test_axe import look_over
from tests.browser.test_upload import Desk, bundle, desk

__all__ = ["desk"]
HEAD = "object_id\tobject_area\tobject_annotation_category\tobject_annotation_status\n[t]\t[f]\t[t]\t[t]\n"


def table(place: Path, *rows: str) -> Path:
    place.write_text(HEAD + "\n".join(rows) + "\n")
    return place


def brought(desk: Desk, tmp_path: Path) -> None:
    """Two objects, o1 and o2, without labels."""
    desk.choose(bundle(tmp_path / "leg.zip", "o1\ta.png\t\t\t", "o2\tb.png\t\t\t"))
    desk.arrived()
    expect(desk.page.get_by_label("Add objects")).to_be_checked()
    desk.check()
    desk.page.get_by_role("button", name="Import 2 objects").click()
    expect(desk.page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    desk.visit()


def taken_back(site: Site, project_id: int) -> None:
    """What a worker does."""
    with database.connect(site.database_url) as db:
        row = db.execute(
            "select id from job where status = 'queued' and kind = 'undo_update' and project_id = %s", [project_id]
        ).fetchone()
    run_queued(row.id, site.settings, site.database_url, threading.Event())


def names(desk: Desk) -> list[str | None]:
    """What the objects are called, by their own names."""
    with database.connect(desk.site.database_url) as db:
        rows = db.execute(
            """
            select taxon.name
            from object
            left join label on label.project_id = object.project_id
                           and label.object_id = object.id
                           and label.status in ('D', 'V')
            left join taxon on taxon.id = label.taxon_id
            where object.project_id = %s
            order by orig_id
            """,
            [desk.project_id],
        )
        return [row.name for row in rows]


def test_a_table_is_sent_compared_written_and_taken_back(desk: Desk, tmp_path: Path) -> None:
    page, copepod = desk.page, f"Copepoda of {desk.project_id}"
    with database.connect(desk.site.database_url) as db:
        db.execute("insert into taxon (name, display_name, type) values (%(n)s, %(n)s, 'P')", {"n": copepod})
    brought(desk, tmp_path)
    desk.choose(table(tmp_path / "ecotaxa_new.tsv", f"o1\t12.5\t{copepod}\tvalidated", "o9\t1\t\t"))
    desk.arrived()
    page.get_by_label("Update their fields and classifications").check()
    desk.check()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible()
    expect(page.get_by_role("region", name="First values")).to_contain_text("12.5")
    expect(page.get_by_role("region", name="First classifications")).to_contain_text("unclassified")
    page.get_by_text("1 row left out", exact=True).click()
    expect(page.get_by_text("This project has no object “o9”.")).to_be_visible()
    assert look_over(desk.window, page.url) == []
    assert names(desk) == [None, None]

    page.get_by_role("button", name="Write what differs").click()
    expect(page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    expect(page.get_by_role("heading", name="Changed 1 value, 1 classification from 2 rows.")).to_be_visible()
    assert names(desk) == [copepod, None]

    page.get_by_role("link", name="Report and undo").click()
    assert look_over(desk.window, page.url) == []
    report = page.url
    page.get_by_role("button", name="Take this update back").click()
    expect(page.get_by_role("heading", name="Take back the update")).to_be_visible()
    taken_back(desk.site, desk.project_id)
    assert names(desk) == [None, None]
    page.goto(report)
    expect(page.get_by_text("It was taken back.")).to_be_visible()


def test_fields_alone_are_sent_compared_written_and_taken_back(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    brought(desk, tmp_path)
    source = tmp_path / "ecotaxa_u.tsv"
    for area in ("99.5", "12.5"):  # the second, of the same name, size and time, is another one
        source.write_text(f"object_id\tobject_area\n[t]\t[f]\no1\t{area}\n")
        os.utime(source, (1_700_000_000, 1_700_000_000))
        desk.visit()
        desk.choose(source)
        desk.arrived()
    expect(page.get_by_role("heading", name="ecotaxa_u.tsv", exact=True)).to_be_visible()
    page.get_by_label("Update the fields of objects that are here").check()
    desk.check()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible()
    expect(page.get_by_role("region", name="First values")).to_contain_text("12.5")
    page.get_by_text("Check again with other choices").click()
    expect(page.get_by_label("Update the fields of objects that are here")).to_be_checked()

    page.get_by_role("button", name="Write what differs").click()
    expect(page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    expect(page.get_by_role("heading", name="Changed 1 value from 1 row.")).to_be_visible()
    page.get_by_role("link", name="Report and undo").click()
    report = page.url
    page.get_by_role("button", name="Take this update back").click()
    expect(page.get_by_role("heading", name="Take back the update")).to_be_visible()
    taken_back(desk.site, desk.project_id)
    page.goto(report)
    expect(page.get_by_text("It was taken back.")).to_be_visible()
