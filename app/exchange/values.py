"""Reads the cells of a table exactly as EcoTaxa reads them; what it refuses is refused, with a sentence for people."""

import math
import re
from datetime import date, time

MISSING = {"", "na", "nan"}
DEGREES = re.compile(r"(-?)(\d+)°(\d+) (\d+(?:\.\d+)?)")
CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.\d*)?")
STATUSES = {"validated": "V", "predicted": "P", "dubious": "D", "unclassified": "U"}
# A category that was dropped on purpose: EcoTaxa takes the object in, unclassified.
DROPPED = "noid"
LARGEST_RANK = 32767


class BadValue(ValueError):
    """A cell that means nothing; its text says what was found and what is accepted."""


def parse_float(text: str, field: str) -> float | None:
    """A number; empty, NA and NaN are missing. EcoTaxa takes `inf` and stores nothing: so do we."""
    text = text.strip()
    if text.lower() in MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -math.inf
    if value == -math.inf:
        raise BadValue(f"Invalid float value '{text}' for field '{field}'. Write it as 12.5 or 1e5, or leave it empty.")
    return value if math.isfinite(value) else None


def parse_latitude(text: str, field: str) -> float | None:
    """Decimal degrees north, or degrees, minutes and seconds as `-12°30 15`."""
    return _angle(text, field, 90, "Lat.")


def parse_longitude(text: str, field: str) -> float | None:
    """Decimal degrees east, or degrees, minutes and seconds."""
    return _angle(text, field, 180, "Long.")


def _angle(text: str, field: str, limit: int, name: str) -> float | None:
    text = text.strip()
    if text.lower() in MISSING:
        return None
    value = _degrees(text)
    if not -limit <= value <= limit:  # also false for NaN
        raise BadValue(
            f"Invalid {name} value '{text}' for field '{field}'. Correct range is -{limit}/+{limit}°,"
            " written as 43.5 or 43°30 00."
        )
    return value


def _degrees(text: str) -> float:
    match = DEGREES.fullmatch(text)
    if match:
        sign, degrees, minutes, seconds = match.groups()
        value = float(degrees) + (float(minutes) + float(seconds) / 60) / 60
        return -value if sign else value
    try:
        return float(text)
    except ValueError:
        return math.nan


def parse_date(text: str, field: str) -> date | None:
    """YYYYMMDD or YYYY-MM-DD; what follows the day is ignored, as EcoTaxa does."""
    text = text.strip()
    if text.lower() in MISSING:
        return None
    if re.match(r"[0-9]{8}", text):
        parts = text[:4], text[4:6], text[6:8]
    elif re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        parts = text[:4], text[5:7], text[8:10]
    else:
        parts = ("", "", "")
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise BadValue(
            f"Invalid Date value '{text}' for field '{field}'. Write it as 20200131 or 2020-01-31."
        ) from None


def parse_time(text: str, field: str) -> time | None:
    """HH:MM:SS, HHMMSS or HHMM in UTC; lost leading zeros are put back, fractions of a second are ignored."""
    text = text.strip()
    if text.lower() in MISSING:
        return None
    clock = CLOCK.fullmatch(text)
    if clock:
        parts = clock.groups()
    elif re.fullmatch(r"[0-9]{1,6}", text):
        digits = text.zfill(4) if len(text) <= 4 else text.zfill(6)
        parts = digits[:2], digits[2:4], digits[4:6] or "0"
    else:
        parts = ("", "", "")
    try:
        return time(*(int(part) for part in parts))
    except ValueError:
        raise BadValue(f"Invalid Time value '{text}' for field '{field}'. Write it as 10:20:00 or 102000.") from None


def parse_status(text: str, field: str) -> str | None:
    """One of Shoal's letters, `noid` for EcoTaxa's dropped category, or None where nothing is said."""
    word = text.strip().lower()
    if word in ("", DROPPED):
        return word or None
    if word == "discarded":
        raise BadValue("Shoal has no status 'discarded': delete this row, or give it another status.")
    if word not in STATUSES:
        raise BadValue(
            f"Invalid Annotation Status '{text.strip()}' for field '{field}'. Write validated, predicted, dubious or"
            " unclassified."
        )
    return STATUSES[word]


def parse_rank(text: str, field: str) -> int | None:
    """The image's place in its object, cut to a whole number; None where the next free one is meant."""
    value = parse_float(text, field)
    if value is None:
        return None
    if not 0 <= int(value) <= LARGEST_RANK:
        raise BadValue(f"Invalid image rank '{text.strip()}' for field '{field}'. Write 0 to {LARGEST_RANK:,}.")
    return int(value)


def parse_taxon_id(text: str, field: str) -> int | None:
    """EcoTaxa's number of a taxon; spreadsheets write it as 84963.0."""
    value = parse_float(text, field)
    if value is None:
        return None
    if value != int(value) or value < 0:
        raise BadValue(f"Invalid category id '{text.strip()}' for field '{field}'. Write a whole number.")
    return int(value)
