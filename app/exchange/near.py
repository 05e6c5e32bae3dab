"""Taxa of nearly a given name: what a source that writes it a little differently may mean."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from app.database import Db

# Proposed at all, and put into the field beforehand.
LEAST_LIKE, SURE = 0.66, 0.86
MOST_EACH = 3
SAME_LETTERS = 3


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
    """For each text the taxa whose names are most alike, of those that begin with the same letters."""
    rows = db.execute(
        """
        select text, taxon.id, display_name, lower(name) as name
        from unnest(%(texts)s::text[], %(starts)s::text[]) as wanted (text, start)
        join taxon on left(lower(taxon.name), %(n)s) = start
        where taxon.status <> 'D'
        """,
        {"texts": texts, "starts": [_plain(text)[:SAME_LETTERS] for text in texts], "n": SAME_LETTERS},
    )
    found: dict[str, list[NearTaxon]] = {}
    for row in rows:
        like = _likeness(_plain(row.text), row.name)
        if like >= LEAST_LIKE:
            found.setdefault(row.text, []).append(NearTaxon(row.id, row.display_name, like))
    return {text: sorted(near, key=_best_first)[:MOST_EACH] for text, near in found.items()}


def _best_first(near: NearTaxon) -> tuple[float, int, str]:
    return (-near.like, len(near.display_name), near.display_name)


def _plain(text: str) -> str:
    """The taxon's own name, without its parent and without the signs that tools put between words."""
    own = text.lower().partition("<")[0].partition("(")[0]
    return " ".join(own.replace("_", " ").replace("-", " ").split())


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, _plain(other), autojunk=False)
    return 0.0 if matcher.real_quick_ratio() < LEAST_LIKE else matcher.ratio()
