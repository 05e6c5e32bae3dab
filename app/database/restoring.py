"""The mark of a restore under way in a home: until it is whole, nobody works there."""

import json
import shlex
from pathlib import Path
from typing import Any

from app.errors import Damaged

RESTORING = "restoring.json"


def read_mark(home: Path) -> dict[str, Any] | None:
    """What is being restored; None where nothing is, and nothing known of a mark that was not written to its end."""
    try:
        told = json.loads((home / RESTORING).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def how_to_go_on(mark: dict[str, Any]) -> str:
    """The command that ends a restore."""
    if "backup" not in mark:
        return "shoal restore"
    backup = Path(mark["backup"])
    only = " --database-only" if mark.get("database_only") else ""
    return f"shoal restore {shlex.quote(str(backup.parent))} --backup {backup.name}{only}"


def refuse_unfinished(home: Path) -> None:
    mark = read_mark(home)
    if mark is not None:
        raise Damaged(f"A restore into {home} is unfinished: `{how_to_go_on(mark)}` goes on with it.")
