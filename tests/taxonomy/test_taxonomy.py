"""Taxa: found by what is typed, created under a parent, counted in a project's tree."""

from collections.abc import Callable

import pytest

from app.accounts.viewer import Account
from app.database import Db, connect
from app.errors import Conflict, Refused
from app.labels import counts
from app.taxonomy.names import is_italic, normalised
from app.taxonomy.queries import create_taxon, find_taxa
from app.taxonomy.tree import TreeRow, project_tree
from tests.small_projects import Person, SmallProject, make_person, make_project, make_taxa
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def project(db: Db) -> SmallProject:
    return make_project(db)


def names(db: Db, typed: str, project: SmallProject | None = None, person: Person | None = None) -> list[str]:
    found = find_taxa(db, typed, project.id if project else None, person.id if person else None)
    return [taxon.display_name for taxon in found]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("oith", ["Oithona", "Oithona similis"]),
        ("OITHONA", ["Oithona", "Oithona similis"]),
        ("sim", ["Oithona similis"]),
        ("oit sim", ["Oithona similis"]),
        ("oit*sim", ["Oithona similis"]),
        ("fiber<detritus", ["fiber < detritus"]),
        ("fib < det", ["fiber < detritus"]),
        ("  detr ", ["detritus", "fiber < detritus"]),
        ("ithona", []),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("\0", []),
    ],
)
def test_typed_words_find_the_beginnings_of_words(db: Db, typed: str, expected: list[str]) -> None:
    make_taxa(db)
    assert names(db, typed) == expected


def test_recent_taxa_come_first_then_the_projects_then_all(db: Db, project: SmallProject, ada: Person) -> None:
    ben = make_person(db, "Ben")
    project.do(ada, project.ids[:1], taxon="Oithona similis")
    project.do(ben, project.ids[1:5], taxon="Oithona")
    found = find_taxa(db, "oith", project.id, ada.id)
    assert [(taxon.display_name, taxon.group, taxon.n) for taxon in found] == [
        ("Oithona similis", "recent", 1), ("Oithona", "project", 4),
    ]  # fmt: skip
    assert names(db, "", project, ada) == ["Oithona similis", "Oithona"]
    assert names(db, "", make_project(db, title="Other"), ada) == []


def test_the_most_recent_taxon_stands_first(db: Db, project: SmallProject, ada: Person) -> None:
    for name in ("fiber", "Oithona", "detritus", "Oithona"):
        project.do(ada, project.ids[:1], taxon=name)
    assert names(db, "", project, ada)[:3] == ["Oithona", "detritus", "fiber < detritus"]


def test_deprecated_taxa_are_not_offered(db: Db) -> None:
    make_taxa(db)
    db.execute("update taxon set status = 'D' where name = 'Oithona'")
    assert names(db, "oith") == ["Oithona similis"]


def test_a_class_whose_name_is_taken_is_shown_with_its_parent(db: Db) -> None:
    taxa = make_taxa(db)
    made = create_taxon(db, " egg ", taxa["Copepoda"], "M", None)
    second = create_taxon(db, "egg", taxa["Calanoida"], "M", None)
    assert (made.display_name, second.display_name) == ("egg", "egg < Calanoida")
    for again in (taxa["Copepoda"], taxa["Calanoida"]):
        with pytest.raises(Conflict, match="There is already a taxon"):
            create_taxon(db, "Egg", again, "M", None)


@pytest.mark.parametrize("name", ["", "   ", "a < b", "x" * 201, "a\0b", "a\nb\x07"])
def test_a_name_that_cannot_be_one_is_refused(db: Db, name: str) -> None:
    with pytest.raises(Refused):
        create_taxon(db, name, None, "M", None)


def test_a_parent_that_is_not_there_is_refused(db: Db) -> None:
    with pytest.raises(Refused, match="parent"):
        create_taxon(db, "egg", 12345, "M", None)


def tree_rows(db: Db, project: SmallProject, **more: object) -> dict[str, TreeRow]:
    return {row.name: row for row in project_tree(db, project.id, **more).rows}


