"""What every embedder offers, and how an image becomes the square that a network wants."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from indexer.images import border_median, to_grey, to_rgb


class EmbedderError(Exception):
    """An embedder that cannot be used; its text says which, why, and what to do, fit for people."""


class Embedder:
    """A versioned function from pixels to a vector.

    Attributes: `spec`, what `get` was asked for and can be asked for again (of brought vectors: their name); `name`,
    how people and the database call it; `digest`, the sha256 (hex) over weights, projection and preprocessing;
    `dimension`; `device`, "cpu" or "cuda"; `batch_size`, how many images one forward pass should hold.
    """

    spec: str
    name: str
    digest: str
    dimension: int
    description: str = ""
    embeds_images: ClassVar[bool] = True
    needs_torch: ClassVar[bool] = False
    embeds_text: bool = False
    device: str = "cpu"
    batch_size: int = 16

    @property
    def config(self) -> dict[str, Any]:
        """What it takes to make it again, as JSON."""
        return {"spec": self.spec}

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Images as opened by `open_image` to the array [n, ...] that `embed` takes; safe in any thread."""
        raise EmbedderError(f"The embedder {self.name} cannot embed an image: its vectors were made elsewhere.")

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """A batch of `prepare` to float32 [n, dimension], each row of unit length."""
        raise EmbedderError(f"The embedder {self.name} cannot embed an image: its vectors were made elsewhere.")

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Texts to float32 [n, dimension], unit length, comparable with the vectors of images."""
        raise EmbedderError(f"The embedder {self.name} cannot embed text; choose one of open_clip's.")


def padded_square(image: Image.Image, side_px: int, resample: Image.Resampling) -> Image.Image:
    """The image in the middle of a square of `side_px`, proportions kept, the rest in the median of its border."""
    image = image if image.mode == "L" else to_grey(image) if image.mode == "1" else _coloured(image)
    scale = side_px / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    fill = border_median(np.asarray(image))
    fitted = image.resize(size, resample, reducing_gap=3.0)
    if size == (side_px, side_px):
        return fitted
    square = Image.new(image.mode, (side_px, side_px), tuple(fill.tolist()) if fill.ndim else int(fill))
    square.paste(fitted, ((side_px - size[0]) // 2, (side_px - size[1]) // 2))
    return square


def _coloured(image: Image.Image) -> Image.Image:
    return to_grey(image) if image.mode.startswith("I") or image.mode == "F" else to_rgb(image)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32; a row of zeros stays so."""
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def joint_digest(parts: Iterable[str]) -> str:
    """One sha256 over several texts, in hex."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
