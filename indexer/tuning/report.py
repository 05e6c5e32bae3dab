"""What a training is worth, on images that it has not seen."""

from typing import Any

import numpy as np

PIECE = 1000


def agreement(vectors: np.ndarray, taxa: np.ndarray) -> float:
    """The share of images whose nearest other one (by cosine, vectors of unit length) is of the same taxon."""
    right = 0
    for first in range(0, len(vectors), PIECE):
        likeness = vectors[first : first + PIECE] @ vectors.T
        own = np.arange(len(likeness))
        likeness[own, first + own] = -2
        right += int((taxa[likeness.argmax(axis=1)] == taxa[first : first + PIECE]).sum())
    return right / len(vectors)


def of_classes(truth: np.ndarray, said: np.ndarray) -> dict[str, Any]:
    """Accuracy; precision and recall averaged over the taxa that were held out, a taxon that nobody said has none."""
    taxa = np.unique(truth)
    hits = np.array([((truth == taxon) & (said == taxon)).sum() for taxon in taxa])
    n_said = np.array([(said == taxon).sum() for taxon in taxa])
    n_true = np.array([(truth == taxon).sum() for taxon in taxa])
    return {
        "accuracy": float((truth == said).mean()),
        "average_precision": float((hits / np.maximum(n_said, 1)).mean()),
        "average_recall": float((hits / n_true).mean()),
    }
