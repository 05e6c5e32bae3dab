"""Vectors like real ones: Zipf clusters in local subspaces, and a continuous manifold that has no clusters."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

Array = np.ndarray
CHUNK = 50_000


@dataclass(frozen=True)
class Chunk:
    """Unit vectors of consecutive objects with the class that each was drawn from."""

    vectors: Array  # float32 [n, d]
    classes: Array  # int32 [n]


def chunks(recipe: str, n: int, dimension: int, n_classes: int = 300, seed: int = 20261121) -> Iterator[Chunk]:
    """`n` vectors of a recipe, `CHUNK` at a time, always the same for the same seed."""
    draw = {"clustered": clustered, "manifold": manifold}[recipe](dimension, n_classes, seed)
    for number, start in enumerate(range(0, n, CHUNK)):
        classes = classes_of(number, min(CHUNK, n - start), n_classes, seed)
        vectors = draw(np.random.default_rng((seed, number, dimension)), classes, start / max(n, 1))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield Chunk(vectors, classes)


def classes_of(number: int, n: int, n_classes: int = 300, seed: int = 20261121) -> Array:
    """Classes of a chunk, int32 [n], Zipf: the same for every recipe and dimension."""
    shares = zipf(n_classes)
    return np.random.default_rng((seed, number)).choice(n_classes, n, p=shares).astype(np.int32)


def zipf(n_classes: int, exponent: float = 0.9) -> Array:
    """Probability of each class, the most frequent first."""
    weights = 1 / np.arange(1, n_classes + 1) ** exponent
    return weights / weights.sum()


def clustered(dimension: int, n_classes: int, seed: int):
    """Class centres in 64 dimensions, each with a local subspace of 16; an offset for each of 60 instruments."""
    rng = np.random.default_rng(seed)
    scale = np.linspace(1.3, 0.25, 64, dtype=np.float32)
    centres = rng.standard_normal((n_classes, 64), np.float32) * scale
    local = rng.standard_normal((n_classes, 16, 64), np.float32) / 8
    spectrum = np.geomspace(1, 0.12, 16).astype(np.float32)
    offsets = 0.18 * rng.standard_normal((60, 64), np.float32)
    rotation = np.linalg.qr(rng.standard_normal((dimension, 64)))[0].T.astype(np.float32)

    def draw(rng: np.random.Generator, classes: Array, position: float) -> Array:
        n = len(classes)
        points = centres[classes] + offsets[int(position * 60)]
        spread = rng.standard_normal((n, 16), np.float32) * spectrum
        order = np.argsort(classes, kind="stable")
        bounds = np.searchsorted(classes[order], np.arange(n_classes + 1))
        for number in range(n_classes):
            rows = order[bounds[number] : bounds[number + 1]]
            points[rows] += spread[rows] @ local[number]
        return points @ rotation + 0.035 * rng.standard_normal((n, dimension), np.float32)

    return draw


def manifold(dimension: int, n_classes: int, seed: int):
    """x = tanh(z W1) W2 with z in 24 dimensions; classes are quantiles of the first coordinate."""
    rng = np.random.default_rng(seed)
    spectrum = np.geomspace(1.6, 0.35, 24).astype(np.float32)
    first = 0.35 * rng.standard_normal((24, 128), np.float32)
    second = rng.standard_normal((128, dimension), np.float32) / 11
    shares = zipf(n_classes)
    edges = np.cumsum(shares) - shares

    def draw(rng: np.random.Generator, classes: Array, _position: float) -> Array:
        n = len(classes)
        latent = rng.standard_normal((n, 24), np.float32)
        latent[:, 0] = ndtri(np.clip(edges[classes] + rng.random(n) * shares[classes], 1e-7, 1 - 1e-7))
        vectors = np.tanh(latent * spectrum @ first) @ second
        vectors += 0.03 * rng.standard_normal((n, dimension), np.float32)
        return vectors

    return draw
