"""Batches of a filter: what their objects are expected to be, where the filter says it."""

import pytest

from app.labels import runs
from tests.batches.conftest import Worker, ids_of
from tests.small_projects import predict


@pytest.fixture
def predicted(mine: Worker) -> Worker:
    """The first 20 objects are predicted as Oithona, the next 20 as Calanoida; both are Copepoda."""
    ids = mine.small.ids
    run_id = predict(mine.small, dict.fromkeys(ids[:20], "Oithona") | dict.fromkeys(ids[20:40], "Calanoida"))
    runs.publish(mine.db, mine.small, run_id)
    mine.db.commit()
    return mine


def asked(worker: Worker, taxon: str, status: str = "&status=P") -> str:
    return f"taxon={worker.small.taxa[taxon]}{status}"


def test_a_filter_of_one_predicted_taxon_expects_it_and_leaves_out_what_was_refused_for_it(predicted: Worker) -> None:
    batch = predicted.make(query=asked(predicted, "Oithona"))
    assert (batch.n, batch.taxon_id) == (20, predicted.small.taxa["Oithona"])
    page = predicted.page(batch, 20)
    refused = ids_of(page)[:3]
    predicted.apply(batch, page, [], not_this=refused)
    again = predicted.make(query=asked(predicted, "Oithona"))
    assert again.n == 17
    assert not set(refused) & set(ids_of(predicted.page(again, 20)))


@pytest.mark.parametrize(("taxon", "status"), [("Copepoda", "&status=P"), ("Oithona", "")])
def test_what_is_predicted_as_something_narrower_or_not_predicted_alone_is_named_by_each_act(
    predicted: Worker, taxon: str, status: str
) -> None:
    batch = predicted.make(query=asked(predicted, taxon, status))
    assert batch.n in (20, 40)
    assert batch.taxon_id is None


def test_the_name_of_a_batch_says_of_which_column_a_condition_is(predicted: Worker) -> None:
    predicted.db.execute("update object set depth_min_m = 5, depth_max_m = 5")
    predicted.db.commit()
    batch = predicted.make(query=f"{asked(predicted, 'Oithona')}&depth=1..20")
    assert batch.title == "Filter: Oithona, predicted, depth 1 to 20 m"
