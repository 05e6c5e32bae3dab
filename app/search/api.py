"""Likeness for programs."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.database import Db
from app.errors import NotFound, Refused
from app.objects.filters import Filter, pairs_in, read_filter
from app.openapi import refusals
from app.projects.access import NO_PROJECT, READS, Project
from app.search import elsewhere, embed_api, likeness
from app.search.elsewhere import visible_examples
from app.search.mirror import Mirror, open_mirror
from app.search.query_image import query_vector

MOST_EXAMPLES, MOST_ROWS = 1000, 10_000
WHICH = "Say either `examples`, the ids of objects of this project, or `query`, the key of an uploaded image."


@dataclass(frozen=True)
class Likeness:
    """What is looked for. `filter` is the part of a board's address after the question mark: taxon=7&status=P.

    `examples` may be of any project that you may read. `projects`: where to look, by default in this project alone; in
    several, the filter may say taxon, children and status.
    """

    examples: list[int] = field(default_factory=list)
    query: str | None = None
    filter: str = ""
    k: int = 200
    least: bool = False
    projects: list[int] | Literal["all"] | None = None


@dataclass(frozen=True)
class Alike:
    """Objects in order. Distances are 1 - cosine. `recall` is measured on this index; 1 where the answer is exact."""

    ids: list[int]
    distances: list[float]
    recall: float
    exact: bool
    n_without_vector: int
    projects: list[int]  # of each object


@post(
    "/projects/{project_id:int}/like", opt=READS, sync_to_thread=True, status_code=200,
    tags=["search"], summary="Find the objects most, or least, alike to examples", responses=refusals(400, 404, 409),
)  # fmt: skip
def like_api(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Likeness]) -> Alike:
    """Always `k` objects where so many that the filter keeps have a vector; the others are counted."""
    if not 1 <= data.k <= MOST_ROWS:
        raise Refused(f"k is {data.k}: ask for 1 to {MOST_ROWS:,} objects.")
    mirror = open_mirror(db, project.id)
    if data.projects is not None:
        return _in_several(db, project, mirror, data)
    mask = mirror.mask(db, _filter(db, project, data.filter))
    found = likeness.most_alike(db, project, _query(db, project, mirror, data), mask, data.k, data.least, mirror)
    return Alike(
        found.ids.tolist(),
        [round(distance, 6) for distance in found.distances.tolist()],
        found.recall,
        found.exact,
        found.n_without_vector,
        [project.id] * len(found.ids),
    )


def _in_several(db: Db, project: Project, mirror: Mirror, data: Likeness) -> Alike:
    """In those of the projects that the caller may read: another one is told as one that does not exist."""
    vectors = _query(db, project, mirror, data)
    pairs = pairs_in(data.filter)
    if others := [key or raw for key, raw in pairs if key not in elsewhere.ABOUT_LABELS]:
        raise Refused(f"The filter {others[0][:40]!r} is of one project: of several, say taxon, children and status.")
    readable = {one.id for one in elsewhere.searchable(db, project.embedder_id, project.caller_id)}
    chosen = readable if data.projects == "all" else set(data.projects or [])
    if not chosen <= readable:
        raise NotFound(NO_PROJECT)
    found = elsewhere.alike_in(
        db, project, project.caller_id, sorted(chosen), vectors, data.k, least=data.least, filter=pairs
    )
    distances = [round(distance, 6) for distance in found.distances.tolist()]
    ids, projects = found.ids.tolist(), found.projects.tolist()
    return Alike(ids, distances, found.recall, found.exact, found.n_without_vector, projects)


def _filter(db: Db, project: Project, text: str) -> Filter:
    """A program is told what a page shows as an invalid chip."""
    return read_filter(db, project.id, pairs_in(text), project.validated_only).obeyed()


def _query(db: Db, project: Project, mirror: Mirror, data: Likeness) -> np.ndarray:
    if bool(data.examples) == bool(data.query) or len(data.examples) > MOST_EXAMPLES:
        raise Refused(f"{WHICH} At most {MOST_EXAMPLES:,} examples.")
    if data.query:
        return query_vector(db, project, data.query)
    return visible_examples(db, project, project.caller_id, data.examples, mirror)


routes = [like_api, *embed_api.routes]
