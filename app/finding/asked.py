"""What was typed into the one box, read: words, names of files, numbers, addresses, places and days."""

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from app.accounts.viewer import Viewer
from app.projects.wishes import Wish

KINDS = ("projects", "samples", "acquisitions", "objects", "taxa", "people")
LONGEST = 300
SHORTEST_MEMBER = 3  # of a name: fewer letters are in nearly all
MOST_ID = 2**63 - 1
NUMBER = re.compile(r"(?:#|id )?(\d{1,19})", re.ASCII | re.IGNORECASE)
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
# The number at the end of an address: ours, /projects/3/objects/12, or EcoTaxa's, /prj/3 and /object/12.
ADDRESS = re.compile(
    r"/(objects|projects|samples|acquisitions|taxonomy|taxa|prj|object)/(\d{1,18})(?=/|$)", re.ASCII
)  # fmt: skip
ECOTAXA = {"prj": "projects", "object": "objects"}
DEGREES = re.compile(r"-?\d{1,3}(?:\.\d+)?(?:,-?\d{1,3}(?:\.\d+)?){1,3}", re.ASCII)
DAY = re.compile(r"((?:1[89]|20)\d\d)(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


@dataclass(frozen=True)
class Asked:
    """What was typed: words, and what they are where they are an id, an address or the digest of an image."""

    words: str
    names: tuple[str, ...]  # original ids that may be meant
    numbers: tuple[tuple[str, int], ...]  # kind and id
    hash: bytes | None = None
    remote: tuple[tuple[str, int], ...] = ()  # kind and EcoTaxa's number

    def number(self, kind: str) -> int:
        """The id that is asked for; 0 where none is, which nothing has."""
        return dict(self.numbers).get(kind, 0)

    def remote_number(self, kind: str) -> int:
        return dict(self.remote).get(kind, 0)


def read(typed: str) -> Asked:
    """An address stands for the last thing that it names; a file's name also for the object that it is the image of."""
    words = " ".join(typed.replace("\0", " ").split())[:LONGEST]
    if "://" in words or words.startswith("/"):
        path = unquote(re.sub(r"^\w+://[^/]*", "", words).split("?")[0].split("#")[0])
        if named := ADDRESS.findall(path):
            return _addressed(named[-1][0], int(named[-1][1]))
        words = PurePosixPath(path).name
    names = [words, typed.replace("\0", " ")[:LONGEST]]  # a name may have a tab or a line break
    if "." in words or "/" in words or "\\" in words:
        file = PurePosixPath(words.replace("\\", "/"))
        names += [file.name, file.stem, str(file.with_suffix("")) if file.name else ""]
    number = NUMBER.fullmatch(words)
    numbered = int(number[1]) if number and int(number[1]) <= MOST_ID else None
    return Asked(
        words,
        tuple(dict.fromkeys(filter(None, names))),
        tuple((kind, numbered) for kind in KINDS if kind != "people") if numbered is not None else (),
        bytes.fromhex(words) if HASH.fullmatch(words) else None,
        tuple((kind, numbered) for kind in ECOTAXA.values()) if numbered is not None else (),
    )


def _addressed(noun: str, number: int) -> Asked:
    if noun in ECOTAXA:
        return Asked("", (), (), remote=((ECOTAXA[noun], number),))
    return Asked("", (), (("taxa" if noun == "taxonomy" else noun, number),))


def wishes(viewer: Viewer, words: str) -> list[tuple[str, Wish, str]]:
    """What else of a project the words may mean: words of its title with a place and days, a taxon, a member. With why
    it was found then."""
    rest, when, why = _where_and_when(words)
    # Places, days and members are for those who are logged in.
    if when and viewer.account is None:
        return []
    found = [(rest, when, why)] if when else []
    if rest and not rest.isdecimal():
        found.append(("", replace(when, taxon=rest), ", ".join(filter(None, [f"with {rest}", why]))))
        if viewer.account is not None and len(rest) >= SHORTEST_MEMBER:
            found.append(("", replace(when, member=rest), ", ".join(filter(None, [f"member {rest}", why]))))
    return found


def _where_and_when(words: str) -> tuple[str, Wish, str]:
    """The words that are left beside a place, as 43.5,7.3 or south,west,north,east, and a day, month or year."""
    rest, wish, why = [], Wish(), []
    for word in re.sub(r"(?<=\d)\s*,\s+(?=-?\d)", ",", words).split():
        if DEGREES.fullmatch(word) and (place := _box(word)):
            wish, why = replace(wish, place=place), [*why, f"at {word}"]
        elif day := DAY.fullmatch(word):
            year, month, date = day.groups()
            since = f"{year}-{month or '01'}-{date or '01'}"
            until = f"{year}-{month or '12'}-{date or monthrange(int(year), int(month or 12))[1]}"
            wish, why = replace(wish, since=since, until=until), [*why, f"in {word[:7]}"]
        else:
            rest.append(word)
    return " ".join(rest), wish, ", ".join(why)


def _box(word: str) -> str:
    """A place as a filter takes it, from two or four degrees."""
    parts = word.split(",")
    return ",".join(parts * 2) if len(parts) == 2 else word if len(parts) == 4 else ""
