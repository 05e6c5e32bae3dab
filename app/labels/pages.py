"""Acts from the board, undo and redo."""

from dataclasses import dataclass
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.errors import LoginNeeded
from app.labels.acts import Act, Outcome, apply
from app.labels.undo import redo, undo
from app.projects.access import ANNOTATOR, Project


@dataclass(frozen=True)
class Again:
    """An undo or a redo: the id that makes it happen once, and for an undo which act, if not one's last."""

    client_id: UUID
    act_id: int | None = None


def actor(viewer: Viewer) -> Account:
    """The account that acts."""
    if viewer.account is None:
        raise LoginNeeded()
    return viewer.account


@post("/projects/{project_id:int}/acts", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True, status_code=200)
def act(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Act]
) -> Outcome:
    return apply(db, project, actor(viewer), data)


@post("/projects/{project_id:int}/undo", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True, status_code=200)
def undo_last(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Again]
) -> Outcome:
    return undo(db, project, actor(viewer), data.client_id, data.act_id, manager=project.may("manager"))


@post(
    "/projects/{project_id:int}/acts/{act_id:int}/undo", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True,
    status_code=200,
)  # fmt: skip
def undo_one(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    act_id: FromPath[int],
    data: JSONBody[Again],
) -> Outcome:
    return undo(db, project, actor(viewer), data.client_id, act_id, manager=project.may("manager"))


@post("/projects/{project_id:int}/redo", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True, status_code=200)
def redo_last(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Again]
) -> Outcome:
    return redo(db, project, actor(viewer), data.client_id)


routes = [act, undo_last, undo_one, redo_last]
