"""One box finds projects, samples, objects, taxa and people; to each only what they may see."""

import hashlib
from typing import Any

import pytest

from app.accounts.viewer import ANONYMOUS, Viewer
from app.database import Db
from app.finding.things import find
from tests.small_projects import Person, SmallProject, make_person, make_project
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    """12 objects in two samples; the first three are validated."""
    bay = make_project(db, 12, "Bay of Morlaix", instrument="zooscan", visibility="everyone")
    bay.do(ada, bay.ids[:3], taxon="Copepoda")
    db.execute("update sample set orig_id = replace(orig_id, 'sample', 'wp2_2024_0') where project_id = %s", [bay.id])
    db.commit()
    return bay


@pytest.fixture
def closed(db: Db) -> SmallProject:
    closed = make_project(db, 3, "Closed sea")
    db.execute("update sample set orig_id = 'wp2_closed' where project_id = %s", [closed.id])
    db.commit()
    return closed


def names(db: Db, viewer: Viewer, typed: str) -> dict[str, list[str]]:
    return {kind: [one.name for one in things] for kind, things in find(db, viewer, typed).things.items() if things}


def ids(db: Db, viewer: Viewer, typed: str, kind: str = "objects") -> list[int]:
    return [one.id for one in find(db, viewer, typed, (kind,)).things[kind]]


def test_words_find_projects_samples_and_taxa(db: Db, bay: SmallProject, closed: SmallProject, ada: Person) -> None:
    viewer = Viewer(ada)  # type: ignore[arg-type]
    assert names(db, viewer, "morlaix zoo") == {"projects": ["Bay of Morlaix"]}
    assert names(db, viewer, "2024_01") == {"samples": ["wp2_2024_01"]}
    assert names(db, viewer, "copepo") == {"taxa": ["Copepoda"]}
    assert names(db, viewer, "wp2") == {"samples": ["wp2_2024_00", "wp2_2024_01"]}, "the closed one does not exist"
    assert names(db, viewer, "100% wp") == {}, "signs of LIKE are letters like others"


def test_objects_are_found_by_every_id_that_they_have(db: Db, bay: SmallProject, ada: Person) -> None:
    viewer, one = Viewer(ada), bay.ids[4]  # type: ignore[arg-type]
    digest = hashlib.sha256(str(one).encode()).hexdigest()
    addresses = [
        f"https://shoal.example.org/projects/{bay.id}/objects/{one}?x=1#top",
        f"/projects/{bay.id}/objects/{one}",
        f"https://ecotaxa.example.org/object/{one}",
    ]
    for typed in (
        str(one),
        f"#{one}",
        f" id {one} ",
        "object5",
        "object5.png",
        "a\\b\\object5.jpg",
        digest,
        *addresses,
    ):
        assert ids(db, viewer, typed) == [one], typed
    assert find(db, viewer, addresses[0]).things["objects"][0].url == f"/projects/{bay.id}/objects/{one}"
    assert ids(db, viewer, f"/projects/{bay.id}/board", "projects") == [bay.id]
    assert ids(db, viewer, str(bay.id), "projects") == [bay.id]


def test_numbers_too_large_and_odd_addresses_find_nothing(db: Db, bay: SmallProject, ada: Person) -> None:
    viewer = Viewer(ada)  # type: ignore[arg-type]
    odd = ("9" * 19, "9" * 60, "http://", "/", "://", "\0", ".", "http://[", "/objects/", "' or 1=1 --", "%", "_" * 5)
    for typed in odd:
        assert find(db, viewer, typed).is_empty, typed


def test_what_one_may_not_see_is_not_found(
    db: Db, bay: SmallProject, closed: SmallProject, ada: Person, ben: Person
) -> None:
    viewer = Viewer(ben)  # type: ignore[arg-type]
    for typed in ("closed", "wp2_closed", str(closed.ids[0]), f"/projects/{closed.id}", "Ada"):
        assert str(closed.id) not in str(find(db, viewer, typed).things.get("projects")), typed
        assert closed.ids[0] not in ids(db, viewer, typed), typed
        assert not {"samples", "people"} & set(names(db, viewer, typed)), typed
    db.execute("insert into member values (%s, %s, 'visitor')", [closed.id, ben.id])
    assert names(db, viewer, "closed") == {"projects": ["Closed sea"], "samples": ["wp2_closed"]}


def test_anonymous_people_find_validated_objects_only(db: Db, bay: SmallProject) -> None:
    assert ids(db, ANONYMOUS, str(bay.ids[0])) == [bay.ids[0]]
    assert ids(db, ANONYMOUS, str(bay.ids[5])) == []
    assert names(db, ANONYMOUS, "wp2_2024") == {"samples": ["wp2_2024_00"]}
    assert names(db, ANONYMOUS, "copepo") == {}


def test_people_are_found_by_who_shares_a_project_with_them(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    cem = make_person(db, "Cem")
    for person in (ada, ben):
        db.execute("insert into member values (%s, %s, 'annotator')", [bay.id, person.id])
    assert names(db, Viewer(ada), "be") == {"people": ["Ben"]}  # type: ignore[arg-type]
    assert names(db, Viewer(ada), "ben@example") == {}, "an address is not for everybody"  # type: ignore[arg-type]
    assert names(db, Viewer(cem), "be") == {}  # type: ignore[arg-type]
    master = Person(cem.id, "Cem", is_application_manager=True)
    assert names(db, Viewer(master), "ben@example") == {"people": ["Ben"]}  # type: ignore[arg-type]


def test_more_of_a_kind_is_told(db: Db, bay: SmallProject, ada: Person) -> None:
    found = find(db, Viewer(ada), "wp2", most=1)  # type: ignore[arg-type]
    assert [len(found.things["samples"]), found.more] == [1, ["samples"]]


def test_each_kind_of_id_is_answered_by_an_index(db: Db, bay: SmallProject) -> None:
    """With sequences forbidden, what still reads a table whole says so by its cost."""
    db.execute("set local enable_seqscan = off")
    for condition in ("id = 5", "orig_id = any('{a,b}')"):
        plan = db.execute(f"explain select id from object where project_id = any('{{1,2}}') and {condition}").fetchall()
        assert "Seq Scan" not in str(plan)
    assert "sample_name_alike" in str(
        db.execute("explain select id from sample where lower(orig_id) like '%wp2_2024%'").fetchall()
    )


def test_the_page_and_the_box_show_what_is_found(
    app_client: Client, bay: SmallProject, make_account: Any, database_url: str
) -> None:
    assert "Bay of Morlaix" in app_client.get("/find?q=morlaix").text
    logged_in(app_client, make_account())
    page = app_client.get("/find", params={"q": "wp2_2024"}).text
    assert f"/projects/{bay.id}/samples/" in page
    assert "wp2_2024_01" in app_client.get("/find/offered", params={"q": "wp2_2024"}).text
    assert "Nothing that you may see" in app_client.get("/find/offered", params={"q": "<b>"}).text
    assert app_client.get("/find/offered").text.strip() == ""
    answer = app_client.get("/api/v1/find", params={"q": "object2", "kinds": "objects,samples"}).json()
    assert [one["id"] for one in answer["objects"]] == [bay.ids[1]]
    assert answer["taxa"] == []
    wrong = app_client.get("/api/v1/find", params={"q": "x", "kinds": "fish"})
    assert wrong.status_code == 400 and "there is no kind" in wrong.json()["detail"].lower()
    assert app_client.get("/api/v1/find", params={"q": "x", "limit": 0}).status_code == 400
