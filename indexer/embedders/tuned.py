"""An embedder that was trained on labels: one ONNX file from the bytes of squares to the vector.

The file says of itself what it needs (side, name, what it was trained on), and its sha256 is its version. It lies in
the weights' folder as `tuned-` and the first sixteen digits, which is also what its spec names.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from indexer.embedders.base import Embedder, EmbedderError, file_digest, padded_square
from indexer.embedders.runtime import Session, choose_device

KIND = "tuned:"
DIGITS = 16
FACTS = "shoal"  # the key of the file's metadata
NEEDED = {"name": str, "side_px": int, "dimension": int}


class Tuned(Embedder):
    """`tuned:DIGEST`."""

    def __init__(self, spec: str, weights_dir: Path, device: str, threads: int) -> None:
        path = file_of(spec, weights_dir)
        if not path.is_file():
            raise EmbedderError(
                f"The trained embedder {spec} is not on this machine: there is no {path}. Copy it from where it was"
                " trained, or train it again."
            )
        self.spec, self.digest = spec, file_digest(path)
        if not self.digest.startswith(spec.removeprefix(KIND)):
            raise EmbedderError(f"{path} is damaged: it is not the file that was trained. Copy it here again.")
        self._session = Session(path, choose_device(device), threads)
        self.device = self._session.device
        facts = read_facts(self._session, path)
        self.name, self.dimension, self.side_px = facts["name"], facts["dimension"], facts["side_px"]
        self.description = facts.get("description", "")
        self.batch_size = 4 * (32 if self.device == "cuda" else 1)

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        """To uint8 [n, side, side, 3]."""
        squares = (padded_square(image, self.side_px, Image.Resampling.BILINEAR).convert("RGB") for image in images)
        return np.stack([np.asarray(square) for square in squares])

    def embed(self, batch: np.ndarray) -> np.ndarray:
        return self._session.run("vector", pixels=batch)


def spec_of(digest: str) -> str:
    """What the registry calls the file with this sha256."""
    return KIND + digest[:DIGITS]


def file_of(spec: str, weights_dir: Path) -> Path:
    """Where its file lies. EmbedderError for what is no such spec."""
    digits = spec.removeprefix(KIND)
    if len(digits) != DIGITS or set(digits) - set("0123456789abcdef"):
        raise EmbedderError(f"{spec!r} names no trained embedder: that is tuned: and {DIGITS} hexadecimal digits.")
    return weights_dir / f"tuned-{digits}.onnx"


def read_facts(session: Session, path: Path) -> dict[str, Any]:
    """What the file says of itself."""
    try:
        facts: dict[str, Any] = json.loads(session.metadata.get(FACTS, "{}"))
    except json.JSONDecodeError:
        facts = {}
    if any(not isinstance(facts.get(key), kind) for key, kind in NEEDED.items()):
        raise EmbedderError(f"{path} is no embedder that Shoal trained. Bring it with a manifest: onnx:/manifest.toml.")
    return facts
