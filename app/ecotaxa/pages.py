"""A project's page of EcoTaxa: what it goes with there, the last visits, what differs, and whose word stands."""

from dataclasses import dataclass, field
from typing import Any, get_args

from litestar import get, post
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.ecotaxa import differences, taxa, visits
from app.ecotaxa.api import HERE, TALKS
from app.ecotaxa.differences import Kind
from app.ecotaxa.visits import Action, Report
from app.errors import Refused
from app.jobs.queries import find_job
from app.labels.pages import actor
from app.projects.access import Project

GROUPED: tuple[Kind, ...] = ("send", "withdrawn", "blocked", "gone")


@dataclass
class LinkForm:
    address: str = ""


@dataclass
class VisitForm:
    action: str = ""
    token: str = field(default="", repr=False)
    fields: str = ""


@dataclass
class DecideForm:
    """`keep`: ours or theirs; `remote_ids`: ticked ones, or `all`."""

    keep: str = ""
    all: str = ""
    remote_ids: list[str] | str = field(default_factory=list)


@dataclass
class MapForm:
    """A taxon's number and EcoTaxa's, in the same order."""

    taxon: list[str] | str = field(default_factory=list)
    number: list[str] | str = field(default_factory=list)


def _page(
    db: Db, project: Project, state: AppState, error: str = "", form: LinkForm | None = None, after: int = 0
) -> Template:
    link = visits.find_link(db, project.id)
    last = visits.list_visits(db, project.id) if link else []
    ended = next((one for one in last if one.ended_at), None)
    report = ended.report if ended else Report()
    context = {
        "project": project,
        "link": link,
        "servers": [one.strip() for one in state.settings.ecotaxa_servers.split(",") if one.strip()],
        "form": form or LinkForm(),
        "error": error,
        "visits": last,
        "running": last[0] if last and last[0].is_active else None,
        "ended": ended,
        "report": report,
        "grouped": {kind: differences.groups(db, project.id, kind) for kind in GROUPED if getattr(report, f"n_{kind}")},
        "unmapped": differences.unmapped(db, project.id) if report.n_unmapped else [],
        "conflicts": differences.page(db, project.id, "conflict", after) if report.n_conflict else [],
        "after": after,
        "a_page": differences.A_PAGE,
        "words": visits.WORDS,
    }
    return Template("ecotaxa/page.html", context=context, status_code=422 if error else 200)


@get(HERE, opt=TALKS, include_in_schema=False, sync_to_thread=True)
def show(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, after: FromQuery[int] = 0
) -> Template:
    return _page(db, project, state, after=after)


@get(f"{HERE}/progress", opt=TALKS, include_in_schema=False, sync_to_thread=True)
def progress(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    """How far the visit is; where it has ended, the page is loaded anew."""
    running = visits.active(db, project.id)
    headers = {"Cache-Control": "no-store"} | ({} if running else {"HX-Refresh": "true"})
    job = find_job(db, viewer, running.job_id) if running and running.job_id else None
    context = {"project": project, "running": running, "job": job}
    return Template("ecotaxa/_progress.html", context=context, headers=headers)


@post(f"{HERE}/link", opt=TALKS, include_in_schema=False, sync_to_thread=True)
def link_page(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, data: URLEncodedBody[LinkForm]
) -> Template | Redirect:
    try:
        visits.set_link(db, project.id, data.address, None, state.settings.ecotaxa_servers)
    except Refused as refused:
        return _page(db, project, state, refused.sentence, data)
    return _back(project)


@post(f"{HERE}/unlink", opt=TALKS, include_in_schema=False, sync_to_thread=True)
def unlink_page(db: NamedDependency[Db], project: NamedDependency[Project]) -> Redirect:
    visits.end_link(db, project.id)
    return _back(project)


@post(f"{HERE}/visits", opt=TALKS, include_in_schema=False, sync_to_thread=True)
def visit_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    data: URLEncodedBody[VisitForm],
) -> Template | Redirect:
    action: Any = data.action
    try:
        if action not in get_args(Action):
            raise Refused("Say what to do: pull, compare or push.", status=422)
        fields = action == "pull" and bool(data.fields)
        visits.ask(db, state.settings, project.id, project.title, actor(viewer).id, action, data.token, fields)
    except Refused as refused:
        return _page(db, project, state, refused.sentence)
    return _back(project)


@post(f"{HERE}/conflicts", opt=TALKS, include_in_schema=False, sync_to_thread=True)
def decide_page(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, data: URLEncodedBody[DecideForm]
) -> Template | Redirect:
    ticked = _all(data.remote_ids)
    try:
        if data.keep not in ("ours", "theirs") or not (data.all or ticked):
            raise Refused("Tick the objects that you decide on, and say whose word stands.", status=422)
        numbers = None if data.all else [int(number) for number in ticked if number.isdecimal()]
        differences.decide(db, project.id, "ours" if data.keep == "ours" else "theirs", numbers)
    except Refused as refused:
        return _page(db, project, state, refused.sentence)
    return _back(project)


@post(f"{HERE}/taxa", opt=TALKS, include_in_schema=False, sync_to_thread=True)
def map_page(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, data: URLEncodedBody[MapForm]
) -> Template | Redirect:
    said = dict(zip(_all(data.taxon), (one.strip() for one in _all(data.number)), strict=False))
    try:
        visits.the_link(db, project.id)
        taxa.say(db, project.id, taxa.read_numbers(said))
    except Refused as refused:
        return _page(db, project, state, refused.sentence)
    return _back(project)


def _all(sent: list[str] | str) -> list[str]:
    """A form with one field of a name sends it as it is."""
    return [sent] if isinstance(sent, str) else sent


def _back(project: Project) -> Redirect:
    return Redirect(f"/projects/{project.id}/ecotaxa", status_code=303)


routes = [show, progress, link_page, unlink_page, visit_page, decide_page, map_page]
