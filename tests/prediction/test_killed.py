"""A worker is killed while it predicts: nobody sees half a run, and another goes on from the last piece."""

from collections.abc import Iterator

import pytest

from app.prediction import summaries
from tests.jobs.conftest import StartWorker, has_ended, wait_for, workers
from tests.prediction.reef import N_LABELLED, N, Reef, ada, ben, own_home, reef

__all__ = ["ada", "ben", "own_home", "reef"]
N_FREE = N - N_LABELLED


@pytest.fixture
def start_worker(reef: Reef) -> Iterator[StartWorker]:
    yield from workers(reef.settings, "tests.prediction.slow_worker")


def written(reef: Reef, run_id: int) -> dict[int, str]:
    """By which transaction each row was."""
    rows = reef.db.execute("select object_id, xmin::text as tx from prediction where run_id = %s", [run_id])
    return {row.object_id: row.tx for row in rows}


def test_half_a_run_is_seen_by_nobody_and_a_killed_job_goes_on(reef: Reef, start_worker: StartWorker) -> None:
    former = reef.predict(filter_query="status=U")
    before = reef.counts()
    first = start_worker()
    run_id, job_id = reef.start()
    wait_for(reef.db, job_id, lambda row: row.done >= 15)
    first.kill()
    first.wait()
    half, by_first = reef.rows(run_id), written(reef, run_id)
    assert 15 <= len(half) < N_FREE and len(half) % 5 == 0
    assert reef.shown() == former and reef.counts() == before
    second = start_worker()
    ended = wait_for(reef.db, job_id, has_ended)
    assert (ended.status, ended.crashes, ended.done, ended.total) == ("done", 1, N_FREE, N_FREE), ended.error
    rows = reef.rows(run_id)
    assert list(rows) == reef.ids[N_LABELLED:]
    assert {i: rows[i] for i in half} == half and {i: written(reef, run_id)[i] for i in half} == by_first
    assert reef.shown() == run_id and second.poll() is None
    assert summaries.read(reef.run(run_id).summary).n == reef.run(run_id).n_predictions == N_FREE
    reef.counts()
