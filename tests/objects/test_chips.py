"""What a filter says of itself in words, and of what it cannot obey."""

import json

import numpy as np
import pytest

from app.database import Db
from app.errors import Refused
from app.exporting.selection import check_filters
from app.objects.conditions import CONDITIONS
from app.objects.fields import Fields
from app.objects.filters import Filter, address, pairs_in, read_filter
from app.objects.orders import read_order
from app.search.mirror import open_mirror
from tests.small_projects import Person, SmallProject

NASTY = "\"><script>alert(1)</script>' or 1=1 --"


def chip_of(db: Db, small: SmallProject, key: str, raw: str, **more: int) -> tuple[str, str, str]:
    (chip,) = read_filter(db, small.id, [(key, raw)], **more).chips
    return chip.label, chip.value, chip.invalid


@pytest.mark.parametrize(
    ("key", "raw", "label", "value"),
    [
        ("depth", "20..60", "depth", "20 to 60 m"),
        ("depth", "20..", "depth", "at least 20 m"),
        ("depth", "..60.5", "depth", "at most 60.5 m"),
        ("sun", "D", "sun", "day"),
        ("sun", "?", "sun", "unknown"),
        ("month", "6", "month", "June"),
        ("month", "07", "month", "July"),
        ("date", "2024-05-01..2024-05-31", "date", "2024-05-01 to 2024-05-31"),
        ("date", "2024-05-01", "date", "2024-05-01"),
        ("date", "..2024-05-31", "date", "until 2024-05-31"),
        ("time", "22:00..04:00", "time of day", "22:00 to 04:00"),
        ("time", "22:00..", "time of day", "from 22:00"),
        ("when", "2026-05-01..2026-05-02T12:00", "labelled", "2026-05-01 to 2026-05-02 12:00"),
        ("place", "-43.5,170,-40,-175", "place", "43.5°S 170°E to 40°S 175°W"),
        ("place", "0,0,10,10", "place", "0° 0° to 10°N 10°E"),
        ("comment", "~x", "comment", "contains “x”"),
        ("comment", "any", "comment", "any"),
        ("score", "0.5..0.9", "score", "0.5 to 0.9"),
        ("provenance", "batch", "provenance", "in a batch"),
        ("f.area", "7", "area", "7"),
    ],
)
def test_a_chip_says_its_condition_in_words(
    db: Db, small: SmallProject, key: str, raw: str, label: str, value: str
) -> None:
    assert chip_of(db, small, key, raw) == (label, value, "")


@pytest.mark.parametrize("key", ["sample", "acquisition"])
def test_what_an_import_had_to_make_up_is_without_a_name(db: Db, small: SmallProject, key: str) -> None:
    id = db.execute(
        f"update {key} set orig_id = '__DUMMY_ID__' || id || '__' where project_id = %s returning id", [small.id]
    ).fetchone()[0]
    assert chip_of(db, small, key, str(id)) == (key, "without a name", "")


def test_who_neither_acted_nor_belongs_to_it_is_named_if_an_import_brought_labels(
    db: Db, small: SmallProject, ada: Person, ben: Person
) -> None:
    small.do(ada, small.ids[:1], taxon="Oithona")
    db.execute("update label set account_id = %s where project_id = %s", [ben.id, small.id])
    cleo = db.execute("insert into account (email, name) values ('c@example.org', 'Cleo') returning id").fetchone()
    assert chip_of(db, small, "who", str(ben.id)) == ("labelled by", "Ben", "")
    assert "no such person" in chip_of(db, small, "who", str(cleo.id))[2]


def test_a_filter_without_a_condition_is_what_its_address_says(db: Db, small: SmallProject, ada: Person) -> None:
    small.do(ada, small.ids[:2], taxon="Oithona")
    taxa = [str(row.id) for row in db.execute("select id from taxon order by id limit 2")]
    said = [("taxon", taxa[0]), ("taxon", taxa[1]), ("status", "V"), ("status", "U"), ("who", "others"),
            ("who", str(ada.id)), ("depth", "1..9"), ("f.area", "1..5"), ("month", "6"), ("month", "x")]  # fmt: skip
    whole = read_filter(db, small.id, said, account_id=ada.id)
    assert len(whole.chips) == len(said)
    for chip in whole.chips:
        left = whole.without([chip])
        again = read_filter(db, small.id, left.to_query(), account_id=ada.id)
        assert (left, left.chips) == (again, again.chips)
        mirror = open_mirror(db, small.id)
        assert mirror.count(db, left) == np.count_nonzero(mirror.mask(db, again))


