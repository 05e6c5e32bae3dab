"""What people do to cards: split, merge, send members out, ask for more or fewer; and the way back.

No card is ever changed: others take its place, in one step that can be turned back while these are all there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol
from uuid import UUID

import numpy as np

from app.clusters import runs, vectors, writing
from app.clusters.cards import GONE
from app.clusters.runs import MOST_CARDS, Run
from app.clusters.writing import NewCard
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from indexer import clusters

MOST_PARTS = 20
MOST_SPLIT = 100_000  # objects whose vectors are compared while somebody waits
KINDS = {"split": "Split", "merge": "Merged", "send_out": "Sent out", "join": "Another number of cards"}


class Person(Protocol):
    """Who acts."""

    @property
    def id(self) -> int: ...


@dataclass(frozen=True)
class Step:
    """A step as it is asked for: `parts` of a split, `objects` to be sent out, or `n_cards` to have."""

    client_id: UUID
    kind: Literal["split", "merge", "send_out", "join"]
    cards: list[int] = field(default_factory=list)
    parts: int = 2
    objects: list[int] = field(default_factory=list)
    n_cards: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Which cards gave way to which."""

    step_id: int
    kind: str
    removed: list[int]
    added: list[int]
    says: str


def take(db: Db, run: Run, account: Person, step: Step) -> Outcome:
    """Do a step, in the caller's transaction; sent twice, it happens once."""
    run = _held(db, run)
    known = db.execute(
        "select * from cluster_step where run_id = %s and client_id = %s", [run.id, step.client_id]
    ).fetchone()
    if known is not None:
        return _outcome(known)
    removed, cards = _MAKERS[step.kind](db, run, step)
    added = writing.add(db, run.id, cards)
    _set_gone(db, removed, True)
    row = db.execute(
        """
        insert into cluster_step (run_id, account_id, client_id, kind, removed, added, n_wanted_before)
        values (%s, %s, %s, %s, %s, %s, %s)
        returning *
        """,
        [run.id, account.id, step.client_id, step.kind, removed, added, run.n_wanted],
    ).fetchone()
    _set_wanted(db, run.id, step.n_cards if step.kind == "join" else run.n_wanted)
    return _outcome(row)


def last(db: Db, run_id: int, account_id: int, *, undone: bool = False) -> Any:
    """A person's last step that is in force, or the one that was undone last; None where there is none."""
    return db.execute(
        """
        select *
        from cluster_step
        where run_id = %s
          and account_id = %s
          and (undone_at is not null) = %s
          and (undone_at is null
               or id > coalesce((select max(id)
                                 from cluster_step done
                                 where done.run_id = cluster_step.run_id
                                   and done.account_id = cluster_step.account_id
                                   and done.undone_at is null), 0))
        order by case when undone_at is null then -id else id end
        limit 1
        """,
        [run_id, account_id, undone],
    ).fetchone()


def turn(db: Db, run: Run, account: Person, client_id: UUID, *, redo: bool = False) -> Outcome:
    """Take one's last step back, or do again the one that was taken back last."""
    run = _held(db, run)
    known = db.execute(
        "select * from cluster_step where run_id = %s and turned_by = %s", [run.id, client_id]
    ).fetchone()
    if known is not None:
        return _outcome(known, back=known.undone_at is not None)
    row = last(db, run.id, account.id, undone=redo)
    if row is None:
        raise Conflict(f"There is no step of yours to {'do again' if redo else 'take back'} among these cards.")
    goes, comes = (row.removed, row.added) if redo else (row.added, row.removed)
    _check_there(db, run.id, goes)
    _set_gone(db, goes, True)
    _set_gone(db, comes, False)
    db.execute(
        "update cluster_step set undone_at = case when %s then null else now() end, turned_by = %s where id = %s",
        [redo, client_id, row.id],
    )
    _set_wanted(db, run.id, run.n_wanted if redo or row.kind != "join" else row.n_wanted_before)
    return _outcome(row, back=not redo)