def test_the_tree_counts_each_branch_with_its_children(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:3], taxon="Oithona similis")
    project.do(ada, project.ids[3:4], taxon="Oithona", status="D")
    project.do(ada, project.ids[4:6], taxon="fiber")
    tree = project_tree(db, project.id)
    assert [(row.depth, row.name) for row in tree.rows] == [
        (0, "living"), (1, "Copepoda"), (2, "Oithona"), (3, "Oithona similis"),
        (0, "not-living"), (1, "detritus"), (2, "fiber"),
    ]  # fmt: skip
    rows = {row.name: row for row in tree.rows}
    assert rows["living"].n_with_children == {"V": 3, "P": 0, "D": 1}
    assert rows["Oithona"].n == {"V": 0, "P": 0, "D": 1}
    assert tree.unclassified["n"] == 4
    assert tree.total == {"U": 4, "P": 0, "D": 1, "V": 5}


def test_a_selected_taxon_stays_in_the_tree_though_nothing_has_it(db: Db, project: SmallProject) -> None:
    rows = tree_rows(db, project, selected=frozenset({project.taxa["Oithona"]}))
    assert rows["Oithona"].n == {"V": 0, "P": 0, "D": 0}


def test_where_only_validated_objects_may_be_seen_only_these_are_counted(
    db: Db, project: SmallProject, ada: Person
) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    project.do(ada, project.ids[1:2], taxon="fiber", status="D")
    tree = project_tree(db, project.id, validated_only=True)
    assert tree.total == {"U": 0, "P": 0, "D": 0, "V": 1}
    assert "fiber" not in {row.name for row in tree.rows}


def test_a_long_tree_opens_to_what_is_selected(db: Db, project: SmallProject, ada: Person) -> None:
    parent = project.taxa["Calanoida"]
    made = [create_taxon(db, f"morph {k}", parent, "M", None).id for k in range(70)]
    rows = tree_rows(db, project, selected=frozenset(made[:1]))
    assert all(row.open for row in rows.values())
    rows = tree_rows(db, project, selected=frozenset(made))
    assert rows["Calanoida"].open
    project.taxa["morph"] = made[0]
    many = [create_taxon(db, f"part {k}", made[0], "M", None).id for k in range(70)]
    counts.add(db, project.id, [(taxon_id, "V", 1) for taxon_id in many])
    rows = tree_rows(db, project)
    assert (rows["living"].open, rows["Copepoda"].open) == (True, False)


@pytest.mark.parametrize(
    ("name", "rank", "type", "italic"),
    [
        ("Oithona similis", "", "P", True), ("Oithona", "Genus", "P", True), ("Oithona", "", "P", False),
        ("Copepoda", "class", "P", False), ("dead body", "", "P", False), ("Fiber large", "", "M", False),
        (None, "", "", False),
    ],
)  # fmt: skip
def test_genera_and_species_are_written_in_italics(name: str | None, rank: str, type: str, italic: bool) -> None:
    assert is_italic(name, rank, type) is italic


def test_blanks_around_the_sign_of_a_display_name_do_not_matter() -> None:
    assert normalised(" fiber<detritus ") == normalised("fiber  <  detritus") == "fiber < detritus"


def test_the_type_ahead_answers_members_and_annotators_create_classes(
    app_client: Client, database_url: str, make_account: Callable[..., Account],
    make_member: Callable[[int, Account, str], None],
) -> None:  # fmt: skip
    annotator, visitor = make_account(), make_account()
    with connect(database_url) as db:
        project = make_project(db)
    make_member(project.id, annotator, "annotator")
    make_member(project.id, visitor, "visitor")
    client = logged_in(app_client, annotator)
    body = {"name": "egg", "parent_id": project.taxa["Copepoda"], "project_id": project.id}
    made = client.post("/taxa", json=body)
    assert (made.status_code, made.json()["display_name"]) == (201, "egg")
    found = client.get(f"/taxa?q=eg&project_id={project.id}").json()
    assert [(taxon["id"], taxon["group"], taxon["italic"]) for taxon in found] == [(made.json()["id"], "all", False)]
    refused = app_client.post("/api/v1/taxa", json=body | {"name": "leg"}, headers=bearer(database_url, visitor))
    assert refused.status_code == 403
    assert client.get("/taxa?q=a&project_id=99999").status_code == 404
    counted = client.get(f"/api/v1/projects/{project.id}/taxa").json()
    assert counted["total"]["U"] == 10
    assert client.get(f"/api/v1/taxa/{project.taxa['fiber']}").json()["lineage"] == ["not-living", "detritus", "fiber"]
    assert client.get("/api/v1/taxa/5").status_code == 404
