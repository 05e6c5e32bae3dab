"""A small map of where samples were taken: an equirectangular frame round the points, with degrees on its edges."""

from dataclasses import dataclass

import numpy as np

from app.templating import counted

LEAST_DEGREES = 12.0  # of width and height: the outline of the land is too coarse for less
CLOSE_DEGREES = 0.2  # of a frame without the land
MOST_DOTS = 1000
FEW_DOTS = 25  # are drawn at their full size
STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60)
ASPECT = 2.0


@dataclass(frozen=True)
class Dot:
    """One or more samples at one place, in degrees of the map: `x` may lie beyond 180. `share`: of the most objects."""

    x: float
    y: float
    n: int
    words: str
    share: float = 0.0


@dataclass(frozen=True)
class Line:
    """A meridian or parallel; `at` in degrees of the map, and what it is called."""

    at: float
    words: str


@dataclass(frozen=True)
class Map:
    """What is in the frame; y grows southwards, as in SVG."""

    west: float
    north: float
    width: float
    height: float
    dots: list[Dot]
    meridians: list[Line]
    parallels: list[Line]
    place: str  # S,W,N,E round the dots, as the filter `place` takes it
    n_positions: int
    copies: tuple[int, ...]  # how far the land is moved to fill a frame across the date line
    dot: float  # the usual radius, in degrees: the more dots, the smaller


def draw(positions: np.ndarray, objects: np.ndarray | None = None, least: float = LEAST_DEGREES) -> Map | None:
    """The map of latitudes and longitudes [n, 2]; None where there is none.

    `objects` [n]: how many stand at each; `least`: the fewest degrees that the frame is high where positions differ.
    """
    inside = (np.abs(positions[:, 0]) <= 90) & (np.abs(positions[:, 1]) <= 360)
    latitude, longitude = np.round(positions[inside], 6).T
    if not len(latitude):
        return None
    x = _unrolled(longitude)
    if max(np.ptp(x), np.ptp(latitude)) < least / 100:
        least = LEAST_DEGREES
    west, width = _widened(float(x.min()), float(x.max()), least * ASPECT)
    south, height = _widened(float(latitude.min()), float(latitude.max()), least)
    height = min(height, 180)
    if width < ASPECT * height:
        west, width = west - (min(ASPECT * height, 360) - width) / 2, min(ASPECT * height, 360)
    else:
        south, height = south - (min(width / ASPECT, 180) - height) / 2, min(width / ASPECT, 180)
    south = min(max(south, -90), 90 - height)
    west = west if width < 360 else float(x.min() + x.max()) / 2 - 180
    width = min(width, 360)
    dots = _dots(x, latitude, width / 160, None if objects is None else objects[inside])
    step = next((step for step in STEPS if width / step <= 7), 90)
    return Map(
        west=round(west, 3),
        north=round(-(south + height), 3),
        width=round(width, 3),
        height=round(height, 3),
        dots=dots,
        meridians=[
            Line(at, degrees(_rolled(at), "E", "W", _decimals(step))) for at in _multiples(west, west + width, step)
        ],
        parallels=[Line(-at, degrees(at, "N", "S", _decimals(step))) for at in _multiples(south, south + height, step)],
        place=_place(x, latitude),
        n_positions=len(x),
        copies=tuple(
            turn
            for turn in (-360, 0, 360)
            if height >= LEAST_DEGREES and west < turn + 180 and west + width > turn - 180
        ),
        dot=round(width / 100 * min(1.0, max(0.4, (FEW_DOTS / len(dots)) ** 0.5)), 5),
    )


def _unrolled(longitude: np.ndarray) -> np.ndarray:
    """Longitudes, turned so that the widest gap between them lies outside the frame."""
    around = np.sort(longitude % 360)
    gaps = np.diff(np.append(around, around[0] + 360))
    start = around[(int(np.argmax(gaps)) + 1) % len(around)]
    x = (longitude - start) % 360 + start
    return x - 360 if x.mean() > 180 else x


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    """Start and length of a stretch with a margin, no shorter than `least`."""
    length = max(1.2 * (high - low), least)
    return (low + high - length) / 2, length


def _dots(x: np.ndarray, latitude: np.ndarray, cell: float, objects: np.ndarray | None) -> list[Dot]:
    """One dot for all samples of one cell, at their mean; the largest of them where there are too many."""
    # One number for both coordinates: unique rows would be sorted ten times slower.
    places = np.round(x / cell).astype(np.int64) * 1_000_000 + np.round(latitude / cell).astype(np.int64)
    cells, own, n = np.unique(places, return_inverse=True, return_counts=True)
    mean_x = np.bincount(own, x, len(cells)) / n
    mean_y = np.bincount(own, latitude, len(cells)) / n
    held = None if objects is None else np.bincount(own, objects, len(cells)).astype(np.int64)
    size = n if held is None else held
    return [
        Dot(
            round(float(mean_x[k]), 3 if cell > 0.02 else 6),
            round(-float(mean_y[k]), 3 if cell > 0.02 else 6),
            int(n[k]),
            _words(mean_x[k], mean_y[k], int(n[k]), None if held is None else int(held[k])),
            round(float(size[k] / size.max()), 4) if size.max() else 0.0,
        )
        for k in np.argsort(-size, kind="stable")[:MOST_DOTS]
    ]


def _words(x: float, latitude: float, n: int, n_objects: int | None) -> str:
    place = f"{degrees(latitude, 'N', 'S', 2)} {degrees(_rolled(x), 'E', 'W', 2)}"
    held = "" if n_objects is None else f"{counted(n_objects, 'object')} of "
    return f"{held}{n} sample{'s' if n > 1 else ''} at {place}"


def _decimals(step: float) -> int:
    """As many as tell one line of the grid from the next."""
    return 0 if step >= 1 else 1 if step >= 0.1 else 2


def _rolled(x: float) -> float:
    """A longitude from -180 to 180."""
    return float((x + 180) % 360 - 180)


def _multiples(low: float, high: float, step: float) -> list[float]:
    return np.round(np.arange(np.floor(low / step) * step + step, high, step), 3).tolist()


def _place(x: np.ndarray, latitude: np.ndarray) -> str:
    """The box round all dots, rounded outwards to hundredths."""
    south, north = np.floor(latitude.min() * 100) / 100, np.ceil(latitude.max() * 100) / 100
    west, east = np.floor(x.min() * 100) / 100, np.ceil(x.max() * 100) / 100
    return ",".join(f"{value:g}" for value in (south, _rolled(west), north, _rolled(east)))


def degrees(value: float, positive: str, negative: str, decimals: int = 0) -> str:
    """48° N; the equator and the meridian of Greenwich belong to neither side."""
    sign = "" if value == 0 or abs(value) == 180 else f"\u202f{positive if value > 0 else negative}"
    return f"{abs(value):.{decimals}f}°{sign}"
