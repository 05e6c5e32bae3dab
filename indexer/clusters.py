"""Cuts vectors into cards of like things, and joins the cards into ever fewer: a tree from thousands to a handful.

HDBSCAN (Campello, Moulavi and Sander, 2013; scikit-learn) finds what stands together where the vectors are few enough.
On real plankton it calls two thirds and more of them noise: these are cut again by k-means, and marked as loose. Where
there are more vectors, FAISS k-means cuts all of them. Over the centroids stands a tree by Ward's criterion.
"""

from collections.abc import Callable
from dataclasses import dataclass

import faiss
import numpy as np
from sklearn.cluster import HDBSCAN

DENSE_UP_TO = 20_000  # vectors that HDBSCAN compares all with all: 20 s
DENSE_DIMENSIONS = 32  # it finds no more in more, and takes longer
NEIGHBOURS = 3  # that make a place dense
LEAST, USUAL = 5, 10  # vectors of a dense leaf, and of a leaf that k-means makes
MOST_LEAVES = 4096
LEAVES_PER_ROOT = 5  # of the number of vectors, where they are many: fewer take minutes less and are no less pure
USUAL_CARD, FEWEST, MOST = 40, 12, 600  # objects of a card, and cards, where nobody has asked for a number
SAMPLE_PER_LEAF = 24  # vectors that k-means is fitted on
ROUNDS = 6
CHUNK = 20_000

Report = Callable[[int, int, str], None]


def unheard(done: int, total: int, step: str) -> None:
    """The report of work that nobody watches."""


@dataclass(frozen=True)
class Tree:
    """Leaves, in one of which each vector is, and how they are joined.

    Attributes: leaf int32 [n], the leaf of each vector; distance float32 [n], cosine, to its leaf's centroid;
    centroids float32 [m, d], of unit length; loose bool [m], leaves of what HDBSCAN calls noise; merges int32 [k, 2],
    which nodes are joined, the nearest first: nodes 0 to m - 1 are the leaves, m + i is made by merge i.
    """

    leaf: np.ndarray
    distance: np.ndarray
    centroids: np.ndarray
    loose: np.ndarray
    merges: np.ndarray

    @property
    def n_leaves(self) -> int:
        return len(self.centroids)

    def cards(self, n_cards: int) -> np.ndarray:
        """Which card each leaf is in, int32 [m] from 0, where the leaves are joined to `n_cards`; at most as many as
        there are leaves."""
        return joined(self.n_leaves, self.merges, n_cards)


def joined(n_leaves: int, merges: np.ndarray, n_cards: int) -> np.ndarray:
    """The card of each leaf, int32 [n_leaves], after as many of a tree's merges as leave `n_cards`."""
    node = np.arange(n_leaves + len(merges))
    for number, (one, other) in enumerate(merges[: max(0, n_leaves - n_cards)]):
        node[one] = node[other] = n_leaves + number
    for child in range(len(node) - 1, -1, -1):  # a node's number is smaller than its parent's
        node[child] = node[node[child]]
    return np.unique(node[:n_leaves], return_inverse=True)[1].astype(np.int32)


def without(tree: Tree, gone: np.ndarray) -> tuple[Tree, np.ndarray]:
    """The tree without some of its vectors, joined as before, and the new number of each leaf: int32 [m + 1], -1 for
    those in which nothing is left, and at the end for none.

    gone: bool [n]. Centroids stay where they were.
    """
    stays = np.unique(tree.leaf[~gone])
    number = np.full(tree.n_leaves + 1, -1, np.int32)
    number[stays] = np.arange(len(stays))
    node, merges = number[:-1].tolist(), []
    for one, other in tree.merges.tolist():
        both = node[one], node[other]
        if min(both) < 0:
            node.append(max(both))
        else:
            node.append(len(stays) + len(merges))
            merges.append(both)
    left = Tree(
        number[tree.leaf[~gone]], tree.distance[~gone], tree.centroids[stays], tree.loose[stays],
        np.array(merges, int).reshape(-1, 2),
    )  # fmt: skip
    return left, number


