"""Which objects are held out together: whole groups (samples) where there are some, else by chance in each taxon."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

N_FOLDS = 5
FEWEST_GROUPS = 5
MANY_GROUPS = 1000  # beyond, balancing taxa over folds group by group takes too long


@dataclass(frozen=True)
class Plan:
    """fold int8 [n], 0 to 4, and -1 for what is never held out; whether groups are kept together; taught bool [n]:
    what taught the embedder, of which nothing is asked; None where nothing did."""

    fold: np.ndarray
    by_group: bool
    taught: np.ndarray | None = None

    @property
    def may_be_asked(self) -> np.ndarray:
        """bool [n]."""
        there = self.fold >= 0
        return there if self.taught is None else there & ~self.taught

    @property
    def n_asked(self) -> int:
        """How many could be held out, were it not that too little of their taxon would be left."""
        return len(self.fold) if self.taught is None else int((~self.taught).sum())

    def rows(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to fit on and rows that are held out and asked: what is of the same fold and taught is neither."""
        is_held = self.fold == number
        return np.flatnonzero(~is_held), np.flatnonzero(is_held & self.may_be_asked)


def plan(y: np.ndarray, groups: np.ndarray, seed: int, taught: np.ndarray | None = None) -> Plan:
    """Five folds. Never held out: what would leave none of its taxon to learn from, as a taxon's only object."""
    taught = None if taught is None or not taught.any() else taught
    by_group = len(np.unique(groups)) >= FEWEST_GROUPS
    fold = _by_group(y, groups, seed) if by_group else _by_chance(y, seed)
    k = int(y.max()) + 1
    counts = np.bincount(y * N_FOLDS + fold, minlength=k * N_FOLDS).reshape(k, N_FOLDS)
    alone = counts[y, fold] == counts.sum(axis=1)[y]
    return Plan(np.where(alone, -1, fold).astype(np.int8), by_group and not _shared(groups, taught), taught)


def _shared(groups: np.ndarray, taught: np.ndarray | None) -> bool:
    """Whether the embedder knows groups that are asked of, so that they are not as new ones."""
    return taught is not None and bool(np.isin(groups[~taught], groups[taught]).any())


def _by_group(y: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    is_plain = len(np.unique(groups)) > MANY_GROUPS or np.bincount(y).max() < N_FOLDS
    splitter = (GroupKFold if is_plain else StratifiedGroupKFold)(N_FOLDS, shuffle=True, random_state=seed)
    fold = np.zeros(len(y), np.int64)
    with warnings.catch_warnings():
        # Of taxa with fewer objects than folds, which are usual.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, held) in enumerate(splitter.split(y, y, groups)):
            fold[held] = number
    return fold


def _by_chance(y: np.ndarray, seed: int) -> np.ndarray:
    """Each taxon's objects dealt out in turn, beginning anywhere."""
    chance = np.random.default_rng(seed)
    shuffled = chance.permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    n = np.bincount(y)
    turn = np.arange(len(y)) - np.repeat(np.cumsum(n) - n, n) + np.repeat(chance.integers(0, N_FOLDS, len(n)), n)
    fold = np.empty(len(y), np.int64)
    fold[order] = turn % N_FOLDS
    return fold
