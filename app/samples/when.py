"""When objects were taken: a small chart of columns, by day, month or year as the span asks for, and by season."""

import calendar
from dataclasses import dataclass

import numpy as np

from app.samples.sheet import NO_DAY
from app.templating import counted

MOST_DAYS, MOST_MONTHS = 92, 120
MONTHS = tuple(calendar.month_name)[1:]
UNITS = {"D": "day", "M": "month", "Y": "year"}
MOST_TICKS = 8


@dataclass(frozen=True)
class Column:
    """One of the chart: its place from 0, its height as a share of the highest, and the days that it stands for."""

    at: int
    share: float
    n: int
    first: str
    last: str
    words: str


@dataclass(frozen=True)
class Chart:
    """Columns of one width, of which empty ones are left out; `unit`: what each stands for; `ticks`: (place, words)."""

    unit: str
    n_places: int
    columns: list[Column]
    ticks: list[tuple[int, str]]
    n_unknown: int


def by_time(days: np.ndarray, n: np.ndarray | None = None) -> Chart | None:
    """The chart of days since 1970, each of which counts `n` times; None where no day is known."""
    n = np.ones(len(days), np.int64) if n is None else n
    known = days != NO_DAY
    if not known.any():
        return None
    dates = days[known].astype("datetime64[D]")
    unit = _unit_for(int((dates.max() - dates.min()).astype(int)) + 1)
    first, places = dates.min().astype(f"datetime64[{unit}]"), dates.astype(f"datetime64[{unit}]")
    sums = np.bincount((places - first).astype(np.int64), n[known]).astype(np.int64)
    starts = first + np.arange(len(sums) + 1)
    ends = starts[1:].astype("datetime64[D]") - 1
    columns = [
        Column(
            at, float(sums[at] / sums.max()), int(sums[at]), str(starts[at].astype("datetime64[D]")), str(ends[at]),
            f"{starts[at]}: {counted(int(sums[at]), 'object')}",
        )
        for at in np.flatnonzero(sums).tolist()
    ]  # fmt: skip
    step = max(1, -(-len(sums) // MOST_TICKS))
    ticks = [(at, str(starts[at])) for at in range(0, len(sums), step)]
    return Chart(UNITS[unit], len(sums), columns, ticks, int(n[~known].sum()))


def by_season(days: np.ndarray, n: np.ndarray | None = None) -> Chart | None:
    """The same by month of the year, over all years."""
    n = np.ones(len(days), np.int64) if n is None else n
    known = days != NO_DAY
    if not known.any():
        return None
    months = days[known].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    sums = np.bincount(months, n[known], 12).astype(np.int64)
    columns = [
        Column(
            at, float(sums[at] / sums.max()), int(sums[at]), "", "", f"{MONTHS[at]}: {counted(int(sums[at]), 'object')}"
        )
        for at in range(12)
        if sums[at]
    ]
    return Chart("month", 12, columns, [(at, MONTHS[at][:3]) for at in range(12)], int(n[~known].sum()))


def _unit_for(n_days: int) -> str:
    return "D" if n_days <= MOST_DAYS else "M" if n_days <= 30 * MOST_MONTHS else "Y"
