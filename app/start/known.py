"""Ways that start from what is labelled already: matches to it, what is unlike all of it, and what may be wrong in it.

Counted in a random sample of the graph of neighbours, so that a million objects take no longer than some thousand.
"""

from dataclasses import dataclass

import numpy as np

from app.batches.lineages import names_of_taxa
from app.errors import Conflict, Refused
from app.search.codes import PREDICTED, UNCLASSIFIED, VALIDATED
from app.search.graph import ProjectGraph, open_graph, parents, validated_labels
from app.start.way import Look, Way, rounded, spread
from indexer.matches import Spoken, spoken_for
from indexer.suspects import FEWEST_VOTES, Kinship

SAMPLE = 4000
SEED = 1
FEWEST_LABELLED = 30
MOST_MATCHES = 3
PRIOR, PRIOR_WEIGHT = 0.6, 6.0
NOVEL_PURITY = 0.3  # of what stands together in a batch of novelties


@dataclass(frozen=True)
class Sample:
    """Some rows of the graph: what their neighbours say, and how many rows each stands for."""

    rows: np.ndarray
    spoken: Spoken
    stands_for: float

    @property
    def is_part(self) -> bool:
        return self.stands_for > 1


def known_ways(look: Look) -> list[Way]:
    """None where nothing can be compared, or too little is labelled."""
    if np.count_nonzero(look.mirror.status == VALIDATED) < FEWEST_LABELLED:
        return []
    if look.is_embedding:
        return []  # the graph would be made anew for every look, from vectors that are still being made
    try:
        graph = open_graph(look.db, look.project)
    except (Conflict, Refused):
        return []  # the graph is still being made, or there are no vectors
    labels = validated_labels(graph, look.mirror)
    unlabelled = np.isin(look.mirror.status, (UNCLASSIFIED, PREDICTED))
    open_ones = _sampled(graph, labels, np.flatnonzero(graph.rows.column(look.mirror, unlabelled)))
    known = _sampled(graph, labels, np.flatnonzero(labels))
    kin = Kinship(labels, parents(look.db, labels[labels > 0]))
    return [
        *_matches(look, graph, open_ones, _purities(labels, known, kin)),
        *_novelties(look, graph, open_ones),
        *_mistakes(look, graph, labels, known, kin),
    ]


def _sampled(graph: ProjectGraph, labels: np.ndarray, rows: np.ndarray) -> Sample:
    n = len(rows)
    if n > SAMPLE:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, SAMPLE, replace=False))
    return Sample(rows, spoken_for(graph.graph, labels, rows), n / max(len(rows), 1))


def _purities(labels: np.ndarray, known: Sample, kin: Kinship) -> dict[int, float]:
    """How often the neighbours are right about objects whose label is known, by what they say; under 0: in all."""
    said, enough = known.spoken.label, known.spoken.enough
    own, told = kin.codes(labels[known.rows]), kin.codes(said)
    right = ((labels[known.rows] == said) | kin.above[own, told])[enough]
    overall = (right.sum() + PRIOR_WEIGHT * PRIOR) / (len(right) + PRIOR_WEIGHT)
    taxa, group = np.unique(said[enough], return_inverse=True)
    n, n_right = np.bincount(group, minlength=len(taxa)), np.bincount(group, right, len(taxa))
    purity = (n_right + PRIOR_WEIGHT * overall) / (n + PRIOR_WEIGHT)
    return {0: float(overall), **dict(zip(taxa.tolist(), purity.tolist(), strict=True))}


def _matches(look: Look, graph: ProjectGraph, open_ones: Sample, purities: dict[int, float]) -> list[Way]:
    """The taxa of which the most right ones an hour can be picked up."""
    enough = open_ones.spoken.enough
    rows, said, agreement = (
        part[enough] for part in (open_ones.rows, open_ones.spoken.label, open_ones.spoken.agreement)
    )
    taxa, group = np.unique(said, return_inverse=True)
    names = names_of_taxa(look.db, taxa.tolist())
    ways = []
    for k, taxon_id in enumerate(taxa.tolist()):
        of_it = rows[group == k][np.argsort(-agreement[group == k], kind="stable")]
        n, purity = rounded(len(of_it) * open_ones.stands_for), purities.get(taxon_id, purities[0])
        if taxon_id not in names:
            continue
        ways.append(
            Way(
                "matches", f"Like what is {names[taxon_id]}", f"{100 * purity:.0f} % of such are right", n,
                look.per_hour("stragglers", n, purity), purity, open_ones.is_part,
                source={"kind": "stragglers", "taxon_id": taxon_id}, taxon_id=taxon_id, taxon=names[taxon_id],
                ids=spread(np.asarray(graph.ids)[of_it[:100]]),
            )
        )  # fmt: skip
    return sorted(ways, key=lambda way: -(way.per_hour or 0))[:MOST_MATCHES]


def _novelties(look: Look, graph: ProjectGraph, open_ones: Sample) -> list[Way]:
    """What has not one labelled neighbour."""
    rows = open_ones.rows[open_ones.spoken.n_labelled == 0]
    if not len(rows):
        return []
    n = rounded(len(rows) * open_ones.stands_for)
    return [
        Way(
            "novelties", "Unlike anything known", "no label is near them: new classes are found here", n,
            look.per_hour("novelties", 1 / NOVEL_PURITY, NOVEL_PURITY), NOVEL_PURITY, open_ones.is_part,
            source={"kind": "novelties"}, ids=spread(np.asarray(graph.ids)[rows]),
        )
    ]  # fmt: skip


def _mistakes(look: Look, graph: ProjectGraph, labels: np.ndarray, known: Sample, kin: Kinship) -> list[Way]:
    """Validated objects whose neighbours agree on something else than they are."""
    own, told = kin.codes(labels[known.rows]), kin.codes(known.spoken.label)
    others = known.spoken.enough & (known.spoken.n_labelled >= FEWEST_VOTES) & ~kin.related[own, told]
    rows = known.rows[others]
    if not len(rows):
        return []
    return [
        Way(
            "mistakes", "Likely mistakes", "labels with which the neighbours disagree, to be looked at again",
            rounded(len(rows) * known.stands_for), about=known.is_part, url=f"/projects/{look.project.id}/mistakes",
            ids=spread(np.asarray(graph.ids)[rows]),
        )
    ]  # fmt: skip
