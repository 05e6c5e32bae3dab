"""The page of a project's statistics, its tables as CSV, and the same for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import LoginNeeded
from app.labels.pages import actor
from app.objects.filters import address
from app.openapi import refusals
from app.projects.access import VISITOR, Project
from app.samples.listing import ORDERS
from app.samples.when import by_time
from app.search.codes import STATUSES
from app.statistics import lines, tables
from app.statistics.tables import FOR_ANONYMOUS, KINDS, check_kind

PAGE = "/projects/{project_id:int}/statistics"
MOST_SHOWN = 500  # lines of a table on the page; the CSV has all


@dataclass(frozen=True)
class SampleLines:
    """Samples of one page; `next_cursor` is the `after` of the next one, and null at the end."""

    samples: list[lines.SampleLine]
    next_cursor: str | None


@get(PAGE, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_statistics(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    by: FromQuery[str] = "taxa",
    order: FromQuery[str] = "objects",
    after: FromQuery[str | None] = None,
) -> Template:
    if viewer.account is None and by in KINDS and by not in FOR_ANONYMOUS:
        raise LoginNeeded()
    by = by if by in KINDS else "taxa"
    context: dict[str, Any] = {
        "project": project,
        "by": by,
        "kinds": {key: words for key, words in KINDS.items() if viewer.account or key in FOR_ANONYMOUS},
        "csv_url": f"/projects/{project.id}/statistics/{by}.csv",
        "chart": None,
        "next_url": "",
        "order": order if order in ORDERS else "objects",
        "orders": ORDERS,
    }
    found = _found(db, project, viewer, context, after)
    context |= {"lines": found[:MOST_SHOWN], "n_lines": len(found)}
    if by in ("taxa", "taken"):
        context["sums"] = {status: sum(line.counts.get(status, 0) for line in found) for status in STATUSES}
    return Template("statistics/statistics.html", context=context)


def _found(db: Db, project: Project, viewer: Viewer, context: dict[str, Any], after: str | None) -> list[Any]:
    """The page's lines; what else it needs of them goes into the context."""
    by = context["by"]
    if by == "taxa":
        return lines.by_taxon(db, project)
    if by == "people":
        return lines.by_person(db, project, actor(viewer).id)
    if by == "samples":
        page, found = lines.sample_page(db, project, context["order"], after)
        if page.next_cursor:
            said = [("by", by), ("order", context["order"]), ("after", page.next_cursor)]
            context["next_url"] = address(f"/projects/{project.id}/statistics", said)
        return found
    days: list[Any] = lines.by_day(db, project) if by == "days" else lines.by_taken(db, project)
    n = [day.n_images if by == "days" else day.n for day in days]
    if any(n):
        context["chart"] = by_time(lines.days_of(days), np.array(n, np.int64))
    return days[::-1] if by == "days" else days


@get(f"{PAGE}/{{name:str}}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def send_table(
    request: Request,
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    name: FromPath[str],
) -> Stream:
    """NAME.csv of what the page shows, whole."""
    return _sent(request, project, viewer, name.removesuffix(".csv"))


def _sent(request: Request, project: Project, viewer: Viewer, by: str) -> Stream:
    """A stream with a connection of its own: the request's is given back before it begins."""
    if viewer.account is None and by in KINDS and by not in FOR_ANONYMOUS:
        raise LoginNeeded()
    check_kind(by, project)
    pool = request.app.state.connections.pool
    account_id = viewer.account_id

    def pieces() -> Iterator[str]:
        with pool.connection() as db:
            yield "\ufeff"
            yield from tables.write(db, project, account_id, by)

    headers = {"Content-Disposition": f'attachment; filename="project-{project.id}-{by}.csv"'}
    return Stream(pieces(), media_type="text/csv; charset=utf-8", headers=headers)


@get(
    "/projects/{project_id:int}/statistics/taxa", opt=VISITOR, sync_to_thread=True, tags=["statistics"],
    summary="Objects by taxon and status", responses=refusals(401, 404),
)  # fmt: skip
def taxa_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[lines.TaxonLine]:
    """Taxa with most objects first; those that have only some below them are left out."""
    return lines.by_taxon(db, project)


@get(
    "/projects/{project_id:int}/statistics/people", opt=VISITOR, sync_to_thread=True, tags=["statistics"],
    summary="Standing labels by person", responses=refusals(401, 404),
)  # fmt: skip
def people_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[lines.PersonLine]:
    """What was done in all is told of oneself, and of others to managers."""
    return lines.by_person(db, project, actor(viewer).id)


@get(
    "/projects/{project_id:int}/statistics/samples", opt=VISITOR, sync_to_thread=True, tags=["statistics"],
    summary="Objects by sample and status, with the number of validated taxa", responses=refusals(400, 401, 404),
)  # fmt: skip
def samples_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    order: FromQuery[str] = "name",
    after: FromQuery[str | None] = None,
) -> SampleLines:
    """A hundred at a time; `order` is name, date, objects or left (to validate)."""
    page, found = lines.sample_page(db, project, order, after)
    return SampleLines(found, page.next_cursor)


@get(
    "/projects/{project_id:int}/statistics/days", opt=VISITOR, sync_to_thread=True, tags=["statistics"],
    summary="What was labelled by day", responses=refusals(401, 404),
)  # fmt: skip
def days_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[lines.DayLine]:
    """Days are in UTC; those on which nobody labelled are left out."""
    actor(viewer)
    return lines.by_day(db, project)


@get(
    "/projects/{project_id:int}/statistics/taken", opt=VISITOR, sync_to_thread=True, tags=["statistics"],
    summary="Objects by the day on which they were taken, and status", responses=refusals(401, 404),
)  # fmt: skip
def taken_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[lines.TakenLine]:
    """An empty day: it is not known."""
    return lines.by_taken(db, project)


routes = [show_statistics, send_table]
api_routes = [taxa_api, people_api, samples_api, days_api, taken_api]
