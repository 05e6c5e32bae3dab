"""Cards as a source of batches: what is left in them, or what is most like them elsewhere."""

from typing import Any

import numpy as np

from app.batches.refusals import refused_ids
from app.batches.sources import Batched, Found, ids_in, known_args, source
from app.clusters import runs
from app.clusters.cards import GONE, Board, Card, read_members
from app.clusters.runs import Run
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.acts import Labeller
from app.nouns import counted
from app.search import likeness

MOST_CARDS = 500
MOST_EXAMPLES = 200  # of a card's core, which stand for it where more of the kind is looked for


@source("cluster", "cards")
def find_in_cards(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """What is left in the cards of `cluster_ids`, the core first; with `beyond`, what is most like them elsewhere."""
    known_args(args, "cluster_ids", "beyond")
    card_ids = ids_in(args, "cluster_ids", needed=True)
    if len(card_ids) > MOST_CARDS:
        raise Refused(f"One batch takes at most {MOST_CARDS} cards: select fewer.")
    board = Board(db, run_of(db, project.id, card_ids), account.id)
    places = board.places_of(card_ids)
    cards = board.cards(places)
    taxon_id = shared_taxon(cards)
    if args.get("beyond"):
        return _beyond(db, project, board, places, cards, taxon_id, limit)
    ids, distances = _left(db, board, places)
    order = np.argsort(distances, kind="stable")
    return Found(ids[order], distances[order], title=words_of(cards), taxon_id=taxon_id)


def run_of(db: Db, project_id: int, card_ids: list[int]) -> Run:
    """The one run that all these cards are of."""
    rows = db.execute(
        """
        select distinct run_id
        from cluster
        join cluster_run on cluster_run.id = cluster.run_id
        where cluster.id = any(%s)
          and cluster_run.project_id = %s
        """,
        [card_ids, project_id],
    ).fetchall()
    if not rows:
        raise NotFound(GONE)
    if len(rows) > 1:
        raise Refused("These cards are of several proposals: take those of one.")
    return runs.find(db, project_id, rows[0].run_id)


def _left(db: Db, board: Board, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is left in the cards with its distance to the middle of its card."""
    card_ids = board.layout.card_ids[places].tolist()
    members = read_members(db, board.run.id, card_ids)
    ids = np.concatenate([members[card_id].ids for card_id in card_ids])
    distances = np.concatenate([members[card_id].distances for card_id in card_ids])
    left = np.isin(ids, np.concatenate([board.left_ids(place) for place in places]))
    return ids[left], distances[left]


def _beyond(
    db: Db, project: Batched, board: Board, places: np.ndarray, cards: list[Card], taxon_id: int | None, limit: int
) -> Found:
    members = [read_members(db, board.run.id, [card.id])[card.id].ids for card in cards]
    cores = np.concatenate([ids[: max(1, MOST_EXAMPLES // len(members))] for ids in members])
    examples = likeness.example_vectors(db, project, cores.tolist())
    if not len(examples):
        raise NotFound("The vectors of this card are gone, so nothing can be compared with it. Ask for new cards.")
    mask = board.mask.copy()
    mask[board.mirror.ordinals(np.concatenate(members))] = False
    if taxon_id:
        mask[board.mirror.ordinals(refused_ids(db, board.mirror, taxon_id))] = False
    found = likeness.most_alike(db, project, examples, mask, limit, mirror=board.mirror)
    return Found(found.ids, found.distances, found.n_without_vector, f"More like {words_of(cards)}", taxon_id)


def shared_taxon(cards: list[Card]) -> int | None:
    """What most of what is known of each of the cards is."""
    taxa = {card.proposals[0].taxon_id if card.proposals and card.purity >= 0.5 else None for card in cards}
    return taxa.pop() if len(taxa) == 1 else None


def words_of(cards: list[Card]) -> str:
    """Cards in a few words, for the title of a batch."""
    names = list(dict.fromkeys(card.proposals[0].taxon for card in cards if card.proposals))
    n = sum(card.n for card in cards)
    many = "Card" if len(cards) == 1 else f"{len(cards)} cards"
    what = f": {', '.join(names[:3])}{' …' if len(names) > 3 else ''}" if names else ""
    return f"{many} of {counted(n, 'object')}{what}"
