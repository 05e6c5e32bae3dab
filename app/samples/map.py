"""A small map of where samples were taken: an equirectangular frame round the points, with degrees on its edges."""

from dataclasses import dataclass

import numpy as np

LEAST_DEGREES = 12.0  # of width and height: the outline of the land is too coarse for less
MOST_DOTS = 1000
STEPS = (1, 2, 5, 10, 15, 30, 45, 60)
ASPECT = 2.0


@dataclass(frozen=True)
class Dot:
    """One or more samples at one place, in degrees of the map: `x` may lie beyond 180."""

    x: float
    y: float
    n: int
    words: str


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


def draw(positions: np.ndarray) -> Map | None:
    """The map of latitudes and longitudes [n, 2]; None where there is none."""
    inside = (np.abs(positions[:, 0]) <= 90) & (np.abs(positions[:, 1]) <= 360)
    latitude, longitude = np.round(positions[inside], 6).T
    if not len(latitude):
        return None
    x = _unrolled(longitude)
    west, width = _widened(float(x.min()), float(x.max()), LEAST_DEGREES * ASPECT)
    south, height = _widened(float(latitude.min()), float(latitude.max()), LEAST_DEGREES)
    height = min(height, 180)
    if width < ASPECT * height:
        west, width = west - (min(ASPECT * height, 360) - width) / 2, min(ASPECT * height, 360)
    else:
        south, height = south - (min(width / ASPECT, 180) - height) / 2, min(width / ASPECT, 180)
    south = min(max(south, -90), 90 - height)
    west = west if width < 360 else float(x.min() + x.max()) / 2 - 180
    width = min(width, 360)
    step = next((step for step in STEPS if width / step <= 7), 90)
    return Map(
        west=round(west, 3),
        north=round(-(south + height), 3),
        width=round(width, 3),
        height=round(height, 3),
        dots=_dots(x, latitude, max(width, 1) / 160),
        meridians=[Line(at, degrees(_rolled(at), "E", "W")) for at in _multiples(west, west + width, step)],
        parallels=[Line(-at, degrees(at, "N", "S")) for at in _multiples(south, south + height, step)],
        place=_place(x, latitude),
        n_positions=len(x),
        copies=tuple(turn for turn in (-360, 0, 360) if west < turn + 180 and west + width > turn - 180),
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


def _dots(x: np.ndarray, latitude: np.ndarray, cell: float) -> list[Dot]:
    """One dot for all samples of one cell, at their mean; those of most samples where there are too many."""
    # One number for both coordinates: unique rows would be sorted ten times slower.
    places = np.round(x / cell).astype(np.int64) * 1_000_000 + np.round(latitude / cell).astype(np.int64)
    cells, own, n = np.unique(places, return_inverse=True, return_counts=True)
    mean_x = np.bincount(own, x, len(cells)) / n
    mean_y = np.bincount(own, latitude, len(cells)) / n
    kept = np.argsort(-n, kind="stable")[:MOST_DOTS]
    return [
        Dot(round(float(mean_x[k]), 3), round(-float(mean_y[k]), 3), int(n[k]), _words(mean_x[k], mean_y[k], int(n[k])))
        for k in kept
    ]


def _words(x: float, latitude: float, n: int) -> str:
    place = f"{degrees(latitude, 'N', 'S', 2)} {degrees(_rolled(x), 'E', 'W', 2)}"
    return f"{n} sample{'s' if n > 1 else ''} at {place}"


def _rolled(x: float) -> float:
    """A longitude from -180 to 180."""
    return float((x + 180) % 360 - 180)


def _multiples(low: float, high: float, step: int) -> list[float]:
    return np.arange(np.floor(low / step) * step + step, high, step).tolist()


def _place(x: np.ndarray, latitude: np.ndarray) -> str:
    """The box round all dots, rounded outwards to hundredths."""
    south, north = np.floor(latitude.min() * 100) / 100, np.ceil(latitude.max() * 100) / 100
    west, east = np.floor(x.min() * 100) / 100, np.ceil(x.max() * 100) / 100
    return ",".join(f"{value:g}" for value in (south, _rolled(west), north, _rolled(east)))


def degrees(value: float, positive: str, negative: str, decimals: int = 0) -> str:
    """48° N; the equator and the meridian of Greenwich belong to neither side."""
    sign = "" if value == 0 or abs(value) == 180 else f"\u202f{positive if value > 0 else negative}"
    return f"{abs(value):.{decimals}f}°{sign}"