def cut(
    vectors: np.ndarray,
    sizes: tuple[int, int] = (LEAST, USUAL),
    seed: int = 1,
    report: Report = unheard,
    dense_up_to: int = DENSE_UP_TO,
) -> Tree:
    """Cut vectors into leaves and join these to a tree: the same for the same vectors, sizes and seed.

    vectors: float [n, d] of unit length, n >= 0; may be a memory-mapped file, which is read in pieces. sizes: vectors
    of the smallest dense leaf, and of a usual leaf of k-means. `report` is told how far it is, and may raise to stop.
    """
    n, (least, usual) = len(vectors), sizes
    if n == 0:
        none = np.empty(0, np.int32)
        width = vectors.shape[1] if vectors.ndim == 2 else 0
        return Tree(none, none.astype(np.float32), np.empty((0, width), np.float32), none > 0, np.empty((0, 2), int))
    if n > dense_up_to:
        n_leaves = min(-(-n // usual), int(LEAVES_PER_ROOT * n**0.5), MOST_LEAVES)
        leaf = k_means(vectors, n_leaves, seed, report)
        loose = np.zeros(leaf.max() + 1, bool)
    else:
        leaf, loose = _dense(np.asarray(vectors, np.float32), least, usual, seed, report)
    middles, sizes_found = _middles(vectors, leaf, len(loose))
    report(n, n, "joining cards")
    centroids = middles / np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-12)
    return Tree(leaf, _distances(vectors, leaf, centroids), centroids, loose, ward(middles, sizes_found))


def _dense(vectors: np.ndarray, least: int, usual: int, seed: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """The leaf of each vector, and which leaves are loose: first those of HDBSCAN, then those of its noise."""
    n = len(vectors)
    report(0, n, "looking for what stands together")
    leaf = np.full(n, -1)
    if n >= 2 * least:
        finder = HDBSCAN(least, min_samples=NEIGHBOURS, cluster_selection_method="leaf", copy=True)
        leaf = finder.fit_predict(principal(vectors, DENSE_DIMENSIONS))
    n_dense, noise = leaf.max() + 1, np.flatnonzero(leaf < 0)
    if len(noise):
        leaf[noise] = n_dense + k_means(vectors[noise], -(-len(noise) // usual), seed, report)
    # Where nothing stands together, nothing is looser than the rest.
    loose = (np.arange(leaf.max() + 1) >= n_dense) & (n_dense > 0)
    return leaf.astype(np.int32), loose


def split(vectors: np.ndarray, parts: int, seed: int = 1) -> np.ndarray:
    """The part of each vector, int32 [n], where they are cut into `parts`, or fewer where they are all alike.

    By many small parts that are joined again: k-means alone, begun by chance, often halves one kind and joins two.
    """
    small = k_means(vectors, min(len(vectors), max(8 * parts, 32)), seed)
    middles, sizes = _middles(vectors, small, int(small.max()) + 1)
    return joined(len(sizes), ward(middles, sizes), parts)[small]


def principal(vectors: np.ndarray, dimensions: int) -> np.ndarray:
    """The first principal components, float32 [n, at most `dimensions`]."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :dimensions]
    return np.ascontiguousarray(centred @ axes, np.float32)


def k_means(vectors: np.ndarray, k: int, seed: int = 1, report: Report = unheard) -> np.ndarray:
    """The part of each vector, int32 [n], of at most `k` by spherical k-means; none is empty, numbers are from 0.

    Fitted on a sample where there are many, a round at a time, so that `report` may stop it.
    """
    n, rng = len(vectors), np.random.default_rng(seed)
    if k <= 1:
        return np.zeros(n, np.int32)
    sample = np.sort(rng.choice(n, min(n, max(k * SAMPLE_PER_LEAF, CHUNK)), replace=False))
    fitted_on = np.ascontiguousarray(vectors[sample], np.float32)
    centroids = fitted_on[rng.choice(len(sample), min(k, len(sample)), replace=False)]
    for number in range(ROUNDS):
        report(number, ROUNDS, "finding centres")
        centroids = _one_round(fitted_on, centroids)
    part = np.empty(n, np.int32)
    index = faiss.IndexFlatIP(centroids.shape[1])
    index.add(centroids)
    for start in range(0, n, CHUNK):
        report(start, n, "sorting into cards")
        part[start : start + CHUNK] = index.search(_piece(vectors, start), 1)[1][:, 0]
    return np.unique(part, return_inverse=True)[1].astype(np.int32)


def _one_round(vectors: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    fit = faiss.Kmeans(
        vectors.shape[1], len(centroids), niter=1, spherical=True, min_points_per_centroid=1,
        max_points_per_centroid=len(vectors), seed=1,
    )  # fmt: skip
    fit.train(vectors, init_centroids=centroids)
    return np.array(fit.centroids)


def _piece(vectors: np.ndarray, start: int) -> np.ndarray:
    return np.ascontiguousarray(vectors[start : start + CHUNK], np.float32)


def _middles(vectors: np.ndarray, leaf: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each leaf, float32 [m, d], and its size."""
    sums = np.zeros((m, vectors.shape[1]), np.float32)
    for start in range(0, len(vectors), CHUNK):
        piece, places = _piece(vectors, start), leaf[start : start + CHUNK]
        order = np.argsort(places, kind="stable")
        found, begins = np.unique(places[order], return_index=True)
        sums[found] += np.add.reduceat(piece[order], begins)
    sizes = np.bincount(leaf, minlength=m)
    return sums / sizes[:, None].astype(np.float32), sizes


def _distances(vectors: np.ndarray, leaf: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    found = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), CHUNK):
        piece, theirs = _piece(vectors, start), centroids[leaf[start : start + CHUNK]]
        found[start : start + CHUNK] = 1 - np.einsum("ij,ij->i", piece, theirs)
    return found


def ward(middles: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The merges of parts by Ward's criterion, int [m - 1, 2], the least loss first: nodes m + i are made by merge i.

    middles: float [m, d]. sizes: int [m], by which parts weigh: scipy's linkage takes all for equal, and then joins
    the large and loose before the small and dense (on plankton 3 points of purity less at 100 cards).
    """
    m, n = len(middles), sizes.astype(np.float64)
    merges, node = np.empty((max(m - 1, 0), 2), int), np.arange(m)
    loss = _losses(middles, n)
    near = loss.argmin(axis=1) if m > 1 else np.zeros(m, int)
    least = loss[np.arange(m), near] if m > 1 else np.zeros(m)
    for number in range(m - 1):
        one = int(least.argmin())
        other = int(near[one])
        merges[number] = node[one], node[other]
        node[one] = m + number
        row = ((n + n[one]) * loss[one] + (n + n[other]) * loss[other] - n * loss[one, other]) / (n + n[one] + n[other])
        row[[one, other]] = np.inf
        n[one] += n[other]
        loss[one], loss[:, one], loss[other], loss[:, other] = row, row, np.inf, np.inf
        least[other] = np.inf
        near[one], least[one] = row.argmin(), row.min()
        closer = row < least
        near[closer], least[closer] = one, row[closer]
        _look_again(loss, near, least, np.flatnonzero(np.isin(near, (one, other)) & ~closer & np.isfinite(least)))
    return merges


def _losses(middles: np.ndarray, n: np.ndarray) -> np.ndarray:
    """What joining each two would add to the squared distances within parts, float32 [m, m]; infinite for oneself."""
    squares = np.einsum("ij,ij->i", middles, middles)
    loss = np.maximum(squares[:, None] + squares - 2 * middles @ middles.T, 0) * (n[:, None] * n / (n[:, None] + n))
    np.fill_diagonal(loss, np.inf)
    return loss.astype(np.float32)


def _look_again(loss: np.ndarray, near: np.ndarray, least: np.ndarray, parts: np.ndarray) -> None:
    """Find the nearest anew for parts whose nearest has gone or changed."""
    if len(parts):
        rows = loss[parts]
        near[parts] = rows.argmin(axis=1)
        least[parts] = rows[np.arange(len(parts)), near[parts]]


def belonging(tree: Tree, vectors: np.ndarray) -> np.ndarray:
    """The leaf that each of other vectors lies in, int32 [n]: of the nearest centroid, no farther from it than the
    leaf's own; -1 where it lies in none.

    vectors: float32 [n, d] of unit length.
    """
    if not len(vectors) or not tree.n_leaves:
        return np.full(len(vectors), -1, np.int32)
    radius = np.zeros(tree.n_leaves, np.float32)
    np.maximum.at(radius, tree.leaf, tree.distance)
    index = faiss.IndexFlatIP(tree.centroids.shape[1])
    index.add(tree.centroids)
    cosines, nearest = index.search(np.ascontiguousarray(vectors, np.float32), 1)
    inside = 1 - cosines[:, 0] <= radius[nearest[:, 0]] + 1e-4
    return np.where(inside, nearest[:, 0], -1).astype(np.int32)


def cores(tree: Tree) -> np.ndarray:
    """The row of the vector that is nearest to the centroid of each leaf, int64 [m]."""
    order = np.lexsort((tree.distance, tree.leaf))
    return order[np.searchsorted(tree.leaf[order], np.arange(tree.n_leaves))]


def middle_of(sizes: np.ndarray, spreads: np.ndarray, middles: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean direction, float32 [d], of parts taken together, and the mean cosine distance of all to it.

    sizes: int [m]. spreads: float [m], the mean distance in each part to its own middle. middles: float32 [m, d].
    Exact: the mean of unit vectors is as long as their mean cosine to its direction.
    """
    mean = ((sizes * (1 - spreads)) @ middles) / max(sizes.sum(), 1)
    length = float(np.linalg.norm(mean))
    return (mean / max(length, 1e-12)).astype(np.float32), max(0.0, 1 - length)


def spread_of(sizes: np.ndarray, spreads: np.ndarray, middles: np.ndarray) -> float:
    """The mean cosine distance of everything to the middle of everything; 0 where there is nothing."""
    return middle_of(sizes, spreads, middles)[1] if len(sizes) else 0.0


def usual_cards(n: int, n_leaves: int) -> int:
    """How many cards to begin with, where nobody has asked for a number."""
    return min(n_leaves, int(np.clip(n // USUAL_CARD, FEWEST, MOST)))


# Fitted on cards of 4 to 600 plankton images (ISIIS and IFCB, 1,800 cards): correlation 0.63, error 0.17.
PURITY_AT_NONE, PURITY_SLOPE = 1.95, 5.39
PRIOR_WEIGHT = 6.0  # known members that weigh as much as what the spread alone says


def purity_by_spread(spread: np.ndarray, spread_all: float) -> np.ndarray:
    """The expected share of a card's commonest kind, float [m], from how tightly its members stand, as measured on
    real plankton. spread: mean cosine distance to the card's middle; spread_all: that of all objects."""
    relative = spread / max(spread_all, 1e-6)
    return 1 / (1 + np.exp(PURITY_SLOPE * relative - PURITY_AT_NONE))


def expected_purity(prior: np.ndarray, n_known: np.ndarray, n_agreeing: np.ndarray) -> np.ndarray:
    """The same, float [m], with what is known of some members: how many, and how many of the commonest kind."""
    return (n_agreeing + PRIOR_WEIGHT * prior) / (n_known + PRIOR_WEIGHT)


# Seconds of a person's time, as in the protocol by which effort is measured.
NAME_S, PAGE_S, MARK_S, GLANCE_S, GLANCE_MIXED_S, A_PAGE, PURE = 3.0, 1.1, 0.9, 0.15, 0.35, 60, 0.9


def expected_gain(n: np.ndarray, purity: np.ndarray) -> np.ndarray:
    """Objects labelled rightly per second, float [m], where a card of `n` objects is named and its strangers taken
    out one by one."""
    glance = np.where(purity >= PURE, GLANCE_S, GLANCE_MIXED_S)
    strangers = n * np.minimum(purity, 1 - purity)
    seconds = NAME_S + PAGE_S * np.ceil(n / A_PAGE) + n * glance + strangers * MARK_S
    return n * purity / seconds
