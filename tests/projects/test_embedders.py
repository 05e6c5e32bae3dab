"""A project's embedder is chosen when it is made, and exchanged while the one before goes on serving."""

from typing import Any

import pytest

from app.accounts.viewer import Account
from app.database import Db, connect
from app.search import embedders
from app.settings import Settings
from tests.web_fixtures import Client, bearer, logged_in, rows

JSON = "/api/v1/projects"


def make_known(db: Db, name: str, spec: str) -> int:
    row: Any = db.execute(
        """
        insert into embedder (name, digest, dimension, config)
        values (%s, %s, 3, jsonb_build_object('spec', %s::text))
        returning id
        """,
        [name, name, spec],
    ).fetchone()
    embedders._make_partitions(db, row.id, 3, 1)
    return int(row.id)


@pytest.fixture
def clip(database_url: str) -> int:
    with connect(database_url) as db:
        return make_known(db, "BioCLIP", "open_clip:bio:1")


@pytest.fixture
def boss(make_account: Any) -> Account:
    return make_account(is_application_manager=True)


def wish(database_url: str, project_id: int) -> Any:
    return rows(database_url, "select embedder_id, settings ->> 'embedder' from project where id = %s", project_id)[0]


def test_a_new_project_has_the_embedder_that_was_chosen(
    app_client: Client, clip: int, boss: Account, database_url: str, settings: Settings
) -> None:
    page = logged_in(app_client, boss).get("/projects/new").text
    assert '<option value="lite0-128-rot4" selected>' in page and '<option value="open_clip:bio:1">BioCLIP' in page
    made = app_client.post("/projects", data={"title": "Letters", "embedder": "lite0-128"})
    assert wish(database_url, int(made.headers["location"].split("/")[2])) == (None, "lite0-128")
    headers = bearer(database_url, boss)
    told = app_client.post(JSON, json={"title": "Sea", "embedder": "BioCLIP"}, headers=headers).json()
    assert told["embedder"] == "open_clip:bio:1"
    wrong = app_client.post(JSON, json={"title": "Sea", "embedder": "nope"}, headers=headers)
    assert (wrong.status_code, "say one of lite0-128-rot4, lite0-128, BioCLIP" in wrong.json()["detail"]) == (422, True)
    assert app_client.post("/projects", data={"title": "Sea", "embedder": "nope"}).status_code == 422


def test_the_first_vectors_are_made_by_what_was_chosen(
    app_client: Client, boss: Account, database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = app_client.post(
        JSON, json={"title": "Sea", "embedder": "lite0-128"}, headers=bearer(database_url, boss)
    ).json()
    assigned: list[str] = []
    monkeypatch.setattr(embedders, "assign", lambda db, settings, project_id, spec: assigned.append(spec))
    with connect(database_url) as db:
        embedders.assign_default(db, settings, told["id"])
    assert assigned == ["lite0-128"]


def test_without_vectors_it_is_exchanged_at_once_and_with_vectors_by_a_job(
    app_client: Client, clip: int, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada, embedder_id=clip)
    path, headers = f"{JSON}/{project_id}", bearer(database_url, ada)
    assert app_client.patch(path, json={"embedder": "lite0-128"}, headers=headers).json()["embedder"] == "lite0-128"
    assert wish(database_url, project_id) == (None, "lite0-128")
    with connect(database_url) as db:
        db.execute("update project set embedder_id = %s where id = %s", [clip, project_id])
        db.execute(
            "insert into object_vector (embedder_id, project_id, object_id, v) values (%s, %s, 1, '[1,2,3]')",
            [clip, project_id],
        )
    page = logged_in(app_client, ada).get(f"/projects/{project_id}/settings").text
    assert '<option value="open_clip:bio:1" selected>BioCLIP' in page
    form = {"title": "Sea", "status": "annotate", "visibility": "private", "embedder": "open_clip:bio:1"}
    assert app_client.post(f"/projects/{project_id}/settings", data=form).status_code == 303
    assert rows(database_url, "select from job") == [], "it has this one"
    assert (
        app_client.post(f"/projects/{project_id}/settings", data=form | {"embedder": "lite0-128-rot4"}).status_code
        == 303
    )
    assert rows(database_url, "select kind, args from job") == [("embed", {"move_to": "lite0-128-rot4"})]
    assert wish(database_url, project_id)[0] == clip, "it serves until all new vectors are there"


def test_what_others_trained_is_offered_to_those_alone_who_may_see_a_project_of_theirs(
    app_client: Client, make_account: Any, make_project: Any, boss: Account, database_url: str
) -> None:
    ada, ben = make_account(), make_account()
    hers, his = make_project("Hers", manager=ada), make_project("His", manager=ben)
    with connect(database_url) as db:
        trained = make_known(db, "Secret bay", "tuned:abc")
        db.execute(
            "insert into embedder_training (project_id, name, embedder_id) values (%s, 'Secret bay', %s)",
            [hers, trained],
        )
    for account, project_id, sees in ((ada, hers, True), (ben, his, False), (boss, his, True)):
        page = logged_in(app_client, account).get(f"/projects/{project_id}/settings").text
        assert ("Secret bay" in page) == sees
