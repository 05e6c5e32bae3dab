"""How many of a taxon are still out there: random probes of what is unlabelled and was never shown for it.

Two parts are drawn from, what the neighbours say belongs to it and all the rest, each at random; what was chosen for
its likeness counts for nothing here. The estimate is of the moment of the draw (indexer/audit.py: remaining). A probe
that belongs is labelled, one that does not is refused: neither is drawn again.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from app.batches import refusals
from app.batches.graph_sources import shown_ids
from app.batches.lineages import branch_of, names_of_taxa
from app.batches.plain_sources import UNSETTLED
from app.batches.sources import Batched
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels import acts, changes
from app.labels.acts import OTHER_ACT, Act, InBatch, Labeller, check_open, named_taxon
from app.labels.changes import array, state_token
from app.search import graph
from app.search.mirror import Mirror, open_mirror
from app.taxonomy.names import UNKNOWN_TAXON
from indexer.audit import remaining

USUAL, MOST = 100, 500
SOME_SAY_SO = 0.2  # of the neighbours: what is drawn from apart, since most of what is left lies there
MOST_SAY_SO = 0.5
# Of a probe's object `drawn`: what was deleted before it was judged is not of the probe.
IS_THERE = "exists (select from object where object.project_id = probe.project_id and object.id = drawn.object_id)"
NO_PROBE = "This project has no such probe. The page of stragglers lists those that were drawn."
UNSEEN = "You have not seen {n} of the probes yet: scroll to them. A program reports what it saw under …/seen."


@dataclass(frozen=True)
class Probe:
    """`n_likely` and `n_other`: what was out there in both parts. `estimate`, with `low` and `high` at 95 % confidence,
    of how many of these belong to the taxon beside the ones found; null until all that was drawn is judged."""

    id: int
    taxon_id: int
    taxon: str
    n_likely: int
    n_other: int
    n: int
    n_judged: int
    n_found: int
    estimate: float | None
    low: int | None
    high: int | None
    words: str
    account: str | None
    made_at: datetime
    ids: list[int]  # in the order of the screen
    open_ids: list[int]  # not judged yet
    found_ids: list[int]


@dataclass(frozen=True)
class OutThere:
    """What is unlabelled and was never shown for the taxon, and how much of it its neighbours say belongs to it."""

    taxon_id: int
    taxon: str
    n_unshown: int
    n_stragglers: int
    probe: Probe | None


def out_there(db: Db, project: Batched, taxon_id: int) -> OutThere:
    name = _name(db, taxon_id)
    mirror = open_mirror(db, project.id)
    mask = _unshown(db, project, mirror, taxon_id)
    stragglers = _likely(db, project, mirror, taxon_id, mask, MOST_SAY_SO)
    found = read(db, project.id, taxon_id=taxon_id, limit=1)
    return OutThere(taxon_id, name, int(mask.sum()), len(stragglers), found[0] if found else None)


def draw(db: Db, project: Batched, account: Labeller, client_id: UUID, taxon_id: int, n: int = USUAL) -> Probe:
    """Half of them from the likely part, as far as it has so many. One that is not judged yet goes on."""
    check_open(project)
    name = _name(db, taxon_id)
    if not 1 <= n <= MOST:
        raise Refused(f"A probe draws between 1 and {MOST} objects.")
    named_taxon(db, taxon_id)
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"probe {project.id} {taxon_id}"])
    if (going_on := _going_on(db, project.id, account.id, client_id, taxon_id)) is not None:
        return find(db, project.id, going_on)
    mirror = open_mirror(db, project.id)
    mask = _unshown(db, project, mirror, taxon_id)
    likely = _likely(db, project, mirror, taxon_id, mask, SOME_SAY_SO)
    other = mirror.ids[mask]
    other = other[~np.isin(other, likely)]
    if not len(likely) + len(other):
        raise Conflict(f"Everything here is labelled, or was shown for {name}: nothing is left to probe.")
    chance = np.random.default_rng(secrets.randbits(128))
    n_likely = min(max(n // 2, n - len(other)), len(likely))
    drawn = [
        (int(id), is_likely)
        for ids, k, is_likely in ((likely, n_likely, True), (other, min(n - n_likely, len(other)), False))
        for id in chance.choice(ids, k, replace=False)
    ]
    return _keep(db, project.id, account.id, client_id, taxon_id, (len(likely), len(other)), drawn)


def _going_on(db: Db, project_id: int, account_id: int, client_id: UUID, taxon_id: int) -> int | None:
    """The probe that came with this id, else one of the taxon of which something is left to be judged."""
    sent = db.execute(
        "select id, taxon_id, account_id from probe where project_id = %s and client_id = %s", [project_id, client_id]
    ).fetchone()
    if sent is not None and (sent.taxon_id, sent.account_id) != (taxon_id, account_id):
        raise Conflict(OTHER_ACT)
    if sent is not None:
        return int(sent.id)
    row = db.execute(
        f"""
        select probe.id
          from probe
         where project_id = %s
           and taxon_id = %s
           and exists (select
                         from probe_object as drawn
                        where probe_id = probe.id
                          and belongs is null
                          and {IS_THERE})
         order by id desc
         limit 1
        """,  # noqa: S608 (constant)
        [project_id, taxon_id],
    ).fetchone()
    return None if row is None else int(row.id)


def _keep(
    db: Db, project_id: int, account_id: int, client_id: UUID, taxon_id: int, sizes: tuple[int, int],
    drawn: list[tuple[int, bool]],
) -> Probe:  # fmt: skip
    row = db.execute(
        """
        with made as (
            insert into probe (project_id, client_id, account_id, taxon_id, n_likely, n_other)
            values (%s, %s, %s, %s, %s, %s)
            returning id
        ),
        drawn as (
            insert into probe_object (probe_id, object_id, is_likely)
            select made.id, given.id, is_likely
              from made, unnest(%s::bigint[], %s::boolean[]) as given (id, is_likely)
        )
        select id from made
        """,
        [project_id, client_id, account_id, taxon_id, *sizes, [id for id, _ in drawn], [part for _, part in drawn]],
    ).fetchone()
    return find(db, project_id, row.id)


def note_seen(db: Db, project_id: int, account: Labeller, probe_id: int, ids: list[int]) -> None:
    """Probes that were painted in the window for 300 ms: that one person has seen them says nothing of another."""
    _check_drawn(find(db, project_id, probe_id), ids)
    db.execute(
        """
        update probe_object
           set seen_by = seen_by || %(account_id)s::int
         where probe_id = %(probe_id)s
           and object_id = any(%(ids)s::bigint[])
           and not %(account_id)s = any(seen_by)
        """,
        {"account_id": account.id, "probe_id": probe_id, "ids": array(ids)},
    )


def _check_drawn(probe: Probe, ids: list[int]) -> None:
    if unknown := [id for id in ids if id not in set(probe.ids)]:
        raise Refused(f"Object {unknown[0]} was not drawn by this probe. Reload to see what was.")


def judge(db: Db, project: Batched, account: Labeller, probe_id: int, belonging: list[int], others: list[int]) -> Probe:
    """Those that belong are labelled, the others refused for the taxon: an act each."""
    check_open(project)
    # Two people who judge the same probes take turns, so that each is judged once.
    db.execute("select from probe where project_id = %s and id = %s for no key update", [project.id, probe_id])
    probe = find(db, project.id, probe_id)
    _check_drawn(probe, [*belonging, *others])
    if both := set(belonging) & set(others):
        raise Refused(f"Object {min(both)} cannot belong and be among the others at once. Name it in one of both.")
    belonging, others = list(dict.fromkeys(belonging)), list(dict.fromkeys(others))
    if n := len({*belonging, *others} - set(probe.open_ids)):
        raise Conflict(
            f"{n} of these probes {'is' if n == 1 else 'are'} judged already. Reload to see what is left, or draw a "
            "new probe. What was said wrongly is undone under Acts."
        )
    done = db.execute(
        """
        update probe_object
           set belongs = object_id = any(%(belonging)s::bigint[]), account_id = %(account_id)s, at = now()
         where probe_id = %(probe_id)s
           and object_id = any(%(all)s::bigint[])
           and %(account_id)s = any(seen_by)
        """,
        {"belonging": array(belonging), "all": array(belonging + others), "probe_id": probe_id,
         "account_id": account.id},
    ).rowcount  # fmt: skip
    if done < len(belonging) + len(others):
        raise Conflict(UNSEEN.format(n=len(belonging) + len(others) - done))
    _say(db, project, account, probe, belonging, others)
    return find(db, project.id, probe_id)


def _say(
    db: Db, project: Batched, account: Labeller, probe: Probe, belonging: list[int], others: list[int]
) -> None:  # fmt: skip
    place = InBatch(None, {"of_probe": probe.id})
    if belonging:
        seen = changes.seen_states(db, project.id, belonging)
        ids = [id for id in belonging if id in seen]
        states = [state_token(seen[id].version, seen[id].status, seen[id].run_id) for id in ids]
        if ids:
            acts.apply(db, project, account, Act(uuid4(), "label", ids, states, probe.taxon_id, "V", "batch"), place)
    if others:
        act_id = acts.begin(
            db, project.id, account.id, uuid4(), "not_this", probe.taxon_id, None, "batch", place
        )  # fmt: skip
        refusals.add(db, project.id, act_id or 0, account.id, [(id, probe.taxon_id) for id in others])
        acts.finish(db, project.id, account.id, act_id or 0, [], [], n_refusals=len(others))


def find(db: Db, project_id: int, probe_id: int) -> Probe:
    found = read(db, project_id, probe_id=probe_id)
    if not found:
        raise NotFound(NO_PROBE)
    return found[0]


def read(
    db: Db, project_id: int, *, probe_id: int | None = None, taxon_id: int | None = None, limit: int = 50
) -> list[Probe]:
    """Probes of a project, the latest first."""
    rows = db.execute(
        f"""
        select probe.*, taxon.display_name as taxon, account.name as account,
               array(select json_build_array(object_id, is_likely, belongs)
                       from probe_object as drawn
                      where probe_id = probe.id
                        and (belongs is not null or {IS_THERE})
                      order by hashint8(object_id)) as drawn
          from probe
          join taxon on taxon.id = probe.taxon_id
          left join account on account.id = probe.account_id
         where probe.project_id = %(project_id)s
           and (%(probe_id)s::bigint is null or probe.id = %(probe_id)s)
           and (%(taxon_id)s::int is null or probe.taxon_id = %(taxon_id)s)
         order by probe.id desc
         limit %(limit)s
        """,  # noqa: S608 (constant)
        {"project_id": project_id, "probe_id": probe_id, "taxon_id": taxon_id, "limit": limit},
    )
    return [_probe(row) for row in rows]


def _probe(row: Any) -> Probe:
    found = [id for id, _, belongs in row.drawn if belongs]
    left = [id for id, _, belongs in row.drawn if belongs is None]
    strata = [
        (size, sum(part == is_likely for _, part, _ in row.drawn),
         sum(part == is_likely and bool(belongs) for _, part, belongs in row.drawn))
        for size, is_likely in ((row.n_likely, True), (row.n_other, False))
        if size
    ]  # fmt: skip
    told = None if left else remaining(strata)
    where = f"of {row.n_likely:,} near to it", f"of {row.n_other:,} others" if row.n_likely else f"of {row.n_other:,}"
    places = [words for words, size in zip(where, (row.n_likely, row.n_other), strict=True) if size]
    drawn = " and ".join(f"{n:,} {place}" for (_, n, _), place in zip(strata, places, strict=True))
    words = f"drawn at random, of what is unlabelled and was never shown: {drawn}"
    if told:
        belonged = " and ".join(
            f"{n_found:,} of {n:,} drawn {place}" for (_, n, n_found), place in zip(strata, places, strict=True)
        )
        words = (
            f"about {told.estimate:,.0f} still out there, between {told.low:,} and {told.high:,} at 95 % confidence: "
            f"{belonged} belonged"
        )
    return Probe(
        row.id, row.taxon_id, row.taxon, row.n_likely, row.n_other, len(row.drawn), len(row.drawn) - len(left),
        len(found), told.estimate if told else None, told.low if told else None, told.high if told else None, words,
        row.account, row.made_at, [id for id, _, _ in row.drawn], left, found,
    )  # fmt: skip


def _name(db: Db, taxon_id: int) -> str:
    name = names_of_taxa(db, [taxon_id]).get(taxon_id)
    if name is None:
        raise NotFound(UNKNOWN_TAXON)
    return name


def _unshown(db: Db, project: Batched, mirror: Mirror, taxon_id: int) -> np.ndarray:
    """bool by ordinal: unlabelled, not refused for the taxon, and never seen in a batch that expected it."""
    mask = mirror.mask(db, UNSETTLED).copy()
    for known in (refusals.refused_ids(db, mirror, taxon_id), shown_ids(db, project.id, taxon_id)):
        mask[mirror.ordinals(known)] = False
    return mask


def _likely(
    db: Db, project: Batched, mirror: Mirror, taxon_id: int, mask: np.ndarray, least: float
) -> np.ndarray:  # fmt: skip
    """Where no graph of neighbours is there, nothing is likelier than the rest."""
    try:
        return graph.left_over(db, project, mirror, branch_of(db, taxon_id), mask, least)[0]
    except (Refused, Conflict):
        return np.empty(0, np.int64)
