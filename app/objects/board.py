"""One page of a project's objects under a filter, in an order: found in memory, checked and filled in by SQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from app.database import Db
from app.errors import Refused
from app.labels.changes import state_token
from app.objects import queries
from app.objects.filters import Filter, address
from app.objects.like_list import listed
from app.objects.orders import Order
from app.objects.scale import PixelSize, Scaled, common_scale, pixel_size, scale_bar, tile_size
from app.objects.shown import shown_fields
from app.objects.sorting import sorted_by
from app.paging import parts_of
from app.search import likeness
from app.search.elsewhere import visible_examples
from app.search.mirror import Mirror, open_mirror
from app.search.query_image import query_vector
from app.taxonomy.names import is_italic

PAGE = 200
MOST_A_PAGE = 1000


class Shown(Scaled, Protocol):
    """The project of a board, as its caller may see it."""

    @property
    def embedder_id(self) -> int | None: ...

    @property
    def validated_only(self) -> bool: ...

    @property
    def caller_id(self) -> int | None: ...


@dataclass(frozen=True)
class Page:
    """Tiles, and where the next page starts; None at the end."""

    tiles: list[dict[str, Any]]
    next_cursor: str | None
    n_total: int
    n_without_vector: int = 0
    recall: float | None = None
    exact: bool = True


def page(
    db: Db,
    project: Shown,
    filter: Filter,
    order: Order,
    cursor: str | None = None,
    limit: int = PAGE,
    show: Sequence[str] = (),
) -> Page:
    """The next `limit` objects after the cursor. What one sees was read from the tables, never from memory alone.

    show: keys of the fields under each tile, as `shown_fields` knows them.
    """
    limit = min(max(limit, 1), MOST_A_PAGE)
    mirror = open_mirror(db, project.id)
    mask = mirror.mask(db, filter)
    place = pixel_size(db, project)
    if order.key == "like":
        return _like_page(db, project, filter, order, cursor, limit, mirror, mask, place, show)
    after = sorted_by(db, mirror, order)
    pieces = after.after(order.direction, parts_of(cursor) if cursor else None)
    rows, last, more = _fill(db, project.id, filter, mirror, _masked(pieces, mask), limit, place)
    return Page(
        tiles=_tiles(db, project, mirror, rows, place, show),
        next_cursor=after.cursor_at(last) if more else None,
        n_total=int(np.count_nonzero(mask)),
    )


def _tiles(
    db: Db,
    project: Shown,
    mirror: Mirror,
    rows: Sequence[Any],
    place: PixelSize,
    show: Sequence[str],
    distance_of: dict[int, float] | None = None,
) -> list[dict[str, Any]]:
    scale = common_scale(db, mirror)
    fields = shown_fields(db, mirror, show, rows, project.validated_only)
    distances = distance_of or {}
    return [
        tile(project.id, row, place, scale, distances.get(row.id), texts)
        for row, texts in zip(rows, fields, strict=True)
    ]


def _masked(pieces: Iterator[np.ndarray], mask: np.ndarray) -> Iterator[np.ndarray]:
    for piece in pieces:
        kept = piece[mask[piece]]
        if len(kept):
            yield kept


def _fill(
    db: Db, project_id: int, filter: Filter, mirror: Mirror, pieces: Iterator[np.ndarray], limit: int, place: PixelSize
) -> tuple[list[Any], int, bool]:
    """Rows of the first `limit` objects that the tables too say are kept; the last ordinal; whether there are more."""
    rows: list[Any] = []
    last, rest = -1, np.empty(0, np.int32)
    while len(rows) < limit:
        if not len(rest):
            rest = next(pieces, rest)
            if not len(rest):
                return rows, last, False
        taken, rest = rest[: limit - len(rows)], rest[limit - len(rows) :]
        rows += _checked(db, project_id, filter, mirror.ids[taken].tolist(), place)
        last = int(taken[-1])
    more = len(rest) > 0 or next(pieces, None) is not None
    return rows, last, more


def _checked(db: Db, project_id: int, filter: Filter, ids: list[int], place: PixelSize) -> list[Any]:
    """These objects' rows, in this order, without those whose label has left the filter since."""
    found = queries.read_tiles(db, project_id, ids, place.place)
    rows = [found[object_id] for object_id in ids if object_id in found]
    if filter.validated_only:  # what people say to each other is not for anonymous ones, nor that they do
        rows = [row._replace(n_comments=0, is_aside=False) for row in rows]
    return [row for row in rows if filter.keeps(row.status, row.taxon_id, row.account_id, row.provenance, row.at)]


