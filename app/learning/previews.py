"""What a learning set would be before it is made: counts before and after, what is rare, what does not fit together."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.errors import Refused
from app.learning import candidates
from app.learning.candidates import Candidates
from app.learning.choices import Choices
from app.learning.fields import Lacking, shared_names
from app.learning.offered import italics, names_of_taxa
from app.search.codes import VALIDATED
from app.search.mirror import open_mirror
from indexer.agreement import Contradiction, compare

RARE = 10  # objects of a taxon, under which held-out figures say little of it
MOST_COMPARED = 6000
MOST_LOOKED_AT = 3_000_000  # objects of the sources, that a page waits for


@dataclass(frozen=True)
class TaxonCount:
    """A taxon that is taught: how many validated objects would teach it, and how many of these the set takes."""

    taxon_id: int
    taxon: str
    italic: bool
    n_before: int
    n: int
    from_taxa: list[str]  # the taxa that appear as it, beside itself


@dataclass(frozen=True)
class SourceTold:
    """A source: its objects in question, how many of them have a vector of the project's embedder, and its own one."""

    id: int
    title: str
    n: int
    n_with_vector: int
    n_unseen: int  # accepted unseen under an audit: left out, unless they are asked for
    embedder: str | None
    has_same_embedder: bool


@dataclass(frozen=True)
class Preview:
    """A set that was not made yet. `n_left_out`: validated objects of taxa that teach nothing."""

    n_before: int
    n: int
    n_left_out: int
    taxa: list[TaxonCount]
    sources: list[SourceTold]
    n_columns: int
    lacking: list[Lacking]

    @property
    def rare(self) -> list[TaxonCount]:
        return [one for one in self.taxa if one.n < RARE]

    @property
    def n_without_vector(self) -> int:
        return sum(one.n - one.n_with_vector for one in self.sources)


@dataclass(frozen=True)
class Disagreement:
    """Objects of `taxon` in one project that lie as near to objects of another taxon in another as to their own."""

    taxon: str
    project: str
    other: str  # what most of the near ones there are
    other_project: str
    n: int  # of `n_compared`
    n_compared: int


@dataclass(frozen=True)
class Comparison:
    """What the projects of a set say of each other, by at most MOST_COMPARED of its objects.

    `n_alike`: objects with a near-duplicate in another project; `n_alike_other`: of these, with another taxon there.
    """

    n_compared: int
    n_alike: int
    n_alike_other: int
    disagreements: list[Disagreement]


def is_too_large(db: Db, source_ids: list[int]) -> bool:
    """Whether sources that one may read hold more than can be looked at while somebody waits."""
    row: Any = db.execute(
        "select coalesce(sum(n), 0) as n from count_delta where project_id = any(%s)", [source_ids]
    ).fetchone()
    return bool(row.n > MOST_LOOKED_AT)


def check_size(db: Db, source_ids: list[int]) -> None:
    if is_too_large(db, source_ids):
        raise Refused(
            f"These projects hold more than {MOST_LOOKED_AT:,} objects, which is more than can be looked at while you"
            " wait. Make the learning set without: a job chooses its objects, and its page tells the balance.",
            status=422,
        )


def preview(db: Db, project: Any, account_id: int | None, choices: Choices) -> Preview:
    """Counted by the labels as they are now. Forbidden where a source may not be read."""
    rows = candidates.readable_sources(db, project.id, account_id, choices.sources)
    check_size(db, [row.id for row in rows])
    found = candidates.find(db, rows, choices, project.embedder_id, account_id, keep_left_out=True)
    taught = found.take(found.taxa != 0)
    taxa = _taxa(db, taught, choices)
    shared, lacking = shared_names(db, [project.id, *(row.id for row in rows)])
    return Preview(
        len(found),
        sum(one.n for one in taxa),
        len(found) - len(taught),
        taxa,
        [_source(db, row, taught, choices, project.embedder_id) for row in rows],
        len(shared),
        lacking,
    )


