"""The page of where and when a project's objects were taken, under any filter of the board; the same for programs."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.counts import project_counts
from app.objects.filters import Filter, address, read_filter
from app.objects.pages import query_of
from app.openapi import refusals
from app.projects.access import VISITOR, Project
from app.samples.where_when import MOST_SAMPLES, Taken, where_when
from app.search.codes import STATUSES

# What the page has fields for; other conditions come from the board and stay as chips.
FIELDS = ("taxon", "status", "place", "date")
DAYS = ("from", "to")
MOST_TAXA = 500


@dataclass(frozen=True)
class Period:
    """Objects taken from `first` to `last`, both included."""

    first: str
    last: str
    n: int


@dataclass(frozen=True)
class WhereAndWhen:
    """`box`: south, west, north, east round all samples; `by`: what each of `times` is: day, month or year.

    `months`: objects by month of the year, January first. `samples`: those with most objects first.
    """

    n_objects: int
    n_samples: int
    n_without_place: int
    n_without_day: int
    box: str | None
    by: str | None
    times: list[Period]
    months: list[int]
    samples: list[Taken]


def _filter(db: Db, project: Project, viewer: Viewer, request: Request) -> Filter:
    """What its form leaves empty is no condition; the form's `from` and `to` are the days of one."""
    said = [(key, value.strip()) for key, value in query_of(request) if key != "limit"]
    said = [(key, value) for key, value in said if value or key not in (*FIELDS, *DAYS)]
    days = {key: value for key, value in said if key in DAYS}
    said = [pair for pair in said if pair[0] not in days]
    if days:
        said.append(("date", f"{days.get('from', '')}..{days.get('to', '')}"))
    return read_filter(db, project.id, said, project.validated_only, viewer.account_id)


@get("/projects/{project_id:int}/map", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_map(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    filter = _filter(db, project, viewer, request)
    path = f"/projects/{project.id}/map"
    typed = {chip.key: chip.raw for chip in filter.chips}
    first, _, last = typed.get("date", "").partition("..")
    context = {
        "project": project,
        "found": where_when(db, project, filter),
        "typed": typed,
        "first": first,
        "last": last if ".." in typed.get("date", "") else first,
        "taxa": _taxa(db, project, typed.get("taxon", "")),
        "statuses": "V" if project.validated_only else STATUSES,
        "kept": [chip for chip in filter.chips if chip.key not in FIELDS or chip.invalid],
        "without": {chip: address(path, filter.to_query(without=chip)) for chip in filter.chips},
        "is_filtered": bool(filter.chips),
        "board_url": address(f"/projects/{project.id}", filter.to_query()),
        "board_of": lambda *more: address(f"/projects/{project.id}", filter.to_query(), more),
    }
    return Template("samples/map.html", context=context)


def _taxa(db: Db, project: Project, asked: str) -> list[Any]:
    """The taxa that the project's objects have, with their numbers; the one that is asked for among them."""
    counts: dict[int, int] = {}
    for (taxon_id, status), n in project_counts(db, project.id).items():
        if taxon_id and (status == "V" or not project.validated_only):
            counts[taxon_id] = counts.get(taxon_id, 0) + n
    most = sorted(counts, key=lambda taxon_id: -counts[taxon_id])[:MOST_TAXA]
    also = [int(asked)] if asked.isdecimal() and len(asked) < 10 else []
    return db.execute(
        """
        select taxon.id, display_name, coalesce(n, 0) as n
          from taxon
          left join unnest(%s::int[], %s::bigint[]) as counted (id, n) on counted.id = taxon.id
         where taxon.id = any(%s)
         order by lower(display_name)
        """,
        [most, [counts[taxon_id] for taxon_id in most], most + also],
    ).fetchall()


@get(
    "/projects/{project_id:int}/where-and-when", opt=VISITOR, sync_to_thread=True, tags=["samples"],
    summary="Where and when objects were taken", responses=refusals(400, 401, 404),
)  # fmt: skip
def where_and_when_api(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    limit: FromQuery[int] = MOST_SAMPLES,
) -> WhereAndWhen:
    """Of the objects that a filter keeps, said as in an address of the board; at most 1,000 samples are listed."""
    found = where_when(db, project, _filter(db, project, viewer, request).obeyed(), min(max(limit, 1), 1000))
    months = [0] * 12
    for column in found.season.columns if found.season else []:
        months[column.at] = column.n
    return WhereAndWhen(
        n_objects=found.n_objects,
        n_samples=found.n_samples,
        n_without_place=found.n_without_place,
        n_without_day=found.time.n_unknown if found.time else found.n_objects,
        box=found.map.place if found.map else None,
        by=found.time.unit if found.time else None,
        times=[Period(one.first, one.last, one.n) for one in found.time.columns] if found.time else [],
        months=months,
        samples=found.samples,
    )


routes = [show_map]
api_routes = [where_and_when_api]
