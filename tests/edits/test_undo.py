"""Edits that stand on each other, undone in any order, and while some of their objects are in the bin."""

import random
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.edits import acts, values_back
from app.edits import tables as edit_tables
from app.edits.acts import find_edit
from app.edits.label_wishes import LabelsWish
from app.edits.labels import edit_labels
from app.edits.undo import look, undo
from app.edits.values import edit_values
from app.edits.wishes import ValuesWish
from app.errors import Conflict
from app.projects.access import find_project
from app.projects.queries import set_member
from app.reshaping import removing
from app.reshaping.choosing import Wish
from app.samples import editing
from tests.small_projects import Person, SmallProject


def areas(bay: SmallProject) -> list[float | None]:
    rows = bay.db.execute(
        "select nullif(numbers[1], 'NaN') as n from object_field where project_id = %s order by object_id", [bay.id]
    )
    return [row.n for row in rows]


def set_area(bay: SmallProject, who: Person, value: str, filters: str = "") -> int:
    done = edit_values(bay.db, bay, who.id, uuid4(), ValuesWish("object", "value", "area", value, filters=filters))
    bay.db.commit()
    return done.act_id


def take_back(bay: SmallProject, who: Person, act_id: int) -> acts.Asked:
    done = undo(bay.db, bay, who.id, uuid4(), act_id)
    bay.db.commit()
    return done


def refusal(bay: SmallProject, who: Person, act_id: int) -> str:
    with pytest.raises(Conflict) as refused:
        undo(bay.db, bay, who.id, uuid4(), act_id)
    bay.db.rollback()
    return refused.value.sentence


def sample_of(bay: SmallProject) -> int:
    return int(bay.db.execute("select min(id) as id from sample where project_id = %s", [bay.id]).fetchone().id)


class Bin:
    """Deletes objects, and brings them back."""

    def __init__(self, bay: SmallProject, who: Person) -> None:
        set_member(bay.db, bay.id, who.id, "manager")
        self.bay, self.who = bay, who
        self.viewer = Viewer(Account(who.id, who.email, who.name, False))

    def delete(self, ids: list[int]) -> int:
        project = find_project(self.bay.db, self.viewer, self.bay.id)
        made = removing.ask(self.bay.db, project, self.who.id, Wish(ids=tuple(ids)), len(ids))
        self.bay.db.commit()
        return made.id

    def bring_back(self, number: int) -> None:
        removing.bring_back(self.bay.db, find_project(self.bay.db, self.viewer, self.bay.id), self.who.id, number)
        self.bay.db.commit()


@pytest.fixture
def trash(bay: SmallProject, ada: Person) -> Bin:
    return Bin(bay, ada)


def test_the_lower_of_two_edits_waits_for_the_upper_one_and_nothing_is_lost(bay: SmallProject, ada: Person) -> None:
    before = areas(bay)
    first, second = set_area(bay, ada, "50"), set_area(bay, ada, "60")
    told = look(bay.db, bay.id, first)
    assert (told.n_back, told.n_stay, [(one.act_id, one.n) for one in told.stays]) == (0, 25, [(second, 25)])
    assert f"last by edit {second} (object.area = 60): undo that first" in refusal(bay, ada, first)
    assert find_edit(bay.db, bay.id, first).undone is None
    assert take_back(bay, ada, second).n_changed == 25
    assert take_back(bay, ada, first).n_changed == 25
    assert areas(bay) == before
    assert "undone already" in refusal(bay, ada, first)


def test_what_stands_under_a_later_edit_comes_right_when_that_one_is_undone(bay: SmallProject, ada: Person) -> None:
    before = areas(bay)
    first, second = set_area(bay, ada, "50"), set_area(bay, ada, "60", f"sample={sample_of(bay)}")
    done = take_back(bay, ada, first)
    assert (done.n_changed, done.n_left) == (15, 10)
    assert areas(bay) == [60] * 10 + before[10:]
    assert take_back(bay, ada, second).n_changed == 10
    assert areas(bay) == before
    told = find_edit(bay.db, bay.id, first).undone
    assert told is not None and (told.n_changed, told.n_left, told.n_in_bin) == (15, 10, 0)


