"""The taxonomy kept in order: moved, deprecated, merged, named, and new classes looked at by who may."""

from typing import Any

import pytest

from app.accounts.viewer import Viewer
from app.database import Db, connect
from app.errors import Conflict, Forbidden, Refused
from app.projects.queries import set_member
from app.taxonomy.changing import (
    add_name,
    deprecate_taxon,
    keep_taxon,
    move_taxon,
    named,
    rename_taxon,
    restore_taxon,
    set_numbers,
)
from app.taxonomy.created import list_created, n_waiting, refuse_taxon
from app.taxonomy.merging import look_at_merge, merge_taxa
from app.taxonomy.presets import set_presets
from app.taxonomy.queries import create_taxon, find_taxa
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def boss(make_account: Any) -> Viewer:
    return Viewer(make_account("boss@example.org", is_application_manager=True))


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    bay = make_project(db, 20)
    bay.do(ada, bay.ids[:3], taxon="Oithona")
    return bay


def shown(db: Db, taxon_id: int) -> str:
    return str(db.execute("select display_name from taxon where id = %s", [taxon_id]).fetchone().display_name)


def test_all_that_share_a_name_are_shown_with_as_many_above_as_it_takes(db: Db, bay: SmallProject) -> None:
    made = [create_taxon(db, "part", bay.taxa[name], "M", None).id for name in ("Copepoda", "Calanoida")]
    eggs = [create_taxon(db, "egg", taxon_id, "M", None).id for taxon_id in made]
    assert [shown(db, taxon_id) for taxon_id in made] == ["part < Copepoda", "part < Calanoida"]
    assert [shown(db, taxon_id) for taxon_id in eggs] == ["egg < part < Copepoda", "egg < part < Calanoida"]


def test_a_moved_taxon_takes_its_branch_along_and_is_shown_with_its_new_parent(
    db: Db, bay: SmallProject, boss: Viewer
) -> None:
    taxa = bay.taxa
    part = create_taxon(db, "part", taxa["Copepoda"], "M", None).id
    other = create_taxon(db, "part", taxa["Calanoida"], "M", None).id
    leg = create_taxon(db, "leg", part, "M", None).id
    moved = move_taxon(db, boss, part, taxa["Oithona"])
    assert moved.lineage == ["living", "Copepoda", "Oithona", "part"]
    assert [shown(db, taxon_id) for taxon_id in (part, other, leg)] == ["part < Oithona", "part < Calanoida", "leg"]
    assert move_taxon(db, boss, part, None).lineage == ["part"]
    with pytest.raises(Conflict, match="merge the two"):
        move_taxon(db, boss, other, None)


def test_no_taxon_stands_under_itself(db: Db, bay: SmallProject, boss: Viewer) -> None:
    for under in ("Copepoda", "Oithona similis"):
        with pytest.raises(Conflict, match="cannot stand under itself"):
            move_taxon(db, boss, bay.taxa["Copepoda"], bay.taxa[under])
    with pytest.raises(Refused, match="unknown or deprecated"):
        move_taxon(db, boss, bay.taxa["Copepoda"], 99)


def test_a_deprecated_taxon_says_what_to_use_and_chains_of_advice_are_short(
    db: Db, bay: SmallProject, boss: Viewer
) -> None:
    taxa = bay.taxa
    deprecate_taxon(db, boss, taxa["Oithona similis"], taxa["Oithona"])
    deprecate_taxon(db, boss, taxa["Oithona"], taxa["Copepoda"])
    advised = {row.id: row.rename_to for row in db.execute("select id, rename_to from taxon where status = 'D'")}
    assert advised == {taxa["Oithona similis"]: taxa["Copepoda"], taxa["Oithona"]: taxa["Copepoda"]}
    with pytest.raises(Refused, match="deprecated itself"):
        deprecate_taxon(db, boss, taxa["Calanoida"], taxa["Oithona"])
    with pytest.raises(Refused, match="by itself"):
        deprecate_taxon(db, boss, taxa["Calanoida"], taxa["Calanoida"])
    assert restore_taxon(db, boss, taxa["Oithona"]).status == "A"
    assert [taxon.display_name for taxon in find_taxa(db, "oith")] == ["Oithona"]


