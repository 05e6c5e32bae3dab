"""How names of taxa are written and compared."""

import re
import unicodedata

UNKNOWN_TAXON = "This taxon is not known here: choose one from the list."
# Ranks from genus down are set in italics; of taxa without a rank, those whose name is a binomial.
ITALIC_RANKS = frozenset(
    {"genus", "subgenus", "species", "subspecies", "variety", "subvariety", "form", "forma", "subform", "subforma"}
)
MARKS = re.compile("[\u0300-\u036f]")
SIGNS = re.compile("[\x00-/:;=-@\\[-`{-\x7f\xa0]+")
BINOMIAL = re.compile(r"[A-Z][a-z]+(-[a-z]+)? [a-z][a-z-]+( [a-z-]+)?")


def is_italic(name: str | None, rank: str, type: str) -> bool:
    """Whether a taxon's name is written in italics."""
    if not name or type != "P":
        return False
    return rank.lower() in ITALIC_RANKS if rank else BINOMIAL.fullmatch(name) is not None


def normalised(text: str) -> str:
    """A name as typed, made comparable with display names: single blanks, and one on each side of “<”."""
    return " ".join(text.replace("<", " < ").split())


def folded(text: str) -> str:
    """A name without case, accents and signs, as names are compared; the database's folded_name makes the same."""
    plain = MARKS.sub("", unicodedata.normalize("NFKD", text)).lower().replace("<", " < ")
    return SIGNS.sub(" ", plain).strip()
