"""Finds each strategy's best settings, one after the other, so that nobody is beaten with a bad hand."""

import sys
from collections.abc import Callable
from typing import Any

Values = dict[str, Any]


def tune(choices: dict[str, list[Any]], cost: Callable[[Values], float]) -> tuple[Values, list[tuple[Values, float]]]:
    """The settings of the lowest cost found by changing one at a time, and all that were tried with their costs."""
    best = {name: values[0] for name, values in choices.items()}
    tried: list[tuple[Values, float]] = [(best, cost(best))]
    lowest = tried[0][1]
    for name, values in choices.items():
        for value in values[1:]:
            settings = best | {name: value}
            now = cost(settings)
            tried.append((settings, now))
            print(f"  {name}={value}: {now:.3f} s an image, best so far {lowest:.3f}", file=sys.stderr, flush=True)
            if now < lowest:
                best, lowest = settings, now
    return best, tried
