"""Cards as a person sees them: what is left in each, what is known of it, how pure it may be, what it would bring."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from psycopg.rows import tuple_row

from app.clusters import runs
from app.clusters.ancestors import lineages, with_ancestor
from app.clusters.runs import Run
from app.database import Db
from app.errors import NotFound
from app.frozen.versions import mirror_of
from app.projects.references import sources
from app.search.arrays import LOADERS
from app.search.codes import PREDICTED, VALIDATED
from app.search.kept import Kept
from app.search.mirror import Mirror, open_mirror
from app.taxonomy.names import is_italic
from indexer import clusters

MOST_KEPT = 20_000  # cards whose members stay in memory: they never change
MOST_LAYOUTS = 8
MOST_TAXA = 3  # proposed for a card
MOST_VOTED = 12  # of whose common ancestor is asked
GONE = "This card is not there any more: somebody split or joined it, or the cards were cut anew. Load the page again."

_members = Kept(MOST_KEPT)
_layouts = Kept(MOST_LAYOUTS)
_weights = Kept(MOST_LAYOUTS)  # of one state of the labels


@dataclass(frozen=True)
class Members:
    """What is in a card and never changes; arrays of int64, from the core to the edge."""

    ids: np.ndarray
    distances: np.ndarray  # float32, cosine, to the middle
    known: np.ndarray
    loose: bool
    spread: float
    by_hand: bool
    title: str

    @property
    def nbytes(self) -> int:
        return self.ids.nbytes + self.distances.nbytes + self.known.nbytes


@dataclass(frozen=True)
class Layout:
    """The cards of a run side by side, as places in one copy of the project, without the objects that are gone."""

    card_ids: np.ndarray
    places: np.ndarray
    card: np.ndarray  # of each place
    known_places: np.ndarray
    known_card: np.ndarray
    other_ids: np.ndarray  # what is known, and no object of the project: those of references
    other_card: np.ndarray
    loose: np.ndarray
    spread: np.ndarray

    @property
    def nbytes(self) -> int:
        known = self.known_places.nbytes + self.known_card.nbytes + self.other_ids.nbytes + self.other_card.nbytes
        return self.places.nbytes + self.card.nbytes + known


@dataclass(frozen=True)
class Proposal:
    """A taxon that a card may be, and how many of those that are known say so."""

    taxon_id: int
    taxon: str
    italic: bool
    votes: int


@dataclass(frozen=True)
class Card:
    """One card; `n` counts what is left in it, `purity` and `n_known` say what to expect of it. `gain`: objects rightly
    labelled a second. `basis`: known (by validated objects), predicted (by predictions alone), or spread (by how
    tightly it stands)."""

    id: int
    n: int
    loose: bool
    by_hand: bool
    title: str
    purity: float
    gain: float
    n_known: int
    basis: str
    proposals: list[Proposal] = field(default_factory=list)

    @property
    def split_first(self) -> bool:
        return self.purity < 0.5 and self.n > 1

    @property
    def proposals_json(self) -> str:
        """The proposals as the page's script reads them."""
        return json.dumps([asdict(proposal) for proposal in self.proposals])


@dataclass(frozen=True)
class Votes:
    """How many objects of each card have each taxon; rows by card, the commonest first."""

    card: np.ndarray
    taxon: np.ndarray
    n: np.ndarray

    @classmethod
    def of(cls, card: np.ndarray, taxon: np.ndarray) -> "Votes":
        pairs, n = np.unique(card.astype(np.int64) << 32 | taxon, return_counts=True)
        cards, taxa = pairs >> 32, pairs & 0xFFFFFFFF
        order = np.lexsort((taxa, -n, cards))
        return cls(cards[order], taxa[order], n[order])

    def totals(self, n_cards: int) -> tuple[np.ndarray, np.ndarray]:
        """Votes of each card, and those for its commonest taxon."""
        best = np.zeros(n_cards, int)
        np.maximum.at(best, self.card, self.n)
        return np.bincount(self.card, self.n, n_cards).astype(int), best

    def first(self, card: int) -> list[tuple[int, int]]:
        """Taxa of a card with their votes, the most frequent first."""
        start, end = np.searchsorted(self.card, [card, card + 1])
        end = min(end, start + MOST_VOTED)
        return list(zip(self.taxon[start:end].tolist(), self.n[start:end].tolist(), strict=True))


@dataclass(frozen=True)
class Weights:
    """What the labels say of the cards of a layout, by card."""

    n_left: np.ndarray
    known: Votes
    predicted: Votes
    n_known: np.ndarray
    n_predicted: np.ndarray
    purity: np.ndarray
    gain: np.ndarray


