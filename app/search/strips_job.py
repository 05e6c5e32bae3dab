"""The job that looks at some of a project's images for what is burnt into all or many of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from app import database
from app.database import Db
from app.errors import NotFound
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.objects.store import Store, open_store
from app.search import strips
from indexer.images import BadImage, open_image, to_grey
from indexer.strips import Found, find_strips, has_strip

LOOKED_AT = 300
LARGEST_PX = 50_000_000
# Of larger images only the ends and the middle are kept, as wide as this: strips are nowhere else.
BAND_PX = 400
SHOWN_WITH, SHOWN_WITHOUT = 9, 3


@job_body("strips")
def run(job: JobContext) -> None:
    """Propose what was found; a person decides on the project's page."""
    store = open_store(job.settings)
    hashes: list[bytes] = []
    images: list[np.ndarray] = []
    with database.connect(job.database_url, autocommit=True) as db:
        rows = _sample(db, job.project_id)
        for n, row in enumerate(rows):
            job.progress(n, len(rows), "images")
            for grey in _read(store, row.blob):
                hashes.append(row.hash)
                images.append(grey)
        found = find_strips(images)
        examples = [_examples(one, hashes, images) for one in found]
        with db.transaction():
            n_new = strips.propose(db, job.project_id, found, max(1, len(images)), examples)
    job.progress(len(rows), len(rows), "images")
    for line in told(found, len(images), n_new):
        job.log(line)


def told(found: list[Found], n_images: int, n_new: int) -> Iterator[str]:
    """The outcome in sentences."""
    if not found:
        yield f"No strip is the same on many of the {n_images:,} images looked at."
    for one in found:
        share = round(100 * len(one.members) / n_images)
        yield f"The same strip of {one.strip.size_px} px at the {one.strip.side} of {share} % of {n_images:,} images."
    if n_new:
        yield "It would become the likeness: see the project's page “Burnt-in strips”."


def _sample(db: Db, project_id: int) -> list[Any]:
    """Different contents, by chance since hashes are, the same each time."""
    return db.execute(
        """
        select hash, blob
        from (
            select distinct hash
            from image
            where project_id = %s
            order by hash
            limit %s
        ) as chosen
        join content using (hash)
        where width_px::bigint * height_px <= %s
        order by hash
        """,
        [project_id, LOOKED_AT, LARGEST_PX],
    ).fetchall()


def _read(store: Store, blob: str) -> Iterator[np.ndarray]:
    """The image in grey; nothing where it cannot be read, which embedding tells."""
    try:
        image = open_image(store.read(blob), LARGEST_PX)
    except (BadImage, NotFound):
        return
    yield _bands(_bands(np.asarray(to_grey(image))).T).T.copy()


def _bands(grey: np.ndarray) -> np.ndarray:
    """First, middle and last rows of an image that has more; the middle stays in the middle."""
    n = len(grey)
    if n <= 3 * BAND_PX:
        return grey
    middle = (n - BAND_PX) // 2
    return np.concatenate([grey[:BAND_PX], grey[middle : middle + BAND_PX], grey[-BAND_PX:]])


def _examples(one: Found, hashes: list[bytes], images: list[np.ndarray]) -> list[dict[str, Any]]:
    """Some images that have the strip, and some that have not."""
    members = set(one.members)
    without = [n for n in range(len(hashes)) if n not in members and not has_strip(images[n], one.strip)]
    chosen = [(n, True) for n in one.members[:SHOWN_WITH]] + [(n, False) for n in without[:SHOWN_WITHOUT]]
    return [{"hash": hashes[n].hex(), "has": has} for n, has in chosen]
