"""Shoal as a skilled person uses it: the cards that bring most first, and after a name more of the same where it pays.

Rounds of cards, cut again from what is left: first only the larger groups of a page are named, in the end everything.
A class that has grown enough is searched by likeness, with counter-examples, while most of a page is right.
"""

from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies.cards import MOST_CARDS, work_card, work_in_neighbourhoods
from tests.benchmarks.effort.strategies.similar import grow

SETTINGS: dict[str, list[Any]] = {
    "rounds": [[3, 1], [1], [2, 1], [5, 2, 1], [4, 2]],  # the smallest group that is named, in each round of cards
    "page": [60, 100],
    "enough": [20, 10, 40, 10_000],  # examples of a class before it is searched for
    "again": [2.0, 1.5, 3.0],
    "first": [25, 50, 12],  # images on the first page of a search
    "least_group": [3, 2, 1, 1000],  # strangers on a page of a search that are named on the spot
    "stop": [0.5, 0.3, 0.7],
}


def work(person: Person, settings: dict[str, Any]) -> None:
    searched: dict[str, int] = {}
    for least_group in settings["rounds"]:
        person.shoal.cut_cards()
        for card in person.shoal.cards(MOST_CARDS):
            work_card(person, card, settings["page"], least_group)
            look_for_more(person, settings, searched)
    work_in_neighbourhoods(person, settings["page"])


def look_for_more(person: Person, settings: dict[str, Any], searched: dict[str, int]) -> None:
    """Search for each class that has grown enough since it was searched for last."""
    for name, known in sorted(person.examples.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(known) >= max(settings["enough"], settings["again"] * searched.get(name, 0)):
            grow(person, name, settings["first"], settings["least_group"], settings["stop"], negatives=True)
            searched[name] = len(person.examples[name])
