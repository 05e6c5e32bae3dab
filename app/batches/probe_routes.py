"""Stragglers of a taxon: what is still out there, and how much of it, by random probes; a page, and for programs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches import probes
from app.batches.lineages import names_of_taxa
from app.batches.probes import OutThere, Probe
from app.database import Db
from app.labels.pages import actor
from app.objects.atlas import atlas_url
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.openapi import refusals
from app.projects.access import ANNOTATOR, Project


@dataclass(frozen=True)
class ProbeWish:
    """`n` random draws; one of the same taxon that is not judged yet goes on instead."""

    client_id: UUID
    taxon_id: int
    n: int = probes.USUAL


@dataclass(frozen=True)
class ProbeTiles:
    """A probe, its tiles as they are now, and where their pictures are had at once."""

    probe: Probe
    tiles: list[dict[str, Any]]
    atlas: str | None


@dataclass(frozen=True)
class SeenProbes:
    """Tiles that were painted in the window for 300 ms."""

    ids: list[int]


@dataclass(frozen=True)
class Belonging:
    """Of the probes: which are of the taxon, and which are not."""

    belonging: list[int]
    others: list[int]


@get(
    "/projects/{project_id:int}/stragglers/{taxon_id:int}", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="What is still out there of a taxon", responses=refusals(401, 403, 404),
)  # fmt: skip
def out_there_api(db: NamedDependency[Db], project: NamedDependency[Project], taxon_id: FromPath[int]) -> OutThere:
    """`n_stragglers` are worked as a batch of the source {"kind": "stragglers", "taxon_id"}."""
    return probes.out_there(db, project, taxon_id)


@post(
    "/projects/{project_id:int}/probes", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="Draw at random from what is unlabelled and was never shown for a taxon",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def draw_probe_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ProbeWish],
) -> ProbeTiles:
    return _tiles(db, project, probes.draw(db, project, actor(viewer), data.client_id, data.taxon_id, data.n))


@get(
    "/projects/{project_id:int}/probes/{probe_id:int}", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="One probe with its tiles", responses=refusals(401, 403, 404),
)  # fmt: skip
def probe_api(db: NamedDependency[Db], project: NamedDependency[Project], probe_id: FromPath[int]) -> ProbeTiles:
    return _tiles(db, project, probes.find(db, project.id, probe_id))


@post(
    "/projects/{project_id:int}/probes/{probe_id:int}/seen", opt=ANNOTATOR, sync_to_thread=True, status_code=204,
    tags=["checks"], summary="Report probes as seen", responses=refusals(400, 403, 404),
)  # fmt: skip
def seen_probe_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    probe_id: FromPath[int],
    data: JSONBody[SeenProbes],
) -> None:
    probes.note_seen(db, project.id, actor(viewer), probe_id, data.ids)


@post(
    "/projects/{project_id:int}/probes/{probe_id:int}/judge", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["checks"], summary="Say which of the probes belong to the taxon", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def judge_probe_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    probe_id: FromPath[int],
    data: JSONBody[Belonging],
) -> Probe:
    """Those that belong are validated, the others refused for the taxon."""
    return probes.judge(db, project, actor(viewer), probe_id, data.belonging, data.others)


def _tiles(db: Db, project: Project, probe: Probe) -> ProbeTiles:
    tiles = [{**tile, "distance": None} for tile in tiles_of(db, project, Filter(), probe.ids, [0.0] * probe.n)]
    return ProbeTiles(probe, tiles, atlas_url(project.id, tiles))


@get("/projects/{project_id:int}/stragglers", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def show_stragglers(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    taxon: FromQuery[int | None] = None,
) -> Template:
    """Every probe, or one taxon with what is still out there of it."""
    known = taxon is not None and taxon in names_of_taxa(db, [taxon])
    found = probes.out_there(db, project, taxon) if known and taxon is not None else None
    open_probe = found.probe if found and found.probe and found.probe.open_ids else None
    context: dict[str, Any] = {
        "project": project, "found": found, "is_unknown": taxon is not None and not known,
        "tiles": _tiles(db, project, open_probe).tiles if open_probe else [],
        "probes": probes.read(db, project.id), "can_label": project.status != "explore",
    }  # fmt: skip
    return Template("batches/stragglers.html", context=context)


routes = [show_stragglers]
api_routes = [out_there_api, draw_probe_api, probe_api, seen_probe_api, judge_probe_api]
