"""Reviews whose labels are hidden: what an object was called is told by nobody, and must be said anew."""

from typing import Any

from app.batches.batch import Batch
from app.errors import Refused


def is_hidden(batch: Batch) -> bool:
    return bool(batch.source.get("hidden"))


def hide(batch: Batch, tiles: list[dict[str, Any]]) -> None:
    """The tiles as if nobody had labelled them. Nor do they say their own names: what was imported from folders of taxa
    is named by them."""
    if is_hidden(batch):
        told = {"taxon": None, "taxon_id": None, "taxon_italic": False, "status": "U", "score": None}
        for tile in tiles:
            tile |= {**told, "orig_id": f"Object {tile['id']}"}


def check_named(batch: Batch, taxon_id: int | None) -> None:
    """What one does not see cannot be confirmed."""
    if is_hidden(batch) and taxon_id is None:
        raise Refused("The labels of this review are hidden: name what the marked are. It need not be what they were.")
