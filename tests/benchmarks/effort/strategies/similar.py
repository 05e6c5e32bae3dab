"""Name what is on a mixed page, and after each name look for more of the same by likeness, page by page."""

from collections import Counter
from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies.growing import next_size, work_page

MOST_EXAMPLES, LIMIT = 100, 1_000
SETTINGS: dict[str, list[Any]] = {
    "page": [12, 25, 50],  # images on the first page of a search
    "mixed": [100, 50],  # images on the pages where new names come from
    "again": [2.0, 1.5, 4.0],  # a class is searched again once it has grown so many times
    "least_group": [2, 1000, 3, 1],  # strangers on a page that are named on the spot
    "stop": [0.3, 0.5],  # less of a page is right: the search ends
}


def work(person: Person, settings: dict[str, Any]) -> None:
    sort_by_likeness(person, settings, negatives=False)


def work_with_negatives(person: Person, settings: dict[str, Any]) -> None:
    """What is unmarked is a counter-example, and not offered again."""
    sort_by_likeness(person, settings, negatives=True)


def sort_by_likeness(person: Person, settings: dict[str, Any], *, negatives: bool) -> None:
    searched: dict[str, int] = {}
    while tiles := person.shoal.tiles(settings["mixed"], status="U"):
        person.turn_page()
        names, _ = person.look(tiles)
        for name in dict(Counter(names).most_common()):
            group = [tile for tile, its in zip(tiles, names, strict=True) if its == name]
            group = [tile for tile in group if tile["id"] not in person.done]
            if group:
                person.name_group(group, list(range(len(group))), name)
                known = person.examples[name]
                if len(known) >= settings["again"] * searched.get(name, 0):
                    grow(person, name, settings["page"], settings["least_group"], settings["stop"], negatives=negatives)
                    searched[name] = len(known)


def grow(person: Person, name: str, n: int, least_group: int, stop: float, *, negatives: bool) -> None:
    """More of a class, by likeness to its latest examples, until too little of a page is right."""
    ids = person.examples[name][-MOST_EXAMPLES:]
    batch = person.shoal.make_batch({"kind": "examples", "ids": ids}, "neighbours", LIMIT, person.shoal.taxon(name))
    while (page := person.shoal.batch_page(batch["id"], n))["tiles"]:
        came = work_page(person, page, name, negatives=negatives, least_group=least_group)
        if came.share < stop:
            break
        n = next_size(n, came.share)
    person.shoal.close_batch(batch["id"])
