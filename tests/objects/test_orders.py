"""Every order, in both directions and from any cursor, against plain Python; and while labels change between pages."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from app import database
from app.database import Db
from app.errors import Refused
from app.objects import sorting
from app.objects.board import page
from app.objects.fields import Fields, project_fields
from app.objects.filters import Filter, read_filter
from app.objects.orders import Order, order_choices, read_order
from app.paging import cursor_of, parts_of
from app.projects.access import Project, find_project
from app.search import mirror as mirrors
from tests.objects.varied import all_rows, make_varied, random_condition
from tests.small_projects import Person, SmallProject, make_person

Row = dict[str, Any]


def seen_by_manager(db: Db, project_id: int) -> Project:
    from app.accounts.viewer import Account, Viewer

    return find_project(db, Viewer(Account(0, "", "", True)), project_id)


def walk(
    db: Db,
    project: Project,
    order: Order,
    filter: Filter | None = None,
    limit: int = 13,
    between: Callable[[int], None] = lambda n: None,
) -> list[int]:
    """Ids of all pages, the repeated ones too."""
    ids: list[int] = []
    cursor, n = None, 0
    while True:
        shown = page(db, project, filter or Filter(), order, cursor, limit)
        ids += [tile["id"] for tile in shown.tiles]
        cursor = shown.next_cursor
        if cursor is None:
            return ids
        between(n)
        n += 1


def _depth(row: Row) -> float | None:
    return row["depth_max_m"] if row["depth_min_m"] is None else row["depth_min_m"]


def _moment(row: Row) -> Any:
    if row["date"] is None:
        return None
    return row["date"].isoformat(), "24" if row["time"] is None else row["time"].isoformat()


def _taxon(row: Row) -> Any:
    return None if row["taxon"] is None else (row["taxon"].casefold(), row["taxon"])


def _at(row: Row) -> int | None:
    return None if row["at"] is None else int(row["at"].timestamp() // 1)


VALUES: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: row["id"],
    "score": lambda row: row["score"],
    "margin": lambda row: row["margin"],
    "novelty": lambda row: row["novelty"],
    "when": _at,
    "taxon": _taxon,
    "date": _moment,
    "imported": lambda row: row["import_id"],
    "depth": _depth,
    "f.area": lambda row: row["area"],
    "f.note": lambda row: row["note"],
    "f.sample.station": lambda row: row["station"],
    "f.acquisition.instrument": lambda row: row["instrument"],
}


def expected(rows: Sequence[Row], value: Callable[[Row], Any], direction: str) -> list[int]:
    """Ids ascend among equals where values ascend, and always among the missing, which are last."""
    present = sorted((value(row), row["id"]) for row in rows if value(row) is not None)
    if direction == "desc":
        present.reverse()
    return [object_id for _, object_id in present] + [row["id"] for row in rows if value(row) is None]


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("key", VALUES)
def test_every_order_is_that_of_plain_python_under_random_filters(db: Db, key: str, direction: str) -> None:
    small, people = make_varied(db, 70, seed=len(key))
    db.commit()
    project, rows, chance = seen_by_manager(db, small.id), all_rows(db, small.id), random.Random(7)
    order = read_order(project_fields(db, small.id), [("order", key), ("dir", direction)])
    assert not order.invalid
    assert walk(db, project, order) == expected(rows, VALUES[key], direction)
    for _ in range(3):
        query, keeps = random_condition(chance, small, people, rows)
        filter = read_filter(db, small.id, query, account_id=people[0].id)
        assert walk(db, project, order, filter, limit=5) == expected(list(_kept(rows, keeps)), VALUES[key], direction)


def _kept(rows: list[Row], keeps: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if keeps(row)]


def test_all_offered_orders_are_tried(db: Db, small: SmallProject) -> None:
    offered = {choice["key"] for choice in order_choices(Fields([]))}
    assert offered - {"random"} == {key for key in VALUES if not key.startswith("f.")}
    for choice in order_choices(project_fields(db, small.id)):
        assert read_order(project_fields(db, small.id), [("order", choice["key"])]).key == choice["key"]


def test_a_random_order_is_the_same_in_every_process_and_another_for_another_seed(
    db: Db, small: SmallProject, seen: Project
) -> None:
    def by(seed: str, direction: str = "asc") -> list[int]:
        order = read_order(Fields([]), [("order", "random"), ("seed", seed), ("dir", direction)])
        assert dict(order.to_query())["seed"] == str(order.seed)
        return walk(db, seen, order)

    first = by("7")
    mirrors.forget()  # as another process begins
    assert by("7") == first and sorted(first) == small.ids and first != small.ids
    assert by("7", "desc") == first[::-1]
    assert by("8") != first
    assert sorted(by("no number")) == small.ids


def test_the_numbers_that_shuffle_are_splitmix64s() -> None:
    """Computed here with whole numbers of any size: a change would shuffle every shared address anew."""

    def splitmix(state: int) -> int:
        z = state & (2**64 - 1)
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & (2**64 - 1)
        return z ^ (z >> 31)

    ids = [1, 2, 10**9, 2**62]
    found = sorting.shuffled(np.array(ids), 7).tolist()
    assert found == [splitmix(i + 8 * 0x9E3779B97F4A7C15) >> 32 for i in ids]


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("key", ["when", "taxon"])
@pytest.mark.parametrize("is_one_process", [True, False])
def test_orders_by_label_skip_nothing_while_others_label(
    db: Db, database_url: str, key: str, direction: str, is_one_process: bool
) -> None:
    """What was labelled since the first page comes again at the end, where the browser drops what it has."""
    small, people = make_varied(db, 70)
    db.commit()
    project = seen_by_manager(db, small.id)
    order = Order(key, direction)
    before = expected(all_rows(db, small.id), VALUES[key], direction)
    chance, labelled = random.Random(5), set[int]()
    with database.connect(database_url) as other:
        theirs = SmallProject(other, small.id, small.ids, small.taxa)

        def label_some(n: int) -> None:
            chosen = chance.sample(small.ids, 4)
            theirs.do(chance.choice(people), chosen, taxon=chance.choice(list(small.taxa)))
            other.commit()
            labelled.update(chosen)
            if not is_one_process:
                mirrors.forget()

        shown = walk(db, project, order, limit=6, between=label_some)
    kept = [object_id for n, object_id in enumerate(shown) if object_id not in shown[:n]]
    assert sorted(kept) == small.ids
    assert [i for i in kept if i not in labelled] == [i for i in before if i not in labelled]
    repeated = [object_id for n, object_id in enumerate(shown) if object_id in shown[:n]]
    assert set(repeated) <= labelled


def test_a_late_commit_is_noticed_by_an_order_by_time(db: Db, database_url: str) -> None:
    """The time of a label is that of its transaction's begin; a list that went by the clock would lose it."""
    small, people = make_varied(db, 40)
    db.commit()
    project = seen_by_manager(db, small.id)
    with database.connect(database_url) as slow:
        theirs = SmallProject(slow, small.id, small.ids, small.taxa)
        last = expected(all_rows(db, small.id), VALUES["when"], "desc")[-1]
        theirs.do(people[0], [last], taxon="Oithona")
        db.commit()

        def commit_late(n: int) -> None:
            slow.commit()

        assert sorted(set(walk(db, project, Order("when", "desc"), limit=8, between=commit_late))) == small.ids


