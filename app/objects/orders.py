"""The orders in which a board shows objects, as an address says them and as the page offers them."""

import zlib
from dataclasses import dataclass

from app.objects.fields import Fields
from app.objects.filters import Pairs
from app.search.query_image import TEXT

MOST_EXAMPLES = 200
LARGEST_SEED = 2**31 - 1
# By key: the words for it. Likeness and free columns are apart, since they need more than a key.
LABELS = {
    "id": "id",
    "score": "score",
    "margin": "margin to the second choice",
    "novelty": "novelty to the learning set",
    "when": "time of the label",
    "taxon": "taxon",
    "date": "date and time",
    "imported": "import",
    "depth": "depth",
    "random": "random",
}
NOT_FOR_ANONYMOUS = frozenset({"when"})
BY_LABEL = frozenset({"when", "taxon"})  # what labels change


@dataclass(frozen=True)
class Order:
    """What the list is sorted by. For likeness: the examples' ids, or the key of an uploaded image."""

    key: str = "id"
    direction: str = "asc"
    label: str = "id"
    level: str = ""
    name: str = ""
    examples: tuple[int, ...] = ()
    query: str = ""
    invalid: str = ""
    seed: int = 0  # of the random order

    def to_query(self) -> list[tuple[str, str]]:
        pairs = [("order", self.key), ("dir", self.direction)] if (self.key, self.direction) != ("id", "asc") else []
        if self.examples:
            pairs.append(("examples", ",".join(map(str, self.examples))))
        if self.query:
            pairs.append(("query", self.query))
        if self.key == "random":
            pairs.append(("seed", str(self.seed)))
        return pairs


def read_order(fields: Fields, query: Pairs, validated_only: bool = False) -> Order:
    """The order that an address says; by id where it says none that this project has, or that the viewer may use."""
    said = dict(query)
    key, direction = said.get("order", "id"), "desc" if said.get("dir") == "desc" else "asc"
    if key == "like":
        return _like(direction, said)
    if key in NOT_FOR_ANONYMOUS and validated_only:
        return Order("id", direction, "id", invalid=f"Log in to order by {LABELS[key]}: this is the order by id.")
    if key == "random":
        return Order(key, direction, LABELS[key], seed=_seed(said.get("seed", "")))
    if key in LABELS:
        return Order(key, direction, LABELS[key])
    column = fields.find(key[2:]) if key.startswith("f.") else None
    if column:
        return Order(f"f.{column.key}", direction, column.key, column.level, column.name)
    return Order("id", direction, "id", invalid=f"There is no order by “{key[:40]}” here: this is the order by id.")


def _seed(text: str) -> int:
    """Any text is a seed: what is no number is turned into one."""
    if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= LARGEST_SEED:
        return int(text)
    return zlib.crc32(text.encode("utf-8", "replace")) & LARGEST_SEED


def _like(direction: str, said: dict[str, str]) -> Order:
    ids = [part for part in said.get("examples", "").split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    examples = tuple(dict.fromkeys(int(part) for part in ids[:MOST_EXAMPLES]))
    query = said.get("query", "")
    if not examples and not query:
        return Order("id", direction, "id", invalid="Likeness needs examples: this is the order by id.")
    n = len(examples)
    asked = "the text" if query.startswith(TEXT) else "the image"
    label = f"likeness to {asked}" if query else f"likeness to {n} example{'s' if n != 1 else ''}"
    return Order("like", direction, label, examples=examples, query=query)


def order_choices(fields: Fields, validated_only: bool = False) -> list[dict[str, str]]:
    """What the order control offers; likeness is asked for with examples, and random wants a `seed` beside it."""
    return [
        *(
            {"key": key, "label": label}
            for key, label in LABELS.items()
            if not (validated_only and key in NOT_FOR_ANONYMOUS)
        ),
        *({"key": f"f.{field.key}", "label": field.key} for field in fields),
    ]
