"""What the graph of neighbours tells of labels: outliers, novelties, mistakes, what to refine, stragglers, duplicates.

All functions take whole columns over the graph's rows. A label is a taxon's id, 0 where nobody has validated one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import faiss
import numpy as np
from scipy.sparse import coo_array

from indexer.graph import Graph

N_AROUND = 10  # neighbours that tell a density
MOST_COMPARED = 5000  # members of a taxon that are compared with its others
MOST_OTHERS = 5000
ALIKE = 0.02  # cosine distance
N_STEPS = 3  # of neighbours' neighbours
FEWEST_VOTES = 3
EVEN_WITH_NONE = 0.02  # of a vote for the own label by each labelled neighbour, so that one against it is no proof
AGAINST = 3  # votes more against what only few neighbours say
CHUNK = 100_000
COMPARED_AT_ONCE = 4096

VectorsOf = Callable[[np.ndarray], np.ndarray]


class Kinship:
    """Which of the taxa in use are one another's ancestors.

    labels: taxa's ids, 0 for none. parent_of: taxon: parent, of all that occur and all above them.
    """

    def __init__(self, labels: np.ndarray, parent_of: Mapping[int, int | None]) -> None:
        self.taxa = np.unique(np.append(labels, 0))
        place = {taxon: number for number, taxon in enumerate(self.taxa.tolist())}
        self.above = np.zeros((len(place), len(place)), bool)  # [taxon, its ancestor]
        for taxon, number in place.items():
            higher, seen = parent_of.get(taxon), {taxon}
            while higher and higher not in seen:
                if higher in place:
                    self.above[number, place[higher]] = True
                seen.add(higher)
                higher = parent_of.get(higher)
        self.related = self.above | self.above.T | np.eye(len(place), dtype=bool)

    def codes(self, labels: np.ndarray) -> np.ndarray:
        """Places in `taxa`: int16 or int32 [n]; 0 for none. Small, so that looking them up stays in the cache."""
        table = np.zeros(int(self.taxa[-1]) + 1, np.int16 if len(self.taxa) < 32_000 else np.int32)
        table[self.taxa] = np.arange(len(self.taxa))
        return table[labels]


@dataclass(frozen=True)
class Suspects:
    """Rows with the taxon that they have and the one that their neighbours speak for, the most suspicious first.

    Attributes: rows int64, taxa int32, others int32, suspicion float32 (0 to 1).
    """

    rows: np.ndarray
    taxa: np.ndarray
    others: np.ndarray
    suspicion: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def by_pair(self) -> list[tuple[int, int, np.ndarray]]:
        """Taxon, other taxon, and the places of their suspects here, most suspicious first; the largest pair first."""
        pairs, first, inverse, n = np.unique(
            np.stack([self.taxa, self.others], axis=1),
            axis=0,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        order = np.lexsort((first, -n))
        places = np.split(np.argsort(inverse.ravel(), kind="stable"), np.cumsum(n)[:-1]) if len(n) else []
        return [(int(pairs[i, 0]), int(pairs[i, 1]), places[i]) for i in order.tolist()]


def mistakes(graph: Graph, labels: np.ndarray, parent_of: Mapping[int, int | None], least: float = 0.75) -> Suspects:
    """Labelled rows whose labelled neighbours have another label; ancestor and descendant do not disagree.

    labels: int32 [n]. least: of the suspicion, which is the votes for one other taxon (its descendants with it) in
    relation to these and the votes for the own lineage: 0.75 where three times as many are against it. Rows with fewer
    than FEWEST_VOTES labelled neighbours are left out.
    Of 12,000 plankton objects of which 5 % were given another's label, 78 of the first 100 are such (76 by the share of
    the votes for the other, 42 by the share for the own), 75 of the second 100 (63, 48), 62 of the sixth (35, 49).
    """
    kin = Kinship(labels, parent_of)

    def votes(own: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        agreeing = kin.related[own[:, None], near]
        return ~agreeing, agreeing

    return _outvoted(graph, labels, kin, votes, least)


def refinable(graph: Graph, labels: np.ndarray, parent_of: Mapping[int, int | None], least: float = 0.75) -> Suspects:
    """Labelled rows whose labelled neighbours mostly have one and the same descendant of their taxon, not their taxon.

    Parameters as in `mistakes`; `others` are the proposed descendants.
    """
    kin = Kinship(labels, parent_of)

    def votes(own: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return kin.above[near, own[:, None]], near == own[:, None]

    return _outvoted(graph, labels, kin, votes, least)


def _outvoted(
    graph: Graph,
    labels: np.ndarray,
    kin: Kinship,
    votes: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    least: float,
) -> Suspects:
    """Labelled rows against which one other taxon has enough votes; `votes` tells which are against and for the own."""
    codes = kin.codes(labels)
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    labelled = np.flatnonzero(codes)
    for start in range(0, len(labelled), CHUNK):
        rows = labelled[start : start + CHUNK]
        near, known = _neighbours_codes(graph, codes, rows)
        against, agreeing = votes(codes[rows], near)
        n_known, against = known.sum(axis=1), known & against
        n_own = (known & agreeing).sum(axis=1) + EVEN_WITH_NONE * n_known
        # First what costs little for all: few have so many against them at all.
        n_against = against.sum(axis=1)
        few = np.flatnonzero((n_known >= FEWEST_VOTES) & (n_against > 0) & (n_against >= least * (n_against + n_own)))
        winners, n_other = _winners(np.where(against[few], near[few], 0), kin)
        suspicion = n_other / (n_other + n_own[few])
        good = suspicion >= least
        found.append((rows[few][good], winners[good], suspicion[good].astype(np.float32)))
    rows, others, suspicion = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((rows, -suspicion))
    rows, others, suspicion = rows[order], others[order], suspicion[order]
    taxa = kin.taxa.astype(np.int32)
    return Suspects(rows, taxa[codes[rows]], taxa[others], suspicion)


def _neighbours_codes(graph: Graph, codes: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The code of each neighbour of some rows, and whether it has one."""
    near = graph.rows[rows]
    found = codes[near]
    found[near < 0] = 0
    return found, found > 0


