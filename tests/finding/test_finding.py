"""One box finds projects, samples, objects, taxa and people; to each only what they may see."""

import hashlib
from typing import Any

import pytest

from app.accounts.viewer import ANONYMOUS, Viewer
from app.database import Db
from app.finding.things import find
from app.projects import reach
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
    db.execute(
        "update image set file_name = 'net 3/Copepod_i003.v2.JPG' where project_id = %s and object_id = %s",
        [bay.id, one],
    )
    link_to_ecotaxa(db, bay, 5)
    addresses = [
        f"https://shoal.example.org/projects/{bay.id}/objects/{one}?x=1#top",
        f"/projects/{bay.id}/objects/{one}",
        f"https://ecotaxa.example.org/object/{one + 7_000_000}",
        f"#{one + 7_000_000}",
    ]
    for typed in (
        str(one),
        f"#{one}",
        f" id {one} ",
        "object5",
        "object5.png",
        "a\\b\\object5.jpg",
        "copepod_i003.v2.jpg",
        "Copepod_i003.v2",
        "net 3/Copepod_i003.v2.JPG",
        digest,
        *addresses,
    ):
        assert ids(db, viewer, typed) == [one], typed
    assert find(db, viewer, addresses[0]).things["objects"][0].url == f"/projects/{bay.id}/objects/{one}"
    assert ids(db, viewer, f"/projects/{bay.id}/board", "projects") == [bay.id]
    assert ids(db, viewer, str(bay.id), "projects") == [bay.id]


def test_an_object_with_a_tab_or_a_line_break_in_its_name_is_found_by_it(
    db: Db, bay: SmallProject, ada: Person
) -> None:
    for one, name in zip(bay.ids, ("a\tb", "c\n d "), strict=False):
        db.execute("update object set orig_id = %s where project_id = %s and id = %s", [name, bay.id, one])
        assert ids(db, Viewer(ada), name) == [one]  # type: ignore[arg-type]


def link_to_ecotaxa(db: Db, project: SmallProject, number: int) -> None:
    """The project comes from this one there, where its objects have numbers of their own."""
    db.execute("insert into ecotaxa_link (project_id, address, remote_id) values (%s, 'x', %s)", [project.id, number])
    db.execute(
        """
        insert into ecotaxa_object (project_id, remote_id, object_id, orig_id, visit_id)
        select project_id, id + 7000000, id, orig_id, 1 from object where project_id = %s
        """,
        [project.id],
    )


def test_an_address_of_ecotaxa_finds_the_projects_linked_to_it_and_never_ours_of_that_number(
    db: Db, bay: SmallProject, closed: SmallProject, ada: Person
) -> None:
    viewer = Viewer(ada)  # type: ignore[arg-type]
    link_to_ecotaxa(db, closed, 77)
    assert names(db, viewer, "https://ecotaxa.example.org/prj/77") == {}, "the closed one does not exist"
    assert names(db, viewer, f"https://ecotaxa.example.org/prj/{bay.id}") == {}
    db.execute("insert into member values (%s, %s, 'visitor')", [closed.id, ada.id])
    assert names(db, viewer, "https://ecotaxa.example.org/prj/77?status=P") == {"projects": ["Closed sea"]}
    assert names(db, ANONYMOUS, "https://ecotaxa.example.org/prj/77") == {}


def test_projects_are_found_by_taxon_place_day_and_member(
    db: Db, bay: SmallProject, closed: SmallProject, ada: Person, ben: Person
) -> None:
    for project in (bay, closed):
        db.execute("update object set date = '2020-01-03' where project_id = %s", [project.id])
        db.execute("update sample set latitude = 43.68, longitude = 7.31 where project_id = %s", [project.id])
        reach.derive(db, project.id)
    db.execute("insert into member values (%s, %s, 'annotator')", [bay.id, ada.id])
    viewer = Viewer(ada)  # type: ignore[arg-type]
    for typed in ("Copepoda", "living", "2020-01-03", "2020-01", "2020", "43.5,7.3", "43.2, 7.0, 44, 8", "Ada",
                  "morlaix 2020", "copepoda 43.5,7.3 2020-01"):  # fmt: skip
        assert [one.name for one in find(db, viewer, typed, ("projects",)).things["projects"]] == ["Bay of Morlaix"]
    assert "with Copepoda" in find(db, viewer, "Copepoda", ("projects",)).things["projects"][0].about
    for typed in ("fiber", "2021-01-03", "2020-02-31", "50.5,7.3", "999,999", "zooscan 2021", "Ben"):
        assert ids(db, viewer, typed, "projects") == [], typed
    assert ids(db, Viewer(ben), "Ada", "projects") == [], "no member of it"  # type: ignore[arg-type]
    assert ids(db, ANONYMOUS, "2020-01-03", "projects") == ids(db, ANONYMOUS, "Ada", "projects") == []
    assert ids(db, ANONYMOUS, "Copepoda", "projects") == [bay.id]


