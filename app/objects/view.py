"""How the tiles of a board look: their size and the fields under them, as the address says, or else as one keeps it."""

from dataclasses import dataclass, field
from typing import Any

from app.objects.choices import OWN_SHOWN
from app.objects.fields import Fields
from app.objects.filters import Pairs
from app.objects.preferences import LARGEST, MOST_FIELDS, SMALLEST, Preferences


@dataclass(frozen=True)
class View:
    """Tile size in per cent of the usual, keys of the fields shown; `said`: the part of it that the address names."""

    size: int
    show: tuple[str, ...] = ()
    said: tuple[tuple[str, str], ...] = field(default=(), compare=False)


def read_view(query: Pairs, preferences: Preferences) -> View:
    """The address wins over what one keeps; a size out of bounds is brought within them."""
    asked = dict(query)
    size = preferences.size
    if asked.get("size", "").isdecimal():
        size = min(max(int(asked["size"][:6]), SMALLEST), LARGEST)
    show = keys_of(asked["show"]) if "show" in asked else preferences.show
    said = tuple((key, asked[key]) for key in ("size", "show") if key in asked)
    return View(size, tuple(dict.fromkeys(show))[:MOST_FIELDS], said)


def keys_of(text: str) -> list[str]:
    """Keys between commas; a comma in the name of a column is written %2C."""
    return [part.replace("%2C", ",").replace("%25", "%") for part in text.split(",") if part]


def shown_fields(show: tuple[str, ...], fields: Fields) -> list[dict[str, Any]]:
    """What the sheet of the view lists as chosen: keys with their words, and whether this project has them."""
    listed = []
    for key in show:
        column = fields.find(key[2:]) if key.startswith("f.") else None
        label = OWN_SHOWN.get(key) or (column.key if column else key.removeprefix("f."))
        listed.append({"value": key, "label": label, "known": bool(column) or key in OWN_SHOWN})
    return listed
