"""Review: a random sample of what others validated since the last review, worked as a batch, and what it tells.

A sampled object is judged once somebody else than who labelled it has confirmed or changed its label, or sent it back.
Changed to a taxon outside the lineage of the former one, or sent back, it was wrong; refined, or put under its parent,
it was not. What is judged first is no random part of the sample: until all is, what is left may be right or wrong. To
confirm: what others marked dubious, for somebody else to settle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from app.batches.lineages import branch_of, contradictions, names_of_taxa
from app.batches.sources import Batched, Found, known_args, number_in, source
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.labels.acts import Labeller
from app.labels.changes import array
from app.search.codes import DUBIOUS, VALIDATED
from app.search.mirror import Mirror, open_mirror
from app.taxonomy.names import UNKNOWN_TAXON
from indexer.audit import interval

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Review:
    """What a review tells: of `n` sampled labels, standing for `n_pile`, so many were judged, and so many were wrong.
    Objects that were deleted since are neither of the sample nor of the pile.
    `low` and `high` hold the share of the `n_pile` that is wrong, with 95 % confidence: while some of the sample are
    not judged, from all of these being right to all being wrong, and `share` is null. All are until one is judged."""

    id: int
    account: str | None
    who_id: int | None
    who: str | None
    taxon_id: int | None
    taxon: str | None
    n: int
    n_pile: int
    n_judged: int
    n_wrong: int
    n_unjudged: int
    words: str
    share: float | None
    low: float | None
    high: float | None
    since: datetime | None
    hidden: bool  # the reviewer did not see the labels
    made_at: datetime


@source("review", "a review")
def find_sample(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """A random sample of labels that others validated since the last review of the same person and taxon. `hidden`: the
    batch does not show what they were validated as."""
    known_args(args, "who", "taxon_id", "all", "hidden")
    _check_manager(db, project, account)
    who, taxon_id = _id_in(args, "who"), _id_in(args, "taxon_id")
    if who == account.id:
        raise Refused("Your own labels are for others to review: name somebody else, or nobody for all the others.")
    since = None if args.get("all") else _last_review(db, project.id, who, taxon_id)
    mirror = open_mirror(db, project.id)
    kept = (mirror.status == VALIDATED) & _theirs(mirror, account.id, who) & _of_taxon(db, mirror, taxon_id)
    if since is not None:
        kept &= given_since(db, mirror, since)
    places = np.flatnonzero(kept)
    chance = np.random.default_rng()
    chosen = chance.choice(places, min(limit, len(places)), replace=False)
    ids = mirror.ids[chosen]
    title = _title(db, "Review", who, taxon_id)
    _keep(db, project.id, account.id, who, taxon_id, since, ids, len(places), bool(args.get("hidden")))
    return Found(ids, title=title, opens_marked=False, ranked=False)


@source("to_confirm", "what others doubt")
def find_doubts(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Objects that others marked dubious, of a person or a taxon; the latest first."""
    known_args(args, "who", "taxon_id")
    who, taxon_id = _id_in(args, "who"), _id_in(args, "taxon_id")
    mirror = open_mirror(db, project.id)
    kept = (mirror.status == DUBIOUS) & _theirs(mirror, account.id, who) & _of_taxon(db, mirror, taxon_id)
    places = np.flatnonzero(kept)
    latest = places[np.argsort(-mirror.at[places], kind="stable")[:limit]]
    title = _title(db, "To confirm", who, taxon_id)
    return Found(mirror.ids[latest], title=title, opens_marked=False, ranked=False)


def list_reviews(db: Db, project_id: int, limit: int = 100, taxon_id: int | None = None) -> list[Review]:
    """The latest first, each with what it tells now. `taxon_id`: those of just this taxon."""
    rows = db.execute(
        """
        select review.id, account.name as account, who, whose.name as whose, review.taxon_id,
               taxon.display_name as taxon, n_pile - n_gone as n_pile, since, hidden, review.made_at, n
          from review
         cross join lateral (
               select count(*) filter (where object.id is not null) as n,
                      count(*) filter (where object.id is null) as n_gone
                 from review_object as drawn
                 left join object on object.project_id = review.project_id and object.id = drawn.object_id
                where drawn.review_id = review.id) as sample
          left join account on account.id = review.account_id
          left join account as whose on whose.id = review.who
          left join taxon on taxon.id = review.taxon_id
         where review.project_id = %(project_id)s
           and (%(taxon_id)s::int is null or review.taxon_id = %(taxon_id)s)
         order by review.id desc
         limit %(limit)s
        """,
        {"project_id": project_id, "taxon_id": taxon_id, "limit": limit},
    ).fetchall()
    judged = _judged(db, project_id, [row.id for row in rows])
    return [_review(row, *judged.get(row.id, (0, 0))) for row in rows]


def _judged(db: Db, project_id: int, review_ids: list[int]) -> dict[int, tuple[int, int]]:
    """By review: how many labels somebody else validated again or sent back since, and how many were wrong."""
    rows = db.execute(
        """
        select review_id, drawn.taxon_id as was, case when is_said_again then label.taxon_id end as now, count(*) as n
          from review_object as drawn
          join label on label.project_id = %s and label.object_id = drawn.object_id,
               lateral (select label.version > drawn.version
                               and label.account_id is distinct from drawn.account_id
                               and label.status = 'V') as said (is_said_again)
         where review_id = any(%s::bigint[])
           and (is_said_again or drawn.is_sent_back)
         group by 1, 2, 3
        """,
        [project_id, array(review_ids)],
    ).fetchall()
    wrong = wrong_ones(db, rows)
    told: dict[int, tuple[int, int]] = {}
    for row in rows:
        n_judged, n_wrong = told.get(row.review_id, (0, 0))
        told[row.review_id] = (n_judged + row.n, n_wrong + (row.n if (row.was, row.now) in wrong else 0))
    return told