def test_a_merge_takes_labels_children_names_and_numbers_along(
    db: Db, bay: SmallProject, ada: Person, boss: Viewer
) -> None:
    taxa = bay.taxa
    set_numbers(db, boss, taxa["Oithona"], 106485, None)
    add_name(db, boss, taxa["Oithona"], "common", "cyclope", "fr")
    merged = merge_taxa(db, boss, taxa["Oithona"], taxa["Calanoida"])
    assert (merged.n_children, merged.replaced[bay.id].n_labels) == (1, 3)
    assert [bay.seen(i) for i in bay.ids[:3]] == [("V", "Calanoida", "Ada")] * 3
    child = db.execute("select parent_id from taxon where id = %s", [taxa["Oithona similis"]]).fetchone()
    assert child.parent_id == taxa["Calanoida"]
    assert named(db, "Calanoida").aphia_id == 106485
    assert [(taxon.display_name, taxon.also) for taxon in find_taxa(db, "cyclo")] == [("Calanoida", "cyclope")]
    assert ("Calanoida", "Oithona") in [(taxon.display_name, taxon.also) for taxon in find_taxa(db, "oithona")]
    old = db.execute("select status, rename_to from taxon where id = %s", [taxa["Oithona"]]).fetchone()
    assert tuple(old) == ("D", taxa["Calanoida"])


def test_a_merge_that_cannot_be_is_said_and_changes_nothing(db: Db, bay: SmallProject, boss: Viewer) -> None:
    taxa = bay.taxa
    with pytest.raises(Conflict, match="move it out"):
        merge_taxa(db, boss, taxa["Copepoda"], taxa["Oithona"])
    egg = create_taxon(db, "egg", taxa["Oithona"], "M", None).id
    create_taxon(db, "egg", taxa["Calanoida"], "M", None)
    with pytest.raises(Conflict, match="merge these first"):
        merge_taxa(db, boss, taxa["Oithona"], taxa["Calanoida"])
    assert db.execute("select parent_id from taxon where id = %s", [egg]).fetchone().parent_id == taxa["Oithona"]


def test_a_loaded_taxon_that_is_renamed_is_found_by_its_old_name_too(db: Db, bay: SmallProject, boss: Viewer) -> None:
    rename_taxon(db, boss, bay.taxa["Oithona"], "Oithonella")
    first = find_taxa(db, "oithona")[0]
    assert (first.display_name, first.also) == ("Oithonella", "Oithona")


def test_what_is_put_in_use_again_is_no_other_name_of_what_it_was_merged_into(
    db: Db, bay: SmallProject, boss: Viewer
) -> None:
    taxa = bay.taxa
    merge_taxa(db, boss, taxa["Oithona"], taxa["Calanoida"])
    restore_taxon(db, boss, taxa["Oithona"])
    assert [(taxon.display_name, taxon.also) for taxon in find_taxa(db, "oithona")] == [
        ("Oithona", ""), ("Oithona similis", ""),
    ]  # fmt: skip


def test_a_merge_is_looked_at_before_it_is_done(
    app_client: Client, db: Db, bay: SmallProject, boss: Viewer, make_account: Any
) -> None:
    oithona, calanoida = bay.taxa["Oithona"], bay.taxa["Calanoida"]
    other = make_project(db, 3, title="Closed")
    db.execute("update project set status = 'explore' where id = %s", [other.id])
    set_presets(db, other.id, [oithona])
    look = look_at_merge(db, boss, oithona, calanoida)
    assert (look.n_children, look.names) == (1, ["Oithona"])
    assert [(one.title, one.n_labels, one.n_predictions, one.is_preset, one.is_left) for one in look.projects] == [
        (bay.db.execute("select title from project where id = %s", [bay.id]).fetchone()[0], 3, 0, False, False),
        ("Closed", 0, 0, True, True),
    ]
    db.commit()
    page = logged_in(app_client, make_account(is_application_manager=True))
    said = page.get(f"/taxonomy/{oithona}/merge?to=Calanoida")
    assert "Merge Oithona into Calanoida" in said.text and "Closed" in said.text
    assert db.execute("select status from taxon where id = %s", [oithona]).fetchone()[0] == "A"
    assert page.get(f"/taxonomy/{oithona}/merge?to=").status_code == 422
    assert logged_in(app_client, make_account()).get(f"/taxonomy/{oithona}/merge?to=Calanoida").status_code == 403


