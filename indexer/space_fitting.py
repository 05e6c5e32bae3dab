"""Fits a learned space to labels, measures it on objects that were held out, and says whether it is worth having.

Held out are whole groups (samples) where there are some, and a fifth of the taxa altogether: of these the map has never
seen anything. How much the scatter is shrunk, and whether neighbours are drawn together, is chosen on other objects.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from indexer.learned_space import Report, Steps, agreement, discriminant, drawn_together, mixed, quiet
from indexer.linear_map import LinearMap

FEWEST_LABELS, FEWEST_TAXA = 60, 2
SHRINKAGES = (0.02, 0.1, 0.4)  # of the scatter within taxa towards a ball
FLOORS = (0.1, 0.5)  # the higher, the less taxa that the map has not seen are drawn together with others
STEPS, FEW_STEPS = Steps(), Steps(60)  # of many labels, and of few, each part of which is held out in turn
KEPT = 0.5  # of the discriminant, where it is mixed in
CRUSHED = 4.0  # points that a point lost on taxa not seen counts, when recipes are compared
PARTS, CHOSEN_PARTS = 4, 5  # of which one is held out, to tell what it brings, and of the rest one to choose by
FEW_LABELS = 4_000  # of fewer, each part is held out in turn
MOST_HELD_OUT, MOST_CHOSEN_ON, MOST_CHOSEN_BY = 6_000, 3_000, 15_000
FEWEST_GROUPS = 8  # from which on groups are held out whole
UNSEEN_TAXA, FEWEST_TO_UNSEE = 0.2, 4  # share of the taxa that the measured map never sees, where there are so many
MANY_TAXA, FOLDS = 40, 2  # of fewer taxa, so many times others are kept from the maps that are compared
MOST_UNSEEN_LOSS = 0.01  # of agreement, on taxa that the map has not seen
SURE = 2.33  # standard errors of the gain that are above nothing: 99 %


class TooFewLabels(ValueError):
    """Said to the person who asked: why nothing can be fitted, and what to do."""


@dataclass(frozen=True)
class Recipe:
    """How a map is made of labels. `kept`: the share of the discriminant in it where neighbours are drawn together."""

    shrinkage: float
    floor: float
    steps: Steps | None = None
    kept: float = 0.0

    def made(self, vectors: np.ndarray, taxa: np.ndarray, seed: int = 1) -> LinearMap:
        told = discriminant(vectors, taxa, self.shrinkage, self.floor)
        drawn = told if self.steps is None else drawn_together(told, vectors, taxa, self.steps, seed)
        return self.finished(drawn, vectors, taxa)

    def finished(self, drawn: LinearMap, vectors: np.ndarray, taxa: np.ndarray) -> LinearMap:
        """With as much of the discriminant in it as is kept."""
        if not self.kept:
            return drawn
        return mixed(drawn, discriminant(vectors, taxa, self.shrinkage, self.floor), self.kept, vectors)

    @property
    def words(self) -> str:
        told = f"discriminant analysis, shrunk by {self.shrinkage:g}, with a floor of {self.floor:g}"
        if self.steps is None:
            return told
        half = f", mixed with {self.kept:.0%} of it" if self.kept else ""
        return f"{told}, then {self.steps.n} steps that draw neighbours together{half}"


GENTLE = Recipe(0.1, FLOORS[-1])


@dataclass(frozen=True)
class Agreement:
    """Shares of objects whose nearest other has their taxon, in the plain space and in the learned one, among `n`."""

    n: int
    before: float
    after: float

    @property
    def gain(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Fitted:
    """A map fitted on all labels, and what the same recipe brought on held-out objects with the others alone.

    `seen`: of taxa that the measured map knew; `balanced`: the mean over these; `unseen`: of taxa that it did not know,
    among all that was held out; None where the taxa are too few. `is_better`: worth adopting, `because` of that.
    """

    learned: LinearMap
    n_labels: int
    n_taxa: int
    by_group: bool
    recipe: Recipe
    seen: Agreement
    balanced: Agreement
    unseen: Agreement | None
    is_better: bool
    because: str
    per_taxon: list[dict[str, Any]] = field(default_factory=list)

    @property
    def report(self) -> dict[str, Any]:
        """The same for JSON, without the map."""
        told = {
            name: asdict(one) if (one := getattr(self, name)) is not None else None
            for name in ("seen", "balanced", "unseen")
        }
        return told | {
            "n_labels": self.n_labels, "n_taxa": self.n_taxa, "by_group": self.by_group, "method": self.recipe.words,
            "is_better": self.is_better, "because": self.because, "per_taxon": self.per_taxon,
        }  # fmt: skip


def fit_space(
    vectors: np.ndarray, taxa: np.ndarray, groups: np.ndarray, seed: int = 1, report: Report = quiet
) -> Fitted:
    """vectors: float [n, d], plain, of unit length. taxa: int [n]. groups: int [n], held out together; 0: none.

    report: told a share between 0 and 1 and the step; what it raises ends the work. Raises TooFewLabels. 50,000 labels
    of 256 numbers take some seconds on two cores.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    check_enough(len(taxa), len(np.unique(taxa)))
    rng = np.random.default_rng(seed)
    folds, by_group = _folds(vectors, taxa, groups, rng)
    if not folds:
        raise TooFewLabels("Too few labels are left beside those that are held out to measure by: validate some more.")
    report(0.05, "choosing how to fit")
    train = folds[0].train
    recipe = _chosen(vectors[train], taxa[train], groups[train], rng, seed)
    report(0.5, "measuring on held-out objects")
    for tried in dict.fromkeys([recipe, GENTLE]):
        told = _told(tried, [fold.compared(tried, vectors, taxa, seed) for fold in folds], taxa, by_group)
        # A gentler map may be worth having where the best one crushes what it has not seen.
        if told.is_better or told.unseen is None or told.unseen.gain >= -MOST_UNSEEN_LOSS:
            break
    report(0.7, "fitting on all labels")
    return replace(told, learned=tried.made(vectors, taxa, seed))


