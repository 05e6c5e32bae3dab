"""The list of acquisitions and one acquisition, to those who may know it."""

from typing import Any

import pytest

from app.database import Db
from app.errors import NotFound, Refused
from app.samples.acquisitions import list_acquisitions, read_acquisition
from tests.samples.test_samples import as_seen, bay  # noqa: F401 (a fixture)
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, bearer, logged_in


def test_every_acquisition_has_the_numbers_that_the_tables_say(db: Db, bay: SmallProject, make_account: Any) -> None:  # noqa: F811
    project = as_seen(db, bay, make_account())
    page = list_acquisitions(db, project)
    assert {one.name: (one.n_objects, one.counts["V"], one.sample) for one in page.acquisitions} == {
        "acq0": (10, 5, "sample0"),
        "acq1": (10, 0, "sample1"),
        "acq2": (10, 0, "sample2"),
        "acq3": (5, 0, "sample3"),
    }
    whole = read_acquisition(db, project, page.acquisitions[0].id)
    assert [(taxon.display_name, taxon.n) for taxon in whole.taxa] == [("Copepoda", 5), ("unclassified", 5)]
    assert (whole.first_day, whole.last_day) == ("2024-06-01", "2024-06-03")


def test_pages_show_each_acquisition_once_also_those_without_objects(
    db: Db,
    bay: SmallProject,  # noqa: F811
    make_account: Any,
) -> None:
    db.execute(
        """
        insert into acquisition (id, project_id, sample_id, orig_id)
        select nextval('parent_id_seq'), project_id, id, 'ACQ1' from sample where project_id = %s
        """,
        [bay.id],
    )
    project, seen, cursor = as_seen(db, bay, make_account()), [], None
    for _ in range(9):
        page = list_acquisitions(db, project, cursor=cursor, limit=3)
        seen += [one.id for one in page.acquisitions]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert (len(seen), len(set(seen))) == (8, 8)
    empty = [one for one in list_acquisitions(db, project, "acq1").acquisitions if one.name == "ACQ1"]
    assert [one.n_objects for one in empty] == [0, 0, 0, 0]
    of_first = list_acquisitions(db, project, sample_id=empty[0].sample_id).acquisitions
    assert {one.sample_id for one in of_first} == {empty[0].sample_id}
    with pytest.raises(Refused):
        list_acquisitions(db, project, cursor="damaged")


def test_the_anonymous_know_of_validated_objects_only(db: Db, bay: SmallProject, app_client: Client) -> None:  # noqa: F811
    project = as_seen(db, bay)
    page = list_acquisitions(db, project)
    assert [(one.name, one.counts) for one in page.acquisitions] == [("acq0", {"U": 0, "P": 0, "D": 0, "V": 5})]
    hidden = db.execute("select id from acquisition where project_id = %s and orig_id = 'acq1'", [bay.id]).fetchone()
    with pytest.raises(NotFound):
        read_acquisition(db, project, hidden.id)
    assert app_client.get(f"/projects/{bay.id}/acquisitions/{hidden.id}").status_code == 404
    shown = app_client.get(f"/projects/{bay.id}/acquisitions").text
    assert "acq0" in shown and "acq1" not in shown


def test_pages_and_programs_see_the_same(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    make_account: Any,
    database_url: str,
) -> None:
    account = make_account()
    db.execute('update acquisition set fields = \'{"sub_part": "0.5"}\' where project_id = %s', [bay.id])
    db.execute(
        """
        insert into process (acquisition_id, project_id, orig_id, fields)
        select id, project_id, 'zooprocess', '{"software": "8.1"}' from acquisition where project_id = %s
        """,
        [bay.id],
    )
    db.commit()
    headers = bearer(database_url, account)
    listed = app_client.get(f"/api/v1/projects/{bay.id}/acquisitions?limit=2", headers=headers).json()
    assert (len(listed["acquisitions"]), bool(listed["next_cursor"])) == (2, True)
    one = listed["acquisitions"][0]
    told = app_client.get(f"/api/v1/projects/{bay.id}/acquisitions/{one['id']}", headers=headers).json()
    assert (told["fields"], told["process_fields"]) == ({"sub_part": "0.5"}, {"software": "8.1"})
    assert app_client.get(f"/api/v1/projects/{bay.id}/acquisitions/9{'9' * 20}", headers=headers).status_code == 404
    logged_in(app_client, account)
    page = app_client.get(f"/projects/{bay.id}/acquisitions/{one['id']}").text
    assert all(words in page for words in ("sub_part", "0.5", "zooprocess", "8.1", "Copepoda"))
    of_sample = app_client.get(f"/projects/{bay.id}/acquisitions?sample={one['sample_id']}").text
    assert "Of the sample" in of_sample and "acq3" not in of_sample
    assert "No acquisition has" in app_client.get(f"/projects/{bay.id}/acquisitions?q=zzz").text
