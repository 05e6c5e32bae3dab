"""From vectors and numeric columns to the coordinates that classifiers are fitted in.

Vectors are turned to their principal axes, and not whitened: on frozen embedders the size of a direction says how much
it can be trusted (logistic regression on 6,000 of PlanktonSet: 63.2 % as they are, 62.7 % standardised).

Numeric columns follow EcoTaxa's rules: infinite is missing; dropped where more than 25 % is missing or all is the same;
what is missing becomes the median of the learning set. They enter by rank, as a bell: areas and volumes have tails that
would drown the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

MOST_MISSING = 0.25
MOST_DIMENSIONS = 256
KNOTS = 65
WIDEST = 2.5  # standard deviations; ranks beyond are cut
PIECE = 65_536


@dataclass(frozen=True)
class Columns:
    """Numeric columns as they were learnt: names, medians float64 [f], and the values at even ranks of each, float64
    [f, KNOTS]; `dropped` are (name, why) of those that were asked for and are not used."""

    names: tuple[str, ...]
    medians: np.ndarray
    knots: np.ndarray
    dropped: tuple[tuple[str, str], ...]

    def apply(self, fields: np.ndarray) -> np.ndarray:
        """float32 [n, f]: each value as its rank among the learnt ones, on a bell of unit width."""
        values = np.asarray(fields, np.float64)
        values = np.where(np.isfinite(values), values, self.medians)
        ranks = np.linspace(0, 1, self.knots.shape[1])
        out = np.empty(values.shape, np.float32)
        for k, knots in enumerate(self.knots):
            below = np.interp(values[:, k], knots, ranks)
            above = np.interp(-values[:, k], -knots[::-1], ranks)
            rank = np.clip(0.5 * (below + 1 - above), 1e-6, 1 - 1e-6)
            out[:, k] = np.clip(ndtri(rank), -WIDEST, WIDEST)
        return out


def usable(names: tuple[str, ...], fields: np.ndarray | None) -> tuple[list[int], tuple[tuple[str, str], ...]]:
    """Places of the columns that can be used, and (name, why) of the others. fields: float [n, len(names)]."""
    kept, dropped = [], []
    for place, name in enumerate(names):
        values = np.asarray(fields, np.float64)[:, place]
        if why := _unusable(values[np.isfinite(values)], len(values)):
            dropped.append((name, why))
        else:
            kept.append(place)
    return kept, tuple(dropped)


def _unusable(known: np.ndarray, n: int) -> str:
    missing = 1 - len(known) / max(n, 1)
    if missing > MOST_MISSING:
        return f"{100 * missing:.0f} % missing, more than {100 * MOST_MISSING:.0f} %"
    return "the same value everywhere" if known.min() == known.max() else ""


def learn_columns(names: tuple[str, ...], fields: np.ndarray | None) -> Columns:
    """How columns are read. fields: float [n, len(names)], NaN or infinite where missing."""
    kept, dropped = usable(names, fields)
    values = np.zeros((1, 0)) if fields is None else np.asarray(fields, np.float64)[:, kept]
    values = np.where(np.isfinite(values), values, np.nan)
    medians = np.nanmedian(values, axis=0)
    knots = np.nanquantile(values, np.linspace(0, 1, KNOTS), axis=0).T
    return Columns(tuple(names[place] for place in kept), medians, knots, dropped)


@dataclass(frozen=True)
class Frame:
    """mean float32 [d] and axes float32 [d, e] of the vectors; the columns, scaled by `column_scale`."""

    mean: np.ndarray
    axes: np.ndarray
    columns: Columns
    column_scale: float

    def apply(self, vectors: np.ndarray, fields: np.ndarray | None = None) -> np.ndarray:
        """float32 [n, e + f]."""
        plain = (np.asarray(vectors, np.float32) - self.mean) @ self.axes
        if not len(self.columns.names):
            return plain
        if fields is None:
            raise ValueError(f"This classifier needs the columns {', '.join(self.columns.names)}.")
        return np.hstack([plain, self.column_scale * self.columns.apply(fields)])

    @property
    def n_plain(self) -> int:
        return int(self.axes.shape[1])


def learn_frame(vectors: np.ndarray, columns: Columns) -> Frame:
    """The frame of a learning set: vectors float [n, d], its labels are not looked at."""
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    scatter = np.zeros((len(mean), len(mean)))
    for start in range(0, len(vectors), PIECE):
        piece = np.asarray(vectors[start : start + PIECE], np.float32) - mean
        scatter += piece.T @ piece
    variances, axes = np.linalg.eigh(scatter / len(vectors))
    variances, axes = variances[::-1][:MOST_DIMENSIONS], axes[:, ::-1][:, :MOST_DIMENSIONS]
    # A column weighs as much as the vectors' strongest direction.
    scale = float(np.sqrt(max(variances[0], 1e-12)))
    return Frame(mean, np.ascontiguousarray(axes, np.float32), columns, scale)
