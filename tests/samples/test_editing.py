"""A sample, an acquisition or a process changed by hand: kept with what stood there, told, undone."""

import re
from typing import Any
from uuid import uuid4

import pytest

from app.database import Db
from app.samples.listing import list_samples
from tests.samples.test_samples import as_seen, bay  # noqa: F401 (a fixture)
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def manager(make_account: Any) -> Any:
    return make_account(is_application_manager=True)


def sample_of(db: Db, bay: SmallProject, name: str = "sample1") -> Any:  # noqa: F811
    db.rollback()
    return db.execute("select * from sample where project_id = %s and orig_id = %s", [bay.id, name]).fetchone()


def form_of(client: Client, path: str, level: str) -> dict[str, str]:
    """What a browser would send of the form of one level, unchanged."""
    page = client.get(f"{path}/edit").text
    (form,) = [part for part in page.split("<form ")[1:] if f'name="level" value="{level}"' in part]
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.split("</form>")[0]))


def test_a_manager_changes_fields_and_takes_it_back(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    manager: Any,
) -> None:
    sample = sample_of(db, bay)
    path = f"/projects/{bay.id}/samples/{sample.id}"
    logged_in(app_client, manager)
    form = form_of(app_client, path, "sample")
    assert (form["now.station"], form["now.latitude"], form["now.longitude"]) == ("st1", "48.5", "-4")
    answer = app_client.post(f"{path}/edit", data=form | {"now.station": "B", "now.longitude": "-3.94"})
    assert answer.status_code == 303
    assert (sample_of(db, bay).fields["station"], sample_of(db, bay).longitude) == ("B", -3.94)
    assert [one.longitude for one in list_samples(db, as_seen(db, bay, manager), "sample1").samples] == [-3.94]
    page = app_client.get(answer.headers["location"]).text
    assert "Saved." in page and "<td>station</td><td>st1</td><td>B</td>" in page
    edit = re.search(rf"/projects/{bay.id}/edits/(\d+)", page)[0]
    assert "of the sample sample1, by hand" in app_client.get(edit).text
    assert app_client.post(f"{edit}/undo", data={"client_id": str(uuid4())}).status_code in (200, 303)
    assert (sample_of(db, bay).fields["station"], sample_of(db, bay).longitude) == ("st1", -4)
    assert "undone" in app_client.get(path).text


def test_a_form_that_changes_nothing_makes_no_act_and_sent_twice_it_makes_one(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    manager: Any,
) -> None:
    path = f"/projects/{bay.id}/samples/{sample_of(db, bay).id}"
    logged_in(app_client, manager)
    form = form_of(app_client, path, "sample")
    assert app_client.post(f"{path}/edit", data=form).headers["location"] == path
    for _ in range(2):
        assert app_client.post(f"{path}/edit", data=form | {"now.station": "B"}).status_code == 303
    db.rollback()
    n = db.execute("select count(*) from act where project_id = %s and kind = 'edit'", [bay.id]).fetchone()
    assert n[0] == 1


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"now.latitude": "north"}, 422, "latitude"),
        ({"now.latitude": "95"}, 422, "latitude"),
        ({"now.station": "x" * 10_001}, 422, "10,000"),
        ({"now.orig_id": "other"}, 422, "cannot be changed"),
        ({"now.colour": "red"}, 422, "no column"),
        ({"now.station": "C", "was.station": "what stood there before"}, 409, "Somebody else changed sample.station"),
        ({"level": "object"}, 422, "does not say what it is of"),
    ],
)
def test_what_is_not_possible_is_said_and_nothing_is_saved(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    manager: Any,
    change: dict[str, str],
    status: int,
    why: str,
) -> None:
    sample = sample_of(db, bay)
    path = f"/projects/{bay.id}/samples/{sample.id}"
    logged_in(app_client, manager)
    answer = app_client.post(f"{path}/edit", data=form_of(app_client, path, "sample") | change)
    assert (answer.status_code, why in answer.text) == (status, True)
    assert sample_of(db, bay) == sample


def test_programs_change_an_acquisition_and_its_process(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    manager: Any,
    database_url: str,
) -> None:
    acquisition = db.execute("select id from acquisition where project_id = %s order by id", [bay.id]).fetchone()
    db.execute(
        "insert into process (acquisition_id, project_id, orig_id) values (%s, %s, 'p')", [acquisition.id, bay.id]
    )
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        values (%s, 'acquisition', 'sub_part', 'text', 1), (%s, 'process', 'software', 'text', 1)
        """,
        [bay.id, bay.id],
    )
    db.commit()
    path, headers = f"/api/v1/projects/{bay.id}/acquisitions/{acquisition.id}", bearer(database_url, manager)
    wish = {"fields": {"sub_part": 0.5, "instrument": "UVP5"}, "process_fields": {"software": "8.1"}}
    told = app_client.patch(path, json=wish, headers=headers)
    assert (told.status_code, [act["n_changed"] for act in told.json()["acts"]]) == (200, [1, 1])
    whole = app_client.get(path, headers=headers).json()
    assert (whole["fields"], whole["process_fields"]) == ({"sub_part": "0.5"}, {"software": "8.1"})
    assert whole["acquisition"]["instrument"] == "UVP5"
    assert app_client.patch(path, json=wish, headers=headers).json() == {"acts": []}
    assert app_client.patch(path, json={"fields": {"sub_part": None}}, headers=headers).status_code == 200
    assert app_client.get(path, headers=headers).json()["fields"] == {}
    logged_in(app_client, manager)
    page = f"/projects/{bay.id}/acquisitions/{acquisition.id}"
    form = form_of(app_client, page, "process")
    assert app_client.post(f"{page}/edit", data=form | {"now.software": "9"}).status_code == 303
    assert "<td>software</td><td>8.1</td><td>9</td>" in app_client.get(page).text


def test_what_is_not_there_is_not_found(bay: SmallProject, app_client: Client, manager: Any, database_url: str) -> None:  # noqa: F811
    headers = bearer(database_url, manager)
    for what in ("samples", "acquisitions"):
        answer = app_client.patch(
            f"/api/v1/projects/{bay.id}/{what}/99", json={"fields": {"station": "B"}}, headers=headers
        )
        assert answer.status_code == 404
