"""A summary's totals as lengths of bars: a bar for each sample, or for each taxon, in parts."""

import math
from dataclasses import dataclass
from typing import Any

from app.summaries.readme import WORDS
from app.summaries.totals import SHOWN

MOST_BARS = 40  # of taxa; samples are all drawn
STATUS_ORDER = (3, 2, 1, 0)
CODES = "UPDV"


@dataclass(frozen=True)
class Part:
    """A piece of a bar, in percent of the axis; `kind`: its colour's name; `title`: what it is, with its number."""

    kind: str
    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Bar:
    name: str
    link: str  # a filter of the board
    italic: bool
    total: str  # empty: nothing can be said
    parts: list[Part]


@dataclass(frozen=True)
class Plot:
    """`ticks`: places in percent with what stands there; `key`: colours with what they mean."""

    quantity: dict[str, Any]
    bars: list[Bar]
    ticks: list[tuple[float, str]]
    key: list[tuple[str, str]]


def plot(told: dict[str, Any], quantity: str) -> Plot:
    """The bars of one quantity of a summary's totals."""
    one = next((one for one in told["quantities"] if one["name"] == quantity), told["quantities"][0])
    rows, key = _by_unit(told, one["name"]) if told["by"] != "none" else _by_taxon(told, one["name"])
    most = max((row.sum for row in rows), default=0)
    ticks = _ticks(most)
    end = ticks[-1] if ticks[-1] else 1
    bars = [_bar(row, end) for row in rows]
    return Plot(one, bars, [(100 * tick / end, number(tick)) for tick in ticks], key)


@dataclass(frozen=True)
class _Row:
    """A bar before its length is known; `pieces`: colour, what it is, value."""

    name: str
    link: str
    italic: bool
    known: bool
    pieces: list[tuple[str, str, float]]

    @property
    def sum(self) -> float:
        return sum(value for *_, value in self.pieces)


def _by_unit(told: dict[str, Any], quantity: str) -> tuple[list[_Row], list[tuple[str, str]]]:
    names = [taxon["name"] for taxon in told["taxa"][:SHOWN]]
    names += ["other taxa"] if told["n_taxa"] > SHOWN else []
    rows = []
    for unit in told["units"]:
        pieces = [(f"t{k}", name, unit["values"][quantity][k]) for k, name in enumerate(names)]
        name = " · ".join(part for part in (unit["sample"], unit["acquisition"]) if part) or "without a name"
        link = f"sample={unit['id']}" if told["by"] == "sample" else ""
        rows.append(_Row(name, link, False, quantity not in unit["unknown"], pieces))
    return rows, [(f"t{k}", name) for k, name in enumerate(names)]


def _by_taxon(told: dict[str, Any], quantity: str) -> tuple[list[_Row], list[tuple[str, str]]]:
    rows, seen = [], set()
    for taxon in told["taxa"][:MOST_BARS]:
        values = taxon["values"][quantity]
        if told["with_status"]:
            pieces = [(CODES[code], WORDS[CODES[code]], values[code]) for code in STATUS_ORDER if values[code]]
        else:
            pieces = [("t0", "objects of all statuses", sum(values))]
        seen |= {kind for kind, *_ in pieces}
        link = f"taxon={taxon['id']}" if taxon["id"] else ""
        rows.append(_Row(taxon["name"], link, taxon["italic"], quantity not in taxon["unknown"], pieces))
    rows.sort(key=lambda row: -row.sum)
    key = [(CODES[code], WORDS[CODES[code]]) for code in STATUS_ORDER if CODES[code] in seen]
    return rows, key


def _bar(row: _Row, end: float) -> Bar:
    parts, x = [], 0.0
    for kind, what, value in row.pieces:
        if value > 0:
            width = 100 * value / end
            parts.append(Part(kind, round(x, 4), round(width, 4), f"{row.name}: {what}: {number(value)}"))
            x += width
    return Bar(row.name, row.link, row.italic, number(row.sum) if row.known else "", parts)


def _ticks(most: float) -> list[float]:
    """Round numbers from 0 up to the first that is not less."""
    if most <= 0:
        return [0.0]
    step = 10 ** math.floor(math.log10(most / 4))
    step *= next(one for one in (1, 2, 5, 10) if one * step * 5 >= most)
    return [step * k for k in range(math.ceil(round(most / step, 9)) + 1)]


def number(value: float) -> str:
    """As people read it: 1 204, 0.0313, 3.2e-07."""
    if value == round(value) and abs(value) < 1e15:
        return f"{round(value):,}".replace(",", "\u202f")
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    said = f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}".replace(",", "\u202f")
    return said.rstrip("0").rstrip(".") if "." in said else said
