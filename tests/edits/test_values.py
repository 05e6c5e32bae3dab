"""Columns changed in mass: by one value, a formula or a table; looked at before, done as an act, and put back."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.database import Db
from app.edits import acts, values, values_back
from app.edits import tables as edit_tables
from app.edits.acts import find_edit
from app.edits.undo import undo
from app.edits.values import edit_values, preview
from app.edits.wishes import ValuesWish
from app.errors import Conflict, NotFound, Refused
from app.search.mirror import open_mirror
from tests.small_projects import Person, SmallProject


def numbers(bay: SmallProject) -> list[float | None]:
    rows = bay.db.execute(
        "select nullif(numbers[1], 'NaN') as n from object_field where project_id = %s order by object_id", [bay.id]
    )
    return [row.n for row in rows]


def heads(bay: SmallProject, column: str) -> list[Any]:
    rows = bay.db.execute(f"select {column} as v from object where project_id = %s order by id", [bay.id])
    return [row.v for row in rows]


def do(bay: SmallProject, who: Person, wish: ValuesWish, **more: Any) -> acts.Asked:
    return edit_values(bay.db, bay, who.id, more.pop("client_id", uuid4()), wish, **more)


def test_one_value_is_previewed_written_seen_and_put_back(db: Db, bay: SmallProject, ada: Person) -> None:
    before = numbers(bay)
    wish = ValuesWish("object", "value", "area", "12.5", filters=f"taxon={bay.taxa['Oithona']}")
    told = preview(db, bay, ada.id, wish)
    assert (told.n_things, told.n_objects, told.n_changed, told.words) == (5, 5, 5, "object.area = 12.5")
    assert [(one.name, one.old, one.new) for one in told.examples[:2]] == [
        ("object1", "7", "12.5"), ("object2", "1", "12.5"),
    ]  # fmt: skip
    assert numbers(bay) == before

    done = do(bay, ada, wish, expected=5)
    assert (done.job_id, done.n_changed) == (None, 5)
    assert numbers(bay) == [12.5] * 5 + before[5:]
    assert list(open_mirror(db, bay.id).column(db, "object", "area")[:5]) == [12.5] * 5

    undone = undo(db, bay, ada.id, uuid4(), done.act_id)
    assert (undone.n_changed, undone.n_left) == (5, 0)
    assert numbers(bay) == before
    told_edit = find_edit(db, bay.id, done.act_id)
    assert told_edit.undone is not None and not told_edit.may_be_undone
    with pytest.raises(Conflict, match="undone already"):
        undo(db, bay, ada.id, uuid4(), done.act_id)


def test_the_same_request_twice_happens_once(db: Db, bay: SmallProject, ada: Person) -> None:
    wish = ValuesWish("object", "formula", "area", formula="object.area + 1")
    client_id = uuid4()
    before = numbers(bay)
    first = do(bay, ada, wish, client_id=client_id)
    again = do(bay, ada, wish, client_id=client_id)
    assert again == first
    assert numbers(bay) == [None if one is None else one + 1 for one in before]


def test_undo_leaves_what_somebody_changed_since(db: Db, bay: SmallProject, ada: Person) -> None:
    before = numbers(bay)
    done = do(bay, ada, ValuesWish("object", "value", "area", "5"))
    do(bay, ada, ValuesWish("object", "value", "area", "6", filters=f"sample={_samples(bay)[0]}"))
    undone = undo(db, bay, ada.id, uuid4(), done.act_id)
    assert undone.n_left == 9  # one of the ten had 5 already
    assert numbers(bay) == [6] * 10 + before[10:]


def _samples(bay: SmallProject) -> list[int]:
    rows = bay.db.execute("select id from sample where project_id = %s order by id", [bay.id])
    return [row.id for row in rows]


def test_a_formula_keeps_the_value_where_it_gives_none_and_says_why(db: Db, bay: SmallProject, ada: Person) -> None:
    before = numbers(bay)
    wish = ValuesWish("object", "formula", "area", formula="100 / (object.depth_min_m - 3) + object.area * 0")
    told = preview(db, bay, ada.id, wish)
    reasons = {one.says: (one.n, one.example) for one in told.reasons}
    assert reasons["object.area is missing"] == (6, "object4")
    assert any("divides by zero" in says and n == (1, "object3") for says, n in reasons.items())
    assert told.n_kept == 7
    done = do(bay, ada, wish)
    assert done.n_changed == 17  # object23 had 5 already
    assert numbers(bay)[2] == before[2]
    assert numbers(bay)[4] == 50


def test_texts_dates_and_fixed_columns_are_written_as_their_kind(db: Db, bay: SmallProject, ada: Person) -> None:
    do(bay, ada, ValuesWish("object", "value", "object_date", "20240702"))
    assert {str(one) for one in heads(bay, "date")} == {"2024-07-02"}
    do(bay, ada, ValuesWish("object", "value", "time", "12:30:00"))
    assert heads(bay, "sun_position") == ["?"] * 25
    done = do(bay, ada, ValuesWish("object", "value", "longitude", "7.5"))
    assert heads(bay, "sun_position") == ["D"] * 25
    undo(db, bay, ada.id, uuid4(), done.act_id)
    assert heads(bay, "sun_position") == ["?"] * 25
    done = do(bay, ada, ValuesWish("object", "value", "note", "  seen with “a\ttab” "))
    row = db.execute("select texts from object_field where object_id = %s", [bay.ids[0]]).fetchone()
    assert row.texts == ["seen with “a\ttab”"]


def test_samples_acquisitions_and_processes_have_values_and_undo_too(db: Db, bay: SmallProject, ada: Person) -> None:
    first = _samples(bay)[0]
    wish = ValuesWish("sample", "value", "station", "A1", filters=f"sample={first}")
    assert (preview(db, bay, ada.id, wish).n_things, preview(db, bay, ada.id, wish).n_objects) == (1, 10)
    done = do(bay, ada, wish)
    stations = [row.s for row in db.execute("select fields ->> 'station' as s from sample order by id")]
    assert stations == ["A1", "st1", "st2"]
    undo(db, bay, ada.id, uuid4(), done.act_id)
    do(bay, ada, ValuesWish("sample", "value", "latitude", "-12.25"))
    do(bay, ada, ValuesWish("acquisition", "value", "instrument", "zooscan"))
    do(bay, ada, ValuesWish("process", "value", "pixel", "10.6", new_column="text"))
    do(bay, ada, ValuesWish("acquisition", "formula", "area_mm", formula="process.pixel * 2 + sample.latitude",
                            new_column="text"))  # fmt: skip
    row = db.execute(
        "select sample.fields ->> 'station' as station, sample.latitude, acquisition.instrument, process.fields as p,"
        " acquisition.fields as a from sample join acquisition on sample_id = sample.id join process"
        " on acquisition_id = acquisition.id order by sample.id limit 1"
    ).fetchone()
    assert (row.station, row.latitude, row.instrument, row.p) == ("st0", -12.25, "zooscan", {"pixel": "10.6"})
    assert row.a == {"area_mm": "8.95"}


def test_a_new_column_comes_with_its_edit_and_is_empty_after_the_undo(db: Db, bay: SmallProject, ada: Person) -> None:
    wish = ValuesWish("object", "formula", "half", formula="area / 2", new_column="number")
    assert preview(db, bay, ada.id, wish).n_changed == 19
    done = do(bay, ada, wish)
    row = db.execute("select numbers from object_field where object_id = %s", [bay.ids[0]]).fetchone()
    assert row.numbers == [7, 3.5]
    with pytest.raises(Refused, match="already"):
        do(bay, ada, wish)
    undo(db, bay, ada.id, uuid4(), done.act_id)
    row = db.execute("select numbers from object_field where object_id = %s", [bay.ids[0]]).fetchone()
    assert str(row.numbers) == "[7.0, nan]"


TABLE = b"object_id;object_area;object_note\nobject1;3,5;a\nobject2;4.5;\nnobody;1;x\nobject3;1;x\nobject3;2;x\n;9;x\n"


def test_a_table_tells_lines_that_name_nothing_and_leaves_empty_cells(db: Db, bay: SmallProject, ada: Person) -> None:
    told = edit_tables.take_in(db, bay.id, ada.id, "object", "new.csv", TABLE)
    assert (told.n_rows, told.n_faults, told.columns) == (2, 4, ["object.area", "object.note"])
    assert [(one.line, one.says.split(":")[0].split(".")[0]) for one in told.faults] == [
        (2, "Invalid float value '3,5' for field 'object"),
        (4, "this project has no object “nobody”"),
        (6, "“object3” stands in an earlier line too, which counts"),
        (7, "it does not say which object it is of"),
    ]
    done = do(bay, ada, ValuesWish("object", "table", table_id=told.id))
    rows = db.execute("select numbers[1] as n, texts[1] as t from object_field order by object_id limit 3").fetchall()
    assert [(row.n, row.t) for row in rows] == [(7, "note 1"), (4.5, "note 2"), (1, "x")]
    undo(db, bay, ada.id, uuid4(), done.act_id)
    rows = db.execute("select numbers[1] as n, texts[1] as t from object_field order by object_id limit 3").fetchall()
    assert [(row.n, row.t) for row in rows] == [(7, "note 1"), (1, "note 2"), (8, "note 0")]


def test_a_row_of_another_length_than_the_first_line_is_told_and_left_out(
    db: Db, bay: SmallProject, ada: Person
) -> None:
    content = b"object_id,area\nobject1\nobject2,1,2,3\nobject3,9,\n\nobject5,8\n"
    told = edit_tables.take_in(db, bay.id, ada.id, "object", "t.csv", content)
    assert (told.n_rows, [(one.line, one.says) for one in told.faults]) == (2, [
        (2, "it has 1 cell, and the first line has 2."),
        (3, "it has 4 cells, and the first line has 2."),
    ])  # fmt: skip


def test_a_table_of_which_nothing_can_be_used_tells_what_is_wrong_with_each_line(
    db: Db, bay: SmallProject, ada: Person
) -> None:
    rows = "".join(f"ghost{k},1\n" for k in range(12))
    with pytest.raises(Refused) as refused:
        edit_tables.take_in(db, bay.id, ada.id, "object", "t.csv", f"object_id,area\nobject1,x\n{rows}".encode())
    said = refused.value.sentence
    assert "line 2: Invalid float value 'x'" in said and "line 3: this project has no object “ghost0”." in said
    assert said.endswith("And 3 lines more.")


def test_acquisitions_of_one_name_are_told_apart_by_their_sample(db: Db, bay: SmallProject, ada: Person) -> None:
    db.execute("update acquisition set orig_id = 'tow' where project_id = %s", [bay.id])
    content = b"acq_id\tacq_instrument\ntow\tuvp\n"
    with pytest.raises(Refused, match="3 acquisitions are called “tow”"):
        edit_tables.take_in(db, bay.id, ada.id, "acquisition", "a.tsv", content)
    content = b"sample_id\tacq_id\tacq_instrument\n[t]\t[t]\t[t]\nsample1\ttow\tuvp\n"
    told = edit_tables.take_in(db, bay.id, ada.id, "acquisition", "a.tsv", content)
    assert (told.n_rows, told.n_faults) == (1, 0)
    do(bay, ada, ValuesWish("acquisition", "table", table_id=told.id))
    assert [row.instrument for row in db.execute("select instrument from acquisition order by id")] == ["", "uvp", ""]


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (ValuesWish("object", "value", "aera", "1"), "no column “aera”.*Did you mean “area”"),
        (ValuesWish("object", "value", "area", "wide"), "Invalid float value 'wide'"),
        (ValuesWish("object", "value", "area", "inf"), "no finite number"),
        (ValuesWish("object", "value", "latitude", "95"), "Invalid Lat. value '95'"),
        (ValuesWish("object", "value", "date", "yesterday"), "Invalid Date value"),
        (ValuesWish("object", "value", "orig_id", "x"), "cannot be changed"),
        (ValuesWish("object", "value", "note", "a\x1eb"), "a character that no text may have"),
        (ValuesWish("object", "formula", "area", formula="object.aera"), "no such column"),
        (ValuesWish("object", "formula", "area", formula="1 +"), "cannot be read"),
        (ValuesWish("sample", "formula", "station", formula="object.area"), "differs between the objects"),
        (ValuesWish("object", "value", "area", "1", new_column="number"), "already"),
        (ValuesWish("object", "value", "9x", "1", new_column="number"), "no name for a column"),
        (ValuesWish("object", "value", "area", "1", filters="taxon=99999999"), "cannot be obeyed"),
        (ValuesWish("object", "value", "area", "1", filters="sample A_S0"), "sample A_S0 cannot be obeyed"),
        (ValuesWish("object", "table", table_id=7), "no such table"),
        (ValuesWish("ship", "value", "area", "1"), "none of object, sample"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_nothing_happens(
    db: Db, bay: SmallProject, ada: Person, wish: ValuesWish, says: str
) -> None:
    for ask in (lambda: preview(db, bay, ada.id, wish), lambda: do(bay, ada, wish)):
        with pytest.raises((Refused, NotFound), match=says):
            ask()
    assert db.execute("select count(*) from act where kind = 'edit'").fetchone()[0] == 0


def test_what_has_changed_since_it_was_looked_at_is_not_done(db: Db, bay: SmallProject, ada: Person) -> None:
    wish = ValuesWish("object", "value", "area", "1", filters=f"taxon={bay.taxa['Oithona']}")
    bay.do(ada, bay.ids[10:12], taxon="Oithona")
    with pytest.raises(Conflict, match="5 objects then, 7 now"):
        do(bay, ada, wish, expected=5)


def test_many_are_changed_and_put_back_by_jobs_and_a_killed_one_goes_on(
    db: Db, bay: SmallProject, ada: Person, work: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(values, "PIECE", 4)
    monkeypatch.setattr(values_back, "PIECE", 4)
    before = numbers(bay)
    done = do(bay, ada, ValuesWish("object", "formula", "area", formula="object.area + 100"))
    assert done.job_id is not None
    with pytest.raises(Conflict, match="still being done"):
        undo(db, bay, ada.id, uuid4(), done.act_id)
    from app.edits.work import open_work

    begun = open_work(db, done.act_id)  # as far as a killed one came
    begun.step()
    begun.step()
    db.commit()
    assert work() == ["done"]
    assert numbers(bay) == [None if one is None else one + 100 for one in before]
    assert find_edit(db, bay.id, done.act_id).n_changed == 19
    undone = undo(db, bay, ada.id, uuid4(), done.act_id)
    assert undone.job_id is not None
    assert work() == ["done"]
    assert numbers(bay) == before
    assert list(open_mirror(db, bay.id).column(db, "object", "area")[:3]) == before[:3]
