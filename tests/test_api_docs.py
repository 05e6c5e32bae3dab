"""The API's description: valid OpenAPI 3.1, complete, and on a page that works under our policy."""

from openapi_spec_validator import validate

from tests.web_fixtures import Client


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
