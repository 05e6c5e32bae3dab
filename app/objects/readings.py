"""What the text of one condition means, such as numbers, days or a box, with the words that say it to people."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.objects.conditions import COMMENT_WORDS, MONTH_WORDS, PROVENANCE_WORDS, STATUS_WORDS, SUN_WORDS

LARGEST_INT, LARGEST_BIGINT = 2**31 - 1, 2**63 - 1
LARGEST_IDS = {"sample": LARGEST_BIGINT, "acquisition": LARGEST_BIGINT, "act": LARGEST_BIGINT, "pile": LARGEST_BIGINT}
EPOCH = date(1970, 1, 1)
LAST_SECOND = 24 * 3600 - 1
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """A condition's meaning with its words; where `invalid` says why it cannot be obeyed, it has none."""

    words: str
    meaning: tuple[Any, ...] = ()
    invalid: str = ""


def unread(raw: str, why: str) -> Reading:
    return Reading(raw[:40], invalid=f"{why}: not obeyed.")


def is_id(key: str, raw: str) -> bool:
    """Whether a text can be the id of what a key names."""
    largest = LARGEST_IDS.get(key, LARGEST_INT)
    return raw.isascii() and raw.isdigit() and len(raw) < 20 and int(raw) <= largest


def read_number_range(raw: str, unit: str = "", wanted: str = "This needs a range like 10..50") -> Reading:
    """lo..hi, lo.., ..hi, or one number, with or without = before it."""
    low, dots, high = raw.removeprefix("=").partition("..")
    try:
        limits = (_number(low), _number(high)) if dots else (float(low), float(low))
    except ValueError:
        return unread(raw, wanted)
    if limits == (None, None) or not all(limit is None or abs(limit) < float("inf") for limit in limits):
        return unread(raw, wanted)
    end = f" {unit}" if unit else ""
    return _spanned(raw, limits, range_words(*limits) + end, f"{high}..{low}")


def _number(text: str) -> float | None:
    return float(text) if text else None


def _spanned(raw: str, limits: tuple[Any, Any], words: str, turned: str) -> Reading:
    low, high = limits
    if low is not None and high is not None and low > high:
        return unread(raw, f"From the larger to the smaller there is nothing; {turned} would keep some")
    return Reading(words, limits)


def range_words(low: float | None, high: float | None) -> str:
    if low == high:
        return f"{low:g}"
    if high is None:
        return f"at least {low:g}"
    if low is None:
        return f"at most {high:g}"
    return f"{low:g} to {high:g}"


def _between_words(low: str, high: str) -> str:
    if low == high:
        return low
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"until {high}"


def _read_dates(raw: str) -> Reading:
    """Days since 1970; one day alone means itself."""
    low, dots, high = raw.partition("..")
    high = high if dots else low
    try:
        limits = (_day(low), _day(high))
    except ValueError:
        return unread(raw, "This needs days like 2024-05-01..2024-05-31")
    if limits == (None, None):
        return unread(raw, "This needs a first or a last day")
    return _spanned(raw, limits, _between_words(low, high), f"{high}..{low}")


def _day(text: str) -> int | None:
    return (date.fromisoformat(text) - EPOCH).days if text else None


def _read_moments(raw: str) -> Reading:
    """Seconds since 1970 (UTC). An end without a time means its whole day, without seconds its whole minute."""
    low, dots, high = raw.partition("..")
    high = high if dots else low
    try:
        limits = (_second(low, end=False), _second(high, end=True))
    except (ValueError, OverflowError):
        return unread(raw, "This needs days or times like 2026-05-01..2026-05-31T12:00")
    if limits == (None, None):
        return unread(raw, "This needs a first or a last moment")
    return _spanned(raw, limits, _between_words(low.replace("T", " "), high.replace("T", " ")), f"{high}..{low}")


def _second(text: str, end: bool) -> int | None:
    if not text:
        return None
    is_day = len(text) <= 10
    moment = datetime.fromisoformat(text if is_day else text.replace(" ", "T", 1))
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if end:
        moment += timedelta(days=1, seconds=-1) if is_day else timedelta(seconds=59 if text.count(":") == 1 else 0)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def _read_times(raw: str) -> Reading:
    """Seconds of the day, both ends included; a first after the last goes past midnight."""
    low, dots, high = raw.partition("..")
    if not dots or not (low or high):
        return unread(raw, "This needs times like 22:00..04:00")
    start, stop = CLOCK.fullmatch(low), CLOCK.fullmatch(high)
    if (low and not start) or (high and not stop):
        return unread(raw, "This needs times like 22:00..04:00")
    first = _second_of_day(start, 0) if start else 0
    last = _second_of_day(stop, 59) if stop else LAST_SECOND
    return Reading(_between_words(low, high), (first, last))


def _second_of_day(clock: re.Match[str], seconds: int) -> int:
    hours, minutes, said = clock.groups()
    return int(hours) * 3600 + int(minutes) * 60 + (int(said) if said else seconds)


def _read_box(raw: str) -> Reading:
    try:
        south, west, north, east = (float(part) for part in raw.split(","))
    except ValueError:
        return unread(raw, "This needs four degrees: south,west,north,east")
    if not (-90 <= south <= 90 and -90 <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        return unread(raw, "Latitudes go from -90 to 90 and longitudes from -180 to 180")
    if south > north:
        return unread(raw, "The south of this box lies north of its north; exchange the first and the third number")
    words = f"{_degrees(south, 'SN')} {_degrees(west, 'WE')} to {_degrees(north, 'SN')} {_degrees(east, 'WE')}"
    return Reading(words, (south, west, north, east))


def _degrees(value: float, signs: str) -> str:
    return f"{abs(value):g}°{signs[value >= 0] if value else ''}"


def _read_comment(raw: str) -> Reading:
    if raw in COMMENT_WORDS:
        return Reading(raw, (raw, ""))
    if raw[:1] == "~" and len(raw) > 1:
        return Reading(f"contains “{raw[1:]}”", ("~", raw[1:]))
    return unread(raw, "This needs any, none, or ~ and what the comment contains")


def _one_of(words: dict[str, str], thing: str) -> Callable[[str], Reading]:
    def read(raw: str) -> Reading:
        return Reading(words[raw], (raw,)) if raw in words else unread(raw, f"There is no such {thing}")

    return read


def _read_month(raw: str) -> Reading:
    number = raw.removeprefix("0")
    return Reading(MONTH_WORDS[number], (int(number),)) if number in MONTH_WORDS else unread(raw, "Months are 1 to 12")


# Conditions whose value says all; the others name things that have to be looked up.
READERS: dict[str, Callable[[str], Reading]] = {
    "status": _one_of(STATUS_WORDS, "status"),
    "provenance": _one_of(PROVENANCE_WORDS, "provenance"),
    "sun": _one_of(SUN_WORDS, "position of the sun"),
    "month": _read_month,
    "date": _read_dates,
    "when": _read_moments,
    "time": _read_times,
    "place": _read_box,
    "comment": _read_comment,
    "depth": lambda raw: read_number_range(raw, "m", "This needs metres like 20..60"),
    "score": lambda raw: read_number_range(raw, "", "This needs a range like 0.5..0.9"),
    "margin": lambda raw: read_number_range(raw, "", "This needs a range like 0..0.1"),
    "novelty": lambda raw: read_number_range(raw, "", "This needs a range like 0.99..1"),
}
