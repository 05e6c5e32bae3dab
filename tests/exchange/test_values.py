"""Cells as EcoTaxa reads them, beyond what its cases show; and the sun."""

from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchange import values
from app.exchange.sun import sun_position
from app.exchange.values import BadValue

PARSERS = [
    values.parse_float,
    values.parse_latitude,
    values.parse_longitude,
    values.parse_date,
    values.parse_time,
    values.parse_status,
    values.parse_rank,
    values.parse_taxon_id,
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:20:30", time(10, 20, 30)),
        ("10:20:30.75", time(10, 20, 30)),
        ("102030", time(10, 20, 30)),
        ("1020", time(10, 20)),
        ("320", time(3, 20)),
        ("5", time(0, 5)),
        ("", None),
        ("NA", None),
    ],
)
def test_times_are_read_in_every_form(text: str, expected: time | None) -> None:
    assert values.parse_time(text, "object_time") == expected


@pytest.mark.parametrize("text", ["10:20", "1020.5", "24:00:00", "235960", "noon", "-5", "1234567"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(BadValue, match="Invalid Time value"):
        values.parse_time(text, "object_time")


@pytest.mark.parametrize("text", ["360", "-180.1", "7,5", "7°30'00\""])
def test_longitudes_out_of_range_or_form_are_refused(text: str) -> None:
    with pytest.raises(BadValue, match="Invalid Long"):
        values.parse_longitude(text, "object_lon")


@pytest.mark.parametrize(("text", "expected"), [("1.7", 1), ("0", 0), ("", None), ("NA", None), ("100", 100)])
def test_ranks_are_cut_to_whole_numbers(text: str, expected: int | None) -> None:
    assert values.parse_rank(text, "img_rank") == expected


@pytest.mark.parametrize("text", ["-1", "40000"])
def test_ranks_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(BadValue, match="Invalid image rank"):
        values.parse_rank(text, "img_rank")


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(max_size=20) | st.from_regex(r"[-+0-9.,:°eE ]{0,12}", fullmatch=True))
def test_any_text_is_read_or_refused_with_a_sentence(parse: Callable[[str, str], Any], text: str) -> None:
    try:
        parse(text, "object_x")
    except BadValue as error:
        assert str(error).endswith(".") or "another status" in str(error)


@pytest.mark.parametrize(
    ("latitude", "longitude", "day", "clock", "expected"),
    [
        (43.5, 7.0, date(2020, 6, 21), time(12), "D"),
        (43.5, 7.0, date(2020, 6, 21), time(0), "N"),
        (43.5, 7.0, date(2020, 6, 21), time(3, 20), "A"),
        (43.5, 7.0, date(2020, 6, 21), time(19, 50), "U"),
        (-17.5, -149.5, date(2020, 6, 21), time(22), "D"),
        (85.0, 0.0, date(2020, 6, 21), time(0), "D"),
        (85.0, 0.0, date(2020, 12, 21), time(12), "N"),
        (90.0, 0.0, date(2020, 12, 21), time(12), "N"),
        (0.0, 0.0, date(1, 1, 1), time(12), "D"),
        (0.0, 0.0, date(9999, 12, 31), time(23, 59), "N"),
        (None, 7.0, date(2020, 6, 21), time(12), "?"),
        (43.5, 7.0, None, time(12), "?"),
        (43.5, 7.0, date(2020, 6, 21), None, "?"),
    ],
)
def test_the_sun_is_where_it_was(latitude, longitude, day, clock, expected: str) -> None:
    assert sun_position(latitude, longitude, day, clock) == expected
