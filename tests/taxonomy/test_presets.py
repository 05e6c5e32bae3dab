"""The preset taxa of a project: kept in order, offered first, edited by its managers."""

from typing import Any

import pytest

from app.database import Db, connect
from app.taxonomy.presets import list_presets, preset_taxa, set_presets, validated_taxa
from app.taxonomy.queries import find_taxa
from tests.small_projects import Person, SmallProject, make_project, make_taxa
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def project(db: Db) -> SmallProject:
    return make_project(db)


def names(db: Db, project: SmallProject) -> list[str]:
    return [taxon.display_name for taxon in list_presets(db, project.id)]


def test_the_list_keeps_its_order_and_each_taxon_once(db: Db, project: SmallProject) -> None:
    taxa = project.taxa
    set_presets(db, project.id, [taxa["fiber"], taxa["Oithona"], taxa["fiber"], taxa["Calanoida"]])
    assert names(db, project) == ["fiber < detritus", "Oithona", "Calanoida"]
    set_presets(db, project.id, [taxa["Calanoida"], taxa["fiber"]])
    assert preset_taxa(db, project.id) == [taxa["Calanoida"], taxa["fiber"]]
    assert preset_taxa(db, make_project(db, title="Other").id) == []


def test_the_field_offers_recent_then_preset_then_the_projects_then_all(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona similis")
    project.do(ben, project.ids[1:5], taxon="Oithona")
    set_presets(db, project.id, [project.taxa["fiber"], project.taxa["Oithona similis"], project.taxa["Calanoida"]])
    offered = [(taxon.display_name, taxon.group) for taxon in find_taxa(db, "", project.id, ada.id)]
    assert offered == [
        ("Oithona similis", "recent"), ("fiber < detritus", "preset"), ("Calanoida", "preset"), ("Oithona", "project"),
    ]  # fmt: skip
    typed = [(taxon.display_name, taxon.group) for taxon in find_taxa(db, "c", project.id, ada.id)]
    assert typed == [("Calanoida", "preset"), ("Copepoda", "all")]


def test_a_deprecated_taxon_leaves_the_list(db: Db, project: SmallProject) -> None:
    set_presets(db, project.id, [project.taxa["fiber"], project.taxa["Oithona"]])
    db.execute("update taxon set status = 'D' where id = %s", [project.taxa["fiber"]])
    assert names(db, project) == ["Oithona"]


def test_a_list_may_start_from_what_was_validated(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="fiber")
    project.do(ada, project.ids[1:4], taxon="Oithona")
    project.do(ada, project.ids[4:5], taxon="Calanoida", status="D")
    assert [taxon.display_name for taxon in validated_taxa(db, project.id)] == ["Oithona", "fiber < detritus"]


def test_managers_replace_the_list_and_visitors_read_it(
    app_client: Client, make_account: Any, make_project: Any, make_member: Any, database_url: str
) -> None:
    ada, ben = make_account(), make_account()
    project_id = make_project(manager=ada)
    make_member(project_id, ben, "annotator")
    with connect(database_url) as db:
        taxa = make_taxa(db)
    url, wanted = f"/api/v1/projects/{project_id}/presets", {"taxa": [taxa["fiber"], taxa["Oithona"]]}
    assert app_client.put(url, json=wanted, headers=bearer(database_url, ben)).status_code == 403
    saved = app_client.put(url, json=wanted, headers=bearer(database_url, ada))
    assert [taxon["display_name"] for taxon in saved.json()] == ["fiber < detritus", "Oithona"]
    assert app_client.get(url, headers=bearer(database_url, ben)).json() == saved.json()
    assert logged_in(app_client, ada).put(f"/projects/{project_id}/presets", json={"taxa": []}).json() == []


@pytest.mark.parametrize("taxa", [[5], [2**40], [-1], ["fiber"], list(range(1, 1002))])
def test_what_is_no_taxon_is_refused_and_nothing_is_saved(
    app_client: Client, make_account: Any, make_project: Any, database_url: str, taxa: list[Any]
) -> None:
    ada = make_account()
    project_id = make_project(manager=ada)
    with connect(database_url) as db:
        set_presets(db, project_id, [make_taxa(db)["fiber"]])
    url = f"/api/v1/projects/{project_id}/presets"
    refused = app_client.put(url, json={"taxa": taxa}, headers=bearer(database_url, ada))
    assert refused.status_code in (400, 422)
    with connect(database_url) as db:
        assert len(preset_taxa(db, project_id)) == 1
