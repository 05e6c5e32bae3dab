"""Likely mistakes side by side with good examples of both taxa: a page, and the same for programs."""

from dataclasses import dataclass
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches import mistakes
from app.batches.mistakes import KIND, Decision, Pair
from app.batches.pages import italic_taxa
from app.batches.settled import KINDS
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.acts import Outcome
from app.labels.pages import actor
from app.labels.undo_state import undo_state
from app.objects import preferences
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.openapi import refusals
from app.projects.access import ANNOTATOR, Project
from app.search.mirror import open_mirror

MOST_SHOWN, N_EXAMPLES = 60, 9


@dataclass(frozen=True)
class PairOfTaxa:
    """Suspects of one pair as tiles, the likeliest first, with good examples of both taxa. `n`: all of the pair."""

    taxon_id: int
    other_id: int
    n: int
    tiles: list[dict[str, Any]]
    examples: list[dict[str, Any]]
    other_examples: list[dict[str, Any]]


@get(
    "/projects/{project_id:int}/suspects", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="Likely mistakes, or what may be named more closely, by pair of taxa",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def list_pairs_api(
    db: NamedDependency[Db], project: NamedDependency[Project], kind: FromQuery[KIND] = "mistakes"
) -> list[Pair]:
    """Validated objects whose validated neighbours are something else, without those that somebody decided on."""
    return mistakes.pairs(db, mistakes.find(db, project, open_mirror(db, project.id), kind))


@get(
    "/projects/{project_id:int}/suspects/{taxon_id:int}/{other_id:int}", opt=ANNOTATOR, sync_to_thread=True,
    tags=["checks"], summary="The suspects of one pair beside good examples of both",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def pair_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    taxon_id: FromPath[int],
    other_id: FromPath[int],
    kind: FromQuery[KIND] = "mistakes",
    limit: FromQuery[int] = MOST_SHOWN,
) -> PairOfTaxa:
    mirror = open_mirror(db, project.id)
    ids = mistakes.of_pair(mistakes.find(db, project, mirror, kind), taxon_id, other_id)
    return _shown(db, project, kind, (taxon_id, other_id), ids, min(max(limit, 1), 1000))


@post(
    "/projects/{project_id:int}/suspects/decide", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["checks"],
    summary="Say that a suspect stays what it is, or what it is instead", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def decide_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Decision],
) -> Outcome:
    """One that is decided on does not come back while it carries that label."""
    return mistakes.decide(db, project, actor(viewer), data)


def _shown(
    db: Db, project: Project, kind: str, pair: tuple[int, int], ids: Any, limit: int
) -> PairOfTaxa:  # fmt: skip
    mirror = open_mirror(db, project.id)
    # Of a parent, those that stand for it are of itself: its children are what is proposed.
    own = mistakes.examples(db, project, mirror, pair[0], kind == "refine", N_EXAMPLES + 3)
    other = mistakes.examples(db, project, mirror, pair[1], False, N_EXAMPLES)
    own = [id for id in own if id not in set(ids.tolist())][:N_EXAMPLES]
    return PairOfTaxa(
        *pair, len(ids), *(_tiles(db, project, some) for some in (ids[:limit].tolist(), own, other))
    )  # fmt: skip


def _tiles(db: Db, project: Project, ids: list[int]) -> list[dict[str, Any]]:
    tiles = tiles_of(db, project, Filter(), ids, [0.0] * len(ids))
    return [{**tile, "distance": None} for tile in tiles]


@get("/projects/{project_id:int}/mistakes", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def show_mistakes(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    kind: FromQuery[str] = "mistakes",
    pair: FromQuery[str] = "",
) -> Template:
    """The pair that the address names, else the largest."""
    account = actor(viewer)
    kind = kind if kind in KINDS else "mistakes"
    context: dict[str, Any] = {
        "project": project, "kind": kind, "pairs": [], "pair": None, "found": None, "why_not": "",
        "can_label": project.status != "explore",
        "preferences": preferences.read(db, project.id, account.id),
        "undo": undo_state(db, project.id, account.id),
    }  # fmt: skip
    try:
        told = mistakes.find(db, project, open_mirror(db, project.id), kind)
    except (Refused, Conflict) as why:  # no embedder, or its graph is being built
        return Template("batches/mistakes.html", context=context | {"why_not": str(why)})
    pairs = mistakes.pairs(db, told)
    chosen = next((one for one in pairs if f"{one.taxon_id}-{one.other_id}" == pair), pairs[0] if pairs else None)
    if chosen:
        asked = (chosen.taxon_id, chosen.other_id)
        context["found"] = _shown(db, project, kind, asked, mistakes.of_pair(told, *asked), MOST_SHOWN)
    context |= {"pairs": pairs, "pair": chosen}
    context["italic"] = italic_taxa(db, [id for one in pairs for id in (one.taxon_id, one.other_id)])
    return Template("batches/mistakes.html", context=context)


routes = [show_mistakes]
api_routes = [list_pairs_api, pair_api, decide_api]
