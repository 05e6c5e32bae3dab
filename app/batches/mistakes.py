"""Likely mistakes, and what may be named more closely, pair of taxa by pair, beside good examples of both.

Said of each: it stays what it is, or it is something else. Whoever says that it stays also says that it is not what its
neighbours are; a decided one does not come back (app/batches/settled.py).
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np

from app.batches import refusals, settled
from app.batches.lineages import branch_of, names_of_taxa, related
from app.batches.sources import Batched
from app.database import Db
from app.errors import Conflict, Refused
from app.labels import acts, changes
from app.labels.acts import Act, InBatch, Labeller, Outcome, check_open
from app.labels.changes import Seen, state_token
from app.search import graph
from app.search.graph import Told
from app.search.mirror import Mirror
from app.taxonomy.names import UNKNOWN_TAXON
from indexer import suspects

KIND = Literal["mistakes", "refine"]
MOST_PAIRS = 500
MOST_COMPARED = 2000  # members of a taxon among which good examples are looked for


@dataclass(frozen=True)
class Pair:
    """So many objects of a taxon that their neighbours call another one."""

    taxon_id: int
    taxon: str
    other_id: int
    other: str
    n: int


@dataclass(frozen=True)
class Decision:
    """What an object is: its own taxon, then it stays; the other one, or a third, then it is labelled so. `other_id`
    is what its neighbours are."""

    client_id: UUID
    kind: KIND
    id: int
    state: str
    other_id: int
    taxon_id: int


def find(db: Db, project: Batched, mirror: Mirror, kind: str) -> Told:
    """Suspects that nobody has decided on, the likeliest first."""
    done = settled.settled_ids(db, mirror, kind)
    ask = graph.likely_mistakes if kind == "mistakes" else graph.to_refine
    return ask(db, project, mirror, done)


def pairs(db: Db, told: Told) -> list[Pair]:
    """The largest first."""
    groups = told.suspects.by_pair()[:MOST_PAIRS]
    names = names_of_taxa(db, {taxon for group in groups for taxon in group[:2]})
    return [Pair(own, names.get(own, "?"), other, names.get(other, "?"), len(places)) for own, other, places in groups]


def of_pair(told: Told, taxon_id: int, other_id: int) -> np.ndarray:
    """Objects of one pair, the likeliest mistakes first."""
    return told.ids[(told.suspects.taxa == taxon_id) & (told.suspects.others == other_id)]


def examples(db: Db, project: Batched, mirror: Mirror, taxon_id: int, alone: bool, n: int) -> list[int]:
    """Validated objects that best stand for a taxon: their neighbours agree on it. `alone`: without those below it."""
    known = graph.open_graph(db, project)
    labels = graph.validated_labels(known, mirror)
    wanted = np.array([taxon_id], np.int32) if alone else branch_of(db, taxon_id)
    members = np.flatnonzero(np.isin(labels, wanted))
    if len(members) > MOST_COMPARED:
        members = members[np.linspace(0, len(members) - 1, MOST_COMPARED).astype(np.int64)]
    agreeing = suspects.agreement(known.graph, labels, wanted, members)
    best = members[np.lexsort((members, -agreeing))[:n]]
    return np.asarray(known.ids)[best].tolist()


def decide(db: Db, project: Batched, account: Labeller, said: Decision) -> Outcome:
    """One act: the object stays, and is not the other; or it is labelled, and is not what it was."""
    check_open(project)
    sent = db.execute("select from act where project_id = %s and client_id = %s", [project.id, said.client_id])
    request = acts.digest(said)
    if sent.fetchone() is not None:
        return acts.repeated(db, project.id, account.id, said.client_id, request)
    now = changes.seen_states(db, project.id, [said.id]).get(said.id)
    if now is None or now.taxon_id is None or state_token(now.version, now.status, now.run_id) != said.state:
        raise Conflict("Somebody changed this object meanwhile. Load the page again to see what it is now.")
    if said.other_id not in names_of_taxa(db, [said.other_id]):
        raise Refused(UNKNOWN_TAXON)
    stays = said.taxon_id == now.taxon_id
    place = InBatch(None, {"of": said.kind}, request)
    if stays and now.account_id == account.id and now.status == "V":
        outcome = _stays_mine(db, project, account, said, place)
    else:
        act = Act(said.client_id, "label", [said.id], [said.state], said.taxon_id, "V", "single")
        outcome = acts.apply(db, project, account, act, place)
    refusals.add(db, project.id, outcome.act_id, account.id, _refused(db, said, now, stays))
    settled.note(db, project.id, said.kind, outcome.act_id, [said.id])
    return outcome


def _stays_mine(db: Db, project: Batched, account: Labeller, said: Decision, place: InBatch) -> Outcome:
    """One's own label said again is no news; that it is not the other one is."""
    act_id = acts.begin(
        db, project.id, account.id, said.client_id, "not_this", said.other_id, None, "single", place
    )  # fmt: skip
    if act_id is None:
        return acts.repeated(db, project.id, account.id, said.client_id, place.request)
    return acts.finish(db, project.id, account.id, act_id, [], [], n_refusals=1)


def _refused(db: Db, said: Decision, was: Seen, stays: bool) -> list[tuple[int, int]]:
    """What it is not: the proposed taxon where it stays, the former one where it is of another lineage."""
    taxa = [said.other_id] if stays else [was.taxon_id]
    return [(said.id, taxon) for taxon in taxa if taxon and (stays or not related(db, taxon, said.taxon_id))]
