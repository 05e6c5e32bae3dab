"""The list of samples and one sample: what the tables say, to those who may know it."""

import re
from typing import Any

import pytest

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound, Refused
from app.projects.access import find_project
from app.samples.listing import list_samples
from app.samples.one import read_sample
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    """35 objects in four samples: five of the first are validated, one of the second is dubious."""
    bay = make_project(db, 35, visibility="everyone")
    bay.do(ada, bay.ids[:5], taxon="Copepoda")
    bay.do(ada, bay.ids[10:11], kind="label", taxon="detritus", status="D")
    db.execute("update object set date = date '2024-06-01' + (id %% 3)::int where project_id = %s", [bay.id])
    db.execute(
        "update sample set latitude = 48.5, longitude = -4 where project_id = %s and orig_id = 'sample1'", [bay.id]
    )
    db.commit()
    return bay


def as_seen(db: Db, bay: SmallProject, account: Any = None) -> Any:
    return find_project(db, Viewer(account), bay.id)


def test_half_a_position_of_a_sample_is_told_as_it_is_and_not_as_its_objects(
    db: Db, bay: SmallProject, make_account: Any
) -> None:
    db.execute("update sample set longitude = null where project_id = %s", [bay.id])
    db.execute("update object set latitude = 1, longitude = 2 where project_id = %s", [bay.id])
    db.commit()
    listed = {one.name: one for one in list_samples(db, as_seen(db, bay, make_account())).samples}
    assert (listed["sample1"].latitude, listed["sample1"].longitude) == (48.5, None)
    assert listed["sample1"].place == "48.500° N"
    assert listed["sample0"].place == "1.000° N 2.000° E"


def test_programs_are_told_which_sample_has_no_name(
    app_client: Client, db: Db, bay: SmallProject, database_url: str, make_account: Any
) -> None:
    db.execute(
        "update sample set orig_id = %s where project_id = %s and orig_id = 'sample0'",
        [f"__DUMMY_ID__{bay.id}__", bay.id],
    )
    db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    db.commit()
    headers = bearer(database_url, make_account())
    listed = app_client.get(f"/api/v1/projects/{bay.id}/samples", headers=headers).json()["samples"]
    assert {sample["name"]: sample["has_name"] for sample in listed} == {
        f"__DUMMY_ID__{bay.id}__": False,
        "sample1": True,
        "sample2": True,
        "sample3": True,
    }


def test_every_sample_has_the_numbers_that_the_tables_say(db: Db, bay: SmallProject, make_account: Any) -> None:
    page = list_samples(db, as_seen(db, bay, make_account()))
    said = {sample.name: (sample.n_objects, sample.counts, sample.n_acquisitions) for sample in page.samples}
    assert said == {
        "sample0": (10, {"U": 5, "P": 0, "D": 0, "V": 5}, 1),
        "sample1": (10, {"U": 9, "P": 0, "D": 1, "V": 0}, 1),
        "sample2": (10, {"U": 10, "P": 0, "D": 0, "V": 0}, 1),
        "sample3": (5, {"U": 5, "P": 0, "D": 0, "V": 0}, 1),
    }
    rows = db.execute(
        """
        select sample.orig_id, min(date)::text, max(date)::text
        from object
        join sample on sample.id = object.sample_id
        where object.project_id = %s
        group by 1
        """,
        [bay.id],
    )
    assert {(s.name, s.first_day, s.last_day) for s in page.samples} == {tuple(row) for row in rows}


def test_counts_follow_labels_and_new_samples(db: Db, bay: SmallProject, ada: Person, make_account: Any) -> None:
    project = as_seen(db, bay, make_account())
    list_samples(db, project)
    bay.do(ada, bay.ids[30:], taxon="detritus")
    assert list_samples(db, project).samples[3].counts["V"] == 5
    db.execute(
        """
        insert into sample (id, project_id, orig_id) values (nextval('parent_id_seq'), %(p)s, 'late');
        """.replace("%(p)s", str(bay.id))
    )
    db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    assert list_samples(db, project).samples[0].name == "late"


@pytest.mark.parametrize("order", ["name", "date", "objects", "left"])
def test_pages_in_every_order_show_each_sample_once(db: Db, bay: SmallProject, make_account: Any, order: str) -> None:
    project, seen, cursor = as_seen(db, bay, make_account()), [], None
    for _ in range(9):
        page = list_samples(db, project, "", order, cursor, limit=1)
        seen += [sample.name for sample in page.samples]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == ["sample0", "sample1", "sample2", "sample3"]
    assert seen == [sample.name for sample in list_samples(db, project, "", order).samples]


def test_words_of_a_name_find_it_in_any_case(db: Db, bay: SmallProject, make_account: Any) -> None:
    page = list_samples(db, as_seen(db, bay, make_account()), "2 SAMPLE")
    assert [sample.name for sample in page.samples] == ["sample2"]
    assert (page.n_found, page.n_samples) == (1, 4)


@pytest.mark.parametrize("cursor", ["x", "1", "1:x", ":", "-:-", "9" * 60, "2:--5", "2:", "2:-", "2:²"])
def test_a_damaged_link_is_refused(db: Db, bay: SmallProject, make_account: Any, cursor: str) -> None:
    with pytest.raises(Refused, match=r"damaged|beginning"):
        list_samples(db, as_seen(db, bay, make_account()), cursor=cursor)


