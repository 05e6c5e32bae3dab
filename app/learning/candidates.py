"""The validated objects of the sources that a learning set may take, and which of them it takes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.frozen.versions import find as find_version
from app.frozen.versions import mirror_of
from app.learning.choices import Choices
from app.objects.filters import Filter, pairs_in, read_filter
from app.projects.references import READABLE, Source
from app.search.codes import PROVENANCES, VALIDATED
from app.search.mirror import open_mirror
from app.search.vector_ids import vector_ids
from app.search.voters import vectors_in
from indexer.variety import varied

UNSEEN = PROVENANCES.index("audit")
MOST_COMPARED = 4  # times as many as are wanted are drawn, before they are chosen for their variety
FEWEST_COMPARED = 20_000
VECTORS_AT_ONCE = 200_000
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Candidates:
    """Validated objects, by id ascending."""

    object_ids: np.ndarray  # int64
    project_ids: np.ndarray  # int32
    own_taxa: np.ndarray  # int32: as validated
    taxa: np.ndarray  # int32: what they are to teach; 0: left out
    groups: np.ndarray  # int64: their samples
    has_vector: np.ndarray  # bool: by the embedder that was asked about

    def __len__(self) -> int:
        return len(self.object_ids)

    def take(self, rows: np.ndarray) -> "Candidates":
        """Some of them, by places or by a mask."""
        return Candidates(*(getattr(self, one.name)[rows] for one in fields(self)))


def readable_sources(db: Db, home_id: int, account_id: int | None, ids: Iterable[int]) -> list[Any]:
    """Rows (id, title, embedder_id, embedder) of projects, all of which the account may read; the home project it may
    in any case. Forbidden, by name, where one is not open to it any more."""
    wanted = sorted(set(ids))
    rows = db.execute(
        f"""
        select p.id, p.title, p.embedder_id, embedder.name as embedder
        from project p
        left join embedder on embedder.id = p.embedder_id
        where p.id = any(%(ids)s)
          and (p.id = %(home_id)s or {READABLE})
        order by p.id
        """,  # noqa: S608 - a constant
        {"ids": wanted, "home_id": home_id, "account_id": account_id},
    ).fetchall()
    if missing := sorted(set(wanted) - {row.id for row in rows}):
        raise Forbidden(
            f"The {_projects(missing)} cannot be learned from: not there, or not shared with you any more. Leave it"
            " out, or ask one of its managers to add you."
        )
    return rows


def _projects(ids: list[int]) -> str:
    return f"project{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}"


def find(
    db: Db,
    sources: Iterable[Any],
    choices: Choices,
    embedder_id: int | None,
    account_id: int | None,
    keep_left_out: bool = False,
) -> Candidates:
    """All that the choices allow, before any limit; `keep_left_out`: also of taxa that are to teach nothing."""
    parts = [_of_source(db, source, choices, embedder_id, account_id) for source in sources]
    joined = Candidates(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Candidates)))
    ordered = joined.take(np.argsort(joined.object_ids, kind="stable"))
    taught = replace(ordered, taxa=taught_taxa(ordered.own_taxa, choices))
    return taught if keep_left_out else taught.take(taught.taxa != 0)


def _of_source(db: Db, source: Any, choices: Choices, embedder_id: int | None, account_id: int | None) -> Candidates:
    mirror = open_mirror(db, source.id)
    said = mirror
    if source.id in choices.versions:
        said = mirror_of(db, Source(source.id, source.title, embedder_id, number=choices.versions[source.id]), mirror)
    mask = (said.status == VALIDATED) & (said.taxon != 0)
    if not choices.with_unseen:
        mask &= said.provenance != UNSEEN
    filter = conditions(db, source, choices, account_id)
    if filter is not None:
        mask &= mirror.mask(db, filter)
    has_vector = np.zeros(len(mirror), bool)
    if embedder_id is not None:
        has_vector[mirror.ordinals(vector_ids(db, embedder_id, source.id))] = True
    places = np.flatnonzero(mask)
    own = said.taxon[places]
    projects = np.full(len(places), source.id, np.int32)
    return Candidates(mirror.ids[places], projects, own, own, mirror.sample[places], has_vector[places])


def conditions(db: Db, source: Any, choices: Choices, account_id: int | None) -> Filter | None:
    """What the choices ask of the objects of a source; refused where it does not know a condition."""
    if not choices.filters:
        return None
    filter = read_filter(db, source.id, pairs_in(choices.filters), account_id=account_id)
    if wrong := next((chip for chip in filter.chips if chip.invalid), None):
        raise Refused(
            f"In “{source.title}” the condition {wrong.said} cannot be obeyed: {wrong.why}."
            " Take the condition away, or leave that project out.",
            status=422,
        )
    return filter


def taught_taxa(own: np.ndarray, choices: Choices) -> np.ndarray:
    """What each is to teach, int32; 0: it is left out."""
    taxa, rows = np.unique(own, return_inverse=True)
    usual = (lambda taxon: None) if choices.only_listed else (lambda taxon: taxon)
    taught = [choices.taxa.get(taxon, usual(taxon)) or 0 for taxon in taxa.tolist()]
    return np.array(taught, np.int32)[rows] if len(taxa) else np.empty(0, np.int32)


def check_taxa(db: Db, choices: Choices) -> None:
    """Refuse to teach a taxon that is not in the taxonomy."""
    wanted = sorted({taxon for taxon in choices.taxa.values() if taxon is not None})
    known: Any = db.execute(
        "select coalesce(array_agg(id), '{}') as ids from taxon where id = any(%s)", [wanted]
    ).fetchone()
    if missing := sorted(set(wanted) - set(known.ids)):
        raise NotFound(f"The taxonomy has no taxon {', '.join(map(str, missing))} any more: choose another.")


def check_versions(db: Db, choices: Choices) -> None:
    """Refuse versions that the sources do not have."""
    for source_id, number in choices.versions.items():
        find_version(db, source_id, number)


@dataclass(frozen=True)
class _Plan:
    """What is taken of a taxon that has too many: some places at once, and `n` of those drawn, for their variety."""

    taken: np.ndarray
    drawn: np.ndarray
    n: int


def limited(db: Db, found: Candidates, choices: Choices, embedder_id: int | None, report: Report) -> Candidates:
    """At most `per_taxon` of each taxon that is taught.

    Those with a vector come first, unless vectors are to be made for the others: then each kind has its share. Those
    with a vector cover the variety of theirs where that is asked, all others are drawn at random.
    """
    if choices.per_taxon is None:
        return found
    _, rows, sizes = np.unique(found.taxa, return_inverse=True, return_counts=True)
    kept = (sizes <= choices.per_taxon)[rows]
    many = np.flatnonzero(sizes > choices.per_taxon)
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], many)
    plans = [
        _plan(found, order[start : start + sizes[taxon]], choices, embedder_id)
        for taxon, start in zip(many.tolist(), starts.tolist(), strict=True)
    ]
    for plan in plans:
        kept[plan.taken] = True
    done = 0
    for part in _parts([plan for plan in plans if plan.n]):
        ids, vectors = vectors_of(db, found.take(np.concatenate([plan.drawn for plan in part])), embedder_id or 0)
        for plan in part:
            # Many small products: threads would spend more time waiting for each other than working.
            with threadpool_limits(1):
                kept[_chosen(found, plan, ids, vectors, choices.seed)] = True
            done += 1
            report(done, len(plans))
    return found.take(kept)


def _chosen(found: Candidates, plan: _Plan, ids: np.ndarray, vectors: np.ndarray, seed: int) -> np.ndarray:
    """Places of `n` of those drawn, that cover the variety of all of these."""
    there = plan.drawn[np.isin(found.object_ids[plan.drawn], ids)]
    rows = np.searchsorted(ids, found.object_ids[there])
    return there[varied(vectors[rows], plan.n, seed)]


def _plan(found: Candidates, places: np.ndarray, choices: Choices, embedder_id: int | None) -> _Plan:
    wanted = choices.per_taxon or 0
    rng = np.random.default_rng([choices.seed, int(found.taxa[places[0]])])
    with_vector, without = places[found.has_vector[places]], places[~found.has_vector[places]]
    n = min(len(with_vector), wanted)
    if choices.embed_missing:
        n = round(wanted * len(with_vector) / len(places))
    others = rng.choice(without, wanted - n, replace=False)
    if choices.pick == "random" or embedder_id is None or n == len(with_vector):
        return _Plan(np.concatenate([rng.choice(with_vector, n, replace=False), others]), places[:0], 0)
    most = max(MOST_COMPARED * n, FEWEST_COMPARED)
    drawn = with_vector if len(with_vector) <= most else np.sort(rng.choice(with_vector, most, replace=False))
    return _Plan(others, drawn, n)


def _parts(plans: list[_Plan]) -> Iterator[list[_Plan]]:
    """Plans whose vectors are read in one go."""
    part: list[_Plan] = []
    for plan in plans:
        if part and sum(len(one.drawn) for one in part) + len(plan.drawn) > VECTORS_AT_ONCE:
            yield part
            part = []
        part.append(plan)
    if part:
        yield part


def vectors_of(db: Db, some: Candidates, embedder_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids, ascending, and float16 vectors of those that have one: a query for each project."""
    parts = [
        vectors_in(db, Source(project_id, "", embedder_id), some.object_ids[some.project_ids == project_id])
        for project_id in np.unique(some.project_ids).tolist()
    ]
    ids, vectors = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    order = np.argsort(ids)
    return ids[order], vectors[order]
