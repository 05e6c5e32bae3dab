"""How far a training is: its parts count by how long they take, so that a bar moves as evenly as they can be foretold.

A weight is in fits of a linear discriminant, for each object: 0.01 ms on one core, with vectors of 256 numbers.
Measured on 2,000 to 20,000 objects of 10 to 60 taxa: a logistic regression 12 to 45, a tree 2 to 3, strangeness 8.
"""

from __future__ import annotations

from indexer.classifier.base import Report

STEPS = 1000
DISCRIMINANT, LOGISTIC, TREE, STRANGENESS = 1.0, 20.0, 2.5, 8.0


class Told:
    """Passes on how far the work is; from within a part too, so that it can be stopped there."""

    def __init__(self, report: Report | None) -> None:
        self.report = report
        self.base, self.left = 0.0, 1.0
        self.done, self.weight, self.within = 0.0, 0.0, 0.0
        self.step = ""

    @property
    def share(self) -> float:
        return self.base + (1 - self.base) * min(1.0, (self.done + self.weight * self.within) / self.left)

    def expect(self, weight: float) -> None:
        """What is left weighs so much, as far as is known now: it shares what is left of the bar."""
        self.base, self.left = self.share, max(weight, 1.0)
        self.done, self.weight, self.within = 0.0, 0.0, 0.0

    def begin(self, step: str, weight: float) -> None:
        """The part before is done, and one of such a weight begins."""
        self.done += self.weight
        self.weight, self.within, self.step = weight, 0.0, step
        self._say()

    def beat(self, share: float) -> None:
        """So much of the part is done, 0 to 1."""
        self.within = min(1.0, share)
        self._say()

    def _say(self) -> None:
        if self.report:
            self.report(round(STEPS * self.share), STEPS, self.step)
