"""What a batch's objects may be called: the taxa of the validated objects most alike to them, with their agreement.

Where no taxon has half of the votes, the common ancestor of those that together have is proposed first.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.batches.lineages import branch_of, names_of_taxa
from app.batches.ordering import Compared
from app.batches.vectors import vectors_of
from app.database import Db
from app.objects.queries import nearest_common_ancestor
from app.search.codes import VALIDATED
from app.search.likeness import most_alike
from app.search.mirror import open_mirror

VOTERS, FEWEST_VOTERS = 30, 5  # fewer where little is validated: a fifth of it
MOST = 3


@dataclass(frozen=True)
class Proposal:
    """A taxon for the marked, and how many of the nearest validated objects have it, or one below it."""

    taxon_id: int
    taxon: str
    votes: int
    of: int
    why: str


def propose(db: Db, project: Compared, ids: np.ndarray) -> list[dict[str, Any]]:
    """At most three, the best first; none where nothing is validated, or nothing can be compared."""
    votes = _votes(db, project, ids)
    if not votes:
        return []
    above = _above(db, votes)
    found = above + [pair for pair in votes.most_common() if pair[0] not in dict(above)]
    names = names_of_taxa(db, [taxon_id for taxon_id, _ in found])
    of = votes.total()
    return [
        asdict(Proposal(taxon_id, names[taxon_id], n, of, f"{n} of the {of} validated objects most alike"))
        for taxon_id, n in found[:MOST]
        if taxon_id in names
    ]


def _votes(db: Db, project: Compared, ids: np.ndarray) -> Counter[int]:
    """How many of the nearest validated objects have which taxon."""
    vectors, has = vectors_of(db, project, ids)
    if not has.any():
        return Counter()
    mirror = open_mirror(db, project.id)
    mask = mirror.status == VALIDATED
    mask[mirror.ordinals(ids)] = False
    n_validated = int(np.count_nonzero(mask))
    if not n_validated:
        return Counter()
    n_voters = min(VOTERS, max(FEWEST_VOTERS, n_validated // 5))
    nearest = most_alike(db, project, vectors[has], mask, n_voters, mirror=mirror)
    return Counter(mirror.taxon[mirror.ordinals(nearest.ids)].tolist())


def _above(db: Db, votes: Counter[int]) -> list[tuple[int, int]]:
    """The common ancestor of the taxa that together have half of the votes, with those of its whole branch."""
    half = votes.total() / 2
    taxa: list[int] = []
    n_together = 0
    for taxon_id, n in votes.most_common():
        taxa.append(taxon_id)
        n_together += n
        if n_together >= half:
            break
    if len(taxa) < 2 or (ancestor := nearest_common_ancestor(db, taxa)) is None:
        return []
    below = set(branch_of(db, ancestor).tolist())
    return [(ancestor, sum(n for taxon_id, n in votes.items() if taxon_id in below))]
