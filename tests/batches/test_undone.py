"""Undo and redo in a batch: the page is in hand again as it was, or done again as it was done."""

from uuid import uuid4

from app.batches import page_marks, turning, work
from app.batches.batch import Batch, find_batch
from app.labels.undo import redo, undo
from tests.batches.conftest import N, Worker, ids_of, stroke
from tests.small_projects import SmallProject


def test_a_line_that_an_act_brings_is_there_again_after_its_undo(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    mine.look(batch, page)
    act = mine.act(page, ids_of(page)[:4], "Oithona", line=4)
    work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
    undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 10)
    assert (ids_of(again), again.line) == (ids_of(page), 4)


def test_a_page_is_turned_where_nothing_is_left_on_it_and_comes_back_by_undo(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    for some in (ids[:4], ids[4:]):
        act = stroke(page, some, small.taxa["fiber"])
        work.apply_single(mine.db, mine.project, mine.person, batch.id, act)
    following = mine.page(batch, 10)
    assert (following.number, len(following.tiles)) == (2, 10)
    undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 10)
    assert (again.number, ids_of(again)) == (1, ids[4:])
    redo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids_of(following)


def test_undo_brings_the_page_back_with_its_marks_and_redo_turns_it_again(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.apply(batch, page, ids[:4], "Oithona", not_this=ids[4:6])
    following = mine.page(batch, 10)
    undone = undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 10)
    assert (undone.batch_id, undone.page) == (batch.id, 1)
    assert (again.number, ids_of(again)) == (1, ids)
    assert [tile["mark"] for tile in again.tiles] == [1] * 4 + [2] * 2 + [0] * 4
    assert (again.batch.n_labelled, again.batch.n_tray) == (0, 0)
    done_again = redo(mine.db, mine.project, mine.person, uuid4())
    assert (done_again.batch_id, done_again.page) == (batch.id, 1)
    after = mine.page(batch, 10)
    assert (after.number, ids_of(after)) == (2, ids_of(following))
    assert (after.batch.n_labelled, after.batch.n_tray) == (6, 4)


def test_an_act_that_only_refuses_can_be_undone_and_done_again(mine: Worker, small: SmallProject) -> None:
    batch = mine.make(taxon_id=small.taxa["Oithona"])
    page = mine.page(batch, 10)
    worked = mine.apply(batch, page, [], not_this=ids_of(page)[:3])
    assert worked.outcome.undo.undo is not None
    assert worked.outcome.undo.undo.label == "not Oithona"
    assert worked.batch.n_labelled == 3
    undo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids_of(page)
    again = redo(mine.db, mine.project, mine.person, uuid4())
    assert again.page == 1
    assert find_batch(mine.db, small.id, batch.id).n_labelled == 3


def act_on_six(mine: Worker) -> tuple[Batch, list[int]]:
    """A batch in which four of a page of ten were labelled and two refused, and this page's objects."""
    batch = mine.make(order="alike")
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.apply(batch, page, ids[:4], "Oithona", not_this=ids[4:6])
    return batch, ids


def counts(mine: Worker, batch: Batch) -> tuple[int, int, int]:
    """How many wait, stand in the tray, and were labelled or refused."""
    told = find_batch(mine.db, mine.small.id, batch.id)
    return told.n_waiting, told.n_tray, told.n_labelled


def all_to_come(mine: Worker, batch: Batch) -> set[int]:
    """Every object that the batch still shows, page by page."""
    come: list[int] = []
    while (page := mine.page(batch, 30)).number is not None:
        come += ids_of(page)
        turning.pass_page(mine.db, mine.project, mine.person, batch.id, page.number)
    assert len(come) == len(set(come))
    return set(come)


def test_redo_does_what_the_act_did_whatever_was_marked_since(mine: Worker, small: SmallProject) -> None:
    batch, ids = act_on_six(mine)
    undo(mine.db, mine.project, mine.person, uuid4())
    marks = {ids[0]: 0, ids[4]: 1, ids[7]: 1}
    page_marks.keep_marks(mine.db, mine.project, mine.person, batch.id, 1, marks, line=None)
    redo(mine.db, mine.project, mine.person, uuid4())
    assert counts(mine, batch) == (N - 10, 4, 6)
    tray = turning.open_tray(mine.db, mine.project, mine.person, batch.id)
    assert set(ids_of(mine.page(tray))) == set(ids[6:])


def test_what_needed_no_change_leaves_with_the_redo_too(mine: Worker, small: SmallProject) -> None:
    small.do(mine.person, small.ids[:3], taxon="Oithona")
    batch = mine.make("filter", query="", order="alike", limit=10)
    page = mine.page(batch, 10)
    mine.apply(batch, page, small.ids[:6], "Oithona")
    assert counts(mine, batch) == (0, 4, 6)
    undo(mine.db, mine.project, mine.person, uuid4())
    redo(mine.db, mine.project, mine.person, uuid4())
    assert counts(mine, batch) == (0, 4, 6)


def test_an_act_whose_page_is_gone_for_another_order_is_done_again_and_undone(
    mine: Worker, small: SmallProject
) -> None:
    """The first page of the new order has the number of the one that is gone."""
    batch, ids = act_on_six(mine)
    undo(mine.db, mine.project, mine.person, uuid4())
    turning.set_order(mine.db, mine.project, mine.person, batch.id, "extremes")
    assert mine.page(batch, 10).number == 1
    redo(mine.db, mine.project, mine.person, uuid4())
    assert counts(mine, batch) == (N - 6, 0, 6)
    assert small.seen(ids[0])[:2] == ("V", "Oithona")
    undo(mine.db, mine.project, mine.person, uuid4())
    assert counts(mine, batch) == (N, 0, 0)
    redo(mine.db, mine.project, mine.person, uuid4())
    assert all_to_come(mine, batch) == set(small.ids) - set(ids[:6])


def test_a_tile_that_was_labelled_alone_waits_again_where_its_page_is_gone(mine: Worker, small: SmallProject) -> None:
    batch = mine.make(order="alike")
    page = mine.page(batch, 10)
    mine.look(batch, page)
    one = ids_of(page)[2]
    work.apply_single(mine.db, mine.project, mine.person, batch.id, stroke(page, [one], small.taxa["fiber"]))
    turning.set_order(mine.db, mine.project, mine.person, batch.id, "least")
    undo(mine.db, mine.project, mine.person, uuid4())
    assert counts(mine, batch) == (N, 0, 0)
    redo(mine.db, mine.project, mine.person, uuid4())
    assert all_to_come(mine, batch) == set(small.ids) - {one}


def test_a_page_that_came_back_is_kept_from_other_people(mine: Worker, theirs: Worker) -> None:
    _, ids = act_on_six(mine)
    undo(mine.db, mine.project, mine.person, uuid4())
    others = theirs.make(order="alike")
    assert not set(ids) & set(ids_of(theirs.page(others, 60)))
