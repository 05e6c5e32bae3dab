"""What reviews tell of people and taxa: how many labels are wrong, and how far two people agree on the same objects."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.batches.lineages import contradictions, names_of_taxa
from app.batches.review import bounds, words_of, wrong_ones
from app.database import Db
from app.search.codes import VALIDATED
from app.search.mirror import open_mirror


@dataclass(frozen=True)
class ErrorRate:
    """Of one person's labels of a taxon, `n` were drawn at random in all reviews together: so many were judged by
    others, and so many were wrong. Taxon null: of all the person's labels, from reviews of any taxon alone, since a
    review of one taxon says nothing of the others. `low` and `high` hold the share of all these labels that is
    wrong with 95 % confidence, whatever those are that are not judged yet; `share` is null until all are."""

    who_id: int | None
    who: str | None
    taxon_id: int | None
    taxon: str | None
    n: int
    n_judged: int
    n_wrong: int
    n_unjudged: int
    words: str
    share: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """Two people on the same objects: the one validated what the other had validated. `kappa`: Cohen's, null where
    both use one taxon only. `n_blind`: of them, judged with the label hidden."""

    one_id: int
    one: str
    other_id: int
    other: str
    n: int
    n_agreed: int
    n_blind: int
    share: float
    kappa: float | None


def error_rates(db: Db, project_id: int) -> list[ErrorRate]:
    """By person, all taxa together first, then by taxon, the most judged first."""
    rows = db.execute(
        """
        select who_id, account.name as who, of_all, was, now, is_judged, count(*) as n
          from (select distinct on (of_all, drawn.account_id, drawn.object_id)
                       of_all, drawn.account_id as who_id, drawn.taxon_id as was,
                       case when is_said_again then label.taxon_id end as now,
                       is_said_again or drawn.is_sent_back as is_judged
                  from review
                  join (values (true), (false)) as told (of_all) on review.taxon_id is null or not of_all
                  join review_object as drawn on drawn.review_id = review.id
                  join label on label.project_id = review.project_id and label.object_id = drawn.object_id,
                       lateral (select label.version > drawn.version
                                       and label.account_id is distinct from drawn.account_id
                                       and label.status = 'V') as said (is_said_again)
                 where review.project_id = %s
                 order by of_all, drawn.account_id, drawn.object_id, review.id desc) as latest
          left join account on account.id = who_id
         group by 1, 2, 3, 4, 5, 6
        """,
        [project_id],
    ).fetchall()
    wrong = wrong_ones(db, rows)
    told: dict[tuple[Any, Any], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        judged = row.n if row.is_judged else 0
        counts = (row.n, judged, judged if (row.was, row.now) in wrong else 0)
        key = (row.who_id, None if row.of_all else row.was)
        told[key] = [a + b for a, b in zip(told[key], counts, strict=True)]
    people, names = {row.who_id: row.who for row in rows}, names_of_taxa(db, {row.was for row in rows})
    sizes = _sizes(db, project_id) if told else {}
    rates = [
        _rate(who_id, people[who_id], taxon_id, names.get(taxon_id or 0), counts, sizes.get((who_id, taxon_id), 0))
        for (who_id, taxon_id), counts in told.items()
        if counts[1]
    ]
    return sorted(rates, key=lambda one: (one.who or "", one.taxon_id is not None, -one.n_judged, one.taxon or ""))


def _rate(
    who_id: int | None, who: str | None, taxon_id: int | None, taxon: str | None, counts: list[int], n_others: int
) -> ErrorRate:  # fmt: skip
    """`counts`: drawn, of these judged, of these wrong; `n_others`: labels that are still theirs."""
    n, n_judged, n_wrong = counts
    low, high = bounds(n, n_judged, n_wrong, n_judged + n_others)
    share = n_wrong / n_judged if n_judged == n else None
    return ErrorRate(
        who_id, who, taxon_id, taxon, n, n_judged, n_wrong, n - n_judged, words_of(n, n_judged), share, low, high
    )


def _sizes(db: Db, project_id: int) -> dict[tuple[int | None, int | None], int]:
    """How many validated labels each person has, of each taxon and of all."""
    mirror = open_mirror(db, project_id)
    is_validated = mirror.status == VALIDATED
    pairs = np.stack([mirror.account[is_validated], mirror.taxon[is_validated]], axis=1)
    found, n = np.unique(pairs, axis=0, return_counts=True)
    sizes: dict[tuple[int | None, int | None], int] = defaultdict(int)
    for (who, taxon), many in zip(found.tolist(), n.tolist(), strict=True):
        sizes[who or None, taxon] += many
        sizes[who or None, None] += many
    return sizes


def agreements(db: Db, project_id: int) -> list[Agreement]:
    """Every two people of whom one validated again what reviews drew of the other; most objects first. Ancestor and
    descendant do not disagree."""
    rows = db.execute(
        """
        select history.old_account_id as first, act.account_id as second, history.old_taxon_id as was,
               history.new_taxon_id as now, count(*) as n,
               count(*) filter (where batch.query ->> 'hidden' = 'true') as n_blind
          from history
          join act on act.id = history.act_id
          left join batch on batch.id = act.batch_id
         where history.project_id = %s
           and history.old_status = 'V'
           and history.new_status = 'V'
           and history.old_account_id <> act.account_id
           and act.kind in ('label', 'confirm')
           and act.reversed_by is null
           and exists (select
                         from review_object
                         join review on review.id = review_object.review_id
                        where review.project_id = history.project_id
                          and review_object.object_id = history.object_id
                          and review_object.account_id = history.old_account_id)
         group by 1, 2, 3, 4
        """,
        [project_id],
    ).fetchall()
    pairs: dict[tuple[int, int], list[tuple[int, int, int, int]]] = defaultdict(list)
    contrary = contradictions(db, [(row.was, row.now) for row in rows])
    for row in rows:
        now = row.now if (row.was, row.now) in contrary else row.was
        said = (row.was, now) if row.first < row.second else (now, row.was)
        pairs[min(row.first, row.second), max(row.first, row.second)].append((*said, row.n, row.n_blind))
    people = {id for pair in pairs for id in pair}
    names = {row.id: row.name for row in db.execute("select id, name from account where id = any(%s)", [list(people)])}
    told = [_agreement(pair, names, said) for pair, said in pairs.items()]
    return sorted(told, key=lambda one: -one.n)


def _agreement(
    pair: tuple[int, int], names: dict[int, str], said: list[tuple[int, int, int, int]]
) -> Agreement:  # fmt: skip
    n, n_agreed = sum(one[2] for one in said), sum(one[2] for one in said if one[0] == one[1])
    return Agreement(
        pair[0], names.get(pair[0], "?"), pair[1], names.get(pair[1], "?"), n, n_agreed,
        sum(one[3] for one in said), n_agreed / n, cohens_kappa(one[:3] for one in said),
    )  # fmt: skip


def cohens_kappa(counts: Iterable[tuple[int, int, int]]) -> float | None:
    """Agreement beyond chance of (one's category, the other's, how often). Cohen, Educ. Psychol. Meas. 1960."""
    one, other = defaultdict(int), defaultdict(int)  # type: dict[int, int], dict[int, int]
    n = agreed = 0
    for mine, theirs, many in counts:
        one[mine] += many
        other[theirs] += many
        n += many
        agreed += many if mine == theirs else 0
    by_chance = sum(one[category] * other[category] for category in one) / n**2
    return None if by_chance == 1 else (agreed / n - by_chance) / (1 - by_chance)
