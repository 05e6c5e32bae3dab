"""Draws an audit's sample: at random from what nobody saw, going on where earlier audits of the same ended.

The pile that an audit is of is what is found, cut where that is wished. What was judged right stays in it, so that to
draw from it again neither lets it grow nor slides its cut towards the less likely.
"""

import hashlib
import json
import secrets
from dataclasses import replace
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.batches.audit_earlier import Counted, Draw, count, drawn_before
from app.batches.audit_standing import check_waiving, going_on, scope_of
from app.batches.audit_state import CONFIDENCE, Audit, Wish, find, limit_of
from app.batches.audited import SCORES, Unseen, title_of, unseen_of, without_scores
from app.batches.sources import Batched
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.acts import OTHER_ACT, Labeller, check_open, named_taxon
from app.labels.changes import array
from indexer.audit import sample_size

MOST_DRAWN, USUAL_MOST, N_LEAST = 1000, 300, 12


def draw(db: Db, project: Batched, account: Labeller, wish: Wish) -> Audit:
    """An audit with its sample; the one that is still to be judged, where there is one of the same pile and taxon."""
    check_open(project)
    check_wish(db, wish)
    wish = of_source(wish)
    key = key_of(project, wish)
    _check_same(db, project.id, account, wish, key)
    _hold(db, key)
    if (same := going_on(db, account, wish, key)) is not None:
        return find(db, project.id, same)
    found = unseen_of(db, project, account, wish)
    draws = drawn_before(db, key)
    counted = count(db, found, _pile(db, key, wish, found, draws), wish.upto is not None, draws)
    if not len(counted.pile):
        raise Conflict(_nothing(wish))
    limit = limit_of(db, project.id)
    random, least = _choose(wish, counted, limit)
    if not len(random):
        _check_left(db, wish, key)
    _end_open(db, key)
    n_shown = len(counted.known - set(random))
    audit_id = insert(db, project, account, wish, counted.pile, key, counted, limit, n_shown)
    _take_sample(db, audit_id, key, random, least)
    return find(db, project.id, audit_id)


def key_of(project: Batched, wish: Wish) -> dict[str, Any]:
    """What audits of the same have in common."""
    return {"project_id": project.id, "source": wish.source, "source_id": wish.source_id, "taxon_id": wish.taxon_id}


def _hold(db: Db, key: dict[str, Any]) -> None:
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit {sorted(key.items())}"])


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


def of_source(wish: Wish) -> Wish:
    """Of what is found, with the digest of its query for an id. A range of scores is a cut through one and the same
    source, so that raising it little by little starts no audit anew."""
    if wish.source != "found":
        return wish
    query = dict(wish.query or {})
    if not isinstance(query.get("kind"), str):
        raise Refused('An audit of what is found needs its `query`, such as {"kind": "predicted", "taxon_id": 5}.')
    if query["kind"] == "review":
        raise Refused("What a review draws is validated already, so there is nothing to accept. Open it as a batch.")
    digest = hashlib.sha256(json.dumps(without_scores(query), sort_keys=True).encode()).digest()
    return replace(wish, source_id=int.from_bytes(digest[:8], signed=True), query=query)


def _nothing(wish: Wish) -> str:
    if wish.query and any(name in wish.query for name in SCORES):
        return "Nothing that nobody saw has such a score: ask for a lower one."
    return "All of these were seen, or found to be strangers: there is nothing left to accept unseen."


def _pile(db: Db, key: dict[str, Any], wish: Wish, found: Unseen, draws: list[Draw]) -> np.ndarray:
    """What is found, or the likeliest of it. An audit at work that is drawn from once more keeps its pile, and so
    does a cut of which only strangers left: one that was corrected lets none of the less likely in."""
    row = db.execute(
        """
        select state, object_ids
          from audit
         where project_id = %(project_id)s and source = %(source)s and source_id = %(source_id)s
           and taxon_id = %(taxon_id)s and upto is not distinct from %(upto)s
           and coalesce((query -> 'source' ->> 'min_score')::float8, 0) = %(least)s
           and coalesce((query -> 'source' ->> 'max_score')::float8, 1) = %(most)s
           and (upto is not null or state = 'open')
         order by id desc
         limit 1
        """,
        {**key, **scope_of(wish.query, wish.upto)},
    ).fetchone()
    if row is not None and row.state != "accepted":
        before = np.array(row.object_ids, np.int64)
        gone = before[~np.isin(before, found.ids)]
        strangers = [draw.id for draw in draws if draw.is_right is False]
        if len(gone) < len(before) and (row.state == "open" or np.isin(gone, strangers).all()):
            return found.ids[np.isin(found.ids, before)]
    return found.ids[: wish.upto]


