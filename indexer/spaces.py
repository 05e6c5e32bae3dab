"""What likeness is measured in: an embedder's vectors alone, or with the sizes of what they show beside them.

A size becomes a few coordinates (`size_features`), and a sized vector is the vector and these, by their shares: so all
that orders, cuts or compares unit vectors weighs size without knowing of it.

What size brings on real plankton with the default embedder, in per cent: the nearest neighbour has the same label /
share of the same label among the 20 nearest, by weight. Size is the area of the image.

| weight | 12,000 of PlanktonSet | 924 of WHOI's IFCB |
| --- | --- | --- |
| 0 | 62.4 / 51.3 | 49.5 / 14.3 |
| .05 | 62.6 / 51.6 | 51.3 / 14.6 |
| .1 | 62.9 / 51.7 | 52.7 / 14.8 |
| .2: what one begins with | 63.1 / 51.8 | 53.9 / 15.0 |
| .3 | 63.1 / 51.7 | 53.6 / 15.0 |
| .5 | 62.4 / 50.9 | 52.7 / 14.0 |
| .9 | 59.4 / 46.3 | 43.7 / 10.0 |

Bells half as broad are best at half the weight, and no better there. One turn of a circle for all sizes (the cosine of
their difference) gains half as much on PlanktonSet.
Random features: Rahimi and Recht, NIPS 2007; here at even steps, since there is but one dimension.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from indexer.neighbours import mean_direction

USUAL_WEIGHT = 0.2
OCTAVES = 24.0  # of area, after which sizes begin anew: four thousand times the diameter
BREADTH = 1.5  # octaves of area within which sizes are alike
_STEPS = 2 * np.pi / OCTAVES * np.arange(1, 9)  # the bell of such a breadth has next to nothing beyond
_SHARES = np.exp(-0.5 * (_STEPS * BREADTH) ** 2)
_SHARES = np.sqrt(_SHARES / _SHARES.sum())
N_FEATURES = 2 * len(_STEPS)
EXACT_UP_TO = 10_000  # sizes; a million would take 1.6 s


def size_features(sizes: np.ndarray) -> np.ndarray:
    """Unit vectors whose cosine falls with the difference of two sizes, as a bell does.

    sizes: float [n], log2 of areas in any unit. Returns float32 [n, N_FEATURES]; zeros where a size is NaN, which is
    neither like nor unlike any other.
    """
    turns = np.multiply.outer(np.asarray(sizes, np.float64), _STEPS)
    features = np.concatenate([np.cos(turns) * _SHARES, np.sin(turns) * _SHARES], axis=-1)
    return np.nan_to_num(features).astype(np.float32)


def with_size(vectors: np.ndarray, sizes: np.ndarray, weight: float) -> np.ndarray:
    """Vectors with sizes beside them: products are those of the vectors by 1 - weight, and of the sizes by weight.

    vectors: float [n, d] of unit length. sizes: as in `size_features`. weight: 0 to 1. Returns float32
    [n, d + N_FEATURES]; with a weight of 0 the very vectors that were given.
    """
    if not weight:
        return vectors
    parts = [np.sqrt(1 - weight) * np.asarray(vectors, np.float32), np.sqrt(weight) * size_features(sizes)]
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Aim:
    """What a query asks for: a direction among vectors, and one among sizes where these count.

    Attributes: vector float16 [d], of unit length; share, by which a vector's cosine counts; size float32
    [N_FEATURES], the share of sizes in it, or None.
    """

    vector: np.ndarray
    share: float = 1.0
    size: np.ndarray | None = None

    @property
    def key(self) -> tuple[bytes, float, bytes]:
        """The same for the same order."""
        return self.vector.tobytes(), self.share, b"" if self.size is None else self.size.tobytes()

    def distances(self, distances: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """float32 [n]: distances of vectors, with those of sizes weighed in. Where size does not count, the very
        distances that were given."""
        if self.size is None:
            return distances
        apart = 1 - self.share * (1 - distances) - self._fit(sizes)
        return np.maximum(apart, 0).astype(np.float32)

    def _fit(self, sizes: np.ndarray) -> np.ndarray:
        """How well sizes fit; of many, read off a curve, which is off by less than a millionth."""
        if len(sizes) <= EXACT_UP_TO:
            return np.asarray(size_features(sizes) @ self.size)
        grid = np.linspace(np.nanmin(sizes), np.nanmax(sizes), EXACT_UP_TO)
        return np.nan_to_num(np.interp(sizes, grid, size_features(grid) @ self.size))


def aim(query: np.ndarray, dimension: int, weight: float) -> Aim:
    """Between several vectors: float [n, dimension], or [n, dimension + N_FEATURES] as `with_size` made them.

    Vectors are kept in half precision: a query in the same gives the same distances from every source.
    """
    direction = mean_direction(query)
    if len(direction) == dimension:
        return Aim(direction.astype(np.float16))
    vector, size = direction[:dimension], direction[dimension:]
    length = float(np.linalg.norm(vector))
    # Where size alone counts there is no direction, and any serves.
    unit = (vector / length if length > 1e-6 else np.eye(1, dimension)[0]).astype(np.float16)
    return Aim(unit, float(np.sqrt(1 - weight)) * length, np.float32(np.sqrt(weight)) * size)