def _outcome(row: Any, *, back: bool = False) -> Outcome:
    removed, added = (row.added, row.removed) if back else (row.removed, row.added)
    return Outcome(row.id, row.kind, removed, added, f"{KINDS[row.kind]}{', taken back' if back else ''}.")


def _held(db: Db, run: Run) -> Run:
    """The run as it is now: one step of it at a time."""
    db.execute("select from cluster_run where id = %s for update", [run.id])
    return runs.find(db, run.project_id, run.id)


def _check_there(db: Db, run_id: int, card_ids: Sequence[int]) -> None:
    row = db.execute(
        "select count(*) as n from cluster where run_id = %s and id = any(%s) and not is_gone", [run_id, list(card_ids)]
    ).fetchone()
    if row.n != len(set(card_ids)):
        raise Conflict("Somebody has changed these cards since, so the step cannot be turned any more.")


def _set_gone(db: Db, card_ids: Sequence[int], gone: bool) -> None:
    db.execute("update cluster set is_gone = %s where id = any(%s)", [gone, list(card_ids)])


def _set_wanted(db: Db, run_id: int, n_wanted: int | None) -> None:
    db.execute("update cluster_run set n_wanted = %s, revision = revision + 1 where id = %s", [n_wanted, run_id])


def _read(db: Db, run_id: int, card_ids: Sequence[int]) -> list[NewCard]:
    """Cards that are there, in this order."""
    rows = db.execute(
        """
        select id, object_ids, distances, known_ids, middle, spread, is_loose, leaves, title
        from cluster
        where run_id = %s
          and id = any(%s)
          and not is_gone
        """,
        [run_id, list(card_ids)],
    )
    found = {row.id: _card(row.object_ids, row.distances, row.known_ids, *row[4:]) for row in rows}
    if not card_ids or not all(card_id in found for card_id in card_ids):
        raise NotFound(GONE)
    return [found[card_id] for card_id in dict.fromkeys(card_ids)]


def _card(ids: list[int], distances: list[float], known: list[int], middle: list[float], *rest: Any) -> NewCard:
    return NewCard(
        np.array(ids, np.int64), np.array(distances, np.float32), np.array(known, np.int64),
        np.array(middle, np.float32), *rest,
    )  # fmt: skip


def _split(db: Db, run: Run, step: Step) -> tuple[list[int], list[NewCard]]:
    if len(step.cards) != 1 or not 2 <= step.parts <= MOST_PARTS:
        raise Refused(f"Split one card at a time, into 2 to {MOST_PARTS} parts.")
    (card,) = _read(db, run.id, step.cards)
    if len(card.ids) > MOST_SPLIT:
        raise Refused(f"This card has more than {MOST_SPLIT:,} objects: ask for more cards instead.")
    ids, found = _vectors(db, run, card.ids)
    part = clusters.split(found, step.parts)
    if part.max() == 0:
        raise Refused("All objects of this card look the same to Shoal: there is nothing to split by.")
    return step.cards, _parts(db, run, card, ids, found, part, "split")


