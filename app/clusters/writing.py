"""Writes cards: those of a whole cut, and those that take others' place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from app.clusters.runs import UNLABELLED, Run
from app.database import Db
from app.errors import NotFound
from indexer import clusters
from indexer.clusters import Tree

MOST_RUNS = 5  # of a project, beside the latest of what nobody has labelled
GONE = "These cards went while they were cut, with their project or for newer ones. Ask for them anew."


class Cut(Protocol):
    """What was cut."""

    @property
    def n_asked(self) -> int: ...

    @property
    def ids(self) -> np.ndarray: ...

    @property
    def known(self) -> np.ndarray: ...

    @property
    def embedder_id(self) -> int | None: ...

    @property
    def space_id(self) -> int | None: ...


@dataclass(frozen=True)
class NewCard:
    """A card to be written: object ids int64 [n] from the core to the edge, float32 distances, float32 middle [d]."""

    ids: np.ndarray
    distances: np.ndarray
    known: np.ndarray
    middle: np.ndarray
    spread: float
    loose: bool
    leaves: list[int] | None = None  # None: a person made it
    title: str = ""


def write(db: Db, run: Run, cut: Cut, tree: Tree, home_leaf: np.ndarray, *, complete: bool) -> int:
    """Put a cut in the place of a run's former one, in the caller's transaction; returns the number of cards.

    Cards that people made stay as they are, those too that were made since the objects were read. `home_leaf` is the
    leaf of each known object, -1 for none.
    """
    row = db.execute("select n_wanted from cluster_run where id = %s for update", [run.id]).fetchone()
    if row is None:
        raise NotFound(GONE)
    taken = np.isin(cut.ids, in_made_cards(db, run.id))
    tree, number = clusters.without(tree, taken)
    ids = cut.ids[~taken]
    leaves = _leaves(ids, cut.known, tree, number[home_leaf])
    _clear(db, run.id)
    _write_leaves(db, run.id, leaves)
    grouping = tree.cards(row.n_wanted or clusters.usual_cards(len(ids), tree.n_leaves))
    add(db, run.id, join(leaves, grouping))
    db.execute(
        """
        update cluster_run
        set state = %s,
            n_objects = %s,
            n_without_vector = %s,
            merges = %s,
            spread_all = %s,
            embedder_id = %s,
            space_id = %s,
            revision = revision + 1,
            cut_at = now()
        where id = %s
        """,
        [
            "complete" if complete else "begun", len(ids), cut.n_asked - len(cut.ids),
            tree.merges.ravel().tolist(), clusters.spread_of(*_sizes(leaves)),
            cut.embedder_id, cut.space_id, run.id,
        ],
    )  # fmt: skip
    _forget_old(db, run.project_id)
    return int(grouping.max()) + 1 if len(grouping) else 0


def in_made_cards(db: Db, run_id: int) -> np.ndarray:
    """Objects in cards that people made, which no new cut takes apart: int64."""
    rows = db.execute(
        "select object_ids from cluster where run_id = %s and not is_gone and leaves is null", [run_id]
    ).fetchall()
    return np.array([object_id for row in rows for object_id in row.object_ids], np.int64)


def _forget_old(db: Db, project_id: int) -> None:
    """Of a project, the latest runs are kept. Batches made of older cards have their own lists."""
    db.execute(
        """
        delete from cluster_run
        where project_id = %(project_id)s
          and id not in (select id from cluster_run where project_id = %(project_id)s order by id desc limit %(kept)s)
          and id <> (select coalesce(max(id), 0)
                     from cluster_run
                     where project_id = %(project_id)s
                       and query = %(unlabelled)s)
        """,
        {"project_id": project_id, "kept": MOST_RUNS, "unlabelled": UNLABELLED},
    )


def _clear(db: Db, run_id: int) -> None:
    """Away with the former cut. What its cards became by people's hands stays, and so does the way back from there."""
    db.execute("delete from cluster where run_id = %s and leaves is not null and not is_gone", [run_id])
    db.execute("update cluster set leaves = null where run_id = %s and leaves is not null", [run_id])
    db.execute("delete from cluster_leaf where run_id = %s", [run_id])
    db.execute("delete from cluster_step where run_id = %s and kind = 'join'", [run_id])


