"""What is like examples, an image or a text in other projects: one list, and a batch in each project to work there.

The list itself labels nothing. An act belongs to one project: it is counted, undone, reviewed and allowed there, and
two projects may keep different taxa. So what is found elsewhere is worked as a batch of the project that it is in, by
whoever may label there; who may only read sees it, and opens it.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.batches.make import make_batch
from app.batches.sources import Source
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.nouns import counted
from app.objects.board import query_vectors, tiles_of
from app.objects.fields import project_fields
from app.objects.filters import Filter, address
from app.objects.orders import Order, read_order
from app.objects.pages import query_of
from app.projects.access import ANNOTATOR, VISITOR, Project, find_project
from app.search import elsewhere
from app.search.elsewhere import Alike, Searchable
from app.search.mirror import open_mirror
from app.search.query_image import copy_query, title_of

FIRST, MOST = 100, 1000
KEPT = {"": "everything", "open": "what has no label", "V": "what is validated"}
STATUSES = {"": (), "open": (("status", "U"), ("status", "P")), "V": (("status", "V"),)}


@dataclass(frozen=True)
class Place:
    """A project in which something was found, or may be looked for."""

    project: Searchable
    is_chosen: bool
    n: int


@dataclass(frozen=True)
class BatchForm:
    """Examples or the key of an image or text, and the project that they are named in."""

    of: int = 0
    examples: str = ""
    query: str = ""
    dir: str = "asc"


@get("/projects/{project_id:int}/alike", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_alike(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    keep: FromQuery[str] = "",
    n: FromQuery[int] = FIRST,
) -> Template:
    """`where` names projects, or is `all`; `keep` is `open` or `V`."""
    order = _order(db, project, query_of(request))
    keep = keep if keep in KEPT else ""
    there = elsewhere.searchable(db, project.embedder_id, project.caller_id)
    chosen = _chosen(query_of(request), there)
    found, error = _found(db, project, order, chosen, keep, min(max(n, 1), MOST))
    counts = Counter(found.projects.tolist()) if found else Counter[int]()
    context = {
        "project": project,
        "order": order,
        "what": _what(db, project, order),
        "error": error,
        "tiles": _tiles(db, viewer, found) if found else [],
        "places": [Place(one, one.id in chosen, counts[one.id]) for one in there if one.is_comparable],
        "n_apart": sum(not one.is_comparable for one in there),
        "is_everywhere": len(chosen) == sum(one.is_comparable for one in there),
        "keep": keep,
        "kept": KEPT,
        "more_url": _more_url(project, query_of(request), found, n),
        "n_without_vector": found.n_without_vector if found else 0,
        "turned": "asc" if order.direction == "desc" else "desc",
    }
    return Template("search/alike.html", context=context, headers={"Cache-Control": "no-store"})


def _order(db: Db, project: Project, pairs: list[tuple[str, str]]) -> Order:
    return read_order(project_fields(db, project.id), [*pairs, ("order", "like")], project.validated_only)


def _chosen(pairs: list[tuple[str, str]], there: list[Searchable]) -> set[int]:
    """Those that the address names; all where it names none."""
    comparable = {one.id for one in there if one.is_comparable}
    named = {raw for key, raw in pairs if key == "where"}
    return comparable if not named or "all" in named else {one for one in comparable if str(one) in named}


def _what(db: Db, project: Project, order: Order) -> str:
    if order.query:
        return title_of(db, project, order.query)
    return counted(len(order.examples), "example")


def _found(db: Db, project: Project, order: Order, chosen: set[int], keep: str, n: int) -> tuple[Alike | None, str]:
    """What is alike, or why nothing can be looked for."""
    if order.key != "like":
        return None, "Nothing to compare with was named: select some objects among the images, and press = there."
    try:
        vectors = query_vectors(db, project, order, open_mirror(db, project.id))
    except Refused as refused:
        return None, refused.sentence
    found = elsewhere.alike_in(
        db, project, project.caller_id, sorted(chosen), vectors, n,
        least=order.direction == "desc", without=order.examples, filter=STATUSES[keep],
    )  # fmt: skip
    return found, ""


def _tiles(db: Db, viewer: Viewer, found: Alike) -> list[tuple[dict[str, Any], str]]:
    """Tiles in their order, each with the title of its project, as the viewer may see that."""
    distance_of = dict(zip(found.ids.tolist(), found.distances.tolist(), strict=True))
    tiles: dict[int, tuple[dict[str, Any], str]] = {}
    for project_id in sorted(set(found.projects.tolist())):
        there = find_project(db, viewer, project_id)
        ids = found.ids[found.projects == project_id].tolist()
        filter = Filter(validated_only=there.validated_only)
        shown = tiles_of(db, there, filter, ids, [distance_of[one] for one in ids])
        tiles |= {tile["id"]: (tile, there.title) for tile in shown}
    return [tiles[object_id] for object_id in found.ids.tolist() if object_id in tiles]


def _more_url(project: Project, pairs: list[tuple[str, str]], found: Alike | None, n: int) -> str:
    if found is None or len(found.ids) < n or n >= MOST:
        return ""
    rest = [pair for pair in pairs if pair[0] != "n"]
    return address(f"/projects/{project.id}/alike", rest, [("n", str(min(2 * n, MOST)))])


@post("/projects/{project_id:int}/alike/batch", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def work_there(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[BatchForm],
) -> Redirect:
    """A batch of this project of what is like something that was named in another one."""
    of = find_project(db, viewer, data.of)
    order = _order(db, of, [("examples", data.examples), ("query", data.query), ("dir", data.dir)])
    if order.key != "like":
        raise Refused("Nothing to compare with was named: name examples, an image or a text.")
    asked: dict[str, Any] = {"ids": list(order.examples)}
    if order.query:
        same = of.id == project.id
        asked = {"image": order.query if same else copy_query(db, of, order.query, project, viewer.account_id)}
    far = {"far": True} if order.direction == "desc" else {}
    batch = make_batch(db, project, actor(viewer), Source("examples", asked | far))
    return Redirect(f"/projects/{project.id}/batches/{batch.id}", status_code=303)


routes = [show_alike, work_there]
