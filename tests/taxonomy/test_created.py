"""Classes that people created: listed, renamed and removed by who may, and never from under what uses them."""

from typing import Any

import pytest

from app.accounts.viewer import Account
from app.database import connect
from app.projects.queries import set_member
from app.taxonomy.queries import create_taxon
from tests.small_projects import make_project
from tests.web_fixtures import Client, bearer, logged_in, rows


@pytest.fixture
def ada(make_account: Any) -> Account:
    return make_account("ada@example.org")


@pytest.fixture
def boss(make_account: Any) -> Account:
    return make_account("boss@example.org", is_application_manager=True)


def created(database_url: str, account: Account | None, name: str, parent_id: int | None = None) -> int:
    with connect(database_url) as db:
        taxon_id = create_taxon(db, name, parent_id, "M", account.id if account else None).id
        if account is None:
            db.execute("update taxon set status = 'A' where id = %s", [taxon_id])
        return taxon_id


def shown(database_url: str) -> list[str]:
    return [row.display_name for row in rows(database_url, "select display_name from taxon order by id")]


def test_the_page_lists_created_classes_newest_first(app_client: Client, ada: Account, database_url: str) -> None:
    created(database_url, None, "loaded")
    created(database_url, ada, "first")
    created(database_url, ada, "second")
    assert app_client.get("/taxonomy").status_code == 303
    page = logged_in(app_client, ada).get("/taxonomy").text
    assert 'href="/taxonomy"' in page
    page = page.split('id="created"')[1]
    assert page.index("second") < page.index("first")
    assert "loaded" not in page


def test_who_created_a_class_is_told_to_who_shares_a_project_with_them(
    app_client: Client, ada: Account, boss: Account, make_account: Any, database_url: str
) -> None:
    ben = make_account("ben@example.org")
    taxon_id = created(database_url, ada, "fibre")

    def told(who: Account) -> tuple[str, bool, bool]:
        (one,) = app_client.get("/api/v1/taxa/created", headers=bearer(database_url, who)).json()
        seen = logged_in(app_client, who)
        pages = [seen.get(url).text.split("<main", 1)[1] for url in ("/taxonomy", f"/taxonomy/{taxon_id}")]
        return one["created_by"], *(ada.name in page for page in pages)

    assert told(ben) == ("somebody", False, False)
    assert told(ada) == told(boss) == (ada.name, True, True)
    with connect(database_url) as db:
        bay = make_project(db, 1)
        for who in (ada, ben):
            set_member(db, bay.id, who.id, "annotator")
    assert told(ben) == (ada.name, True, True)


def test_older_classes_stand_on_further_pages(app_client: Client, ada: Account, database_url: str) -> None:
    ids = [created(database_url, ada, f"class {n}") for n in range(101)]
    assert f"/taxonomy?before={ids[1]}" in logged_in(app_client, ada).get("/taxonomy").text
    older = app_client.get(f"/api/v1/taxa/created?before={ids[1]}", headers=bearer(database_url, ada)).json()
    assert [(taxon["name"], taxon["created_by"], taxon["mine"]) for taxon in older] == [("class 0", ada.name, True)]


def test_its_creator_and_an_application_manager_rename_and_remove_it(
    app_client: Client, ada: Account, boss: Account, database_url: str
) -> None:
    taxon_id = created(database_url, ada, "fibre")
    answer = logged_in(app_client, ada).post(f"/taxonomy/{taxon_id}/name", data={"name": " blue  fiber"})
    assert (answer.status_code, shown(database_url)) == (303, ["blue fiber"])
    path, headers = f"/api/v1/taxa/{taxon_id}", bearer(database_url, boss)
    assert app_client.patch(path, json={"name": "fiber"}, headers=headers).json()["display_name"] == "fiber"
    assert app_client.delete(path, headers=headers).status_code == 204
    assert shown(database_url) == []
    again = created(database_url, ada, "fibre")
    assert app_client.post(f"/taxonomy/{again}/remove").status_code == 303
    assert shown(database_url) == []


