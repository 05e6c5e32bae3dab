"""Every condition of a filter keeps what plain Python keeps of the same objects, alone and with others."""

import random
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from app import database
from app.database import Db
from app.labels.undo import undo
from app.objects.board import page
from app.objects.conditions import CONDITIONS
from app.objects.filters import Filter, read_filter
from app.objects.orders import Order
from app.objects.tally import filtered_counts
from app.projects.access import Project
from app.search.mirror import open_mirror
from tests.objects.varied import MAKERS, all_rows, make_varied, random_condition
from tests.small_projects import Person, SmallProject


@pytest.fixture
def varied(db: Db) -> tuple[SmallProject, list[Person]]:
    return make_varied(db)


def kept_ids(db: Db, project: SmallProject, filter: Filter) -> list[int]:
    mirror = open_mirror(db, project.id)
    return mirror.ids[np.flatnonzero(mirror.mask(db, filter))].tolist()


def checked(db: Db, project: SmallProject, me: Person, query: Any, keeps: Any, rows: list[dict[str, Any]]) -> int:
    filter = read_filter(db, project.id, query, account_id=me.id)
    assert not [chip for chip in filter.chips if chip.invalid], filter.chips
    expected = [row["id"] for row in rows if keeps(row)]
    assert kept_ids(db, project, filter) == expected, query
    for row in rows:  # what the tables are asked again of a row agrees with the mask
        if row["id"] in expected:
            assert filter.keeps(row["status"], row["taxon_id"], row["account_id"], row["provenance"], row["at"]), query
    return len(expected)


def test_every_condition_alone_keeps_what_python_keeps(db: Db, varied: tuple[SmallProject, list[Person]]) -> None:
    project, people = varied
    rows, chance = all_rows(db, project.id), random.Random(2)
    for maker in MAKERS:
        found = [checked(db, project, people[0], *maker(chance, project, people, rows), rows) for _ in range(8)]
        assert 0 < max(found) <= len(rows), f"{maker.__name__} kept nothing in eight tries: the test says little"


@pytest.mark.parametrize("seed", range(4))
def test_conditions_of_several_kinds_narrow_each_other(db: Db, seed: int) -> None:
    project, people = make_varied(db, 80, seed)
    rows, chance = all_rows(db, project.id), random.Random(seed)
    for _ in range(25):
        said = [random_condition(chance, project, people, rows) for _ in range(chance.randrange(2, 4))]
        keys = [{key for key, _ in query} for query, _ in said]
        if sum(map(len, keys)) > len(set().union(*keys)):
            continue  # two of one kind would widen each other
        query = [pair for query, _ in said for pair in query]
        checked(db, project, people[0], query, lambda row: all(keeps(row) for _, keeps in said), rows)  # noqa: B023


def test_all_conditions_of_the_table_are_tried(db: Db, varied: tuple[SmallProject, list[Person]]) -> None:
    project, people = varied
    rows, chance = all_rows(db, project.id), random.Random(3)
    tried = {key[:2] if key.startswith("f.") else key for _ in range(2) for maker in MAKERS
             for key, _ in maker(chance, project, people, rows)[0]}  # fmt: skip
    assert tried - {"children"} == set(CONDITIONS)


def test_masks_follow_labels_comments_and_acts_of_others(
    db: Db, varied: tuple[SmallProject, list[Person]], database_url: str
) -> None:
    """The second answer is made of what was kept from the first, and must not be what it was."""
    project, people = varied
    db.commit()
    ben = people[1]
    queries = [
        [("ever", str(ben.id))], [("who", str(ben.id))], [("comment", "any")], [("provenance", "batch")],
        [("when", "2026-06-01..")], [("status", "V"), ("depth", "0..70")],
    ]  # fmt: skip
    filters = [read_filter(db, project.id, query, account_id=ben.id) for query in queries]
    before = [kept_ids(db, project, filter) for filter in filters]
    with database.connect(database_url) as other:
        theirs = SmallProject(other, project.id, project.ids, project.taxa)
        untouched = [row["id"] for row in all_rows(other, project.id) if ben.id not in row["labellers"]]
        theirs.do(ben, untouched[:5], taxon="Oithona")
        other.execute(
            "insert into comment (project_id, object_id, text) select %s, unnest(%s::bigint[]), 'x'",
            [project.id, project.ids],
        )
    after = [kept_ids(db, project, filter) for filter in filters]
    rows = all_rows(db, project.id)
    assert all(one != two for one, two in zip(before, after, strict=True))
    assert after[0] == [row["id"] for row in rows if ben.id in row["labellers"] or row["account_id"] == ben.id]
    assert after[2] == project.ids


