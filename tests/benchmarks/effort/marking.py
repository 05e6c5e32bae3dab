"""The cheapest way to mark what is right on a page: as it opens, from a line, all but some, or some alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.effort import costs


@dataclass(frozen=True)
class Marking:
    """Acts by type; `touched` are the places that are toggled one by one, all others stay as the start leaves them."""

    acts: dict[str, int]
    marked_at_first: tuple[bool, ...]
    touched: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return costs.seconds(self.acts)

    def result(self, overlooked: set[int]) -> list[int]:
        """Places that are marked in the end, where some toggles are forgotten."""
        flipped = set(self.touched) - overlooked
        return [place for place, is_marked in enumerate(self.marked_at_first) if is_marked != (place in flipped)]


def cheapest(right: Sequence[bool], opened: Sequence[bool]) -> Marking:
    """`right`: what is to be marked in the end; `opened`: what is marked when the page opens.

    All and none are one key each; the line is put anywhere by one mark, and what stands before it is marked.
    """
    n = len(right)
    starts = [({}, tuple(opened)), ({"key": 1}, (True,) * n), ({"key": 1}, (False,) * n)]
    starts += [({"mark": 1}, (True,) * k + (False,) * (n - k)) for k in _edges(right)]
    if not any(opened):
        starts[2] = ({}, (False,) * n)
    return min((_from(acts, start, right) for acts, start in starts), key=lambda each: each.seconds)


def _edges(right: Sequence[bool]) -> list[int]:
    """Where a line can be of use: behind something right, before something that is not."""
    return [k for k in range(1, len(right)) if right[k - 1] and not right[k]]


def _from(acts: dict[str, int], start: tuple[bool, ...], right: Sequence[bool]) -> Marking:
    touched = tuple(place for place, is_right in enumerate(right) if is_right != start[place])
    counts = dict(acts)
    # A range is of one kind: what is marked and what is unmarked are not taken in one sweep.
    toggles = sum(costs.marks([place for place in touched if right[place] == kind]) for kind in (True, False))
    counts["mark"] = counts.get("mark", 0) + toggles
    return Marking(counts, start, touched)
