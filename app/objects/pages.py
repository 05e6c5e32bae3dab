"""The board of a project, its sections of tiles and its tree."""

from typing import Any

import numpy as np
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.labels.acts import UndoState, undo_state
from app.objects import queries
from app.objects.board import PAGE, Page, next_url, page, query_vectors
from app.objects.fields import project_fields
from app.objects.filters import Filter, address, read_filter
from app.objects.orders import Order, order_choices, read_order
from app.projects.access import Project
from app.search.mirror import VALIDATED, Mirror, open_mirror
from app.taxonomy.tree import TaxonTree, project_tree

VISITOR = {"role": "visitor"}


def asked(db: Db, project: Project, request: Request) -> tuple[Filter, Order]:
    """Filter and order as the address says them."""
    query = list(request.query_params.multi_items())
    return (
        read_filter(db, project.id, query, project.validated_only),
        read_order(project_fields(db, project.id), query),
    )


def chips_of(project_id: int, filter: Filter, order: Order) -> list[dict[str, Any]]:
    """The filter's conditions with the addresses that are left without them, and an order that cannot be had."""
    path = f"/projects/{project_id}"
    chips: list[dict[str, Any]] = []
    for chip in filter.chips:
        label = f"{chip.label}, with children" if chip.key == "taxon" and filter.with_children else chip.label
        url = address(path, filter.to_query(without=chip), order.to_query())
        chips.append({"label": label, "value": chip.value, "remove_url": url, "invalid": chip.invalid})
    if order.invalid:
        url = address(path, filter.to_query())
        chips.append({"label": "order", "value": "unavailable", "remove_url": url, "invalid": order.invalid})
    return chips


def tree_of(db: Db, project: Project, filter: Filter, order: Order) -> TaxonTree:
    """The project's tree, each row with the address that filters by it; the selected one's lets go of it."""
    selected = frozenset(int(chip.raw) for chip in filter.chips if chip.key == "taxon" and not chip.invalid)
    others = [pair for pair in filter.to_query() if pair[0] not in ("taxon", "children")]
    children = [] if filter.with_children else [("children", "0")]

    def url_of(taxon_id: int) -> str:
        chosen = [] if taxon_id in selected else [("taxon", str(taxon_id)), *children]
        return address(f"/projects/{project.id}", chosen, others, order.to_query())

    return project_tree(db, project.id, selected, url_of, project.validated_only)


@get("/projects/{project_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_board(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    filter, order = asked(db, project, request)
    first, order = first_page(db, project, filter, order)
    tree = tree_of(db, project, filter, order)
    mirror = open_mirror(db, project.id)
    fields = project_fields(db, project.id)
    context = {
        "project": project,
        "filter": chips_of(project.id, filter, order),
        "order": order,
        "orders": order_choices(fields),
        "fields": [{"name": field.key, "type": field.type} for field in fields],
        "tree": tree,
        "first": section(project, filter, order, first, PAGE),
        "n_without_vector": first.n_without_vector,
        "recall": first.recall,
        "exact": first.exact,
        "can_label": project.may("annotator") and project.status != "explore",
        "undo": undo_state(db, project.id, viewer.account_id) if viewer.account_id else UndoState(),
        "counts": tree.total,
        "samples": queries.first_samples(db, project.id, _visible_samples(mirror) if project.validated_only else None),
        "people": [] if project.validated_only else queries.people(db, project.id, np.unique(mirror.account).tolist()),
    }
    return Template("objects/board.html", context=context)


def _visible_samples(mirror: Mirror) -> list[int]:
    """Those with validated objects: more is not for anonymous people to know."""
    return np.unique(mirror.sample[mirror.status == VALIDATED]).tolist()


def first_page(db: Db, project: Project, filter: Filter, order: Order) -> tuple[Page, Order]:
    """The first tiles; by id where nothing can be compared with what the address names: then the order says why."""
    try:
        return page(db, project, filter, order), order
    except Refused as refused:
        if order.key != "like":
            raise
        by_id = Order(label="id", invalid=f"{refused.sentence} Shown by id meanwhile.")
        return page(db, project, filter, by_id), by_id


@get("/projects/{project_id:int}/examples", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def check_examples(request: Request, db: NamedDependency[Db], project: NamedDependency[Project]) -> dict[str, int]:
    """How many of the examples of an order by likeness can be compared with; refused, with the reason, where none."""
    _, order = asked(db, project, request)
    if order.key != "like":
        raise Refused("Likeness needs examples: name some.")
    vectors = query_vectors(db, project, order, open_mirror(db, project.id))
    return {"n": len(np.atleast_2d(vectors))}


def section(project: Project, filter: Filter, order: Order, shown: Page, limit: int) -> dict[str, Any]:
    """What the template of one section of tiles wants."""
    url = next_url(project.id, filter, order, shown.next_cursor, limit)
    return {"tiles": shown.tiles, "next_url": url, "n_total": shown.n_total}


@get("/projects/{project_id:int}/tiles", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_tiles(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = PAGE,
) -> Template:
    filter, order = asked(db, project, request)
    shown = page(db, project, filter, order, cursor, limit)
    return Template("objects/_tiles.html", context=section(project, filter, order, shown, limit))


@get("/projects/{project_id:int}/tree", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_tree(request: Request, db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    filter, order = asked(db, project, request)
    tree = tree_of(db, project, filter, order)
    context = {"rows": tree.rows, "unclassified": tree.unclassified, "total": tree.total, "project": project}
    return Template("objects/_tree.html", context=context)


routes = [show_board, show_tiles, check_examples, show_tree]
