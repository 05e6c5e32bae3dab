"""The recipe to beat, as EcoTaxa's prediction runs it: a forest of 300 trees on 50 principal components, or on columns.

Missing values take the learning set's median. What the forest weighs on disk is what a pickle of it would.
"""

import pickle
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier

TREES, LEAF, COMPONENTS, SEED = 300, 5, 50, 420


@dataclass(frozen=True)
class Said:
    """Taxa int [n] of the held-out objects, and the bytes of what said so."""

    taxa: np.ndarray
    n_bytes: int


def on_vectors(vectors: np.ndarray, taxa: np.ndarray, held: np.ndarray, threads: int) -> Said:
    """`vectors` and `taxa` teach; what `held` are is said."""
    principal = PCA(min(COMPONENTS, *vectors.shape), random_state=SEED).fit(vectors)
    said = _forest(principal.transform(vectors), taxa, principal.transform(held), threads)
    return Said(said.taxa, said.n_bytes + len(pickle.dumps(principal)))


def on_columns(columns: np.ndarray, taxa: np.ndarray, held: np.ndarray, threads: int) -> Said:
    """The same of measured features, with gaps."""
    usual = np.nan_to_num(np.nanmedian(columns, axis=0))
    known, asked = (np.where(np.isfinite(each), each, usual).astype(np.float32) for each in (columns, held))
    return _forest(known, taxa, asked, threads)


def _forest(known: np.ndarray, taxa: np.ndarray, asked: np.ndarray, threads: int) -> Said:
    forest = RandomForestClassifier(
        TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=SEED, n_jobs=threads
    ).fit(known, taxa)
    return Said(forest.predict(asked), len(pickle.dumps(forest)))
