"""The keys that a person gives to commands in place of the usual ones: checked, kept with the account, and reset.

Keys go by place (the browser's event.code). Letters begin a taxon's name, and the browser keeps its own shortcuts.
"""

import re
from dataclasses import dataclass
from typing import Any

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Template
from psycopg.types.json import Jsonb

from app.accounts.me import account_of
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import LoginNeeded, Refused
from app.openapi import refusals

MOST_KEYS, LONGEST_LABEL = 3, 20
EVERYWHERE = {"help", "undo", "redo", "toggle", "all", "clear"}
LOOKS = {
    "open",
    "field",
    "contrast",
    "invert",
    "smaller",
    "larger",
    *(f"step:{way}" for way in ("left", "right", "up", "down")),
}
SLOTS = {f"slot:{digit}" for digit in "123456789"}
# The commands of each page, as static/js/keys.js, cards_keys.js and mistakes_keys.js have them.
PAGES: dict[str, set[str]] = {
    "board": EVERYWHERE | LOOKS | SLOTS | {"validate", "doubt", "aside", "comment", "like", "batch", "find", "filter"},
    "batch": EVERYWHERE | LOOKS | SLOTS | {
        "apply", "applyDubious", "notThis", "restNotThis", "markedFirst", "aside", "invertMarks", "line:row:-1",
        "line:row:1", "line:tile:-1", "line:tile:1", *(f"propose:{place}" for place in range(6)), "brush", "stack",
        "pass", "tray", "audit", "like", "sendBack",
    },
    "cards": EVERYWHERE | {
        "openCards", "find", "split", "merge", "grow", "audit", "aside", "members", "sendOut",
    },
    "mistakes": {"stays", "moves"},
}  # fmt: skip
COMMANDS = frozenset().union(*PAGES.values())
PLACES = re.compile(
    r"(Digit\d|Numpad\w+|Backquote|Minus|Equal|BracketLeft|BracketRight|Backslash|Intl\w+|Semicolon|Quote|Comma|Period"
    r"|Slash|Space|Enter|Backspace|Delete|Insert|Arrow(Left|Right|Up|Down)|F[246789]|Key[A-Z]|Escape)"
)
HELD = re.compile(r"(Ctrl\+)?(Alt\+)?(Shift\+)?")
FREE_WITH_CTRL = {"KeyA", "KeyY", "KeyZ", "Enter", "NumpadEnter", "Backslash", "Period", "Comma", "Semicolon", "Quote"}
FREE_WITH_ALT = re.compile(r"(Digit\d|Numpad\d|Backslash|Period|Comma|Semicolon|Quote|Slash|Minus|Equal|Bracket\w+)")


@dataclass(frozen=True)
class Key:
    """`chord`: what is held, then the browser's event.code, "Shift+BracketLeft". `label`: what stands on that key."""

    chord: str
    label: str


@dataclass(frozen=True)
class KeyChange:
    """Keys by command; an empty list takes all keys away, null brings the usual ones back. What is not named stays."""

    keys: dict[str, list[Key] | None]


def _checked(chord: str, label: str) -> None:
    held = HELD.match(chord)
    place = chord[held.end() :] if held else chord
    if not PLACES.fullmatch(place) or not 0 < len(label) <= LONGEST_LABEL:
        raise Refused(
            f"“{label[:20] or chord[:40]}” cannot be given to a command: choose a sign, a digit or F2, F4, F6 to F9."
        )
    ctrl, alt = "Ctrl+" in chord, "Alt+" in chord
    if (ctrl and (alt or place not in FREE_WITH_CTRL)) or (alt and not FREE_WITH_ALT.fullmatch(place)):
        raise Refused(f"{label} is the browser's own, and stays so: choose another key.")
    if not ctrl and not alt and (place.startswith("Key") or (len(label) == 1 and label.isalpha())):
        raise Refused(f"Letters begin the name of a taxon: “{label}” cannot be given to a command.")


def change_keys(db: Db, account_id: int, change: KeyChange) -> dict[str, list[Key]]:
    """Keep what `change` says, unless two commands of one page would have the same key."""
    for command, keys in change.keys.items():
        if command not in COMMANDS:
            raise Refused(f"There is no command “{command[:40]}” that keys can be given to.")
        if keys is not None and len(keys) > MOST_KEYS:
            raise Refused(f"A command has at most {MOST_KEYS} keys.")
        for key in keys or []:
            _checked(key.chord, key.label)
    kept: dict[str, Any] = (
        db.execute("select keys from account where id = %s for no key update", [account_id]).fetchone().keys
    )
    kept |= {
        name: [{"chord": key.chord, "label": key.label} for key in keys or []] for name, keys in change.keys.items()
    }
    kept = {name: keys for name, keys in kept.items() if name in COMMANDS and change.keys.get(name, []) is not None}
    _check_apart(kept)
    db.execute("update account set keys = %s where id = %s", [Jsonb(kept), account_id])
    return _read(kept)


def _check_apart(kept: dict[str, Any]) -> None:
    for page, commands in PAGES.items():
        taken: dict[str, str] = {}
        for name in sorted(commands & kept.keys()):
            for key in kept[name]:
                if key["chord"] in taken:
                    raise Refused(f"{key['label']} would be two commands of the {page}: choose another key for one.")
                taken[key["chord"]] = name


def _read(kept: dict[str, Any]) -> dict[str, list[Key]]:
    return {name: [Key(**key) for key in keys] for name, keys in sorted(kept.items())}


def _own(viewer: Viewer) -> int:
    if viewer.account is None:
        raise LoginNeeded()
    return viewer.account.id


@get("/me/keys", include_in_schema=False, sync_to_thread=True)
def show_keys(viewer: NamedDependency[Viewer]) -> Template:
    return Template("accounts/keys.html", context={"account": account_of(viewer)})


@get(
    "/me/keys", sync_to_thread=True, tags=["people"], summary="The keys that one has given to commands",
    responses=refusals(401),
)  # fmt: skip
def list_keys_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> dict[str, list[Key]]:
    """By command; what is not there has its usual keys."""
    row = db.execute("select keys from account where id = %s", [_own(viewer)]).fetchone()
    return _read(row.keys)


@put(
    "/me/keys", sync_to_thread=True, tags=["people"], summary="Give commands keys of one's own",
    responses=refusals(400, 401),
)  # fmt: skip
def change_keys_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: JSONBody[KeyChange]
) -> dict[str, list[Key]]:
    return change_keys(db, _own(viewer), data)


@delete(
    "/me/keys", status_code=204, sync_to_thread=True, tags=["people"], summary="Bring all usual keys back",
    responses=refusals(401),
)  # fmt: skip
def reset_keys_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> None:
    db.execute("update account set keys = '{}' where id = %s", [_own(viewer)])


routes = [show_keys]
api_routes = [list_keys_api, change_keys_api, reset_keys_api]
