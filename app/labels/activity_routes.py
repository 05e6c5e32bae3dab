"""How much was done in a project and how fast: for managers of everybody, for the others of themselves and of all."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden
from app.jobs.words import time_span
from app.labels.activity import Activity, Report, report
from app.labels.acts_page import source_words
from app.labels.pace import IDLE_S, Pace, pace
from app.labels.pages import actor
from app.labels.undo_routes import read_moment
from app.openapi import refusals
from app.projects.access import VISITOR, Project

PERIODS = {"1": "last day", "7": "last 7 days", "30": "last 30 days", "365": "last year"}


@dataclass(frozen=True)
class Done:
    """One line of a report. `n_timed`: the images labelled within `seconds`, whose speed `images_per_hour` is; that
    and `acts_per_image` are null where nothing can be said."""

    what: str
    account_id: int | None
    n_acts: int
    n_images: int
    n_undone: int
    n_unseen: int
    n_timed: int
    seconds: float
    images_per_hour: float | None
    acts_per_image: float | None


@dataclass(frozen=True)
class ActivityReport:
    """People (others than oneself for managers only), kinds of batches, and days (UTC)."""

    since: datetime
    until: datetime
    idle_s: int
    people: list[Done]
    sources: list[Done]
    days: list[Done]


def visible(found: Report, project: Project, account_id: int) -> Report:
    """How fast others are is for managers."""
    if project.may("manager"):
        return found
    return replace(found, people=[one for one in found.people if one.account_id == account_id])


def _told(one: Activity) -> Done:
    return Done(
        one.what, one.account_id, one.n_acts, one.n_images, one.n_undone, one.n_unseen, one.n_timed, one.seconds,
        one.images_per_hour, one.acts_per_image,
    )  # fmt: skip


@get(
    "/projects/{project_id:int}/activity", opt=VISITOR, sync_to_thread=True, tags=["acts"],
    summary="Acts, images, time and speed by person, by kind of batch and by day",
    responses=refusals(400, 401, 403, 404),
)  # fmt: skip
def activity_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    who: FromQuery[int | None] = None,
) -> ActivityReport:
    """The last 7 days, where the address says nothing else. `since` and `until`: moments as 2026-05-31T12:00, in UTC
    where no zone is said; `who`: an account's id."""
    account = actor(viewer)
    if who not in (None, account.id) and not project.may("manager"):
        raise Forbidden("How fast others are is for managers of the project.")
    end = read_moment(until, datetime.now(UTC))
    begin = read_moment(since, end - timedelta(days=7))
    found = visible(report(db, project.id, begin, end, who), project, account.id)
    return ActivityReport(begin, end, IDLE_S, *(list(map(_told, some)) for some in _lists(found)))


@get(
    "/projects/{project_id:int}/pace", opt=VISITOR, sync_to_thread=True, tags=["acts"],
    summary="How fast one goes now, over one's latest acts", responses=refusals(401, 404),
)  # fmt: skip
def pace_api(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Pace:
    return pace(db, project.id, actor(viewer).id)


@get("/projects/{project_id:int}/activity", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_activity(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    days: FromQuery[str] = "7",
) -> Template:
    account = actor(viewer)
    days = days if days in PERIODS else "7"
    now = datetime.now(UTC)
    found = visible(report(db, project.id, now - timedelta(days=int(days)), now), project, account.id)
    most = max((one.n_images for one in found.days), default=0)
    sources = [replace(one, what=source_words(one.what)) for one in found.sources]
    context: dict[str, Any] = {
        "project": project,
        "periods": PERIODS,
        "days": days,
        "found": replace(found, sources=sources),
        "most_a_day": max(most, 1),
        "idle": time_span(IDLE_S),
        "time_span": time_span,
    }
    return Template("labels/activity.html", context=context)


def _lists(found: Report) -> tuple[list[Activity], list[Activity], list[Activity]]:
    return found.people, found.sources, found.days


routes = [show_activity]
api_routes = [activity_api, pace_api]
