"""What the documentation says of each kind of source is what the kind takes."""

import re

import pytest

import app.main  # noqa: F401 (registers every kind)
from app.batches.source_fields import FIELDS, described
from app.batches.sources import SOURCES
from app.errors import Refused
from app.labels import runs
from tests.batches.conftest import Worker
from tests.small_projects import predict


def test_each_kind_is_documented_with_the_fields_that_it_takes(mine: Worker) -> None:
    assert set(FIELDS) == set(SOURCES)
    for name, kind in SOURCES.items():
        with pytest.raises(Refused) as refused:
            kind.find(mine.db, mine.project, mine.person, {"bogus": 1}, 10)
        listed = re.search(r"It may have (.*)\.$", refused.value.sentence)
        assert listed, name
        assert set(FIELDS[name]) == set(listed[1].split(", ")) - {"none"}, name
        assert f"`{name}`: " in described()


def test_predicted_objects_are_cut_to_a_range_of_scores(mine: Worker) -> None:
    run_id = predict(mine.small, dict.fromkeys(mine.small.ids[:6], "Oithona"), score=0.8)
    runs.publish(mine.db, mine.small, run_id)
    asked = {"taxon_id": mine.small.taxa["Oithona"]}
    assert mine.make("predicted", args={**asked, "min_score": 0.5, "max_score": 0.9}).n == 6
    assert mine.make("predicted", args={**asked, "max_score": 0.5}).n == 0
    with pytest.raises(Refused, match="exchange"):
        mine.make("predicted", args={**asked, "min_score": 0.9, "max_score": 0.5})
