"""Acts from the board, undo and redo, and the page of who did what."""

from dataclasses import dataclass
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.errors import LoginNeeded
from app.labels.acts import Act, Outcome, apply
from app.labels.history import PastAct, recent_acts
from app.labels.undo import redo, undo
from app.projects.access import Project

ACTS_A_PAGE = 100
ANNOTATOR = {"role": "annotator"}


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


@get("/projects/{project_id:int}/acts", opt={"role": "visitor"}, include_in_schema=False, sync_to_thread=True)
def show_acts(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    before: FromQuery[int | None] = None,
    who: FromQuery[int | None] = None,
) -> Template:
    """Members see who did what; the names of those who label are not for anonymous people."""
    account = actor(viewer)
    acts = recent_acts(db, project.id, before, who, ACTS_A_PAGE)
    rows = [
        {**past.__dict__, "url": _labelled_so(project.id, past), "may_undo": _may_undo(past, project, account)}
        for past in acts
    ]
    older = None
    if len(acts) == ACTS_A_PAGE:
        older = f"/projects/{project.id}/acts?before={acts[-1].id}" + (f"&who={who}" if who else "")
    context = {"project": project, "acts": rows, "older_url": older}
    return Template("labels/acts.html", context=context)


def _labelled_so(project_id: int, past: PastAct) -> str:
    """The board with what the act's person labelled with its taxon."""
    taxon = f"&taxon={past.taxon_id}&children=0" if past.taxon_id else ""
    return f"/projects/{project_id}?who={past.account_id}{taxon}"


def _may_undo(past: PastAct, project: Project, account: Account) -> bool:
    own = past.account_id == account.id
    open_act = past.kind in ("label", "confirm", "doubt") and not past.undone
    return open_act and project.status != "explore" and project.may("annotator" if own else "manager")


routes = [act, undo_last, undo_one, redo_last, show_acts]
