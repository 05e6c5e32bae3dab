"""What an address keeps of a project's objects, and how it is said again."""

import numpy as np
import pytest

from app.database import Db
from app.labels import runs
from app.objects.filters import Filter, address, read_filter
from app.search.mirror import open_mirror
from tests.small_projects import Person, SmallProject, predict


def pairs_of(query: str) -> list[tuple[str, str]]:
    return [tuple(pair.split("=", 1)) for pair in query.split("&") if pair]


def kept(db: Db, small: SmallProject, query: str) -> list[int]:
    """Places, from 0, of the objects that a filter keeps."""
    filter = read_filter(db, small.id, pairs_of(query.format(**small.taxa)))
    return np.flatnonzero(open_mirror(db, small.id).mask(db, filter)).tolist()


@pytest.fixture
def labelled(db: Db, small: SmallProject, ada: Person, ben: Person) -> SmallProject:
    """Objects 0-2 Oithona similis by Ada, 3 Oithona dubious by Ben, 4 fiber by Ben, 5 predicted Calanoida."""
    small.do(ada, small.ids[:3], taxon="Oithona similis")
    small.do(ben, small.ids[3:4], taxon="Oithona", status="D")
    small.do(ben, small.ids[4:5], taxon="fiber")
    runs.publish(db, small, predict(small, {small.ids[5]: "Calanoida", small.ids[0]: "fiber"}))
    return small


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("taxon={Oithona}", [0, 1, 2, 3]),
        ("taxon={Oithona}&children=0", [3]),
        ("taxon={Copepoda}", [0, 1, 2, 3, 5]),
        ("taxon={Oithona}&taxon={fiber}", [0, 1, 2, 3, 4]),
        ("taxon={Copepoda}&status=P", [5]),
        ("taxon={fiber}", [4]),
        ("predicted={fiber}", [0]),
        ("predicted={Copepoda}&predicted={fiber}", [0, 5]),
        ("predicted={fiber}&status=V&children=0", [0]),
        ("predicted=0&status=D", [3]),
        ("status=D&status=P", [3, 5]),
        ("taxon=0&f.depth_min_m=..8", [6, 7]),
        ("f.area=7..7", [0, 13, 26]),
        ("f.area=7", [0, 13, 26]),
        ("f.area=12..&f.depth_min_m=..20", [10]),
        ("f.note==note 1&f.depth_min_m=..10", [0, 3, 6]),
        ("f.note=~NOTE&status=V", [0, 1, 2]),
        ("f.sample.station==st2&f.depth_min_m=..22", [20, 21]),
        ("f.area=nonsense&status=D", [3]),
    ],
)
def test_conditions_of_one_kind_add_and_of_several_kinds_narrow(
    db: Db, labelled: SmallProject, query: str, expected: list[int]
) -> None:
    assert kept(db, labelled, query) == expected


def test_people_are_those_who_labelled_last(db: Db, labelled: SmallProject, ada: Person, ben: Person) -> None:
    labelled.do(ben, labelled.ids[:1], "confirm")
    assert kept(db, labelled, f"who={ada.id}") == [1, 2]
    assert kept(db, labelled, f"who={ben.id}") == [0, 3, 4]


def test_samples_of_other_projects_and_strangers_are_invalid_and_tell_no_name(db: Db, labelled: SmallProject) -> None:
    from tests.small_projects import make_person, make_project

    stranger, other = make_person(db, "Stranger"), make_project(db, 1, "Other")
    sample = db.execute("select id from sample where project_id = %s", [other.id]).fetchone().id
    filter = read_filter(db, labelled.id, [("who", str(stranger.id)), ("sample", str(sample))])
    assert [bool(chip.invalid) for chip in filter.chips] == [True, True]
    assert "Stranger" not in str(filter.chips)
    assert (filter.accounts, filter.samples) == (frozenset(), frozenset())


def test_chips_say_what_is_kept_in_words(db: Db, labelled: SmallProject, ada: Person) -> None:
    query = f"taxon={labelled.taxa['fiber']}&status=V&who={ada.id}&f.area=1..5&f.area=..5&f.note=~x"
    filter = read_filter(db, labelled.id, pairs_of(query))
    assert [(chip.label, chip.value) for chip in filter.chips] == [
        ("taxon", "fiber < detritus"), ("status", "validated"), ("labelled by", "Ada"), ("area", "1 to 5"),
        ("area", "at most 5"), ("note", "contains “x”"),
    ]  # fmt: skip


def test_a_filter_said_again_is_the_same(db: Db, labelled: SmallProject) -> None:
    query = pairs_of(f"f.note=~a b&taxon={labelled.taxa['Oithona']}&status=U&f.nothing=1..2&children=0")
    filter = read_filter(db, labelled.id, query)
    assert sorted(filter.to_query()) == sorted(query)
    assert read_filter(db, labelled.id, filter.to_query()) == filter
    assert address("/x", filter.to_query()).startswith("/x?f.note=~a+b&taxon=")


def test_a_row_is_checked_as_the_mask_is(db: Db, labelled: SmallProject, ada: Person) -> None:
    filter = Filter(taxa=frozenset({7}), statuses=frozenset("VD"), accounts=frozenset({ada.id}))
    assert filter.keeps("V", 7, ada.id)
    assert not filter.keeps("V", 8, ada.id)
    assert not filter.keeps("P", 7, ada.id)
    assert not filter.keeps("V", 7, None)
    assert not Filter(validated_only=True).keeps("D", 7, None)
