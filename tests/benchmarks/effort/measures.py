"""Figures from a diary: what was reached at each coverage, and what it had taken until then."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.effort import costs
from tests.benchmarks.effort.diary import Diary

COVERAGES = (25, 50, 70, 90, 95)
MINUTES = (30, 60)


@dataclass(frozen=True)
class Reached:
    """The state of things when `coverage` % of all objects had a label."""

    coverage: int
    counts: dict[str, int]
    waited_s: float
    n_labelled: int
    n_right: int
    worst_tenth: float  # precision of the class below which a tenth of the classes stand
    n_classes: int
    n_unseen: int

    def seconds(self, prices: dict[str, float] = costs.SECONDS) -> float:
        """Per correctly labelled image, without waits."""
        return costs.seconds(self.counts, prices) / max(self.n_right, 1)

    @property
    def with_waits(self) -> float:
        """Seconds per correctly labelled image, with what was waited for on this machine."""
        return self.seconds() + self.waited_s / max(self.n_right, 1)

    @property
    def acts(self) -> float:
        return costs.acts(self.counts) / max(self.n_right, 1)

    @property
    def precision(self) -> float:
        return self.n_right / max(self.n_labelled, 1)


class Ledger:
    """What has been said of each object so far; a later word takes an earlier one's place."""

    def __init__(self) -> None:
        self.said: dict[int, tuple[str, bool, bool]] = {}
        self.n_right = 0

    def take(self, said: list[list[Any]], unseen: bool) -> None:
        for object_id, name, true in said:
            before = self.said.get(object_id)
            self.n_right += (name == true) - (before[1] if before else 0)
            if name is None:
                self.said.pop(object_id, None)
            else:
                self.said[object_id] = (name, name == true, unseen)

    def precisions(self) -> list[float]:
        """Of each class that was given, the lowest first."""
        right: dict[str, list[bool]] = defaultdict(list)
        for name, is_right, _ in self.said.values():
            right[name].append(is_right)
        return sorted(sum(each) / len(each) for each in right.values())

    def reached(self, coverage: int, counts: Counter[str], waited_s: float) -> Reached:
        precisions = self.precisions()
        found = {name for name, is_right, _ in self.said.values() if is_right}
        n_unseen = sum(unseen for _, _, unseen in self.said.values())
        worst = precisions[int(0.1 * (len(precisions) - 1))]
        return Reached(coverage, dict(counts), waited_s, len(self.said), self.n_right, worst, len(found), n_unseen)


def walk(diary: Diary) -> Iterator[tuple[Counter[str], float, Ledger]]:
    """Acts and waits so far, and what was said, after each entry that says something."""
    counts: Counter[str] = Counter()
    waited_s, ledger = 0.0, Ledger()
    for kind, what, value in diary.entries:
        if kind == "act":
            counts[what] += value
        elif kind == "wait":
            waited_s += value
        elif kind == "labels":
            ledger.take(value, what)
            yield counts, waited_s, ledger


def curve(diary: Diary, n: int) -> dict[int, Reached]:
    """By coverage in per cent; a coverage that was never reached is missing."""
    found: dict[int, Reached] = {}
    for counts, waited_s, ledger in walk(diary):
        for coverage in COVERAGES:
            if coverage not in found and len(ledger.said) * 100 >= coverage * n:
                found[coverage] = ledger.reached(coverage, counts, waited_s)
    return found


def after_minutes(diary: Diary) -> dict[int, int]:
    """Correct images after so many minutes of work and waiting."""
    found = dict.fromkeys(MINUTES, 0)
    for counts, waited_s, ledger in walk(diary):
        for minutes in MINUTES:
            if costs.seconds(counts) + waited_s <= 60 * minutes:
                found[minutes] = ledger.n_right
    return found


def score(reached: dict[int, Reached]) -> float:
    """What tuning lowers: seconds a correct image over 50, 70 and 90 %, as a geometric mean."""
    product = 1.0
    for coverage in (50, 70, 90):
        product *= reached[coverage].seconds() if coverage in reached else float("inf")
    return product ** (1 / 3)


def sensitivity(curves: dict[str, dict[int, Reached]], coverage: int) -> list[tuple[str, str, float]]:
    """Pairs of strategies whose order flips when one constant is halved or doubled: (pair, constant, factor)."""
    names = [name for name, reached in curves.items() if coverage in reached]
    flips = []
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            base = curves[one][coverage].seconds() < curves[other][coverage].seconds()
            for what in costs.SECONDS:
                for factor in (0.5, 2.0):
                    prices = costs.SECONDS | {what: factor * costs.SECONDS[what]}
                    now = curves[one][coverage].seconds(prices) < curves[other][coverage].seconds(prices)
                    if now != base:
                        flips.append((f"{one}, {other}", what, factor))
    return flips
