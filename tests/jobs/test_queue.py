"""Queueing happens in the transaction of the one who asks."""

import threading

import pytest

from app import database
from app.database import Db
from app.errors import Conflict
from app.jobs.queue import UNASKED, cancel, enqueue, retry
from app.jobs.run import claim, end


def put(db: Db, to: int = 3, **given: object) -> int:
    return enqueue(db, "count", "Count", None, None, {"to": to, "file": "x"}, **given)


def queued(db: Db) -> list[int]:
    rows = db.execute("select args from procrastinate_jobs where task_name = 'run_job' order by id")
    return [row.args["job_id"] for row in rows]


def test_a_job_is_queued_with_the_transaction(db: Db, database_url: str) -> None:
    job_id = put(db)
    with database.connect(database_url) as other:
        assert queued(other) == []
        db.commit()
    with database.connect(database_url) as other:
        assert queued(other) == [job_id]


def test_a_rolled_back_transaction_queues_nothing(db: Db) -> None:
    put(db)
    db.rollback()
    assert queued(db) == []
    assert db.execute("select count(*) from job").fetchone()[0] == 0


def test_the_same_work_is_queued_once_and_other_work_beside_it(db: Db) -> None:
    first = put(db, to=3)
    assert put(db, to=3) == first
    assert put(db, to=4) != first
    assert len(queued(db)) == 2


def test_two_who_ask_for_the_same_at_once_get_one_job(db: Db, database_url: str) -> None:
    first, got = put(db), []

    def ask() -> None:
        with database.connect(database_url) as other:
            got.append(put(other))

    second = threading.Thread(target=ask)
    second.start()
    second.join(0.3)
    assert second.is_alive(), "the second waits until it is certain that the first is queued"
    db.commit()
    second.join(10)
    assert got == [first]


def test_waiting_work_does_not_begin_before_the_one_who_relies_on_it_has_committed(db: Db, database_url: str) -> None:
    job_id = put(db)
    db.commit()
    assert put(db) == job_id
    begun = []

    def begin() -> None:
        with database.connect(database_url) as worker:
            begun.append(claim(worker, job_id))

    worker = threading.Thread(target=begin)
    worker.start()
    worker.join(0.3)
    assert not begun
    db.commit()
    worker.join(10)
    assert begun[0].status == "running"


def test_work_that_already_runs_is_queued_again(db: Db) -> None:
    first = put(db)
    db.execute("update procrastinate_jobs set status = 'doing'")
    claim(db, first)
    assert put(db) != first


def taken(db: Db) -> int:
    """Which job a worker that has a hand free takes."""
    return db.execute("select args from procrastinate_fetch_job_v2(array['default'], null)").fetchone().args["job_id"]


def test_what_nobody_asked_for_waits_for_what_somebody_did_also_once_it_was_put_back(db: Db) -> None:
    unasked = put(db, to=1, priority=UNASKED)
    assert taken(db) == unasked
    claim(db, unasked)
    end(db, unasked, 1, "queued", "")
    db.commit()
    asked = put(db, to=2)
    assert [taken(db), taken(db)] == [asked, unasked]


def test_a_waiting_job_is_cancelled_at_once_and_leaves_the_queue(db: Db) -> None:
    job_id = put(db)
    assert cancel(db, job_id) == "cancelled"
    assert queued(db) == []
    assert claim(db, job_id) is None
    with pytest.raises(Conflict):
        cancel(db, job_id)


def test_a_retry_is_a_new_job_with_the_same_arguments(db: Db) -> None:
    job_id = put(db)
    with pytest.raises(Conflict):
        retry(db, job_id, None)
    cancel(db, job_id)
    again = retry(db, job_id, None)
    assert again != job_id
    old, new = db.execute("select kind, title, args, lock from job order by id").fetchall()
    assert old == new