def _leaves(ids: np.ndarray, known: np.ndarray, tree: Tree, home_leaf: np.ndarray) -> list[NewCard]:
    """The leaves of a tree as cards."""
    order = np.lexsort((tree.distance, tree.leaf))
    starts = np.searchsorted(tree.leaf[order], np.arange(tree.n_leaves + 1))
    known_order = np.argsort(home_leaf, kind="stable")
    known_starts = np.searchsorted(home_leaf[known_order], np.arange(tree.n_leaves + 1))
    made = []
    for leaf in range(tree.n_leaves):
        rows = order[starts[leaf] : starts[leaf + 1]]
        inside = known[known_order[known_starts[leaf] : known_starts[leaf + 1]]]
        spread = float(tree.distance[rows].mean())
        made.append(
            NewCard(
                ids[rows], tree.distance[rows], inside, tree.centroids[leaf], spread, bool(tree.loose[leaf]), [leaf]
            )
        )
    return made


def _sizes(cards: Sequence[NewCard]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes, spreads and middles of cards, as the arithmetic wants them."""
    middles = np.array([card.middle for card in cards], np.float32)
    return np.array([len(card.ids) for card in cards]), np.array([card.spread for card in cards]), middles


def join(leaves: Sequence[NewCard], grouping: np.ndarray) -> list[NewCard]:
    """Leaves joined to cards, by the card of each leaf; the leaves' numbers stay known."""
    order = np.argsort(grouping, kind="stable")
    starts = np.searchsorted(grouping[order], np.arange(grouping.max() + 2)) if len(grouping) else [0]
    return [together([leaves[leaf] for leaf in order[a:b]]) for a, b in pairwise(starts)]


def together(cards: Sequence[NewCard], *, by_hand: bool = False, title: str = "") -> NewCard:
    """One card of several: the cores of all of them first, then their edges."""
    if len(cards) == 1 and not by_hand:
        return cards[0]
    distances = np.concatenate([card.distances for card in cards])
    ids = np.concatenate([card.ids for card in cards])
    order = np.lexsort((ids, distances))
    sizes, spreads, middles = _sizes(cards)
    middle, spread = clusters.middle_of(sizes, spreads, middles)
    n_loose = sum(len(card.ids) for card in cards if card.loose)
    leaves = None if by_hand else [leaf for card in cards for leaf in card.leaves or []]
    return NewCard(
        ids[order], distances[order], np.concatenate([card.known for card in cards]), middle, spread,
        2 * n_loose > len(ids), leaves, title,
    )  # fmt: skip


def add(db: Db, run_id: int, cards: Sequence[NewCard]) -> list[int]:
    """Write cards; returns their ids, in this order."""
    added = []
    with db.cursor() as cursor:
        cursor.executemany(
            """
            insert into cluster (run_id, leaves, is_loose, object_ids, distances, known_ids, middle, spread, title)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            returning id
            """,
            [(run_id, card.leaves, card.loose, *_lists(card), card.spread, card.title) for card in cards],
            returning=True,
        )
        while cards and cursor.rownumber is not None:
            added.append(cursor.fetchone().id)
            if not cursor.nextset():
                break
    return added


def _write_leaves(db: Db, run_id: int, leaves: Sequence[NewCard]) -> None:
    with db.cursor() as cursor:
        cursor.executemany(
            """
            insert into cluster_leaf (run_id, leaf, is_loose, object_ids, distances, known_ids, middle)
            values (%s, %s, %s, %s, %s, %s, %s)
            """,
            [(run_id, number, card.loose, *_lists(card)) for number, card in enumerate(leaves)],
        )


def _lists(card: NewCard) -> tuple[list[int], list[float], list[int], list[float]]:
    return card.ids.tolist(), card.distances.tolist(), card.known.tolist(), card.middle.tolist()
