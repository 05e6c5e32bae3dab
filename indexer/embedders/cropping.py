"""An embedder that does not see what is burnt into the edges of images; otherwise the one that it is made of."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from indexer.embedders.base import Embedder, joint_digest
from indexer.images import to_grey
from indexer.strips import Strip, has_strip, rest


class Cropping(Embedder):
    """Cuts each strip off the images that have it, and leaves the rest to another embedder.

    Its vectors are its own: name and digest are made of the other's and of the strips. `spec` is the other's.
    """

    def __init__(self, whole: Embedder, strips: Sequence[Strip]) -> None:
        self.whole, self.strips = whole, tuple(strips)
        self.spec, self.dimension, self.device = whole.spec, whole.dimension, whole.device
        self.batch_size, self.embeds_text = whole.batch_size, whole.embeds_text
        stored = [as_json(strip) for strip in self.strips]
        self.digest = joint_digest([whole.digest, *(repr(sorted(one.items())) for one in stored)])
        self.name = f"{whole.name} cropped {self.digest[:8]}"
        said = " and ".join(f"{strip.size_px} px at the {strip.side}" for strip in self.strips)
        self.description = f"{whole.description or whole.name}; without the strip of {said}"
        self.stored = stored

    @property
    def config(self) -> dict[str, Any]:
        return {**self.whole.config, "strips": self.stored}

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        return self.whole.prepare([cropped(image, self.strips) for image in images])

    def embed(self, batch: np.ndarray) -> np.ndarray:
        return self.whole.embed(batch)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        return self.whole.embed_text(texts)


def cropped(image: Image.Image, strips: Sequence[Strip]) -> Image.Image:
    """The image without those of the strips that it has."""
    grey = np.asarray(to_grey(image))
    for strip in strips:
        if has_strip(grey, strip):
            box = rest(image.width, image.height, strip)
            image, grey = image.crop(box), grey[box[1] : box[3], box[0] : box[2]]
    return image


def as_json(strip: Strip) -> dict[str, Any]:
    """A strip as it is kept with its embedder."""
    pixels = base64.b64encode(to_png(strip)).decode() if strip.is_known_by_sight else ""
    return {"side": strip.side, "size_px": strip.size_px, "align": strip.align, "pixels": pixels}


def from_json(stored: dict[str, Any]) -> Strip:
    grey, stable = from_png(base64.b64decode(stored["pixels"]))
    return Strip(stored["side"], stored["size_px"], stored["align"], grey, stable)


def to_png(strip: Strip) -> bytes:
    """What a strip looks like, upright as row 0 at the image's edge; transparent where images differ."""
    pixels = np.stack([strip.grey, strip.stable.astype(np.uint8) * 255], axis=-1)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def from_png(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Its pixels, uint8 [h, w], and which are the same on all, bool [h, w]; both empty for no data."""
    if not data:
        return np.empty((0, 0), np.uint8), np.empty((0, 0), bool)
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("LA"))
    return pixels[..., 0].copy(), pixels[..., 1] > 0
