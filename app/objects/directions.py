"""What the two directions of an order are called: nobody should have to work out what ascending dates are."""

from app.objects.fields import Fields
from app.objects.orders import Order

WORDS = {
    "id": ("in the order of import", "last imported first"),
    "imported": ("first imported first", "last imported first"),
    "score": ("least certain first", "most certain first"),
    "like": ("most alike first", "least alike first"),
    "when": ("labelled longest ago first", "last labelled first"),
    "date": ("oldest first", "newest first"),
    "depth": ("shallowest first", "deepest first"),
    "taxon": ("A to Z", "Z to A"),
    "random": ("shuffled", "shuffled, backwards"),
}
COLUMNS = {
    "date": WORDS["date"],
    "latitude": ("southernmost first", "northernmost first"),
    "longitude": ("westernmost first", "easternmost first"),
    "depth_min_m": WORDS["depth"],
    "depth_max_m": WORDS["depth"],
}
BY_TYPE = {"number": ("smallest first", "largest first"), "text": ("A to Z", "Z to A")}


def directions(order: Order, fields: Fields) -> dict[str, str]:
    """Words for asc and desc."""
    column = fields.find(order.key[2:]) if order.key.startswith("f.") else None
    by_name = COLUMNS.get(column.name) if column and column.level in ("object", "sample") else None
    asc, desc = by_name or (BY_TYPE[column.type] if column else WORDS.get(order.key, WORDS["id"]))
    return {"asc": asc, "desc": desc}