class Board:
    """The cards of a run at one moment, as a person sees them: the references that they may read say what is known."""

    def __init__(self, db: Db, run: Run, account_id: int | None = None) -> None:
        self.db, self.run = db, run
        self.mirror = open_mirror(db, run.project_id)
        self.references = [mirror_of(db, one) for one in sources(db, run.project_id, None, account_id)]
        filter = runs.filter_of(db, run.project_id, run.query, run.account_id)
        self.mask = self.mirror.mask(db, filter)
        self.layout = _layout(db, run, self.mirror)
        # What other tables say of the filter changes without the mirror's knowing.
        versions = (self.mirror.version, *(one.version for one in self.references))
        key = None if filter.looked_up else (_where(db), run.id, run.revision, versions)
        said: Weights = _weights.made(key, self._weighed) if key else self._weighed()
        self.n_left, self.known, self.predicted = said.n_left, said.known, said.predicted
        self.n_known, self.n_predicted = said.n_known, said.n_predicted
        self.purity, self.gain = said.purity, said.gain

    def _weighed(self) -> Weights:
        layout, mirror, n_cards = self.layout, self.mirror, len(self.layout.card_ids)
        left = self.mask[layout.places]
        n_left = np.bincount(layout.card[left], minlength=n_cards)
        labelled = mirror.status[layout.places] == VALIDATED
        near = mirror.status[layout.known_places] == VALIDATED
        others = [_of_reference(layout, reference) for reference in self.references]
        known = Votes.of(
            np.concatenate([layout.card[labelled], layout.known_card[near], *(card for card, _ in others)]),
            np.concatenate([
                mirror.taxon[np.concatenate([layout.places[labelled], layout.known_places[near]])],
                *(taxa for _, taxa in others),
            ]),
        )  # fmt: skip
        guessed = left & (mirror.status[layout.places] == PREDICTED)
        predicted = Votes.of(layout.card[guessed], mirror.taxon[layout.places[guessed]])
        n_known, agreeing = known.totals(n_cards)
        n_predicted, alike = predicted.totals(n_cards)
        prior = clusters.purity_by_spread(layout.spread, self.run.spread_all)
        guess = np.where(n_predicted > 0, (prior + alike / np.maximum(n_predicted, 1)) / 2, prior)
        purity = clusters.expected_purity(guess, n_known, agreeing)
        gain = clusters.expected_gain(np.maximum(n_left, 1), purity)
        return Weights(n_left, known, predicted, n_known, n_predicted, purity, gain)

    @property
    def n_objects_left(self) -> int:
        return int(self.n_left.sum())

    def order(self, key: str) -> np.ndarray:
        """Places of the cards that have something left: by gain (those to be split last), size or purity."""
        order = np.lexsort(self._keys(key)[::-1])
        return order[self.n_left[order] > 0]

    def _keys(self, key: str) -> list[np.ndarray]:
        """What cards are ordered by, float64 but for their ids: what weighs most first."""
        split = (self.purity < 0.5) & (self.n_left > 1)
        keys = {"gain": (split, -self.gain), "size": (-self.n_left,), "purity": (-self.purity,)}[key]
        return [*(one.astype(np.float64) for one in keys), self.layout.card_ids]

    def standing(self, key: str, place: int) -> list[float]:
        """Where a card stands in an order: to go on after it, even when it is gone by then."""
        return [one[place].item() for one in self._keys(key)]

    def after(self, key: str, standing: list[float]) -> np.ndarray:
        """The places of an order that come after where a card stood."""
        order, keys = self.order(key), self._keys(key)
        later, same = np.zeros(len(order), bool), np.ones(len(order), bool)
        for one, value in zip(keys, standing, strict=True):
            later |= same & (one[order] > value)
            same &= one[order] == value
        return order[later]

    def places_of(self, card_ids: Sequence[int]) -> np.ndarray:
        """Places of cards; NotFound where one is none of this run's any more."""
        wanted, there = np.array(card_ids, np.int64), self.layout.card_ids
        if not np.isin(wanted, there).all():
            raise NotFound(GONE)
        return np.searchsorted(there, wanted)

    def left_ids(self, place: int) -> np.ndarray:
        """What is left in a card, int64, from the core to the edge."""
        start, end = np.searchsorted(self.layout.card, [place, place + 1])
        places = self.layout.places[start:end]
        return self.mirror.ids[places[self.mask[places]]]

    def cards(self, places: np.ndarray) -> list[Card]:
        votes = {int(place): self._votes(int(place)) for place in places}
        above = lineages(self.db, {taxon for said in votes.values() for taxon, _ in said})
        found = {
            place: with_ancestor(said, int(self.n_known[place] or self.n_predicted[place]), above)[:MOST_TAXA]
            for place, said in votes.items()
        }
        names = self._names({taxon for said in found.values() for taxon, _ in said})
        return [self._card(place, said, names) for place, said in found.items()]

    def _card(self, place: int, votes: list[tuple[int, int]], names: dict[int, tuple[str, bool]]) -> Card:
        card_id = int(self.layout.card_ids[place])
        members: Members = read_members(self.db, self.run.id, [card_id])[card_id]
        basis = "known" if self.n_known[place] else "predicted" if self.n_predicted[place] else "spread"
        return Card(
            id=card_id,
            n=int(self.n_left[place]),
            loose=members.loose,
            by_hand=members.by_hand,
            title=members.title,
            purity=round(float(self.purity[place]), 3),
            gain=round(float(self.gain[place]), 3),
            n_known=int(self.n_known[place] or self.n_predicted[place]),
            basis=basis,
            proposals=[Proposal(taxon, *names[taxon], n) for taxon, n in votes if taxon in names],
        )

    def _votes(self, place: int) -> list[tuple[int, int]]:
        return self.known.first(place) or self.predicted.first(place)

    def _names(self, taxa: set[int]) -> dict[int, tuple[str, bool]]:
        rows = self.db.execute(
            "select id, display_name, name, rank, type from taxon where id = any(%s) and status <> 'D'", [list(taxa)]
        )
        return {row.id: (row.display_name, is_italic(row.name, row.rank or "", row.type or "")) for row in rows}


