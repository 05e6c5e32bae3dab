"""What some objects of a batch may be called: asked anew whenever others are marked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches.batch import find_batch
from app.batches.hidden import is_hidden
from app.batches.page_making import LARGEST_PAGE
from app.batches.pages import italic_taxa
from app.batches.pinned import pinned
from app.batches.proposals import propose
from app.batches.sources import LARGEST_ID
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.openapi import refusals as refused_with
from app.projects.access import ANNOTATOR, Project


@dataclass(frozen=True)
class Asked:
    """Objects of the project, such as the marked ones of a page."""

    ids: list[int]


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/proposals", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["batches"], summary="What these objects may be called, by the validated objects most alike to them",
    responses=refused_with(400, 403, 404),
)  # fmt: skip
def proposals_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[Asked],
) -> list[dict[str, Any]]:
    """At most six, the best first: `taxon_id` and `taxon`, for which `votes` `of` those that were asked speak, `why`,
    which `references` are among these, and the `share` (0 to 1) left where far references count less; `by_scores`: it
    is the share of the shown run's scores. None where nothing is validated nearby, nor predicted. A page brings those
    of what it opens marked."""
    return _proposed(db, project, viewer, batch_id, data.ids)


@get(
    "/projects/{project_id:int}/batches/{batch_id:int}/proposals", opt=ANNOTATOR, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def show_proposals(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    ids: FromQuery[str] = "",
) -> Template:
    """As the panel beside the page shows them. `ids`: with commas between."""
    if not all(each.isdecimal() for each in ids.split(",")):
        raise Refused("The objects are asked about by their numbers, with commas between: ids=62,63.")
    proposals = _proposed(db, project, viewer, batch_id, [int(each) for each in ids.split(",")])
    italic = italic_taxa(db, [proposal["taxon_id"] for proposal in proposals])
    return Template("batches/_proposals.html", context={"proposals": proposals, "italic": italic})


def _proposed(db: Db, project: Project, viewer: Viewer, batch_id: int, ids: list[int]) -> list[dict[str, Any]]:
    account = actor(viewer)
    batch = find_batch(db, project.id, batch_id)
    if not 1 <= len(ids) <= LARGEST_PAGE:
        raise Refused(f"Between 1 and {LARGEST_PAGE:,} objects can be asked about, not {len(ids):,}.")
    if not all(0 <= object_id < LARGEST_ID for object_id in ids):
        raise Refused("One of the objects is asked about by a number that no object has.")
    space = pinned(db, project, batch.id)
    return propose(db, space, np.array(ids, np.int64), account.id, not is_hidden(batch))


routes = [show_proposals]
api_routes = [proposals_api]
