"""What to expect of a classifier, from what it said of held-out objects; plain numbers and words, for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from indexer.classifier import calibration
from indexer.classifier.base import HeldOut, Learnt
from indexer.classifier.folds import Plan

NOVEL_SHARE = 0.99  # of held-out objects of known taxa, less strange than what is called novel


def told(held: HeldOut, data: Learnt, taxa: np.ndarray, plan: Plan) -> dict[str, Any]:
    """Everything but how the method was chosen."""
    n_learnt = np.bincount(data.y, minlength=len(taxa))
    never = np.setdiff1d(taxa, taxa[data.y[plan.may_be_asked]])
    return {
        "n": len(data.y),
        "n_taxa": len(taxa),
        "by_group": plan.by_group,
        "n_taught": 0 if plan.taught is None else int(plan.taught.sum()),
        "not_held_out": [int(taxon) for taxon in never],
        **figures(held, taxa, n_learnt),
    }


def novelty(held: HeldOut) -> dict[str, Any]:
    """From where on an object counts as unlike the learning set, and what was right of held-out objects beyond."""
    beyond = held.novelty >= NOVEL_SHARE
    return {
        "novelty": {
            "threshold": NOVEL_SHARE,
            "n_beyond": int(beyond.sum()),
            "share_right_beyond": _mean((held.truth == held.first)[beyond]),
        }
    }


def figures(held: HeldOut, taxa: np.ndarray, n_learnt: np.ndarray) -> dict[str, Any]:
    """Accuracy, means over taxa (average precision and recall as the field's tables mean them), and each taxon's own.

    taxa: int32 [k]; n_learnt: int [k], the objects of each in the learning set. A mean over taxa is over those that
    have held-out objects; the precision of a taxon that is never said counts as 0, as in scikit-learn.
    """
    k = len(taxa)
    truth, first = np.searchsorted(taxa, held.truth), np.searchsorted(taxa, held.first)
    n = np.bincount(truth, minlength=k)
    n_said = np.bincount(first, minlength=k)
    n_right = np.bincount(truth[truth == first], minlength=k)
    precision, recall = n_right / np.maximum(n_said, 1), n_right / np.maximum(n, 1)
    there = n > 0
    curve = calibration.bins(held.score, held.truth == held.first)
    return {
        "n_held_out": len(truth),
        "accuracy": _mean(truth == first),
        "average_precision": _mean(precision[there]),
        "average_recall": _mean(recall[there]),
        "ece": calibration.error(curve),
        "per_taxon": [
            {
                "taxon": int(taxa[c]),
                "n": int(n[c]),
                "n_learnt": int(n_learnt[c]),
                "n_predicted": int(n_said[c]),
                "precision": float(precision[c]) if n_said[c] else None,
                "recall": float(recall[c]) if n[c] else None,
            }
            for c in range(k)
        ],
        "confusion": _confusion(held),
        "calibration": curve,
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _confusion(held: HeldOut) -> list[list[int]]:
    """[truth, predicted, n] of all cells that are not empty."""
    if not len(held.truth):
        return []
    pairs, n = np.unique(np.stack([held.truth, held.first], axis=1), axis=0, return_counts=True)
    return [[int(a), int(b), int(c)] for (a, b), c in zip(pairs, n, strict=True)]
