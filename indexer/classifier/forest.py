"""scikit-learn's random forest with EcoTaxa's settings, kept as small arrays.

A forest of 300 trees, leaf 5, keeps for every node the shares of all classes in double precision: 4 GB for 50,000
objects of 100 taxa. A leaf of five objects holds five taxa at most, so here leaves are sparse, and a hundredth of that.
The trees are grown in slices that are made small at once, and rebuilt without the shares to find the leaf of an object;
no pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import _tree as sk

from indexer.classifier.base import Learnt

N_TREES, LEAST_LEAF, SLICE = 300, 5, 10
THREADS = 2
BY_NODE = ("features", "thresholds", "rights", "classes", "shares")
LEAST_SHARE = 1e-4  # what a class gets that no tree votes for, so that its logarithm is finite

# scikit-learn's trees, for each the row of the leaf by node, and the shares by leaf and class.
Built = tuple[list[Any], list[np.ndarray], csr_matrix]


@dataclass(frozen=True)
class Forest:
    """Trees one after the other, nodes depth first: the left child is the next node.

    Attributes: n_inputs, the leading columns of x that it looks at, and `columns`, how many at the end; starts int64
    [trees + 1]; features int16 (-1: a leaf), thresholds float32 and rights int32 by node; leaf_starts int64, classes
    uint16 and shares float16 of the leaves in the order of their nodes.
    """

    inputs: np.ndarray
    n_taxa: int
    starts: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    rights: np.ndarray
    leaf_starts: np.ndarray
    classes: np.ndarray
    shares: np.ndarray
    _built: list[Built] = field(default_factory=list, repr=False, init=False)

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Logarithms of the votes."""
        return np.log(self.votes(x) + np.float32(LEAST_SHARE))

    def votes(self, x: np.ndarray) -> np.ndarray:
        """The trees' mean shares, float32 [n, k]: what scikit-learn's predict_proba gives."""
        seen = np.ascontiguousarray(x[:, self.inputs], np.float32)
        trees, rows, leaves = self._trees()
        found = np.empty((len(seen), len(trees)), np.int32)

        def walk(number: int) -> None:
            found[:, number] = rows[number][trees[number].apply(seen)]

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(walk, range(len(trees))))
        ones = np.full(found.size, 1 / len(trees), np.float32)
        at = csr_matrix((ones, found.ravel(), np.arange(0, found.size + 1, len(trees))), (len(seen), leaves.shape[0]))
        return np.asarray((at @ leaves).todense(), np.float32)

    def _trees(self) -> Built:
        """Built once, when they are first asked."""
        if not self._built:
            is_leaf = self.features < 0
            row = (np.cumsum(is_leaf) - 1).astype(np.int32)
            spans = list(zip(self.starts, self.starts[1:], strict=False))
            trees = [self._rebuilt(int(a), int(b)) for a, b in spans]
            leaves = csr_matrix(
                (self.shares.astype(np.float32), self.classes.astype(np.int32), self.leaf_starts),
                (int(is_leaf.sum()), self.n_taxa),
            )
            self._built.append((trees, [row[a:b] for a, b in spans], leaves))
        return self._built[0]

    def _rebuilt(self, start: int, end: int) -> Any:
        features, rights = self.features[start:end], self.rights[start:end]
        is_leaf = features < 0
        nodes = np.zeros(end - start, sk.NODE_DTYPE)
        nodes["left_child"] = np.where(is_leaf, -1, np.arange(1, end - start + 1))
        nodes["right_child"] = np.where(is_leaf, -1, rights)
        nodes["feature"] = np.where(is_leaf, -2, features)
        nodes["threshold"] = self.thresholds[start:end]
        nodes["n_node_samples"] = nodes["weighted_n_node_samples"] = 1
        tree = sk.Tree(len(self.inputs), np.ones(1, np.intp), 1)
        values = np.zeros((end - start, 1, 1))
        tree.__setstate__({"max_depth": 0, "node_count": end - start, "nodes": nodes, "values": values})
        return tree

    @property
    def n_trees(self) -> int:
        return len(self.starts) - 1

    def joined(self, other: Forest) -> Forest:
        """The trees of both, which look at the same inputs."""
        ends = {name: [getattr(self, name), getattr(other, name)] for name in BY_NODE}
        starts = np.concatenate([self.starts, self.starts[-1] + other.starts[1:]])
        leaf_starts = np.concatenate([self.leaf_starts, self.leaf_starts[-1] + other.leaf_starts[1:]])
        whole = {name: np.concatenate(pair) for name, pair in ends.items()}
        return Forest(self.inputs, self.n_taxa, starts, leaf_starts=leaf_starts, **whole)

    def check(self) -> None:
        """Raise ValueError where following the arrays would lead outside of them: such are not walked."""
        n = len(self.features)
        here = np.arange(n) - np.repeat(self.starts[:-1], np.diff(self.starts))
        size = np.repeat(np.diff(self.starts), np.diff(self.starts))
        inner = self.features >= 0
        n_leaves = int((~inner).sum())
        sound = (
            self.starts[0] == 0
            and self.starts[-1] == n == len(self.rights) == len(self.thresholds)
            and (np.diff(self.starts) > 0).all()
            and (self.features[inner] < len(self.inputs)).all()
            and ((self.rights > here + 1) & (self.rights < size))[inner].all()
            and len(self.leaf_starts) == n_leaves + 1
            and self.leaf_starts[0] == 0
            and self.leaf_starts[-1] == len(self.classes) == len(self.shares)
            and (np.diff(self.leaf_starts) >= 0).all()
            and (self.classes < self.n_taxa).all()
        )
        if not sound:
            raise ValueError("the trees lead nowhere")

    def arrays(self) -> dict[str, np.ndarray]:
        names = ("inputs", "starts", "features", "thresholds", "rights", "leaf_starts", "classes", "shares")
        return {name: getattr(self, name) for name in names} | {"n_taxa": np.array(self.n_taxa)}


