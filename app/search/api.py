"""Likeness for programs."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import numpy as np
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.database import Db
from app.errors import Refused
from app.objects.filters import Filter, read_filter
from app.openapi import refusals
from app.projects.access import Project
from app.search import embed_api, likeness
from app.search.mirror import Mirror, open_mirror
from app.search.query_image import query_vector

MOST_EXAMPLES, MOST_ROWS = 1000, 10_000
WHICH = "Say either `examples`, the ids of objects of this project, or `query`, the key of an uploaded image."


@dataclass(frozen=True)
class Likeness:
    """What is looked for. `filter` is the part of a board's address after the question mark: taxon=7&status=P."""

    examples: list[int] = field(default_factory=list)
    query: str | None = None
    filter: str = ""
    k: int = 200
    least: bool = False


@dataclass(frozen=True)
class Alike:
    """Objects in order. Distances are 1 - cosine. `recall` is measured on this index; 1 where the answer is exact."""

    ids: list[int]
    distances: list[float]
    recall: float
    exact: bool
    n_without_vector: int


@post(
    "/projects/{project_id:int}/like", opt={"role": "visitor", "reads": True}, sync_to_thread=True, status_code=200,
    tags=["search"], summary="Find the objects most, or least, alike to examples", responses=refusals(400, 404, 409),
)  # fmt: skip
def like_api(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Likeness]) -> Alike:
    """Always `k` objects where so many that the filter keeps have a vector; the others are counted."""
    if not 1 <= data.k <= MOST_ROWS:
        raise Refused(f"k is {data.k}: ask for 1 to {MOST_ROWS:,} objects.")
    mirror = open_mirror(db, project.id)
    mask = mirror.mask(db, _filter(db, project, data.filter))
    found = likeness.most_alike(db, project, _query(db, project, mirror, data), mask, data.k, data.least, mirror)
    return Alike(
        found.ids.tolist(),
        [round(distance, 6) for distance in found.distances.tolist()],
        found.recall,
        found.exact,
        found.n_without_vector,
    )


def _filter(db: Db, project: Project, text: str) -> Filter:
    """A program is told what a page shows as an invalid chip."""
    filter = read_filter(db, project.id, parse_qsl(text, keep_blank_values=True), project.validated_only)
    for chip in filter.chips:
        if chip.invalid:
            raise Refused(f"The filter {chip.key}={chip.raw} cannot be obeyed. {chip.invalid}")
    return filter


def _query(db: Db, project: Project, mirror: Mirror, data: Likeness) -> np.ndarray:
    if bool(data.examples) == bool(data.query) or len(data.examples) > MOST_EXAMPLES:
        raise Refused(f"{WHICH} At most {MOST_EXAMPLES:,} examples.")
    if data.query:
        return query_vector(db, project, data.query)
    return likeness.visible_examples(db, project, data.examples, mirror)


routes = [like_api, *embed_api.routes]
