"""Batches for programs, and for the screen: make, list, page, marks, seen, apply, turn, tray, take over."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

import app.batches.graph_sources  # noqa: F401 (registers its kinds)
from app.accounts.viewer import Viewer
from app.batches import page_marks, refusals, turning, work
from app.batches.batch import Batch, BatchList, close_batch, find_batch, list_batches
from app.batches.make import USUAL, make_batch
from app.batches.page import PageInHand, next_page
from app.batches.page_making import USUAL_PAGE
from app.batches.source_fields import described
from app.batches.sources import SOURCES, Source
from app.batches.work import PageAct, SingleAct, Worked
from app.database import Db
from app.errors import Refused
from app.labels.acts import check_open
from app.labels.pages import actor
from app.objects import preferences
from app.objects.preferences import PreferenceChange
from app.openapi import refusals as refused_with
from app.projects.access import ANNOTATOR, TAKES_OVER, VISITOR, Project

MOST_BATCHES = 200
ORDER = Literal["neighbours", "alike", "least", "extremes"]


@dataclass(frozen=True)
class Wish:
    """What to make a batch of. `source` has a `kind`, and what that kind wants to know: {"kind": "examples",
    "ids": [62], "not_ids": []}, {"kind": "filter", "query": "status=U&taxon=5"}, {"kind": "predicted", "taxon_id": 5},
    {"kind": "outliers" | "stragglers", "taxon_id": 5}, {"kind": "mistakes" | "refine", "pair": [5, 7]},
    {"kind": "novelties" | "duplicates", "query": ""}; and what clusters, piles and reviews add."""

    source: dict[str, Any]
    order: ORDER = "neighbours"
    limit: int = USUAL
    taxon_id: int | None = None
    page: int = USUAL_PAGE


@dataclass(frozen=True)
class Marks:
    """Marks by id: 0 passed over, 1 marked, 2 not this; how many tiles stand before the line, if it was moved; and the
    ids of all tiles in their order, if that was changed, such as to have the marked first."""

    marks: dict[int, int] = field(default_factory=dict)
    line: int | None = None
    order: list[int] | None = None


@dataclass(frozen=True)
class SeenTiles:
    """Tiles that were painted in the window for 300 ms."""

    ids: list[int]


@dataclass(frozen=True)
class OffThePage:
    """Tiles of the page in hand that are to leave it."""

    ids: list[int]


@dataclass(frozen=True)
class TrayWish:
    """The order of the new batch."""

    order: ORDER = "neighbours"


@dataclass(frozen=True)
class OrderWish:
    """The order of what waits. `size_weight`: what size counts in likeness from now on in all of the project, for the
    caller: 0 (not at all) to 1 (alone)."""

    order: ORDER = "neighbours"
    size_weight: float | None = None


@dataclass(frozen=True)
class ResetWish:
    """Refusals to be forgotten: of a taxon, of these objects or of all."""

    taxon_id: int
    ids: list[int] | None = None


@dataclass(frozen=True)
class Forgotten:
    """How many refusals were reset."""

    n: int


@post(
    "/projects/{project_id:int}/batches", opt=ANNOTATOR, sync_to_thread=True, tags=["batches"],
    summary="Make a batch: a frozen list of objects from a source", responses=refused_with(400, 403, 404),
    description="At most 10,000 objects. `order`: between neighbours, most or least alike first, or extremes first. "
    "`page`: how many objects the first page will be asked for with, which is made at once. `source` has a `kind`, and "
    f"by kind these fields.\n\n{described()}",
)  # fmt: skip
def make_batch_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Wish]
) -> Batch:
    args = {name: value for name, value in data.source.items() if name != "kind"}
    kind = data.source.get("kind")
    if not isinstance(kind, str):
        raise Refused(f"The source needs a kind: {', '.join(sorted(SOURCES))}.")
    source = Source(kind, args)
    return make_batch(db, project, actor(viewer), source, data.order, data.limit, data.taxon_id, data.page)


@get(
    "/projects/{project_id:int}/batches", opt=VISITOR, sync_to_thread=True, tags=["batches"],
    summary="Batches of a project, the open ones first", responses=refused_with(400, 401, 404),
)  # fmt: skip
def list_batches_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    cursor: FromQuery[str] = "",
    mine: FromQuery[bool] = False,
    limit: FromQuery[int] = 50,
) -> BatchList:
    """`mine`: one's own alone. `cursor`: the `next_cursor` of the page before; a page has at most 200."""
    account = actor(viewer)
    return list_batches(
        db, project.id, account.id, mine=mine, cursor=cursor, limit=min(max(limit, 1), MOST_BATCHES)
    )  # fmt: skip


@get(
    "/projects/{project_id:int}/batches/{batch_id:int}", opt=VISITOR, sync_to_thread=True, tags=["batches"],
    summary="One batch with its progress", responses=refused_with(401, 404),
)  # fmt: skip
def get_batch_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
) -> Batch:
    actor(viewer)
    return find_batch(db, project.id, batch_id)


@delete(
    "/projects/{project_id:int}/batches/{batch_id:int}", opt=ANNOTATOR, sync_to_thread=True, tags=["batches"],
    summary="Close a batch: its labels stay", responses=refused_with(403, 404),
)  # fmt: skip
def close_batch_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
) -> None:
    close_batch(db, project.id, batch_id, actor(viewer), project.may("manager"))


