"""Draws an audit's sample: at random from what nobody saw, going on where earlier audits of the same ended."""

import hashlib
import json
import secrets
from dataclasses import replace
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.batches.audit_state import CONFIDENCE, STATE, Audit, Wish, find, limit_of
from app.batches.audited import Unseen, title_of, unseen_of
from app.batches.sources import Batched
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.acts import OTHER_ACT, Labeller, check_open, named_taxon
from app.labels.changes import array
from app.search.mirror import open_mirror
from indexer.audit import sample_size

MOST_DRAWN, USUAL_MOST, N_LEAST = 1000, 300, 12
# The draws of earlier audits of the same source and taxon.
EARLIER = """
    from audit_object as drawn
    join audit on audit.id = drawn.audit_id
   where audit.project_id = %(project_id)s
     and audit.source = %(source)s
     and audit.source_id = %(source_id)s
     and audit.taxon_id = %(taxon_id)s
"""


def draw(db: Db, project: Batched, account: Labeller, wish: Wish) -> Audit:
    """An audit with its sample; the one that is still to be judged, where there is one of the same source and taxon."""
    check_open(project)
    check_wish(db, wish)
    if wish.source == "found":
        wish = of_source(db, project, account, wish)
    key = {"project_id": project.id, "source": wish.source, "source_id": wish.source_id, "taxon_id": wish.taxon_id}
    _check_same(db, project.id, account, wish, key)
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit {sorted(key.items())}"])
    if (going_on := _going_on(db, key, wish)) is not None:
        return find(db, project.id, going_on)
    earlier = db.execute(f"select drawn.* {EARLIER}", key).fetchall()
    found = unseen_of(db, project, account, wish)
    fresh, in_scope = _scope(found, [row.object_id for row in earlier], wish.upto)
    # A stranger that was corrected has left what is found, so nobody can say how likely it was: it counts in any cut.
    gone = {row.object_id for row in earlier if row.is_right is False and not np.isin(row.object_id, found.known)}
    random = [row for row in earlier if row.is_random and row.object_id in in_scope | gone]
    carried = [row.object_id for row in random if row.is_right is None]
    judged = [row for row in random if row.is_right is not None]
    if not len(fresh) and not carried:
        raise Conflict("All of these were seen, or drawn before: there is nothing left to accept unseen.")
    audit_id = insert(db, project, account, wish, np.concatenate([fresh, np.array(carried, np.int64)]), judged, key)
    _take_sample(db, audit_id, wish, fresh, carried, judged)
    return find(db, project.id, audit_id)


def check_wish(db: Db, wish: Wish) -> None:
    """What nobody could label in the end is not drawn in the first place."""
    named_taxon(db, wish.taxon_id)
    if wish.n is not None and wish.n < 1:
        raise Refused(f"A sample has at least one object: `n` is {wish.n}.")
    if wish.upto is not None and wish.upto < 1:
        raise Refused(f"An audit is of at least one object: `upto` is {wish.upto}.")


def _check_same(db: Db, project_id: int, account: Labeller, wish: Wish, key: dict[str, Any]) -> None:
    """An id that an audit came with is for that audit alone."""
    sent = db.execute(
        """
        select source, source_id, taxon_id, status, account_id
          from audit
         where project_id = %s
           and client_id = %s
        """,
        [project_id, wish.client_id],
    ).fetchone()
    meant = (key["source"], key["source_id"], key["taxon_id"], wish.status, account.id)
    if sent is not None and tuple(sent) != meant:
        raise Conflict(OTHER_ACT)


def of_source(db: Db, project: Batched, account: Labeller, wish: Wish) -> Wish:
    """With the digest of its query for an id. A least score is a cut through one and the same source, so that raising
    it little by little starts no audit anew."""
    query = dict(wish.query or {})
    if not isinstance(query.get("kind"), str):
        raise Refused('An audit of what is found needs its `query`, such as {"kind": "predicted", "taxon_id": 5}.')
    if query["kind"] == "review":
        raise Refused("What a review draws is validated already, so there is nothing to accept. Open it as a batch.")
    least, upto = query.pop("min_score", None), wish.upto
    if query.get("kind") == "predicted" and least is not None:
        mirror = open_mirror(db, project.id)
        ids = unseen_of(db, project, account, replace(wish, query=query)).ids
        upto = min(upto or len(ids), int(np.count_nonzero(mirror.score[mirror.ordinals(ids)] >= float(least))))
        if not upto:
            raise Conflict("Nothing that nobody saw has such a score: ask for a lower one.")
    digest = hashlib.sha256(json.dumps(query, sort_keys=True).encode()).digest()
    return replace(wish, source_id=int.from_bytes(digest[:8], signed=True), query=query, upto=upto)


