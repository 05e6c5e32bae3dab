"""Several windows and several people at the same moment: everything once, and nobody waits for ever."""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

from app.batches import work
from app.batches.batch import find_batch
from app.batches.page import PageInHand, next_page
from app.batches.work import PageAct, Worked
from app.database import Db
from app.errors import Conflict
from app.labels.undo import undo
from tests.batches.conftest import Worker, ids_of
from tests.labels.test_concurrency import at_once
from tests.small_projects import SmallProject


def apply_in(worker: Worker, batch_id: int, number: int, act: PageAct, db: Db) -> Worked:
    """The same act through another connection."""
    return work.apply_page(db, worker.project, worker.person, batch_id, number, act)


def test_one_act_sent_many_times_at_once_happens_once(
    db: Db, database_url: str, mine: Worker, small: SmallProject
) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    mine.look(batch, page)
    act = mine.act(page, ids_of(page)[:6], "Oithona", not_this=ids_of(page)[6:8])
    db.commit()

    def send(other: Db) -> Worked:
        return work.apply_page(other, mine.project, mine.person, batch.id, 1, act)

    answers = at_once(database_url, [send] * 5)
    assert all(isinstance(answer, Worked) for answer in answers), answers
    assert len({answer.outcome.act_id for answer in answers if isinstance(answer, Worked)}) == 1
    assert db.execute("select count(*) from history").fetchone()[0] == 6
    assert db.execute("select count(*) from refusal").fetchone()[0] == 2


def test_of_two_windows_with_the_same_page_one_is_told_that_it_was_done(
    db: Db, database_url: str, mine: Worker, small: SmallProject
) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    mine.look(batch, page)
    acts = [mine.act(page, ids_of(page)[:6], taxon) for taxon in ("Oithona", "fiber")]
    db.commit()
    works = [lambda other, act=act: work.apply_page(other, mine.project, mine.person, batch.id, 1, act) for act in acts]
    answers = at_once(database_url, works)
    assert sum(isinstance(answer, Worked) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert db.execute("select count(*) from history").fetchone()[0] == 6


def test_undo_and_work_in_one_batch_do_not_wait_for_each_other_for_ever(
    db: Db, database_url: str, mine: Worker, small: SmallProject
) -> None:
    batch = mine.make(order="alike")
    for _ in range(8):
        first = mine.page(batch, 6)
        mine.apply(batch, first, ids_of(first)[:3], "Oithona")
        page = mine.page(batch, 6)
        mine.look(batch, page)
        act = mine.act(page, ids_of(page)[:3], "Oithona")
        db.commit()
        works: list[Callable[[Db], object]] = [
            partial(apply_in, mine, batch.id, page.number, act),
            lambda other: undo(other, mine.project, mine.person, uuid4()),
        ]
        answers = at_once(database_url, works)
        assert [type(answer).__name__ for answer in answers] == ["Worked", "Outcome"]
        told = find_batch(db, small.id, batch.id)
        assert told.n_waiting + told.n_tray + told.n_labelled + told.n_gone == told.n
        db.commit()


def test_two_people_make_pages_at_once_and_share_nothing(
    db: Db, database_url: str, mine: Worker, theirs: Worker, small: SmallProject
) -> None:
    batches = [(worker, worker.make(order="alike")) for worker in (mine, theirs)]
    db.execute("delete from batch_page")
    db.execute("delete from reservation")
    db.commit()
    works: list[Callable[[Db], object]] = [
        lambda other, worker=worker, batch=batch: next_page(other, worker.project, worker.person, batch.id, 15)
        for worker, batch in batches
    ]
    first, second = at_once(database_url, works)
    assert isinstance(first, PageInHand)
    assert isinstance(second, PageInHand)
    assert not set(ids_of(first)) & set(ids_of(second))
    assert len(ids_of(first)) == len(ids_of(second)) == 15


def test_two_people_who_act_at_the_same_moment_do_not_wait_for_each_other_for_ever(
    db: Db, database_url: str, mine: Worker, theirs: Worker, small: SmallProject
) -> None:
    """Each lets go of what the other would come to next."""
    batches = [(worker, worker.make(order="alike")) for worker in (mine, theirs)]
    for _ in range(6):
        works: list[Callable[[Db], object]] = []
        for worker, batch in batches:
            page = worker.page(batch, 8)
            worker.look(batch, page)
            works.append(partial(apply_in, worker, batch.id, page.number, worker.act(page, ids_of(page)[:1], "fiber")))
        db.commit()
        answers = at_once(database_url, works)
        assert [type(answer).__name__ for answer in answers] == ["Worked", "Worked"], answers
