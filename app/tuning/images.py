"""The images of a learning set, opened one by one as an embedder would see them."""

from collections import defaultdict
from typing import Any

import numpy as np
from PIL import Image

from app.database import Db
from app.errors import NotFound, Refused
from app.objects.store import open_store
from app.search import strips
from app.settings import Settings
from indexer.embedders.cropping import cropped
from indexer.images import BadImage, open_image
from indexer.strips import Strip
from indexer.tuning import LearningImages


def learning_images(db: Db, settings: Settings, set_id: int) -> tuple[LearningImages, np.ndarray, int]:
    """Of those items whose object has an image, by number, with these, int32 [n]; and how many have none (deleted,
    brought from elsewhere). `hash` of the images is that of the whole file."""
    rows = db.execute(
        """
        select item.number, item.taxon_id, item.group_id, item.project_id, content.blob, content.hash
        from learning_item item
        left join lateral (
            select image.hash
            from image
            where image.project_id = item.project_id
              and image.object_id = item.object_id
              and not exists (select from unreadable_image where unreadable_image.hash = image.hash)
            order by image.rank
            limit 1
        ) as first on true
        left join content on content.hash = first.hash
        where item.set_id = %s
        order by item.number
        """,
        [set_id],
    ).fetchall()
    there = [row for row in rows if row.blob is not None]
    if not there:
        raise Refused("None of the learning set's objects has an image any more.", status=409)
    groups = np.array([row.group_id for row in there], np.int64)
    known = {row.project_id: strips.accepted(db, row.project_id) for row in _projects(there)}
    opened = _Opened(settings, there, known)
    labels = np.array([row.taxon_id for row in there], np.int32)
    by_sample = groups if len(np.unique(groups)) > 1 else None
    images = LearningImages(labels, opened.open, by_sample, hash=lambda i: bytes(there[i].hash))
    return images, np.array([row.number for row in there], np.int32), len(rows) - len(there)


def _projects(rows: list[Any]) -> list[Any]:
    """One row of each project."""
    first: dict[int, Any] = defaultdict()
    for row in rows:
        first.setdefault(row.project_id, row)
    return list(first.values())


class _Opened:
    """Opens image i, without the strips that its project cuts off; safe in any thread."""

    def __init__(self, settings: Settings, rows: list[Any], known: dict[int, list[Strip]]) -> None:
        self.store = open_store(settings)
        self.rows, self.known = rows, known
        self.most_pixels = settings.max_image_mpx * 1_000_000

    def open(self, i: int) -> Image.Image:
        row = self.rows[i]
        try:
            image = open_image(self.store.read(row.blob), self.most_pixels)
        except NotFound as error:
            raise BadImage(error.sentence) from None
        return cropped(image, self.known[row.project_id])
