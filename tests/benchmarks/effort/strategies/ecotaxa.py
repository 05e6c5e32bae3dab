"""As in EcoTaxa: label some, train a forest, confirm its classes page by page from the best score down, repeat.

Played as well as it can be: several of a class on a page are named together, ranges are marked with two clicks,
exceptions of a page are named on the spot where that pays, and the last round works through all that is predicted.
"""

from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies.one_by_one import finish

SETTINGS: dict[str, list[Any]] = {
    "seed_share": [0.05, 0.1, 0.02],
    "trainings": [3, 2, 5, 1],
    "least_group": [3, 1, 2, 1000],  # exceptions on a class's page that are named there; 1000: none
    "forest": ["all leaf1", "pca50 leaf1", "pca50 leaf5 balanced"],
    "page": [100, 50, 200],
    "stop": [0.3, 0.5],  # less of a page is right: the class is left until the next training
}


# Where a reference project teaches from the beginning, the first forest needs no label of one's own.
WITH_REFERENCE = SETTINGS | {"seed_share": [0.0, 0.05, 0.02]}


def work(person: Person, settings: dict[str, Any]) -> None:
    begin(person, settings["page"], round(settings["seed_share"] * person.shoal.n_objects()))
    for training in range(settings["trainings"]):
        person.wait_for("training", settings["forest"])
        last = training == settings["trainings"] - 1
        least_group = 1 if last else settings["least_group"]
        for taxon_id, name in predicted(person):
            confirm_class(person, taxon_id, name, settings["page"], least_group, 0.0 if last else settings["stop"])
    finish(person)


def begin(person: Person, page: int, wanted: int) -> None:
    """The first labels, on mixed pages."""
    done = 0
    while done < wanted and (tiles := person.shoal.tiles(min(page, wanted - done), status="U")):
        person.turn_page()
        person.sort_page(tiles, None, 1)
        done += len(tiles)


def predicted(person: Person) -> list[tuple[int, str]]:
    """The predicted classes, the largest first."""
    waiting = {taxon_id: n["P"] for taxon_id, n in person.shoal.counts().items() if n.get("P")}
    ordered = sorted(waiting, key=lambda each: (-waiting[each], each))
    return [(taxon_id, person.shoal.name_of(taxon_id)) for taxon_id in ordered]


def confirm_class(person: Person, taxon_id: int, name: str, page: int, least_group: int, stop: float) -> None:
    """From the best score down, until too little of a page is right."""
    wanted = {"status": "P", "taxon": taxon_id, "children": 0, "order": "score", "dir": "desc"}
    for tiles in person.shoal.pages(page, **wanted):
        person.turn_page()
        if person.sort_page(tiles, name, least_group) < stop:
            return