def test_what_is_misspelt_is_found_where_nothing_goes_by_it(db: Db, bay: SmallProject, ada: Person) -> None:
    viewer = Viewer(ada)  # type: ignore[arg-type]
    db.execute("update sample set orig_id = 'villefranche_1995' where id = (select min(id) from sample)")
    for typed, kind, name in (
        ("Oithona simmilis", "taxa", "Oithona similis"),
        ("Villefrnche", "samples", "villefranche_1995"),
        ("Moorlaix", "projects", "Bay of Morlaix"),
    ):
        found = find(db, viewer, typed)
        assert (found.alike, [one.name for one in found.things[kind]][:1]) == (True, [name])
    assert not find(db, viewer, "villefranche").alike
    assert find(db, viewer, "quite unlike anything").is_empty
    assert names(db, ANONYMOUS, "Oithona simmilis") == {}


def test_samples_and_acquisitions_with_short_names_are_found_by_these_and_by_how_they_begin(
    db: Db, bay: SmallProject, ada: Person
) -> None:
    viewer = Viewer(ada)  # type: ignore[arg-type]
    db.execute("update sample set orig_id = (array['S1', 'xs1_S10'])[id - (select min(id) from sample) + 1]")
    db.execute("update acquisition set orig_id = 'a1'")
    for typed, there in (("S1", ["S1"]), ("s", ["S1"]), ("xs", ["xs1_S10"]), ("_", []), ("%", [])):
        assert [one.name for one in find(db, viewer, typed).things["samples"]] == there, typed
    for typed in ("a1", "A", "a"):
        assert {one.name for one in find(db, viewer, typed).things["acquisitions"]} == {"a1"}


def test_acquisitions_are_found_by_name_and_deprecated_taxa_last(db: Db, bay: SmallProject, ada: Person) -> None:
    viewer = Viewer(ada)  # type: ignore[arg-type]
    acquisition = db.execute("select id, orig_id from acquisition where project_id = %s", [bay.id]).fetchone()
    found = find(db, viewer, acquisition.orig_id.upper()).things["acquisitions"]
    assert [one.url for one in found] == [f"/projects/{bay.id}/acquisitions/{acquisition.id}"]
    copepoda = bay.taxa["Copepoda"]
    db.execute(
        """
        insert into taxon (name, display_name, status, rename_to) values ('Copepoda old', 'Copepoda old', 'D', %s)
        """,
        [copepoda],
    )
    assert [(one.name, one.about) for one in find(db, viewer, "copepoda").things["taxa"]] == [
        ("Copepoda", ""),
        ("Copepoda old", "deprecated, use Copepoda"),
    ]


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
    assert names(db, Viewer(master), "ben@example")["people"] == ["Ben"]  # type: ignore[arg-type]


def test_more_of_a_kind_is_told(db: Db, bay: SmallProject, ada: Person) -> None:
    found = find(db, Viewer(ada), "wp2", most=1)  # type: ignore[arg-type]
    assert [len(found.things["samples"]), found.more] == [1, ["samples"]]


def test_each_kind_of_id_is_answered_by_an_index(db: Db, bay: SmallProject) -> None:
    """With sequences forbidden, what still reads a table whole says so by its cost."""
    db.execute("set local enable_seqscan = off")
    for condition in ("id = 5", "orig_id = any('{a,b}')"):
        plan = db.execute(f"explain select id from object where project_id = any('{{1,2}}') and {condition}").fetchall()
        assert "Seq Scan" not in str(plan)
    for level in ("sample", "acquisition"):
        for named in ("lower(orig_id) like '%wp2_2024%'", "lower(orig_id) like 's1%'", "'wp2_2024' <% lower(orig_id)"):
            plan = str(db.execute(f"explain select id from {level} where {named}").fetchall())
            assert f"{level}_name_alike" in plan
    stems = (
        "explain select object_id from image where project_id = any('{1,2}') and file_stem(file_name) = any('{a,b}')"
    )
    assert "file_stem" in str(db.execute(stems).fetchall()) and "Seq Scan" not in str(db.execute(stems).fetchall())
    remote = "explain select object_id from ecotaxa_object where project_id = any('{1,2}') and remote_id = 7"
    assert "ecotaxa_object_pkey" in str(db.execute(remote).fetchall())


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
    only = app_client.get("/find", params={"q": "object2", "only": "true"})
    assert (only.status_code, only.headers["location"]) == (303, f"/projects/{bay.id}/objects/{bay.ids[1]}")
    assert app_client.get("/find", params={"q": "wp2_2024", "only": "true"}).status_code == 200
    wrong = app_client.get("/api/v1/find", params={"q": "x", "kinds": "fish"})
    assert wrong.status_code == 400 and "there is no kind" in wrong.json()["detail"].lower()
    assert app_client.get("/api/v1/find", params={"q": "x", "limit": 0}).status_code == 400
