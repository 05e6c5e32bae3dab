"""Undo of any act, with a look before: of one act, and of all that one person did in a period. Pages and API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, Refused
from app.labels.history import who_acted
from app.labels.pages import Again, actor
from app.labels.undo_all import Taken, check_may, redo_all, undo_all
from app.labels.undo_preview import Extent, Period, Preview, extent, period_of_audit, preview_act, preview_part
from app.openapi import refusals
from app.projects.access import ANNOTATOR, VISITOR, Project

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class UndoAll:
    """Whose acts of which period are taken back (until now, where no end is said); `client_id` makes it happen once.
    `who`: an account's id. Moments are written 2026-05-31T12:00, in UTC where no zone is said.
    `audit`: of these only what was accepted under this audit."""

    client_id: UUID
    who: int
    since: str
    until: str = ""
    audit: int | None = None


def read_moment(text: str, otherwise: datetime | None = None) -> datetime:
    """A moment of an address; without a time zone it is in UTC. One before or after all acts is as good as the first or
    the last moment that there is: the calendar's own ends leave no room to reckon in."""
    if not text and otherwise:
        return otherwise
    if not text:
        raise Refused("Say from which moment on: `since`, written as 2026-05-31T12:00.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text[:40]!r} is no moment: write it as 2026-05-31T12:00.") from None
    return min(max(moment if moment.tzinfo else moment.replace(tzinfo=UTC), EARLIEST), LATEST)


def read_period(project: Project, who: int, since: str, until: str, audit: int | None = None) -> Period:
    """To its last minute's end; without an end, until now."""
    end = read_moment(until, datetime.now(UTC))
    if len(until) == len("2026-05-31T12:00"):
        end = end.replace(second=59, microsecond=999_999)
    return Period(project.id, who, read_moment(since), end, audit)


@get(
    "/projects/{project_id:int}/acts/{act_id:int}/undo", opt=VISITOR, sync_to_thread=True, tags=["acts"],
    summary="What the undo of an act would change back, and what it would leave",
    responses=refusals(401, 404),
)  # fmt: skip
def preview_act_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], act_id: FromPath[int]
) -> Preview:
    actor(viewer)
    return preview_act(db, project.id, act_id)


@get(
    "/projects/{project_id:int}/undo-all", opt=ANNOTATOR, sync_to_thread=True, tags=["acts"],
    summary="What taking back all that one person did in a period would change",
    responses=refusals(400, 401, 403, 404),
)  # fmt: skip
def preview_all_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    who: FromQuery[int] = 0,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    audit: FromQuery[int | None] = None,
) -> Preview:
    """Of some thousand objects at a time, newest acts first: ask again with `before`, and add, until that is null.
    `who`, `since`, `until` and `audit` as they will be sent to take it back."""
    check_may(actor(viewer).id, who, project.may("manager"))
    return preview_part(db, read_period(project, who, since, until, audit), before)


@post(
    "/projects/{project_id:int}/undo-all", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["acts"],
    summary="Take back all that one person did in a period: one's own, or anybody's for a manager",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def undo_all_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[UndoAll]
) -> Taken:
    """One act of the kind undo_all. Where there is much to take back, the job `job_id` does it."""
    return _undo_all(db, project, viewer, data)


@post(
    "/projects/{project_id:int}/acts/{act_id:int}/redo", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["acts"], summary="Do again what an undo of many acts took back", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def redo_all_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    act_id: FromPath[int],
    data: JSONBody[Again],
) -> Taken:
    return redo_all(db, project, actor(viewer), data.client_id, act_id, project.may("manager"))


def _undo_all(db: Db, project: Project, viewer: Viewer, data: UndoAll) -> Taken:
    period = read_period(project, data.who, data.since, data.until, data.audit)
    return undo_all(db, project, actor(viewer), data.client_id, period, project.may("manager"))


@get(
    "/projects/{project_id:int}/acts/{act_id:int}/undo", opt=VISITOR, include_in_schema=False, sync_to_thread=True,
)  # fmt: skip
def show_preview(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], act_id: FromPath[int]
) -> Template:
    """What stands under the act in the list, before it is taken back."""
    actor(viewer)
    context = {"project": project, "act_id": act_id, "preview": preview_act(db, project.id, act_id)}
    return Template("labels/_preview.html", context=context)


@get("/projects/{project_id:int}/acts/undo", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def show_undo_all(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    who: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    audit: FromQuery[int | None] = None,
) -> Template:
    """Asks whose and from when to when; with these, what it would take back, counted while one looks. With an audit,
    what was accepted under it."""
    account = actor(viewer)
    if audit is not None:
        return Template("labels/undo_all.html", context=_of_audit(db, project, account.id, audit))
    who_id = int(who) if who.isdecimal() and int(who) < 2**31 else account.id
    manages = project.may("manager")
    context: dict[str, Any] = {
        "project": project,
        "people": who_acted(db, project.id) if manages else [],
        "who": who_id,
        "since": since,
        "until": until,
        "audit": None,
        **_asked(db, project, account.id, who_id, since, until),
    }
    return Template("labels/undo_all.html", context=context)


def _of_audit(db: Db, project: Project, account_id: int, audit: int) -> dict[str, Any]:
    """Of all that was accepted under an audit, in however many acts."""
    period = period_of_audit(db, project.id, audit)
    said: dict[str, Any] = {"project": project, "audit": audit, "people": [], "who": account_id}
    said |= {"since": "", "until": "", "error": "", "period": None, "extent": Extent(0, 0), "parts_url": ""}
    if period is not None:
        try:
            check_may(account_id, period.who, project.may("manager"))
            said |= _found(db, project, period)
        except Forbidden as refused:
            said["error"] = refused.sentence
    return said


def _asked(db: Db, project: Project, account_id: int, who: int, since: str, until: str) -> dict[str, Any]:
    """The period that the address names, and how much stands in it; or why it cannot be."""
    nothing = {"extent": None, "period": None, "parts_url": "", "error": ""}
    if not since:
        return nothing
    try:
        check_may(account_id, who, project.may("manager"))
        period = read_period(project, who, since, until)
    except (Refused, Forbidden) as refused:
        return {**nothing, "error": refused.sentence}
    return {**_found(db, project, period), "error": ""}


def _found(db: Db, project: Project, period: Period) -> dict[str, Any]:
    asked = {"who": period.who, "since": period.since.isoformat(), "until": period.until.isoformat()}
    if period.audit_id is not None:
        asked["audit"] = period.audit_id
    return {
        "extent": extent(db, period),
        "period": period,
        "parts_url": f"/projects/{project.id}/undo-all?{urlencode(asked)}",
    }


@get("/projects/{project_id:int}/undo-all", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def preview_all(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    who: FromQuery[int] = 0,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    audit: FromQuery[int | None] = None,
) -> Preview:
    check_may(actor(viewer).id, who, project.may("manager"))
    return preview_part(db, read_period(project, who, since, until, audit), before)


@post(
    "/projects/{project_id:int}/undo-all", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True, status_code=200
)
def take_back(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[UndoAll]
) -> Taken:
    return _undo_all(db, project, viewer, data)


@post(
    "/projects/{project_id:int}/acts/{act_id:int}/redo", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True,
    status_code=200,
)  # fmt: skip
def do_again(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    act_id: FromPath[int],
    data: JSONBody[Again],
) -> Taken:
    return redo_all(db, project, actor(viewer), data.client_id, act_id, project.may("manager"))


routes = [show_preview, show_undo_all, preview_all, take_back, do_again]
api_routes = [preview_act_api, preview_all_api, undo_all_api, redo_all_api]
