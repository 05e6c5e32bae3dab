"""Which images a trained embedder learned from, and which objects of a learning set these are."""

import numpy as np

from app.database import Db
from app.search.arrays import fetch_arrays
from indexer.tuning import LearningImages
from indexer.tuning.run import Tuned


def keep(db: Db, trained: Tuned, images: LearningImages) -> None:
    """Keep what an embedder learned from: all of its images but those that were held out."""
    if images.hash is None:
        return
    learned = np.setdiff1d(np.arange(len(images)), np.load(trained.held_out)["index"])
    db.execute(
        """
        insert into embedder_teacher (spec, hash)
        select distinct %s, hash
        from unnest(%s::bytea[]) as hash
        on conflict do nothing
        """,
        [trained.spec, [images.hash(i) for i in learned.tolist()]],
    )


def are_known(db: Db, spec: str) -> bool:
    """Whether it is kept what an embedder learned from; not of one that was trained elsewhere."""
    row = db.execute("select exists (select from embedder_teacher where spec = %s) as known", [spec]).fetchone()
    return bool(row and row.known)


def among(db: Db, set_id: int, spec: str, numbers: np.ndarray) -> np.ndarray:
    """Which items of a learning set taught an embedder, bool [n], by their numbers: those with an image of the same
    content as a teacher's, and what was brought from elsewhere, of which nobody knows."""
    found = fetch_arrays(
        db,
        """
        select array_agg(item.number)
        from learning_item item
        where item.set_id = %(set)s
          and (item.object_id is null
               or exists (
                   select
                   from image
                   join embedder_teacher teacher on teacher.hash = image.hash
                   where image.project_id = item.project_id
                     and image.object_id = item.object_id
                     and teacher.spec = %(spec)s
          ))
        """,
        {"set": set_id, "spec": spec},
    )
    return np.isin(numbers, found[0]) if found and found[0] is not None else np.zeros(len(numbers), bool)
