"""Who is about to label what: a batch's page in hand and its next two are kept from the batches of other people.

Kept for 20 minutes, renewed by working. It only spares people double work: what counts is the version of each label.
In a project one batch at a time changes what is kept, from then on to its commit: it lets go of some objects and takes
others, which another one may be about to do the other way round, and both would wait for ever.
"""

from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.labels.changes import array

MINUTES = 20
RENEWED_AFTER_S = 60  # a renewal each minute is enough, and costs nothing in between
TURN_LOCK = 7405  # the second key is the project


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
    _take_turn(db, batch_id)
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
    """Working keeps a batch and what it holds; also what it held for too long and nobody else has taken since.

    What another batch looks at in this moment is renewed the next time, so that this waits for nobody.
    """
    db.execute(
        """
        update reservation
           set until = now() + make_interval(mins => %(minutes)s)
         where ctid = any(array(select ctid
                                  from reservation
                                 where batch_id = %(batch_id)s
                                   and until < now() + make_interval(mins => %(minutes)s, secs => -%(after_s)s)
                                   for update skip locked))
        """,
        {"batch_id": batch_id, "minutes": MINUTES, "after_s": RENEWED_AFTER_S},
    )
    db.execute("update batch set used_at = now() where id = %s", [batch_id])


def release(db: Db, batch_id: int, ids: np.ndarray) -> None:
    """Let go of what was done."""
    _take_turn(db, batch_id)
    db.execute(
        "delete from reservation where batch_id = %s and object_id = any(%s::bigint[])", [batch_id, array(ids.tolist())]
    )


def release_others(db: Db, batch_id: int, ids: np.ndarray) -> None:
    """Let go of all that a batch holds beside these."""
    _take_turn(db, batch_id)
    db.execute(
        "delete from reservation where batch_id = %s and object_id <> all(%s::bigint[])",
        [batch_id, array(ids.tolist())],
    )


def release_all(db: Db, batch_id: int) -> None:
    """Let go of all that a batch holds."""
    release_others(db, batch_id, np.empty(0, np.int64))


def hand_over(db: Db, batch_id: int, account_id: int) -> None:
    """What a batch holds is held for somebody else from now on."""
    _take_turn(db, batch_id)
    db.execute("update reservation set account_id = %s where batch_id = %s", [account_id, batch_id])


def _take_turn(db: Db, batch_id: int) -> None:
    """Wait for the batch of the same project that changes what is kept."""
    db.execute("select pg_advisory_xact_lock(%s, project_id) from batch where id = %s", [TURN_LOCK, batch_id])


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