def _where(db: Db) -> tuple[str, int, str]:
    """Which database: runs of two have the same numbers."""
    return db.info.host, db.info.port, db.info.dbname


def read_members(db: Db, run_id: int, card_ids: Sequence[int]) -> dict[int, Members]:
    """Members of cards that are not gone, by id; read once, since they never change."""
    where = (_where(db), run_id)
    found = {card_id: _members.get((*where, card_id)) for card_id in card_ids}
    missing = [card_id for card_id, members in found.items() if members is None]
    for card_id, members in _read(db, run_id, missing):
        found[card_id] = members
        _members.put((*where, card_id), members)
    return {card_id: members for card_id, members in found.items() if members is not None}


def _read(db: Db, run_id: int, card_ids: list[int]) -> list[tuple[int, Members]]:
    if not card_ids:
        return []
    with db.cursor(binary=True, row_factory=tuple_row) as cursor:
        for oid, loader in LOADERS.items():
            cursor.adapters.register_loader(oid, loader)
        rows = cursor.execute(
            """
            select id, object_ids, distances, known_ids, is_loose, spread, leaves is null, title
            from cluster
            where run_id = %s
              and id = any(%s)
            """,
            [run_id, card_ids],
        ).fetchall()
    return [(row[0], Members(*row[1:])) for row in rows]


def _layout(db: Db, run: Run, mirror: Mirror) -> Layout:
    key = (_where(db), run.id, run.revision, mirror.data_version, len(mirror))
    return _layouts.made(key, lambda: _laid_out(db, run, mirror))


def _laid_out(db: Db, run: Run, mirror: Mirror) -> Layout:
    rows = db.execute("select id from cluster where run_id = %s and not is_gone order by id", [run.id]).fetchall()
    members = read_members(db, run.id, [row.id for row in rows])
    cards = list(members.values())
    known = np.concatenate([np.empty(0, np.int64), *(card.known for card in cards)])
    of = np.repeat(np.arange(len(cards), dtype=np.int32), [len(card.known) for card in cards])
    other = ~np.isin(known, mirror.ids)
    return Layout(
        np.array(list(members), np.int64),
        *_placed(mirror, [card.ids for card in cards]),
        *_placed(mirror, [card.known for card in cards]),
        known[other],
        of[other],
        np.array([card.loose for card in cards], bool),
        np.array([card.spread for card in cards], np.float64),
    )


def _of_reference(layout: Layout, reference: Mirror) -> tuple[np.ndarray, np.ndarray]:
    """The card and the taxon of each of a reference's objects that is known of a layout, and still validated."""
    places = np.searchsorted(reference.ids, layout.other_ids)
    there = places < len(reference)
    there[there] = reference.ids[places[there]] == layout.other_ids[there]
    there[there] = reference.status[places[there]] == VALIDATED
    return layout.other_card[there], reference.taxon[places[there]]


def _placed(mirror: Mirror, parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Places of the objects that are there, and the number of the part that each is in."""
    ids = np.concatenate([np.empty(0, np.int64), *parts])
    part = np.repeat(np.arange(len(parts), dtype=np.int32), [len(one) for one in parts])
    places = np.searchsorted(mirror.ids, ids)
    there = places < len(mirror)
    there[there] = mirror.ids[places[there]] == ids[there]
    return places[there], part[there]
