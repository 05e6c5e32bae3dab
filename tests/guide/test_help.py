"""The help page names everything that the program's own lists hold."""

import html
import re
from pathlib import Path

from app.accounts.command_keys import COMMANDS as KEYED
from app.batches.audit_state import LIMIT
from app.batches.reservations import MINUTES
from app.cli import COMMANDS
from app.expressions.language import FUNCTIONS
from app.guide.commands import commands, list_settings
from app.objects.conditions import CONDITIONS
from tests.web_fixtures import Client

TEMPLATES = Path(__file__).parents[2] / "templates"


def test_it_is_open_to_everybody_and_names_every_filter(app_client: Client) -> None:
    answer = app_client.get("/help")
    text = html.unescape(answer.text)
    assert answer.status_code == 200
    for condition in CONDITIONS.values():
        assert condition.help in text and condition.example in text


def test_it_names_every_command_with_its_options_and_every_setting(app_client: Client) -> None:
    text = html.unescape(app_client.get("/help").text)
    for name in COMMANDS:
        assert f"shoal {name}" in text
    assert "--dry-run" in text and "shoal user add" in text
    for setting in list_settings():
        assert setting.name in text and setting.help in text


def test_it_names_every_function_of_formulas(app_client: Client) -> None:
    written = html.unescape(app_client.get("/help").text)
    words = set(re.findall(r"\w+", written[written.index('id="formulas"') :]))
    assert set(FUNCTIONS) <= words


def test_a_command_says_how_it_is_typed_and_what_it_does() -> None:
    every = {command.usage: command for command in commands()}
    usage = next(usage for usage in every if usage.startswith("shoal import "))
    assert every[usage].help
    assert all(command.help for command in every.values()), [u for u, c in every.items() if not c.help]


def test_no_value_of_this_server_is_shown(app_client: Client) -> None:
    settings = app_client.app.state.settings
    text = app_client.get("/help").text
    assert settings.database_url not in text
    assert str(settings.home) not in text


def test_every_page_leads_to_it(app_client: Client) -> None:
    assert 'href="/help"' in app_client.get("/login").text


def test_whatever_leads_into_it_leads_somewhere(app_client: Client) -> None:
    text = app_client.get("/help").text
    places = set(re.findall(r'id="([\w-]+)"', text))
    assert set(re.findall(r'href="#([\w-]+)"', text)) <= places
    templates = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    linked = set(re.findall(r'href="/help#([\w-]+)"', templates))
    assert linked and linked <= places


def test_the_keys_that_it_names_are_those_of_commands(app_client: Client) -> None:
    named = set(re.findall(r'data-key="([^"]+)"', app_client.get("/help").text))
    assert "notThis" in named
    assert named <= KEYED


def test_it_says_the_limits_that_hold(app_client: Client) -> None:
    text = app_client.get("/help").text
    assert f"{100 * LIMIT:g} % unless they say otherwise" in text
    assert f"for {MINUTES} minutes after your last key" in text
