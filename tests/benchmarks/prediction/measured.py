"""Measured features, of the kind that plankton imaging had before networks: 45 figures of size, grey and shape.

The object is what differs from its background, as `indexer.images.measure` parts them. Names and meaning follow what
ImageJ and ZooProcess measure; the code is our own. References: Hu, IRE Transactions 1962, for the seven moments.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, stats
from scipy.spatial import ConvexHull, QhullError

from indexer.images import border_median, measure, open_image, to_grey

N_FEATURES = 45
PERCENTILES = (5, 25, 75, 95)
N_BINS = 8
SHADES = 256


def features_of(files: list[Path]) -> np.ndarray:
    """float64 [n, N_FEATURES]; NaN where an image shows nothing or a figure does not exist."""
    return np.array([features(open_image(file.read_bytes())) for file in files])


def features(image: Image.Image) -> list[float]:
    """The figures of one image; all NaN where it is even."""
    size = measure(image)
    grey = np.asarray(to_grey(image)).astype(np.float64)
    away = np.abs(grey - float(border_median(grey)))
    mask = away > _parting(away, size["area"])
    if not mask.any():
        return [math.nan] * N_FEATURES
    found = [
        *(size[name] for name in ("area", "esd", "major", "minor")), *_outline(mask, size["area"]),
        *_greys(grey[mask], size["area"]), *_texture(grey, mask), *_hu(mask.astype(np.float64)), *_symmetry(mask),
    ]  # fmt: skip
    return [float(value) if math.isfinite(value) else math.nan for value in found]


def _parting(away: np.ndarray, area: float) -> float:
    """The difference from the background that leaves the measured area."""
    n = min(round(area), away.size)
    return float(np.partition(away.ravel(), away.size - n)[away.size - n]) - 1e-6 if n else math.inf


def _outline(mask: np.ndarray, area: float) -> list[float]:
    """Extent, perimeter, roundness, hull, holes and parts: 13."""
    rows, columns = np.nonzero(mask)
    height, width = np.ptp(rows) + 1.0, np.ptp(columns) + 1.0
    inner = ndimage.binary_erosion(mask)
    perimeter = float(mask.sum() - inner.sum())
    filled = float(ndimage.binary_fill_holes(mask).sum())
    hull_area, hull_perimeter, feret = _hull(np.column_stack([columns, rows]).astype(np.float64))
    n_parts = ndimage.label(mask)[1]
    return [
        width, height, *mask.shape, perimeter, 4 * math.pi * area / max(perimeter, 1.0) ** 2, mask.mean(),
        area / (width * height), area / max(hull_area, 1.0), perimeter / max(hull_perimeter, 1.0), feret,
        1 - mask.sum() / filled, n_parts,
    ]  # fmt: skip


def _hull(points: np.ndarray) -> tuple[float, float, float]:
    """Area and perimeter of the convex hull, and the greatest distance within it."""
    try:
        hull = ConvexHull(points)
    except QhullError:  # all in one line
        long = float(np.hypot(*np.ptp(points, axis=0))) + 1
        return float(len(points)), 2 * long, long
    corners = points[hull.vertices]
    apart = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1))
    return float(hull.volume), float(hull.area), float(apart.max()) + 1


def _greys(values: np.ndarray, area: float) -> list[float]:
    """Moments of the greys, density, percentiles and the histogram but for its first share, which follows: 16."""
    counts = np.histogram(values, N_BINS, (0, SHADES))[0] / len(values)
    spread = values.std()
    skewness, kurtosis = (stats.skew(values), stats.kurtosis(values)) if spread else (0.0, 0.0)
    return [
        values.mean(), spread, values.mean() * area, skewness, kurtosis,
        *np.percentile(values, PERCENTILES), *counts[1:],
    ]  # fmt: skip


def _texture(grey: np.ndarray, mask: np.ndarray) -> list[float]:
    """How steep the greys are within the object, and how far their middle is from the shape's: 3."""
    steep = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))[mask]
    middle = np.subtract(ndimage.center_of_mass(mask), ndimage.center_of_mass((grey + 1) * mask))
    return [steep.mean(), steep.std(), float(np.hypot(*middle))]


def _hu(weights: np.ndarray) -> list[float]:
    """Hu's seven moments, their logarithms with the sign kept."""
    y, x = np.indices(weights.shape)
    total = weights.sum()
    x, y = x - (x * weights).sum() / total, y - (y * weights).sum() / total

    def eta(p: int, q: int) -> float:
        return float((x**p * y**q * weights).sum() / total ** (1 + (p + q) / 2))

    n20, n02, n11, n30, n03, n21, n12 = (
        eta(*each) for each in ((2, 0), (0, 2), (1, 1), (3, 0), (0, 3), (2, 1), (1, 2))
    )
    a, b = n30 + n12, n21 + n03
    u, v = n30 - 3 * n12, 3 * n21 - n03
    moments = [
        n20 + n02, (n20 - n02) ** 2 + 4 * n11**2, u**2 + v**2, a**2 + b**2,
        u * a * (a**2 - 3 * b**2) + v * b * (3 * a**2 - b**2), (n20 - n02) * (a**2 - b**2) + 4 * n11 * a * b,
        v * a * (a**2 - 3 * b**2) - u * b * (3 * a**2 - b**2),
    ]  # fmt: skip
    return [math.copysign(math.log10(abs(value) + 1e-20), value) for value in moments]


def _symmetry(mask: np.ndarray) -> list[float]:
    """Shares of the object that its mirror images cover: 2."""
    rows, columns = np.nonzero(mask)
    box = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return [(box & box[::-1]).sum() / box.sum(), (box & box[:, ::-1]).sum() / box.sum()]