def _taxa(db: Db, taught: Candidates, choices: Choices) -> list[TaxonCount]:
    ids, counts = np.unique(taught.taxa, return_counts=True)
    pairs = np.unique(np.stack([taught.taxa, taught.own_taxa], 1), axis=0).tolist()
    names = names_of_taxa(db, [taxon for pair in pairs for taxon in pair])
    slanted = italics(db, ids.tolist())
    from_taxa: dict[int, list[str]] = {}
    for taxon, own in pairs:
        if own != taxon:
            from_taxa.setdefault(taxon, []).append(names.get(own, str(own)))
    most = choices.per_taxon or len(taught)
    told = [
        TaxonCount(
            taxon, names.get(taxon, str(taxon)), taxon in slanted, n, min(n, most), sorted(from_taxa.get(taxon, []))
        )
        for taxon, n in zip(ids.tolist(), counts.tolist(), strict=True)
    ]
    return sorted(told, key=lambda one: (-one.n_before, one.taxon.lower()))


def _source(db: Db, row: Any, taught: Candidates, choices: Choices, embedder_id: int | None) -> SourceTold:
    mirror = open_mirror(db, row.id)
    own = taught.project_ids == row.id
    unseen = (mirror.status == VALIDATED) & (mirror.provenance == candidates.UNSEEN)
    has_same = embedder_id is not None and row.embedder_id == embedder_id
    return SourceTold(
        row.id, row.title, int(np.count_nonzero(own)), int(np.count_nonzero(own & taught.has_vector)),
        int(np.count_nonzero(unseen)), row.embedder, has_same,
    )  # fmt: skip


def comparison(db: Db, project: Any, account_id: int | None, choices: Choices) -> Comparison:
    """Of some objects of each taxon and project: what lies in another project where it should not."""
    rows = candidates.readable_sources(db, project.id, account_id, choices.sources)
    check_size(db, [row.id for row in rows])
    found = candidates.find(db, rows, choices, project.embedder_id, account_id)
    some, vectors = _some(db, found.take(found.has_vector), project.embedder_id, choices.seed)
    if not len(some) or len(np.unique(some.project_ids)) < 2:
        return Comparison(len(some), 0, 0, [])
    told = compare(vectors, some.taxa, some.project_ids)
    taxa = names_of_taxa(db, [taxon for one in told.contradictions for taxon in (one.taxon, one.other_taxon)])
    titles = {row.id: row.title for row in rows}
    return Comparison(
        len(some), told.n_alike, told.n_alike_other, [_told(one, taxa, titles) for one in told.contradictions]
    )


def _told(one: Contradiction, taxa: dict[int, str], titles: dict[int, str]) -> Disagreement:
    return Disagreement(
        taxa[one.taxon], titles[one.group], taxa[one.other_taxon], titles[one.other_group], one.n, one.n_compared
    )


def _some(db: Db, found: Candidates, embedder_id: int | None, seed: int) -> tuple[Candidates, np.ndarray]:
    """At most MOST_COMPARED objects, of each project's taxa equally many as far as they go, with their vectors."""
    if not len(found) or embedder_id is None:
        return found.take(np.empty(0, np.int64)), np.empty((0, 1), np.float32)
    places = np.random.default_rng(seed).permutation(len(found))
    kinds = np.unique(np.stack([found.project_ids, found.taxa], 1)[places], axis=0, return_inverse=True)[1]
    order = np.argsort(kinds, kind="stable")
    turns = np.empty(len(places), np.int64)
    turns[order] = np.arange(len(places)) - np.searchsorted(kinds[order], kinds[order])
    some = found.take(np.sort(places[np.argsort(turns, kind="stable")[:MOST_COMPARED]]))
    ids, vectors = candidates.vectors_of(db, some, embedder_id)
    return some.take(np.isin(some.object_ids, ids)), vectors.astype(np.float32)
