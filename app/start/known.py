"""Ways that start from what is labelled already: matches to it, what is unlike all of it, and what may be wrong in it.

Counted in a random sample of the graph of neighbours, so that a million objects take no longer than some thousand.
"""

from dataclasses import dataclass

import numpy as np

from app.batches.graph_sources import known_elsewhere
from app.batches.lineages import names_in_use
from app.errors import Conflict, Refused
from app.search.codes import PREDICTED, UNCLASSIFIED, VALIDATED
from app.search.graph import ProjectGraph, open_graph, parents, validated_labels
from app.start.judged import Judged, judged, purity_of
from app.start.way import Look, Way, rounded, spread
from indexer.matches import Spoken, spoken_for
from indexer.suspects import FEWEST_VOTES, Kinship, unlike_known

SAMPLE = 4000
SEED = 1
FEWEST_LABELLED = 30
MOST_MATCHES = 3
MOST_WEIGHED = 12  # taxa of which the most is out there
FEW = 50  # objects, below which how many are right is only perhaps so
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

    def counted(self, n: int) -> int:
        """How many there are in all of what `n` rows of the sample are."""
        return rounded(n * self.stands_for) if self.is_part else n


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
        *_matches(look, graph, open_ones, kin, _known_right(labels, known, kin)),
        *_novelties(look, graph, open_ones),
        *_mistakes(look, graph, labels, known, kin),
    ]


def _sampled(graph: ProjectGraph, labels: np.ndarray, rows: np.ndarray) -> Sample:
    n = len(rows)
    if n > SAMPLE:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, SAMPLE, replace=False))
    return Sample(rows, spoken_for(graph.graph, labels, rows), n / max(len(rows), 1))


def _known_right(labels: np.ndarray, known: Sample, kin: Kinship) -> dict[int, tuple[int, int]]:
    """How often the neighbours are right about objects whose label is known, by what they say: so many of so many."""
    said, enough = known.spoken.label, known.spoken.enough
    own, told = kin.codes(labels[known.rows]), kin.codes(said)
    right = ((labels[known.rows] == said) | kin.above[own, told])[enough]
    taxa, group = np.unique(said[enough], return_inverse=True)
    n, n_right = np.bincount(group, minlength=len(taxa)), np.bincount(group, right, len(taxa)).astype(int)
    return dict(zip(taxa.tolist(), zip(n_right.tolist(), n.tolist(), strict=True), strict=True))


def _matches(
    look: Look, graph: ProjectGraph, open_ones: Sample, kin: Kinship, right: dict[int, tuple[int, int]]
) -> list[Way]:
    """The taxa of which the most right ones an hour can be picked up; what is below a taxon is of it."""
    spoken, enough = open_ones.spoken, open_ones.spoken.enough
    taxa, n = np.unique(spoken.label[enough], return_counts=True)
    likely = taxa[np.argsort(-n, kind="stable")][:MOST_WEIGHED].tolist()
    names, said = names_in_use(look.db, likely), judged(look, likely, "stragglers")
    found = []
    for taxon_id in likely:
        branch = [one for one in kin.taxa.tolist() if _is_of(kin, np.array([one]), taxon_id)[0]]
        known = tuple(sum(part) for part in zip(*(right.get(one, (0, 0)) for one in branch), strict=True))
        mine = enough & _is_of(kin, spoken.label, taxon_id)
        if taxon_id in names:
            found.append(_match(look, graph, open_ones, mine, taxon_id, names[taxon_id], known, said[taxon_id]))
    return sorted((way for way in found if way), key=lambda way: -(way.per_hour or 0))[:MOST_MATCHES]


def _is_of(kin: Kinship, labels: np.ndarray, taxon_id: int) -> np.ndarray:
    return (labels == taxon_id) | kin.above[kin.codes(labels), kin.codes(np.array(taxon_id))]


def _match(
    look: Look, graph: ProjectGraph, sample: Sample, mine: np.ndarray, taxon_id: int, name: str,
    right: tuple[int, ...], said: Judged,
) -> Way | None:  # fmt: skip
    """Of `mine` in the sample. None where everything was shown or refused."""
    ids, agreement = np.asarray(graph.ids)[sample.rows[mine]], sample.spoken.agreement[mine]
    is_left = ~np.isin(ids, said.gone)
    if not is_left.any():
        return None
    n_known = right[1] + int(np.count_nonzero(np.isin(ids, said.refused)))
    purity = purity_of(right[0], n_known, float(agreement[is_left].mean()), said)
    n = sample.counted(int(np.count_nonzero(is_left)))
    surest = ids[is_left][np.argsort(-agreement[is_left], kind="stable")][:100]
    return Way(
        "matches", f"Stragglers of {name}", _says(purity, n_known, said), n, look.per_hour("stragglers", n, purity),
        purity, sample.is_part, source={"kind": "stragglers", "taxon_id": taxon_id}, taxon_id=taxon_id, taxon=name,
        ids=spread(surest),
    )  # fmt: skip


def _says(purity: float, n_known: int, said: Judged) -> str:
    """How sure it is goes before it; what was looked at goes after it."""
    words = f"{'perhaps ' if n_known + said.n < FEW else ''}{100 * purity:.0f} % of them"
    return (
        f"{words}; {said.n_right:,} of {said.n:,} looked at so far were it"
        if said.n
        else f"{words}, by their neighbours"
    )


def _novelties(look: Look, graph: ProjectGraph, open_ones: Sample) -> list[Way]:
    """What has not one labelled neighbour, here or in a reference project: what the batch of that name finds."""
    rows = open_ones.rows[open_ones.spoken.n_labelled == 0]
    if len(rows) and len(known := known_elsewhere(look.db, look.project, look.account)):
        rows, _ = unlike_known(graph.graph, rows, graph.vectors_of, known)
    if not len(rows):
        return []
    n = open_ones.counted(len(rows))
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
            known.counted(len(rows)), about=known.is_part, url=f"/projects/{look.project.id}/mistakes",
            ids=spread(np.asarray(graph.ids)[rows]),
        )
    ]  # fmt: skip
