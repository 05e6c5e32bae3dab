"""Dates that no calendar has, in the list of samples."""

from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.projects.access import find_project
from app.samples.listing import list_samples
from tests.small_projects import make_project


def test_a_date_without_end_counts_as_none(db: Db, make_account: Any) -> None:
    bay = make_project(db, 35, visibility="everyone")
    db.execute("update object set date = 'infinity' where project_id = %s and id <> %s", [bay.id, bay.ids[0]])
    db.execute("update object set date = '2024-06-01' where id = %s", [bay.ids[0]])
    db.commit()
    samples = list_samples(db, find_project(db, Viewer(make_account()), bay.id)).samples
    assert [sample.first_day for sample in samples] == ["2024-06-01", None, None, None]
