"""Undo in a batch: the person's last step in it, and what they set aside."""

from dataclasses import dataclass
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.batches import back
from app.batches.back import Back
from app.batches.batch import Batch
from app.database import Db
from app.labels.pages import actor
from app.openapi import refusals as refused_with
from app.projects.access import ANNOTATOR, Project


@dataclass(frozen=True)
class BackWish:
    """`client_id` makes it happen once; `page` is the page in hand, for the same reason."""

    client_id: UUID
    page: int | None = None


@dataclass(frozen=True)
class FromPile:
    """What was set aside in this batch, and on which pile."""

    pile_id: int
    ids: list[int]


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/back", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["batches"], summary="Take back one's last act in this batch, or the page that one passed to the tray",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def back_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[BackWish],
) -> Back:
    """Whichever was later. Acts elsewhere stay: those are for the undo of the project."""
    return back.take_back(db, project, actor(viewer), batch_id, data.client_id, data.page)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/aside/back", opt=ANNOTATOR, sync_to_thread=True,
    status_code=200, tags=["batches"], summary="Take back what was set aside: off its pile, and on its page again",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def aside_back_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[FromPile],
) -> Batch:
    return back.bring_from_pile(db, project, actor(viewer), batch_id, data.pile_id, data.ids)


routes = [back_api, aside_back_api]
