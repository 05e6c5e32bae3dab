"""What was said not to be a taxon, listed, and offered again: a page, and the same for programs."""

from dataclasses import dataclass, field

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.batches import refusals
from app.batches.refusals import Refused, RefusedObject
from app.database import Db
from app.errors import Refused as RefusedError
from app.labels.acts import check_open
from app.labels.pages import actor
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.openapi import refusals as refused_with
from app.projects.access import ANNOTATOR, VISITOR, Project
from app.search.mirror import open_mirror

PAGE, MOST = 200, 10_000


@dataclass(frozen=True)
class AgainForm:
    """Objects that are to be offered again for a taxon; `every`: all of it."""

    taxon_id: int = 0
    every: str = ""
    ids: list[int] = field(default_factory=list)


@get("/projects/{project_id:int}/refusals", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_refusals(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    taxon: FromQuery[int | None] = None,
    after: FromQuery[int] = 0,
    again: FromQuery[int | None] = None,
) -> Template:
    """All taxa with a refusal in force, and the objects of one of them. `again`: how many were just offered again."""
    actor(viewer)
    mirror = open_mirror(db, project.id)
    taxa = refusals.by_taxon(db, mirror)
    chosen = next((one for one in taxa if one.taxon_id == taxon), None)
    listed = refusals.of_taxon(db, mirror, chosen.taxon_id, after, PAGE + 1) if chosen else []
    shown = {one.id: one for one in listed[:PAGE]}
    tiles = tiles_of(db, project, Filter(), list(shown), [0.0] * len(shown)) if shown else []
    context = {
        "project": project,
        "taxa": taxa,
        "chosen": chosen,
        "tiles": [(tile | {"distance": None}, shown[tile["id"]]) for tile in tiles],
        "next_after": listed[PAGE - 1].id if len(listed) > PAGE else None,
        "can_reset": project.may("annotator") and project.status != "explore",
        "again": again,
    }
    return Template("batches/refusals.html", context=context, headers={"Cache-Control": "no-store"})


@post("/projects/{project_id:int}/refusals", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def offer_again(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[AgainForm],
) -> Redirect:
    actor(viewer)
    check_open(project)
    if not data.every and not data.ids:
        raise RefusedError("Nothing is ticked: tick what is to be offered again, or offer all of it.")
    n = refusals.reset(db, project.id, data.taxon_id, None if data.every else data.ids)
    return Redirect(f"/projects/{project.id}/refusals?taxon={data.taxon_id}&again={n}", status_code=303)


@get(
    "/projects/{project_id:int}/refusals", opt=VISITOR, sync_to_thread=True, tags=["batches"],
    summary="Taxa that objects were refused for, and how many", responses=refused_with(401, 404),
)  # fmt: skip
def list_refusals_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[Refused]:
    """Those in force: neither undone, nor reset, nor lapsed with a label."""
    actor(viewer)
    return refusals.by_taxon(db, open_mirror(db, project.id))


@get(
    "/projects/{project_id:int}/refusals/{taxon_id:int}", opt=VISITOR, sync_to_thread=True, tags=["batches"],
    summary="Objects that were refused for a taxon", responses=refused_with(401, 404),
)  # fmt: skip
def list_refused_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    after: FromQuery[int] = 0,
    limit: FromQuery[int] = PAGE,
) -> list[RefusedObject]:
    """By id, from the one after `after` on."""
    actor(viewer)
    return refusals.of_taxon(db, open_mirror(db, project.id), taxon_id, after, min(max(limit, 1), MOST))


routes = [show_refusals, offer_again]
api_routes = [list_refusals_api, list_refused_api]
