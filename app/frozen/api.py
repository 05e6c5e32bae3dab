"""Frozen versions for programs: list and freeze, look at what is proposed to the next, accept and refuse."""

from dataclasses import dataclass

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.frozen import doing, proposals, versions
from app.frozen.doing import Done
from app.frozen.proposals import Group, Look, Proposal
from app.frozen.versions import Version
from app.labels.pages import actor
from app.openapi import refusals
from app.projects import references
from app.projects.access import ANNOTATOR, MANAGER, Project

LIST = "/projects/{project_id:int}/versions"
READS_VERSIONS = ANNOTATOR | {"does": "look at the versions of"}
FREEZES = MANAGER | {"does": "freeze, accept or refuse in"}


@dataclass(frozen=True)
class VersionWish:
    """What the version is called, and what is to be said of it."""

    title: str
    note: str = ""


@dataclass(frozen=True)
class ProposalsAnswer:
    """When somebody last looked, and how many were found, less those that were decided since; by kind and taxa; and a
    page of them, by object. Nothing where nobody has looked."""

    look: Look | None
    groups: list[Group]
    page: list[Proposal]


@dataclass(frozen=True)
class Chosen:
    """Proposals by their objects; nothing: all."""

    object_ids: list[int] | None = None


@dataclass(frozen=True)
class VotesAs:
    """`number`: of the reference's frozen version that votes; nothing: it votes as it is now."""

    number: int | None = None


@get(
    LIST, opt=READS_VERSIONS, sync_to_thread=True, tags=["versions"], summary="A project's frozen versions",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def list_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Version]:
    """The newest first."""
    return versions.list_versions(db, project.id)


@post(
    LIST, opt=FREEZES, sync_to_thread=True, status_code=201, tags=["versions"], summary="Freeze a named version",
    responses=refusals(401, 403, 404, 409, 422),
)  # fmt: skip
def freeze_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[VersionWish],
) -> Done:
    """The first is of what is validated now; each further one of the last, with what was accepted since."""
    return doing.do(db, project, actor(viewer).id, "freeze", title=data.title, note=data.note)


@get(
    f"{LIST}/proposals", opt=READS_VERSIONS, sync_to_thread=True, tags=["versions"],
    summary="What is proposed to the next version", responses=refusals(401, 403, 404),
)  # fmt: skip
def proposals_api(
    db: NamedDependency[Db], project: NamedDependency[Project], after: FromQuery[int] = 0
) -> ProposalsAnswer:
    """`after`: the last object of the page before."""
    look = proposals.last_look(db, project.id)
    return ProposalsAnswer(look, proposals.groups(db, project.id), proposals.page(db, project.id, after))


@post(
    f"{LIST}/look", opt=FREEZES, sync_to_thread=True, status_code=200, tags=["versions"],
    summary="Look for changes since the last version", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def look_api(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Done:
    return doing.do(db, project, actor(viewer).id, "look")


@post(
    f"{LIST}/accept", opt=FREEZES, sync_to_thread=True, status_code=200, tags=["versions"],
    summary="Accept proposals into the next version", responses=refusals(401, 403, 404, 409, 422),
)  # fmt: skip
def accept_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Chosen],
) -> Done:
    return doing.do(db, project, actor(viewer).id, "accept", object_ids=data.object_ids)


@post(
    f"{LIST}/refuse", opt=FREEZES, sync_to_thread=True, status_code=200, tags=["versions"],
    summary="Leave proposals out of the next version", responses=refusals(401, 403, 404, 409, 422),
)  # fmt: skip
def refuse_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Chosen],
) -> Done:
    """They are proposed again once their label changes. The labels stay as they are."""
    return doing.do(db, project, actor(viewer).id, "refuse", object_ids=data.object_ids)


@put(
    "/projects/{project_id:int}/references/{reference_id:int}/version", opt=MANAGER, sync_to_thread=True,
    status_code=204, tags=["projects"], summary="Say which version of a reference votes",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def votes_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
    data: JSONBody[VotesAs],
) -> None:
    references.name_version(db, project.id, viewer, reference_id, data.number)


routes = [list_api, freeze_api, proposals_api, look_api, accept_api, refuse_api, votes_api]
