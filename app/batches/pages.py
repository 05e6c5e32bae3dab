"""The list of a project's batches, and the screen that works one of them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches.batch import Batch, find_batch, list_batches
from app.batches.chances import HALF
from app.batches.coming import what_comes, what_follows
from app.batches.lineages import names_in_use
from app.batches.page import PageInHand, next_page
from app.batches.sources import SOURCES
from app.database import Db
from app.labels.pace import pace_of_batch
from app.labels.pages import actor
from app.labels.undo_state import undo_state
from app.objects import preferences
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.projects.access import VISITOR, Project, find_project
from app.search.elsewhere import projects_of
from app.search.query_image import what_may_be_asked
from app.start.ways import best_way
from app.taxonomy.names import is_italic

MOST_EXAMPLES = 8  # of each kind in the header
ORDERS = {
    "neighbours": "like beside like",
    "alike": "most alike first",
    "least": "least alike first",
    "extremes": "extremes first",
}


@dataclass(frozen=True)
class Place:
    """Which page of about how many this is."""

    number: int
    of: int


def may_work(project: Project, viewer: Viewer, batch: Batch) -> bool:
    """Its author may, while it is open and the project can be labelled in."""
    is_own = viewer.account is not None and batch.account_id == viewer.account.id
    return is_own and batch.closed_at is None and project.may("annotator") and project.status != "explore"


@get("/projects/{project_id:int}/batches", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_batches(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    cursor: FromQuery[str] = "",
    whose: FromQuery[str] = "",
) -> Template:
    account = actor(viewer)
    mine = whose == "mine"
    found = list_batches(db, project.id, account.id, mine=mine, cursor=cursor)
    context = {
        "project": project,
        "batches": found.batches,
        "kinds": SOURCES,
        "asks": what_may_be_asked(db, project.embedder_id),
        "mine": mine,
        "next_cursor": found.next_cursor,
        "can_make": project.may("annotator") and project.status != "explore",
        "account_id": account.id,
    }
    return Template("batches/list.html", context=context)


@get("/projects/{project_id:int}/batches/{batch_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_batch(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
) -> Template:
    """The screen without its page: how many of the tiles that come have room only the window knows."""
    account = actor(viewer)
    batch = find_batch(db, project.id, batch_id)
    context = {
        "project": project,
        "batch": batch,
        "orders": ORDERS,
        "coming": asdict(what_comes(db, project, batch)),
        "examples": _examples(db, project, viewer, batch, "ids"),
        "strangers": _examples(db, project, viewer, batch, "not_ids"),
        "n_examples": len(batch.source.get("ids", [])),
        "n_strangers": len(batch.source.get("not_ids", [])),
        "can_label": may_work(project, viewer, batch),
        "can_take_over": project.may("manager") and batch.account_id != account.id and batch.closed_at is None,
        "italic": batch.taxon_id in italic_taxa(db, [batch.taxon_id]),
        "may_be_given": batch.taxon_id and names_in_use(db, [batch.taxon_id]),
        "preferences": preferences.read(db, project.id, account.id),
        "undo": undo_state(db, project.id, account.id),
    }
    return Template("batches/batch.html", context=context)


def _examples(db: Db, project: Project, viewer: Viewer, batch: Batch, name: str) -> list[dict[str, Any]]:
    """Some of the examples, also of other projects that the viewer may read."""
    ids = [int(id) for id in batch.source.get(name, [])[:MOST_EXAMPLES]]
    if not ids:
        return []
    own = tiles_of(db, project, Filter(validated_only=project.validated_only), ids, [0.0] * len(ids))
    if len(own) == len(ids):
        return own
    of = projects_of(db, viewer.account_id, ids)
    for project_id in sorted(set(of.values()) - {project.id}):
        there = find_project(db, viewer, project_id)
        theirs = [object_id for object_id in ids if of.get(object_id) == project_id]
        own += tiles_of(db, there, Filter(validated_only=there.validated_only), theirs, [0.0] * len(theirs))
    return sorted(own, key=lambda tile: ids.index(tile["id"]))


@get(
    "/projects/{project_id:int}/batches/{batch_id:int}/page", opt=VISITOR, include_in_schema=False, sync_to_thread=True
)
def show_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    batch_id: FromPath[int],
    n: FromQuery[int] = 60,
) -> Template:
    """The page in hand as tiles, with its marks, its line, and what the header and the panel say beside it."""
    account = actor(viewer)
    works = project.may("annotator") and project.status != "explore" and not viewer.read_only
    page = next_page(db, project, account, batch_id, n, works=works)
    context = {
        "project": project,
        "page": page,
        "batch": page.batch,
        "place": place_of(page, n),
        "stacks": stacks_of(page.tiles),
        "pace": pace_of_batch(db, page.batch.id),
        "can_label": may_work(project, viewer, page.batch),
        "italic": italic_taxa(db, [proposal["taxon_id"] for proposal in page.proposals]),
        "told": _told(db, project, account.id, page),
        "next": best_way(db, project, account) if works and not page.tiles else None,
    }
    return Template("batches/_page.html", context=context)


def italic_taxa(db: Db, taxon_ids: Sequence[int | None]) -> set[int | None]:
    """Those of them whose names are written in italics."""
    wanted = [taxon_id for taxon_id in taxon_ids if taxon_id]
    if not wanted:
        return set()
    rows = db.execute("select id, name, rank, type from taxon where id = any(%s)", [wanted])
    return {row.id for row in rows if is_italic(row.name, row.rank or "", row.type or "")}


def stacks_of(tiles: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Tiles that stand together, in lists: a list of one for one that is alone."""
    groups: list[list[dict[str, Any]]] = []
    for tile in tiles:
        if tile["stack"] and groups and groups[-1][0]["stack"] == tile["stack"]:
            groups[-1].append(tile)
        else:
            groups.append([tile])
    return groups


