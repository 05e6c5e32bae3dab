"""How large the objects of a project are, by ordinal: a column that is made once, like those of the mirror.

Of the area where the project has one, else of the width times the height of the object's first image as it is stored;
physical where the pixel size is known.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database.connections import Db
from app.objects.scale import PixelSize, pixel_size
from app.search.arrays import fetch_arrays
from app.search.columns import TextColumn
from app.search.heads import place
from app.search.kept import Kept
from app.search.mirror import Mirror, standing_mirror
from indexer.spaces import with_size

AREA = "area"  # EcoTaxa's field, in square pixels
ENOUGH = 0.5  # share of the objects whose area is known, from which on areas are taken

_pixel_sizes = Kept(256)


@dataclass(frozen=True)
class Space:
    """What objects of a project are compared in, without the rest of the project."""

    id: int
    embedder_id: int | None
    size_weight: float
    space_id: int | None = None


def weight_of(project: object) -> float:
    """What size weighs in likeness for whom the project was found; nothing where nobody asks, as in a job."""
    return float(getattr(project, "size_weight", 0.0))


def sizes(db: Db, mirror: Mirror) -> np.ndarray:
    """log2 of the area of each object, float32 by ordinal; the usual one where it is unknown, NaN where all are."""
    where = _pixel_size(db, mirror)
    return mirror.columns.made("size", repr(where), lambda: _measured(db, mirror, where))


def sizes_of(db: Db, project_id: int, ids: np.ndarray) -> np.ndarray:
    """The same of some objects in the order of `ids`; NaN for others than the project's."""
    mirror = standing_mirror(db, project_id)
    return _at(mirror, sizes(db, mirror), ids)


def _at(mirror: Mirror, column: np.ndarray, ids: np.ndarray) -> np.ndarray:
    if not len(mirror):
        return np.full(len(ids), np.nan, np.float32)
    places = np.minimum(np.searchsorted(mirror.ids, ids), len(mirror) - 1)
    return np.where(mirror.ids[places] == ids, column[places], np.float32(np.nan))


def sized(db: Db, project: Any, ids: np.ndarray, vectors: np.ndarray, weight: float | None = None) -> np.ndarray:
    """Vectors of a project's objects as likeness compares them: with sizes beside where these count and are known."""
    weight = weight_of(project) if weight is None else weight
    if not weight:
        return vectors
    mirror = standing_mirror(db, project.id)
    column = sizes(db, mirror)
    return with_size(vectors, _at(mirror, column, ids), weight) if _has_any(column) else vectors


def is_known(db: Db, project_id: int) -> bool:
    """Whether the size of anything in the project is."""
    return _has_any(sizes(db, standing_mirror(db, project_id)))


def _has_any(column: np.ndarray) -> bool:
    """Where one size is known, the others have the usual one."""
    return len(column) > 0 and not np.isnan(column[0])


def _pixel_size(db: Db, mirror: Mirror) -> PixelSize:
    """As the project's settings say now; its fields are those of the mirror."""
    project = db.execute(
        "select id, pixel_size_um, settings from project where id = %s", [mirror.project_id]
    ).fetchone()
    if project is None:
        return PixelSize()
    key = (mirror.columns.log.token, project.pixel_size_um, repr(project.settings))
    found: PixelSize = _pixel_sizes.made(key, lambda: pixel_size(db, project))
    return found


def _measured(db: Db, mirror: Mirror, where: PixelSize) -> np.ndarray:
    pixels = _areas(db, mirror)
    if pixels is None:
        pixels = _images(db, mirror)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log2(pixels) + 2 * np.log2(_um(db, mirror, where))
    found[~np.isfinite(found)] = np.nan
    if np.isnan(found).all():
        return found.astype(np.float32)
    return np.where(np.isnan(found), np.nanmedian(found), found).astype(np.float32)


def _areas(db: Db, mirror: Mirror) -> np.ndarray | None:
    """Square pixels by ordinal; None where the project has no such field, or few values in it."""
    try:
        areas = mirror.column(db, "object", AREA)
    except KeyError:
        return None
    if isinstance(areas, TextColumn):
        return None
    known = np.isfinite(areas) & (areas > 0)
    return np.where(known, areas, np.nan) if np.count_nonzero(known) >= ENOUGH * len(areas) else None


def _images(db: Db, mirror: Mirror) -> np.ndarray:
    """Square pixels of the first image of each object by ordinal; NaN where it has none."""
    ids, ranks, areas = fetch_arrays(
        db,
        """
        select array_agg(image.object_id), array_agg(image.rank), array_agg((width_px::bigint * height_px))
          from image
          join content on content.hash = image.hash
         where image.project_id = %s
        """,
        [mirror.project_id],
    )
    if ids is None:
        return np.full(len(mirror), np.nan)
    order = np.lexsort((ranks, ids))
    ids, areas = ids[order], areas[order]
    first = np.append(True, ids[1:] != ids[:-1])
    return place(mirror.ids, ids[first], areas[first].astype(np.float64), np.nan)


def _um(db: Db, mirror: Mirror, where: PixelSize) -> np.ndarray:
    """Micrometres a pixel by ordinal; 1 where nothing says it of any object."""
    um = np.full(len(mirror), where.constant_um or np.nan)
    if where.name:
        values = mirror.column(db, where.level, where.name)
        told = where.um_per_unit * (_numbers(values) if isinstance(values, TextColumn) else values)
        um = np.where(np.isfinite(told) & (told > 0), told, um)
    return np.ones(len(mirror)) if np.isnan(um).all() else um


def _numbers(column: TextColumn) -> np.ndarray:
    return np.append([_number(text) for text in column.values], np.nan)[column.codes]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