def _going_on(db: Db, key: dict[str, Any], wish: Wish) -> int | None:
    """What was drawn and is not judged yet goes on; else an open audit gives way to the new one."""
    row = db.execute(
        f"""
        select id
          from audit
         where project_id = %(project_id)s
           and (client_id = %(client_id)s
                or (source = %(source)s and source_id = %(source_id)s and taxon_id = %(taxon_id)s
                    and {STATE} = 'open'
                    and %(upto)s::int is null
                    and exists (select from audit_object where audit_id = audit.id and is_right is null)))
         order by id desc
         limit 1
        """,  # noqa: S608 (constant)
        {**key, "client_id": wish.client_id, "upto": wish.upto},
    ).fetchone()
    if row is not None:
        return int(row.id)
    db.execute(
        f"""
        update audit
           set state = 'dropped', ended_at = now()
         where project_id = %(project_id)s and source = %(source)s and source_id = %(source_id)s
           and taxon_id = %(taxon_id)s and {STATE} in ('open', 'asked')
        """,  # noqa: S608 (constant)
        key,
    )
    return None


def _scope(found: Unseen, drawn: list[int], upto: int | None) -> tuple[np.ndarray, set[int]]:
    """The unseen that were never drawn, the likeliest first, cut where that is wished; and all ids within the cut."""
    fresh = found.ids[~np.isin(found.ids, drawn)]
    cut = found.rank_of(fresh[: upto or None]).max(initial=-np.inf)
    return fresh[: upto or None], {id for id in drawn if upto is None or found.rank_of(np.array([id]))[0] <= cut}


def insert(
    db: Db, project: Batched, account: Labeller, wish: Wish, ids: np.ndarray, judged: list[Any], key: dict[str, Any]
) -> int:
    title = title_of(db, project, account, wish.query) if wish.query else ""
    looks = db.execute(
        f"select count(distinct audit.id) {EARLIER} and drawn.is_random and drawn.is_right is not null",
        key,
    ).fetchone()[0]
    row = db.execute(
        """
        insert into audit (project_id, client_id, source, source_id, account_id, taxon_id, status, object_ids, look,
                           n_before, n_wrong_before, limit_share, query)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [
            project.id, wish.client_id, wish.source, wish.source_id, account.id, wish.taxon_id, wish.status,
            array(ids.tolist()), looks + 1, len(judged), sum(not row.is_right for row in judged),
            limit_of(db, project.id), Jsonb({"source": wish.query, "title": title}) if wish.query else None,
        ],
    ).fetchone()  # fmt: skip
    return int(row.id)


def _take_sample(db: Db, audit_id: int, wish: Wish, fresh: np.ndarray, carried: list[int], judged: list[Any]) -> None:
    """What earlier audits drew and nobody judged comes first: leaving a sample does not shake it off."""
    audit = db.execute(
        """
        select project_id, source, source_id, taxon_id, limit_share, n_wrong_before, look
          from audit
         where id = %s
        """,
        [audit_id],
    ).fetchone()
    n_all = len(fresh) + len(carried) + len(judged)
    needed = sample_size(n_all, audit.limit_share, CONFIDENCE, audit.n_wrong_before, audit.look) - len(judged)
    n = min(max(wish.n or min(needed, USUAL_MOST), 1), MOST_DRAWN)
    chance = np.random.default_rng(secrets.randbits(128))
    random = chance.choice(fresh, min(max(n - len(carried), 0), len(fresh)), replace=False)
    rest = fresh[~np.isin(fresh, random)]
    least = rest[max(len(rest) - N_LEAST, 0) :]
    db.execute(
        """
        update audit_object
           set audit_id = %s
          from audit
         where audit.id = audit_object.audit_id
           and (project_id, source, source_id, audit.taxon_id) = (%s, %s, %s, %s)
           and object_id = any(%s::bigint[])
           and is_right is null
        """,
        [audit_id, audit.project_id, audit.source, audit.source_id, audit.taxon_id, array(carried)],
    )
    db.execute(
        """
        insert into audit_object (audit_id, object_id, is_random)
        select %s, id, is_random
          from unnest(%s::bigint[], %s::boolean[]) as given (id, is_random)
        """,
        [audit_id, [*random.tolist(), *least.tolist()], [True] * len(random) + [False] * len(least)],
    )
