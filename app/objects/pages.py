"""The board of a project, its sections of tiles and its tree."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer, provide_viewer
from app.database import Db
from app.errors import Refused
from app.labels.undo_state import UndoState, undo_state
from app.objects import preferences
from app.objects.atlas import atlas_url
from app.objects.board import PAGE, Page, next_url, page, query_vectors
from app.objects.conditions import CONDITIONS, Condition, find_condition
from app.objects.directions import directions
from app.objects.fields import project_fields
from app.objects.filters import Chip, Filter, address, read_filter
from app.objects.orders import Order, read_order
from app.objects.tally import filtered_counts
from app.objects.view import View, read_view, shown_fields
from app.projects.access import VISITOR, Project
from app.search.mirror import open_mirror
from app.search.query_image import title_of, what_may_be_asked
from app.taxonomy.presets import preset_taxa
from app.taxonomy.tree import TaxonTree, packed, project_tree

BOXES = ("choices", "months")  # controls whose values stand together in one chip
MOST_WAYS_OUT = 12


def query_of(request: Request) -> list[tuple[str, str]]:
    """The address's pairs in their order, which Litestar's own reading does not keep."""
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def asked(db: Db, project: Project, request: Request) -> tuple[Filter, Order]:
    """Filter and order as the address says them."""
    query = query_of(request)
    account_id = provide_viewer(request).account_id
    return (
        read_filter(db, project.id, query, project.validated_only, account_id),
        read_order(project_fields(db, project.id), query, project.validated_only),
    )


def view_of(db: Db, project: Project, request: Request) -> View:
    kept = preferences.read(db, project.id, provide_viewer(request).account_id)
    return read_view(query_of(request), kept)


def chips_of(project_id: int, filter: Filter, order: Order, view: View) -> list[dict[str, Any]]:
    """The filter's conditions with the addresses that are left without them, and an order that cannot be had."""
    path, kept = f"/projects/{project_id}", order.to_query() + list(view.said)
    chips = [
        {
            "key": group[0].key,
            "raws": json.dumps([chip.raw for chip in group]),
            "label": ("or " if nth else "") + group[0].label,
            "value": ", ".join(chip.value for chip in group),
            "note": ", with children"
            if group[0].key == "taxon" and group[0].raw != "0" and filter.with_children
            else "",
            "invalid": group[0].invalid,
            "editable": (condition := find_condition(group[0].key)) is not None and condition.kind != "act",
            "remove_url": address(path, _without(filter, group), kept),
        }
        for nth, group in _groups(filter)
    ]
    if order.invalid:
        url = address(path, filter.to_query(), view.said)
        chips.append(
            {"key": "order", "raws": "[]", "label": "order", "value": "unavailable", "note": "", "remove_url": url,
             "invalid": order.invalid, "editable": False}
        )  # fmt: skip
    return chips


def _groups(filter: Filter) -> list[tuple[int, list[Chip]]]:
    """Chips as they are shown: what one ticks in one set of boxes together, the rest one by one; each with how many of
    its kind, of which an object needs to meet one only, stand before it."""
    shown: list[tuple[int, list[Chip]]] = []
    for chip in filter.chips:
        condition = find_condition(chip.key)
        same = [group for _, group in shown if group[0].key == chip.key and not group[0].invalid]
        if condition and condition.kind in BOXES and same and not chip.invalid:
            same[0].append(chip)
        else:
            shown.append((len(same) if condition and condition.repeat and not chip.invalid else 0, [chip]))
    return shown


def _without(filter: Filter, group: list[Chip]) -> list[tuple[str, str]]:
    return filter.without(group).to_query()


def tree_of(db: Db, project: Project, filter: Filter) -> TaxonTree:
    """The project's tree. Under a filter, what its other conditions keep of every taxon stands beside the counts."""
    selected = frozenset(int(chip.raw) for chip in filter.chips if chip.key == "taxon" and not chip.invalid)
    others = any(chip.key != "taxon" and not chip.invalid for chip in filter.chips)
    kept = filtered_counts(db, project, replace(filter, taxa=None)) if others else None
    presets = preset_taxa(db, project.id)
    return project_tree(db, project.id, selected, project.validated_only, presets, kept, filter.taxa)


def conditions_for(project: Project) -> list[Condition]:
    """What the sheet of filters offers: columns are found by name, acts by links."""
    return [
        condition
        for condition in CONDITIONS.values()
        if condition.kind not in ("act", "field") and (condition.for_anonymous or not project.validated_only)
    ]


def ways_out(db: Db, project: Project, filter: Filter, order: Order, view: View) -> list[dict[str, Any]]:
    """Where nothing passes a filter: how many objects would, without each of its conditions alone."""
    mirror = open_mirror(db, project.id)
    found = []
    for _, group in _groups(filter)[:MOST_WAYS_OUT]:
        if group[0].invalid:
            continue
        rest = filter.without(group)
        n = mirror.count(db, rest)
        url = address(f"/projects/{project.id}", rest.to_query(), order.to_query(), view.said)
        words = f"{group[0].label} {', '.join(chip.value for chip in group)}"
        found.append({"words": words, "n": n, "url": url})
    return sorted((way for way in found if way["n"]), key=lambda way: -way["n"])


