"""The page Likeness: in which space a project compares, what learning brought, and the way back."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.batches.lineages import names_of_taxa
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs import queue
from app.jobs.queries import find_job
from app.labels.counts import project_counts
from app.labels.pages import actor
from app.projects.access import OWN, PREDICTS, VISITOR, Project
from app.projects.references import describe
from app.spaces import notices, versions
from app.spaces.versions import SpaceTold
from indexer.space_fitting import FEWEST_LABELS

BASE = "/projects/{project_id:int}/spaces"
MOST_TAXA = 1000


@dataclass
class ChoiceForm:
    """`version`: to be used; nothing: the plain space."""

    version: str = ""


@dataclass
class AutomaticForm:
    """`automatic`: "yes" or nothing."""

    automatic: str = ""


@dataclass
class ReadForm:
    """`version`: what was read of."""

    version: int = 0


@get(BASE, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_spaces(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    version: FromQuery[int | None] = None,
) -> Template:
    """What is in use, or the version that is named, with the others below."""
    return spaces_page(db, project, viewer, version)


def spaces_page(
    db: Db, project: Project, viewer: Viewer, version: int | None = None, error: str = "", status_code: int = 200
) -> Template:
    account = actor(viewer)
    known = versions.list_spaces(db, project.id)
    current = next((one for one in known if one.is_current), None)
    shown = versions.find_space(db, project.id, version) if version else current or (known[0] if known else None)
    row: Any = db.execute("select embedder_id, settings from project where id = %s", [project.id]).fetchone()
    if current:
        notices.note_read(db, project.id, account.id, current.version)
    job = _job(db, project.id)
    n_validated = sum(n for (_, status), n in project_counts(db, project.id).items() if status == "V")
    context = {
        "project": project,
        "spaces": known,
        "current": current,
        "shown": shown,
        "taxa": _taxa(db, shown) if shown else [],
        "automatic": versions.is_automatic(row.settings),
        "has_vectors": row.embedder_id is not None,
        "n_validated": n_validated,
        "n_references": len(describe(db, project, viewer.account_id).references),
        "fewest": FEWEST_LABELS,
        "next": next_milestone(n_validated),
        "job": job,
        "sees_job": _sees(db, viewer, job),
        "error": error,
    }
    return Template("spaces/spaces.html", context=context, status_code=status_code)


def next_milestone(n_validated: int) -> int:
    """At how many validated objects likeness is learned by itself the next time."""
    return 2 * versions.milestone(n_validated) or versions.FIRST


def _taxa(db: Db, space: SpaceTold) -> list[dict[str, Any]]:
    rows = space.report["per_taxon"][:MOST_TAXA]
    names = names_of_taxa(db, [row["taxon"] for row in rows])
    return [row | {"name": names.get(row["taxon"], "a taxon that is gone")} for row in rows]


def _job(db: Db, project_id: int) -> Any:
    """The latest learning, as long as it is at work or when it did not end well."""
    return db.execute(
        """
        select id, status, done, total, message, error
          from job
         where project_id = %s
           and kind = %s
         order by id desc
         limit 1
        """,
        [project_id, versions.KIND],
    ).fetchone()


def _sees(db: Db, viewer: Viewer, job: Any) -> bool:
    """Whether the person may see the job, as its project's members may: what it says may name files."""
    try:
        return job is not None and find_job(db, viewer, job.id).id == job.id
    except NotFound:
        return False


@get(BASE + "/progress", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_progress(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """How far the learning is. It asks again while it lasts; then the page loads anew."""
    actor(viewer)
    job = _job(db, project.id)
    active = job is not None and job.status in ("queued", "running")
    headers = {"Cache-Control": "no-store"} | ({} if active else {"HX-Refresh": "true"})
    context = {"project": project, "job": job, "sees_job": _sees(db, viewer, job)}
    return Template("spaces/_progress.html", context=context, headers=headers)


@post(BASE, opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def learn(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Response[Any]:
    """Learn from what is validated now."""
    try:
        versions.start_learning(db, project.id, project.embedder_id, viewer.account_id)
    except Refused as refused:
        return spaces_page(db, project, viewer, error=refused.sentence, status_code=refused.status)
    return _back(project)


@post(BASE + "/current", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def choose(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[ChoiceForm],
) -> Response[Any]:
    """Go to a former version, or back to the plain space."""
    try:
        with db.transaction():
            version = int(data.version) if data.version.isdecimal() else None
            versions.choose(db, project.id, viewer.account_id, version)
    except Refused as refused:
        return spaces_page(db, project, viewer, error=refused.sentence, status_code=refused.status)
    return _back(project)


@post(BASE + "/automatic", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def set_automatic(
    db: NamedDependency[Db], project: NamedDependency[Project], data: URLEncodedBody[AutomaticForm]
) -> Redirect:
    versions.set_automatic(db, project.id, data.automatic == "yes")
    return _back(project)


@post(BASE + "/jobs/{job_id:int}/cancel", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def cancel(db: NamedDependency[Db], project: NamedDependency[Project], job_id: FromPath[int]) -> Redirect:
    """Stop the learning; what is in use stays in use."""
    job = _job(db, project.id)
    if job is not None and job.id == job_id:
        queue.cancel(db, job_id)
    return _back(project)


@get(BASE + "/notice", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_notice(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """One line where likeness has changed since the person was told of it; else nothing."""
    news = notices.news_for(db, project.id, viewer.account_id) if viewer.account_id else None
    context = {"project": project, "news": news}
    return Template("spaces/_notice.html", context=context, headers={"Cache-Control": "no-store"})


@post(BASE + "/notice", opt=VISITOR | OWN, include_in_schema=False, sync_to_thread=True, status_code=200)
def read_notice(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[ReadForm],
) -> Template:
    notices.note_read(db, project.id, actor(viewer).id, data.version)
    return Template("spaces/_notice.html", context={"project": project, "news": None})


def _back(project: Project) -> Redirect:
    return Redirect(f"/projects/{project.id}/spaces", status_code=303)


routes = [show_spaces, show_progress, learn, choose, set_automatic, cancel, show_notice, read_notice]
