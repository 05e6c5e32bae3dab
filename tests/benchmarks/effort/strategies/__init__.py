"""The ways of sorting that are compared: name to the function that works a whole project, and what may be tuned."""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies import best, cards, ecotaxa, morphocluster, one_by_one, similar

Strategy = Callable[[Person, dict[str, Any]], None]

STRATEGIES: dict[str, Strategy] = {
    "one_by_one": one_by_one.work,
    "ecotaxa": ecotaxa.work,
    "morphocluster": morphocluster.work,
    "similar": similar.work,
    "similar_negatives": similar.work_with_negatives,
    "cards": cards.work,
    "best": best.work,
}
# Each strategy's free settings, the first value of each being where tuning starts.
SETTINGS: dict[str, dict[str, list[Any]]] = {
    "one_by_one": {},
    "ecotaxa": ecotaxa.SETTINGS,
    "morphocluster": morphocluster.SETTINGS,
    "similar": similar.SETTINGS,
    "similar_negatives": similar.SETTINGS,
    "cards": cards.SETTINGS,
    "best": best.SETTINGS,
}
