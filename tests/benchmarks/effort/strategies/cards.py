"""Cards of like objects: each is opened, what is most of it gets its name with the exceptions marked, groups are named.

What is left after all cards is cut again, as long as that pays; the rest is worked from mixed pages.
"""

from collections import Counter
from typing import Any

from tests.benchmarks.effort.client import Tile
from tests.benchmarks.effort.marking import cheapest
from tests.benchmarks.effort.person import Person

MOST_CARDS = 500
ALL = 1_000.0
SETTINGS: dict[str, list[Any]] = {
    "page": [100, 60],
    "worth_s": [2.0, 1.5, ALL],  # a group is named where that takes at most so many seconds an image
    "cuts": [2, 1],
}


def work(person: Person, settings: dict[str, Any]) -> None:
    for _ in range(settings["cuts"]):
        person.shoal.cut_cards()
        for card in person.shoal.cards(MOST_CARDS):
            work_card(person, card, settings["page"], settings["worth_s"])
    work_in_neighbourhoods(person, settings["page"])


def work_card(person: Person, card: dict[str, Any], page_size: int, worth_s: float) -> None:
    """All of a card's pages."""
    batch = person.shoal.make_batch({"kind": "cluster", "cluster_ids": [card["id"]]}, "neighbours", 10_000)
    while (page := person.shoal.batch_page(batch["id"], page_size))["tiles"]:
        work_groups(person, page, worth_s)
    person.shoal.close_batch(batch["id"])


def work_groups(person: Person, page: dict[str, Any], worth_s: float) -> None:
    """Brush the smaller groups with their names, then name what is most of the page, and leave the rest."""
    tiles: list[Tile] = page["tiles"]
    person.turn_page()
    names, homogeneous = person.look(tiles)
    overlooked = person.overlooks(tiles, homogeneous)
    offered = person.shoal.offered(page)
    most, *others = (name for name, _ in Counter(names).most_common())
    done: set[int] = set()
    for name in others:
        places = [place for place, its in enumerate(names) if its == name and place not in overlooked]
        if places and person.price(places, name, offered) <= worth_s:
            person.name_offered(page, places, name)
            done.update(places)
    left = [place for place in range(len(tiles)) if place not in done]
    marking = cheapest([names[place] == most for place in left], [tiles[place].get("mark") == 1 for place in left])
    hits = [place for place in left if names[place] == most]
    if person.price(hits, most, offered) > worth_s:
        person.diary.act("key")
        person.shoal.apply_page(page, [], [], None)
        return
    for what, n in marking.acts.items():
        person.diary.act(what, n)
    forgotten = {k for k, place in enumerate(left) if place in overlooked}
    marked = [tiles[left[k]] for k in marking.result(forgotten)]
    is_offered = bool(marked) and most in person.shoal.offered_for(page, marked)
    person.shoal.apply_page(page, marked, [], person.shoal.taxon(most))
    if marked:
        person.say(marked, most, offered=is_offered)
    else:
        person.diary.act("key")


def work_in_neighbourhoods(person: Person, page_size: int) -> None:
    """Whatever is not labelled yet, like things beside each other: named in groups, down to single ones."""
    while True:
        batch = person.shoal.make_batch({"kind": "filter", "query": "status=U&status=P"}, "neighbours", 10_000)
        if not batch["n"]:
            return
        while (page := person.shoal.batch_page(batch["id"], page_size))["tiles"]:
            work_groups(person, page, ALL)
        person.shoal.close_batch(batch["id"])
