"""What a random sample says of what nobody looked at: exact bounds for a finite pile, and how many are still out there.

Only counts from random draws may come in here: what was chosen (the least likely, a page of neighbours) says nothing of
the rest. Draws are without replacement and add up over all audits of one pile, so a second audit continues the first.

Looking repeatedly and stopping when the answer pleases makes any fixed bound untrue: of 1,000 objects of which 51 are
wrong, "at most 5 % at 95 % confidence" is said falsely in 4 % of the cases after one look, in 13 % by someone who may
enlarge his sample three times, in 22 % after eight looks. So each look spends a part of the error that is allowed: the
first `FIRST_LOOK` of it, what is left is shared by all later ones (a half, a sixth, a twelfth of it ...). All bounds
that were ever shown for a pile are then true together with the stated confidence (above: 4 %, 5 %, 5 %). The first
audit hardly pays for it (60 draws instead of 59 for 5 %), and a look again is dear enough to be no way around a
stranger: after 1 wrong of 60, 162 draws in place of 94.

Clopper and Pearson, Biometrika 1934, with the hypergeometric in place of the binomial.
"""

from dataclasses import dataclass
from math import exp, lgamma

FIRST_LOOK = 0.92  # of the allowed error: as much as lets 0 wrong of 60 promise 5 %


def most_wrong(n_pile: int, n_sample: int, n_wrong: int, confidence: float = 0.95, look: int = 1) -> int:
    """How many of a pile are wrong at most, those found included.

    n_pile: objects that the sample was drawn from (itself included). n_sample, n_wrong: over all audits of the pile.
    look: how many times it was looked at, this time included. Raises ValueError where these cannot be.
    """
    _check(n_pile, n_sample, n_wrong, confidence)
    if look < 1:
        raise ValueError("The first look at a pile is number 1.")
    return _largest(n_pile, n_sample, n_wrong, (1 - confidence) * _part(look))


def upper_bound(n_unseen: int, n_sample: int, n_wrong: int, confidence: float = 0.95, look: int = 1) -> float:
    """The share of a pile that is wrong at most, 0 to 1; 1 with no sample. Parameters as in `most_wrong`."""
    return most_wrong(n_unseen, n_sample, n_wrong, confidence, look) / n_unseen if n_unseen else 0.0


def sample_size(n_pile: int, share: float, confidence: float = 0.95, n_wrong: int = 0, look: int = 1) -> int:
    """The fewest draws, over all audits of the pile, after which `share` is promised where `n_wrong` of them are wrong.

    The whole pile where less cannot do.
    """
    low, high = n_wrong, n_pile
    while low < high:
        middle = (low + high) // 2
        if upper_bound(n_pile, middle, n_wrong, confidence, look) <= share:
            high = middle
        else:
            low = middle + 1
    return high


@dataclass(frozen=True)
class Remaining:
    """How many are still out there, without those that the probes found."""

    estimate: float
    low: int
    high: int
    n_probes: int
    n_found: int


def remaining(strata: list[tuple[int, int, int]], confidence: float = 0.95) -> Remaining:
    """How many objects of a label are left among those that nobody looked at, from random probes.

    strata: of each part of what was not seen (one part, or one for each degree of agreement of the neighbours): how
    many objects, how many of them were probed at random, and how many of the probes had the label. The parts share the
    allowed error equally, so that the sum of their intervals covers the sum with the stated confidence.
    """
    estimate, low, high = 0.0, 0, 0
    error = (1 - confidence) / 2 / max(1, len(strata))
    for n, n_probed, n_found in strata:
        _check(n, n_probed, n_found, confidence)
        least, most = _smallest(n, n_probed, n_found, error), _largest(n, n_probed, n_found, error)
        low, high = low + least - n_found, high + most - n_found
        # Where nothing was probed, anything is possible, and the middle is as good as any other guess.
        estimate += n * n_found / n_probed - n_found if n_probed else n / 2
    return Remaining(estimate, low, high, sum(s[1] for s in strata), sum(s[2] for s in strata))


def interval(n_sample: int, n_wrong: int, n_pile: int, confidence: float = 0.95) -> tuple[float, float]:
    """The share of a pile that is wrong, from and to, both sides together with the stated confidence: one look."""
    _check(n_pile, n_sample, n_wrong, confidence)
    error = (1 - confidence) / 2
    if not n_pile:
        return 0.0, 1.0
    return _smallest(n_pile, n_sample, n_wrong, error) / n_pile, _largest(n_pile, n_sample, n_wrong, error) / n_pile


def _part(look: int) -> float:
    """The part of the allowed error that a look spends; the sum over all looks is 1."""
    return FIRST_LOOK if look == 1 else (1 - FIRST_LOOK) / (look * (look - 1))


def _check(n_pile: int, n_sample: int, n_wrong: int, confidence: float) -> None:
    if not 0 <= n_wrong <= n_sample <= n_pile:
        raise ValueError(f"{n_wrong} wrong of a sample of {n_sample} from a pile of {n_pile} cannot be.")
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence lies between 0 and 1; {confidence} does not.")


def _largest(n: int, n_sample: int, n_wrong: int, error: float) -> int:
    """The largest number of wrong ones under which so few in the sample are not less probable than `error`."""
    low, high = n_wrong, n - (n_sample - n_wrong)
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(n_wrong, n, middle, n_sample) > error:
            low = middle
        else:
            high = middle - 1
    return low


def _smallest(n: int, n_sample: int, n_wrong: int, error: float) -> int:
    """The smallest number of wrong ones under which so many in the sample are not less probable than `error`."""
    return n - _largest(n, n_sample, n_sample - n_wrong, error)


def _at_most(x: int, n: int, n_marked: int, n_sample: int) -> float:
    """Probability of `x` marked ones or fewer in a sample drawn without replacement."""
    lowest = max(0, n_sample - (n - n_marked))
    whole = _choices(n, n_sample)
    return sum(
        exp(_choices(n_marked, i) + _choices(n - n_marked, n_sample - i) - whole)
        for i in range(lowest, min(x, n_marked, n_sample) + 1)
    )


def _choices(n: int, k: int) -> float:
    """Natural logarithm of the number of ways to choose `k` of `n`."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
