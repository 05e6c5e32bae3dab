"""Images with the footer that an instrument's software burns in, for tests of finding and cutting it."""

import numpy as np
from PIL import Image, ImageDraw

FOOTER_PX = 31


def scene(chance: np.random.Generator, background: int = 214) -> np.ndarray:
    """A dark body somewhere on a noisy ground, of any size."""
    height, width = chance.integers(60, 240, 2)
    y, x = np.mgrid[:height, :width]
    far = np.hypot(y / height - chance.uniform(0.3, 0.7), x / width - chance.uniform(0.3, 0.7))
    grey = background - 140 * (far < chance.uniform(0.1, 0.45)) + chance.normal(0, 4, (height, width))
    return grey.clip(0, 255).astype(np.uint8)


def with_footer(
    image: np.ndarray, bar_px: int = 30, text: str = "1 mm", height: int = FOOTER_PX, side: str = "bottom"
) -> np.ndarray:
    """What ZooProcess and its like add: white, a black bar, and what it stands for."""
    if side in ("left", "right"):
        return with_footer(image.T, bar_px, text, height, {"left": "top", "right": "bottom"}[side]).T
    strip = Image.new("L", (image.shape[1], height), 255)
    draw = ImageDraw.Draw(strip)
    draw.rectangle([5, 6, 5 + bar_px, 8], fill=0)
    draw.text((5, 12), text, fill=0)
    parts = [image, np.asarray(strip)]
    return np.concatenate(parts if side == "bottom" else parts[::-1])
