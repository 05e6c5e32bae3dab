"""The page Disk use of a project, and the same for programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.keeping import disk, disk_job
from app.keeping.disk import Part
from app.openapi import refusals
from app.projects.access import MANAGER, Project

BASE = "/projects/{project_id:int}/disk"
SEES_DISK = MANAGER | {"does": "see the disk use of"}


@dataclass(frozen=True)
class ProjectDiskUse:
    """What a project took on disk when it was last measured; null: it never was. `n_bytes` leaves out the part
    `shared`: images that other projects show too stay without this one."""

    measured_at: datetime | None
    n_bytes: int | None
    parts: list[Part]


@dataclass(frozen=True)
class Measuring:
    """The job that measures."""

    job_id: int


@get(BASE, opt=SEES_DISK, include_in_schema=False, sync_to_thread=True)
def show_disk(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    """What the project took when it was last measured."""
    context = {"project": project, "use": disk.find(db, project.id), "job": disk_job.latest(db, project.id)}
    return Template("keeping/disk.html", context=context)


@get(BASE + "/progress", opt=SEES_DISK, include_in_schema=False, sync_to_thread=True)
def show_progress(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    """How far the measuring is. It asks again while it lasts; then the page loads anew."""
    job = disk_job.latest(db, project.id)
    active = job is not None and job.status in ("queued", "running")
    headers = {"Cache-Control": "no-store"} | ({} if active else {"HX-Refresh": "true"})
    return Template("keeping/_progress.html", context={"project": project, "job": job}, headers=headers)


@post(BASE, opt=SEES_DISK, include_in_schema=False, sync_to_thread=True)
def measure(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Redirect:
    """Measure it now, by a job."""
    disk_job.ask(db, project.id, viewer.account_id)
    return Redirect(f"/projects/{project.id}/disk", status_code=303)


@get(
    BASE, opt=SEES_DISK, sync_to_thread=True, tags=["projects"], summary="What a project takes on disk",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def show_disk_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> ProjectDiskUse:
    """As it was last measured."""
    use = disk.find(db, project.id)
    return ProjectDiskUse(use.measured_at, use.n_bytes, use.parts) if use else ProjectDiskUse(None, None, [])


@post(
    BASE, opt=SEES_DISK, sync_to_thread=True, tags=["projects"], summary="Measure what a project takes on disk",
    status_code=202, responses=refusals(401, 403, 404),
)  # fmt: skip
def measure_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Measuring:
    """By a job; its figures are there when it is done."""
    return Measuring(disk_job.ask(db, project.id, viewer.account_id))


routes: list[Any] = [show_disk, show_progress, measure]
api_routes: list[Any] = [show_disk_api, measure_api]
