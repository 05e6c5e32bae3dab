"""What a card says: what is left in it, what is known of it, what it may be, and which come first."""

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from app.accounts.viewer import Account, Viewer
from app.batches.make import make_batch
from app.batches.sources import Source
from app.clusters import (
    runs,
    source,
    told,
)
from app.clusters.cards import Board, Card
from app.clusters.naming import Naming, name
from app.clusters.runs import Run
from app.clusters.steps import Step, take
from app.clusters.turning import redo, undo
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels.runs import publish
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from tests.clusters.conftest import Heaps, make_heaps
from tests.search.conftest import add_vectors, unit_vectors
from tests.small_projects import Person, make_project, predict


def cards_of(heaps: Heaps, run: Run) -> dict[int, Card]:
    board = Board(heaps.project.db, run)
    return {card.id: card for card in board.cards(board.order("gain"))}


def heap_card(heaps: Heaps, run: Run, number: int) -> int:
    return next(card for card, ids in heaps.members(run).items() if heaps.heap_of[ids[0]] == number)


def as_member(heaps: Heaps, who: Person, role: str = "annotator") -> Project:
    set_member(heaps.project.db, heaps.project.id, who.id, role)
    return find_project(heaps.project.db, Viewer(Account(who.id, who.email, who.name, False)), heaps.project.id)


def test_a_card_is_proposed_to_be_what_the_validated_in_it_are(heaps: Heaps, ada: Person) -> None:
    heaps.project.do(ada, heaps.heap(1)[:10], taxon="Oithona")
    heaps.project.do(ada, heaps.heap(3)[:8], taxon="Calanoida")
    run = heaps.cut(n_wanted=5)
    cards = cards_of(heaps, run)
    card = cards[heap_card(heaps, run, 1)]
    assert card.proposals[0].taxon == "Oithona" and card.basis == "known"
    assert card.n == 20 and 8 <= card.n_known <= 10 and card.proposals[0].votes == card.n_known
    assert card.purity > cards[heap_card(heaps, run, 0)].purity - 0.02
    unknown = cards[heap_card(heaps, run, 0)]
    assert unknown.proposals == [] and unknown.basis == "spread" and unknown.n == 30


def test_a_card_is_never_proposed_to_be_of_a_deprecated_taxon(heaps: Heaps, ada: Person) -> None:
    heaps.project.do(ada, heaps.heap(1)[:10], taxon="Oithona")
    run = heaps.cut(n_wanted=5)
    heaps.project.db.execute("update taxon set status = 'D' where id = %s", [heaps.project.taxa["Oithona"]])
    assert all(card.proposals == [] for card in cards_of(heaps, run).values())