def _like_page(
    db: Db,
    project: Shown,
    filter: Filter,
    order: Order,
    cursor: str | None,
    limit: int,
    mirror: Mirror,
    mask: np.ndarray,
    place: PixelSize,
    show: Sequence[str],
) -> Page:
    vectors = query_vectors(db, project, order, mirror)
    found = listed(db, project, vectors, mirror, mask, cursor, limit, order.direction == "desc")
    ids = found.ids.tolist()
    rows = _checked(db, project.id, filter, ids, place)
    distance_of = dict(zip(ids, found.distances.tolist(), strict=True))
    return Page(
        tiles=_tiles(db, project, mirror, rows, place, show, distance_of),
        next_cursor=found.next_cursor,
        n_total=found.n_total,
        n_without_vector=found.n_without_vector,
        recall=found.recall,
        exact=found.exact,
    )


def query_vectors(db: Db, project: Shown, order: Order, mirror: Mirror) -> np.ndarray:
    """The vectors of the order's examples that the caller may see, or of its uploaded image."""
    if project.embedder_id is None:
        raise Refused(likeness.NO_EMBEDDER)
    if order.query:
        return query_vector(db, project, order.query)
    return visible_examples(db, project, project.caller_id, order.examples, mirror)


def tile(
    project_id: int,
    row: Any,
    place: PixelSize,
    scale: float,
    distance: float | None = None,
    fields: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """One object as a template shows it among others."""
    hash = row.hash.hex() if row.hash else None
    width, height, shrink = tile_size(row.width_px or 1, row.height_px or 1, scale) if hash else (96, 96, 1.0)
    um = place.um(row.pixel)
    return {
        "id": row.id,
        "orig_id": row.orig_id,
        "hash": hash,
        "thumb_url": f"/projects/{project_id}/thumbnails/{hash}" if hash else None,
        "page_url": f"/projects/{project_id}/objects/{row.id}",
        "width": width,
        "height": height,
        "image_width_px": row.width_px,
        "status": row.status,
        "taxon": row.taxon,
        "taxon_id": row.taxon_id,
        "taxon_italic": is_italic(row.taxon_name, row.rank or "", row.type or ""),
        "score": row.score,
        "state": state_token(row.version, row.status, row.run_id),
        "n_images": row.n_images,
        "n_comments": row.n_comments,
        "is_aside": row.is_aside,
        "scale_bar": scale_bar(width, um * row.width_px / width if um and hash else None),
        "shrink": shrink,
        "distance": distance,
        "fields": fields,
    }


def tiles_of(db: Db, project: Shown, filter: Filter, ids: list[int], distances: list[float]) -> list[dict[str, Any]]:
    """Tiles of given objects in the given order, such as an object's neighbours."""
    place, scale = pixel_size(db, project), common_scale(db, open_mirror(db, project.id))
    distance_of = dict(zip(ids, distances, strict=True))
    return [
        tile(project.id, row, place, scale, distance_of[row.id]) for row in _checked(db, project.id, filter, ids, place)
    ]


def next_url(project_id: int, filter: Filter, order: Order, cursor: str | None, limit: int) -> str | None:
    """Where the next section of tiles is fetched."""
    if cursor is None:
        return None
    more = [("cursor", cursor)] + ([("limit", str(limit))] if limit != PAGE else [])
    return address(f"/projects/{project_id}/tiles", filter.to_query(), order.to_query(), more)
