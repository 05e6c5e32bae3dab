"""Taxa are found, also misspelt, with their place, and with the counts of the projects that one may see."""

from typing import Any

import pytest

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound
from app.taxonomy.browse import read_taxon, search, uses
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    bay = make_project(db, 20, title="Bay", visibility="accounts")
    bay.do(ada, bay.ids[:3], taxon="Oithona similis")
    bay.do(ada, bay.ids[3:5], taxon="Copepoda")
    db.commit()
    return bay


def names(found: tuple[list[Any], bool]) -> list[str]:
    return [taxon.display_name for taxon in found[0]]


def test_the_beginnings_of_words_find_a_taxon_with_its_lineage(db: Db, bay: SmallProject, make_account: Any) -> None:
    viewer = Viewer(make_account())
    found, alike = search(db, viewer, "sim")
    assert [taxon.display_name for taxon in found] == ["Oithona similis"] and not alike
    assert found[0].above == "living › Copepoda › Oithona"
    assert (found[0].n, found[0].italic) == (3, True)
    assert names(search(db, viewer, "fiber<det")) == ["fiber < detritus"]
    assert names(search(db, viewer, str(bay.taxa["Copepoda"]))) == ["Copepoda"]


@pytest.mark.parametrize(
    ("typed", "meant"), [("calanioda", "Calanoida"), ("copopoda", "Copepoda"), ("detrtius", "detritus")]
)
def test_a_misspelt_name_finds_what_is_spelt_alike(
    db: Db, bay: SmallProject, make_account: Any, typed: str, meant: str
) -> None:
    found, alike = search(db, Viewer(make_account()), typed)
    assert alike and found[0].display_name == meant


@pytest.mark.parametrize("typed", ["%", "_", "\\", "x" * 500, "\0", "'; drop table taxon", "xyzzyx"])
def test_strange_words_find_nothing_and_break_nothing(db: Db, bay: SmallProject, make_account: Any, typed: str) -> None:
    assert isinstance(search(db, Viewer(make_account()), typed)[0], list)


def test_nothing_typed_shows_the_roots(db: Db, bay: SmallProject, make_account: Any) -> None:
    assert names(search(db, Viewer(make_account()), " ")) == ["living", "not-living"]


def test_a_branch_is_counted_by_project(db: Db, bay: SmallProject, make_account: Any) -> None:
    viewer = Viewer(make_account())
    (use,) = uses(db, viewer, bay.taxa["Copepoda"])
    assert (use.title, use.n, use.counts["V"]) == ("Bay", 5, 5)
    assert uses(db, viewer, bay.taxa["detritus"]) == []
    taxon = read_taxon(db, viewer, bay.taxa["Copepoda"])
    assert [above.name for above in taxon.lineage] == ["living"]
    assert [child.display_name for child in taxon.children] == ["Calanoida", "Oithona"]


def test_projects_that_one_may_not_see_count_nothing(db: Db, ada: Person, make_account: Any, make_member: Any) -> None:
    hidden = make_project(db, 5, title="Hidden")
    hidden.do(ada, hidden.ids, taxon="Copepoda")
    db.commit()
    member, outsider = make_account(), make_account()
    make_member(hidden.id, member, "visitor")
    copepoda = hidden.taxa["Copepoda"]
    assert uses(db, Viewer(outsider), copepoda) == []
    assert search(db, Viewer(outsider), "Copepoda")[0][0].n == 0
    assert [use.n for use in uses(db, Viewer(member), copepoda)] == [5]
    assert [use.n for use in uses(db, Viewer(make_account(is_application_manager=True)), copepoda)] == [5]


def test_the_pages_lead_to_each_other(app_client: Client, bay: SmallProject, make_account: Any) -> None:
    logged_in(app_client, make_account())
    copepoda = bay.taxa["Copepoda"]
    assert f'href="/taxonomy/{copepoda}"' in app_client.get("/taxonomy?q=copep").text
    page = app_client.get(f"/taxonomy/{copepoda}").text
    assert f'href="/taxonomy/{bay.taxa["Calanoida"]}"' in page and f"/projects/{bay.id}?taxon={copepoda}" in page
    assert app_client.get(f"/taxonomy/{2**40}").status_code == 404
    assert app_client.get("/taxonomy/999999").status_code == 404
    assert "nearly so" in app_client.get("/taxonomy?q=xyzzyxyzzyx").text


def test_programs_get_the_counts(app_client: Client, bay: SmallProject, make_account: Any, database_url: str) -> None:
    headers = bearer(database_url, make_account(), "read")
    copepoda = bay.taxa["Copepoda"]
    answer = app_client.get(f"/api/v1/taxa/{copepoda}/projects", headers=headers).json()
    assert [(use["title"], use["n"]) for use in answer] == [("Bay", 5)]
    assert app_client.get("/api/v1/taxa/999999/projects", headers=headers).status_code == 404


def test_a_taxon_that_does_not_exist_is_not_found(db: Db, make_account: Any) -> None:
    with pytest.raises(NotFound):
        read_taxon(db, Viewer(make_account()), 0)


def test_the_taxonomy_is_for_those_who_are_logged_in(app_client: Client, bay: SmallProject) -> None:
    assert app_client.get("/taxonomy").status_code == 303
    assert app_client.get(f"/taxonomy/{bay.taxa['Copepoda']}").status_code == 303
