"""The small words that every page uses."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from app.templating import ago, file_size, make_environment, middle_cut, thousands


def test_thousands_stand_apart_by_a_space_that_does_not_break() -> None:
    assert [thousands(n) for n in (0, 999, 6721, 1234567, None)] == [
        "0",
        "999",
        "6\u202f721",
        "1\u202f234\u202f567",
        "",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (61, "1 min ago"), (7300, "2 h ago"), (90_000, "1 day ago"), (200_000, "2 days ago")],
)
def test_time_is_told_in_the_largest_unit_that_fits(seconds: int, words: str) -> None:
    assert ago(datetime.now(UTC) - timedelta(seconds=seconds)) == words
    assert ago(None) == "never"


def test_bytes_have_a_unit() -> None:
    assert [file_size(n) for n in (12, 2048, 5_300_000)] == ["12 B", "2.0 kB", "5.3 MB"]


@given(st.text(max_size=80), st.integers(min_value=2, max_value=60))
def test_a_cut_name_keeps_its_beginning_and_its_end(name: str, length: int) -> None:
    cut = middle_cut(name, length)
    assert len(cut) <= length
    assert cut == name or (cut[0] == name[0] and "…" in cut and len(cut) == length)
    assert len(name) > length or cut == name


def test_a_page_says_no_name_that_it_was_not_given() -> None:
    with pytest.raises(UndefinedError):
        make_environment().from_string("{{ forgotten }}").render()


def test_what_people_type_is_escaped() -> None:
    assert make_environment().from_string("{{ name }}").render(name="<b>") == "&lt;b&gt;"
