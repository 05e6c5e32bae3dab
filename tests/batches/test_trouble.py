"""What goes wrong while a batch is worked: nothing is lost, and it is told."""

import numpy as np
import pytest

from app.batches import turning
from app.database import Db
from app.search import mirror
from tests.batches.conftest import Worker, ids_of
from tests.small_projects import SmallProject


def waiting(worker: Worker, n: int) -> tuple[int, list[int]]:
    """A new batch of all without a label, and its first page."""
    batch = worker.make("filter", query="status=U", order="alike")
    page = worker.page(batch, n)
    return batch.id, ids_of(page)


def test_in_a_small_project_what_one_has_not_before_oneself_yet_is_shared(mine: Worker, theirs: Worker) -> None:
    """Three pages of 60 are kept for Ada, which is more than there is: Ben has the second half all the same."""
    _, hers = waiting(mine, 60)
    _, his = waiting(theirs, 60)
    assert len(hers) == len(his) == 60
    assert not set(hers) & set(his)


def test_where_one_page_is_all_there_is_the_other_person_is_told_who_holds_it(mine: Worker, theirs: Worker) -> None:
    _, hers = waiting(mine, 120)
    batch = theirs.make("filter", query="status=U")
    page = theirs.page(batch, 60)
    assert len(hers) == 120 and page.number is None
    assert [(holder.account, holder.n) for holder in page.held] == [(mine.person.name, 120)]


def test_what_was_shared_comes_back_to_who_is_first_done(mine: Worker, theirs: Worker) -> None:
    """Each works on what the other has not in hand, until both have nothing left: nothing twice, nothing left over."""
    workers, seen = (mine, theirs), []
    batches = [worker.make("filter", query="status=U") for worker in workers]
    mine.db.commit()
    for turn in range(40):
        worker, batch = workers[turn % 2], batches[turn % 2]
        page = worker.page(batch, 25)
        if page.number is None:
            break
        seen += ids_of(page)
        worker.apply(batch, page, ids_of(page), "Oithona")
    assert len(seen) == len(set(seen)) == 120


def test_a_reservation_that_ran_out_loses_nothing_and_the_second_person_is_told(
    mine: Worker, theirs: Worker, db: Db, small: SmallProject
) -> None:
    batch = mine.make("filter", query="status=U", order="alike")
    page = mine.page(batch, 10)
    db.execute("update reservation set until = now() - interval '1 second'")
    others = theirs.make("filter", query="status=U", order="alike")
    other = theirs.page(others, 10)
    assert set(ids_of(other)) == set(ids_of(page))
    theirs.apply(others, other, ids_of(other)[:4], "fiber")
    worked = mine.apply(batch, page, ids_of(page), "Oithona")
    late = set(ids_of(other)[:4])
    assert {now.id for now in worked.outcome.changed} == set(ids_of(page)) - late
    assert {left.id for left in worked.outcome.refused} == late
    assert {small.seen(id)[1] for id in late} == {"fiber < detritus"}


def test_what_is_deleted_under_ones_hands_is_told_and_the_rest_is_labelled(
    mine: Worker, db: Db, small: SmallProject
) -> None:
    batch = mine.make("filter", query="status=U", order="alike")
    page = mine.page(batch, 10)
    gone = [*ids_of(page)[:2], *[id for id in small.ids if id not in ids_of(page)][:2]]
    db.execute("delete from object where project_id = %s and id = any(%s)", [small.id, gone])
    mirror.forget()
    worked = mine.apply(batch, page, ids_of(page), "Oithona")
    assert {now.id for now in worked.outcome.changed} == set(ids_of(page)) - set(gone)
    assert {left.id for left in worked.outcome.refused} == set(gone[:2])
    rest: list[int] = []
    while (page := mine.page(batch, 50)).number is not None:
        rest += ids_of(page)
        turning.pass_page(mine.db, mine.project, mine.person, batch.id, page.number)
    assert not set(rest) & set(gone) and len(rest) == 120 - 10 - 2


@pytest.mark.parametrize("order", ["neighbours", "alike", "least", "extremes"])
@pytest.mark.parametrize("equal", [False, True])
def test_in_every_order_each_object_comes_once(
    mine: Worker, db: Db, small: SmallProject, vectors: np.ndarray, order: str, equal: bool
) -> None:
    """Those without a vector too, and where all vectors are the same."""
    if equal:
        db.execute("update object_vector set v = (select v from object_vector limit 1)")
    batch = mine.make("examples", ids=small.ids[:2], order=order)
    come: list[int] = []
    while (page := mine.page(batch, 13)).number is not None:
        come += ids_of(page)
        turning.pass_page(mine.db, mine.project, mine.person, batch.id, page.number)
    assert len(come) == len(set(come)) == batch.n
    assert set(come) <= set(small.ids) - set(small.ids[:2])
