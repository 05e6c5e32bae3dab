"""In which order what a run predicts is worked, from sure to unsure or the other way, and between which bounds."""

from typing import Any

import numpy as np

from app.batches.sources import number_in
from app.database import Db
from app.errors import Refused
from app.search.mirror import Mirror
from app.search.run_columns import margins, novelties

ORDERS = ("score", "margin", "novelty")
WORDS = {"score": "", "margin": ", the clearest first", "novelty": ", the least strange first"}
UNSURE_WORDS = {
    "score": ", the least sure first",
    "margin": ", the closest calls first",
    "novelty": ", the strangest first",
}
BOUNDS = ("min_score", "max_score", "min_margin", "max_margin", "min_novelty", "max_novelty")
# A bound that keeps everything, also what has no such number.
WHOLE = {"min": 0.0, "max": 1.0}


def asked_order(args: dict[str, Any]) -> str:
    order = args.get("order", "score")
    if order not in ORDERS:
        raise Refused(f"What is predicted comes by {', '.join(ORDERS)}, not by {str(order)[:40]!r}.")
    return str(order)


def order_words(order: str, unsure_first: bool) -> str:
    """What a title says of it."""
    return UNSURE_WORDS[order] if unsure_first else WORDS[order]


def values_of(db: Db, mirror: Mirror, name: str) -> np.ndarray:
    """float32 [n] by ordinal; NaN where the current run says nothing of it."""
    if name == "score":
        return mirror.score
    return margins(db, mirror) if name == "margin" else novelties(db, mirror)


def sureness(db: Db, mirror: Mirror, places: np.ndarray, order: str) -> np.ndarray:
    """float32 of these ordinals, larger is surer; what the run says nothing of is the least sure."""
    values = values_of(db, mirror, order)[places]
    return np.nan_to_num(-values if order == "novelty" else values, nan=-2.0)


def first_of(sure: np.ndarray, limit: int, unsure_first: bool = False) -> np.ndarray:
    """Places of the surest, or the least sure, in this order, equal ones as they stood: without sorting all of many."""
    ranks = sure if unsure_first else -sure
    places = np.arange(len(ranks))
    if len(ranks) > 4 * limit > 0:
        edge = ranks[np.argpartition(ranks, limit - 1)[limit - 1]]
        places = np.flatnonzero(ranks <= edge)
    return places[np.argsort(ranks[places], kind="stable")[:limit]]


def within_bounds(db: Db, mirror: Mirror, args: dict[str, Any]) -> np.ndarray:
    """bool by ordinal: what lies between all the bounds that are given, both included."""
    kept = np.ones(len(mirror), bool)
    for name in ORDERS:
        least, most = (float(number_in(args, f"{end}_{name}", whole)) for end, whole in WHOLE.items())
        if least > most:
            raise Refused(f"No {name} is from {least:g} to {most:g}: exchange min_{name} and max_{name}.")
        if least > 0:
            kept &= values_of(db, mirror, name) >= np.float32(least)
        if most < 1:
            kept &= values_of(db, mirror, name) <= np.float32(most)
    return kept