@get(
    "/projects/{project_id:int}/batches/{batch_id:int}/page", opt=VISITOR, sync_to_thread=True, tags=["batches"],
    summary="The page in hand, or the next objects made the page in hand", responses=refused_with(400, 401, 404),
)  # fmt: skip
def page_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    n: FromQuery[int] = USUAL_PAGE,
) -> PageInHand:
    """`n`: how many objects, where a page is made; without `tiles` the batch is worked through, unless somebody holds
    the rest (`held`). A tile's `stack` numbers the near-duplicates that stand together: mark and label them alike. The
    page's author gets these objects, and those of the next two pages, kept from the batches of others for 20 minutes,
    renewed by working. Who only looks on, or comes with a read-only token, changes nothing."""
    return next_page(db, project, actor(viewer), batch_id, n, works=project.may("annotator") and not viewer.read_only)


@put(
    "/projects/{project_id:int}/batches/{batch_id:int}/page/{number:int}", opt=ANNOTATOR, sync_to_thread=True,
    status_code=204, tags=["batches"], summary="Keep marks and line of the page in hand",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def marks_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    number: FromPath[int],
    data: JSONBody[Marks],
) -> None:
    """Marks that are not named stay as they are."""
    page_marks.keep_marks(db, project, actor(viewer), batch_id, number, data.marks, data.line, data.order)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/page/{number:int}/seen", opt=ANNOTATOR, sync_to_thread=True,
    status_code=204, tags=["batches"], summary="Report tiles of the page in hand as seen",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def seen_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    number: FromPath[int],
    data: JSONBody[SeenTiles],
) -> None:
    """What was not seen cannot be labelled or refused in a batch, unless under an audit."""
    page_marks.note_seen(db, project, actor(viewer), batch_id, number, data.ids)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/page/{number:int}/apply", opt=ANNOTATOR, sync_to_thread=True,
    status_code=200, tags=["batches"], summary="Label the marked, refuse what is not this, put the rest into the tray",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def apply_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    number: FromPath[int],
    data: JSONBody[PageAct],
) -> Worked:
    """One act, after which the next page is the one in hand. `not_this` are refused for `taxon_id`, else for what the
    batch expects, else for what is predicted of each; they may stand alone, without anything marked. What was neither
    goes to the tray. The same `client_id` sent again has the same outcome, and nothing happens twice."""
    return work.apply_page(db, project, actor(viewer), batch_id, number, data)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/page/{number:int}/pass", opt=ANNOTATOR, sync_to_thread=True,
    status_code=200, tags=["batches"], summary="Turn the page without an act: all of it goes to the tray",
    responses=refused_with(403, 404, 409),
)  # fmt: skip
def pass_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    number: FromPath[int],
) -> Batch:
    return turning.pass_page(db, project, actor(viewer), batch_id, number)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/one", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["batches"], summary="Label some tiles of the page in hand by themselves",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def one_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[SingleAct],
) -> Worked:
    """One act: they leave the page, and what is left is ranked by it."""
    return work.apply_single(db, project, actor(viewer), batch_id, data)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/aside", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["batches"], summary="Take tiles off the page in hand that go on elsewhere, on a pile",
    responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def aside_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[OffThePage],
) -> Batch:
    """They are put on a pile under …/piles; here they only leave the batch, without a label and without the tray."""
    return turning.set_aside(db, project, actor(viewer), batch_id, data.ids)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/tray", opt=ANNOTATOR, sync_to_thread=True, tags=["batches"],
    summary="Make a batch of what stands in the tray", responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def tray_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[TrayWish],
) -> Batch:
    return turning.open_tray(db, project, actor(viewer), batch_id, data.order)


@put(
    "/projects/{project_id:int}/batches/{batch_id:int}/order", opt=ANNOTATOR, sync_to_thread=True, tags=["batches"],
    summary="Put what waits into another order", responses=refused_with(400, 403, 404, 409),
)  # fmt: skip
def order_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    data: JSONBody[OrderWish],
) -> Batch:
    """The page in hand goes back to what waits; ask for the page again."""
    account = actor(viewer)
    if data.size_weight is None:
        return turning.set_order(db, project, account, batch_id, data.order)
    preferences.write(db, project.id, account.id, PreferenceChange(size_weight=data.size_weight))
    sized = replace(project, size_weight=data.size_weight)
    return turning.set_order(db, sized, account, batch_id, data.order, measure_again=True)


@post(
    "/projects/{project_id:int}/batches/{batch_id:int}/take-over", opt=TAKES_OVER, sync_to_thread=True,
    status_code=200, tags=["batches"], summary="Take over somebody's batch, with what is kept for it",
    responses=refused_with(403, 404, 409),
)  # fmt: skip
def take_over_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
) -> Batch:
    return turning.take_over(db, project, actor(viewer), batch_id)


@get(
    "/projects/{project_id:int}/objects/{object_id:int}/refusals", opt=VISITOR, sync_to_thread=True, tags=["batches"],
    summary="What an object was said not to be", responses=refused_with(401, 404),
)  # fmt: skip
def refusals_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    object_id: FromPath[int],
) -> list[refusals.Refusal]:
    actor(viewer)
    return refusals.of_object(db, project.id, object_id)


@post(
    "/projects/{project_id:int}/refusals/reset", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["batches"],
    summary="Forget refusals of a taxon, so that these objects are offered for it again",
    responses=refused_with(400, 403, 404),
)  # fmt: skip
def reset_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ResetWish],
) -> Forgotten:
    actor(viewer)
    check_open(project)
    return Forgotten(refusals.reset(db, project.id, data.taxon_id, data.ids))


routes = [
    make_batch_api,
    list_batches_api,
    get_batch_api,
    close_batch_api,
    page_api,
    marks_api,
    seen_api,
    apply_api,
    pass_api,
    one_api,
    aside_api,
    tray_api,
    order_api,
    take_over_api,
    refusals_api,
    reset_api,
]
