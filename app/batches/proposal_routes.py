"""What some objects of a batch may be called: asked anew whenever others are marked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.batches.batch import find_batch
from app.batches.page_making import LARGEST_PAGE
from app.batches.proposals import propose
from app.database import Db
from app.errors import Refused
from app.labels.pages import ANNOTATOR, actor
from app.openapi import refusals as refused_with
from app.projects.access import Project


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
    """At most three, the best first; none where nothing is validated. A page brings those of what it opens marked."""
    account = actor(viewer)
    find_batch(db, project.id, batch_id)
    if not 1 <= len(data.ids) <= LARGEST_PAGE:
        raise Refused(f"Between 1 and {LARGEST_PAGE:,} objects can be asked about, not {len(data.ids):,}.")
    return propose(db, project, np.array(data.ids, np.int64), account.id)


routes = [proposals_api]
