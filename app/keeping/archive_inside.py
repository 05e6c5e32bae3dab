"""Numbers of taxa, objects, people and so on inside JSON and addresses, by the key under which they stand."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

# (kind, number): its new one, None where it names what is not there.
New = Callable[[str, int], int | None]

KINDS = {
    **dict.fromkeys(("taxon", "taxon_id", "truth", "predicted", "pair", "not_held_out", "from_id", "taxa"), "taxon"),
    **dict.fromkeys(("to_id", "presets_before", "presets_after"), "taxon"),
    **dict.fromkeys(("ids", "not_ids", "examples", "object_id", "object_ids", "single", "reached"), "object"),
    **dict.fromkeys(("who", "by_id", "account_id"), "account"),
    **dict.fromkeys(("sources", "references"), "project"),
    **dict.fromkeys(("run_id", "carries", "replaced"), "run"),
    **dict.fromkeys(("pile", "pile_id"), "pile"),
    "of_audit": "audit",
    "of_probe": "probe",
    "classifier_id": "classifier",
    "learning_set_id": "learning_set",
    "cluster_ids": "cluster",
    "search_id": "kept_search",
    "batch_id": "batch",
}
ADDRESSES = {"query", "filter", "filters"}
IN_ADDRESS = {
    "taxon": "taxon", "sample": "parent", "acquisition": "parent", "import": "import", "who": "account",
    "ever": "account", "act": "act", "pile": "pile",
}  # fmt: skip
LAST = 2**62  # numbers from here on stand for the end, not for an object


def renumbered(value: Any, new: New, key: str = "") -> Any:
    """The same with new numbers; of lists, what names nothing any more is left out."""
    if isinstance(value, dict):
        return _dict(value, new, key)
    if key == "confusion" and isinstance(value, list):
        return [[new("taxon", a), new("taxon", b), *rest] for a, b, *rest in value]
    if isinstance(value, list):
        items = [renumbered(item, new, key) for item in value]
        return [item for item in items if item is not None] if key in KINDS else items
    if isinstance(value, str) and key in ADDRESSES:
        return address(value, new)
    if key in KINDS and isinstance(value, int) and not isinstance(value, bool):
        return new(KINDS[key], value) if 0 < value < LAST else value
    return value


def _dict(value: dict[str, Any], new: New, key: str) -> dict[str, Any]:
    if key == "slots":
        return {digit: new("taxon", taxon) for digit, taxon in value.items()}
    if key == "taxa" and all(name.isdecimal() for name in value):
        return {
            str(new("taxon", int(taxon))): new("taxon", told) if isinstance(told, int) else renumbered(told, new)
            for taxon, told in value.items()
        }
    if key == "audit" and "id" in value:
        return {name: renumbered(item, new, name) for name, item in value.items()} | {"id": new("audit", value["id"])}
    if {"why", "by_id"} <= value.keys():
        # An object that an act left as it was.
        return {name: renumbered(item, new, "object_id" if name == "id" else name) for name, item in value.items()}
    return {name: None if name == "job_id" else renumbered(item, new, name) for name, item in value.items()}


def address(text: str, new: New) -> str:
    """A filter as an address says it."""
    if not text:
        return text
    pairs = []
    for name, said in parse_qsl(text, keep_blank_values=True):
        kind = IN_ADDRESS.get(name)
        number = new(kind, int(said)) if kind and said.isdecimal() and said != "0" else said
        if number is not None:
            pairs.append((name, str(number)))
    return urlencode(pairs)