def fit_forest(
    data: Learnt, inputs: np.ndarray, seed: int, n_trees: int = N_TREES, beat: Callable[[float], None] | None = None
) -> Forest:
    """Grown as EcoTaxa's: `n_trees`, leaves of five, classes balanced. inputs: the columns of x that it looks at."""
    seen = np.ascontiguousarray(data.x[:, inputs])
    parts = []
    for trees in _grown(seen, data.y, seed, n_trees):
        parts += trees
        if beat:
            beat(len(parts) / n_trees)
    sizes = [len(part["features"]) for part in parts]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    leaf_sizes = whole.pop("leaf_sizes")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    leaf_starts = np.concatenate([[0], np.cumsum(leaf_sizes, dtype=np.int64)])
    return Forest(np.asarray(inputs, np.int64), data.n_taxa, starts, leaf_starts=leaf_starts, **whole)


def _grown(seen: np.ndarray, y: np.ndarray, seed: int, n_trees: int) -> Iterator[list[dict[str, np.ndarray]]]:
    for number, first in enumerate(range(0, n_trees, SLICE)):
        grown = RandomForestClassifier(
            min(SLICE, n_trees - first),
            min_samples_leaf=LEAST_LEAF,
            class_weight="balanced",
            n_jobs=THREADS,
            random_state=seed + number,
        ).fit(seen, y)
        yield [_small(tree.tree_, grown.classes_) for tree in grown.estimators_]


def _small(tree: Any, classes: np.ndarray) -> dict[str, np.ndarray]:
    is_leaf = tree.children_left < 0
    shares = tree.value[is_leaf, 0, :]
    at, place = np.nonzero(shares)
    return {
        "features": np.where(is_leaf, -1, tree.feature).astype(np.int16),
        "thresholds": tree.threshold.astype(np.float32),
        "rights": tree.children_right.astype(np.int32),
        "leaf_sizes": np.bincount(at, minlength=int(is_leaf.sum())),
        "classes": classes[place].astype(np.uint16),
        "shares": shares[at, place].astype(np.float16),
    }
