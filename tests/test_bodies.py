"""What a program sends is taken whole, or refused with the name of what is not known."""

from typing import Any
from uuid import uuid4

import pytest

from tests.web_fixtures import Client, bearer


@pytest.fixture
def headers(make_account: Any, database_url: str) -> dict[str, str]:
    return bearer(database_url, make_account("ada@example.org", is_application_manager=True))


def test_an_unknown_field_is_refused_by_its_name(app_client: Client, make_project: Any, headers: Any) -> None:
    answer = app_client.post(f"/api/v1/projects/{make_project()}/like", json={"limit": 3}, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "unknown field limit. It may have examples, query, filter, k, least, projects." in answer.json()["detail"]


def test_nothing_is_done_where_a_field_is_unknown(app_client: Client, headers: Any) -> None:
    sent = {"title": "Sea", "visible": "everyone"}
    assert app_client.post("/api/v1/projects", json=sent, headers=headers).status_code == 400
    assert app_client.get("/api/v1/projects", headers=headers).json() == []
    del sent["visible"]
    assert app_client.post("/api/v1/projects", json=sent, headers=headers).status_code == 201


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b""])
def test_a_body_that_is_no_object_is_told_as_before(app_client: Client, headers: Any, body: bytes) -> None:
    json = {**headers, "content-type": "application/json"}
    answer = app_client.post("/api/v1/projects", content=body, headers=json)
    assert answer.status_code == 400
    assert "not understood" in answer.json()["detail"]


def test_a_word_that_is_none_of_some_is_told_with_these(app_client: Client, make_project: Any, headers: Any) -> None:
    root = f"/api/v1/projects/{make_project()}"
    act = {"client_id": str(uuid4()), "kind": "label", "objects": [1], "states": ["0.0"], "status": "X"}
    answer = app_client.post(f"{root}/acts", json=act, headers=headers)
    assert (answer.status_code, "status: 'X' is none of V, D" in answer.json()["detail"]) == (400, True)
    answer = app_client.post(f"{root}/batches", json={"source": {}, "order": "sideways"}, headers=headers)
    assert "order: 'sideways' is none of neighbours, alike, least, extremes" in answer.json()["detail"]


def test_what_could_not_be_obeyed_is_refused_by_name(app_client: Client, make_project: Any, headers: Any) -> None:
    root = f"/api/v1/projects/{make_project()}"
    answer = app_client.post(f"{root}/objects/query", json={"query": "status=U"}, headers=headers)
    assert (answer.status_code, "`query`" in answer.json()["detail"]) == (400, True)
    answer = app_client.get(f"{root}/vectors?ids=", headers=headers)
    assert (answer.status_code, "names no object" in answer.json()["detail"]) == (400, True)
