"""Which objects of a project are meant: by the conditions of a board's address or by number, all or a drawn part."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np

from app.database import Db
from app.errors import Conflict, Refused
from app.exporting.selection import check_filters
from app.nouns import counted
from app.search.codes import STATUSES
from app.search.mirror import Mirror, open_mirror

Per = Literal["project", "taxon", "sample", "acquisition"]
PERS: tuple[str, ...] = get_args(Per)
MOST_IDS = 100_000
TOLD_TAXA = 20
NOTHING = "No object meets this: the project is empty, or the conditions keep nothing."


@dataclass(frozen=True)
class Wish:
    """`filters`: a board's address after the ?; empty: all. `ids`: only these. `share`: percent of each group, or
    `number` of objects at most of each, drawn by `seed`; groups are by `per`. Neither: all."""

    filters: str = ""
    ids: tuple[int, ...] = ()
    share: float | None = None
    number: int | None = None
    per: str = "project"
    seed: int = 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ids": list(self.ids)}


@dataclass(frozen=True)
class Chosen:
    """Objects by id ascending, and what is told of them before anything is done."""

    ids: np.ndarray  # int64
    n_samples: int
    statuses: dict[str, int]
    taxa: list[tuple[str, int]]  # display name, objects; the most frequent
    n_taxa: int

    def __len__(self) -> int:
        return len(self.ids)


def read_wish(stored: dict[str, Any]) -> Wish:
    """As `to_json` wrote it."""
    known = {name: stored[name] for name in Wish.__dataclass_fields__ if name in stored}
    return Wish(**known | {"ids": tuple(known.get("ids") or ())})


def check(wish: Wish) -> None:
    """Refused, with what to say instead, where the wish makes no sense."""
    if wish.share is not None and wish.number is not None:
        raise Refused("A share or a number of objects, not both: leave one empty.", status=422)
    if wish.share is not None and not (isfinite(wish.share) and 0 < wish.share <= 100):
        raise Refused(f"The share is a percentage above 0 and up to 100, not {wish.share:g}.", status=422)
    if wish.number is not None and not 0 < wish.number < 2**31:
        raise Refused("The number of objects is a whole number above 0.", status=422)
    if wish.per not in PERS:
        raise Refused(f"A share or number is per {', '.join(PERS)}; not per {wish.per!r}.", status=422)
    if not 0 <= wish.seed < 2**31:
        raise Refused("The seed is a whole number from 0 to 2,147,483,647.", status=422)
    if len(wish.ids) > MOST_IDS:
        raise Refused(
            f"{counted(len(wish.ids), 'object was', 'objects were')} named one by one, and {MOST_IDS:,} can be: say"
            " it by conditions.",
            status=422,
        )


def choose(db: Db, project_id: int, account_id: int | None, wish: Wish) -> Chosen:
    """The objects; the same wish of the same objects draws the same ones."""
    check(wish)
    mirror = open_mirror(db, project_id)
    rows = _rows(db, project_id, account_id, wish, mirror)
    if wish.share is not None or wish.number is not None:
        rows = rows[_drawn(_groups(db, mirror, wish.per)[rows], wish)]
    taxa, counts = np.unique(mirror.taxon[rows], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:TOLD_TAXA]
    names = _names(db, taxa[order].tolist())
    statuses = np.bincount(mirror.status[rows], minlength=len(STATUSES)).tolist()
    return Chosen(
        mirror.ids[rows],
        len(np.unique(mirror.sample[rows])),
        {letter: n for letter, n in zip(STATUSES, statuses, strict=True) if n},
        [(names.get(int(taxa[k]), "unclassified"), int(counts[k])) for k in order],
        int(np.count_nonzero(taxa)),
    )


def choose_some(db: Db, project_id: int, account_id: int | None, wish: Wish) -> Chosen:
    """The same; Conflict where it is none."""
    chosen = choose(db, project_id, account_id, wish)
    if not len(chosen):
        raise Conflict(NOTHING)
    return chosen


def _rows(db: Db, project_id: int, account_id: int | None, wish: Wish, mirror: Mirror) -> np.ndarray:
    if wish.filters:
        kept = mirror.mask(db, check_filters(db, project_id, wish.filters, account_id))
    else:
        kept = np.ones(len(mirror), bool)
    if wish.ids:
        named = np.zeros(len(mirror), bool)
        named[mirror.ordinals(np.array(sorted({one for one in wish.ids if abs(one) < 2**63}), np.int64))] = True
        kept = kept & named
    return np.flatnonzero(kept)


def _groups(db: Db, mirror: Mirror, per: str) -> np.ndarray:
    """What each object is drawn with."""
    if per == "taxon":
        return mirror.taxon
    if per == "sample":
        return mirror.sample
    if per == "acquisition":
        return mirror.head(db, "acquisition")
    return np.zeros(len(mirror), np.int64)


def _drawn(groups: np.ndarray, wish: Wish) -> np.ndarray:
    """Places, ascending, of those that are drawn from each group: at least one of each."""
    chances = np.random.default_rng(wish.seed).random(len(groups))
    order = np.lexsort((chances, groups))
    _, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    places = np.arange(len(order)) - np.repeat(first, sizes)
    if wish.number is not None:
        wanted = np.full(len(sizes), wish.number)
    else:
        wanted = np.maximum(1, np.rint(sizes * (wish.share or 0) / 100)).astype(np.int64)
    return np.sort(order[places < np.repeat(wanted, sizes)])


def _names(db: Db, taxa: list[int]) -> dict[int, str]:
    rows = db.execute("select id, display_name as name from taxon where id = any(%s)", [taxa])
    return {row.id: row.name for row in rows}
