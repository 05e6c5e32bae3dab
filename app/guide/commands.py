"""What `shoal` and its commands say of themselves, for the help page."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache

import click

from app.cli import COMMANDS
from app.cli import main as shoal
from app.settings import Settings


@dataclass(frozen=True)
class Command:
    """A command as one types it, what it does, and its arguments and options."""

    usage: str
    help: str
    options: list[tuple[str, str]]


@dataclass(frozen=True)
class Setting:
    """An environment variable."""

    name: str
    default: str
    help: str


@cache
def commands() -> list[Command]:
    """Every command, a group's own commands after it."""
    context = click.Context(shoal, info_name="shoal")
    return [
        described
        for name in COMMANDS
        if (command := shoal.get_command(context, name)) is not None
        for described in _described(command, name, context)
    ]


def _described(command: click.Command, name: str, parent: click.Context) -> Iterator[Command]:
    context = click.Context(command, info_name=name, parent=parent)
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            if inner is not None:
                yield from _described(inner, each, context)
        return
    records = [record for item in command.get_params(context) if (record := item.get_help_record(context))]
    usage = command.get_usage(context).removeprefix("Usage: ").replace(" [OPTIONS]", "")
    text = " ".join((command.help or command.short_help or "").split("\n\n")[0].split())
    yield Command(" ".join(usage.split()), text, [record for record in records if "--help" not in record[0]])


def list_settings() -> list[Setting]:
    """Every setting, as `shoal config` shows them, without this server's values."""
    return [Setting(item.metadata["env"], item.metadata["default"], item.metadata["help"]) for item in fields(Settings)]
