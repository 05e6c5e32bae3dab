"""Objects for programs: pages of a list, streams of any length, one object whole."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from litestar import Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from app.accounts.viewer import provide_viewer
from app.database import Db
from app.errors import Refused
from app.labels.history import Past
from app.objects import detail
from app.objects.board import Page, page
from app.objects.comments import CommentRow
from app.objects.fields import Field, project_fields
from app.objects.filters import Filter, read_filter
from app.objects.orders import Order, read_order
from app.objects.pages import asked, query_of
from app.objects.preferences import Preferences
from app.objects.view import read_view
from app.openapi import refusals
from app.projects.access import READS, VISITOR, Project
from app.search.columns import TextColumn
from app.search.mirror import open_mirror

CHUNK = 1000
MOST_LIKE = 10_000


@dataclass(frozen=True)
class ObjectRow:
    """One object of a list. `state` goes into an act on it; `distance` is there where the order is likeness."""

    id: int
    orig_id: str
    status: str
    taxon_id: int | None
    taxon: str | None
    score: float | None
    state: str
    image: str | None
    n_images: int
    n_comments: int
    distance: float | None
    fields: dict[str, str] | None = None  # what `show` asks for, as the board writes it


@dataclass(frozen=True)
class ObjectPage:
    """A page of objects; `next_cursor` is null at the end."""

    objects: list[ObjectRow]
    next_cursor: str | None
    n_total: int
    n_without_vector: int
    recall: float | None


@dataclass(frozen=True)
class ObjectQuery:
    """What to stream. `filter` says what the address of a board says: {"taxon": [7], "f.area": ["10..50"]}."""

    filter: dict[str, list[str | int]] = field(default_factory=dict)
    order: str = "id"
    dir: Literal["asc", "desc"] = "asc"
    examples: list[int] = field(default_factory=list)
    query: str = ""
    seed: int = 0
    fields: list[str] = field(default_factory=list)
    limit: int | None = None


@dataclass(frozen=True)
class ImageRow:
    """One image; `url` gives it in a format that browsers show."""

    rank: int
    file_name: str
    hash: str
    format: str
    mode: str
    width_px: int
    height_px: int
    n_bytes: int
    url: str


@dataclass(frozen=True)
class WholeObject:
    """One object with its images, values by level, label, history and comments."""

    id: int
    orig_id: str
    sample: str
    acquisition: str
    process: str | None
    label: dict[str, Any]
    images: list[ImageRow]
    fields: dict[str, dict[str, Any]]
    history: list[Past]
    comments: list[CommentRow]


@get(
    "/projects/{project_id:int}/objects", opt=VISITOR, sync_to_thread=True, tags=["objects"],
    summary="Objects by filter, in an order, page by page",
    responses=refusals(400, 404),
)  # fmt: skip
def list_objects_api(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 200,
) -> ObjectPage:
    """Filters, order and fields as in the address of a board: taxon, children, status, sample, depth, f.NAME and all
    that the help page lists; order, dir, seed, examples, query; show, with up to six keys between commas."""
    filter, order = asked(db, project, request)
    check(filter, order)
    show = read_view(query_of(request), Preferences()).show
    shown = page(db, project, filter, order, cursor, limit, show=show)
    return ObjectPage(_rows(shown), shown.next_cursor, shown.n_total, shown.n_without_vector, shown.recall)


def check(filter: Filter, order: Order) -> None:
    """A program is told what a person sees as an invalid chip."""
    filter.obeyed()
    if order.invalid:
        raise Refused(order.invalid.partition(":")[0])


def _rows(shown: Page) -> list[ObjectRow]:
    return [
        ObjectRow(
            tile["id"], tile["orig_id"], tile["status"], tile["taxon_id"], tile["taxon"], tile["score"], tile["state"],
            tile["hash"], tile["n_images"], tile["n_comments"], tile["distance"], dict(tile["fields"]) or None,
        )
        for tile in shown.tiles
    ]  # fmt: skip


@post(
    "/projects/{project_id:int}/objects/query", opt=READS, sync_to_thread=True,
    status_code=200, tags=["objects"], media_type="application/x-ndjson", summary="Objects of any number, as a stream",
    responses=refusals(400, 404),
)  # fmt: skip
def query_objects_api(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[ObjectQuery]
) -> Stream:
    """One JSON object a line: what a list gives, and the values of `fields` under their names. `examples` or `query`,
    an uploaded image's or a text's token, are what the order "like" starts from."""
    pairs = [(key, str(value)) for key, values in data.filter.items() for value in values]
    wish = [("order", data.order), ("dir", data.dir), ("examples", ",".join(map(str, data.examples)))]
    wish += [("query", data.query), ("seed", str(data.seed))]
    known = project_fields(db, project.id)
    filter = read_filter(db, project.id, pairs, project.validated_only, provide_viewer(request).account_id)
    order = read_order(known, wish, project.validated_only)
    check(filter, order)
    if order.key != "like" and (data.query or data.examples):
        name = "query" if data.query else "examples"
        raise Refused(
            f'`{name}` says what an order by likeness starts from, so that it needs "order": "like". '
            'Conditions stand under `filter`, such as {"status": ["U"]}.'
        )
    if order.key == "like" and (data.limit is None or data.limit > MOST_LIKE):
        raise Refused(f"A stream ordered by likeness needs a limit of at most {MOST_LIKE:,}.")
    columns = {name: known.find(name) for name in data.fields}
    if unknown := [name for name, column in columns.items() if column is None]:
        raise Refused(f"This project has no column {unknown[0]!r}. Its columns are named like area or sample.station.")
    wanted = {name: column for name, column in columns.items() if column}
    lines = _stream(request, project, filter, order, wanted, data.limit)
    return Stream(lines, media_type="application/x-ndjson")


async def _stream(
    request: Request, project: Project, filter: Filter, order: Order, columns: dict[str, Field], limit: int | None
) -> AsyncIterator[bytes]:
    """Chunk by chunk, each in a short transaction of its own: the list goes on by value and id, not by a snapshot."""
    cursor: str | None = None
    left = limit if limit is not None else 2**62
    while left > 0:
        async with request.app.state.connections.take() as db:
            shown, lines = await sync_to_thread(_chunk, db, project, filter, order, columns, cursor, min(left, CHUNK))
        yield lines
        left -= len(shown.tiles)
        cursor = shown.next_cursor
        if cursor is None:
            return


def _chunk(
    db: Db, project: Project, filter: Filter, order: Order, columns: dict[str, Field], cursor: str | None, limit: int
) -> tuple[Page, bytes]:
    shown = page(db, project, filter, order, cursor, limit)
    rows = [{name: value for name, value in row.__dict__.items() if name != "fields"} for row in _rows(shown)]
    mirror = open_mirror(db, project.id)
    places = {
        int(mirror.ids[place]): int(place) for place in mirror.ordinals(np.array([row["id"] for row in rows], np.int64))
    }
    for name, column in columns.items():
        values = mirror.column(db, column.level, column.name)
        for row in rows:
            place = places.get(row["id"])
            row[name] = None if place is None else _value(values, place)
    return shown, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _value(values: Any, place: int) -> float | str | None:
    if isinstance(values, TextColumn):
        return values.text(place)
    return None if values[place] != values[place] else float(values[place])


@get(
    "/projects/{project_id:int}/objects/{object_id:int}", opt=VISITOR, sync_to_thread=True, tags=["objects"],
    summary="One object with its images, values, label, history and comments",
    responses=refusals(404),
)  # fmt: skip
def get_object_api(db: NamedDependency[Db], project: NamedDependency[Project], object_id: FromPath[int]) -> WholeObject:
    row = detail.find_object(db, project, object_id)
    return WholeObject(
        id=row.id,
        orig_id=row.orig_id,
        sample=row.sample,
        acquisition=row.acquisition,
        process=row.process,
        label=detail.label_of(db, project, row),
        images=[ImageRow(**image) for image in detail.images_of(db, project, object_id)],
        fields={level: dict(pairs) for level, pairs in detail.values_of(db, project, row).items()},
        history=detail.history_of(db, project, object_id),
        comments=[CommentRow(row.id, row.who, row.text, row.at) for row in detail.comments_of(db, project, object_id)],
    )


routes = [list_objects_api, query_objects_api, get_object_api]