def test_people_are_named_and_the_viewer_is_me(db: Db, small: SmallProject, ada: Person) -> None:
    small.do(ada, small.ids[:1], taxon="Oithona")
    assert chip_of(db, small, "who", "me", account_id=ada.id) == ("labelled by", "me", "")
    assert chip_of(db, small, "who", "others", account_id=ada.id) == ("labelled by", "others than me", "")
    assert chip_of(db, small, "ever", str(ada.id)) == ("ever labelled by", "Ada", "")
    assert "Log in" in chip_of(db, small, "who", "me")[2]


@pytest.mark.parametrize(
    ("key", "raw", "hint"),
    [
        ("depth", "60..20", "20..60"),
        ("depth", "deep", "metres"),
        ("depth", "..", "metres"),
        ("depth", "nan..3", "metres"),
        ("depth", "1e999..", "metres"),
        ("f.area", "9..1", "1..9"),
        ("f.area", "~x", "range"),
        ("f.note", "3..4", "contains"),
        ("f.gone", "1..2", "no such column"),
        ("f.", "1", "no such column"),
        ("date", "2024-02-30..", "days"),
        ("date", "2024-06-01..2024-05-01", "2024-05-01..2024-06-01"),
        ("date", "..", "first or a last"),
        ("month", "13", "1 to 12"),
        ("month", "0", "1 to 12"),
        ("time", "25:00..26:00", "22:00..04:00"),
        ("time", "22:00", "22:00..04:00"),
        ("time", "..", "22:00..04:00"),
        ("when", "yesterday", "days or times"),
        ("when", "0001-01-01T00:00+14:00..", "days or times"),
        ("sun", "X", "no such position"),
        ("place", "1,2,3", "south,west,north,east"),
        ("place", "10,0,5,0", "first and the third"),
        ("place", "0,-200,5,0", "Longitudes"),
        ("place", "nan,0,5,0", "Latitudes"),
        ("comment", "~", "any, none"),
        ("comment", "", "any, none"),
        ("score", "high", "0.5..0.9"),
        ("provenance", "magic", "no such provenance"),
        ("status", "v", "no such status"),
        ("taxon", "999999999", "no such taxon"),
        ("taxon", "-1", "number of a taxon or its whole name, such as taxon=45072"),
        ("taxon", "Oitho", "number of a taxon or its whole name, such as taxon=45072"),
        ("taxon", "9" * 30, "no such taxon"),
        ("sample", "9223372036854775808", "no such sample"),
        ("acquisition", "x", "number of an acquisition"),
        ("instrument", "hammer", "no such instrument"),
        ("import", "2147483648", "no such import"),
        ("who", "999999999", "no such person"),
        ("ever", "others", "number of a person, or me"),
        ("act", "12345", "no such act"),
        ("taxn", "7", "no such filter"),
    ],
)
def test_what_cannot_be_obeyed_stays_as_a_chip_with_the_reason(
    db: Db, small: SmallProject, key: str, raw: str, hint: str
) -> None:
    filter = read_filter(db, small.id, [(key, raw)], account_id=1)
    (chip,) = filter.chips
    assert hint.lower() in chip.invalid.lower() and chip.invalid.endswith("not obeyed.")
    assert filter == Filter(), "nothing of it is obeyed"
    assert filter.to_query() == [(key, raw)]
    assert open_mirror(db, small.id).mask(db, filter).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("copepods", "The condition copepods cannot be obeyed: A condition is written as key=value"),
        ("taxon:1000003", "The condition taxon:1000003 cannot be obeyed: A condition is written as key=value"),
        ("%%%", "The condition %%% cannot"),
        ("a&b", "The condition a cannot"),
        ("status=D&copepods", "The condition copepods cannot"),
        ("status", "The condition status cannot be obeyed: A condition is written as key=value"),
        ("status=", "The condition status= cannot be obeyed: There is no such status"),
        ("status=Q", "The condition status=Q cannot be obeyed: There is no such status"),
        (" & ", "holds no condition"),
        ("limit=5", "holds no condition"),
    ],
)
def test_a_filter_in_one_text_never_means_everything_by_mistake(
    db: Db, small: SmallProject, text: str, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_filters(db, small.id, text, None)
    assert said in refused.value.sentence


def test_a_taxon_may_be_said_by_its_whole_name(db: Db, small: SmallProject) -> None:
    by_number = check_filters(db, small.id, f"taxon={small.taxa['Oithona']}", None)
    by_name = check_filters(db, small.id, "taxon=oithona", None)
    assert by_name == by_number and by_name.to_query() == by_number.to_query()


def test_a_filter_in_one_text_is_read_as_an_address_is() -> None:
    assert pairs_in("?status=V&&f.a+b=%7Ex ") == [("status", "V"), ("f.a b", "~x")]
    assert pairs_in("instrument=") == [("instrument", "")], "which means: none is named"


@pytest.mark.parametrize(
    "raw", ["", NASTY, "x" * 250, "\0", "a\0b", "\ud800", "٣..٤", "%s %(x)s", "..", "~", "=", "é" * 250]
)
def test_no_value_of_any_condition_is_a_fault(db: Db, small: SmallProject, raw: str) -> None:
    keys = [*CONDITIONS, "f.area", "f.note", "f.sample.station", f"f.{NASTY}", f"f.{'n' * 250}", NASTY, "\0", "\ud800"]
    for viewer in (None, 1):
        for anonymous in (False, True):
            filter = read_filter(db, small.id, [(key, raw) for key in keys], anonymous, viewer)
            assert len(filter.chips) == len(keys)
            assert open_mirror(db, small.id).mask(db, filter).shape == (len(small.ids),)
            assert address("/x", filter.to_query())
            json.dumps([chip.__dict__ for chip in filter.chips])


def test_columns_named_with_quotes_markup_and_250_characters_are_filtered_and_ordered(
    db: Db, small: SmallProject
) -> None:
    for position, name in enumerate([NASTY, "n" * 250, "100% 'sure'", "a.b,c"], 2):
        db.execute(
            "insert into field (project_id, level, name, type, position) values (%s, 'object', %s, 'number', %s)",
            [small.id, name, position],
        )
    db.execute("update object_field set numbers = numbers || array[1, 2, 3, object_id]::float8[]")
    for name, value in ((NASTY, 1), ("n" * 250, 2), ("100% 'sure'", 3), ("a.b,c", small.ids[4])):
        filter = read_filter(db, small.id, [(f"f.{name}", f"{value}")])
        assert not filter.chips[0].invalid
        assert np.count_nonzero(open_mirror(db, small.id).mask(db, filter)) == (1 if name == "a.b,c" else 30)


def test_anonymous_people_cannot_ask_for_people_their_times_comments_and_acts(
    db: Db, small: SmallProject, ada: Person
) -> None:
    outcome = small.do(ada, small.ids[:2], taxon="Oithona")
    said = [("who", str(ada.id)), ("ever", str(ada.id)), ("when", "2020-01-01.."), ("comment", "none"),
            ("act", str(outcome.act_id)), ("who", "me")]  # fmt: skip
    filter = read_filter(db, small.id, said, validated_only=True)
    assert [bool(chip.invalid) for chip in filter.chips] == [True] * len(said)
    assert "Ada" not in str(filter.chips) and "Oithona" not in str(filter.chips)
    assert filter == Filter(validated_only=True)
    assert "Log in" in read_order(Fields([]), [("order", "when")], validated_only=True).invalid


def test_anonymous_people_learn_the_names_of_no_sample_without_validated_objects(
    db: Db, small: SmallProject, ada: Person
) -> None:
    small.do(ada, small.ids[:2], taxon="Oithona")
    samples = [row.id for row in db.execute("select id from sample where project_id = %s order by id", [small.id])]
    filter = read_filter(db, small.id, [("sample", str(sample)) for sample in samples], validated_only=True)
    assert [chip.value for chip in filter.chips if not chip.invalid] == ["sample0"]


def test_what_the_address_says_beside_the_filter_is_no_condition(db: Db, small: SmallProject) -> None:
    said = [("order", "id"), ("dir", "asc"), ("seed", "1"), ("examples", "1"), ("query", "k"), ("cursor", "c"),
            ("limit", "2"), ("show", "area"), ("size", "120"), ("children", "0")]  # fmt: skip
    assert read_filter(db, small.id, said).chips == ()


def test_a_condition_said_twice_is_one_chip(db: Db, small: SmallProject) -> None:
    assert len(read_filter(db, small.id, [("sun", "D"), ("sun", "D"), ("depth", "1..2"), ("depth", "1..2")]).chips) == 2


def test_every_condition_of_the_table_has_words_and_an_example_that_reads(db: Db, small: SmallProject) -> None:
    for condition in CONDITIONS.values():
        assert condition.label and condition.help.endswith(".")
        key, _, raw = condition.example.partition("=")
        (chip,) = read_filter(db, small.id, [(key, raw)], account_id=1).chips
        assert not chip.invalid or "no such" in chip.invalid, chip