def test_a_taxon_goes_to_the_root_only_where_that_is_said(
    app_client: Client, db: Db, bay: SmallProject, make_account: Any
) -> None:
    db.commit()
    page = logged_in(app_client, make_account(is_application_manager=True))
    url = f"/taxonomy/{bay.taxa['Oithona']}/move"
    assert page.post(url, data={"to": " "}).status_code == 422
    assert page.post(url, data={"to": "", "at_root": "yes"}).status_code == 303
    db.rollback()
    assert db.execute("select parent_id from taxon where name = 'Oithona'").fetchone()[0] is None


def test_a_name_is_resolved_or_asked_about(db: Db, bay: SmallProject) -> None:
    assert named(db, "Calanoida<Copepoda").id == bay.taxa["Calanoida"]
    create_taxon(db, "fiber", bay.taxa["living"], "M", None)
    assert named(db, "fiber<detritus").id == bay.taxa["fiber"]
    assert named(db, str(bay.taxa["Oithona"])).name == "Oithona"
    with pytest.raises(Refused, match="Several taxa"):
        named(db, "FIBER")
    with pytest.raises(Refused, match="No taxon is called"):
        named(db, "xyz")


def test_a_number_of_ecotaxa_belongs_to_one_taxon(db: Db, bay: SmallProject, boss: Viewer) -> None:
    set_numbers(db, boss, bay.taxa["Oithona"], None, 12)
    with pytest.raises(Conflict, match="Oithona"):
        set_numbers(db, boss, bay.taxa["Copepoda"], None, 12)
    with pytest.raises(Refused):
        set_numbers(db, boss, bay.taxa["Copepoda"], -4, None)


@pytest.fixture
def crew(db: Db, bay: SmallProject, make_account: Any) -> dict[str, Any]:
    """A manager and an annotator of the bay, and a manager of another project."""
    people = {name: make_account() for name in ("manager", "annotator", "other")}
    gulf = make_project(db, 5, title="Gulf")
    set_member(db, bay.id, people["manager"].id, "manager")
    set_member(db, bay.id, people["annotator"].id, "annotator")
    set_member(db, gulf.id, people["other"].id, "manager")
    return people


def test_managers_of_the_project_look_at_what_was_created_there(
    db: Db, bay: SmallProject, crew: dict[str, Any], boss: Viewer
) -> None:
    blob = create_taxon(db, "blob", bay.taxa["detritus"], "M", crew["annotator"].id, bay.id).id
    waiting = {name: n_waiting(db, Viewer(account)) for name, account in crew.items()}
    assert waiting == {"manager": 1, "annotator": 0, "other": 0} and n_waiting(db, boss) == 1
    (listed,) = list_created(db, Viewer(crew["manager"]), waiting=True)
    assert (listed.may_judge, listed.waits, listed.project_id) == (True, True, bay.id)
    for who in ("annotator", "other"):
        with pytest.raises(Forbidden):
            keep_taxon(db, Viewer(crew[who]), blob)
    keep_taxon(db, Viewer(crew["manager"]), blob)
    assert n_waiting(db, Viewer(crew["manager"])) == 0
    with pytest.raises(Forbidden):
        move_taxon(db, Viewer(crew["manager"]), blob, None)


def test_a_refused_class_goes_or_is_deprecated_where_it_is_in_use(
    db: Db, bay: SmallProject, ada: Person, crew: dict[str, Any]
) -> None:
    manager = Viewer(crew["manager"])
    unused, used = (create_taxon(db, name, None, "M", ada.id, bay.id).id for name in ("unused", "used"))
    bay.taxa["used"] = used
    bay.do(ada, bay.ids[5:7], taxon="used")
    assert refuse_taxon(db, manager, unused, None)
    with pytest.raises(Refused, match="used instead"):
        refuse_taxon(db, manager, used, None)
    assert not refuse_taxon(db, manager, used, bay.taxa["detritus"])
    assert named(db, "used").status == "D"


