"""The page of a project's cards, its sections, what is in one card, and how far the cutting is."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.clusters import runs, told
from app.clusters.api import run_of_project
from app.clusters.cards import Board, Card
from app.clusters.runs import Run
from app.clusters.told import ORDERS, PAGE, OrderKey
from app.clusters.turning import may_turn
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.labels.undo_state import UndoState, undo_state
from app.objects import preferences
from app.objects.atlas import atlas_url
from app.objects.board import tiles_of
from app.objects.filters import Filter, address
from app.objects.pages import tree_of
from app.projects.access import VISITOR, Project
from app.taxonomy.tree import packed

MOSAIC = 14  # objects of a card that are shown, from its core to its edge
MOST_MEMBERS = 300
MOST_IDS = 200
N_CARDS = (12, 25, 50, 100, 200, 300, 400, 600, 1000, 2000, 4096)


@dataclass
class Section:
    """Cards with their mosaics, and where the next ones are."""

    cards: list[tuple[Card, list[dict[str, Any]]]] = field(default_factory=list)
    next_url: str | None = None
    n_cards: int = 0
    atlas: str | None = None


def section(db: Db, project: Project, run: Run, cards: list[Card], board: Board) -> Section:
    """Cards with what stands between their core and their edge, all pictures in one atlas."""
    chosen = [_mosaic(board.left_ids(place)) for place in board.places_of([card.id for card in cards])]
    ids = [object_id for part in chosen for object_id in part]
    filter = runs.filter_of(db, project.id, run.query, run.account_id)
    tiles = {tile["id"]: tile for tile in tiles_of(db, project, filter, ids, [0.0] * len(ids))}
    mosaics = [[tiles[object_id] for object_id in part if object_id in tiles] for part in chosen]
    shown = [tile for mosaic in mosaics for tile in mosaic]
    return Section(list(zip(cards, mosaics, strict=True)), n_cards=len(cards), atlas=atlas_url(project.id, shown))


def _mosaic(ids: np.ndarray) -> list[int]:
    if len(ids) <= MOSAIC:
        return ids.tolist()
    places = np.linspace(0, len(ids) - 1, MOSAIC).round().astype(int)
    return ids[places].tolist()


def _page_section(db: Db, project: Project, run: Run, order: OrderKey, cursor: str) -> tuple[Section, told.CardPage]:
    board = Board(db, run, project.caller_id)
    shown = told.page(db, run, order, cursor, PAGE, board)
    made = section(db, project, run, shown.cards, board)
    made.n_cards = shown.n_cards
    if shown.next:
        pairs = [("run", str(run.id)), ("order", order), ("cursor", shown.next)]
        made.next_url = address(f"/projects/{project.id}/clusters/cards", pairs)
    return made, shown


@get("/projects/{project_id:int}/clusters", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_cards(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run: FromQuery[int | None] = None,
    order: FromQuery[OrderKey] = "gain",
    of: FromQuery[str] = "",
) -> Template:
    """The run that is named, or the latest of what is not labelled, or of the filter `of`; which may have none yet."""
    account = actor(viewer)
    of = of or runs.UNLABELLED
    asked = runs.find(db, project.id, run) if run else runs.latest_for(db, project.id, of, account.id)
    first, shown = _page_section(db, project, asked, order, "") if asked else (Section(), None)
    n_leaves = _n_leaves(db, asked) if asked else 0
    tree = tree_of(db, project, Filter())
    undone = undo_state(db, project.id, account.id) if project.may("annotator") else UndoState()
    query, whose = (asked.query, asked.account_id) if asked else (of, account.id)
    context = {
        "project": project,
        "run": asked,
        "query": query,
        "words": _words(db, project, query, whose),
        "others": [
            (one, _words(db, project, one.query, one.account_id)) for one in runs.latest_by_query(db, project.id)
        ],
        "progress": shown.run if shown else None,
        "n_left": shown.n_left if shown else 0,
        "first": first,
        "order": order,
        "orders": ORDERS,
        "n_choices": [n for n in N_CARDS if n < n_leaves] + [n_leaves],
        "n_leaves": n_leaves,
        "tree": tree,
        "tree_json": packed(tree).decode(),
        "counts": tree.total,
        "is_unlabelled": query == runs.UNLABELLED,
        "n_to_cut": told.n_of(db, project.id, runs.filter_of(db, project.id, query, whose)),
        "preferences": preferences.read(db, project.id, account.id),
        "can_label": project.may("annotator") and project.status != "explore",
        "undo": undone,
        "may_turn": may_turn(db, asked, account.id, undone),
    }
    return Template("clusters/cards.html", context=context)


def _n_leaves(db: Db, run: Run) -> int:
    return int(db.execute("select count(*) as n from cluster_leaf where run_id = %s", [run.id]).fetchone().n)


def _words(db: Db, project: Project, query: str, account_id: int | None) -> str:
    """What cards are of."""
    if query == runs.UNLABELLED:
        return "the unlabelled"
    chips = runs.filter_of(db, project.id, query, account_id).chips
    return ", ".join(f"{chip.label} {chip.value}" for chip in chips) or "all objects"


@get("/projects/{project_id:int}/clusters/cards", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_section(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run: FromQuery[int | None] = None,
    order: FromQuery[OrderKey] = "gain",
    cursor: FromQuery[str] = "",
    ids: FromQuery[str] = "",
) -> Template:
    """The next cards of the list, or some that are named by their ids: those of them in which something is left."""
    actor(viewer)
    asked = run_of_project(db, project, run)
    if not ids:
        made, _ = _page_section(db, project, asked, order, cursor)
    else:
        board = Board(db, asked, project.caller_id)
        there = [card_id for card_id in _numbers(ids) if card_id in board.layout.card_ids]
        cards = [card for card in board.cards(board.places_of(there)) if card.n] if there else []
        made = section(db, project, asked, cards, board)
    return Template("clusters/_cards.html", context={"section": made, "project": project})


def _numbers(text: str) -> list[int]:
    parts = text.split(",")[:MOST_IDS]
    if not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in parts):
        raise Refused("Cards are named by their numbers, with commas between.")
    return [int(part) for part in parts]


@get("/projects/{project_id:int}/clusters/members", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_members(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run: FromQuery[int | None] = None,
    card: FromQuery[int] = 0,
) -> Template:
    """What is in a card, from the core to the edge."""
    actor(viewer)
    asked = run_of_project(db, project, run)
    board = Board(db, asked, project.caller_id)
    ids = board.left_ids(board.places_of([card])[0]).tolist()
    filter = runs.filter_of(db, project.id, asked.query, asked.account_id)
    tiles = tiles_of(db, project, filter, ids[:MOST_MEMBERS], [0.0] * len(ids[:MOST_MEMBERS]))
    context = {"tiles": tiles, "n": len(ids), "card": card, "atlas": atlas_url(project.id, tiles), "project": project}
    return Template("clusters/_members.html", context=context)


@get("/projects/{project_id:int}/clusters/progress", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_progress(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run: FromQuery[int | None] = None,
    revision: FromQuery[int] = 0,
) -> Template:
    """How far the cutting is; `revision` is what the page shows. It asks again by itself while that may change."""
    actor(viewer)
    asked = run_of_project(db, project, run)
    context = {
        "project": project,
        "run": asked,
        "progress": told.progress(db, asked),
        "revision": revision,
        "can_label": project.may("annotator") and project.status != "explore",
    }
    return Template("clusters/_progress.html", context=context, headers={"Cache-Control": "no-store"})


routes = [show_cards, show_section, show_members, show_progress]
