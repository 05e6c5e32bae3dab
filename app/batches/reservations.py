"""Who is about to label what: a batch's page in hand and its next two are kept from the batches of other people.

Kept for 20 minutes, renewed by working. It only spares people double work: what counts is the version of each label.
"""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.labels.changes import array

MINUTES = 20
RENEWED_AFTER_S = 60  # a renewal each minute is enough, and costs nothing in between


@dataclass(frozen=True)
class Holder:
    """Who works on how many of the objects that one would have come to."""

    account_id: int
    account: str
    n: int


def reserve(
    db: Db, project_id: int, batch_id: int, account_id: int, ids: np.ndarray, what_is_ahead: bool = False
) -> np.ndarray:
    """Keep objects for a batch; returns those that nobody else holds, int64 in the order of `ids`.

    What one holds oneself through another batch goes to this one. With `what_is_ahead` also what others keep for their
    next pages and do not have before them.
    """
    rows = db.execute(
        """
        insert into reservation (project_id, object_id, batch_id, account_id, until)
        select %(project_id)s, object_id, %(batch_id)s, %(account_id)s, now() + make_interval(mins => %(minutes)s)
          from unnest(%(ids)s::bigint[]) as given (object_id)
         order by object_id
        on conflict (project_id, object_id) do update
           set batch_id = excluded.batch_id, account_id = excluded.account_id, until = excluded.until
         where reservation.until < now()
            or reservation.account_id = excluded.account_id
            or %(what_is_ahead)s
               and not exists (select
                                 from batch_page
                                where batch_page.batch_id = reservation.batch_id
                                  and batch_page.done_at is null
                                  and reservation.object_id = any(batch_page.object_ids))
        returning object_id
        """,
        {
            "project_id": project_id, "batch_id": batch_id, "account_id": account_id, "minutes": MINUTES,
            "ids": array(ids.tolist()), "what_is_ahead": what_is_ahead,
        },
    )  # fmt: skip
    kept = np.array([row.object_id for row in rows], np.int64)
    return ids[np.isin(ids, kept)]


def renew(db: Db, batch_id: int) -> None:
    """What is still held goes on being held."""
    db.execute(
        """
        update reservation
           set until = now() + make_interval(mins => %s)
         where batch_id = %s
           and until > now()
           and until < now() + make_interval(mins => %s, secs => -%s)
        """,
        [MINUTES, batch_id, MINUTES, RENEWED_AFTER_S],
    )


def release(db: Db, batch_id: int, ids: np.ndarray) -> None:
    """Let go of what was done."""
    db.execute(
        "delete from reservation where batch_id = %s and object_id = any(%s::bigint[])", [batch_id, array(ids.tolist())]
    )


def release_others(db: Db, batch_id: int, ids: np.ndarray) -> None:
    """Let go of all that a batch holds beside these."""
    db.execute(
        "delete from reservation where batch_id = %s and object_id <> all(%s::bigint[])",
        [batch_id, array(ids.tolist())],
    )


def held_by_others(db: Db, project_id: int, account_id: int, ids: np.ndarray) -> list[Holder]:
    """Who else holds objects at this moment, the most first."""
    rows = db.execute(
        """
        select account.id, account.name, count(*) as n
          from reservation
          join account on account.id = reservation.account_id
         where reservation.project_id = %s
           and reservation.object_id = any(%s::bigint[])
           and reservation.account_id <> %s
           and reservation.until >= now()
         group by account.id, account.name
         order by n desc, account.id
        """,
        [project_id, array(ids.tolist()), account_id],
    )
    return [Holder(*row) for row in rows]