def test_labels_change_what_a_new_list_by_time_begins_with(
    db: Db, small: SmallProject, seen: Project, ada: Person
) -> None:
    for place in (5, 9, 2):
        small.do(ada, [small.ids[place]], taxon="Oithona")
        db.execute(
            "update label set at = at + interval '1 minute' * %s where object_id = %s", [place, small.ids[place]]
        )
    db.commit()
    found = walk(db, seen, Order("when", "desc"))
    assert found == [small.ids[9], small.ids[5], small.ids[2], *(i for i in small.ids if i not in found[:3])]


MADE_UP = [
    [1], [None, 1], [1, 2, 3], ["a", 1, 0, "1:1:", "x", 1], [1, 1, 0, "9:1:", "x", 1], [1, 1, 0, "1:2:;drop", "x", 1],
    [1, 1, 1, "1:99999999999999999999:", "x", 1], [None, 1, 0, "1:1:", "x", -5], [1e308, 1], [float("nan"), 1],
    [True, 1], [1, True], [1, 2**70], [[1], 1], ["\ud800", 1], {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("parts", MADE_UP)
def test_a_made_up_cursor_is_refused_or_obeyed_in_every_order(
    db: Db, small: SmallProject, seen: Project, parts: Any
) -> None:
    import base64
    import json

    cursor = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    for key in (*VALUES, "random"):
        order = read_order(project_fields(db, small.id), [("order", key)])
        try:
            page(db, seen, Filter(), order, cursor, 7)
        except Refused as refused:
            assert "from its beginning" in refused.sentence


def test_a_cursor_between_values_goes_on_after_where_its_value_would_stand(
    db: Db, small: SmallProject, seen: Project
) -> None:
    order = read_order(project_fields(db, small.id), [("order", "f.note")])
    first = page(db, seen, Filter(), order, cursor_of("note 0x", 0), 1).tiles[0]
    rows = all_rows(db, small.id)
    assert first["id"] == expected([row for row in rows if row["note"] == "note 1"], VALUES["f.note"], "asc")[0]
    assert parts_of(cursor_of("a", 1)) == ["a", 1]


def test_no_object_at_all_is_an_empty_page_in_every_order(db: Db) -> None:
    project_id = db.execute("insert into project (title) values ('New') returning id").fetchone().id
    make_person(db, "Dora")
    for key in (*(key for key in VALUES if not key.startswith("f.")), "random", "f.depth_min_m", "f.orig_id"):
        order = read_order(project_fields(db, project_id), [("order", key)])
        shown = page(db, seen_by_manager(db, project_id), Filter(), order)
        assert (shown.tiles, shown.next_cursor, shown.n_total) == ([], None, 0)
