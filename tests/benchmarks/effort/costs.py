"""What a person's acts cost, and how a person errs. Assumptions, between published figures.

Seconds: RSVP shows 0.1 s an image, deliberate checking takes 1.6 to 2 s, sorting in EcoTaxa 2.3 to 5 s all in all.
"""

from collections.abc import Iterable, Mapping

SECONDS = {
    "name": 3.0,  # a label that was not used before, by type-ahead
    "label1": 2.5,  # a label that was used before: one image, or what is marked
    "mark": 0.9,  # one exception; a run between two of them costs two
    "key": 0.6,  # a page's verdict
    "page": 0.5,  # turning it and waiting until it is painted
    "glance": 0.15,  # an image among its like
    "glance_mixed": 0.35,  # an image among others
    "open": 4.0,  # one image large, with its details
}
LOOKS = ("glance", "glance_mixed")
MISS_HOMOGENEOUS, MISS_MIXED, MISS_CROWDED = 0.02, 0.05, 0.10
CROWDED = 100  # images on a page
CONFUSED = 0.03  # taken for a sibling
HOMOGENEOUS = 0.8  # of a page's images are one class


def seconds(counts: Mapping[str, int], prices: Mapping[str, float] = SECONDS) -> float:
    """What so many acts of each type take."""
    return sum(n * prices[what] for what, n in counts.items())


def acts(counts: Mapping[str, int]) -> int:
    """Everything that a hand does; looking is none."""
    return sum(n for what, n in counts.items() if what not in LOOKS)


def marks(places: Iterable[int]) -> int:
    """Marks for these places of a page: neighbours go as a range, from its first to its last."""
    n, before, run = 0, None, 0
    for place in sorted(places):
        run = run + 1 if before is not None and place == before + 1 else 1
        n += run <= 2
        before = place
    return n
