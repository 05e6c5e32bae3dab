"""The ways of sorting that are compared: name to the function that works a whole project, and what may be tuned."""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies import best, cards, ecotaxa, morphocluster, one_by_one, similar

Strategy = Callable[[Person, dict[str, Any]], None]

# The last six are Shoal as it is best used: by itself, with one thing learned, with all that it learns while one works,
# and with what a reference project teaches waited for: the embedder that was trained of it when these images came.
STRATEGIES: dict[str, Strategy] = {
    "one_by_one": one_by_one.work,
    "ecotaxa": ecotaxa.work,
    "morphocluster": morphocluster.work,
    "similar": similar.work,
    "similar_negatives": similar.work_with_negatives,
    "cards": cards.work,
    "best_plain": best.with_help(),
    "best_space": best.with_help("space"),
    "best_classifier": best.with_help("classifier"),
    "best_embedder": best.with_help("classifier", "embedder"),
    "best": best.with_help("space", "classifier", "embedder"),
    "best_prepared": best.with_help("space", "classifier", "embedder", prepared=True),
}
# Each strategy's free settings, the first value of each being where tuning starts: the best that is known.
SETTINGS: dict[str, dict[str, list[Any]]] = {
    "one_by_one": {},
    "ecotaxa": ecotaxa.SETTINGS,
    "morphocluster": morphocluster.SETTINGS,
    "similar": similar.SETTINGS,
    "similar_negatives": similar.SETTINGS,
    "cards": cards.SETTINGS,
    "best_plain": best.CARDS,
    "best_space": best.CARDS,
    "best_classifier": best.WAYS | best.LEARNED | best.CARDS,
    "best_embedder": best.WAYS | best.LEARNED | best.CARDS,
    "best": best.WAYS | best.LEARNED | best.CARDS,
    "best_prepared": best.WAYS | best.LEARNED | best.CARDS,
}


def settings_of(name: str, n_reference: int) -> dict[str, list[Any]]:
    """The free settings of a strategy, where so many images are labelled in a reference project."""
    choices = SETTINGS[name]
    if not n_reference:
        return choices
    if name == "ecotaxa":
        return ecotaxa.WITH_REFERENCE
    return best.WITH_REFERENCE if "way" in choices else choices