def test_who_undoes_the_act_of_another_has_labelled_nothing(
    db: Db, small: SmallProject, ada: Person, ben: Person
) -> None:
    act = small.do(ada, small.ids[:3], taxon="Oithona")
    undo(db, small, ben, uuid4(), act.act_id, manager=True)
    ever = [read_filter(db, small.id, [("ever", str(person.id))]) for person in (ada, ben)]
    assert [kept_ids(db, small, filter) for filter in ever] == [small.ids[:3], []]


def test_what_a_rolled_back_act_touched_was_never_labelled_by_anybody(
    db: Db, varied: tuple[SmallProject, list[Person]]
) -> None:
    project, people = varied
    db.commit()
    filter = read_filter(db, project.id, [("ever", str(people[2].id))])
    before = kept_ids(db, project, filter)
    project.do(people[2], project.ids, taxon="Oithona")
    assert len(kept_ids(db, project, filter)) > len(before)
    db.rollback()
    assert kept_ids(db, project, filter) == before


def test_the_counts_of_a_filter_are_those_of_its_objects(db: Db, varied: tuple[SmallProject, list[Person]]) -> None:
    project, people = varied
    rows, chance = all_rows(db, project.id), random.Random(4)
    for maker in [*MAKERS, lambda *_: ([], lambda row: True)]:
        query, keeps = maker(chance, project, people, rows)
        counts: dict[tuple[int, str], int] = {}
        for row in filter(keeps, rows):
            counts[row["taxon_id"], row["status"]] = counts.get((row["taxon_id"], row["status"]), 0) + 1
        said = read_filter(db, project.id, query, account_id=people[0].id)
        assert filtered_counts(db, project, said) == counts, query


def test_tiles_of_an_act_are_found_by_its_id(db: Db, small: SmallProject, seen: Project, ada: Person) -> None:
    outcome = small.do(ada, small.ids[3:6], taxon="Oithona")
    said = read_filter(db, small.id, [("act", str(outcome.act_id))])
    assert [chip.value for chip in said.chips] == ["Oithona on 3 objects"]
    assert [tile["id"] for tile in page(db, seen, said, Order()).tiles] == small.ids[3:6]


def test_a_position_on_the_date_line_is_inside_a_box_that_crosses_it(db: Db, small: SmallProject) -> None:
    for place, longitude in enumerate((179.5, -179.5, 170, -170, 0)):
        db.execute(
            "update object set latitude = 10, longitude = %s where project_id = %s and id = %s",
            [longitude, small.id, small.ids[place]],
        )
    across = read_filter(db, small.id, [("place", "0,175,20,-175")])
    assert kept_ids(db, small, across) == small.ids[:2]
    assert kept_ids(db, small, read_filter(db, small.id, [("place", "0,-175,20,175")])) == small.ids[2:5]


def test_times_past_midnight_wrap_round(db: Db, small: SmallProject) -> None:
    for place, clock in enumerate(("23:59:59", "00:00", "04:00:59", "04:01", "21:59", "22:00")):
        db.execute("update object set time = %s where project_id = %s and id = %s", [clock, small.id, small.ids[place]])
    night = read_filter(db, small.id, [("time", "22:00..04:00")])
    assert kept_ids(db, small, night) == [small.ids[place] for place in (0, 1, 2, 5)]
    assert kept_ids(db, small, read_filter(db, small.id, [("time", "..04:00")])) == small.ids[1:3]
