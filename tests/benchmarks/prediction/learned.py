"""What a learned space brings on held-out objects: of taxa that its labels were of, and of taxa that it never saw."""

from dataclasses import dataclass

import numpy as np

from indexer.space_fitting import Fitted, TooFewLabels, fit_space
from tests.benchmarks.prediction.folder import Folder, Split
from tests.benchmarks.prediction.measures import agreement

FOLDS = 5  # each taxon is kept from one map of so many


@dataclass(frozen=True)
class Learned:
    """Figures by the keys of the last line, and what is to be said."""

    figures: dict[str, float | None]
    words: list[str]


def measure(vectors: np.ndarray, folder: Folder, parts: Split, seed: int) -> Learned:
    """By the product's own way of fitting, which adopts a map or stays with the plain space.

    Each taxon is unseen once: for what is held out of it, a map is fitted without it, and the nearest neighbour is
    looked for among all that is held out.
    """
    held, taxa = vectors[parts.held], folder.taxa[parts.held]
    fitted = _fitted(vectors, folder, parts.known)
    if fitted is None:
        return Learned({"nn_space": agreement(held, taxa)}, ["Too few labels for a learned space."])
    figures: dict[str, float | None] = {"nn_space": agreement(_in_space(fitted, held), taxa)}
    words = [f"The space learned from {fitted.n_labels:,} labels is {'' if fitted.is_better else 'not '}adopted:"
             f" {fitted.because}"]  # fmt: skip
    return Learned(figures | _unseen(vectors, folder, parts, seed), words)


def _fitted(vectors: np.ndarray, folder: Folder, rows: np.ndarray) -> Fitted | None:
    try:
        return fit_space(vectors[rows], folder.taxa[rows], folder.groups[rows])
    except TooFewLabels:
        return None


def _in_space(fitted: Fitted | None, vectors: np.ndarray) -> np.ndarray:
    """As the product compares them: a map that is no better is not used."""
    return fitted.learned.apply(vectors) if fitted is not None and fitted.is_better else vectors


def _unseen(vectors: np.ndarray, folder: Folder, parts: Split, seed: int) -> dict[str, float | None]:
    """Agreement for held-out objects of taxa that the map has not seen, before and after."""
    held, taxa = vectors[parts.held], folder.taxa[parts.held]
    fold = np.random.default_rng(seed).permutation(len(folder.names)) % FOLDS
    found = []
    for number in range(FOLDS):
        asked = fold[taxa] == number
        fitted = _fitted(vectors, folder, parts.known[fold[folder.taxa[parts.known]] != number])
        if asked.any():
            found.append((asked.sum(), agreement(held, taxa, asked), agreement(_in_space(fitted, held), taxa, asked)))
    n, before, after = np.array(found).T
    return {
        "nn_unseen_plain": float(np.average(before, weights=n)), "nn_unseen_space": float(np.average(after, weights=n)),
    }  # fmt: skip
