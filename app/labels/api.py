"""Acts for programs: the same as on the board."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.acts import Act, Outcome, Said, apply
from app.labels.history import PastAct, recent_acts
from app.labels.pages import Again, actor
from app.labels.undo import redo, undo
from app.openapi import refusals
from app.projects.access import ANNOTATOR, VISITOR, Project

MOST_ACTS = 1000


@post(
    "/projects/{project_id:int}/acts", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["acts"],
    summary="Label, confirm or doubt objects in one act",
    responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def act_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Said]
) -> Outcome:
    """`states` are the tokens with which the objects were listed: what somebody changed since is left and told.
    The same `client_id` sent again has the same outcome, and nothing happens twice."""
    said = Act(data.client_id, data.kind, data.objects, data.states, data.taxon_id, data.status, provenance="api")
    return apply(db, project, actor(viewer), said)


@get(
    "/projects/{project_id:int}/acts", opt=VISITOR, sync_to_thread=True, tags=["acts"],
    summary="Acts of a project, newest first",
    responses=refusals(404),
)  # fmt: skip
def list_acts_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    before: FromQuery[int | None] = None,
    who: FromQuery[int | None] = None,
    limit: FromQuery[int] = 100,
) -> list[PastAct]:
    """`before` is the id of the last act of the page before; `who` an account's id."""
    actor(viewer)
    return recent_acts(db, project.id, before, who, min(max(limit, 1), MOST_ACTS))


@post(
    "/projects/{project_id:int}/undo", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["acts"],
    summary="Take back one's last act",
    responses=refusals(403, 404, 409),
)  # fmt: skip
def undo_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Again]
) -> Outcome:
    return undo(db, project, actor(viewer), data.client_id, data.act_id, manager=project.may("manager"))


@post(
    "/projects/{project_id:int}/acts/{act_id:int}/undo", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["acts"], summary="Take back a given act: one's own, or anybody's for a manager",
    responses=refusals(403, 404, 409),
)  # fmt: skip
def undo_one_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    act_id: FromPath[int],
    data: JSONBody[Again],
) -> Outcome:
    return undo(db, project, actor(viewer), data.client_id, act_id, manager=project.may("manager"))


@post(
    "/projects/{project_id:int}/redo", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["acts"],
    summary="Take back one's last undo",
    responses=refusals(403, 404, 409),
)  # fmt: skip
def redo_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Again]
) -> Outcome:
    return redo(db, project, actor(viewer), data.client_id)


routes = [act_api, list_acts_api, undo_api, undo_one_api, redo_api]
