"""Things found by words, ids and addresses, for programs."""

from dataclasses import dataclass
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, Parameter

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.finding.things import KINDS, MOST, USUAL, Thing, find
from app.openapi import refusals

ALL = ",".join(KINDS)


@dataclass
class FoundThings:
    """At most `limit` of each kind, best first; `more`: the kinds of which there are more."""

    projects: list[Thing]
    samples: list[Thing]
    objects: list[Thing]
    taxa: list[Thing]
    people: list[Thing]
    more: list[str]


@get("/find", opt={"public": True}, tags=["projects"], responses=refusals(400), sync_to_thread=True)
def find_things(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str],
    kinds: FromQuery[str] = ALL,
    limit: Annotated[int, Parameter(ge=1, le=MOST)] = USUAL,
) -> FoundThings:
    """What `q` stands for among what the caller may see: words, a number, an original id or a file's name, an image's
    SHA-256, or an address of Shoal or EcoTaxa. `kinds`: some of projects, samples, objects, taxa, people."""
    asked = tuple(dict.fromkeys(kinds.split(",")))
    if unknown := [kind for kind in asked if kind not in KINDS]:
        raise Refused(f"There is no kind {unknown[0]!r}: the kinds are {', '.join(KINDS)}.")
    found = find(db, viewer, q, asked, limit)
    return FoundThings(**{kind: found.things.get(kind, []) for kind in KINDS}, more=found.more)


routes = [find_things]
