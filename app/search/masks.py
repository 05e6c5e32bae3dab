"""Which objects of a mirror a filter keeps, without a Python loop over objects.

What no label changes is kept as packed bits, a condition each; what labels say is compared anew for every state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from app.database.connections import Db
from app.search import looked_up
from app.search.codes import PROVENANCES, STATUSES, VALIDATED
from app.search.columns import TextColumn
from app.search.heads import NONE
from app.search.run_columns import margins, novelties

if TYPE_CHECKING:
    from app.objects.filters import Filter
    from app.search.mirror import Mirror


def mask(db: Db, mirror: Mirror, filter: Filter) -> np.ndarray:
    """bool [n]; one array for all who ask the same of the same state, so never to be changed."""
    if filter.looked_up:
        return fresh_mask(db, mirror, filter)
    return mirror.columns.masks.mask((mirror.version, filter), lambda: fresh_mask(db, mirror, filter))


def fresh_mask(db: Db, mirror: Mirror, filter: Filter) -> np.ndarray:
    kept = _static(db, mirror, filter)
    if filter.validated_only:
        kept &= mirror.status == VALIDATED
    if filter.statuses:
        kept &= _among(mirror.status, [STATUSES.index(letter) for letter in filter.statuses])
    if filter.taxa is not None:
        kept &= _among(mirror.taxon, filter.taxa)
    if filter.provenances:
        kept &= _among(mirror.provenance, [PROVENANCES.index(name) for name in filter.provenances])
    if filter.accounts or filter.others_than is not None:
        kept &= _by(mirror, filter)
    for first, last in filter.whens:
        kept &= (mirror.at > 0) & _between(mirror.at, first, last)
    for said in filter.looked_up:
        kept &= looked_up.mask(db, mirror, said.key, said.values)
    return kept


def _by(mirror: Mirror, filter: Filter) -> np.ndarray:
    """Labelled last by one of these, or by anybody but one."""
    by_these = _among(mirror.account, filter.accounts)
    if filter.others_than is None:
        return by_these
    return by_these | ((mirror.at > 0) & (mirror.account != filter.others_than))


def _static(db: Db, mirror: Mirror, filter: Filter) -> np.ndarray:
    """A fresh array of the objects that all conditions keep which no label changes."""
    wanted: list[tuple[Any, Callable[[], np.ndarray]]] = []
    if filter.samples:
        samples = np.fromiter(filter.samples, np.int64)
        wanted.append((("sample", filter.samples), lambda: np.isin(mirror.sample, samples)))
    for one in filter.ranges:
        wanted.append((("range", *one), partial(_in_range, db, mirror, *one)))
    for two in filter.texts:
        wanted.append((("text", *two), partial(_matching, db, mirror, *two)))
    for said in filter.statics:
        wanted.append((tuple(said), partial(CONDITIONS[said.key], db, mirror, *said.values)))
    if not wanted:
        return np.ones(len(mirror), bool)
    bits = reduce(np.bitwise_and, [mirror.columns.masks.bits(key, make) for key, make in wanted])
    return np.unpackbits(bits, count=len(mirror)).view(bool)


def _among(values: np.ndarray, wanted: Iterable[int]) -> np.ndarray:
    """A look-up table serves small whole numbers many times faster than comparing with each."""
    chosen = [value for value in wanted if value >= 0]
    table = np.zeros(int(max([values.max(initial=0), *chosen])) + 1, bool)
    table[chosen] = True
    return table[values]


def _between(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    kept = np.ones(len(values), bool) if values.dtype.kind in "iu" else ~np.isnan(values)
    if low is not None:
        kept &= values >= low
    if high is not None:
        kept &= values <= high
    return kept


def _in_range(db: Db, mirror: Mirror, level: str, name: str, low: float | None, high: float | None) -> np.ndarray:
    values = mirror.column(db, level, name)
    if isinstance(values, TextColumn):
        return np.zeros(len(mirror), bool)
    return _between(values, low, high)


def _matching(db: Db, mirror: Mirror, level: str, name: str, operator: str, text: str) -> np.ndarray:
    """`~` contains, without regard to case; `=` equals."""
    values = mirror.column(db, level, name)
    if not isinstance(values, TextColumn):
        return np.zeros(len(mirror), bool)
    return values.equal(text) if operator == "=" else values.containing(text)


def _acquisition(db: Db, mirror: Mirror, *ids: int) -> np.ndarray:
    return np.isin(mirror.head(db, "acquisition"), np.array(ids, np.int64))


def _import(db: Db, mirror: Mirror, *ids: int) -> np.ndarray:
    return _among(mirror.head(db, "import"), ids)


def _instrument(db: Db, mirror: Mirror, *names: str) -> np.ndarray:
    return reduce(np.logical_or, [_matching(db, mirror, "acquisition", "instrument", "=", name) for name in names])


def _depth(db: Db, mirror: Mirror, low: float | None, high: float | None) -> np.ndarray:
    shallowest, deepest = mirror.head(db, "shallowest"), mirror.head(db, "deepest")
    return _between(shallowest, low, high) & _between(deepest, low, high)


def _date(db: Db, mirror: Mirror, first: int | None, last: int | None) -> np.ndarray:
    day = mirror.head(db, "day")
    return (day != NONE) & _between(day, first, last)


def _month(db: Db, mirror: Mirror, *months: int) -> np.ndarray:
    """Months are found once for each day between the first and the last, not once for each object."""
    day = mirror.head(db, "day")
    known = day != NONE
    if not known.any():
        return known
    days, places = np.unique(day, return_inverse=True)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return known & np.isin(month, months)[places]


def _time(db: Db, mirror: Mirror, first: int, last: int) -> np.ndarray:
    second = mirror.head(db, "second")
    after, before = second >= first, second <= last
    return (second != NONE) & ((after & before) if first <= last else (after | before))


def _sun(db: Db, mirror: Mirror, *letters: str) -> np.ndarray:
    return _among(mirror.head(db, "sun"), [ord(letter) for letter in letters])


def _place(db: Db, mirror: Mirror, south: float, west: float, north: float, east: float) -> np.ndarray:
    latitude, longitude = positions(db, mirror)
    inside = _between(latitude, south, north)
    if west <= east:
        return inside & _between(longitude, west, east)
    return inside & ((longitude >= west) | (longitude <= east))


def _numbers(db: Db, mirror: Mirror, level: str, name: str) -> np.ndarray:
    values = mirror.column(db, level, name)
    if isinstance(values, TextColumn):
        raise KeyError(name)
    return values


def positions(db: Db, mirror: Mirror) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of each object, its sample's where it has not both of its own."""
    own = [_numbers(db, mirror, "object", name) for name in ("latitude", "longitude")]
    sample = [_numbers(db, mirror, "sample", name) for name in ("latitude", "longitude")]
    lacking = np.isnan(own[0]) | np.isnan(own[1])
    if not lacking.any():
        return own[0], own[1]
    return np.where(lacking, sample[0], own[0]), np.where(lacking, sample[1], own[1])


def _predicted(db: Db, mirror: Mirror, *taxa: int) -> np.ndarray:
    return _among(mirror.predicted, taxa)


def _score(db: Db, mirror: Mirror, low: float | None, high: float | None) -> np.ndarray:
    return _in_single(mirror.score, low, high)


def _margin(db: Db, mirror: Mirror, low: float | None, high: float | None) -> np.ndarray:
    return _in_single(margins(db, mirror), low, high)


def _novelty(db: Db, mirror: Mirror, low: float | None, high: float | None) -> np.ndarray:
    return _in_single(novelties(db, mirror), low, high)


def _in_single(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    """What is kept in single precision is compared with limits in single precision."""
    with np.errstate(over="ignore"):
        lowest, highest = (None if limit is None else float(np.float32(limit)) for limit in (low, high))
    return _between(values, lowest, highest)


CONDITIONS: dict[str, Callable[..., np.ndarray]] = {
    "acquisition": _acquisition,
    "instrument": _instrument,
    "import": _import,
    "depth": _depth,
    "date": _date,
    "month": _month,
    "time": _time,
    "sun": _sun,
    "place": _place,
    "predicted": _predicted,
    "score": _score,
    "margin": _margin,
    "novelty": _novelty,
}
