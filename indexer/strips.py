"""Finds what an instrument's software has burnt into the edge of many images: a footer, a scale bar, a legend.

Left in, it becomes the likeness: images with it are alike because of it. What makes a strip is ink, sharp changes along
the edge, at the same place on many images. So a blank margin is none, nor is a row of objects that touch the edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

Side = Literal["bottom", "top", "left", "right"]
Align = Literal["start", "end", "centre"]
SIDES: tuple[Side, ...] = ("bottom", "top", "left", "right")
ALIGNS: tuple[Align, ...] = ("start", "end", "centre")

DEEPEST_PX = 160
WIDEST_PX, NARROWEST_PX = 128, 24
LEAST_LEFT_PX = 8  # of an image that is cut
TOLERANCE = 32  # grey levels within which two pixels are the same: JPEG's own ringing
INK_STEP = 40  # grey levels between neighbours that make an edge of ink
PIVOTS = 40
MOST_STEPS = 2500
LEAST_STEPS, LEAST_ROWS = 6, 3
LEAST_IMAGES, LEAST_SHARE = 6, 0.08
MOST_STRIPS = 4
LEAST_BORDER = 2.5  # grey levels by which a strip ends
LONGEST_LINE = 0.7  # of the depth that is looked at
MISSING = np.int16(-10_000)


@dataclass(frozen=True)
class Strip:
    """A strip of `size_px` at one side, and what it looks like.

    `grey` uint8 [h, w] is its pixels, row 0 at the image's edge, column 0 left (or on top); `align` says which end of
    the edge they keep their distance from. `stable` bool [h, w]: the pixels that are the same on all. Without pixels
    (h = 0: a person's own definition) every image has it.
    """

    side: Side
    size_px: int
    align: Align = "start"
    grey: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.uint8), repr=False, compare=False)
    stable: np.ndarray = field(default_factory=lambda: np.empty((0, 0), bool), repr=False, compare=False)

    @property
    def is_known_by_sight(self) -> bool:
        return self.grey.size > 0


@dataclass(frozen=True)
class Found:
    """A strip, and the images that have it, as indices into the sample."""

    strip: Strip
    members: list[int]


def find_strips(images: Sequence[np.ndarray], seed: int = 0) -> list[Found]:
    """The strips that many of these images share, the commonest first; none where there are none.

    images: grey uint8 [height, width] each, of any sizes; some hundred, all different. A strip must be on at least 8 %
    of them, and 6. Its size is the same in pixels on all. Takes about a second for 300 images.
    """
    left = [np.asarray(image) for image in images]
    found: list[Found] = []
    for turn in range(MOST_STRIPS):
        best = _best([_find_at(left, side, seed + turn) for side in SIDES], left)
        if best is None:
            break
        found.append(best)
        left = [cut(image, best.strip) if n in set(best.members) else image for n, image in enumerate(left)]
    return found


def has_strip(image: np.ndarray, strip: Strip) -> bool:
    """Whether a grey image, uint8 [height, width], has a strip, and enough besides to be cut."""
    rows = _from_edge(image, strip.side)
    if len(rows) < strip.size_px + LEAST_LEFT_PX:
        return False
    if not strip.is_known_by_sight:
        return True
    height, width = strip.grey.shape
    patch = _patch(rows, height, width, strip.align)
    there = patch != MISSING
    same = np.abs(patch - strip.grey.astype(np.int16)) <= TOLERANCE
    known = strip.stable & there
    ink = _steps(strip.grey.astype(np.int16)) & _both(strip.stable)
    shown = ink & _both(there)
    if shown.sum() < max(LEAST_STEPS // 2, 0.4 * ink.sum()):
        return False
    return bool(_both(same)[shown].mean() >= 0.7 and same[known].mean() >= 0.8)


def cut(image: np.ndarray, strip: Strip) -> np.ndarray:
    """The image without the strip; [height, width, ...] of any kind. Never less than a few pixels are left."""
    left, top, right, bottom = rest(image.shape[1], image.shape[0], strip)
    return image[top:bottom, left:right]


def rest(width: int, height: int, strip: Strip) -> tuple[int, int, int, int]:
    """What is left of an image of this size: left, top, right and bottom, as Pillow's crop takes them."""
    size = max(0, min(strip.size_px, (height if strip.side in ("bottom", "top") else width) - LEAST_LEFT_PX))
    return (
        size if strip.side == "left" else 0,
        size if strip.side == "top" else 0,
        width - size if strip.side == "right" else width,
        height - size if strip.side == "bottom" else height,
    )


def same_strip(one: Strip, other: Strip) -> bool:
    """Whether two definitions mean the same strip, so that what was answered of one holds for the other."""
    if one.side != other.side or not (one.is_known_by_sight and other.is_known_by_sight):
        return one.side == other.side and one.size_px == other.size_px
    height, width = (min(a, b) for a, b in zip(one.grey.shape, other.grey.shape, strict=True))
    first = _patch(one.grey, height, width, one.align)
    second = _patch(other.grey, height, width, one.align)
    ink = _steps(first) | _steps(second)
    return bool(ink.any() and _both(np.abs(first - second) <= TOLERANCE)[ink].mean() >= 0.7)


def _best(found: list[Found | None], images: list[np.ndarray]) -> Found | None:
    """The commonest; what a corner holds belongs to two sides, and is taken where that costs fewer pixels."""

    def worth(one: Found) -> float:
        lengths = [len(_from_edge(images[n], one.strip.side)) for n in one.members]
        lost = one.strip.size_px / max(1.0, float(np.mean(lengths)))
        return len(one.members) * (1 - min(lost, 0.9)) * (1.1 if one.strip.side == "bottom" else 1.0)

    return max((one for one in found if one is not None), key=worth, default=None)


def _find_at(images: list[np.ndarray], side: Side, seed: int) -> Found | None:
    """The commonest strip at one side."""
    rows = [_from_edge(image, side) for image in images]
    large = [n for n, image in enumerate(rows) if min(image.shape) >= LEAST_LEFT_PX]
    if len(large) < LEAST_IMAGES:
        return None
    heights, widths = np.array([rows[n].shape for n in large]).T
    depth = int(min(DEEPEST_PX, np.percentile(heights, 75)))
    width = int(np.clip(np.median(widths), NARROWEST_PX, WIDEST_PX))
    least = max(LEAST_IMAGES, round(LEAST_SHARE * len(images)))
    best: Found | None = None
    for align in ALIGNS:
        patches = np.stack([_patch(rows[n], depth, width, align) for n in large])
        group = _largest_group(patches, seed)
        if len(group) < least or (best and len(group) <= len(best.members)):
            continue
        strip = _consensus([rows[large[n]] for n in group], patches[group], side, align)
        members = [n for n, image in enumerate(images) if strip and has_strip(image, strip)]
        if strip and len(members) >= least and (best is None or len(members) > len(best.members)):
            best = Found(strip, members)
    return best


def _largest_group(patches: np.ndarray, seed: int) -> np.ndarray:
    """Indices of the images that share most with one of some images taken by chance.

    patches: int16 [n, depth, width].
    """
    chance = np.random.default_rng(seed)
    best = np.empty(0, np.int64)
    left = chance.permutation(len(patches))[:PIVOTS]
    while len(left):
        pivot, left = left[0], left[1:]
        group = np.flatnonzero(_alike(patches, patches[pivot]))
        if len(group) > len(best):
            best = group
        # Those of a group would find the same again.
        left = left[~np.isin(left, group)]
    return best


def _alike(patches: np.ndarray, pivot: np.ndarray) -> np.ndarray:
    """Which images have the pivot's ink, from the edge on and as far as it goes: bool [n]."""
    steps = np.argwhere(_steps(pivot))[:MOST_STEPS]
    if len(steps) < LEAST_STEPS:
        return np.zeros(len(patches), bool)
    y, x = steps.T
    first, second = patches[:, y, x], patches[:, y, x + 1]
    there = (first != MISSING) & (second != MISSING)
    same = (np.abs(first - pivot[y, x]) <= TOLERANCE) & (np.abs(second - pivot[y, x + 1]) <= TOLERANCE)
    starts = np.flatnonzero(np.diff(y, prepend=-1))
    agreed, shown = np.add.reduceat(same, starts, axis=1), np.add.reduceat(there, starts, axis=1)
    confirmed = (shown >= 1) & (agreed >= 0.5 * shown)
    denied = (shown >= 1) & (agreed < 0.3 * shown)
    # The strip goes on while more rows speak for it than against it.
    last = np.argmax(np.cumsum(confirmed.astype(np.int16) - denied, axis=1), axis=1)
    inside = np.arange(len(starts)) <= last[:, None]
    n_rows, n_agreed, n_shown = ((each * inside).sum(axis=1) for each in (confirmed, agreed, shown))
    return (n_rows >= LEAST_ROWS) & (n_agreed >= LEAST_STEPS) & (n_agreed >= 0.6 * n_shown)


def _consensus(rows: list[np.ndarray], patches: np.ndarray, side: Side, align: Align) -> Strip | None:
    """The strip that a group shares: patches int16 [n, depth, width] of the images whose `rows` start at the edge."""
    shown = patches != MISSING
    enough = shown.mean(axis=0) >= 0.5
    grey = np.ma.median(np.ma.array(patches, mask=~shown), axis=0).filled(0).astype(np.int16)
    same = (np.abs(patches - grey) <= TOLERANCE) & shown
    stable = enough & (same.sum(axis=0) >= 0.8 * np.maximum(1, shown.sum(axis=0)))
    ink = _steps(grey) & _both(stable)
    inked = np.flatnonzero(ink.any(axis=1))
    if len(inked) < LEAST_ROWS or ink.sum() < LEAST_STEPS:
        return None
    size = _size(rows, stable, enough, int(inked[-1]) + 1)
    return Strip(side, size, align, grey[:size].astype(np.uint8), stable[:size])


def _size(rows: list[np.ndarray], stable: np.ndarray, enough: np.ndarray, ink_ends: int) -> int:
    """Where the strip ends: at a step above its ink that is sharp on nearly all; where there is none, with its ink."""
    calm = stable.sum(axis=1) >= 0.7 * np.maximum(1, enough.sum(axis=1))
    limit = ink_ends
    while limit < len(calm) and calm[limit]:
        limit += 1
    last = min(limit, min(len(one) for one in rows) - 1)
    if last <= ink_ends:
        return ink_ends
    means = np.array([one[ink_ends - 1 : last + 1].mean(axis=1) for one in rows])
    noise = np.array([one[ink_ends - 1 : last + 1].std(axis=1) for one in rows])
    steps = np.percentile(np.abs(np.diff(means, axis=1)) + np.abs(np.diff(noise, axis=1)), 15, axis=0)
    # The first step is the end of the ink itself; a line that closes the strip makes two.
    sharp = np.flatnonzero(steps[1:] >= max(LEAST_BORDER, 0.5 * float(steps[1:].max(initial=0.0)))) + 1
    if not len(sharp):
        return ink_ends + min(2, limit - ink_ends)
    closing = sharp[sharp <= sharp[0] + 3]
    return ink_ends + int(closing[-1])


def _steps(grey: np.ndarray) -> np.ndarray:
    """Where pixel and next pixel differ sharply: bool [height, width - 1] of grey, int16 [height, width].

    A change that runs on and on away from the edge is no ink, but where a margin at another side begins.
    """
    there = (grey[:, 1:] >= 0) & (grey[:, :-1] >= 0)
    step = (np.abs(np.diff(grey, axis=1)) >= INK_STEP) & there
    return step & (step.sum(axis=0) <= LONGEST_LINE * there.sum(axis=0))


def _both(pixels: np.ndarray) -> np.ndarray:
    """Pairs of neighbours that both are so: bool [..., width - 1] of [..., width]."""
    return pixels[..., 1:] & pixels[..., :-1]


def _from_edge(image: np.ndarray, side: Side) -> np.ndarray:
    """The image turned so that the side is row 0."""
    turned = image if side in ("top", "bottom") else image.T
    return turned[::-1] if side in ("bottom", "right") else turned


def _patch(rows: np.ndarray, depth: int, width: int, align: Align) -> np.ndarray:
    """int16 [depth, width] from the edge on, in the middle of the edge or at an end of it; MISSING where it ends."""
    patch = np.full((depth, width), MISSING, np.int16)
    rows = rows[:depth]
    over = rows.shape[1] - width
    skip = {"start": 0, "end": over, "centre": over // 2}[align]
    part = rows[:, max(0, skip) : max(0, skip) + width] if over > 0 else rows
    at = max(0, -skip)
    patch[: len(part), at : at + part.shape[1]] = part
    return patch


def checked_side(text: str) -> Side | None:
    """A side by its name, or None."""
    return cast(Side, text) if text in SIDES else None
