"""Piles: objects set aside under a provisional name that the project shares, until one act names them all.

A member that somebody labels after it was set aside is settled: it stays on the pile to be seen, and no act of the pile
touches it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import numpy as np

from app.batches.sources import Batched, Found, known_args, number_in, source
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels import acts, changes
from app.labels.acts import Act, InBatch, Labelled, Labeller, Outcome, check_open
from app.labels.changes import Seen, array, state_token
from app.labels.reversals import on_reversal

MOST_OBJECTS = acts.MOST_OBJECTS
LONGEST_NAME = 200
NO_PILE = "This project has no such pile. The page of piles lists those that there are."
N_MOSAIC = 12
# Of `pile_object`, with its `label` if there is one. What is doubted is just what a pile is for.
SETTLED = "(label.status = 'V' and label.at > pile_object.at)"


@dataclass(frozen=True)
class Pile:
    """`n_open` of its `n` objects are not settled; `hashes` are those of some pictures. `taxon`: what it was named."""

    id: int
    name: str
    n: int
    n_open: int
    account_id: int | None
    account: str | None
    made_at: datetime
    closed_at: datetime | None
    taxon_id: int | None
    taxon: str | None
    act_id: int | None
    hashes: list[str]


@dataclass(frozen=True)
class PileAct:
    """The naming of a pile: `client_id` makes it happen once."""

    client_id: UUID
    taxon_id: int
    status: Literal["V", "D"] = "V"


def make_pile(
    db: Db, project: Labelled, account: Labeller, client_id: UUID, name: str, ids: list[int], *, seen: bool = True
) -> int:
    """The new pile's id; the same again where it was sent before. `seen`: by the person who sets them aside."""
    check_open(project)
    row = db.execute(
        """
        insert into pile (project_id, client_id, name, account_id)
        values (%s, %s, %s, %s)
        on conflict (project_id, client_id) do nothing
        returning id
        """,
        [project.id, client_id, _checked(name), account.id],
    ).fetchone()
    if row is None:
        row = db.execute(
            "select id from pile where project_id = %s and client_id = %s", [project.id, client_id]
        ).fetchone()
    put_on(db, project, account, row.id, ids, seen=seen)
    return int(row.id)


def put_on(
    db: Db, project: Labelled, account: Labeller, pile_id: int, ids: list[int], *, seen: bool = True
) -> int:  # fmt: skip
    """Set objects aside on an open pile; how many were not on it yet."""
    check_open(project)
    _hold(db, project.id, pile_id)
    n = db.execute(
        """
        insert into pile_object (pile_id, object_id, account_id)
        select %(pile_id)s, id, %(account_id)s
          from object
         where project_id = %(project_id)s
           and id = any(%(ids)s::bigint[])
         order by id
        on conflict do nothing
        """,
        {"pile_id": pile_id, "account_id": account.id, "project_id": project.id, "ids": array(ids)},
    ).rowcount
    if seen:
        note_seen(db, project.id, account, pile_id, ids)
    total = db.execute("select count(*) from pile_object where pile_id = %s", [pile_id]).fetchone()[0]
    if total > MOST_OBJECTS:
        raise Refused(f"A pile holds at most {MOST_OBJECTS:,} objects, so that one act can name it. Begin another.")
    return n


def take_off(db: Db, project: Labelled, pile_id: int, ids: list[int]) -> int:
    """Remove objects from a pile; how many were on it."""
    check_open(project)
    _hold(db, project.id, pile_id)
    return db.execute(
        "delete from pile_object where pile_id = %s and object_id = any(%s::bigint[])", [pile_id, array(ids)]
    ).rowcount


def rename(db: Db, project: Labelled, pile_id: int, name: str) -> None:
    check_open(project)
    _hold(db, project.id, pile_id)
    db.execute("update pile set name = %s where id = %s", [_checked(name), pile_id])


def close(db: Db, project: Labelled, pile_id: int, *, closed: bool = True) -> None:
    """Put a pile away, or bring it back. Its objects stay as they are."""
    check_open(project)
    find_pile(db, project.id, pile_id)
    db.execute(
        "update pile set closed_at = case when %s then coalesce(closed_at, now()) end where id = %s", [closed, pile_id]
    )


