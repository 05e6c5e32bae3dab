"""Two classifiers side by side: their figures, taxon by taxon, and both on the very objects that both held out."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.classifiers.shown import GONE, Name
from app.database import Db
from app.search.arrays import fetch_arrays

SURE = 1.96  # standard deviations
WORTH_SAYING = 0.005  # of a figure; what is less is no better


@dataclass(frozen=True)
class Figure:
    """One figure of both; `better`: 1 or 2, whose is better, 0 where neither is or nobody can say."""

    name: str
    words: str
    first: float | None
    second: float | None
    better: int


@dataclass(frozen=True)
class TaxonPair:
    """F1 of a taxon by both; None where one does not know the taxon or has nothing to tell it from."""

    id: int
    name: str
    italic: bool
    n_first: int
    n_second: int
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True)
class Shared:
    """Objects that both held out, how many each named rightly, and how many (`n_differ`) only one of them did."""

    n: int
    n_first: int
    n_second: int
    n_differ: int

    @property
    def is_chance(self) -> bool:
        """Whether as large a difference is to be expected of equals (McNemar's test, 5 %)."""
        return abs(self.n_second - self.n_first) <= SURE * math.sqrt(self.n_differ)


FIGURES = (
    ("accuracy", "Rightly named", 1),
    ("average_precision", "Average precision", 1),
    ("average_recall", "Average recall", 1),
    ("ece", "Scores off by", -1),
)


def figures(first: dict[str, Any], second: dict[str, Any], shared: Shared | None) -> list[Figure]:
    """The headline of both reports. Neither is better where what both held out may tell them apart by chance alone."""
    is_known = shared is not None and not shared.is_chance
    return [
        Figure(
            name, words, first.get(name), second.get(name),
            _better(first.get(name), second.get(name), sign) if is_known else 0,
        )
        for name, words, sign in FIGURES
    ]  # fmt: skip


def _better(first: float | None, second: float | None, sign: int) -> int:
    if first is None or second is None or abs(second - first) < WORTH_SAYING:
        return 0
    return 2 if (second - first) * sign > 0 else 1


def taxa(first: dict[str, Any], second: dict[str, Any], called: dict[int, Name]) -> list[TaxonPair]:
    """Taxa of either, those that changed most first; what cannot be compared stands last."""
    ones, others = (_by_taxon(report) for report in (first, second))
    unknown = Name(GONE, False, 0)
    pairs = [
        TaxonPair(
            taxon_id, called.get(taxon_id, unknown).name, called.get(taxon_id, unknown).italic,
            ones.get(taxon_id, (0, None))[0], others.get(taxon_id, (0, None))[0],
            ones.get(taxon_id, (0, None))[1], others.get(taxon_id, (0, None))[1],
        )
        for taxon_id in ones.keys() | others.keys()
    ]  # fmt: skip
    return sorted(pairs, key=lambda pair: (pair.difference is None, -abs(pair.difference or 0), pair.name))


def _by_taxon(report: dict[str, Any]) -> dict[int, tuple[int, float | None]]:
    """Held-out objects and F1 by taxon."""
    found = {}
    for one in report.get("per_taxon", ()):
        precision, recall = one.get("precision"), one.get("recall")
        f1 = None if precision is None or recall is None else 2 * precision * recall / max(precision + recall, 1e-9)
        found[one["taxon"]] = (one["n"], f1)
    return found


def on_the_same(db: Db, first_id: int, second_id: int) -> Shared | None:
    """Both on the objects that both held out with the same truth; None where there are none."""
    first, second = (_right(db, classifier_id) for classifier_id in (first_id, second_id))
    if first is None or second is None:
        return None
    _, one, other = np.intersect1d(first[0], second[0], return_indices=True)
    same = first[1][one] == second[1][other]
    one, other = one[same], other[same]
    if not len(one):
        return None
    ones, others = first[2][one], second[2][other]
    return Shared(len(one), int(ones.sum()), int(others.sum()), int((ones != others).sum()))


def _right(db: Db, classifier_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Held-out objects that are somewhere here, ascending: ids int64, truths int32, whether they were named rightly."""
    found = fetch_arrays(
        db, "select object_ids, truths, firsts from held_out where classifier_id = %s", [classifier_id]
    )
    if not found:
        return None
    ids, truths, firsts = found
    known = np.flatnonzero(ids)
    return ids[known], truths[known], firsts[known] == truths[known]
