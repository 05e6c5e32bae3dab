"""One image after the other, as they were imported."""

from typing import Any

from tests.benchmarks.effort.person import Person

PAGE = 100


def work(person: Person, settings: dict[str, Any]) -> None:
    finish(person)


def finish(person: Person) -> None:
    """Whatever is not labelled yet."""
    while tiles := person.shoal.tiles(PAGE, status=["U", "P"]):
        person.turn_page()
        person.label_each(tiles)
