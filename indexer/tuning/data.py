"""The images of a training: checked, parted into those learned from and those held out, and kept as small squares."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.embedders.base import padded_square
from indexer.images import BadImage, open_image, to_grey, to_rgb
from indexer.tuning.plan import LEARNED_SHARE

FEWEST_IMAGES = 100
FEWEST_OF_TAXON = 5  # fewer cannot be parted into learned and held out
HELD_OUT_SHARE = 1 - LEARNED_SHARE
MOST_HELD_OUT = 4000
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".bmp")
DECODERS = 4
PIECE = 256
GREY_TOLERANCE = 4  # of 255: what JPEG leaves between the channels of a grey image

Progress = Callable[[int, int | None, str, str], None]  # done, total, unit, message; may raise to stop the work


class TuningError(Exception):
    """A training that cannot be made; its text says which, why, and what to do, fit for people."""


@dataclass(frozen=True)
class LearningImages:
    """Labelled images: `load(i)` opens image i, or raises BadImage or OSError; `labels` int [n], any numbers; `groups`
    int [n], images of one group are held out together; `held_out` bool [n], where the caller parts them himself;
    `hash(i)`: sha256 of image i's file, where that is known."""

    labels: np.ndarray
    load: Callable[[int], Image.Image]
    groups: np.ndarray | None = None
    held_out: np.ndarray | None = None
    hash: Callable[[int], bytes] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def fingerprint(self) -> str:
        """Of labels and groups, so that a training is not continued with other images."""
        digest = hashlib.sha256(np.asarray(self.labels, np.int64).tobytes())
        for more in (self.groups, self.held_out):
            digest.update(b"-" if more is None else np.asarray(more, np.int64).tobytes())
        return digest.hexdigest()


def from_paths(paths: Sequence[Path], labels: np.ndarray, groups: np.ndarray | None = None) -> LearningImages:
    """Files with their labels."""

    def digest(i: int) -> bytes:
        return hashlib.sha256(paths[i].read_bytes()).digest()

    return LearningImages(np.asarray(labels), lambda i: open_image(paths[i].read_bytes()), groups, hash=digest)


def from_folder(folder: Path) -> tuple[LearningImages, list[str]]:
    """One folder per class; the labels number the names that are returned too."""
    if not folder.is_dir():
        raise TuningError(f"There is no folder {folder}.")
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    found = [(path, number) for number, one in enumerate(classes) for path in sorted(one.rglob("*")) if _is_image(path)]
    if not found:
        raise TuningError(f"{folder} holds no folders with images: put the images of each class into one of its own.")
    paths, labels = zip(*found, strict=True)
    return from_paths(paths, np.array(labels, np.int32)), [one.name for one in classes]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def check(labels: np.ndarray) -> None:
    """Raises TuningError where there is too little to learn from, or to tell what was learned."""
    n, counts = len(labels), np.unique(labels, return_counts=True)[1]
    if n < FEWEST_IMAGES:
        raise TuningError(
            f"{n:,} labelled images are too few to train an embedder: it takes at least {FEWEST_IMAGES},"
            " and pays from about 1,000. Label more, or use a learned space, which needs fewer."
        )
    enough = int((counts >= FEWEST_OF_TAXON).sum())
    if enough < 2:
        raise TuningError(
            f"Of {len(counts):,} {'taxon' if len(counts) == 1 else 'taxa'} only {enough} has {FEWEST_OF_TAXON} images"
            " or more: an embedder is trained on two such taxa at least. Label more of another one."
        )


def part(images: LearningImages, seed: int) -> np.ndarray:
    """Which images are held out, bool [n]: whole groups where there are enough, else a fifth of each taxon."""
    if images.held_out is not None:
        return np.asarray(images.held_out, bool)
    rng = np.random.default_rng(seed)
    most = min(int(len(images) * HELD_OUT_SHARE), MOST_HELD_OUT)
    if images.groups is not None:
        held_out = _whole_groups(images, most, rng)
        if held_out is not None:
            return held_out
    return _of_each_taxon(images.labels, most, rng)


def _whole_groups(images: LearningImages, most: int, rng: np.random.Generator) -> np.ndarray | None:
    """Groups at random until about `most` are held out; None where few large groups would take too much or too little,
    or would take every image of most taxa away."""
    groups, place, sizes = np.unique(images.groups, return_inverse=True, return_counts=True)
    if len(groups) < 5:
        return None
    held_out, n = np.zeros(len(images), bool), 0
    for group in rng.permutation(len(groups)):
        if n + sizes[group] <= most * 1.25:
            held_out |= place == group
            n += int(sizes[group])
        if n >= most:
            break
    learned = len(np.unique(images.labels[~held_out]))
    is_fair = n >= most / 2 and learned >= 2 and learned >= len(np.unique(images.labels)) * 0.8
    return held_out if is_fair else None


def _of_each_taxon(labels: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    held_out = np.zeros(len(labels), bool)
    share = most / len(labels)
    for taxon in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == taxon))
        held_out[own[: round(len(own) * share)]] = True
    return held_out


def read_squares(images: LearningImages, side_px: int, folder: Path, progress: Progress) -> tuple[np.ndarray, list]:
    """All images as uint8 [n, side, side, channels], memory-mapped from `folder`, and [(image, reason)] of the bad.

    One channel where every image is grey. Made anew unless the folder has those of the same images already.
    """
    path, told = folder / "squares.npy", folder / "squares.json"
    facts = {"of": images.fingerprint, "side_px": side_px}
    if told.is_file() and path.is_file():
        known = json.loads(told.read_text())
        if {key: known.get(key) for key in facts} == facts:
            return np.load(path, mmap_mode="r"), [tuple(row) for row in known["bad"]]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        bad = _write(images, path, side_px, 1, progress)
    except _Coloured:
        bad = _write(images, path, side_px, 3, progress)
    told.write_text(json.dumps({**facts, "bad": bad}))
    return np.load(path, mmap_mode="r"), bad


class _Coloured(Exception):
    """An image has colours after all."""


def _write(images: LearningImages, path: Path, side_px: int, channels: int, progress: Progress) -> list:
    squares = np.lib.format.open_memmap(path, "w+", np.uint8, (len(images), side_px, side_px, channels))
    bad: list[tuple[int, str]] = []
    with ThreadPoolExecutor(DECODERS) as pool:
        for first in range(0, len(images), PIECE):
            piece = range(first, min(first + PIECE, len(images)))
            for i, square in zip(piece, pool.map(lambda i: _square(images, i, side_px, channels), piece), strict=True):
                if isinstance(square, str):
                    bad.append((i, square))
                else:
                    squares[i] = square
            progress(piece[-1] + 1, len(images), "images", "reads the images")
    squares.flush()
    return bad


def _square(images: LearningImages, i: int, side_px: int, channels: int) -> np.ndarray | str:
    """The image's square, or why there is none. Raises _Coloured for a coloured one where one channel is wanted."""
    try:
        image = images.load(i)
    except BadImage as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    image = image if image.mode in ("L", "RGB") else to_rgb(image)
    square = padded_square(image, side_px, Image.Resampling.BILINEAR)
    if channels == 3:
        return np.asarray(square.convert("RGB"))
    if square.mode != "L" and _has_colour(square):
        raise _Coloured
    return np.asarray(to_grey(square))[..., None]


def _has_colour(image: Image.Image) -> bool:
    pixels = np.asarray(image).astype(np.int16)
    return int((pixels.max(axis=2) - pixels.min(axis=2)).max()) > GREY_TOLERANCE
