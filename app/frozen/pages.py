"""A project's page of versions: those that are frozen, and what is proposed to the next."""

from dataclasses import dataclass, field

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.frozen import doing, proposals, versions
from app.frozen.api import FREEZES, LIST, READS_VERSIONS
from app.frozen.doing import Action
from app.jobs.queue import is_active
from app.labels.pages import actor
from app.learning import job as learning_job
from app.learning.choices import Choices
from app.projects import references
from app.projects.access import MANAGER, Project

WORDS = {"added": "newly validated", "renamed": "with another taxon", "removed": "no longer validated"}


@dataclass
class FreezeForm:
    title: str = ""
    note: str = ""


@dataclass
class DecideForm:
    """`do`: accept or refuse; `object_ids`: ticked ones, or `all`."""

    do: str = ""
    all: str = ""
    object_ids: list[str] | str = field(default_factory=list)


@dataclass
class VotesForm:
    number: str = ""


def _page(
    db: Db, project: Project, error: str = "", status: int = 200, form: FreezeForm | None = None, after: int = 0
) -> Template:
    look = proposals.last_look(db, project.id)
    context = {
        "project": project,
        "versions": versions.list_versions(db, project.id),
        "look": look,
        "working": bool(look and is_active(db, look.job_id)),
        "groups": proposals.groups(db, project.id) if look and look.n else [],
        "proposals": proposals.page(db, project.id, after) if look and look.n else [],
        "after": after,
        "a_page": proposals.A_PAGE,
        "words": WORDS,
        "form": form or FreezeForm(),
        "error": error,
    }
    return Template("frozen/page.html", context=context, status_code=status)


@get(LIST, opt=READS_VERSIONS, include_in_schema=False, sync_to_thread=True)
def show(db: NamedDependency[Db], project: NamedDependency[Project], after: FromQuery[int] = 0) -> Template:
    return _page(db, project, after=after)


@post(LIST, opt=FREEZES, include_in_schema=False, sync_to_thread=True)
def freeze_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[FreezeForm],
) -> Template | Redirect:
    try:
        doing.do(db, project, actor(viewer).id, "freeze", title=data.title, note=data.note)
    except Refused as refused:
        return _page(db, project, refused.sentence, refused.status, data)
    return _back(project)


@post(f"{LIST}/look", opt=FREEZES, include_in_schema=False, sync_to_thread=True)
def look_page(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template | Redirect:
    try:
        doing.do(db, project, actor(viewer).id, "look")
    except Refused as refused:
        return _page(db, project, refused.sentence, refused.status)
    return _back(project)


@post(f"{LIST}/decide", opt=FREEZES, include_in_schema=False, sync_to_thread=True)
def decide_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[DecideForm],
) -> Template | Redirect:
    ticked = [data.object_ids] if isinstance(data.object_ids, str) else data.object_ids
    action: Action = "refuse" if data.do == "refuse" else "accept"
    try:
        if data.do not in ("accept", "refuse") or not (data.all or ticked):
            raise Refused("Tick the proposals that you decide on, and accept or refuse them.", status=422)
        ids = None if data.all else [int(one) for one in ticked if one.isdecimal()]
        done = doing.do(db, project, actor(viewer).id, action, object_ids=ids)
    except Refused as refused:
        return _page(db, project, refused.sentence, refused.status)
    if done.n_left:
        left = f"{done.n_left:,} changed since somebody looked, and were left: look for changes again."
        return _page(db, project, left)
    return _back(project)


@post(f"{LIST}/{{number:int}}/learn", opt=FREEZES, include_in_schema=False, sync_to_thread=True)
def learn_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    number: FromPath[int],
) -> Redirect:
    """A learning set of all that the version says."""
    version = versions.find(db, project.id, number)
    choices = Choices(sources=(project.id,), per_taxon=None, versions={project.id: number})
    title = f"{version.title}, version {number}"
    set_id, _ = learning_job.ask(db, project, actor(viewer).id, title, choices)
    return Redirect(f"/projects/{project.id}/learning-sets/{set_id}", status_code=303)


@post(
    "/projects/{project_id:int}/references/{reference_id:int}/version", opt=MANAGER, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def votes_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
    data: URLEncodedBody[VotesForm],
) -> Redirect:
    number = int(data.number) if data.number.isdecimal() and len(data.number) < 10 else None
    references.name_version(db, project.id, viewer, reference_id, number)
    return Redirect(f"/projects/{project.id}/settings#references", status_code=303)


def _back(project: Project) -> Redirect:
    return Redirect(f"/projects/{project.id}/versions", status_code=303)


routes = [show, freeze_page, look_page, decide_page, learn_page, votes_page]
