"""A small project whose columns and labels are edited in mass, and what a worker does."""

import threading
from collections.abc import Callable

import pytest

from app.database import Db, connect
from app.jobs.run import run_queued
from app.settings import Settings
from tests.small_projects import Person, SmallProject, make_project


@pytest.fixture
def bay(db: Db, ada: Person, ben: Person) -> SmallProject:
    """25 objects in three samples, with positions and processes; Ada labelled five, Ben three."""
    bay = make_project(db, 25)
    db.execute("update sample set latitude = 43.5, longitude = 7.5 where project_id = %s", [bay.id])
    db.execute("insert into process (acquisition_id, project_id, orig_id) select id, project_id, 'p' from acquisition")
    db.execute("update object set date = '2024-06-01', latitude = 43.5 where project_id = %s", [bay.id])
    bay.do(ada, bay.ids[:5], taxon="Oithona")
    bay.do(ben, bay.ids[5:8], taxon="fiber")
    db.commit()
    return bay


@pytest.fixture
def work(settings: Settings, db: Db) -> Callable[[], list[str]]:
    """Runs the edits that wait; the statuses with which they end, and why they failed."""

    def run() -> list[str]:
        db.commit()
        rows = db.execute("select id from job where status = 'queued' and kind = 'edit' order by id").fetchall()
        db.commit()
        for row in rows:
            run_queued(row.id, settings, settings.database_url or "", threading.Event())
        with connect(settings.database_url or "") as fresh:
            ended = fresh.execute(
                "select status, error from job where id = any(%s) order by id", [[row.id for row in rows]]
            )
            return [f"{row.status}{': ' if row.error else ''}{row.error}" for row in ended]

    return run
