"""Keys of one's own for commands: kept, reset, and refused where they cannot be."""

from typing import Any

import pytest

from tests.web_fixtures import Client, logged_in

URL = "/api/v1/me/keys"
MINE = {"chord": "Shift+BracketLeft", "label": "{"}


@pytest.fixture
def here(app_client: Client, make_account: Any) -> Client:
    return logged_in(app_client, make_account("ada@example.org"))


def test_a_key_is_kept_with_the_account_and_written_into_its_pages(here: Client) -> None:
    assert here.get(URL).json() == {}
    assert here.put(URL, json={"keys": {"brush": [MINE]}}).json() == {"brush": [MINE]}
    assert here.get(URL).json() == {"brush": [MINE]}
    page = here.get("/me/keys")
    assert page.status_code == 200
    assert "Shift+BracketLeft" in page.text.split("<head>")[0]
    assert here.put(URL, json={"keys": {"pass": [], "brush": None}}).json() == {"pass": []}
    assert here.delete(URL).status_code == 204
    assert here.get(URL).json() == {}


def test_two_commands_of_one_page_cannot_have_one_key(here: Client) -> None:
    here.put(URL, json={"keys": {"brush": [MINE]}})
    refused = here.put(URL, json={"keys": {"stack": [MINE]}})
    assert refused.status_code == 400
    assert "two commands of the batch" in refused.json()["detail"]
    assert here.put(URL, json={"keys": {"split": [MINE]}}).status_code == 200


@pytest.mark.parametrize(
    ("command", "chord", "label", "why"),
    [
        ("brush", "KeyB", "B", "Letters begin"),
        ("brush", "Semicolon", "Ö", "Letters begin"),
        ("brush", "Ctrl+KeyT", "Ctrl T", "the browser's own"),
        ("brush", "Alt+ArrowLeft", "Alt ←", "the browser's own"),
        ("brush", "F5", "F5", "choose a sign"),
        ("brush", "Tab", "Tab", "choose a sign"),
        ("dance", "F2", "F2", "no command"),
    ],
)
def test_what_no_command_can_have_is_refused(here: Client, command: str, chord: str, label: str, why: str) -> None:
    refused = here.put(URL, json={"keys": {command: [{"chord": chord, "label": label}]}})
    assert refused.status_code == 400
    assert why in refused.json()["detail"]


def test_who_is_not_logged_in_has_no_keys(app_client: Client) -> None:
    assert app_client.get(URL).status_code == 401
