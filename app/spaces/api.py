"""Learned spaces for programs."""

from dataclasses import dataclass
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import PREDICTS, VISITOR, Project
from app.spaces import versions
from app.spaces.versions import SpaceTold

BASE = "/projects/{project_id:int}/spaces"


@dataclass(frozen=True)
class Spaces:
    """All versions, the latest first. `current`: the one in use; null: the plain space. `automatic`: another is learned
    at 500, 1,000, 2,000 validated objects and so on."""

    current: int | None
    automatic: bool
    spaces: list[SpaceTold]


@dataclass(frozen=True)
class Choice:
    """A version to use; null: the plain space."""

    version: int | None


@dataclass(frozen=True)
class Automatic:
    """Whether likeness is learned by itself."""

    automatic: bool


@dataclass(frozen=True)
class Learning:
    """The job that learns."""

    job_id: int


@get(
    BASE, opt=VISITOR, sync_to_thread=True, tags=["search"], summary="The spaces that a project has learned",
    responses=refusals(401, 404),
)  # fmt: skip
def list_spaces_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Spaces:
    """Likeness is measured in one of them, or in the plain space of the embedder's vectors."""
    actor(viewer)
    return _spaces(db, project)


def _spaces(db: Db, project: Project) -> Spaces:
    found = versions.list_spaces(db, project.id)
    current = next((one.version for one in found if one.is_current), None)
    row: Any = db.execute("select settings from project where id = %s", [project.id]).fetchone()
    return Spaces(current, versions.is_automatic(row.settings), found)


@get(
    BASE + "/{version:int}", opt=VISITOR, sync_to_thread=True, tags=["search"],
    summary="One learned space, with its report", responses=refusals(401, 404),
)  # fmt: skip
def show_space_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], version: FromPath[int]
) -> SpaceTold:
    actor(viewer)
    return versions.find_space(db, project.id, version)


@post(
    BASE, opt=PREDICTS, sync_to_thread=True, status_code=202, tags=["search"], summary="Learn a space from labels now",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def learn_api(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Learning:
    """A job fits it, measures it on held-out objects, and adopts it where it is better. It learns from this project and
    from those of its reference projects that you may read."""
    return Learning(versions.start_learning(db, project.id, project.embedder_id, viewer.account_id))


@post(
    BASE + "/current", opt=PREDICTS, sync_to_thread=True, status_code=200, tags=["search"],
    summary="Go to a former space, or back to the plain one", responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def choose_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Choice],
) -> Spaces:
    """At once. Batches that are open keep theirs, and nothing is learned by itself until that is asked for again."""
    versions.choose(db, project.id, viewer.account_id, data.version)
    return _spaces(db, project)


@post(
    BASE + "/automatic", opt=PREDICTS, sync_to_thread=True, status_code=200, tags=["search"],
    summary="Have spaces learned by themselves, or not", responses=refusals(400, 401, 403, 404),
)  # fmt: skip
def automatic_api(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Automatic]) -> Spaces:
    versions.set_automatic(db, project.id, data.automatic)
    return _spaces(db, project)


routes = [list_spaces_api, show_space_api, learn_api, choose_api, automatic_api]
