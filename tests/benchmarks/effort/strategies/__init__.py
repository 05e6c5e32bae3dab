"""The ways of sorting that are compared: name to the function that works a whole project, and what may be tuned."""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies import ecotaxa, one_by_one

Strategy = Callable[[Person, dict[str, Any]], None]

STRATEGIES: dict[str, Strategy] = {
    "one_by_one": one_by_one.work,
    "ecotaxa": ecotaxa.work,
}
# Each strategy's free settings, the first value of each being where tuning starts.
SETTINGS: dict[str, dict[str, list[Any]]] = {
    "one_by_one": {},
    "ecotaxa": ecotaxa.SETTINGS,
}
