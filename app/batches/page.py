"""The page in hand: the next objects of a batch that still are there, kept for who works on it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.batches import page_rows, places
from app.batches.batch import Batch, find_batch, lock_batch
from app.batches.hidden import hide, is_hidden
from app.batches.page_making import USUAL_PAGE, check_size, is_untouched, make_next, still_there
from app.batches.page_rows import PageRow
from app.batches.pinned import pinned
from app.batches.places import WAITING, Places
from app.batches.proposals import as_seen
from app.batches.reservations import Holder, renew
from app.database import Db
from app.labels.acts import Labeller
from app.labels.changes import array
from app.objects.atlas import atlas_url
from app.objects.board import Shown, tiles_of
from app.objects.filters import Filter


@dataclass(frozen=True)
class PageInHand:
    """What the screen shows. `line`: how many tiles stand before the boundary line. `number` is null at the end.

    `held`: who else works on objects that would have come now; they come when these are done with them.
    """

    batch: Batch
    number: int | None
    tiles: list[dict[str, Any]]
    line: int | None = None
    line_basis: dict[str, Any] | None = None
    proposals: list[dict[str, Any]] = field(default_factory=list)
    atlas: str | None = None
    next_atlas: str | None = None
    held: list[Holder] = field(default_factory=list)


def next_page(
    db: Db, project: Shown, account: Labeller, batch_id: int, n: int = USUAL_PAGE, works: bool = True
) -> PageInHand:
    """The page in hand, or the next `n` objects (a stack of near-duplicates counts as one) made the page in hand. Who
    only looks on changes nothing."""
    check_size(n)
    batch = find_batch(db, project.id, batch_id)
    if works and _is_theirs(batch, account):
        lock_batch(db, project.id, batch_id)
        batch = find_batch(db, project.id, batch_id)  # it may have been taken over or closed meanwhile
    if not works or not _is_theirs(batch, account):
        return _looked_at(db, project, account, batch, n)
    listed = places.read(db, batch_id)
    page = page_rows.find_open(db, batch_id)
    held: list[Holder] = []
    if page is not None and is_untouched(page) and _is_out_of_date(db, project.id, batch, listed, page, n):
        page_rows.drop_open(db, batch_id, since=page.number)
        page = None
    if page is None:
        page, held = make_next(db, project, batch, listed, n)
        batch = find_batch(db, project.id, batch_id)
    else:
        renew(db, batch_id)
    return _told(db, project, account, batch, listed, page, held, n)


def _is_theirs(batch: Batch, account: Labeller) -> bool:
    return batch.account_id == account.id and batch.closed_at is None


def _is_out_of_date(db: Db, project_id: int, batch: Batch, listed: Places, page: PageRow, n: int) -> bool:
    """Whether a page that nobody saw would be another one now: the window is another, or it was made a while ago, so
    that it is kept no more, or somebody labelled some of it."""
    if listed.n_tiles(page.ids) != n or batch.reserved_until is None:
        return True
    return not still_there(db, project_id, batch, page.ids).all()


def _looked_at(db: Db, project: Shown, account: Labeller, batch: Batch, n: int) -> PageInHand:
    """As somebody else sees it: the page in hand, or what would come next."""
    listed = places.read(db, batch.id)
    page = page_rows.find_open(db, batch.id)
    if page is None:
        chosen = listed.first(listed.next(np.empty(0, np.int64)), n)
        none = np.zeros(len(chosen), np.int16)
        page = PageRow(0, listed.ids[chosen], listed.distances[chosen], none, none, None, None, None, None, None, None,
                       is_done=False)  # fmt: skip
    return _told(db, project, account, batch, listed, page, [], n)


def _told(
    db: Db,
    project: Shown,
    account: Labeller,
    batch: Batch,
    listed: Places,
    page: PageRow | None,
    held: list[Holder],
    n: int,
) -> PageInHand:
    """The page with its tiles as they are now. What was labelled singly has left it."""
    if page is None:
        return PageInHand(batch, None, [], held=held)
    there = listed.place_of(page.ids) == WAITING
    tiles = tiles_of(db, project, Filter(), page.ids[there].tolist(), page.distances[there].tolist())
    place = {object_id: k for k, object_id in enumerate(page.ids.tolist())}
    for tile in tiles:
        k = place[tile["id"]]
        distance = float(page.distances[k])
        tile["distance"] = None if distance != distance else round(distance, 5)
        tile["chance"] = None if page.chances is None else round(float(page.chances[k]), 3)
        tile["mark"], tile["seen"] = int(page.marks[k]), bool(page.seen[k])
    _note_stacks(listed, tiles)
    hide(batch, tiles)
    shown = np.array([place[tile["id"]] for tile in tiles], np.int64)
    line = None if page.line is None else int(np.count_nonzero(shown < page.line))
    asked = page.ids[: page.line or len(page.ids)]
    space = pinned(db, project, batch.id)
    proposals = as_seen(db, space, page.proposals or [], asked, account.id, predicted=not is_hidden(batch))
    return PageInHand(
        batch, page.number or None, tiles, line, _basis(page, batch, account), proposals, atlas_url(project.id, tiles),
        _next_atlas(db, project.id, listed, page, n), held,
    )  # fmt: skip


def _basis(page: PageRow, batch: Batch, account: Labeller) -> dict[str, Any] | None:
    """What the line rests on; which reference project that is, is for whose batch it is, who may read it."""
    if page.basis is None or batch.account_id == account.id:
        return page.basis
    return {name: value for name, value in page.basis.items() if name != "reference"}


def _note_stacks(listed: Places, tiles: list[dict[str, Any]]) -> None:
    """Which tiles stand beside their near-duplicates: the number of their stack, null where one is alone."""
    rows, _ = listed.rows_of(np.array([tile["id"] for tile in tiles], np.int64))
    number = np.cumsum(listed.begins(rows))
    sizes = np.bincount(number, minlength=1)
    for tile, k in zip(tiles, number.tolist(), strict=True):
        tile["stack"] = k if sizes[k] > 1 else None


def _next_atlas(db: Db, project_id: int, listed: Places, page: PageRow, n: int) -> str | None:
    """The pictures of those whose turn is next, as things stand."""
    ids = listed.ids[listed.first(listed.next(page.ids), n)]
    rows = db.execute(
        """
        select distinct on (object_id) object_id as id, encode(hash, 'hex') as hash
          from image
         where project_id = %s
           and object_id = any(%s::bigint[])
         order by object_id, rank
        """,
        [project_id, array(ids.tolist())],
    )
    hashes = {row.id: row.hash for row in rows}
    return atlas_url(project_id, [{"id": id, "hash": hashes[id]} for id in ids.tolist() if id in hashes])
