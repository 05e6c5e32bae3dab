"""A project's burnt-in strips for programs."""

from dataclasses import dataclass
from typing import Literal

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.openapi import refusals
from app.projects.access import MANAGER, Project
from app.search import strips
from app.search.strips import KnownStrip


@dataclass(frozen=True)
class StripDecision:
    """What becomes of a strip, and how deep it is cut (left out: as found)."""

    state: Literal["accepted", "refused"]
    size_px: int | None = None


@dataclass(frozen=True)
class StripDefinition:
    """A strip that all images have."""

    side: Literal["bottom", "top", "left", "right"]
    size_px: int


@dataclass(frozen=True)
class StripsJob:
    """The job that does what follows; null where nothing has to be done."""

    job_id: int | None


@get(
    "/projects/{project_id:int}/strips", opt=MANAGER, sync_to_thread=True, tags=["projects"],
    summary="Strips burnt into a project's images", responses=refusals(401, 403, 404),
)  # fmt: skip
def list_strips_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[KnownStrip]:
    return strips.read_all(db, project.id)


@post(
    "/projects/{project_id:int}/strips/look", opt=MANAGER, sync_to_thread=True, status_code=202, tags=["projects"],
    summary="Look for strips", responses=refusals(401, 403, 404),
)  # fmt: skip
def look_for_strips_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> StripsJob:
    return StripsJob(strips.look(db, project.id, viewer.account_id))


@post(
    "/projects/{project_id:int}/strips", opt=MANAGER, sync_to_thread=True, status_code=202, tags=["projects"],
    summary="Cut a strip off all images before they are embedded", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def define_strip_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[StripDefinition],
) -> StripsJob:
    return StripsJob(strips.define(db, project.id, data.side, data.size_px, viewer.account_id)[1])


@put(
    "/projects/{project_id:int}/strips/{strip_id:int}", opt=MANAGER, sync_to_thread=True, status_code=202,
    tags=["projects"], summary="Accept or refuse a strip", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def decide_strip_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    strip_id: FromPath[int],
    data: JSONBody[StripDecision],
) -> StripsJob:
    """Accepted: all vectors are computed without it, beside the present ones, which are used until then."""
    return StripsJob(strips.decide(db, project.id, strip_id, data.state, viewer.account_id, data.size_px))


@delete(
    "/projects/{project_id:int}/strips/{strip_id:int}", opt=MANAGER, sync_to_thread=True, status_code=202,
    tags=["projects"], summary="Forget a strip", responses=refusals(401, 403, 404),
)  # fmt: skip
def remove_strip_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    strip_id: FromPath[int],
) -> StripsJob:
    return StripsJob(strips.remove(db, project.id, strip_id, viewer.account_id))


routes = [list_strips_api, look_for_strips_api, define_strip_api, decide_strip_api, remove_strip_api]
