"""Shoal as a skilled person uses it: the cards that bring most first, and in every round what costs more to name.

Rounds of cards, cut again from what is left: first the groups of a page that are cheap to name, in the end everything,
on pages where like things stand together. A class that has grown enough is searched by likeness, with counter-examples,
where tuning finds that this pays.
"""

from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies.cards import ALL, MOST_CARDS, work_card, work_in_neighbourhoods
from tests.benchmarks.effort.strategies.similar import grow

NEVER = 1_000_000
SETTINGS: dict[str, list[Any]] = {
    "rounds": [[2.0, ALL], [1.5, ALL], [1.2, 2.0]],  # what is named in each round: at most so many seconds an image
    "page": [100, 60],
    "size": [60, 0],  # objects of a card, about; 0: as they are proposed
    "enough": [NEVER, 100, 40],  # examples of a class before it is searched for
    "stop": [0.5, 0.7],  # less of a page of a search is right: it ends
}
FIRST, AGAIN, LEAST_GROUP = 25, 2.0, 3


def work(person: Person, settings: dict[str, Any]) -> None:
    searched: dict[str, int] = {}
    for worth_s in settings["rounds"]:
        n_left, size = person.shoal.n_unlabelled(), settings["size"]
        person.shoal.cut_cards(max(2, n_left // size) if size else None)
        for card in person.shoal.cards(MOST_CARDS):
            work_card(person, card, settings["page"], worth_s)
            look_for_more(person, settings, searched)
    work_in_neighbourhoods(person, settings["page"])


def look_for_more(person: Person, settings: dict[str, Any], searched: dict[str, int]) -> None:
    """Search for each class that has grown enough since it was searched for last."""
    for name, known in sorted(person.examples.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(known) >= max(settings["enough"], AGAIN * searched.get(name, 0)):
            grow(person, name, FIRST, LEAST_GROUP, settings["stop"], negatives=True)
            searched[name] = len(person.examples[name])