def _winners(votes: np.ndarray, kin: Kinship) -> tuple[np.ndarray, np.ndarray]:
    """The code that most votes of each row are for, those for its descendants with them, and how many; 0 is no vote.

    Of equally many, the most specific one. Only what is voted for itself can win.
    """
    present = np.unique(votes)
    present = present[present > 0]
    best, most = np.zeros(len(votes), np.int64), np.zeros(len(votes), np.int64)
    if not len(present):
        return best, most
    place = np.zeros(len(kin.taxa), np.int64)
    place[present] = np.arange(len(present))
    lineage = (kin.above[np.ix_(present, present)] | np.eye(len(present), dtype=bool)).astype(np.float32)
    depth = lineage.sum(axis=1) / (len(present) + 1)
    for start in range(0, len(votes), 2000):
        part = votes[start : start + 2000]
        row, column = np.nonzero(part)
        cells = row * len(present) + place[part[row, column]]
        tally = np.bincount(cells, minlength=len(part) * len(present)).reshape(len(part), -1).astype(np.float32)
        summed = np.where(tally > 0, tally @ lineage, 0)
        choice = (summed + depth * (tally > 0)).argmax(axis=1)
        best[start : start + 2000] = present[choice]
        most[start : start + 2000] = np.take_along_axis(summed, choice[:, None], 1)[:, 0]
    return best, most


