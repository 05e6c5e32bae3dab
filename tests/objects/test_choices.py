"""What the sheets offer while one types, and what the list of objects shows of the fields that are asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts.viewer import Account
from app.database import connect
from app.objects.filters import read_filter
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account("ada@example.org")


@pytest.fixture
def project(database_url: str, account: Account, make_member: Callable[[int, Account, str], None]) -> SmallProject:
    with connect(database_url) as db:
        small = make_project(db, 30)
        small.do(Person(account.id, account.name), small.ids[:3], taxon="Oithona similis")
        db.execute("update acquisition set instrument = 'zoo_scan' where project_id = %s", [small.id])
    make_member(small.id, account, "annotator")
    return small


@pytest.fixture
def client(app_client: Client, account: Account) -> Client:
    return logged_in(app_client, account)


def labels(client: Client, project: SmallProject, of: str, typed: str = "") -> list[str]:
    answer = client.get(f"/projects/{project.id}/choices", params={"of": of, "q": typed})
    assert answer.status_code == 200
    return [choice["label"] for choice in answer.json()]


def test_samples_acquisitions_and_instruments_are_found_by_a_part_of_their_name(
    client: Client, project: SmallProject
) -> None:
    assert labels(client, project, "sample", "PLE1") == ["sample1"]
    assert labels(client, project, "acquisition", "q2") == ["acq2"]
    assert labels(client, project, "instrument", "o_s") == ["zoo_scan"]
    assert labels(client, project, "instrument", "%") == []


def test_people_are_those_who_labelled_and_not_who_is_a_member(
    client: Client, project: SmallProject, account: Account, make_account: Any, make_member: Any, database_url: str
) -> None:
    idle = make_account()
    make_member(project.id, idle, "manager")
    assert labels(client, project, "person") == [account.name]
    with connect(database_url) as db:
        read = read_filter(db, project.id, [("who", str(account.id)), ("who", str(idle.id))])
    assert [bool(chip.invalid) for chip in read.chips] == [False, True]


def test_the_first_fifty_of_500_columns_come_and_the_rest_by_name(
    client: Client, project: SmallProject, database_url: str
) -> None:
    with connect(database_url) as db:
        db.execute(
            """
            insert into field (project_id, level, name, type, position)
            select %s, 'object', 'feature' || k, 'number', k from generate_series(2, 500) as k
            """,
            [project.id],
        )
    assert len(labels(client, project, "field")) == 50
    assert labels(client, project, "field", "feature499") == ["feature499"]
    assert labels(client, project, "order", "feature499") == ["feature499"]
    assert labels(client, project, "show", "labelled") == ["labelled at", "labelled by"]


def test_what_nobody_can_choose_of_is_refused(client: Client, project: SmallProject) -> None:
    assert client.get(f"/projects/{project.id}/choices?of=planets").status_code == 400
    assert client.get(f"/projects/{project.id}/choices?of=sample&q=%00").status_code == 200


def test_anonymous_people_are_offered_no_people_and_no_imports(
    app_client: Client, project: SmallProject, database_url: str
) -> None:
    with connect(database_url) as db:
        db.execute("update project set visibility = 'everyone' where id = %s", [project.id])
        db.execute(
            "insert into import (project_id, source, fingerprint, n_objects) values (%s, '/home/ada/x', 'f', 3)",
            [project.id],
        )
    assert labels(app_client, project, "person") == labels(app_client, project, "import") == []
    assert labels(app_client, project, "sample") == ["sample0"]
    assert "labelled by" not in labels(app_client, project, "show", "labelled")
    assert "time of the label" not in labels(app_client, project, "order")


def test_programs_get_the_fields_they_ask_for(
    app_client: Client, project: SmallProject, database_url: str, account: Account
) -> None:
    url = f"/api/v1/projects/{project.id}/objects?show=depth,f.sample.station,f.nothing&limit=1&order=depth"
    listed = app_client.get(url, headers=bearer(database_url, account)).json()
    assert listed["objects"][0]["fields"] == {"depth": "1 m", "f.sample.station": "st0"}
    plain = app_client.get(url.replace("show", "sort"), headers=bearer(database_url, account))
    assert plain.status_code == 400 and "sort" in plain.json()["detail"]


def test_a_board_goes_on_with_the_fields_that_its_address_names(client: Client, project: SmallProject) -> None:
    first = client.get(f"/projects/{project.id}/tiles?limit=20&show=f.note").text
    assert "show=f.note" in first.split('data-next="')[1].split('"')[0]
    assert "note 1" in first


def test_chips_stand_in_the_order_of_the_address(client: Client, project: SmallProject) -> None:
    page = client.get(f"/projects/{project.id}?sun=N&f.area=1..5&depth=1..9&status=U&month=6&status=V").text
    keys = [part.split('"')[0] for part in page.split('class="chip" data-key="')[1:]]
    assert keys == ["sun", "f.area", "depth", "status", "month"]
    assert "unclassified, validated" in page


def test_where_nothing_matches_each_way_out_is_counted(client: Client, project: SmallProject) -> None:
    page = client.get(f"/projects/{project.id}?depth=1..5&status=P").text
    assert "Without <b>status predicted</b>: 5 objects" in page
    assert "Without <b>depth" not in page


def test_columns_are_told_by_their_level_none_twice_and_empty_ones_last(client: Client, project: SmallProject) -> None:
    names = ["orig_id", "acquisition orig_id", "process orig_id", "sample orig_id"]
    assert sorted(labels(client, project, "field", "orig_id")) == sorted(names)
    assert labels(client, project, "field", "orig_id")[0] == "orig_id"
    assert {"date", "time", "latitude", "depth_min_m"}.isdisjoint(labels(client, project, "field"))
    assert "latitude" in labels(client, project, "column")
    assert labels(client, project, "show").count("date") == 1
    assert [name for name in labels(client, project, "order") if name.startswith("date")] == ["date and time"]
    listed = labels(client, project, "field")
    assert listed.index("link") > listed.index("acquisition instrument")
