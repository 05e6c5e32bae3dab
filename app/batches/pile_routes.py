"""Piles: their list, one pile, and all of it for programs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches import piles
from app.batches.piles import Pile, PileAct
from app.database import Db
from app.errors import NotFound
from app.labels.acts import Outcome
from app.labels.pages import actor
from app.objects.board import page
from app.objects.filters import read_filter
from app.objects.orders import Order
from app.openapi import refusals
from app.projects.access import ANNOTATOR, VISITOR, Project

TILES = 200
LARGEST = 2**63


@dataclass(frozen=True)
class NewPile:
    """A provisional name, and what is set aside first; `client_id` makes it happen once."""

    client_id: UUID
    name: str
    ids: list[int]


@dataclass(frozen=True)
class PileName:
    """The pile's name from now on."""

    name: str


@dataclass(frozen=True)
class Members:
    """Objects of the project."""

    ids: list[int]


@dataclass(frozen=True)
class Moved:
    """How many objects the request put on or took off, and the pile as it is now."""

    n: int
    pile: Pile


@dataclass(frozen=True)
class MemberIds:
    """The members that are not settled, and those of them that the caller has not seen."""

    ids: list[int]
    unseen: list[int]


def _known(ids: list[int]) -> list[int]:
    return [id for id in dict.fromkeys(ids) if 0 <= id < LARGEST]


def _sees(viewer: Viewer) -> bool:
    """Whether the objects stand before the person's eyes: a program comes with a token."""
    return viewer.token_id is None


@get(
    "/projects/{project_id:int}/piles", opt=VISITOR, sync_to_thread=True, tags=["piles"],
    summary="Piles of a project, the open ones first", responses=refusals(401, 404),
)  # fmt: skip
def list_piles_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[Pile]:
    actor(viewer)
    return piles.list_piles(db, project.id)


@post(
    "/projects/{project_id:int}/piles", opt=ANNOTATOR, sync_to_thread=True, tags=["piles"],
    summary="Set objects aside under a provisional name", responses=refusals(400, 401, 403, 404),
)  # fmt: skip
def make_pile_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[NewPile]
) -> Pile:
    """What a program sets aside nobody has seen: it is reported as seen, or audited, before the pile is named."""
    ids, seen = _known(data.ids), _sees(viewer)
    pile_id = piles.make_pile(db, project, actor(viewer), data.client_id, data.name, ids, seen=seen)
    return piles.find_pile(db, project.id, pile_id)


@get(
    "/projects/{project_id:int}/piles/{pile_id:int}", opt=VISITOR, sync_to_thread=True, tags=["piles"],
    summary="One pile", responses=refusals(401, 404),
)  # fmt: skip
def pile_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], pile_id: FromPath[int]
) -> Pile:
    actor(viewer)
    return piles.find_pile(db, project.id, pile_id)


@put(
    "/projects/{project_id:int}/piles/{pile_id:int}", opt=ANNOTATOR, sync_to_thread=True, tags=["piles"],
    summary="Rename a pile", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def rename_pile_api(
    db: NamedDependency[Db], project: NamedDependency[Project], pile_id: FromPath[int], data: JSONBody[PileName]
) -> Pile:
    piles.rename(db, project, pile_id, data.name)
    return piles.find_pile(db, project.id, pile_id)


@post(
    "/projects/{project_id:int}/piles/{pile_id:int}/close", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["piles"], summary="Close a pile: its objects stay as they are", responses=refusals(403, 404),
)  # fmt: skip
def close_pile_api(db: NamedDependency[Db], project: NamedDependency[Project], pile_id: FromPath[int]) -> Pile:
    piles.close(db, project, pile_id)
    return piles.find_pile(db, project.id, pile_id)


@post(
    "/projects/{project_id:int}/piles/{pile_id:int}/reopen", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["piles"], summary="Open a closed pile again", responses=refusals(403, 404),
)  # fmt: skip
def reopen_pile_api(db: NamedDependency[Db], project: NamedDependency[Project], pile_id: FromPath[int]) -> Pile:
    piles.close(db, project, pile_id, closed=False)
    return piles.find_pile(db, project.id, pile_id)


@get(
    "/projects/{project_id:int}/piles/{pile_id:int}/objects", opt=ANNOTATOR, sync_to_thread=True, tags=["piles"],
    summary="The members of a pile that nobody has settled", responses=refusals(401, 403, 404),
)  # fmt: skip
def members_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], pile_id: FromPath[int]
) -> MemberIds:
    piles.find_pile(db, project.id, pile_id)
    ids = piles.open_members(db, project.id, pile_id)
    return MemberIds(ids, piles.unseen(db, project.id, actor(viewer), pile_id))


