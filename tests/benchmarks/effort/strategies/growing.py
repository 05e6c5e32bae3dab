"""Working a batch with one target page by page, until too little of a page is right."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.effort.client import Tile
from tests.benchmarks.effort.marking import cheapest
from tests.benchmarks.effort.person import Person

FEWEST, LARGEST = 10, 100  # images on a page


@dataclass
class Page:
    """What came of a page: how much of it was the target, and what is left on it by class."""

    share: float
    n_right: int
    n: int


def work_page(person: Person, page: dict[str, Any], target: str, *, negatives: bool, least_group: int) -> Page:
    """Mark what is the target, apply, and leave the rest. With `negatives`, a key says that the rest is not this.

    Strangers of which `least_group` or more stand there are named too, before the page is applied.
    """
    tiles: list[Tile] = page["tiles"]
    person.turn_page()
    names, homogeneous = person.look(tiles)
    overlooked = person.overlooks(tiles, homogeneous)
    right = [name == target for name in names]
    named = _name_groups(person, page, names, target, overlooked, least_group)
    marking = cheapest(right, [tile.get("mark") == 1 for tile in tiles])
    for what, n in marking.acts.items():
        person.diary.act(what, n)
    marked = [place for place in marking.result(overlooked) if place not in named]
    refused = [place for place in range(len(tiles)) if place not in {*marked, *named}] if negatives else []
    person.diary.act("key", int(bool(refused)))
    taxon_id = person.shoal.taxon(target)
    person.shoal.apply_page(page, [tiles[p] for p in marked], [tiles[p] for p in refused], taxon_id)
    if marked:
        person.say([tiles[place] for place in marked], target, offered=True)
    elif not refused:
        person.diary.act("key")
    return Page(sum(right) / len(tiles), sum(right), len(tiles))


def _name_groups(
    person: Person, page: dict[str, Any], names: list[str], target: str, overlooked: set[int], least: int
) -> set[int]:
    """Places of strangers that were named on the spot."""
    named: set[int] = set()
    for name, n in Counter(names).most_common():
        if name != target and n >= least:
            places = [place for place, its in enumerate(names) if its == name and place not in overlooked]
            person.name_offered(page, places, name)
            named.update(places)
    return named


def next_size(n: int, share: float, largest: int = LARGEST) -> int:
    """Larger pages where little is corrected, smaller ones where much is."""
    if share >= 0.8:
        return min(2 * n, largest)
    return max(n // 2, FEWEST) if share < 0.5 else n
