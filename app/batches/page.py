"""The page in hand: the next objects of a batch that still are there, kept for who works on it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.batches import page_rows, places
from app.batches.batch import Batch, find_batch
from app.batches.chances import chances_of, line_of
from app.batches.lineages import branch_of, lineage_of
from app.batches.ordering import laid_out
from app.batches.page_rows import MARKED, PASSED, PageRow
from app.batches.places import GONE, WAITING, Places
from app.batches.reservations import Holder, held_by_others, renew, reserve
from app.database import Db
from app.errors import Refused
from app.labels.acts import Labeller
from app.labels.changes import array
from app.objects.atlas import atlas_url
from app.objects.board import Shown, tiles_of
from app.objects.filters import Filter

USUAL, MOST = 60, 1000
AHEAD = 2  # pages that are kept beyond the one in hand


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
    db: Db, project: Shown, account: Labeller, batch_id: int, n: int = USUAL, works: bool = True
) -> PageInHand:
    """The page in hand, or the next `n` objects made the page in hand. Who only looks on changes nothing."""
    if not 1 <= n <= MOST:
        raise Refused(f"A page has between 1 and {MOST:,} objects, not {n:,}.")
    batch = find_batch(db, project.id, batch_id)
    if not works or batch.account_id != account.id or batch.closed_at is not None:
        return _looked_at(db, project, batch, n)
    db.execute("select from batch where id = %s for no key update", [batch_id])
    listed = places.read(db, batch_id)
    page, held = page_rows.find_open(db, batch_id), []
    if page is None:
        page, held = _made(db, project, batch, listed, n)
        batch = find_batch(db, project.id, batch_id)
    else:
        renew(db, batch_id)
        db.execute("update batch set used_at = now() where id = %s", [batch_id])
    return _told(db, project, batch, listed, page, held, n)


def _looked_at(db: Db, project: Shown, batch: Batch, n: int) -> PageInHand:
    """As somebody else sees it: the page in hand, or what would come next."""
    listed = places.read(db, batch.id)
    page = page_rows.find_open(db, batch.id)
    if page is None:
        chosen = listed.next(np.empty(0, np.int64))[:n]
        none = np.zeros(len(chosen), np.int16)
        page = PageRow(0, listed.ids[chosen], listed.distances[chosen], none, none, None, None, None, None, None, None,
                       is_done=False)  # fmt: skip
    return _told(db, project, batch, listed, page, [], n)


def _made(db: Db, project: Shown, batch: Batch, listed: Places, n: int) -> tuple[PageRow | None, list[Holder]]:
    """The next page, written; None where nothing is left to show. Keeps it and the next two from other people."""
    waiting = listed.next(np.empty(0, np.int64))
    taken: list[np.ndarray] = []
    passed: list[np.ndarray] = []
    n_free, start, n_gone = 0, 0, 0
    while start < len(waiting) and n_free < n:
        piece = waiting[start : start + (1 + AHEAD) * n]
        start += len(piece)
        there = still_there(db, project.id, batch, listed.ids[piece])
        listed.places[piece[~there]] = GONE
        n_gone += int(np.count_nonzero(~there))
        piece = piece[there]
        free = np.isin(listed.ids[piece], reserve(db, project.id, batch.id, batch.account_id or 0, listed.ids[piece]))
        taken.append(piece[free])
        passed.append(piece[~free])
        n_free += int(np.count_nonzero(free))
    chosen = np.concatenate(taken)[:n] if taken else np.empty(0, np.int64)
    if n_gone:
        places.write(db, batch.id, listed)
    else:
        db.execute("update batch set used_at = now() where id = %s", [batch.id])
    others = np.concatenate(passed) if passed else chosen
    held = held_by_others(db, project.id, batch.account_id or 0, listed.ids[others]) if len(others) else []
    if not len(chosen):
        return None, held
    page = _laid_out(db, project, batch, listed, chosen)
    page_rows.insert(db, batch.id, page)
    return page, held


def _laid_out(db: Db, project: Shown, batch: Batch, listed: Places, chosen: np.ndarray) -> PageRow:
    """Objects in the order of the screen, those before the boundary line marked."""
    ids, distances = listed.ids[chosen], listed.distances[chosen]
    chances, basis = chances_of(db, project, batch, ids, distances)
    line = line_of(chances) if chances is not None else None
    if line is not None and chances is not None:
        first = np.argsort(~(chances >= 0.5), kind="stable")
        ids, distances, chances = ids[first], distances[first], chances[first]
    if batch.order == "neighbours":
        order = laid_out(db, project, ids, line)
        ids, distances, chances = ids[order], distances[order], None if chances is None else chances[order]
    marks = np.full(len(ids), PASSED, np.int16)
    if line is not None and batch.opens_marked:
        marks[:line] = MARKED
    number = page_rows.last_number(db, batch.id) + 1
    seen = np.zeros(len(ids), np.int16)
    return PageRow(number, ids, distances, marks, seen, None, line, chances, basis, None, None, is_done=False)


def still_there(db: Db, project_id: int, batch: Batch, ids: np.ndarray) -> np.ndarray:
    """Which objects are to be shown: not deleted, not labelled by anybody since the batch was made, and not refused
    meanwhile for what the batch expects."""
    target = batch.taxon_id
    rows = db.execute(
        """
        select object.id
          from object
          left join label on label.project_id = object.project_id and label.object_id = object.id
         where object.project_id = %(project_id)s
           and object.id = any(%(ids)s::bigint[])
           and (coalesce(label.status, 'U') = 'U' or label.at <= %(made_at)s)
           and (%(target)s::int is null
                or label.taxon_id = any(%(below)s::int[])
                or not exists (select
                                 from refusal
                                 join act on act.id = refusal.act_id
                                where refusal.project_id = object.project_id
                                  and refusal.object_id = object.id
                                  and refusal.taxon_id = any(%(above)s::int[])
                                  and refusal.lapsed_at is null
                                  and act.reversed_by is null))
        """,
        {
            "project_id": project_id, "ids": array(ids.tolist()), "made_at": batch.made_at, "target": target,
            "below": branch_of(db, target).tolist() if target else [],
            "above": lineage_of(db, target).tolist() if target else [],
        },
    )  # fmt: skip
    return np.isin(ids, np.array([row.id for row in rows], np.int64))


def _told(
    db: Db, project: Shown, batch: Batch, listed: Places, page: PageRow | None, held: list[Holder], n: int
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
    shown = np.array([place[tile["id"]] for tile in tiles], np.int64)
    line = None if page.line is None else int(np.count_nonzero(shown < page.line))
    return PageInHand(
        batch, page.number or None, tiles, line, page.basis, page.proposals or [], atlas_url(project.id, tiles),
        _next_atlas(db, project.id, listed, page, n), held,
    )  # fmt: skip


def _next_atlas(db: Db, project_id: int, listed: Places, page: PageRow, n: int) -> str | None:
    """The pictures of those whose turn is next, as things stand."""
    ids = listed.ids[listed.next(page.ids)[:n]]
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