def wrong_ones(db: Db, rows: Sequence[Any]) -> set[tuple[int, int | None]]:
    """Of what labels were, and what others say (`now`; null: they sent it back), the pairs that say: it was wrong."""
    said_again = contradictions(db, [(row.was, row.now) for row in rows if row.now is not None])
    return {(row.was, row.now) for row in rows if row.now is None or (row.was, row.now) in said_again}


def bounds(n: int, n_judged: int, n_wrong: int, n_pile: int) -> tuple[float, float]:
    """Of the share that is wrong, at 95 % confidence, whatever the unjudged of `n` random draws are."""
    n_pile = max(n_pile, n)
    low, high = interval(n, n_wrong, n_pile, CONFIDENCE), interval(n, n_wrong + n - n_judged, n_pile, CONFIDENCE)
    return low[0], high[1]


def words_of(n: int, n_judged: int) -> str:
    """What the figures lack; empty where they lack nothing."""
    if n_judged == n:
        return ""
    return f"{n - n_judged:,} of {n:,} not judged yet: they may hold more errors; the interval holds once all are"


def _review(row: Any, n_judged: int, n_wrong: int) -> Review:
    low, high = bounds(row.n, n_judged, n_wrong, row.n_pile) if n_judged else (None, None)
    share = n_wrong / n_judged if n_judged and n_judged == row.n else None
    return Review(
        row.id, row.account, row.who, row.whose, row.taxon_id, row.taxon, row.n, row.n_pile, n_judged, n_wrong,
        row.n - n_judged, words_of(row.n, n_judged) if n_judged else "", share, low, high, row.since, row.hidden,
        row.made_at,
    )  # fmt: skip


def _check_manager(db: Db, project: Batched, account: Labeller) -> None:
    row = db.execute(
        """
        select account.is_application_manager or coalesce(member.role = 'manager', false) as manages
          from account
          left join member on member.project_id = %s and member.account_id = account.id
         where account.id = %s
        """,
        [project.id, account.id],
    ).fetchone()
    if row is None or not row.manages:
        raise Forbidden("Reviews are for managers of the project. What others doubt you may settle.")


def _id_in(args: dict[str, Any], name: str) -> int | None:
    return int(number_in(args, name)) if args.get(name) is not None else None


def _theirs(mirror: Mirror, account_id: int, who: int | None) -> np.ndarray:
    """Labels of one person, or of anybody but oneself."""
    return mirror.account == who if who is not None else mirror.account != account_id


def given_since(db: Db, mirror: Mirror, moment: datetime) -> np.ndarray:
    """bool by ordinal: labels that are later than a moment. The mirror knows their second, the database the rest."""
    second = int(moment.timestamp())
    since = mirror.at > second
    asked = mirror.ids[mirror.at == second]
    if len(asked):
        rows = db.execute(
            "select object_id from label where project_id = %s and object_id = any(%s::bigint[]) and at > %s",
            [mirror.project_id, array(asked.tolist()), moment],
        )
        since[mirror.ordinals(np.array([row.object_id for row in rows], np.int64))] = True
    return since


def _of_taxon(db: Db, mirror: Mirror, taxon_id: int | None) -> np.ndarray:
    return np.isin(mirror.taxon, branch_of(db, taxon_id)) if taxon_id else np.ones(len(mirror), bool)


def _last_review(db: Db, project_id: int, who: int | None, taxon_id: int | None) -> datetime | None:
    row = db.execute(
        """
        select max(made_at)
          from review
         where project_id = %s
           and who is not distinct from %s
           and taxon_id is not distinct from %s
        """,
        [project_id, who, taxon_id],
    ).fetchone()
    return row[0] if row else None


def _keep(
    db: Db,
    project_id: int,
    account_id: int,
    who: int | None,
    taxon_id: int | None,
    since: datetime | None,
    ids: np.ndarray,
    n_pile: int,
    hidden: bool,
) -> None:
    """The sample, with the labels as they stand now."""
    db.execute(
        """
        with made as (
            insert into review (project_id, account_id, who, taxon_id, since, n_pile, hidden)
            values (%(project_id)s, %(account_id)s, %(who)s, %(taxon_id)s, %(since)s, %(n_pile)s, %(hidden)s)
            returning id
        )
        insert into review_object (review_id, object_id, taxon_id, account_id, version)
        select made.id, label.object_id, label.taxon_id, label.account_id, label.version
          from made
          join label on label.project_id = %(project_id)s and label.object_id = any(%(ids)s::bigint[])
         where label.status = 'V'
        """,
        {
            "project_id": project_id, "account_id": account_id, "who": who, "taxon_id": taxon_id, "since": since,
            "n_pile": n_pile, "hidden": hidden, "ids": array(ids.tolist()),
        },
    )  # fmt: skip


def _title(db: Db, words: str, who: int | None, taxon_id: int | None) -> str:
    if taxon_id:
        name = names_of_taxa(db, [taxon_id]).get(taxon_id)
        if name is None:
            raise NotFound(UNKNOWN_TAXON)
        words += f": {name}"
    if who is not None:
        row = db.execute("select name from account where id = %s", [who]).fetchone()
        if row is None:
            raise NotFound("There is no such person: choose one of those who labelled in this project.")
        words += f", by {row.name}"
    return words