def agreement(graph: Graph, labels: np.ndarray, wanted: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which share of the labelled neighbours of each row has a wanted label: float32 [len(rows)], 0 with none labelled.

    wanted: taxa's ids, for instance one and its descendants. Three votes more are counted against, so that one labelled
    neighbour is not as good as thirty. With 15 % of a plankton class and 90 % of the rest unlabelled, the average
    precision is .41 (.37 with one vote more; .40 by the direction of feedback_direction).
    """
    belongs, known = np.isin(labels, wanted), labels > 0
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), CHUNK):
        near = graph.rows[rows[start : start + CHUNK]]
        there = near >= 0
        n_wanted = (belongs[near] & there).sum(axis=1)
        found[start : start + CHUNK] = n_wanted / ((known[near] & there).sum(axis=1) + AGAINST)
    return found


def stragglers(
    graph: Graph, labels: np.ndarray, wanted: np.ndarray, candidates: np.ndarray, least: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates whose labelled neighbours mostly have a wanted label: rows, surest first, and their agreement.

    candidates: bool [n], for instance what has no label yet and was never shown. wanted: as in `agreement`.
    """
    rows = np.flatnonzero(candidates)
    agreeing = agreement(graph, labels, wanted, rows)
    good = agreeing >= least
    order = np.lexsort((rows[good], -agreeing[good]))
    return rows[good][order], agreeing[good][order]


def novelties(
    graph: Graph, labels: np.ndarray, candidates: np.ndarray, most: int = 10_000
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates that are unlike anything labelled: rows, the strangest first, and how familiar each is, 0 to 3.

    candidates: bool [n]. Familiar is what has labelled neighbours, or neighbours that have some, up to N_STEPS away;
    of equally familiar ones, what stands alone comes first. A dense group of something unknown is found as well as a
    single odd one. Empty where nothing is labelled.
    With 21 of 121 plankton classes unlabelled and 30 % / 5 % of the rest labelled, such are 98 / 98 of the first 100;
    by the distance to the nearest labelled one 50 / 45, by the share of labelled neighbours alone 94 / 24; by chance
    22 / 17.
    """
    familiar = np.zeros(len(graph), np.float32)
    reached = (labels > 0).astype(np.float32)
    if not reached.any():
        return np.empty(0, np.int64), np.empty(0, np.float32)
    for _ in range(N_STEPS):
        reached = _mean_of_neighbours(graph, reached)
        familiar += reached
    rows = np.flatnonzero(candidates & (labels == 0))
    if len(rows) > most:
        edge = np.partition(familiar[rows], most - 1)[most - 1]
        rows = rows[familiar[rows] <= edge]
    order = np.lexsort((rows, -_around(graph, rows), familiar[rows]))[:most]
    return rows[order], familiar[rows[order]]


def without_known_neighbour(graph: Graph, labels: np.ndarray) -> np.ndarray:
    """Which rows have no labelled neighbour: bool [n]. labels: int32 [n], 0 for none."""
    return _mean_of_neighbours(graph, (labels > 0).astype(np.float32)) == 0


def unlike_known(
    graph: Graph, rows: np.ndarray, vectors_of: VectorsOf, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the rows, int64, to which nothing of `known` is as near as their own neighbours are, in their order; and
    how much farther the nearest is, float32, cosine.

    known: float [k, d], labelled vectors that are not in the graph. As `novelties`, which calls a row familiar that has
    a labelled neighbour: had these been in the graph, they would be none of its nearest N_AROUND.
    """
    known = np.asarray(known, np.float32)
    excess = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), COMPARED_AT_ONCE):
        part = rows[start : start + COMPARED_AT_ONCE]
        radius = graph.distances[part, : min(N_AROUND, graph.distances.shape[1])].astype(np.float32)
        radius = np.where(np.isfinite(radius), radius, 0).max(axis=1, initial=0)
        excess[start : start + len(part)] = 1 - (vectors_of(part) @ known.T).max(axis=1) - radius
    return rows[excess > 0], excess[excess > 0]


def _mean_of_neighbours(graph: Graph, values: np.ndarray) -> np.ndarray:
    """float32 [n]: the mean of the neighbours' values; 0 where there are none."""
    found = np.empty(len(graph), np.float32)
    padded = np.append(values, np.float32(0))  # -1, no neighbour, is the last
    for start in range(0, len(graph), CHUNK):
        near = graph.rows[start : start + CHUNK]
        n_near = (near >= 0).sum(axis=1)
        found[start : start + CHUNK] = padded[near].sum(axis=1) / np.maximum(n_near, 1)
    return found


