"""How far a project is and what would bring most now, for programs."""

from litestar import get
from litestar.di import NamedDependency

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import VISITOR, Project
from app.start.standing import Standing, standing
from app.start.way import Way
from app.start.ways import find_ways


@get(
    "/projects/{project_id:int}/progress", opt=VISITOR, sync_to_thread=True, tags=["projects"],
    summary="How much is labelled, by which means, by whom and when", responses=refusals(401, 404),
)  # fmt: skip
def progress_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Standing:
    """As the labels stand now; how fast it went is told under `activity`."""
    actor(viewer)
    return standing(db, project.id)


@get(
    "/projects/{project_id:int}/next", opt=VISITOR, sync_to_thread=True, tags=["projects"],
    summary="Ways to go on, those first that bring most images an hour", responses=refusals(401, 404),
)  # fmt: skip
def next_api(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> list[Way]:
    """Make a batch of a way's `source`. What is expected rests on purity, size, and how fast one was here so far."""
    return find_ways(db, project, actor(viewer))


routes = [progress_api, next_api]