def test_an_edit_that_gives_the_value_of_an_older_one_still_stands_on_it(bay: SmallProject, ada: Person) -> None:
    first, _, third = set_area(bay, ada, "50"), set_area(bay, ada, "60"), set_area(bay, ada, "50")
    assert f"edit {third}" in refusal(bay, ada, first)
    assert set(areas(bay)) == {50}


@pytest.mark.parametrize("seed", range(4))
def test_edits_undone_in_any_order_leave_the_last_value_that_nobody_took_back(
    bay: SmallProject, ada: Person, seed: int
) -> None:
    """Against a model: of each object the acts that wrote it, and those that were taken back. Few values, so that one
    comes again and again."""
    draw = random.Random(seed)
    before, written = areas(bay), [[] for _ in bay.ids]  # type: ignore[var-annotated]
    undone: set[int] = set()
    known: list[int] = []

    def expected(k: int) -> float | None:
        standing = [value for act_id, value in written[k] if act_id not in undone]
        return standing[-1] if standing else before[k]

    for _ in range(60):
        if known and draw.random() < 0.5:
            act_id = draw.choice(known)
            try:
                take_back(bay, ada, act_id)
                undone.add(act_id)
                known.remove(act_id)
            except Conflict:
                bay.db.rollback()
        else:
            value = float(draw.randrange(100, 100 + 10 ** (seed % 3 + 1)))
            first = draw.randrange(1, 20)
            act_id = set_area(bay, ada, str(value), f"f.depth_min_m={first}..{first + draw.randrange(2, 8)}")
            rows = bay.db.execute("select object_id from field_change where act_id = %s", [act_id])
            for row in rows:
                written[bay.ids.index(row.object_id)].append((act_id, value))
            known += [act_id] if rows.rowcount else []
        assert areas(bay) == [expected(k) for k in range(len(bay.ids))]
    for _ in range(len(known)):
        for act_id in list(known):
            try:
                take_back(bay, ada, act_id)
                undone.add(act_id)
                known.remove(act_id)
            except Conflict:
                bay.db.rollback()
            assert areas(bay) == [expected(k) for k in range(len(bay.ids))]
    assert (areas(bay), known) == (before, [])


def test_a_sample_changed_by_hand_twice_has_its_first_latitude_again(bay: SmallProject, ada: Person) -> None:
    sample_id = sample_of(bay)
    ids = []
    for value in ("1", "2"):
        ids.append(editing.change(bay.db, bay, ada.id, uuid4(), "sample", sample_id, {"latitude": value}) or 0)
        bay.db.commit()
    assert "undo that first" in refusal(bay, ada, ids[0])
    take_back(bay, ada, ids[1])
    take_back(bay, ada, ids[0])
    row = bay.db.execute("select latitude from sample where id = %s", [sample_id]).fetchone()
    assert row.latitude == 43.5


def test_a_table_of_two_columns_goes_back_though_one_of_them_was_changed_again(bay: SmallProject, ada: Person) -> None:
    text = b"object_id,area,note\nobject1,50,x\nobject2,50,x\n"
    told = edit_tables.take_in(bay.db, bay.id, ada.id, "object", "t.csv", text)
    wish = ValuesWish("object", "table", table_id=told.id)
    first = edit_values(bay.db, bay, ada.id, uuid4(), wish).act_id
    second = set_area(bay, ada, "60")
    assert take_back(bay, ada, first).n_changed == 2
    rows = bay.db.execute("select numbers[1] as n, texts[1] as t from object_field order by object_id limit 2")
    assert [(row.n, row.t) for row in rows] == [(60, "note 1"), (60, "note 2")]
    take_back(bay, ada, second)
    assert areas(bay)[:2] == [7, 1]