def _around(graph: Graph, rows: np.ndarray) -> np.ndarray:
    """float32 [len(rows)]: the mean distance to the nearest N_AROUND of anything; 0 where there is nothing."""
    distances = graph.distances[rows, :N_AROUND].astype(np.float32)
    there = np.isfinite(distances)
    return np.where(there, distances, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def local_outliers(graph: Graph, members: np.ndarray, vectors_of: VectorsOf) -> tuple[np.ndarray, np.ndarray]:
    """Members of a taxon, least like their own kind first, and a score: int64 [m], float32 [m], m <= MOST_COMPARED.

    members: int64, rows. vectors_of: rows to float32 [., d] of unit length.
    The score is the mean distance to the ten nearest members, squared, over that to the ten nearest of anything: high
    for what stands far from its kind, higher where others stand nearer. Of strangers mixed into plankton classes (5 %),
    as many places at the head as there are strangers hold 85 % of them; 78 % by the distance to the mean, 82 % by that
    to the tenth member, 52 to 63 % by the local outlier factor. Of strangers that look like the class (their nearest
    neighbour is in it), any of these finds 12 to 17 %.
    Of large taxa, the members with the fewest neighbours of their kind are compared with a sample.
    """
    members = np.asarray(members, np.int64)
    if len(members) < 2:
        return members, np.zeros(len(members), np.float32)
    belongs = np.zeros(len(graph), bool)
    belongs[members] = True
    if len(members) > MOST_COMPARED:
        near = graph.rows[members]
        n_alike = (belongs[near] & (near >= 0)).sum(axis=1)
        compared = members[np.lexsort((members, n_alike))[:MOST_COMPARED]]
    else:
        compared = members
    others = members[np.linspace(0, len(members) - 1, min(len(members), MOST_OTHERS)).astype(np.int64)]
    k = min(N_AROUND, len(others) - 1)
    cosines, near = faiss.knn(vectors_of(compared), vectors_of(others), k + 1, metric=faiss.METRIC_INNER_PRODUCT)
    mine = others[near] == compared[:, None]
    mine[~mine.any(axis=1), -1] = True
    inside = np.maximum(1 - cosines[~mine].reshape(-1, k), 0).mean(axis=1)
    scores = (inside**2 / np.maximum(_around(graph, compared), 1e-4)).astype(np.float32)
    order = np.lexsort((compared, -scores))
    return compared[order], scores[order]


def duplicate_stacks(graph: Graph, alike: float = ALIKE) -> np.ndarray:
    """The row that stands for each row's stack of near-duplicates, itself where it is alone: int64 [n].

    The row with most others within `alike` takes these, then the one with most of those left: so all of a stack lie
    directly beside what stands for it, where joining all pairs (union-find) would chain a dense group into one stack.
    On plankton, a copy turned by 90 degrees lies at a median distance of 0.0003, one in other brightness at 0.013, cut
    by one pixel at 0.017; of different images, 0.9 % have a neighbour within 0.02, all of them of the same class (0.03:
    3.1 %, 96 %; 0.05: 7 %, 95 %).
    """
    n = len(graph)
    stands_for, free = np.arange(n), np.ones(n, bool)
    row, column = np.nonzero(np.asarray(graph.distances) <= np.float16(alike))
    other = np.asarray(graph.rows)[row, column].astype(np.int64)
    both = coo_array((np.ones(2 * len(row), bool), (np.append(row, other), np.append(other, row))), (n, n)).tocsr()
    degree = np.diff(both.indptr)
    joined = np.flatnonzero(degree)
    for here in joined[np.lexsort((joined, -degree[joined]))].tolist():
        if free[here]:
            beside = both.indices[both.indptr[here] : both.indptr[here + 1]]
            beside = beside[free[beside]]
            stands_for[beside] = here
            free[beside] = free[here] = False
    return stands_for
