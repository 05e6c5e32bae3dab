"""As in MorphoCluster: approve whole clusters after a glance, grow each over the next alike by bisection, name it.

What is approved or grown over counts as labelled, seen or not. Clusters are cut again from what is left, into smaller
ones each time; the rest, which the original leaves unsorted, is named from mixed pages in groups.
"""

from collections import Counter
from typing import Any

from tests.benchmarks.effort.client import Tile
from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies.ecotaxa import begin

GLANCED = 60
PURE = 0.9
PAGE, MOST_PAGES = 50, 100
MOST_EXAMPLES, MOST_CARDS = 200, 500
SETTINGS: dict[str, list[Any]] = {
    "cuts": [2, 1, 3],
    "size": [16, 32, 8],  # objects of a cluster of the first cut, about; half of it in each cut after
    "fine": [0.9, 1.0, 0.8],  # of a page is right: it is passed as a whole
    "least": [5, 2],  # objects of a cluster that is worth a glance
    "patience": [5, 15],  # clusters dissolved one after the other, until these are given up
}


def work(person: Person, settings: dict[str, Any]) -> None:
    size = settings["size"]
    for _ in range(settings["cuts"]):
        n_left = person.shoal.n_unlabelled()
        if not n_left:
            return
        person.shoal.cut_cards(max(2, n_left // size))
        refused = 0
        for card in person.shoal.cards(MOST_CARDS, "purity"):
            if card["n"] >= settings["least"]:
                refused = 0 if approve(person, card, settings["fine"]) else refused + 1
            if refused == settings["patience"]:
                break
        size = max(size // 2, 4)
    begin(person, 100, person.shoal.n_objects())


def approve(person: Person, card: dict[str, Any], fine: float) -> bool:
    """Look at the members, the extremes first; one kind is approved, grown and named, anything else dissolved."""
    batch = person.shoal.make_batch({"kind": "cluster", "cluster_ids": [card["id"]]}, "extremes", 10_000)
    tiles = person.shoal.batch_tiles(batch["id"])
    person.shoal.close_batch(batch["id"])
    tiles = [tile for tile in tiles if tile["id"] not in person.done]
    if not tiles:
        return False
    person.turn_page()
    names, _ = person.look(tiles[:GLANCED])
    name, n = Counter(names).most_common(1)[0]
    person.diary.act("key")
    if n < PURE * len(names):
        return False
    grown, n_seen = grow(person, tiles, name, fine)
    person.name(name)
    for group, unseen in ((tiles[:GLANCED] + grown[:n_seen], False), (tiles[GLANCED:] + grown[n_seen:], True)):
        if group:
            person.shoal.label(group, name)
            person.note(group, name, unseen)
    return True


def grow(person: Person, members: list[Tile], name: str, fine: float) -> tuple[list[Tile], int]:
    """What is taken in: all pages before the first bad one that galloping and bisecting find; those seen come first."""
    ids = [tile["id"] for tile in members[:MOST_EXAMPLES]]
    alike = [tile for tile in person.shoal.alike(ids, PAGE * MOST_PAGES) if tile["id"] not in person.done]
    alike = [tile for tile in alike if tile["id"] not in {tile["id"] for tile in members}]
    pages = [alike[first : first + PAGE] for first in range(0, len(alike), PAGE)]
    good, bad, step = -1, len(pages), 1  # the last page found good, the first found bad
    seen: set[int] = set()
    while bad - good > 1:
        at = min(good + step, bad - 1) if bad == len(pages) else _pivot(good, bad)
        seen.add(at)
        if _is_fine(person, pages[at], name, fine):
            good, step = at, 2 * step
        else:
            bad = at
    taken = [page for at, page in enumerate(pages[: good + 1]) if at in seen]
    unseen = [page for at, page in enumerate(pages[: good + 1]) if at not in seen]
    return [tile for page in taken + unseen for tile in page], sum(map(len, taken))


def _pivot(good: int, bad: int) -> int:
    """A quarter of the way after a bad page: good ones are more often near."""
    return good + max(1, (bad - good) // 4)


def _is_fine(person: Person, tiles: list[Tile], name: str, fine: float) -> bool:
    person.turn_page()
    names, homogeneous = person.look(tiles)
    person.diary.act("key")
    missed = person.overlooks(tiles, homogeneous)
    strangers = [place for place, its in enumerate(names) if its != name and place not in missed]
    return len(strangers) <= (1 - fine) * len(tiles)
