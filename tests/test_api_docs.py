"""The API's description: valid OpenAPI 3.1, complete, and on a page that works under our policy."""

import html
import re
from collections.abc import Callable

import httpx
import pytest
from openapi_spec_validator import validate

from app.accounts.viewer import Account
from app.database import connect
from app.objects.tile_fields import IN_A_BATCH, TILE
from app.projects import queries as projects
from tests.small_projects import SmallProject, make_project
from tests.web_fixtures import Client, bearer, rows, token_of


@pytest.fixture
def small(database_url: str) -> SmallProject:
    with connect(database_url) as db:
        made = make_project(db, 30)
    return made


@pytest.fixture
def ana(database_url: str, small: SmallProject, make_account: Callable[..., Account]) -> Account:
    """An annotator of the project."""
    account = make_account()
    with connect(database_url) as db:
        projects.set_member(db, small.id, account.id, "annotator")
    return account


def test_the_description_is_valid_openapi(app_client: Client) -> None:
    answer = app_client.get("/api/v1/openapi.json")
    schema = answer.json()
    validate(schema)
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_only_the_api_is_described_and_all_of_it(app_client: Client) -> None:
    described = set(app_client.get("/api/v1/openapi.json").json()["paths"])
    routes = {
        route.path_format
        for route in app_client.app.routes
        if route.path.startswith("/api/v1/") and not route.path.startswith(("/api/v1/schema", "/api/v1/openapi.json"))
    }
    assert described == routes


def test_the_page_shows_every_operation_without_a_script(app_client: Client) -> None:
    page = app_client.get("/api").text
    schema = app_client.get("/api/v1/openapi.json").json()
    for path, item in schema["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(f'id="{operation["operationId"]}"' in page for operation in item.values())
    assert "pixel_size_um" in page
    assert "number or null" in page


def test_every_operation_says_what_it_does_and_how_it_refuses(app_client: Client) -> None:
    for path, item in app_client.get("/api/v1/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            told = operation.get("description") or operation.get("summary", "")
            assert " " in told, f"{method} {path} says not what it does"
            refusals = [answer for status, answer in operation["responses"].items() if status >= "400"]
            assert refusals or path == "/api/v1/projects", f"{method} {path} declares no refusal"


def test_every_type_is_on_the_page_with_what_it_says_of_itself(app_client: Client) -> None:
    page = html.unescape(app_client.get("/api").text)
    types = app_client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    assert "`states` are those of the marked" in types["PageAct"]["description"]
    assert "<code>states</code> are those of the marked" in page
    assert not [name for name, each in types.items() if each.get("description", "").startswith(f"{name}(")]
    assert set(re.findall(r'href="#type-(\w+)"', page)) <= set(re.findall(r'id="type-(\w+)"', page)) == set(types)


def test_a_tile_has_the_fields_that_it_is_said_to_have(
    app_client: Client, small: SmallProject, ana: Account, database_url: str
) -> None:
    headers, here = bearer(database_url, ana), f"/api/v1/projects/{small.id}/batches"
    made = app_client.post(here, json={"source": {"kind": "filter"}}, headers=headers).json()
    tile = app_client.get(f"{here}/{made['id']}/page", headers=headers).json()["tiles"][0]
    assert set(tile) == {*TILE, *IN_A_BATCH}
    assert all(f"`{name}`" in app_client.get("/api/v1/openapi.json").json()["info"]["description"] for name in tile)


def test_the_worked_example_works(
    app_client: Client, small: SmallProject, ana: Account, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(r'id="worked-code"[^>]*>(.*?)</pre>', app_client.get("/api").text, re.DOTALL)
    assert found
    own = f'"{token_of(database_url, ana)}", {small.id}, {small.taxa["fiber"]}'
    of_its_own = re.sub(r'(TAXON = "[^"]+"), .*', rf"\1, {own}", found[1], count=1)

    def client(headers: dict[str, str], timeout: float) -> Client:
        app_client.headers.update(headers)
        return app_client

    monkeypatch.setattr(httpx, "Client", client)
    exec(html.unescape(of_its_own), {})
    validated = "select count(*) from label where project_id = %s and status = 'V' and taxon_id = %s"
    assert rows(database_url, validated, small.id, small.taxa["fiber"]) == [(30,)]
