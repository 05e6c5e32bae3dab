"""A simulated person: knows what each image is, takes some for a sibling, overlooks some, and does what costs least."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Container
from typing import Any

from tests.benchmarks.effort import costs
from tests.benchmarks.effort.client import Shoal, Tile
from tests.benchmarks.effort.diary import Diary


class Person:
    """Sees tiles (dicts with `id`, `hash` and `state`), and writes down all it does.

    `truth` maps an image's hash to its class. Siblings are classes whose names begin with the same word. `n_reference`:
    so many labelled images there are elsewhere.
    """

    def __init__(
        self, shoal: Shoal, truth: dict[str, str], seed: int, errs: bool, ask: Callable[..., Any], n_reference: int = 0
    ) -> None:
        self.shoal, self.truth, self.seed, self.errs, self.ask = shoal, truth, seed, errs, ask
        self.n_reference = n_reference
        self.diary: Diary = shoal.diary
        self.chance = random.Random(seed)
        self.used: set[str] = set()
        self.done: set[int] = set()
        self.examples: dict[str, list[int]] = defaultdict(list)
        families: dict[str, list[str]] = {}
        for name in sorted(set(truth.values())):
            families.setdefault(_first_word(name), []).append(name)
        self.siblings = {name: [other for other in family if other != name]
                         for family in families.values() for name in family}  # fmt: skip

    # What the eye does ------------------------------------------------------------------------------------------

    def takes_for(self, tile: Tile) -> str:
        """The class that this person sees in an image: always the same one."""
        name = self.truth[tile["hash"]]
        whim = random.Random(f"{self.seed} {tile['hash']}")
        others = self.siblings[name]
        return whim.choice(others) if self.errs and others and whim.random() < costs.CONFUSED else name

    def look(self, tiles: list[Tile]) -> tuple[list[str], bool]:
        """What one takes a page's images for, and whether most are one class."""
        names = [self.takes_for(tile) for tile in tiles]
        most = max(Counter(names).values(), default=0)
        homogeneous = most >= costs.HOMOGENEOUS * len(tiles)
        self.diary.act("glance" if homogeneous else "glance_mixed", len(tiles))
        return names, homogeneous

    def turn_page(self) -> None:
        self.diary.act("page")

    def overlooks(self, tiles: list[Tile], homogeneous: bool) -> set[int]:
        """Places whose exception is missed, if they are one."""
        if not self.errs:
            return set()
        p = costs.MISS_HOMOGENEOUS if homogeneous else costs.MISS_MIXED
        p = costs.MISS_CROWDED if len(tiles) > costs.CROWDED else p
        return {place for place in range(len(tiles)) if self.chance.random() < p}

    def wait_for(self, what: str, how: str) -> None:
        """Ask the benchmark for something that a program does, and wait until it is done."""
        self.diary.wait(what, self.ask(what, how))

    # What the hand does -----------------------------------------------------------------------------------------

    def name(self, name: str) -> None:
        """Give the label field a name."""
        self.diary.act("label1" if name in self.used else "name")
        self.used.add(name)

    def say(self, tiles: list[Tile], name: str, offered: bool = False, unseen: bool = False) -> None:
        """Note that these have this label now. `offered`: a key was enough, since the name stood there."""
        if offered:
            self.diary.act("key")
            self.used.add(name)
        else:
            self.name(name)
        self.note(tiles, name, unseen)

    def note(self, tiles: list[Tile], name: str, unseen: bool = False) -> None:
        self.done.update(tile["id"] for tile in tiles)
        self.examples[name] += [tile["id"] for tile in tiles]
        self.diary.labels([[tile["id"], name, self.truth[tile["hash"]]] for tile in tiles], unseen)

    def label_each(self, tiles: list[Tile]) -> None:
        """One image after the other, as they come."""
        for tile in tiles:
            self.diary.act("glance_mixed")
            name = self.takes_for(tile)
            self.shoal.label([tile], name)
            self.say([tile], name)

    def sort_page(self, tiles: list[Tile], target: str | None, least_group: int) -> float:
        """Work a page of a list: groups of another class are named, what is left is `target` or stays.

        `target` is what the page is predicted to be. Groups smaller than `least_group` are left where they are. Returns
        which share of the page was the target.
        """
        names, homogeneous = self.look(tiles)
        missed = self.overlooks(tiles, homogeneous)
        sizes = Counter(names)
        hits = [place for place, name in enumerate(names) if name == target]
        others = [name for name, n in sizes.most_common() if name != target and n >= least_group]
        for name in others:
            places = [place for place, its in enumerate(names) if its == name and place not in missed]
            self.name_group(tiles, places, name)
        rest = [p for p, name in enumerate(names) if name != target and (name not in others or p in missed)]
        if target is not None and hits:
            self._confirm(tiles, hits, rest, missed, target)
        return len(hits) / len(tiles)

    def price(self, places: list[int], name: str, offered: Container[str]) -> float:
        """Seconds an image that it takes to mark these and name them."""
        naming = costs.SECONDS["key" if name in offered else "label1" if name in self.used else "name"]
        marking = costs.marks(places) * costs.SECONDS["mark"] if len(places) > 1 or name in offered else 0.0
        return (marking + naming) / len(places)

    def name_group(self, tiles: list[Tile], places: list[int], name: str) -> None:
        """Mark these and name them. A single one is labelled where it stands."""
        if not places:
            return
        group = [tiles[place] for place in places]
        if len(places) > 1:
            self.diary.act("mark", costs.marks(places))
        self.shoal.label(group, name)
        self.say(group, name)

    def name_offered(self, page: dict[str, Any], places: list[int], name: str) -> None:
        """Mark these of a batch's page; a name that is proposed for them then takes a key."""
        group = [page["tiles"][place] for place in places]
        offered = self.shoal.offered_for(page, group)
        if len(places) > 1 or name in offered:
            self.diary.act("mark", costs.marks(places))
        self.shoal.label(group, name)
        self.say(group, name, offered=name in offered)

    def _confirm(self, tiles: list[Tile], hits: list[int], rest: list[int], missed: set[int], target: str) -> None:
        """Either all but the exceptions, or what is right alone: whichever is less to mark."""
        exceptions = [place for place in rest if place not in missed]
        right = [place for place in hits if place not in missed]
        # Without exceptions, one key takes the page; with some, one key marks all, and these are unmarked.
        but = {"key": int(bool(exceptions)), "mark": costs.marks(exceptions)}
        only = {"mark": costs.marks(right)}
        takes_all = costs.seconds(but) <= costs.seconds(only)
        for what, n in (but if takes_all else only).items():
            self.diary.act(what, n)
        places = sorted(hits + [place for place in rest if place in missed]) if takes_all else right
        if places:
            self.shoal.label([tiles[place] for place in places], None)
            self.say([tiles[place] for place in places], target, offered=True)


def _first_word(name: str) -> str:
    for mark in "-.,":
        name = name.replace(mark, " ")
    return name.replace("_", " ").split()[0].casefold() if name.strip("_-., ") else name