def test_values_of_objects_in_the_bin_are_put_back_by_a_second_undo(bay: SmallProject, ada: Person, trash: Bin) -> None:
    before = areas(bay)
    act_id = set_area(bay, ada, "50")
    number = trash.delete(bay.ids[:6])
    done = take_back(bay, ada, act_id)
    assert (done.n_changed, done.n_left, done.n_in_bin) == (19, 0, 6)
    assert "6 are in the bin: bring them back, then undo again" in refusal(bay, ada, act_id)
    trash.bring_back(number)
    assert areas(bay) == [50] * 6 + before[6:]
    assert find_edit(bay.db, bay.id, act_id).may_be_undone
    told = look(bay.db, bay.id, act_id)
    assert (told.n_back, told.n_stay, told.n_in_bin) == (6, 0, 0)
    done = take_back(bay, ada, act_id)
    assert (done.n_changed, done.n_left, done.n_in_bin) == (6, 0, 0)
    assert areas(bay) == before
    undone = find_edit(bay.db, bay.id, act_id).undone
    assert undone is not None and (undone.n_changed, undone.n_in_bin) == (25, 0)
    assert "undone already." in refusal(bay, ada, act_id)


def test_labels_of_objects_in_the_bin_are_put_back_by_a_second_undo(bay: SmallProject, ada: Person, trash: Bin) -> None:
    before = [bay.seen(one) for one in bay.ids[:8]]
    done = edit_labels(bay.db, bay, ada.id, uuid4(), LabelsWish("erase"))
    bay.db.commit()
    number = trash.delete(bay.ids[2:7])
    told = look(bay.db, bay.id, done.act_id)
    assert (told.n_back, told.n_stay, told.n_in_bin) == (3, 0, 5)
    undone = take_back(bay, ada, done.act_id)
    assert (undone.n_changed, undone.n_left, undone.n_in_bin) == (3, 0, 5)
    assert "5 are in the bin" in refusal(bay, ada, done.act_id)
    trash.bring_back(number)
    assert look(bay.db, bay.id, done.act_id).n_back == 5
    again = take_back(bay, ada, done.act_id)
    assert (again.n_changed, again.n_left, again.n_in_bin) == (5, 0, 0)
    assert [bay.seen(one) for one in bay.ids[:8]] == before


def test_jobs_put_back_what_they_find_and_count_what_is_in_the_bin(
    bay: SmallProject, ada: Person, trash: Bin, work: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(values_back, "PIECE", 4)
    before = areas(bay)
    act_id = set_area(bay, ada, "50")
    assert work() == ["done"]
    number = trash.delete(bay.ids[3:9])
    take_back(bay, ada, act_id)
    assert "being undone already" in refusal(bay, ada, act_id)
    assert work() == ["done"]
    undone: Any = find_edit(bay.db, bay.id, act_id).undone
    assert (undone.n_changed, undone.n_left, undone.n_in_bin) == (19, 0, 6)
    trash.bring_back(number)
    take_back(bay, ada, act_id)
    assert work() == ["done"]
    assert areas(bay) == before


def test_a_column_that_came_with_an_edit_goes_with_its_undo(db: Db, bay: SmallProject, ada: Person) -> None:
    wish = ValuesWish("object", "formula", "half", formula="area / 2", new_column="number")
    first = edit_values(db, bay, ada.id, uuid4(), wish).act_id
    more = edit_values(db, bay, ada.id, uuid4(), ValuesWish("object", "value", "half", "9", filters="f.depth_min_m=4"))
    db.commit()
    assert take_back(bay, ada, first).n_changed == 19
    assert _columns(bay) == ["area", "half", "note"]
    take_back(bay, ada, more.act_id)
    again = edit_values(db, bay, ada.id, uuid4(), ValuesWish("object", "value", "new", "9", new_column="number")).act_id
    take_back(bay, ada, again)
    assert _columns(bay) == ["area", "half", "note"]
    assert "undone already" in refusal(bay, ada, again)


def _columns(bay: SmallProject) -> list[str]:
    rows = bay.db.execute("select name from field where project_id = %s and level = 'object' order by name", [bay.id])
    return [row.name for row in rows]