@post(
    "/projects/{project_id:int}/piles/{pile_id:int}/objects", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["piles"], summary="Put objects on a pile", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def put_on_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    pile_id: FromPath[int],
    data: JSONBody[Members],
) -> Moved:
    n = piles.put_on(db, project, actor(viewer), pile_id, _known(data.ids), seen=_sees(viewer))
    return Moved(n, piles.find_pile(db, project.id, pile_id))


@post(
    "/projects/{project_id:int}/piles/{pile_id:int}/objects/remove", opt=ANNOTATOR, sync_to_thread=True,
    status_code=200, tags=["piles"], summary="Take objects off a pile", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def take_off_api(
    db: NamedDependency[Db], project: NamedDependency[Project], pile_id: FromPath[int], data: JSONBody[Members]
) -> Moved:
    n = piles.take_off(db, project, pile_id, _known(data.ids))
    return Moved(n, piles.find_pile(db, project.id, pile_id))


@post(
    "/projects/{project_id:int}/piles/{pile_id:int}/seen", opt=ANNOTATOR, sync_to_thread=True, status_code=204,
    tags=["piles"], summary="Report members as seen", responses=refusals(400, 403, 404),
)  # fmt: skip
def pile_seen_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    pile_id: FromPath[int],
    data: JSONBody[Members],
) -> None:
    """What was painted in the window for 300 ms. What one set aside there oneself was seen already."""
    piles.note_seen(db, project.id, actor(viewer), pile_id, _known(data.ids))


@post(
    "/projects/{project_id:int}/piles/{pile_id:int}/name", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["piles"], summary="Give all of a pile its taxon, in one act", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def name_pile_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    pile_id: FromPath[int],
    data: JSONBody[PileAct],
) -> Outcome:
    """Every member must have been seen by the caller. The pile is closed by it, and open again when it is undone."""
    return piles.name_pile(db, project, actor(viewer), pile_id, data)


@get("/projects/{project_id:int}/piles", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_piles(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    actor(viewer)
    context = {"project": project, "piles": piles.list_piles(db, project.id)}
    return Template("batches/piles.html", context=context)


@get("/projects/{project_id:int}/piles/{pile_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_pile(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    pile_id: FromPath[int],
    cursor: FromQuery[str] = "",
) -> Template:
    account = actor(viewer)
    pile = piles.find_pile(db, project.id, pile_id)
    filter = read_filter(db, project.id, [("pile", str(pile_id))])
    if any(chip.invalid for chip in filter.chips):
        raise NotFound(piles.NO_PILE)
    shown = page(db, project, filter, Order(), cursor or None, TILES)
    may_change = project.may("annotator") and project.status != "explore"
    unseen = set(piles.unseen(db, project.id, account, pile_id)) if may_change else set()
    context: dict[str, Any] = {
        "project": project,
        "pile": pile,
        "tiles": shown.tiles,
        "next_cursor": shown.next_cursor,
        "unseen": unseen,
        "may_change": may_change,
    }
    return Template("batches/pile.html", context=context)


routes = [show_piles, show_pile]
api_routes = [
    list_piles_api,
    make_pile_api,
    pile_api,
    rename_pile_api,
    close_pile_api,
    reopen_pile_api,
    members_api,
    put_on_api,
    take_off_api,
    pile_seen_api,
    name_pile_api,
]
