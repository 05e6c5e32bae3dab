"""A batch as its people see it: what it is, how far it was worked, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.batches import reservations
from app.batches.reservations import MINUTES
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.labels.acts import Labeller
from app.paging import BAD_CURSOR, cursor_of, id_and_key

NO_BATCH = "This project has no such batch. It may have expired: batches that nobody uses for 30 days are removed."
CLOSED = "This batch is closed. Its labels stay; make a new one to go on."


@dataclass(frozen=True)
class Batch:
    """Counts are of objects: `n` in all, of which some wait, stand in the tray, were labelled (or refused), are gone
    (deleted, or relabelled elsewhere meanwhile), or went on in a batch of the tray. `ranked`: the likeliest were found
    first."""

    id: int
    title: str
    source: dict[str, Any]
    n: int
    n_waiting: int
    n_tray: int
    n_labelled: int
    n_gone: int
    n_moved: int
    n_without_vector: int
    taxon_id: int | None
    taxon: str | None
    order: str
    account_id: int | None
    account: str | None
    made_at: datetime
    used_at: datetime
    reserved_until: datetime | None
    closed_at: datetime | None
    opens_marked: bool = True
    ranked: bool = True


@dataclass(frozen=True)
class BatchList:
    """A page of batches, the open ones first, then the latest; `next_cursor` is null at the end."""

    batches: list[Batch]
    next_cursor: str | None


COLUMNS = f"""
    batch.id, batch.title, batch.query as source, batch.n,
    batch.n - batch.n_tray - batch.n_left - batch.n_gone - batch.n_moved as n_waiting,
    batch.n_tray, batch.n_left as n_labelled, batch.n_gone, batch.n_moved, batch.n_without_vector,
    batch.taxon_id, taxon.display_name as taxon, batch.ordering as "order", batch.account_id, account.name as account,
    batch.made_at, batch.used_at,
    case when batch.closed_at is null and batch.used_at > now() - interval '{MINUTES} minutes'
         then batch.used_at + interval '{MINUTES} minutes' end as reserved_until,
    batch.closed_at, batch.opens_marked, batch.ranked
"""
FROM = """
    from batch
    left join taxon on taxon.id = batch.taxon_id
    left join account on account.id = batch.account_id
"""


def find_batch(db: Db, project_id: int, batch_id: int) -> Batch:
    row = db.execute(
        f"select {COLUMNS} {FROM} where batch.project_id = %s and batch.id = %s",
        [project_id, batch_id],
    ).fetchone()
    if row is None:
        raise NotFound(NO_BATCH)
    return Batch(*row)


def hold_batch(db: Db, project_id: int, batch_id: int, account: Labeller) -> Batch:
    """The batch, which nobody else changes until the transaction ends; refused where it is somebody else's."""
    lock_batch(db, project_id, batch_id)
    batch = find_batch(db, project_id, batch_id)
    if batch.closed_at is not None:
        raise Conflict(CLOSED)
    if batch.account_id != account.id:
        raise Forbidden(
            f"This batch is {batch.account or 'somebody'}'s to work. A manager can take it over, or make your own."
        )
    return batch


def lock_batch(db: Db, project_id: int, batch_id: int) -> None:
    """Wait for whoever changes the batch; then nobody else does until the transaction ends."""
    db.execute("select from batch where id = %s and project_id = %s for no key update", [batch_id, project_id])


def origin(batch: Batch) -> str:
    """The kind of batch that this one, or the one whose tray it is, was made as."""
    return str(batch.source.get("of", batch.source["kind"]))


def list_batches(
    db: Db, project_id: int, account_id: int, *, mine: bool = False, cursor: str = "", limit: int = 50
) -> BatchList:
    """Open ones before closed ones, each from the latest made."""
    last_id, was_closed = id_and_key(cursor)
    if was_closed not in ("", "0", "1"):
        raise Refused(BAD_CURSOR)
    rows: Sequence[Any] = db.execute(
        f"""
        select {COLUMNS}
          {FROM}
         where batch.project_id = %(project_id)s
           and (not %(mine)s or batch.account_id = %(account_id)s)
           and (%(last_id)s::bigint is null
                or (batch.closed_at is not null, -batch.id) > (%(closed)s, -%(last_id)s::bigint))
         order by batch.closed_at is not null, batch.id desc
         limit %(limit)s
        """,
        {
            "project_id": project_id, "account_id": account_id, "mine": mine, "last_id": last_id,
            "closed": was_closed == "1", "limit": limit + 1,
        },
    ).fetchall()  # fmt: skip
    batches = [Batch(*row) for row in rows[:limit]]
    last = batches[-1] if len(rows) > limit else None
    return BatchList(batches, cursor_of(last.id, int(last.closed_at is not None)) if last else None)


def close_batch(db: Db, project_id: int, batch_id: int, account: Labeller, manager: bool) -> None:
    """End a batch: one's own, or anybody's for a manager. What was labelled stays labelled."""
    batch = find_batch(db, project_id, batch_id)
    if batch.account_id != account.id and not manager:
        raise Forbidden(f"This batch is {batch.account or 'somebody'}'s: only they or a manager can close it.")
    db.execute("update batch set closed_at = coalesce(closed_at, now()) where id = %s", [batch_id])
    reservations.release_all(db, batch_id)


def expire(db: Db) -> int:
    """Remove the batches that nobody used for 30 days; returns how many."""
    return db.execute("delete from batch where used_at < now() - interval '30 days'").rowcount
