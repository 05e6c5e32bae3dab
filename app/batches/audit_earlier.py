"""What earlier audits of the same drew and judged, and what of it counts for the pile that is drawn from now.

A draw is a random one of a pile where it was drawn from a pile that held all of it: what came from a nearer cut says
nothing of a wider one. A stranger counts wherever it stood within, or may have. What was looked at and is not judged
is a look, as what was judged is: leaving a sample for another range is no way around its strangers.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.batches.audited import Unseen
from app.database import Db
from app.search.arrays import fetch_arrays

# The draws of earlier audits of the same source and taxon.
EARLIER = """
    from audit_object as drawn
    join audit on audit.id = drawn.audit_id
   where audit.project_id = %(project_id)s
     and audit.source = %(source)s
     and audit.source_id = %(source_id)s
     and audit.taxon_id = %(taxon_id)s
"""


@dataclass
class Draw:
    """One object that was drawn, by one audit or several: the last verdict on it, and the audits of which it was a
    random draw."""

    id: int
    is_right: bool | None = None
    random_of: set[int] = field(default_factory=set)
    seen_of: set[int] = field(default_factory=set)  # of these, where somebody saw it
    judged_of: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Counted:
    """Of earlier draws, for one pile."""

    pile: np.ndarray  # int64, the likeliest first
    right: list[int]
    n_wrong: int
    carried: list[int]  # drawn and not judged yet
    known: set[int]  # of the pile, all that was judged right, random draws of it or not
    look: int


def drawn_before(db: Db, key: dict[str, Any]) -> list[Draw]:
    rows = db.execute(f"select drawn.* {EARLIER} order by drawn.at nulls first, drawn.audit_id", key)
    draws: dict[int, Draw] = {}
    for row in rows:
        draw = draws.setdefault(row.object_id, Draw(row.object_id))
        draw.is_right = draw.is_right if row.is_right is None else row.is_right
        if not row.is_random:
            continue
        draw.random_of.add(row.audit_id)
        if row.seen_by:
            draw.seen_of.add(row.audit_id)
        if row.is_right is not None:
            draw.judged_of.add(row.audit_id)
    return list(draws.values())


def count(db: Db, found: Unseen, ids: np.ndarray, is_cut: bool, draws: list[Draw]) -> Counted:
    """Of the pile `ids`, without the strangers of it; `is_cut`: it ends with its last one, however far the range."""
    strangers = [draw.id for draw in draws if draw.is_right is False]
    last = found.rank_of(ids).max(initial=-np.inf) if is_cut else found.last
    pile = ids[~np.isin(ids, strangers)]
    members = set(pile.tolist())
    piles = _piles(db, {id for draw in draws for id in draw.random_of})
    whole = {id for id, of in piles.items() if np.isin(pile, of).all()}
    speaks = [draw for draw in draws if draw.id in members and draw.random_of & whole]
    carried = [draw.id for draw in speaks if draw.is_right is None]
    wrong = [
        draw for draw in draws if draw.random_of and draw.is_right is False and _is_within(found, last, draw, piles)
    ]
    looks = {id for draw in draws for id in draw.judged_of}
    looks |= {id for draw in draws if draw.is_right is None and draw.id not in carried for id in draw.seen_of}
    return Counted(
        pile,
        [draw.id for draw in speaks if draw.is_right],
        len(wrong),
        carried,
        {draw.id for draw in draws if draw.is_right and draw.id in members},
        len(looks) + 1,
    )


def _piles(db: Db, audit_ids: set[int]) -> dict[int, np.ndarray]:
    """What each audit was of, in the order of its source."""
    audits, ids = fetch_arrays(
        db,
        """
        select array_agg(audit.id), array_agg(one.id)
          from audit, unnest(object_ids) as one (id)
         where audit.id = any(%s::bigint[])
        """,
        [sorted(audit_ids)],
    )
    return {} if ids is None else {id: ids[audits == id] for id in audit_ids}


def _is_within(found: Unseen, last: float, draw: Draw, piles: dict[int, np.ndarray]) -> bool:
    """Whether a stranger stood within the cut. One that left the source stood beyond it for certain only where what is
    beyond it now stood between."""
    (rank,) = found.rank_of(np.array([draw.id]))
    if np.isfinite(rank):
        return bool(found.first <= rank <= last)
    for audit_id in sorted(draw.random_of):
        places = np.flatnonzero(piles[audit_id] == draw.id)
        if len(places):
            before = found.rank_of(piles[audit_id][: places[0]])
            after = found.rank_of(piles[audit_id][places[0] + 1 :])
            return not ((np.isfinite(before) & (before > last)).any() or (after < found.first).any())
    return True