def test_a_manager_changes_a_new_class_only_where_no_other_project_uses_it(
    db: Db, bay: SmallProject, ada: Person, crew: dict[str, Any]
) -> None:
    manager = Viewer(crew["manager"])
    bay.taxa["blob"] = create_taxon(db, "blob", None, "M", ada.id, bay.id).id
    bay.do(ada, bay.ids[5:7], taxon="blob")
    sea = make_project(db, 5, title="Sea")
    sea.taxa["blob"] = bay.taxa["blob"]
    outcome = sea.do(ada, sea.ids[:1], taxon="blob")
    blob = bay.taxa["blob"]
    for barred in (
        lambda: merge_taxa(db, manager, blob, bay.taxa["detritus"]),
        lambda: rename_taxon(db, manager, blob, "Blob"),
        lambda: rename_taxon(db, Viewer(ada), blob, "Blob"),  # type: ignore[arg-type]
        lambda: move_taxon(db, manager, blob, bay.taxa["detritus"]),
        lambda: deprecate_taxon(db, manager, blob, None),
    ):
        with pytest.raises(Forbidden, match="1 project that you do not manage: ask an application manager to"):
            barred()
    sea.do(ada, sea.ids[:1], taxon="fiber")
    assert outcome.act_id
    assert rename_taxon(db, Viewer(ada), blob, "a blob").name == "a blob"  # type: ignore[arg-type]
    assert rename_taxon(db, manager, blob, "blobs").name == "blobs"
    merge_taxa(db, manager, bay.taxa["blob"], bay.taxa["detritus"])
    assert bay.seen(bay.ids[5]) == ("V", "detritus", "Ada")


def test_the_page_of_a_taxon_has_the_forms_for_who_may_use_them(
    app_client: Client, db: Db, bay: SmallProject, make_account: Any, database_url: str
) -> None:
    admin = make_account(is_application_manager=True)
    db.commit()
    oithona, copepoda = bay.taxa["Oithona"], bay.taxa["Copepoda"]
    assert "Keep it in order" not in logged_in(app_client, make_account()).get(f"/taxonomy/{oithona}").text
    page = logged_in(app_client, admin)
    assert "Keep it in order" in page.get(f"/taxonomy/{oithona}").text
    steps = [
        ("names", {"kind": "common", "name": "cyclope", "language": "fr"}),
        ("numbers", {"aphia_id": "106485", "ecotaxa_id": ""}),
        ("move", {"to": "not-living"}),
        ("deprecate", {"to": "Copepoda"}),
        ("restore", {}),
        ("merge", {"to": str(copepoda)}),
    ]
    for step, form in steps:
        answer = page.post(f"/taxonomy/{oithona}/{step}", data=form)
        assert answer.status_code == 303, (step, answer.text)
    assert "AphiaID" in page.get(f"/taxonomy/{oithona}").text
    assert "Merged" in page.get(f"/taxonomy/{copepoda}?said=merged").text
    assert "cyclope" in page.get(f"/taxonomy/{copepoda}").text
    assert page.post(f"/taxonomy/{oithona}/numbers", data={"aphia_id": "x"}).status_code == 422


def test_programs_curate_by_the_same_rules(
    app_client: Client, db: Db, bay: SmallProject, make_account: Any, database_url: str
) -> None:
    admin, anybody = make_account(is_application_manager=True), make_account()
    db.commit()
    api, oithona = "/api/v1/taxa", bay.taxa["Oithona"]
    headers, others = bearer(database_url, admin), bearer(database_url, anybody)
    assert app_client.post(f"{api}/{oithona}/move", json={"parent_id": None}, headers=others).status_code == 403
    moved = app_client.post(f"{api}/{oithona}/move", json={"parent_id": bay.taxa["living"]}, headers=headers).json()
    assert moved["lineage"] == ["living", "Oithona"]
    loop = app_client.post(f"{api}/{oithona}/move", json={"parent_id": oithona}, headers=headers)
    assert (loop.status_code, "itself" in loop.json()["detail"]) == (409, True)
    found = app_client.get(f"{api}/search?q=oithna", headers=others).json()
    assert (found["spelt_alike"], found["taxa"][0]["display_name"]) == (True, "Oithona")
    children = app_client.get(f"{api}/{oithona}/children", headers=others).json()
    assert [child["display_name"] for child in children] == ["Oithona similis"]
    named_ = app_client.post(f"{api}/{oithona}/names", json={"name": "cyclope", "kind": "common"}, headers=headers)
    assert [one["name"] for one in named_.json()] == ["cyclope"]
    gone = app_client.delete(f"{api}/{oithona}/names/{named_.json()[0]['id']}", headers=headers)
    assert (gone.status_code, app_client.get(f"{api}/{oithona}/names", headers=others).json()) == (204, [])
    into = {"into": bay.taxa["Calanoida"]}
    merged = app_client.post(f"{api}/{oithona}/merge", json=into, headers=headers)
    assert merged.status_code == 202
    with connect(database_url) as fresh:
        assert fresh.execute("select rename_to from taxon where id = %s", [oithona]).fetchone()[0] == into["into"]
