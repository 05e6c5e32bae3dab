"""Ways that start from what reference projects know, of taxa of which little or nothing is labelled here yet."""

from collections.abc import Sequence

import numpy as np

from app.batches.lineages import names_in_use
from app.batches.vectors import vectors_of
from app.projects.references import Source, sources
from app.search.codes import PREDICTED, UNCLASSIFIED, VALIDATED
from app.search.mirror import open_mirror
from app.search.voices import voices_of
from app.search.voters import some_voters
from app.start.way import Look, Way, rounded, spread
from indexer.matches import votes_of

SAMPLE = 1000
MOST_VOTERS = 4000
NEAREST = 10
MAJORITY = 0.5
KNOWN_HERE = 30  # validated objects of a taxon, from which on the project speaks for itself
MOST_EXAMPLES = 30
MOST_WAYS = 3
SEED = 1


def referred_ways(look: Look) -> list[Way]:
    """The taxa of reference projects that most of the unlabelled are like; none without such a project."""
    references = sources(look.db, look.project.id, look.project.embedder_id, look.account.id, look.project.space_id)
    open_ones = look.mirror.ids[np.isin(look.mirror.status, (UNCLASSIFIED, PREDICTED))]
    if not references or not len(open_ones) or look.project.embedder_id is None:
        return []
    known, known_vectors = some_voters(look.db, references, MOST_VOTERS)
    if not len(known):
        return []
    taxa, of = _taxa_of(look, references, known)
    sample = open_ones
    if len(open_ones) > SAMPLE:
        sample = np.sort(np.random.default_rng(SEED).choice(open_ones, SAMPLE, replace=False))
    vectors, has = vectors_of(look.db, look.project, sample)
    sample, vectors, stands_for = sample[has], vectors[has], len(open_ones) / len(sample)
    loudness = np.ones((len(sample), len(known)), np.float32)
    for project_id, voice in voices_of(look.db, references).items():
        loudness[:, of == project_id] = voice.loudness(vectors)[:, None]
    label, agreement = votes_of(vectors, known_vectors, taxa, NEAREST, loudness)
    agreed = (agreement > MAJORITY) & ~np.isin(label, _known_here(look))
    return _ways(look, sample[agreed], label[agreed], agreement[agreed], known, taxa, stands_for)


def _taxa_of(look: Look, references: Sequence[Source], known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The taxon and the project of each validated object of the references, int32; an object is in one only."""
    taxa, of = np.zeros(len(known), np.int32), np.zeros(len(known), np.int32)
    for source in references:
        mirror = open_mirror(look.db, source.id)
        inside = np.isin(known, mirror.ids)
        taxa[inside] = mirror.taxon[mirror.ordinals(known[inside])]
        of[inside] = source.id
    return taxa, of


def _known_here(look: Look) -> np.ndarray:
    taxa, n = np.unique(look.mirror.taxon[look.mirror.status == VALIDATED], return_counts=True)
    return taxa[n >= KNOWN_HERE]


def _ways(
    look: Look, ids: np.ndarray, label: np.ndarray, agreement: np.ndarray, known: np.ndarray, taxa: np.ndarray,
    stands_for: float,
) -> list[Way]:  # fmt: skip
    found, group = np.unique(label, return_inverse=True)
    names = names_in_use(look.db, found.tolist())
    ways = []
    for k, taxon_id in enumerate(found.tolist()):
        if taxon_id not in names:
            continue
        mine = group == k
        n, purity = rounded(np.count_nonzero(mine) * stands_for), float(agreement[mine].mean())
        examples = known[taxa == taxon_id][:MOST_EXAMPLES].tolist()
        ways.append(
            Way(
                "matches", f"Like {names[taxon_id]} of reference projects", "the nearest to their validated objects", n,
                look.per_hour("examples", n, purity), purity, stands_for > 1,
                source={"kind": "examples", "ids": examples, "taxon_id": taxon_id}, taxon_id=taxon_id,
                taxon=names[taxon_id], ids=spread(ids[mine]),
            )
        )  # fmt: skip
    return sorted(ways, key=lambda way: -(way.per_hour or 0))[:MOST_WAYS]