def test_anonymous_people_see_validated_objects_and_their_samples_only(db: Db, bay: SmallProject) -> None:
    project = as_seen(db, bay)
    page = list_samples(db, project)
    assert [(sample.name, sample.n_objects) for sample in page.samples] == [("sample0", 5)]
    assert page.n_samples == 1 and page.n_objects == 5
    days = db.execute("select min(date)::text, max(date)::text from object where id = any(%s)", [bay.ids[:5]])
    assert (page.samples[0].first_day, page.samples[0].last_day) == tuple(days.fetchone())
    other = db.execute("select id from sample where project_id = %s and orig_id = 'sample1'", [bay.id]).fetchone()
    with pytest.raises(NotFound):
        read_sample(db, project, other.id)


def test_one_sample_tells_its_taxa_acquisitions_and_fields(db: Db, bay: SmallProject, make_account: Any) -> None:
    first = list_samples(db, as_seen(db, bay, make_account())).samples[0]
    db.execute("insert into process (acquisition_id, project_id, orig_id, fields) "
               "values (%s, %s, 'run7', '{\"threshold\": 12}')", [first.id, bay.id])  # fmt: skip
    whole = read_sample(db, as_seen(db, bay, make_account()), first.id)
    assert whole.fields == {"station": "st0"}
    assert [(taxon.display_name, taxon.n) for taxon in whole.taxa] == [("Copepoda", 5), ("unclassified", 5)]
    assert [(one.name, one.process, one.n_objects) for one in whole.acquisitions] == [("acq0", "run7", 10)]
    assert whole.acquisitions[0].process_fields == {"threshold": 12}
    anonymous = read_sample(db, as_seen(db, bay), first.id)
    assert [(taxon.display_name, taxon.n) for taxon in anonymous.taxa] == [("Copepoda", 5)]
    assert anonymous.acquisitions[0].n_objects == 5


def test_the_pages_show_them_with_links_to_the_board(app_client: Client, bay: SmallProject, make_account: Any) -> None:
    logged_in(app_client, make_account())
    shown = app_client.get(f"/projects/{bay.id}/samples").text
    sample_id = re.search(rf"/projects/{bay.id}\?sample=(\d+)", shown)
    assert sample_id and "48.500° N 4.000° W" in shown and "<circle" in shown
    page = app_client.get(f"/projects/{bay.id}/samples/{sample_id[1]}").text
    assert f"/projects/{bay.id}?sample={sample_id[1]}&amp;status=V" in page
    assert app_client.get(f"/projects/{bay.id}/samples/{10**12}").status_code == 404
    assert app_client.get(f"/projects/{bay.id}/samples/{2**70}").status_code == 404
    assert "from its beginning" in app_client.get(f"/projects/{bay.id}/samples?after=x").text


def test_a_column_may_be_called_as_a_method_is(
    app_client: Client, bay: SmallProject, db: Db, make_account: Any
) -> None:
    first = db.execute("select id from sample where project_id = %s and orig_id = 'sample0'", [bay.id]).fetchone()
    odd = '{"items": "twelve", "keys": "two"}'
    db.execute("update sample set fields = %s where id = %s", [odd, first.id])
    db.execute("insert into process (acquisition_id, project_id, orig_id, fields) values (%s, %s, 'run7', %s)",
               [first.id, bay.id, odd])  # fmt: skip
    db.commit()
    page = logged_in(app_client, make_account()).get(f"/projects/{bay.id}/samples/{first.id}")
    assert page.status_code == 200
    assert page.text.count("<dt>keys</dt><dd>two</dd><dt>items</dt><dd>twelve</dd>") == 2


def test_names_are_shown_as_text_never_as_markup(
    app_client: Client, bay: SmallProject, db: Db, make_account: Any
) -> None:
    db.execute("update sample set orig_id = '<b>\"x\"</b>', fields = '{\"<i>\": \"<u>\"}' where orig_id = 'sample0'")
    db.execute("update project set data_version = data_version + 1")
    db.commit()
    logged_in(app_client, make_account())
    shown = app_client.get(f"/projects/{bay.id}/samples").text
    assert "&lt;b&gt;" in shown and '<b>"x"' not in shown


def test_programs_get_the_same(app_client: Client, bay: SmallProject, make_account: Any, database_url: str) -> None:
    headers = bearer(database_url, make_account(), "read")
    answer = app_client.get(f"/api/v1/projects/{bay.id}/samples?limit=3&order=objects", headers=headers).json()
    assert answer["n_found"] == 4 and len(answer["samples"]) == 3 and answer["next_cursor"]
    after = {"after": answer["next_cursor"], "order": "objects"}
    rest = app_client.get(f"/api/v1/projects/{bay.id}/samples", params=after, headers=headers).json()
    assert [sample["name"] for sample in rest["samples"]] == ["sample3"]
    one = app_client.get(f"/api/v1/projects/{bay.id}/samples/{rest['samples'][0]['id']}", headers=headers).json()
    assert one["fields"] == {"station": "st3"}
    assert app_client.get(f"/api/v1/projects/{bay.id}/samples?order=x", headers=headers).status_code == 400


def test_an_empty_project_says_so(app_client: Client, make_account: Any, make_project: Any, make_member: Any) -> None:
    account, project_id = make_account(), make_project("Empty")
    make_member(project_id, account, "visitor")
    assert "No samples yet" in logged_in(app_client, account).get(f"/projects/{project_id}/samples").text


def test_a_project_that_is_not_shared_has_no_samples_for_one(
    app_client: Client, make_account: Any, make_project: Any
) -> None:
    assert logged_in(app_client, make_account()).get(f"/projects/{make_project()}/samples").status_code == 404
