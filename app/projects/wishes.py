"""What a list of projects is narrowed by, beside words: instrument, taxon, place, time and members."""

from dataclasses import dataclass, field
from datetime import date
from math import ceil, floor
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.objects.readings import READERS
from app.taxonomy.changing import named

LOG_IN = "Log in to find projects by place, time or member."
LONGEST = 200
# Each clause stands where it is asked for. Objects that nobody validated are not for who is not logged in, and who is
# a member is known to members.
CLAUSES = {
    "instrument": "strpos(lower(p.instrument), %(instrument)s) > 0",
    "taxon": """
        p.id in (
            with recursive below (id) as (
                select %(taxon)s::int
                union
                select taxon.id
                from taxon
                join below on below.id = taxon.parent_id
            )
            select project_id
            from count_delta
            where taxon_id in (select id from below)
              and (%(whole)s or status = 'V')
            group by project_id
            having sum(n) > 0
        )
    """,
    "reach": """
        p.id in (
            select project_id
            from project_reach
            where (%(south)s::int is null or latitude_deg between %(south)s and %(north)s)
              and (%(west)s::int is null
                   or case when %(west)s <= %(east)s then longitude_deg between %(west)s and %(east)s
                           else longitude_deg >= %(west)s or longitude_deg <= %(east)s end)
              and (%(since)s::date is null or month >= date_trunc('month', %(since)s::date))
              and (%(until)s::date is null or month <= %(until)s::date)
        )
    """,
    "member": """
        (%(all)s or m.role is not null)
        and exists (
            select
            from member
            join account on account.id = member.account_id
            where member.project_id = p.id
              and (strpos(lower(account.name), %(member)s) > 0
                   or (%(all)s and strpos(lower(account.email), %(member)s) > 0))
        )
    """,
}


@dataclass(frozen=True)
class Wish:
    """`taxon`: a name or id, with all below it; `place`: south,west,north,east in degrees; `since` and `until`: days as
    2024-06-30; `member`: a part of a name, in one's own projects.

    Places are compared to a degree and days to a month.
    """

    instrument: str = ""
    taxon: str = ""
    place: str = ""
    since: str = ""
    until: str = ""
    member: str = ""

    def __bool__(self) -> bool:
        return any(value.strip() for value in vars(self).values())

    def to_query(self) -> dict[str, str]:
        return {key: value for key, value in vars(self).items() if value.strip()}


@dataclass(frozen=True)
class Narrowing:
    """The same as SQL."""

    clauses: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


def narrowing(db: Db, viewer: Viewer, wish: Wish) -> Narrowing:
    """Refused with what cannot be meant, or may not be asked."""
    clauses, values = [], {}
    if (wish.place.strip() or wish.since.strip() or wish.until.strip() or wish.member.strip()) and not viewer.account:
        raise Refused(LOG_IN, status=401)
    for name in ("instrument", "member"):
        if text := getattr(wish, name).replace("\0", " ").strip().lower()[:LONGEST]:
            clauses.append(CLAUSES[name])
            values[name] = text
    if wish.taxon.strip():
        clauses.append(CLAUSES["taxon"])
        values["taxon"] = named(db, wish.taxon).id
    if wish.place.strip() or wish.since.strip() or wish.until.strip():
        clauses.append(CLAUSES["reach"])
        values |= _box(wish.place.strip()) | {"since": _day(wish.since), "until": _day(wish.until)}
        if values["since"] and values["until"] and values["since"] > values["until"]:
            raise Refused("The last day lies before the first one: exchange them.", status=422)
    return Narrowing(clauses, values)


def _box(place: str) -> dict[str, int | None]:
    """South and west edges of the degrees in which the box begins and ends."""
    if not place:
        return dict.fromkeys(("south", "west", "north", "east"))
    reading = READERS["place"](place)
    if reading.invalid:
        raise Refused(reading.invalid.replace(": not obeyed", ""), status=422)
    south, west, north, east = reading.meaning
    first, last = floor(west), ceil(east) - 1
    return {
        "south": floor(south), "north": max(ceil(north) - 1, floor(south)),
        "west": first, "east": max(first, last) if west <= east else last,
    }  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise Refused(f"{text.strip()[:40]!r} is no day: write it as 2024-06-30.", status=422) from None