def test_what_is_labelled_later_leaves_the_card_and_says_what_the_rest_may_be(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    number = heap_card(heaps, run, 2)
    heaps.project.do(ada, heaps.heap(2)[:12], taxon="fiber")
    card = cards_of(heaps, run)[number]
    assert (card.n, card.n_known, card.proposals[0].taxon) == (18, 12, "fiber < detritus")
    heaps.project.do(ada, heaps.heap(2)[12:], taxon="fiber")
    assert number not in cards_of(heaps, run)


def test_known_members_that_disagree_make_a_card_doubtful(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    for k, taxon in enumerate(["fiber", "Oithona", "Calanoida", "Copepoda", "detritus"]):
        heaps.project.do(ada, heaps.heap(0)[5 * k : 5 * k + 5], taxon=taxon)
    card = cards_of(heaps, run)[heap_card(heaps, run, 0)]
    assert card.purity < 0.5 and card.split_first and len(card.proposals) == 3
    assert Board(heaps.project.db, run).order("gain")[-1] == Board(heaps.project.db, run).places_of([card.id])[0]


def test_where_siblings_split_their_common_ancestor_is_proposed_first(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    ids = heaps.heap(0)
    heaps.project.do(ada, ids[:5], taxon="Calanoida")
    heaps.project.do(ada, ids[5:10], taxon="Oithona")
    heaps.project.do(ada, ids[10:13], taxon="fiber")
    proposals = cards_of(heaps, run)[heap_card(heaps, run, 0)].proposals
    assert [(one.taxon, one.votes) for one in proposals] == [("Copepoda", 10), ("Calanoida", 5), ("Oithona", 5)]


def test_without_known_members_predictions_speak(heaps: Heaps) -> None:
    predicted = predict(heaps.project, {object_id: "Oithona" for object_id in heaps.heap(4)})
    publish(heaps.project.db, heaps.project, predicted)
    heaps.project.db.commit()
    run = heaps.cut(n_wanted=5)
    card = cards_of(heaps, run)[heap_card(heaps, run, 4)]
    assert card.basis == "predicted" and card.proposals[0].taxon == "Oithona" and card.n == 30


def test_pages_of_cards_show_each_once_in_every_order(heaps: Heaps) -> None:
    run = heaps.cut(n_wanted=13)
    n_cards = len(heaps.members(run))
    for order in ("gain", "size", "purity"):
        found, cursor = [], ""
        while cursor is not None:
            page = told.page(heaps.project.db, run, order, cursor, 4)
            found += page.cards
            cursor = page.next
        assert len(found) == len({card.id for card in found}) == n_cards == page.n_cards
        if order != "gain":
            values = [card.n if order == "size" else card.purity for card in found]
            assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("order", ["gain", "size", "purity"])
def test_the_list_goes_on_after_a_card_that_is_gone_by_then(heaps: Heaps, ada: Person, order: told.OrderKey) -> None:
    run, db = heaps.cut(n_wanted=13), heaps.project.db
    every = [card.id for card in told.page(db, run, order).cards]
    first = told.page(db, run, order, limit=4)
    last = first.cards[-1]
    heaps.project.do(ada, heaps.members(run)[last.id], taxon="Oithona")
    rest = [card.id for card in told.page(db, run, order, first.next or "").cards]
    assert last.id not in rest and {*every[:4], *rest} == set(every)
    (split,) = [card for card in told.page(db, run, order, limit=1).cards]
    begun = told.page(db, run, order, limit=1)
    take(db, run, ada, Step(uuid4(), "split", [split.id]))
    later = runs.find(db, heaps.project.id, run.id)
    assert split.id not in [card.id for card in told.page(db, later, order, begun.next or "").cards]


@pytest.mark.parametrize("cursor", ["nonsense", "WyJzaXplIiwxXQ", "WyJnYWluIiwiYSIsImIiLCJjIl0", "e30"])
def test_a_cursor_that_somebody_made_up_is_refused(heaps: Heaps, cursor: str) -> None:
    with pytest.raises(Refused, match="where the list goes on"):
        told.page(heaps.project.db, heaps.cut(), "gain", cursor)


def test_what_came_since_is_counted(heaps: Heaps) -> None:
    run = heaps.cut("status=U")
    assert told.page(heaps.project.db, run).run.n_arrived == 0
    before = heaps.members(run)
    heaps.project.db.execute("update cluster_run set revision = revision + 1")
    card = next(iter(heaps.members(run)))
    heaps.project.db.execute("update cluster set is_gone = true where id = %s", [card])
    later = runs.find(heaps.project.db, heaps.project.id, run.id)
    assert told.page(heaps.project.db, later).run.n_arrived == len(before[card])


def test_labels_that_came_when_the_cards_were_cut_are_told_until_they_name_some(heaps: Heaps, ada: Person) -> None:
    db, later = heaps.project.db, heaps.heap(0)[:6]
    db.execute("update object set depth_min_m = 5, depth_max_m = 5 where id = any(%s)", [heaps.heap(0)[6:]])
    run = heaps.cut("depth=5..5")
    assert told.page(db, run).run.n_labels_since == 0
    heaps.project.do(ada, later, taxon="Oithona")
    db.commit()
    assert told.page(db, run).run.n_labels_since == 6
    again = heaps.cut("depth=5..5")
    shown = told.page(db, again)
    assert shown.run.n_labels_since == 0 and shown.cards[0].proposals[0].taxon == "Oithona"


def test_cards_are_opened_as_one_batch_of_what_is_left(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    project = as_member(heaps, ada)
    heaps.project.do(ada, heaps.heap(1)[:4], taxon="Oithona")
    one, other = heap_card(heaps, run, 1), heap_card(heaps, run, 2)
    batch = make_batch(heaps.project.db, project, ada, Source("cluster", {"cluster_ids": [one, other]}))
    parts = heaps.project.db.execute("select object_ids from batch_part where batch_id = %s", [batch.id]).fetchall()
    assert sorted(id for part in parts for id in part.object_ids) == sorted(heaps.heap(1)[4:] + heaps.heap(2))
    assert batch.n == 56 and "2 cards of 56 objects: Oithona" in batch.title
    alone = make_batch(heaps.project.db, project, ada, Source("cluster", {"cluster_ids": [one]}))
    assert alone.taxon_id == heaps.project.taxa["Oithona"]


def test_a_card_grows_by_what_is_most_like_it_and_not_in_it(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=13)
    project = as_member(heaps, ada)
    members = heaps.members(run)
    card = next(card for card, ids in members.items() if len(ids) < 25)
    heap = heaps.heap_of[members[card][0]]
    grow = Source("cluster", {"cluster_ids": [card], "beyond": True})
    batch = make_batch(heaps.project.db, project, ada, grow, "alike", 5)
    parts = heaps.project.db.execute("select object_ids from batch_part where batch_id = %s", [batch.id]).fetchall()
    found = [id for part in parts for id in part.object_ids]
    assert len(found) == 5 and not set(found) & set(members[card])
    assert {heaps.heap_of[id] for id in found} == {heap}


def test_cards_of_another_project_are_not_found(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut()
    card = next(iter(heaps.members(run)))
    with pytest.raises(NotFound):
        source.run_of(heaps.project.db, heaps.project.id + 1, [card])


def test_cards_that_were_seen_whole_are_named_at_once_and_undone_in_turn(heaps: Heaps, ada: Person) -> None:
    db, project = heaps.project.db, heaps.project
    run = heaps.cut(n_wanted=5)
    one, other = heap_card(heaps, run, 1), heap_card(heaps, run, 2)
    seen = heaps.heap(1) + heaps.heap(2)
    word = Naming(uuid4(), [one, other], project.taxa["Oithona"], seen)
    outcome = name(db, project, ada, run, word)
    assert sorted(now.id for now in outcome.changed) == sorted(seen) and not outcome.refused
    assert [now.id for now in name(db, project, ada, run, word).changed] == sorted(seen)
    assert project.label(seen[0]).provenance == "batch"
    assert {one, other}.isdisjoint(cards_of(heaps, run))

    turned = undo(db, project, ada, run, uuid4())
    assert sorted(turned.objects) == sorted(seen) and project.seen(seen[0])[0] == "U"
    assert {one, other} <= set(cards_of(heaps, run))
    redo(db, project, ada, run, uuid4())
    assert project.seen(seen[0])[:2] == ("V", "Oithona")


def test_what_was_not_seen_is_not_named(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    card = heap_card(heaps, run, 1)
    word = Naming(uuid4(), [card], heaps.project.taxa["Oithona"], heaps.heap(1)[:-1])
    with pytest.raises(Conflict, match="1 of the 30 objects in these cards were not seen"):
        name(heaps.project.db, heaps.project, ada, run, word)
    assert heaps.project.label(heaps.heap(1)[0]) is None


def test_objects_that_were_deleted_are_passed_over(heaps: Heaps) -> None:
    run = heaps.cut(n_wanted=5)
    gone = heaps.heap(0)
    heaps.project.db.execute("delete from object where id = any(%s)", [gone])
    heaps.project.db.execute("update project set data_version = data_version + 1")
    assert sum(card.n for card in cards_of(heaps, run).values()) == 120


def test_a_filter_that_cannot_be_obeyed_is_refused(heaps: Heaps) -> None:
    with pytest.raises(Refused, match="cannot be obeyed"):
        heaps.ask("sample=77")
    with pytest.raises(Refused, match="copepods cannot be obeyed"):
        heaps.ask("copepods")


def test_a_reference_is_not_heard_on_cards_that_are_far_from_all_that_it_knows(
    db: Db, database_url: str, own_home: Path, ada: Person
) -> None:
    """Both references lie in the loose cards; but what the first knows is alike, and no card is like that."""
    loose = make_heaps(db, database_url, own_home, n_heaps=1, size=40)
    vectors = unit_vectors(40, 16, seed=7)
    db.execute("delete from object_vector")
    add_vectors(db, loose.embedder_id, loose.project.id, loose.project.ids, vectors)
    close = vectors[:1] + 0.02 * unit_vectors(40, 16, seed=8)
    for title, taxon, made in (
        ("Far", "fiber", -close),
        ("Near", "Oithona", vectors + 0.1 * unit_vectors(40, 16, seed=9)),
    ):
        other = make_project(db, 40, title, visibility="accounts")
        add_vectors(db, loose.embedder_id, other.id, other.ids, made / np.linalg.norm(made, axis=1, keepdims=True))
        other.do(ada, other.ids, taxon=taxon)
        db.execute(
            "insert into project_reference (project_id, reference_id) values (%s, %s)", [loose.project.id, other.id]
        )
    db.commit()
    run = loose.cut(n_wanted=1)
    (card,) = Board(db, run, ada.id).cards(np.array([0]))
    assert [one.taxon for one in card.proposals] == ["Oithona"]


def test_a_reference_names_cards_before_anything_is_labelled_for_who_may_read_it(
    heaps: Heaps, ada: Person, ben: Person
) -> None:
    db = heaps.project.db
    atlas = make_project(db, 20, "Atlas")
    like = db.execute(
        "select v from object_vector where project_id = %s and object_id = any(%s) order by object_id",
        [heaps.project.id, heaps.heap(2)[:20]],
    ).fetchall()
    add_vectors(db, heaps.embedder_id, atlas.id, atlas.ids, np.array([row.v.to_numpy() for row in like]))
    atlas.do(ada, atlas.ids, taxon="Oithona")
    set_member(db, atlas.id, ada.id, "visitor")
    db.execute("insert into project_reference (project_id, reference_id) values (%s, %s)", [heaps.project.id, atlas.id])
    run = heaps.cut(n_wanted=5)
    card_id = heap_card(heaps, run, 2)

    def proposed(who: Person) -> list[str]:
        board = Board(db, runs.find(db, heaps.project.id, run.id), who.id)
        there = [card_id] if card_id in board.layout.card_ids else board.layout.card_ids[-2:].tolist()
        return [proposal.taxon for card in board.cards(board.places_of(there)) for proposal in card.proposals]

    assert proposed(ada) == ["Oithona"]
    assert proposed(ben) == []
    split = Step(uuid4(), "split", [card_id], parts=2)
    take(db, runs.find(db, heaps.project.id, run.id), ada, split)
    assert set(proposed(ada)) == {"Oithona"}
    atlas.do(ada, atlas.ids, taxon="fiber")
    assert set(proposed(ada)) == {"fiber < detritus"}
    db.execute("delete from project_reference")
    assert proposed(ada) == []
