"""The fields under a tile."""

from dataclasses import replace

import pytest

from app.database import Db
from app.objects.board import page
from app.objects.filters import Filter
from app.objects.orders import Order
from app.objects.preferences import MOST_FIELDS
from app.objects.shown import number_words
from app.projects.access import Project
from tests.small_projects import Person, SmallProject


def fields_of(db: Db, project: Project, *show: str, place: int = 0) -> dict[str, str]:
    return dict(page(db, project, Filter(), Order(), show=show).tiles[place]["fields"])


def test_columns_of_every_level_and_what_tables_say_of_the_label(
    db: Db, small: SmallProject, seen: Project, ada: Person
) -> None:
    small.do(ada, small.ids[:1], taxon="Oithona")
    db.execute("update label set at = '2026-05-01 12:34:56+02'")
    db.execute(
        "update object set date = '2024-06-01', time = '23:05', depth_max_m = 12.5 where id = %s", [small.ids[0]]
    )
    found = fields_of(db, seen, "depth", "date", "when", "who", "sample", "f.area")
    assert found == {
        "depth": "1–12.5 m", "date": "2024-06-01 23:05", "when": "2026-05-01 10:34", "who": "Ada",
        "sample": "sample0", "f.area": "7",
    }  # fmt: skip
    assert fields_of(db, seen, "area", "f.note", "sample.station", "score") == {
        "area": "7", "f.note": "note 1", "sample.station": "st0", "score": "",
    }  # fmt: skip


def test_what_is_missing_is_empty_and_what_is_unknown_is_left_out(db: Db, small: SmallProject, seen: Project) -> None:
    found = fields_of(db, seen, "f.area", "date", "who", "when", "f.gone", "", place=3)
    assert found == {"f.area": "", "date": "", "who": "", "when": ""}


def test_so_many_and_no_more(db: Db, small: SmallProject, seen: Project) -> None:
    many = ["depth", "date", "sample", "score", "f.area", "f.note", "f.orig_id", "f.depth_min_m"]
    assert len(fields_of(db, seen, *many)) == MOST_FIELDS
    assert fields_of(db, seen) == {}


def test_anonymous_people_see_nobodys_name_and_no_times(
    db: Db, small: SmallProject, seen: Project, ada: Person
) -> None:
    small.do(ada, small.ids[:1], taxon="Oithona")
    anonymous = replace(seen, validated_only=True)
    tile = page(db, anonymous, Filter(validated_only=True), Order(), show=["who", "when", "sample"]).tiles[0]
    assert tile["fields"] == [("sample", "sample0")]


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, ""), (float("nan"), ""), (3.0, "3"), (0.1 + 0.2, "0.3"), (1234567.0, "1234567"), (1e20, "1e+20"),
     (-2.5e-7, "-2.5e-07"), (float("inf"), "inf"), (123456.789, "123457")],
)  # fmt: skip
def test_numbers_are_written_with_the_figures_that_one_reads(value: float | None, words: str) -> None:
    assert number_words(value) == words
