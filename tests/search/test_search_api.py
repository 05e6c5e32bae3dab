"""The API finds what is alike, for those who may look."""

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts.viewer import Account
from app.database import Db
from tests.search.conftest import World, add_vectors, make_embedder, unit_vectors
from tests.web_fixtures import Client, bearer


@pytest.fixture
def visitor(make_account: Callable[..., Account], make_member: Callable[..., None], world: World) -> Account:
    account = make_account()
    make_member(world.project_id, account, "visitor")
    return account


@pytest.fixture
def embedded(db: Db, world: World) -> World:
    """The world with vectors for its first 900 objects."""
    embedder_id = make_embedder(db, 16)
    db.execute("update project set embedder_id = %s", [embedder_id])
    add_vectors(db, embedder_id, world.project_id, world.ids[:900], unit_vectors(900))
    db.commit()
    return world


@pytest.fixture
def ask(app_client: Client, database_url: str, visitor: Account, world: World) -> Callable[..., Any]:
    """Posts to /like with a visitor's token and gives the answer."""
    headers = bearer(database_url, visitor, "read")

    def post(**body: Any) -> Any:
        return app_client.post(f"/api/v1/projects/{world.project_id}/like", json=body, headers=headers)

    return post


def test_a_visitor_with_a_read_only_token_finds_what_is_alike(embedded: World, ask: Callable[..., Any]) -> None:
    answer = ask(examples=[embedded.ids[4]], k=7)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["ids"][0] == embedded.ids[4] and len(found["ids"]) == 7
    assert found["distances"][0] == pytest.approx(0, abs=1e-3) and found["distances"] == sorted(found["distances"])
    assert found["exact"] and found["recall"] == 1 and found["n_without_vector"] == 100


def test_the_least_alike_are_the_other_end(embedded: World, ask: Callable[..., Any]) -> None:
    nearest = ask(examples=[embedded.ids[4]], k=900).json()
    farthest = ask(examples=[embedded.ids[4]], k=900, least=True).json()
    assert nearest["ids"] == farthest["ids"][::-1]


def test_a_filter_is_the_boards(embedded: World, ask: Callable[..., Any]) -> None:
    found = ask(examples=[embedded.ids[4]], filter="status=V&sample=3", k=1000).json()
    expected = [i for i in embedded.ids[:900] if i % 3 == 0 and i % 15 and i % 4 + 1 == 3]
    assert sorted(found["ids"]) == expected


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "examples"),
        ({"examples": [1], "query": "x"}, 400, "either"),
        ({"examples": [10**12]}, 404, "None of these examples"),
        ({"examples": [2**70]}, 404, "None of these examples"),
        ({"examples": [101], "k": 0}, 400, "1 to 10,000"),
        ({"examples": [101], "filter": "taxon=424242"}, 400, "taxon=424242"),
        ({"examples": [101], "filter": "copepods"}, 400, "copepods cannot be obeyed"),
    ],
)
def test_what_cannot_be_answered_is_told(
    embedded: World, ask: Callable[..., Any], body: dict[str, Any], status: int, words: str
) -> None:
    answer = ask(**body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


def test_a_project_without_vectors_says_so(world: World, ask: Callable[..., Any]) -> None:
    answer = ask(examples=[world.ids[0]])
    assert answer.status_code == 400 and "no vectors yet" in answer.json()["detail"]


def test_a_stranger_does_not_find_the_project(
    embedded: World, app_client: Client, database_url: str, make_account: Callable[..., Account]
) -> None:
    answer = app_client.post(
        f"/api/v1/projects/{embedded.project_id}/like",
        json={"examples": [101]},
        headers=bearer(database_url, make_account()),
    )
    assert answer.status_code == 404


def test_anonymous_people_find_validated_objects_only(db: Db, embedded: World, app_client: Client) -> None:
    db.execute("update project set visibility = 'everyone'")
    db.commit()
    path, headers = f"/api/v1/projects/{embedded.project_id}/like", {"accept": "application/json"}
    validated = [i for i in embedded.ids if i % 3 == 0 and i % 15]
    found = app_client.post(path, json={"examples": validated[:1], "k": 1000}, headers=headers)
    if found.status_code == 401:
        pytest.fail("an open project's likeness is closed to anonymous people")
    assert sorted(found.json()["ids"]) == [i for i in validated if i in set(embedded.ids[:900])]
    other = app_client.post(path, json={"examples": [embedded.ids[2]]}, headers=headers)
    assert other.status_code == 404