def check_enough(n: int, n_taxa: int) -> None:
    """Raises TooFewLabels where so many objects of so many taxa teach nothing."""
    if n < FEWEST_LABELS or n_taxa < FEWEST_TAXA:
        raise TooFewLabels(
            f"Likeness is learned from at least {FEWEST_LABELS} validated objects of {FEWEST_TAXA} taxa;"
            f" here are {n:,} of {n_taxa:,}. Validate some more, or name reference projects."
        )


def _parted(taxa: np.ndarray, groups: np.ndarray, n_parts: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """The part of each object, int [n], and whether groups are whole: parts of about the same size."""
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < FEWEST_GROUPS or sizes.max() > len(taxa) / 2:
        return rng.permutation(len(taxa)) % n_parts, False
    order = rng.permutation(len(names))
    before = np.concatenate([[0], np.cumsum(sizes[order])[:-1]])
    part = np.empty(len(names), np.int64)
    part[order] = before * n_parts // len(taxa)
    return part[place], True


@dataclass(frozen=True)
class _Fold:
    """Rows that a map is fitted on, and others that it is measured on: bool, whether their taxa are unseen."""

    train: np.ndarray
    asked: np.ndarray
    unseen: np.ndarray

    @classmethod
    def drawn(cls, taxa: np.ndarray, held: np.ndarray, most: int, rng: np.random.Generator) -> _Fold:
        unseen = np.isin(taxa, _unseen_taxa(taxa, rng))
        asked = _at_most(np.flatnonzero(held | unseen), most, rng)
        return cls(np.flatnonzero(~held & ~unseen), asked, unseen[asked])

    def compared(self, recipe: Recipe, vectors: np.ndarray, taxa: np.ndarray, seed: int) -> _Compared:
        """What a map brings that was fitted on the other rows."""
        learned = recipe.made(vectors[self.train], taxa[self.train], seed)
        truth, held = taxa[self.asked], vectors[self.asked]
        return _Compared(truth, self.unseen, agreement(held, truth), agreement(learned.apply(held), truth))


@dataclass(frozen=True)
class _Compared:
    """Held-out objects: their taxon, whether it is unseen, and whether their nearest other has it, plain and mapped."""

    taxa: np.ndarray
    unseen: np.ndarray
    before: np.ndarray
    after: np.ndarray


def _folds(
    vectors: np.ndarray, taxa: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> tuple[list[_Fold], bool]:
    """Of few labels each is held out once, since so few would say little; of many one part is enough."""
    part, by_group = _parted(taxa, groups, PARTS, rng)
    n = PARTS if len(taxa) < FEW_LABELS else 1
    made = [_Fold.drawn(taxa, part == number, MOST_HELD_OUT, rng) for number in range(n)]
    return [one for one in made if len(np.unique(taxa[one.train])) >= FEWEST_TAXA and len(one.asked)], by_group


def _unseen_taxa(taxa: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Taxa kept from the measured map: some of those with enough objects to be each other's neighbours, but not the
    largest, without which little would be left."""
    names, counts = np.unique(taxa, return_counts=True)
    fitting = names[(counts >= 4) & (counts <= len(taxa) / 10)]
    if len(names) < FEWEST_TO_UNSEE:
        return np.empty(0, names.dtype)
    return rng.permutation(fitting)[: max(1, round(UNSEEN_TAXA * len(names)))]


def _at_most(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _chosen(
    vectors: np.ndarray, taxa: np.ndarray, groups: np.ndarray, rng: np.random.Generator, seed: int
) -> Recipe:  # fmt: skip
    """The recipe under which held-out neighbours agree most without what is lost on taxa not seen; of too few taxa to
    keep some unseen, one that is gentle to others."""
    if len(np.unique(taxa)) < FEWEST_TO_UNSEE:
        return GENTLE
    n_folds = 1 if len(np.unique(taxa)) >= MANY_TAXA else FOLDS
    trials = [_Trial.drawn(vectors, taxa, groups, rng) for _ in range(n_folds)]

    def worth(recipe: Recipe) -> float:
        return float(np.mean([trial.worth(recipe, seed) for trial in trials]))

    told = max((Recipe(shrinkage, floor) for shrinkage in SHRINKAGES[::-1] for floor in FLOORS[::-1]), key=worth)
    drawn = Recipe(told.shrinkage, FLOORS[-1], FEW_STEPS if len(taxa) < FEW_LABELS else STEPS)
    return max((told, replace(drawn, kept=KEPT), drawn), key=worth)


@dataclass(frozen=True)
class _Trial:
    """A fold within the labels that a map may be fitted on, by which recipes are compared."""

    train: tuple[np.ndarray, np.ndarray]
    asked: tuple[np.ndarray, np.ndarray]
    unseen: np.ndarray
    before: np.ndarray
    known: dict[Recipe, LinearMap] = field(default_factory=dict)  # maps before anything is mixed in

    @classmethod
    def drawn(cls, vectors: np.ndarray, taxa: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> _Trial:
        part, _ = _parted(taxa, groups, CHOSEN_PARTS, rng)
        fold = _Fold.drawn(taxa, part == 0, MOST_CHOSEN_ON, rng)
        rest = _at_most(fold.train, MOST_CHOSEN_BY, rng)
        asked = vectors[fold.asked], taxa[fold.asked]
        return cls((vectors[rest], taxa[rest]), asked, fold.unseen, agreement(*asked))

    def worth(self, recipe: Recipe, seed: int) -> float:
        """Agreement on taxa seen, less what is lost on others."""
        if len(np.unique(self.train[1])) < FEWEST_TAXA or self.unseen.all():
            return 0.0
        vectors, taxa = self.asked
        alone = replace(recipe, kept=0.0)
        if alone not in self.known:
            self.known[alone] = alone.made(*self.train, seed)
        after = agreement(recipe.finished(self.known[alone], *self.train).apply(vectors), taxa)
        strange = _agreement([self.before, after], self.unseen)
        return float(after[~self.unseen].mean()) + CRUSHED * min(0.0, strange.gain)


def _told(recipe: Recipe, parts: list[_Compared], taxa: np.ndarray, by_group: bool) -> Fitted:
    """What the held-out of all folds say together. The map is yet to be fitted."""
    truth, unseen, before, after = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("taxa", "unseen", "before", "after")
    )
    right = [before, after]
    seen, strange = (_agreement(right, mask) for mask in (~unseen, unseen))
    rows = per_taxon(truth, unseen, before, after)
    of_seen = [row for row in rows if row["seen"]]
    means = [float(np.mean([row[name] for row in of_seen])) if of_seen else 0.0 for name in ("before", "after")]
    is_better, because = verdict([one[~unseen] for one in right], strange)
    nothing = LinearMap(np.eye(1, dtype=np.float32), np.zeros(1, np.float32))
    return Fitted(
        nothing, len(taxa), len(np.unique(taxa)), by_group, recipe, seen, Agreement(len(of_seen), *means),
        strange if strange.n else None, is_better, because, rows,
    )  # fmt: skip


def _agreement(right: list[np.ndarray], mask: np.ndarray) -> Agreement:
    before, after = (float(one[mask].mean()) if mask.any() else 0.0 for one in right)
    return Agreement(int(np.count_nonzero(mask)), before, after)


def verdict(right: list[np.ndarray], unseen: Agreement) -> tuple[bool, str]:
    """Whether a map is worth having, and why: held-out objects agree with their neighbours more, by more than chance
    gives (McNemar's test), and those of taxa that it has not seen hardly less."""
    before, after = right
    won, lost = int(np.count_nonzero(after & ~before)), int(np.count_nonzero(before & ~after))
    gain = (won - lost) / max(1, len(before))
    if won - lost <= SURE * np.sqrt(won + lost):
        return False, f"On held-out objects it gains {100 * gain:.1f} points, which may be chance."
    if unseen.n and unseen.gain < -MOST_UNSEEN_LOSS:
        return False, f"Taxa that it has not seen would lose {-100 * unseen.gain:.1f} points."
    return True, f"On held-out objects it gains {100 * gain:.1f} points."


def per_taxon(truth: np.ndarray, unseen: np.ndarray, before: np.ndarray, after: np.ndarray) -> list[dict[str, Any]]:
    """What changed for each taxon, those with most held-out objects first: where maps had seen it, else where not."""
    names, place = np.unique(truth, return_inverse=True)
    was_seen = np.bincount(place, ~unseen) > 0
    told = ~unseen | ~was_seen[place]
    counts = np.bincount(place[told], minlength=len(names))
    shares = [np.bincount(place[told], one[told], minlength=len(names)) / counts for one in (before, after)]
    return [
        {
            "taxon": int(names[k]), "n": int(counts[k]), "before": round(float(shares[0][k]), 4),
            "after": round(float(shares[1][k]), 4), "seen": bool(was_seen[k]),
        }
        for k in np.argsort(-counts, kind="stable")
    ]  # fmt: skip
