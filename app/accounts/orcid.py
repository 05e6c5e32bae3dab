"""ORCID iDs: read as people paste them, and checked by their check digit (ISO 7064 MOD 11-2)."""

import re

from app.errors import Refused

SHAPE = re.compile(r"[0-9]{15}[0-9X]")
SITE = re.compile(r"^(https?://)?(www\.)?orcid\.org/", re.IGNORECASE)


def read_orcid(text: str) -> str:
    """As 0000-0002-1825-0097, from an address, with or without hyphens; '' for nothing; Refused for what is none."""
    letters = SITE.sub("", text.strip()).strip("/").replace("-", "").replace(" ", "").upper()
    if not letters:
        return ""
    if not SHAPE.fullmatch(letters):
        raise Refused("An ORCID has 16 digits, as 0000-0002-1825-0097. Copy it from orcid.org.", status=422)
    if check_digit(letters[:15]) != letters[15]:
        raise Refused(
            f"{'-'.join(_fours(letters))} is no ORCID: its last digit does not fit the others. Look for a slip.",
            status=422,
        )
    return "-".join(_fours(letters))


def check_digit(digits: str) -> str:
    """The sixteenth digit that belongs to the first fifteen; X stands for ten."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


def _fours(letters: str) -> list[str]:
    return [letters[place : place + 4] for place in range(0, 16, 4)]