def _choose(wish: Wish, counted: Counted, limit: float) -> tuple[list[int], list[int]]:
    """What earlier audits drew and nobody judged comes first: leaving a sample does not shake it off. Then others at
    random, and the least likely of the rest."""
    n_before = len(counted.right) + counted.n_wrong
    n_all = len(counted.pile) + counted.n_wrong
    needed = sample_size(n_all, limit, CONFIDENCE, counted.n_wrong, counted.look) - n_before
    n = min(max(wish.n or min(needed, USUAL_MOST), 1), MOST_DRAWN)
    pool = counted.pile[~np.isin(counted.pile, [*counted.right, *counted.carried])]
    chance = np.random.default_rng(secrets.randbits(128))
    random = chance.choice(pool, min(max(n - len(counted.carried), 0), len(pool)), replace=False).tolist()
    rest = pool[~np.isin(pool, [*random, *counted.known])]
    return [*counted.carried, *random], rest[max(len(rest) - N_LEAST, 0) :].tolist()


def _check_left(db: Db, wish: Wish, key: dict[str, Any]) -> None:
    """An audit at work of which all was judged is not drawn once more."""
    row = db.execute(
        """
        select upto, query -> 'source' as query
          from audit
         where project_id = %(project_id)s and source = %(source)s and source_id = %(source_id)s
           and taxon_id = %(taxon_id)s and state = 'open'
         order by id desc
         limit 1
        """,
        key,
    ).fetchone()
    if row is not None and scope_of(row.query, row.upto) == scope_of(wish.query, wish.upto):
        raise Conflict("All of these were judged already: nothing is left to draw. Accept them, or leave the audit.")


def _end_open(db: Db, key: dict[str, Any]) -> None:
    """One's own audit gives way to the new one, which goes on from it; a colleague's was told before."""
    db.execute(
        """
        update audit
           set state = 'dropped', ended_at = now()
         where project_id = %(project_id)s and source = %(source)s and source_id = %(source_id)s
           and taxon_id = %(taxon_id)s and state in ('open', 'accepting')
        """,
        key,
    )


def check_waiver(db: Db, project: Batched, account: Labeller, wish: Wish) -> None:
    """Nobody's audit of the same is at work, which it would empty."""
    key = key_of(project, wish)
    _hold(db, key)
    check_waiving(db, account, key)


def insert(
    db: Db, project: Batched, account: Labeller, wish: Wish, ids: np.ndarray, key: dict[str, Any],
    counted: Counted | None, limit: float, n_shown: int = 0,
) -> int:  # fmt: skip
    title = title_of(db, project, account, wish.query) if wish.query else ""
    n_wrong = counted.n_wrong if counted else 0
    row = db.execute(
        """
        insert into audit (project_id, client_id, source, source_id, account_id, taxon_id, status, object_ids, upto,
                           look, n_before, n_wrong_before, n_pile, n_shown, limit_share, query)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [
            project.id, wish.client_id, wish.source, key["source_id"], account.id, wish.taxon_id, wish.status,
            array(ids.tolist()), wish.upto, counted.look if counted else 1,
            len(counted.right) + n_wrong if counted else 0, n_wrong, len(ids) + n_wrong, n_shown,
            limit, Jsonb({"source": wish.query, "title": title}) if wish.query else None,
        ],
    ).fetchone()  # fmt: skip
    return int(row.id)


def _take_sample(db: Db, audit_id: int, key: dict[str, Any], random: list[int], least: list[int]) -> None:
    """With what earlier audits of the same know of these: who saw them, and that they were judged right. They keep
    their own rows, which are their record."""
    db.execute(
        """
        insert into audit_object (audit_id, object_id, is_random, is_right, account_id, at, seen_by)
        select %(audit_id)s, given.id, given.is_random, judged.is_right, judged.account_id, judged.at,
               array(select distinct eye
                       from audit_object as drawn
                       join audit on audit.id = drawn.audit_id
                      cross join unnest(drawn.seen_by) as eye
                      where audit.project_id = %(project_id)s and audit.source = %(source)s
                        and audit.source_id = %(source_id)s and audit.taxon_id = %(taxon_id)s
                        and drawn.object_id = given.id)
          from unnest(%(ids)s::bigint[], %(are_random)s::boolean[]) as given (id, is_random)
          left join lateral (select drawn.*
                               from audit_object as drawn
                               join audit on audit.id = drawn.audit_id
                              where audit.project_id = %(project_id)s and audit.source = %(source)s
                                and audit.source_id = %(source_id)s and audit.taxon_id = %(taxon_id)s
                                and drawn.object_id = given.id
                                and drawn.is_right
                              order by drawn.at desc
                              limit 1) as judged on true
        """,
        {
            **key, "audit_id": audit_id, "ids": [*random, *least],
            "are_random": [True] * len(random) + [False] * len(least),
        },
    )  # fmt: skip