def test_nobody_else_may_and_the_loaded_taxonomy_is_for_application_managers(
    app_client: Client, make_account: Any, ada: Account, database_url: str
) -> None:
    hers, loaded = created(database_url, ada, "fibre"), created(database_url, None, "Copepoda")
    for taxon_id, account in ((hers, make_account()), (loaded, ada)):
        headers = bearer(database_url, account)
        path = f"/api/v1/taxa/{taxon_id}"
        assert app_client.patch(path, json={"name": "x"}, headers=headers).status_code == 403
        assert app_client.delete(path, headers=headers).status_code == 403
    other = logged_in(app_client, make_account())
    assert other.post(f"/taxonomy/{hers}/name", data={"name": "x"}).status_code == 403
    assert other.post(f"/taxonomy/{hers}/remove").status_code == 403
    assert "Rename" not in other.get("/taxonomy").text
    assert shown(database_url) == ["fibre", "Copepoda"]


def test_display_names_stay_unique_and_childrens_follow(app_client: Client, ada: Account, database_url: str) -> None:
    detritus, plastic = created(database_url, ada, "detritus"), created(database_url, ada, "plastic")
    fiber = created(database_url, ada, "fiber", detritus)
    other = created(database_url, ada, "fiber", plastic)
    assert shown(database_url) == ["detritus", "plastic", "fiber < detritus", "fiber < plastic"]
    headers = bearer(database_url, ada)

    def rename(taxon_id: int, name: str) -> int:
        return app_client.patch(f"/api/v1/taxa/{taxon_id}", json={"name": name}, headers=headers).status_code

    assert rename(plastic, "litter") == 200
    assert shown(database_url)[3] == "fiber < litter"
    assert rename(plastic, "Detritus") == 409
    assert rename(other, "thread") == 200
    assert rename(fiber, "thread") == 200
    assert shown(database_url)[2:] == ["thread < detritus", "thread < litter"]
    assert rename(fiber, "a < b") == 400
    assert rename(2_000_000_000, "x") == 404


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("insert into taxon (parent_id, name, display_name) values (%(t)s, 'c', 'c')", "other taxa stand under it"),
        (
            "insert into label (project_id, object_id, status, taxon_id, at, provenance, version)"
            " values (%(p)s, 1, 'V', %(t)s, now(), 'single', 1)",
            "labelled with it",
        ),
        (
            "insert into act (project_id, client_id, kind, taxon_id, provenance, n_objects)"
            " values (%(p)s, gen_random_uuid(), 'label', %(t)s, 'single', 1)",
            "acts, perhaps undone",
        ),
        (
            "insert into prediction (run_id, project_id, object_id, taxon_id, score, taxon_2_id)"
            " values (1, %(p)s, 1, 5, 0.5, %(t)s)",
            "predicted to be it",
        ),
        (
            "insert into history (project_id, object_id, act_id, old_taxon_id, new_status, new_version)"
            " values (%(p)s, 1, 1, %(t)s, 'U', 2)",
            "the history",
        ),
    ],
)
def test_a_class_in_use_is_not_removed_and_it_is_said_why(
    app_client: Client, ada: Account, make_project: Any, database_url: str, statement: str, said: str
) -> None:
    taxon_id = created(database_url, ada, "fibre")
    with connect(database_url) as db:
        db.execute(statement, {"p": make_project(), "t": taxon_id})
    answer = app_client.delete(f"/api/v1/taxa/{taxon_id}", headers=bearer(database_url, ada))
    assert answer.status_code == 409
    assert said in answer.json()["detail"]
    assert shown(database_url)[0] == "fibre"


def test_how_often_a_class_is_used_comes_from_the_sums_of_the_projects_that_one_may_see(
    app_client: Client, make_account: Any, ada: Account, boss: Account, make_project: Any, database_url: str
) -> None:
    taxon_id = created(database_url, ada, "fibre")
    hers, shared = make_project("Hers", manager=ada), make_project("Shared", visibility="accounts")
    with connect(database_url) as db:
        for project_id, n in ((hers, 5), (hers, -2), (shared, 20), (make_project("Private"), 100)):
            db.execute(
                "insert into count_delta (project_id, taxon_id, status, n) values (%s, %s, 'V', %s)",
                [project_id, taxon_id, n],
            )
    for account, n in ((ada, 23), (make_account(), 20), (boss, 123)):
        listed = app_client.get("/api/v1/taxa/created", headers=bearer(database_url, account)).json()
        assert [taxon["n_objects"] for taxon in listed] == [n]
        assert f'<td class="number">{n}</td>' in logged_in(app_client, account).get("/taxonomy").text
