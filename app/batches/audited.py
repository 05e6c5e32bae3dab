"""What nobody saw of a batch, a pile, or all that a source finds, the likeliest first: what an audit may accept."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.batches import piles, places, refusals
from app.batches.audit_state import Audit, Wish
from app.batches.batch import CLOSED, find_batch
from app.batches.places import WAITING
from app.batches.sources import Batched, find_kind, number_in
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.acts import Labeller
from app.search.arrays import fetch_arrays
from app.search.codes import DUBIOUS, VALIDATED
from app.search.mirror import open_mirror


@dataclass(frozen=True)
class Unseen:
    """Objects, the likeliest first; `known` and `ranks` order all of the source, seen ones too, and what is outside of
    the scores that are asked for: those of the ranks from `first` to `last` are within."""

    ids: np.ndarray  # int64
    known: np.ndarray  # int64, ascending
    ranks: np.ndarray  # float64: the lowest is the likeliest
    first: float = -np.inf
    last: float = np.inf

    def rank_of(self, ids: np.ndarray) -> np.ndarray:
        """Infinite for what is not of the source."""
        found = np.searchsorted(self.known, ids)
        ranks = np.full(len(ids), np.inf)
        there = found < len(self.known)
        there[there] = self.known[found[there]] == ids[there]
        ranks[there] = self.ranks[found[there]]
        return ranks


MOST_FOUND = 10_000_000
# A range of scores is a cut through what is predicted, so that another range starts no audit anew.
SCORES = ("min_score", "max_score")
ORDER = ("order", "unsure_first")  # of a batch; what an audit accepts is the likeliest by score


def unseen_of(db: Db, project: Batched, account: Labeller, wish: Wish) -> Unseen:
    """Without what was refused for the taxon."""
    source, source_id, taxon_id = wish.source, wish.source_id, wish.taxon_id
    if source == "batch":
        ids, ranks, is_unseen = _of_batch(db, project.id, source_id)
    elif source == "found":
        ids, ranks, is_unseen = _of_source(db, project, account, wish.query or {})
    else:
        ids, ranks, is_unseen = _of_pile(db, project.id, account, source_id)
    refused = refusals.refused_ids(db, open_mirror(db, project.id), taxon_id)
    first, last = _range(db, project.id, ids, ranks, wish.query or {})
    wanted = is_unseen & ~np.isin(ids, refused) & (ranks >= first) & (ranks <= last)
    order = np.argsort(ids)
    chosen = ids[wanted][np.argsort(ranks[wanted], kind="stable")]
    return Unseen(chosen, ids[order], ranks[order], first, last)


def without_scores(query: dict[str, Any]) -> dict[str, Any]:
    """The source through which a range of scores is a cut."""
    return {k: v for k, v in query.items() if query.get("kind") != "predicted" or k not in (*SCORES, *ORDER)}


def _range(db: Db, project_id: int, ids: np.ndarray, ranks: np.ndarray, query: dict[str, Any]) -> tuple[float, float]:
    """The ranks between which the scores are that are asked for: the source is in their order."""
    if query.get("kind") != "predicted":
        return -np.inf, np.inf
    least, most = (float(number_in(query, name, whole)) for name, whole in zip(SCORES, (0, 1), strict=True))
    if least > most:
        raise Refused(f"No score is from {least:g} to {most:g}: exchange min_score and max_score.")
    mirror = open_mirror(db, project_id)
    scores = mirror.score[mirror.ordinals(ids)]
    within = ((scores >= least) | (least <= 0)) & ((scores <= most) | (most >= 1))
    return ranks[within].min(initial=np.inf), ranks[within].max(initial=-np.inf)


def still_wanted(db: Db, project_id: int, audit: Audit, ids: list[int]) -> list[int]:
    """Without what was refused for the taxon since the sample was drawn."""
    refused = set(refusals.refused_ids(db, open_mirror(db, project_id), audit.taxon_id).tolist())
    return [id for id in ids if id not in refused]


def _of_batch(db: Db, project_id: int, batch_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What waits and was not painted on a page in hand; by distance where it has one, else by its turn."""
    if find_batch(db, project_id, batch_id).closed_at is not None:
        raise Conflict(CLOSED)
    listed = places.read(db, batch_id)
    rows = db.execute(
        """
        select one.id
          from batch_page, unnest(object_ids, seen) as one (id, seen)
         where batch_id = %s
           and done_at is null
           and one.seen = 1
        """,
        [batch_id],
    )
    seen = np.array([row.id for row in rows], np.int64)
    has_distances = bool(len(listed.ids)) and not np.isnan(listed.distances).all()
    ranks = np.where(np.isnan(listed.distances), np.inf, listed.distances) if has_distances else listed.turns
    return listed.ids, ranks.astype(np.float64), (listed.places == WAITING) & ~np.isin(listed.ids, seen)


def _of_source(
    db: Db, project: Batched, account: Labeller, query: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """In the order in which it finds them: what nobody has labelled, nor seen on the page of a batch."""
    kind = find_kind(str(query.get("kind")))
    args = {k: v for k, v in without_scores(query).items() if k != "kind"}
    ids = kind.find(db, project, account, args, MOST_FOUND).ids
    mirror = open_mirror(db, project.id)
    is_open = np.zeros(len(mirror), bool)
    is_open[mirror.ordinals(ids)] = True
    is_open &= (mirror.status != VALIDATED) & (mirror.status != DUBIOUS)
    (seen,) = fetch_arrays(
        db,
        """
        select array_agg(tile.id)
          from batch
          join batch_page on batch_page.batch_id = batch.id,
               unnest(batch_page.object_ids, batch_page.seen) as tile (id, seen)
         where batch.project_id = %s
           and tile.seen = 1
        """,
        [project.id],
    )
    if seen is not None:
        is_open[mirror.ordinals(seen)] = False
    return ids, np.arange(len(ids), dtype=np.float64), np.isin(ids, mirror.ids[is_open])


def title_of(db: Db, project: Batched, account: Labeller, query: dict[str, Any]) -> str:
    """What a source calls what it finds, with the range of scores."""
    kind = find_kind(str(query.get("kind")))
    found = kind.find(db, project, account, {k: v for k, v in query.items() if k not in ("kind", *ORDER)}, 1)
    return (found.title or kind.words) + score_words(query)


def score_words(query: dict[str, Any]) -> str:
    if query.get("kind") != "predicted" or not any(query.get(name) is not None for name in SCORES):
        return ""
    least, most = (number_in(query, name, whole) for name, whole in zip(SCORES, (0, 1), strict=True))
    return f", score {least:g} to {most:g}"


def n_found(db: Db, project: Batched, account: Labeller, query: dict[str, Any]) -> int:
    """How many a source of cards finds, with what an audit leaves out."""
    kind = find_kind(str(query.get("kind")))
    return len(kind.find(db, project, account, {k: v for k, v in query.items() if k != "kind"}, MOST_FOUND).ids)


def _of_pile(db: Db, project_id: int, account: Labeller, pile_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """In the order in which they were set aside."""
    if piles.find_pile(db, project_id, pile_id).closed_at is not None:
        raise Conflict("This pile is closed. Open it again to name what is on it.")
    ids = np.array(piles.open_members(db, project_id, pile_id), np.int64)
    unseen = np.array(piles.unseen(db, project_id, account, pile_id), np.int64)
    return ids, np.arange(len(ids), dtype=np.float64), np.isin(ids, unseen)