@get("/projects/{project_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_board(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    filter, order = asked(db, project, request)
    kept = preferences.read(db, project.id, viewer.account_id)
    view = read_view(query_of(request), kept)
    first, order = first_page(db, project, filter, order, view)
    tree = tree_of(db, project, filter)
    fields = project_fields(db, project.id)
    has_objects = sum(tree.total.values()) > 0
    of = urlencode(filter.to_query())
    context = {
        "project": project,
        "filter": chips_of(project.id, filter, order, view),
        "edits_url": address(f"/projects/{project.id}/edits", [("of", of)]),
        "cards_url": address(f"/projects/{project.id}/clusters", [("of", of)]),
        "exports_url": address(f"/projects/{project.id}/exports", [("filters", of)] if of else []),
        "conditions": conditions_for(project),
        "order": order,
        "directions": directions(order, fields),
        "asks": what_may_be_asked(db, project.embedder_id),
        "like": like_bar(db, project, filter, order, view),
        "turned_url": _turned(project.id, filter, order, view),
        "view": view,
        "shown_fields": shown_fields(view.show, fields),
        "preferences": kept,
        "tree": tree,
        "tree_json": packed(tree).decode(),
        "first": section(project, filter, order, first, PAGE, view),
        "n_without_vector": first.n_without_vector,
        "recall": first.recall,
        "exact": first.exact,
        "can_label": project.may("annotator") and project.status != "explore",
        "undo": undo_state(db, project.id, viewer.account_id) if viewer.account_id else UndoState(),
        "counts": tree.total if tree.kept is None else tree.kept,
        "has_objects": has_objects,
        "ways_out": ways_out(db, project, filter, order, view) if has_objects and not first.tiles else [],
    }
    return Template("objects/board.html", context=context)


def like_bar(db: Db, project: Project, filter: Filter, order: Order, view: View) -> dict[str, str] | None:
    """What is said beside a list in the order of likeness, and the way to the same in other projects."""
    if order.key != "like":
        return None
    n = len(order.examples)
    what = title_of(db, project, order.query) if order.query else f"{n} example{'s' if n != 1 else ''}"
    pairs = [pair for pair in order.to_query() if pair[0] != "order"]
    return {
        "what": what,
        "turned_url": _turned(project.id, filter, order, view),
        "elsewhere_url": address(f"/projects/{project.id}/alike", pairs),
    }


def _turned(project_id: int, filter: Filter, order: Order, view: View) -> str:
    """The same board in the other direction."""
    direction = "desc" if order.direction == "asc" else "asc"
    pairs = [pair for pair in order.to_query() if pair[0] not in ("order", "dir")]
    return address(
        f"/projects/{project_id}", filter.to_query(), [("order", order.key), ("dir", direction), *pairs], view.said
    )


def first_page(db: Db, project: Project, filter: Filter, order: Order, view: View) -> tuple[Page, Order]:
    """The first tiles; by id where nothing can be compared with what the address names: then the order says why."""
    try:
        return page(db, project, filter, order, show=view.show), order
    except Refused as refused:
        if order.key != "like":
            raise
        by_id = Order(label="id", invalid=f"{refused.sentence} Shown by id meanwhile.")
        return page(db, project, filter, by_id, show=view.show), by_id


@get("/projects/{project_id:int}/examples", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def check_examples(request: Request, db: NamedDependency[Db], project: NamedDependency[Project]) -> dict[str, int]:
    """How many of the examples of an order by likeness can be compared with; refused, with the reason, where none."""
    _, order = asked(db, project, request)
    if order.key != "like":
        raise Refused("Likeness needs examples: name some.")
    vectors = query_vectors(db, project, order, open_mirror(db, project.id))
    return {"n": len(np.atleast_2d(vectors))}


def section(project: Project, filter: Filter, order: Order, shown: Page, limit: int, view: View) -> dict[str, Any]:
    """What the template of one section of tiles wants."""
    url = next_url(project.id, filter, order, shown.next_cursor, limit)
    fields = [pair for pair in view.said if pair[0] == "show"]
    if url and fields:
        url = f"{url}&{urlencode(fields)}"
    return {
        "tiles": shown.tiles,
        "next_url": url,
        "n_total": shown.n_total,
        "atlas": atlas_url(project.id, shown.tiles),
    }


@get("/projects/{project_id:int}/tiles", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_tiles(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = PAGE,
) -> Template:
    filter, order = asked(db, project, request)
    view = view_of(db, project, request)
    shown = page(db, project, filter, order, cursor, limit, show=view.show)
    return Template("objects/_tiles.html", context=section(project, filter, order, shown, limit, view))


@get("/projects/{project_id:int}/tree", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_tree(request: Request, db: NamedDependency[Db], project: NamedDependency[Project]) -> Response[bytes]:
    """The tree's rows as data, for the script that draws them."""
    filter, order = asked(db, project, request)
    # By likeness, only what can be compared is on the page.
    n_kept = None if order.key == "like" else open_mirror(db, project.id).count(db, filter)
    return Response(packed(tree_of(db, project, filter), n_kept), media_type="application/json")


routes = [show_board, show_tiles, check_examples, show_tree]