def note_seen(db: Db, project_id: int, account: Labeller, pile_id: int, ids: list[int]) -> None:
    """Members that were painted in the person's window for 300 ms."""
    find_pile(db, project_id, pile_id)
    db.execute(
        """
        insert into pile_seen (pile_id, account_id, object_id)
        select pile_id, %s, object_id
          from pile_object
         where pile_id = %s
           and object_id = any(%s::bigint[])
        on conflict do nothing
        """,
        [account.id, pile_id, array(ids)],
    )


def unseen(db: Db, project_id: int, account: Labeller, pile_id: int) -> list[int]:
    """Members without a settled label that this person neither set aside in a window nor saw on the pile since."""
    rows = db.execute(
        f"""
        select pile_object.object_id
          from pile_object
          join object on object.project_id = %(project_id)s and object.id = pile_object.object_id
          left join label on label.project_id = %(project_id)s and label.object_id = pile_object.object_id
         where pile_id = %(pile_id)s
           and not coalesce({SETTLED}, false)
           and not exists (select
                             from pile_seen as seen
                            where seen.pile_id = pile_object.pile_id
                              and seen.account_id = %(account_id)s
                              and seen.object_id = pile_object.object_id)
         order by pile_object.object_id
        """,  # noqa: S608 (constant)
        {"pile_id": pile_id, "project_id": project_id, "account_id": account.id},
    )
    return [row.object_id for row in rows]


def open_members(db: Db, project_id: int, pile_id: int, limit: int | None = None) -> list[int]:
    """Members that are not settled, in the order in which they were set aside; the first ones, if so told."""
    rows = db.execute(
        f"""
        select pile_object.object_id
          from pile_object
          join object on object.project_id = %(project_id)s and object.id = pile_object.object_id
          left join label on label.project_id = %(project_id)s and label.object_id = pile_object.object_id
         where pile_id = %(pile_id)s
           and not coalesce({SETTLED}, false)
         order by pile_object.at, pile_object.object_id
         limit %(limit)s
        """,  # noqa: S608 (constant)
        {"pile_id": pile_id, "project_id": project_id, "limit": limit},
    )
    return [row.object_id for row in rows]


def name_pile(db: Db, project: Labelled, account: Labeller, pile_id: int, said: PileAct) -> Outcome:
    """One act that gives all open members a taxon, and closes the pile."""
    check_open(project)
    sent = db.execute("select from act where project_id = %s and client_id = %s", [project.id, said.client_id])
    request = acts.digest(said, pile_id)
    if sent.fetchone() is not None:
        return acts.repeated(db, project.id, account.id, said.client_id, request)
    _hold(db, project.id, pile_id)
    # Read before it is known what is open: what somebody labels in between is then refused, and not labelled over.
    seen = _seen_members(db, project.id, pile_id)
    ids = [object_id for object_id in open_members(db, project.id, pile_id) if object_id in seen]
    if not ids:
        raise Conflict("Nothing on this pile is left to be named.")
    if not_seen := unseen(db, project.id, account, pile_id):
        raise Conflict(
            f"{len(not_seen):,} of the {len(ids):,} objects of this pile you have not seen, and nothing is named "
            "unseen: look them through on the pile's page, or audit them.",
            n_unseen=len(not_seen),
        )
    states = [state_token(seen[id].version, seen[id].status, seen[id].run_id) for id in ids]
    act = Act(said.client_id, "label", ids, states, said.taxon_id, said.status, "batch")
    outcome = acts.apply(db, project, account, act, InBatch(None, {"pile": pile_id}, request))
    settle(db, pile_id, said.taxon_id, outcome.act_id)
    return outcome


def _seen_members(db: Db, project_id: int, pile_id: int) -> dict[int, Seen]:
    rows = db.execute("select object_id from pile_object where pile_id = %s", [pile_id])
    return changes.seen_states(db, project_id, [row.object_id for row in rows])


def settle(db: Db, pile_id: int, taxon_id: int | None, act_id: int | None) -> None:
    """The pile is named by this act, or by none again."""
    db.execute(
        """
        update pile
           set taxon_id = %(taxon_id)s, act_id = %(act_id)s,
               closed_at = case when %(act_id)s::bigint is not null then now() end
         where id = %(pile_id)s
        """,
        {"pile_id": pile_id, "taxon_id": taxon_id, "act_id": act_id},
    )


