"""A linear map of an embedder's vectors, under which likeness follows taxa: what a learned space is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHUNK = 16_384  # rows mapped at once: half of them in float32 are still few megabytes


@dataclass(frozen=True, eq=False)
class LinearMap:
    """What maps unit vectors to unit vectors of the same dimension.

    Attributes: matrix float32 [d, d]; mean float32 [d], which is taken off first.
    """

    matrix: np.ndarray
    mean: np.ndarray

    @property
    def dimension(self) -> int:
        return len(self.mean)

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """float [n, d] or [d], plain: float32 of the same shape and of unit length. What falls on the mean itself is
        like nothing, and stays zero."""
        rows = np.atleast_2d(vectors)
        mapped = np.empty((len(rows), self.dimension), np.float32)
        shift = self.matrix @ self.mean
        for start in range(0, len(rows), CHUNK):
            part = np.asarray(rows[start : start + CHUNK], np.float32) @ self.matrix.T - shift
            lengths = np.sqrt(np.einsum("ij,ij->i", part, part))
            mapped[start : start + CHUNK] = part / np.maximum(lengths, 1e-12)[:, None]
        return mapped if np.ndim(vectors) == 2 else mapped[0]

    def pulled_back(self, direction: np.ndarray) -> np.ndarray:
        """The unit direction among plain vectors [d] along which likeness to `direction`, one among mapped vectors,
        grows: it proposes what is to be mapped and compared."""
        back = self.matrix.T @ np.asarray(direction, np.float32)
        return np.asarray(back / max(float(np.linalg.norm(back)), 1e-12), np.float32)

    def to_bytes(self) -> bytes:
        return np.column_stack([self.matrix, self.mean]).astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, dimension: int) -> LinearMap:
        """Raises ValueError where the bytes are no such map of this dimension."""
        numbers = np.frombuffer(data, "<f4")
        if numbers.size != dimension * (dimension + 1) or not np.isfinite(numbers).all():
            raise ValueError(f"These {len(data):,} bytes are no map of {dimension} dimensions.")
        table = numbers.reshape(dimension, dimension + 1).astype(np.float32)
        return cls(np.ascontiguousarray(table[:, :-1]), np.ascontiguousarray(table[:, -1]))
