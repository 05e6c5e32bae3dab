"""Taxa of nearly a given name: what a source that writes it a little differently may mean."""

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain
from typing import Any

from app.database import Db

# Proposed at all, and put into the field beforehand.
LEAST_LIKE, SURE = 0.66, 0.86
MOST_EACH = 3
MOST_COMPARED = 12
RAREST = 6


@dataclass(frozen=True)
class NearTaxon:
    """A taxon, and how alike its name is, from 0 to 1."""

    id: int
    display_name: str
    like: float

    @property
    def is_sure(self) -> bool:
        return self.like >= SURE


def near_taxa(db: Db, texts: list[str]) -> dict[str, list[NearTaxon]]:
    """For each text the taxa whose names are most alike, of those that begin with the same letter.

    Names that share the most of its rarest trigrams are found by an inverted index, and only those are compared
    letter by letter.
    """
    rows = db.execute(
        "select id, display_name, name from taxon where status <> 'D' and left(lower(name), 1) = any(%s)",
        [list({_plain(text)[:1] for text in texts})],
    ).fetchall()
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for part in _trigrams(_plain(row.name)):
            places.setdefault(part, []).append(place)
    found = {}
    for text in texts:
        lists = sorted((places[part] for part in _trigrams(_plain(text)) if part in places), key=len)
        shared = Counter(chain.from_iterable(lists[:RAREST]))
        alike = [_compare(_plain(text), rows[place]) for place, _ in shared.most_common(MOST_COMPARED)]
        found[text] = sorted((near for near in alike if near.like >= LEAST_LIKE), key=_best_first)[:MOST_EACH]
    return {text: near for text, near in found.items() if near}


def _trigrams(name: str) -> set[str]:
    padded = f" {name} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def _compare(text: str, row: Any) -> NearTaxon:
    return NearTaxon(row.id, row.display_name, SequenceMatcher(None, text, _plain(row.name), autojunk=False).ratio())


def _best_first(near: NearTaxon) -> tuple[float, int, str]:
    return (-near.like, len(near.display_name), near.display_name)


def _plain(text: str) -> str:
    """The taxon's own name, without its parent and without the signs that tools put between words."""
    own = text.lower().partition("<")[0].partition("(")[0]
    return " ".join(own.replace("_", " ").replace("-", " ").split())
