"""What a batch looks for: its examples and what was labelled in it, and what these are not.

Said by the marks of the acts that stand, so that an undone act is forgotten of itself. Passing over says nothing.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.batches.lineages import related
from app.batches.ordering import Compared
from app.batches.page_rows import MARKED, NOT_THIS
from app.batches.pinned import pinned
from app.batches.vectors import compared
from app.database import Db
from app.errors import Refused
from app.search.elsewhere import of_others, without_sizes
from app.search.mirror import open_mirror
from app.search.query_image import query_vector
from app.search.sizes import Space

MOST_EXAMPLES = 400  # of a kind: the latest


@dataclass(frozen=True)
class Wanted:
    """float32 [p, d] and [q, d], unit vectors; `is_told`: whether an act of the batch has said anything.

    `space`: what they are to be compared in. An image has no size, so that in its batches none counts. `borne_out`: of
    what the chances of the pages before promised, so much was right, at most 1.
    """

    positive: np.ndarray
    negative: np.ndarray
    is_told: bool
    space: Space
    borne_out: float


def wanted(db: Db, project: Compared, batch_id: int) -> Wanted | None:
    """None where a batch has no direction: neither examples nor a taxon that it expects, or no vectors at all."""
    batch: Any = db.execute(
        "select source, query, taxon_id, account_id from batch where id = %s", [batch_id]
    ).fetchone()
    by_example = batch.source == "examples"
    space = pinned(db, project, batch_id)
    if space.embedder_id is None or not (by_example or batch.taxon_id):
        return None
    has_image = by_example and bool(batch.query.get("image"))
    space = replace(space, size_weight=0.0) if has_image else space
    likes, unlike, borne_out = _said(db, batch_id, batch.taxon_id)
    is_told = bool(likes or unlike)
    if by_example:
        likes, unlike = batch.query.get("ids", []) + likes, batch.query.get("not_ids", []) + unlike
    positive, negative = _vectors(db, space, likes), _vectors(db, space, unlike)
    if has_image and (image := _image(db, space, batch.query["image"])) is not None:
        positive = np.concatenate([image, positive]) if len(positive) else image
    if by_example:
        space, positive, negative = _with_others(db, space, batch, positive, negative)
    return Wanted(positive, negative, is_told, space, borne_out) if len(positive) else None


def _image(db: Db, project: Compared, key: str) -> np.ndarray | None:
    """The vector of an image or a text, float32 [1, d]; None where it is kept no more, or is another embedder's than
    the project has now: the batch stays, and goes by what is labelled in it."""
    try:
        return np.atleast_2d(query_vector(db, project, key)).astype(np.float32)
    except Refused:
        return None


def _with_others(
    db: Db, space: Space, batch: Any, positive: np.ndarray, negative: np.ndarray
) -> tuple[Space, np.ndarray, np.ndarray]:
    """With the examples that are in other projects, as far as whose batch it is may read these now."""
    ids, not_ids = batch.query.get("ids", []), batch.query.get("not_ids", [])
    foreign = of_others(db, space, batch.account_id, ids + not_ids, open_mirror(db, space.id))
    if foreign is None or not len(foreign.ids):
        return space, positive, negative
    is_example = np.isin(foreign.ids, ids)
    return (
        replace(space, size_weight=0.0),
        without_sizes(positive, foreign.vectors[is_example]),
        without_sizes(negative, foreign.vectors[~is_example]),
    )


def _vectors(db: Db, project: Compared, ids: list[int]) -> np.ndarray:
    vectors, has = compared(db, project, np.array(ids[-MOST_EXAMPLES:], np.int64))
    return vectors[has]


def _said(db: Db, batch_id: int, target: int | None) -> tuple[list[int], list[int], float]:
    """Objects that were labelled as what the batch expects (else as what its first act said), and those that are not
    that: refused for it, or labelled outside its lineage. And how far the chances that were told came true."""
    rows = db.execute(
        """
        select batch_page.object_ids, batch_page.marks, batch_page.chances, act.taxon_id
          from batch_page
          join act on act.id = batch_page.act_id
         where batch_page.batch_id = %s
           and batch_page.done_at is not null
         order by batch_page.number
        """,
        [batch_id],
    ).fetchall()
    target = target or next((row.taxon_id for row in rows if row.taxon_id), None)
    alone = _said_alone(db, batch_id) if target else []
    likes: list[int] = []
    unlike: list[int] = []
    n_right, n_promised = 1.0, 1.0
    for row in rows:
        strange = bool(target and row.taxon_id and not related(db, target, row.taxon_id))
        marked = [id for id, mark in zip(row.object_ids, row.marks, strict=True) if mark == MARKED]
        refused = [id for id, mark in zip(row.object_ids, row.marks, strict=True) if mark == NOT_THIS]
        if strange:
            unlike += marked
        else:
            likes += marked
            unlike += refused
        if row.chances is not None:
            n_promised += sum(row.chances)
            n_right += 0 if strange else len(marked)
    kin = {taxon_id: related(db, target, taxon_id) for taxon_id in {row.taxon_id for row in alone} if target}
    for row in alone:
        (likes if kin[row.taxon_id] else unlike).extend(row.object_ids)
    return likes, unlike, min(1.0, n_right / n_promised)


def _said_alone(db: Db, batch_id: int) -> list[Any]:
    """Tiles that were labelled by themselves, act by act: they tell something once it is known what is looked for."""
    return db.execute(
        """
        select array(select jsonb_array_elements_text(detail -> 'single')::bigint) as object_ids, taxon_id
          from act
         where batch_id = %s
           and detail ? 'single'
           and taxon_id is not null
           and reversed_by is null
         order by id
        """,
        [batch_id],
    ).fetchall()