def place_of(page: PageInHand, n: int) -> Place:
    """Pages to come have as many objects as the window asks for."""
    rest = max(page.batch.n_waiting - len(page.tiles), 0)
    number = page.number or 1
    return Place(number, number + math.ceil(rest / n))


def _told(db: Db, project: Project, account_id: int, page: PageInHand) -> str:
    """What the script wants to know of the page, as JSON that may stand in HTML."""
    chances = {tile["id"]: tile["chance"] for tile in page.tiles if tile["chance"] is not None}
    told = {
        "number": page.number,
        "line": page.line,
        "line_words": line_words(page),
        "marks": {tile["id"]: tile["mark"] for tile in page.tiles if tile["mark"]},
        "seen": [tile["id"] for tile in page.tiles if tile["seen"]],
        "chances": chances,
        "next_atlas": page.next_atlas,
        "coming": what_follows(db, project, page),
        "kept_s": _seconds_to(page.batch.reserved_until),
        "undo": undo_state(db, project.id, account_id),
    }
    return msgspec.json.encode(told).decode().replace("<", "\\u003c")


def _seconds_to(moment: datetime | None) -> float | None:
    return None if moment is None else max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def line_words(page: PageInHand) -> str:
    """What stands at the boundary line; nothing where it was moved: then the screen says how many stand before it."""
    if page.line_basis is None:
        return (
            "nothing tells likely from unlikely here yet: drag this line, or mark what you see" if not page.line else ""
        )
    where = ", by what a reference project tells" if "reference" in page.line_basis else ""
    chance = f"chance of {page.batch.taxon or 'the same label'}"
    n_over = sum(tile["chance"] is not None and tile["chance"] >= HALF for tile in page.tiles)
    if page.line != n_over:
        return ""
    if n_over in (0, len(page.tiles)):
        return f"{chance} is {'over' if n_over else 'under'} one half on this whole page{where}"
    return f"{chance} falls under one half here{where}"


routes = [show_batches, show_batch, show_page]
