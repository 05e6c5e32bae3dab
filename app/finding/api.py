"""Things found by words, ids and addresses, for programs."""

from dataclasses import dataclass
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, Parameter

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.finding.asked import KINDS
from app.finding.things import MOST, USUAL, Thing, find
from app.openapi import refusals

ALL = ",".join(KINDS)


@dataclass
class FoundThings:
    """At most `limit` of each kind, best first; `more`: the kinds of which there are more.

    `alike`: nothing goes by what was asked, and these are spelt nearly so.
    """

    projects: list[Thing]
    samples: list[Thing]
    acquisitions: list[Thing]
    objects: list[Thing]
    taxa: list[Thing]
    people: list[Thing]
    more: list[str]
    alike: bool


@get("/find", opt={"public": True}, tags=["projects"], responses=refusals(400), sync_to_thread=True)
def find_things(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str],
    kinds: FromQuery[str] = ALL,
    limit: Annotated[int, Parameter(ge=1, le=MOST)] = USUAL,
) -> FoundThings:
    """What `q` stands for among what the caller may see: words, a number (ours or EcoTaxa's), an original id or the
    name of an image's file, an image's SHA-256, or an address of Shoal or EcoTaxa; for projects also a taxon, a member,
    a place as 43.5,7.3 or south,west,north,east, and a day, month or year. `kinds`: some of projects, samples,
    acquisitions, objects, taxa, people."""
    asked = tuple(dict.fromkeys(kinds.split(",")))
    if unknown := [kind for kind in asked if kind not in KINDS]:
        raise Refused(f"There is no kind {unknown[0]!r}: the kinds are {', '.join(KINDS)}.")
    found = find(db, viewer, q, asked, limit)
    return FoundThings(**{kind: found.things.get(kind, []) for kind in KINDS}, more=found.more, alike=found.alike)


routes = [find_things]
