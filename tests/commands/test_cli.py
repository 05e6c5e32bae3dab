"""The list of commands, the settings, and that the README knows them all."""

import json
import re
import time
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.cli import COMMANDS, main
from app.errors import Refused
from app.settings import Settings, load_settings
from tests.commands.conftest import ROOT, Shoal

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_in_the_readme(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help
    assert f"`shoal {name}`" in README


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    for item in fields(Settings):
        assert f"`{item.metadata['env']}`" in README, f"{item.metadata['env']} is not in the README"


def test_every_option_has_its_help() -> None:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        commands = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in commands:
            for option in one.params:
                if isinstance(option, click.Option):
                    assert option.help, f"shoal {name} {one.name} {option.opts}"


def test_help_is_there_at_once(shoal: Shoal) -> None:
    began = time.monotonic()
    said = shoal("--help")
    assert time.monotonic() - began < 1.5
    assert said.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in said.stdout


def test_config_shows_each_value_with_its_source_and_no_password(shoal: Shoal) -> None:
    given = {"DATABASE_URL": "postgresql://ada:secret@db.example.org/shoal", "SHOAL_PORT": "9000"}
    plain = shoal("config", **given)
    assert plain.returncode == 0
    assert "secret" not in plain.stdout
    rows = {row["env"]: row for row in json.loads(shoal("config", "--json", **given).stdout)}
    assert set(rows) == {item.metadata["env"] for item in fields(Settings)}
    assert rows["SHOAL_PORT"]["value"] == "9000"
    assert rows["SHOAL_PORT"]["source"] == "environment"
    assert rows["SHOAL_HOST"]["source"] == "default"
    assert rows["DATABASE_URL"]["value"] == "postgresql://ada:***@db.example.org/shoal"


def test_a_wrong_setting_is_told_in_a_sentence(shoal: Shoal) -> None:
    said = shoal("config", SHOAL_PORT="many")
    assert said.returncode == 1
    assert said.stderr == "SHOAL_PORT is 'many': say a whole number from 0 to 65535.\n"


def test_home_can_be_given_as_an_option(shoal: Shoal) -> None:
    assert "/somewhere/else" in shoal("--home", "/somewhere/else", "config").stdout


def test_migrate_says_what_it_did(shoal_alone: Shoal) -> None:
    first, second = shoal_alone("migrate"), shoal_alone("migrate")
    assert "applied 0001_start.sql" in first.stdout
    assert second.stdout == "The database is up to date.\n"


def test_an_unknown_project_is_told_with_those_there_are(shoal: Shoal, make_project) -> None:
    project_id = make_project("Sea")
    for command in ("embed", "index"):
        said = shoal(command, "Lake")
        assert said.returncode == 1
        assert said.stderr == f"There is no project 'Lake'. There are: {project_id} Sea.\n"


def test_a_title_that_two_projects_have_is_not_guessed(shoal: Shoal, make_project) -> None:
    ids = [make_project("Sea") for _ in range(2)]
    said = shoal("index", "sea")
    assert said.returncode == 1
    assert f"({ids[0]}, {ids[1]})" in said.stderr


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("SHOAL_PORT", "99999", "from 0 to 65535"),
        ("SHOAL_PORT", "http", "from 0 to 65535"),
        ("SHOAL_PROCESSES", "-1", "from 1 to"),
        ("SHOAL_WORKERS", "-1", "from 0 to"),
        ("SHOAL_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
        ("SHOAL_DEVICE", "tpu", "auto, cpu or cuda"),
        ("SHOAL_BASE_URL", "shoal.example.org", "http:// or https://"),
        ("SHOAL_TRUSTED_PROXIES", "proxy", "IP addresses"),
        ("SHOAL_HOST", "http://here/", "an IP address"),
        ("SHOAL_IMPORT_ROOTS", "pictures", "whole paths"),
        ("SHOAL_SECURE_COOKIES", "perhaps", "yes or no"),
        ("DATABASE_URL", "mysql://x", "postgresql://"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(name: str, value: str, allowed: str) -> None:
    with pytest.raises(Refused, match=f"^{name} is .*{re.escape(allowed)}"):
        load_settings({"SHOAL_HOME": "/nowhere", name: value})


def test_a_refused_address_of_the_database_does_not_show_its_password() -> None:
    with pytest.raises(Refused) as refused:
        load_settings({"DATABASE_URL": "mysql://ada:secret@db.example.org/shoal"})
    assert "secret" not in refused.value.sentence


def test_an_option_that_cannot_be_is_refused_without_a_traceback(shoal: Shoal) -> None:
    said = shoal("serve", "--port", "99999")
    assert (said.returncode, said.stderr) == (1, "--port is 99999: say a whole number from 0 to 65535.\n")


def test_log_levels_are_known_in_any_case() -> None:
    assert load_settings({"SHOAL_LOG_LEVEL": "debug"}).log_level == "DEBUG"


@pytest.mark.parametrize(
    "words",
    [
        ["statistics", "Bay", "--output"], ["export", "Bay", "annotations"], ["archive", "Bay"], ["taxonomy", "export"],
    ],
)  # fmt: skip
def test_a_file_without_a_folder_for_it_is_refused_before_anything_is_done(words: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [*words, str(tmp_path / "none" / "x.zip")])
    assert done.exit_code == 1
    assert f"There is no folder {tmp_path / 'none'}: make it, or name another place." in done.output
