"""Undo in a batch takes back the person's last step in that batch, and nothing elsewhere; own batches share objects."""

from uuid import uuid4

from app.batches import piles, turning
from app.batches.back import Back, bring_from_pile, take_back
from app.batches.batch import Batch, find_batch
from app.database import Db
from tests.batches.conftest import N, Worker, ids_of
from tests.small_projects import SmallProject


def back(mine: Worker, batch: Batch, in_hand: int | None = None) -> Back:
    return take_back(mine.db, mine.project, mine.person, batch.id, uuid4(), in_hand)


def test_a_page_that_went_to_the_tray_is_in_hand_again_and_an_act_elsewhere_stays(
    mine: Worker, small: SmallProject
) -> None:
    other = mine.make()
    elsewhere = mine.page(other, 5)
    mine.apply(other, elsewhere, ids_of(elsewhere)[:2], "Oithona")
    batch = mine.make()
    first = ids_of(mine.page(batch, 10))
    turning.pass_page(mine.db, mine.project, mine.person, batch.id, 1)
    mine.page(batch, 10)
    assert back(mine, batch, in_hand=2).page == 1
    assert ids_of(mine.page(batch, 10)) == first
    assert find_batch(mine.db, small.id, batch.id).n_tray == 0
    left = back(mine, batch)
    assert (left.page, left.outcome) == (None, None)
    assert left.undo.undo is not None and left.undo.undo.label == "Oithona"
    assert small.seen(ids_of(elsewhere)[0]) == ("V", "Oithona", "Ada")


def test_steps_are_taken_back_from_the_last_one_and_each_once(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    first = mine.page(batch, 10)
    ids = ids_of(first)
    mine.apply(batch, first, ids[:4], "Oithona")
    turning.pass_page(mine.db, mine.project, mine.person, batch.id, 2)
    third = mine.page(batch, 10)
    assert third.number == 3
    assert back(mine, batch, in_hand=3).page == 2
    assert back(mine, batch, in_hand=3).page is not None, "the answer was lost, and the page is in hand already"
    assert mine.page(batch, 10).number == 2
    sent = uuid4()
    for _ in range(2):
        outcome = take_back(mine.db, mine.project, mine.person, batch.id, sent, 2).outcome
        assert outcome is not None and {now.id for now in outcome.changed} == set(ids[:4])
    assert ids_of(mine.page(batch, 10)) == ids
    assert back(mine, batch).outcome is None


def test_what_was_set_aside_is_off_the_pile_and_on_its_page_again(mine: Worker, small: SmallProject, db: Db) -> None:
    batch = mine.make()
    ids = ids_of(mine.page(batch, 10))
    pile_id = piles.make_pile(db, mine.project, mine.person, uuid4(), "worm-like", ids[:3])
    turning.set_aside(db, mine.project, mine.person, batch.id, ids[:3])
    assert ids_of(mine.page(batch, 10)) == ids[3:]
    bring_from_pile(db, mine.project, mine.person, batch.id, pile_id, ids[:3])
    assert ids_of(mine.page(batch, 10)) == ids
    assert (piles.open_members(db, small.id, pile_id), find_batch(db, small.id, batch.id).n_waiting) == ([], N)


def test_a_page_that_was_set_aside_whole_is_in_hand_again(mine: Worker, small: SmallProject, db: Db) -> None:
    batch = mine.make()
    ids = ids_of(mine.page(batch, 4))
    pile_id = piles.make_pile(db, mine.project, mine.person, uuid4(), "worm-like", ids)
    turning.set_aside(db, mine.project, mine.person, batch.id, ids)
    assert not set(ids) & set(ids_of(mine.page(batch, 4)))
    bring_from_pile(db, mine.project, mine.person, batch.id, pile_id, ids)
    assert ids_of(mine.page(batch, 4)) == ids


def test_what_one_keeps_in_a_batch_is_in_ones_next_batch_too(mine: Worker, theirs: Worker) -> None:
    first = mine.make()
    ids = ids_of(mine.page(first, 20))
    second = mine.make()
    assert (second.n, second.n_waiting) == (N, N)
    assert set(ids_of(mine.page(second, N))) >= set(ids)
    held = theirs.page(theirs.make(), 20)
    assert not set(ids_of(held)) & set(ids)