@on_reversal
def follow(db: Db, project_id: int, act_ids: list[int], undone: bool) -> None:
    """A pile whose naming is undone is open again."""
    db.execute(
        """
        update pile
           set taxon_id = case when %(undone)s then null else act.taxon_id end,
               act_id = case when %(undone)s then null else act.id end,
               closed_at = case when %(undone)s then null else now() end
          from act
         where act.id = any(%(act_ids)s)
           and act.detail ? 'pile'
           and pile.id = (act.detail ->> 'pile')::bigint
           and pile.project_id = %(project_id)s
        """,
        {"undone": undone, "act_ids": act_ids, "project_id": project_id},
    )


def find_pile(db: Db, project_id: int, pile_id: int) -> Pile:
    found = _read(db, project_id, pile_id, 1)
    if not found:
        raise NotFound(NO_PILE)
    return found[0]


def list_piles(db: Db, project_id: int, limit: int = 200) -> list[Pile]:
    """Open ones first, each from the latest made."""
    return _read(db, project_id, None, limit)


def _read(db: Db, project_id: int, pile_id: int | None, limit: int) -> list[Pile]:
    rows: list[Any] = db.execute(
        f"""
        with chosen as (
            select *
              from pile
             where project_id = %(project_id)s
               and (%(pile_id)s::bigint is null or id = %(pile_id)s)
             order by closed_at is not null, id desc
             limit %(limit)s
        )
        select chosen.id, chosen.name, counted.n, counted.n_open, chosen.account_id, account.name as account,
               chosen.made_at, chosen.closed_at, chosen.taxon_id, taxon.display_name as taxon, chosen.act_id,
               coalesce(pictures.hashes, '{{}}') as hashes
          from chosen
          left join account on account.id = chosen.account_id
          left join taxon on taxon.id = chosen.taxon_id
          cross join lateral (
                select count(*) as n, count(*) filter (where not coalesce({SETTLED}, false)) as n_open
                  from pile_object
                  join object on object.project_id = chosen.project_id and object.id = pile_object.object_id
                  left join label on label.project_id = chosen.project_id and label.object_id = pile_object.object_id
                 where pile_object.pile_id = chosen.id) as counted
          left join lateral (
                select array_agg(encode(image.hash, 'hex')) as hashes
                  from (select object_id
                          from pile_object
                         where pile_id = chosen.id
                         order by at, object_id
                         limit {N_MOSAIC}) as first
                  join image on image.project_id = chosen.project_id
                            and image.object_id = first.object_id
                            and image.rank = (select min(rank)
                                                from image as other
                                               where other.project_id = chosen.project_id
                                                 and other.object_id = first.object_id)) as pictures on true
         order by chosen.closed_at is not null, chosen.id desc
        """,  # noqa: S608 (constants)
        {"project_id": project_id, "pile_id": pile_id, "limit": limit},
    ).fetchall()
    return [Pile(*row) for row in rows]


def _hold(db: Db, project_id: int, pile_id: int) -> None:
    """Nobody else changes the pile until the transaction ends; refused where it is closed."""
    row = db.execute(
        "select closed_at from pile where project_id = %s and id = %s for no key update", [project_id, pile_id]
    ).fetchone()
    if row is None:
        raise NotFound(NO_PILE)
    if row.closed_at is not None:
        raise Conflict("This pile is closed. Open it again to change it.")


def _checked(name: str) -> str:
    """One line, some letters."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refused(f"Give the pile a name of 1 to {LONGEST_NAME} letters.")
    return name


@source("pile", "a pile")
def find_members(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """The members of a pile that nobody has settled."""
    known_args(args, "pile_id")
    pile_id = int(number_in(args, "pile_id"))
    pile = db.execute("select name from pile where project_id = %s and id = %s", [project.id, pile_id]).fetchone()
    if pile is None:
        raise NotFound(NO_PILE)
    ids = open_members(db, project.id, pile_id, limit)
    return Found(np.array(ids, np.int64), title=f"Pile: {pile.name}", opens_marked=False, ranked=False)