def _vectors(db: Db, run: Run, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, read = vectors.read(db, vectors.of_run(db, run), ids)
    if not len(found) or len(found) < len(ids) // 2:
        raise Conflict("The vectors of these objects are gone or were made anew. Ask for new cards.")
    return found, vectors.beside(db, run, found, read).astype(np.float32)


def _parts(
    db: Db, run: Run, card: NewCard, ids: np.ndarray, found: np.ndarray, part: np.ndarray, title: str
) -> list[NewCard]:
    """A card's objects as cards of their own; those that have lost their vector go with the first."""
    made = [_made(ids[part == number], found[part == number], card.loose, title) for number in range(part.max() + 1)]
    lost = np.setdiff1d(card.ids, ids)
    if len(lost):
        edges = np.full(len(lost), made[0].distances.max(), np.float32)
        ids, distances = np.append(made[0].ids, lost), np.append(made[0].distances, edges)
        made[0] = replace(made[0], ids=ids, distances=distances)
    return _with_known(db, run, card, made)


def _made(ids: np.ndarray, found: np.ndarray, loose: bool, title: str) -> NewCard:
    middle, spread = clusters.middle_of(np.ones(len(ids)), np.zeros(len(ids)), found)
    distances = 1 - found @ middle
    order = np.lexsort((ids, distances))
    return NewCard(ids[order], distances[order], np.empty(0, np.int64), middle, spread, loose, None, title)


def _with_known(db: Db, run: Run, card: NewCard, made: list[NewCard]) -> list[NewCard]:
    """What is known of a card goes to the part that it is nearest to."""
    if not len(card.known):
        return made
    known, found = vectors.read_known(db, vectors.of_run(db, run), card.known)
    found = vectors.beside(db, run, known, found)
    nearest = np.argmax(found.astype(np.float32) @ np.array([one.middle for one in made]).T, axis=1)
    return [replace(one, known=known[nearest == number]) for number, one in enumerate(made)]


def _merge(db: Db, run: Run, step: Step) -> tuple[list[int], list[NewCard]]:
    card_ids = list(dict.fromkeys(step.cards))
    if len(card_ids) < 2:
        raise Refused("Select two cards or more to merge.")
    cards = _read(db, run.id, card_ids)
    return card_ids, [writing.together(cards, by_hand=True, title=f"merged from {len(cards)}")]


def _send_out(db: Db, run: Run, step: Step) -> tuple[list[int], list[NewCard]]:
    if len(step.cards) != 1 or not step.objects:
        raise Refused("Select the objects of one card that shall leave it.")
    (card,) = _read(db, run.id, step.cards)
    out = np.isin(card.ids, np.array(step.objects, np.int64))
    if not out.any():
        raise Refused("These objects are not in this card. Load the page again to see what is.")
    if out.all():
        raise Refused("All objects of the card would leave it: nothing would change.")
    ids, found = _vectors(db, run, card.ids)
    part = np.isin(ids, card.ids[out]).astype(np.int32)
    if part.all() or not part.any():
        raise Conflict("The vectors of these objects are gone. Ask for new cards.")
    stays, leaves = _parts(db, run, card, ids, found, part, "")
    return step.cards, [stays, replace(leaves, title="sent out")]


def _join(db: Db, run: Run, step: Step) -> tuple[list[int], list[NewCard]]:
    """The leaves that no person has touched, joined to another number of cards."""
    if step.n_cards is None or not 1 <= step.n_cards <= MOST_CARDS:
        raise Refused(f"Ask for 1 to {MOST_CARDS:,} cards.")
    rows = db.execute(
        "select id, leaves from cluster where run_id = %s and not is_gone and leaves is not null", [run.id]
    ).fetchall()
    untouched = sorted(leaf for row in rows for leaf in row.leaves)
    merges = db.execute("select merges from cluster_run where id = %s", [run.id]).fetchone().merges
    leaves = _read_leaves(db, run.id)
    if not untouched:
        raise Refused("There is no card here that is as it was proposed: their number cannot be changed.")
    grouping = clusters.joined(len(leaves), np.array(merges, int).reshape(-1, 2), step.n_cards)[untouched]
    grouping = np.unique(grouping, return_inverse=True)[1]
    return [row.id for row in rows], writing.join([leaves[leaf] for leaf in untouched], grouping)


def _read_leaves(db: Db, run_id: int) -> list[NewCard]:
    rows = db.execute("select * from cluster_leaf where run_id = %s order by leaf", [run_id]).fetchall()
    return [
        _card(row.object_ids, row.distances, row.known_ids, row.middle, float(np.mean(row.distances)), row.is_loose,
              [row.leaf])
        for row in rows
    ]  # fmt: skip


_MAKERS = {"split": _split, "merge": _merge, "send_out": _send_out, "join": _join}
