"""The ways to go on in a project, those first that bring most: cards, predictions, matches to labels, what is begun."""

import numpy as np

from app.accounts.viewer import Account
from app.batches import page_rows
from app.batches.batch import Batch, list_batches
from app.batches.page_making import find_waiting
from app.clusters import runs
from app.clusters.cards import Board
from app.clusters.runs import UNLABELLED
from app.clusters.told import progress
from app.database import Db
from app.projects.access import Project
from app.search.codes import DUBIOUS, PREDICTED, UNCLASSIFIED
from app.search.mirror import open_mirror
from app.start.asked import asked_ways
from app.start.known import known_ways
from app.start.predicted import predicted_ways
from app.start.readiness import readiness
from app.start.referred import referred_ways
from app.start.sure import sure_ways
from app.start.tempo import tempo
from app.start.way import HOUR_S, Look, Way, spread
from indexer.clusters import GLANCE_MIXED_S, NAME_S, USUAL_CARD

MOST_LOOKED_AT = 5  # batches that may have been labelled elsewhere to the last object
WORTH_CARDS = 20  # objects; fewer are sooner named than cut
HALF_AN_HOUR_S = 1800
FEWEST_JUDGED = 20  # objects of a batch that were judged, before it is said how pure it is
UNKNOWN = 0.5  # a purity
OF_ONE_KIND = ("cluster", "examples", "search", "pile")  # what stands together, whether a taxon is expected or not
UNCUT_PURITY = 0.55  # of cards on real plankton, before anything is known of them


def find_ways(db: Db, project: Project, account: Account) -> list[Way]:
    """Every way there is now, the most images an hour first, then what makes labels better."""
    mirror = open_mirror(db, project.id)
    is_embedding = readiness(db, project, len(mirror)).changes
    look = Look(db, project, account, mirror, tempo(db, project.id, account.id), is_embedding)
    finders = (_begun, _cards, predicted_ways, sure_ways, known_ways, referred_ways, _one_by_one, asked_ways, _doubts)
    found = [way for find in finders for way in find(look)]
    return sorted(found, key=lambda way: -(way.per_hour or 0))


def best_way(db: Db, project: Project, account: Account) -> Way | None:
    """What would bring most images an hour; None where nothing is left."""
    first = next(iter(find_ways(db, project, account)), None)
    return first if first and first.per_hour else None


def _begun(look: Look) -> list[Way]:
    """One's own batch that was used last and is not worked through, nor labelled elsewhere meanwhile."""
    mine = list_batches(look.db, look.project.id, look.account.id, mine=True).batches
    open_ones = [batch for batch in mine if batch.closed_at is None and batch.n_waiting]
    for batch in sorted(open_ones, key=lambda one: one.used_at, reverse=True)[:MOST_LOOKED_AT]:
        waiting = find_waiting(look.db, look.project.id, batch)
        if len(waiting):
            return [_go_on(look, batch, waiting)]
    return []


def _go_on(look: Look, batch: Batch, waiting: np.ndarray) -> Way:
    per_hour, purity = _promised(look, batch, waiting)
    return Way(
        "go_on", f"Go on with: {batch.title}", f"{batch.n_labelled:,} of {batch.n:,} done", len(waiting), per_hour,
        purity, url=f"/projects/{look.project.id}/batches/{batch.id}", taxon_id=batch.taxon_id, taxon=batch.taxon,
    )  # fmt: skip


def _promised(look: Look, batch: Batch, waiting: np.ndarray) -> tuple[float | None, float | None]:
    """What going on would bring an hour, and how pure what is left may be; None for what brings no new labels, and for
    the purity of what is of many kinds."""
    kind, n_new = str(batch.source["kind"]), _n_unlabelled(look, waiting)
    if not n_new:
        return None, None
    if batch.taxon_id is None and kind not in OF_ONE_KIND:
        return _one_after_the_other(look, kind), None
    judged = batch.n_labelled + batch.n_tray
    purity = batch.n_labelled / judged if judged >= FEWEST_JUDGED else UNKNOWN
    page = page_rows.find_open(look.db, batch.id)
    if page is not None and page.chances is not None:
        purity = min(purity, float(page.chances.mean()))  # what comes first is the likeliest
    return look.per_hour(kind, n_new, purity), purity


def _n_unlabelled(look: Look, ids: np.ndarray) -> int:
    """How many of these have no label now: a review or a check brings no new ones."""
    return int(np.count_nonzero(_left(look)[look.mirror.ordinals(ids)])) if len(ids) else 0


def _cards(look: Look) -> list[Way]:
    """The cards of the unlabelled as they are; those that could be asked for, where there are none."""
    n_left = int(np.count_nonzero(_left(look)))
    if n_left < WORTH_CARDS or look.project.embedder_id is None:
        return []
    run = runs.latest(look.db, look.project.id, UNLABELLED)
    if run is not None and run.cut_at is not None:
        board = Board(look.db, run, look.account.id)
        if board.n_objects_left:
            return [_cut_cards(look, board)]
    is_active = run is not None and progress(look.db, run).is_active
    says = f"groups of like ones, to be named many at a time: {'being cut now' if is_active else 'not cut yet'}"
    return [
        Way(
            "cards", "Cards", says, n_left, look.per_hour("cluster", USUAL_CARD, UNCUT_PURITY), UNCUT_PURITY,
            url=f"/projects/{look.project.id}/clusters" if is_active else None,
            ids=spread(look.mirror.ids[_left(look)]),
        )
    ]  # fmt: skip


def _cut_cards(look: Look, board: Board) -> Way:
    """What the best of the cards would bring in the next half hour."""
    order = board.order("gain")
    n, purity = board.n_left[order], board.purity[order]
    right = n * purity
    seconds = right / np.maximum(board.gain[order], 1e-6) * look.tempo.of("cluster")
    soon = np.cumsum(seconds) - seconds < HALF_AN_HOUR_S
    some = np.concatenate([board.left_ids(place)[:2] for place in order[:4]])
    return Way(
        "cards", "Cards", f"{len(order):,} cards of like ones, to be named many at a time", board.n_objects_left,
        float(HOUR_S * right[soon].sum() / seconds[soon].sum()), float(right[soon].sum() / n[soon].sum()),
        url=f"/projects/{look.project.id}/clusters?run={board.run.id}", ids=spread(some),
    )  # fmt: skip


def _one_by_one(look: Look) -> list[Way]:
    """Everything that is left, as a batch in which like stands beside like."""
    left = look.mirror.ids[_left(look)]
    if not len(left):
        return []
    per_hour = _one_after_the_other(look, "filter")
    title = "Whatever is left" if len(left) >= WORTH_CARDS else "The few that are left"
    says = "like beside like, one after the other"
    return [
        Way(
            "filter", title, says, len(left), per_hour, source={"kind": "filter", "query": UNLABELLED}, ids=spread(left)
        )
    ]


def _one_after_the_other(look: Look, kind: str) -> float:
    return HOUR_S / (NAME_S + GLANCE_MIXED_S) / look.tempo.of(kind)


def _doubts(look: Look) -> list[Way]:
    """What others doubt, to be settled."""
    doubts = (look.mirror.status == DUBIOUS) & (look.mirror.account != look.account.id)
    n = int(np.count_nonzero(doubts))
    if not n:
        return []
    says = "marked as dubious by others, to be settled by you"
    return [
        Way("doubts", "Doubts of others", says, n, source={"kind": "to_confirm"}, ids=spread(look.mirror.ids[doubts]))
    ]


def _left(look: Look) -> np.ndarray:
    return (look.mirror.status == UNCLASSIFIED) | (look.mirror.status == PREDICTED)
