"""How large the tiles are that come next in a batch, so that the window can say how many of them it has room for."""

from dataclasses import dataclass

import numpy as np

from app.batches import page_rows, places
from app.batches.batch import Batch
from app.batches.page import PageInHand
from app.batches.places import WAITING, Places
from app.database import Db
from app.labels.changes import array
from app.objects.board import Shown, tiles_of
from app.objects.filters import Filter
from app.objects.scale import common_scale, tile_size
from app.search.mirror import open_mirror

MOST = 200  # objects: the tiles that a page has at most
WITHOUT_IMAGE = (96, 96, 0)


@dataclass(frozen=True)
class Coming:
    """`tiles`: for each of the next ones, width and height of its picture in pixels of the screen, how many letters the
    name below it has (0: none), and how many near-duplicates stand in its stack beside it. `has_line`: whether there
    is something to calibrate the boundary line on, which then stands somewhere among them."""

    tiles: list[list[int]]
    has_line: bool


def what_comes(db: Db, project: Shown, batch: Batch) -> Coming:
    """Of the page in hand and those after it, before the window has asked for any."""
    listed = places.read(db, batch.id)
    page = page_rows.find_open(db, batch.id)
    in_hand = page.ids[listed.place_of(page.ids) == WAITING] if page is not None else np.empty(0, np.int64)
    ids = np.concatenate([in_hand, listed.ids[listed.next(in_hand)]])[:MOST]
    tiles = tiles_of(db, project, Filter(), ids.tolist(), [0.0] * len(ids))
    sizes = {tile["id"]: [tile["width"], tile["height"], len(tile["taxon"] or "")] for tile in tiles}
    has_line = batch.opens_marked and page is not None and page.chances is not None
    return Coming(_stacked(listed, ids, sizes), has_line)


def what_follows(db: Db, project: Shown, page: PageInHand) -> Coming:
    """After a page. Names are taken to be as long as the longest on it: they are not worth a look at the labels."""
    listed = places.read(db, page.batch.id)
    ids = listed.ids[listed.next(np.array([tile["id"] for tile in page.tiles], np.int64))][:MOST]
    letters = max((len(tile["taxon"] or "") for tile in page.tiles), default=0)
    scale = common_scale(db, open_mirror(db, project.id))
    rows = db.execute(
        """
        select distinct on (image.object_id) image.object_id as id, content.width_px, content.height_px
          from image
          join content on content.hash = image.hash
         where image.project_id = %s
           and image.object_id = any(%s::bigint[])
         order by image.object_id, image.rank
        """,
        [project.id, array(ids.tolist())],
    )
    sizes = {row.id: [*tile_size(row.width_px, row.height_px, scale)[:2], letters] for row in rows}
    return Coming(_stacked(listed, ids, sizes), page.batch.opens_marked and page.line_basis is not None)


def _stacked(listed: Places, ids: np.ndarray, sizes: dict[int, list[int]]) -> list[list[int]]:
    """As they stand on the screen: those of a stack in one."""
    rows, _ = listed.rows_of(ids)
    found: list[list[int]] = []
    for object_id, begins in zip(ids.tolist(), listed.begins(rows).tolist(), strict=True):
        if begins or not found:
            found.append([*sizes.get(object_id, WITHOUT_IMAGE), 0])
        else:
            found[-1][3] += 1
    return found
