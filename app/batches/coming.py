"""How large the tiles are that come next in a batch, so that the window can say how many of them it has room for."""

from dataclasses import dataclass

import numpy as np

from app.batches import page_rows, places
from app.batches.batch import Batch
from app.batches.places import WAITING
from app.database import Db
from app.objects.board import Shown, tiles_of
from app.objects.filters import Filter

MOST = 200  # objects: the tiles that a page has at most


@dataclass(frozen=True)
class Coming:
    """`tiles`: for each of the next ones, width and height of its picture in pixels of the screen, how many letters the
    name below it has (0: none), and how many near-duplicates stand in its stack beside it. `has_line`: whether there
    is something to calibrate the boundary line on, which then stands somewhere among them."""

    tiles: list[list[int]]
    has_line: bool


def what_comes(db: Db, project: Shown, batch: Batch) -> Coming:
    listed = places.read(db, batch.id)
    page = page_rows.find_open(db, batch.id)
    in_hand = page.ids[listed.place_of(page.ids) == WAITING] if page is not None else np.empty(0, np.int64)
    ids = np.concatenate([in_hand, listed.ids[listed.next(in_hand)]])[:MOST]
    rows, _ = listed.rows_of(ids)
    begins = dict(zip(ids.tolist(), listed.begins(rows).tolist(), strict=True))
    sizes: list[list[int]] = []
    for tile in tiles_of(db, project, Filter(), ids.tolist(), [0.0] * len(ids)):
        if begins[tile["id"]] or not sizes:
            sizes.append([tile["width"], tile["height"], len(tile["taxon"] or ""), 0])
        else:
            sizes[-1][3] += 1
    return Coming(sizes, batch.opens_marked and page is not None and page.chances is not None)
