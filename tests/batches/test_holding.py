"""What one has before one, and what comes next, is kept from other people for a while, and never longer than that."""

import pytest

from app.batches import turning
from app.batches.batch import Batch
from app.database import Db
from app.errors import Forbidden
from tests.batches.conftest import N, Worker, ids_of
from tests.small_projects import SmallProject


def kept_for(db: Db, batch: Batch) -> set[int]:
    """Objects that are kept for a batch now."""
    rows = db.execute("select object_id from reservation where batch_id = %s and until > now()", [batch.id])
    return {row.object_id for row in rows}


def test_two_people_get_different_objects(mine: Worker, theirs: Worker, small: SmallProject) -> None:
    mine_first, theirs_first = mine.make(order="alike"), theirs.make(order="alike")
    ids = ids_of(mine.page(mine_first, 10))
    page = theirs.page(theirs_first, 10)
    assert len(page.tiles) == 10
    assert not set(ids) & set(ids_of(page))
    assert [(holder.account, holder.n) for holder in page.held] == [("Ada", 30)]
    kept = mine.db.execute(
        "select array_agg(object_id) from reservation where batch_id = %s", [mine_first.id]
    ).fetchone()[0]
    assert len(kept) == 30
    assert not set(kept) & set(ids_of(page))


def test_what_somebody_else_holds_comes_when_it_is_free_again(
    mine: Worker, theirs: Worker, small: SmallProject, db: Db
) -> None:
    mine_first = mine.make()
    mine.page(mine_first, N)
    batch = theirs.make()
    empty = theirs.page(batch, 40)
    assert (empty.number, empty.held[0].account, empty.held[0].n) == (None, "Ada", N)
    db.execute("update reservation set until = now() - interval '1 second'")
    late = theirs.page(batch, 40)
    assert len(late.tiles) == 40
    page = mine.page(mine_first, N)
    worked = mine.apply(mine_first, page, ids_of(page)[:4], "Oithona")
    assert len(worked.outcome.changed) == 4
    assert sum(holder.n for holder in worked.late) > 0


def test_a_manager_takes_a_batch_over_with_what_is_kept_for_it(mine: Worker, theirs: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    assert ids_of(theirs.page(batch, 10)) == ids_of(page)
    with pytest.raises(Forbidden, match="is Ada's to work"):
        theirs.look(batch, page)
    taken = turning.take_over(theirs.db, theirs.project, theirs.person, batch.id)
    assert taken.account == "Ben"
    theirs.apply(batch, theirs.page(batch, 10), ids_of(page)[:2], "Oithona")
    with pytest.raises(Forbidden, match="is Ben's to work"):
        mine.look(batch, page)


def test_working_renews_what_is_kept_and_rest_ends_it(mine: Worker, theirs: Worker, db: Db) -> None:
    batch = mine.make()
    page = mine.page(batch, 40)
    db.execute("update reservation set until = now() + interval '2 minutes'")
    mine.look(batch, page)
    row = db.execute("select min(until) > now() + interval '19 minutes' as renewed from reservation").fetchone()
    assert row.renewed
    db.execute("update reservation set until = now() - interval '1 second'")
    other = theirs.make()
    assert len(theirs.page(other, 40).tiles) == 40
    before = kept_for(db, other)
    mine.look(batch, page)
    assert kept_for(db, other) == before


def test_who_comes_back_after_a_rest_keeps_what_nobody_has_taken(mine: Worker, theirs: Worker, db: Db) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    before = kept_for(db, batch)
    db.execute("update reservation set until = now() - interval '1 second'")
    other = theirs.make(limit=50)
    taken = kept_for(db, other)
    assert len(before) == 30 and kept_for(db, batch) == set()
    mine.look(batch, page)
    assert kept_for(db, batch) == before - taken
    assert kept_for(db, other) == taken and before & taken and before - taken


def test_no_more_than_three_pages_are_kept_however_much_of_the_list_is_gone(
    mine: Worker, db: Db, small: SmallProject
) -> None:
    batch = mine.make(order="alike")
    first = ids_of(mine.page(batch, 70))
    db.commit()
    small.do(mine.person, first, taxon="fiber")
    db.commit()
    page = mine.page(batch, 5)
    assert len(page.tiles) == 5 and not set(ids_of(page)) & set(first)
    assert len(kept_for(db, batch)) == 15
    assert page.batch.n_gone == 70


def test_who_looks_while_the_batch_is_taken_over_does_not_go_on_working_it(
    mine: Worker, theirs: Worker, db: Db
) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    turning.take_over(theirs.db, theirs.project, theirs.person, batch.id)
    again = mine.page(batch, 25)
    assert (again.number, ids_of(again)) == (page.number, ids_of(page))
    assert db.execute("select count(distinct account_id) from reservation").fetchone()[0] == 1


def test_a_page_that_nobody_saw_yet_is_made_anew_where_somebody_labelled_some_of_it(
    mine: Worker, theirs: Worker, db: Db, small: SmallProject
) -> None:
    batch = mine.make(order="alike")
    first = ids_of(mine.page(batch, 10))
    db.commit()
    small.do(theirs.person, first[:3], taxon="fiber")
    db.commit()
    page = mine.page(batch, 10)
    assert ids_of(page)[:7] == first[3:] and len(page.tiles) == 10
    mine.look(batch, page)
    small.do(theirs.person, first[3:5], taxon="fiber")
    db.commit()
    assert ids_of(mine.page(batch, 10)) == ids_of(page)


def test_a_page_that_nobody_saw_yet_goes_to_who_comes_first_after_its_time_ran_out(
    mine: Worker, theirs: Worker, db: Db
) -> None:
    batch = mine.make(order="alike")
    first = ids_of(mine.page(batch, 10))
    db.execute("update batch set used_at = now() - interval '21 minutes'")
    db.execute("update reservation set until = now() - interval '1 minute'")
    other = theirs.make(order="alike")
    assert ids_of(theirs.page(other, 10)) == first
    page = mine.page(batch, 10)
    assert not set(ids_of(page)) & kept_for(db, other)
    assert [(holder.account, holder.n) for holder in page.held] == [("Ben", 30)]
