"""Fits the fixed projection of the default embedder: `python -m indexer.embedders.fit_projection DIR_OR_ZIP...`.

Made once, from images as varied as can be had, and kept beside this module: another projection is another embedder.
The one here was fitted on PlanktonSet 1.0, WHOI-Plankton's example images and FlowCam images of phytoplankton (at most
30 a class), with scikit-learn's digits and crops of its two sample photographs, so that it does not end at plankton.

The components are whitened half-way (divided by the fourth root of their variance, between nothing and PCA whitening,
which divides by the square root): measured by k nearest neighbours (k = 5, leave-one-out) on 5,598 images of
PlanktonSet that the fit had not seen, the network's 1,280 dimensions get 56.4 % right, plain PCA to 256 dimensions
55.3 %, half-way whitened 58.4 %; on 540 images of WHOI-Plankton left out of the fit 52.2, 50.9 and 53.5 %.
"""

import argparse
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.embedders import lite0, lite0_graph
from indexer.embedders.runtime import Session
from indexer.images import BadImage, open_image

SEED = 20261121
DIMENSION = 256
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"}


def main() -> None:
    options = _options()
    chance = np.random.default_rng(SEED)
    images = [*_from_sources(options.sources, options.per_class, chance), *_general(chance)]
    features = embed_whole(images, options.threads)
    projection = fit(features, DIMENSION)
    np.save(options.out, projection, allow_pickle=False)
    digest = lite0.file_digest(options.out)
    print(f"{len(images):,} images, {projection.nbytes:,} bytes, sha256 {digest}")  # noqa: T201 - a command


def embed_whole(images: Iterable[Image.Image], threads: int) -> np.ndarray:
    """Images to float32 [n, 1280]: the default embedder before its projection, unit length."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "whole.onnx"
        graph.write_bytes(lite0_graph.build(lite0.read_weights(), None, rotations=True, half=False))
        session = Session(graph, "cpu", threads)
    return np.concatenate([session.run("vector", pixels=lite0.prepare_squares([image])) for image in images])


def fit(features: np.ndarray, dimension: int) -> np.ndarray:
    """Half-whitened principal components of float32 [n, d]: float16 [1 + dimension, d], the mean first.

    The sign of each component makes its largest element positive, so that a fit can be repeated.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    variances, vectors = np.linalg.eigh(np.cov(features.T.astype(np.float64)))
    rows = vectors[:, ::-1][:, :dimension].T
    rows *= np.sign(rows[np.arange(dimension), np.abs(rows).argmax(axis=1)])[:, None]
    rows *= (variances[::-1][:dimension] / variances[-1])[:, None] ** -0.25
    return np.vstack((mean, rows)).astype(np.float16)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path, help="folders or zips; each inner folder counts as a class")
    parser.add_argument("--per-class", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / lite0.PROJECTION)
    return parser.parse_args()


def _from_sources(sources: list[Path], per_class: int, chance: np.random.Generator) -> Iterator[Image.Image]:
    for source in sources:
        classes = defaultdict(list)
        for name in sorted(_names(source)):
            classes[str(Path(name).parent)].append(name)
        chosen = [name for names in classes.values() for name in _sample(names, per_class, chance)]
        yield from _opened(source, chosen)


def _sample(names: list[str], count: int, chance: np.random.Generator) -> list[str]:
    return [names[place] for place in chance.permutation(len(names))[:count]]


def _names(source: Path) -> list[str]:
    if source.is_dir():
        names = [str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()]
    else:
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    return [name for name in names if Path(name).suffix.lower() in SUFFIXES]


def _opened(source: Path, names: list[str]) -> Iterator[Image.Image]:
    archive = None if source.is_dir() else zipfile.ZipFile(source)
    for name in names:
        try:
            yield open_image(archive.read(name) if archive else (source / name).read_bytes())
        except BadImage:
            continue


def _general(chance: np.random.Generator) -> Iterator[Image.Image]:
    """Digits, and crops of photographs at several scales: what is not plankton."""
    from sklearn.datasets import load_digits, load_sample_images

    for digit in load_digits().images[chance.permutation(1797)[:300]]:
        yield Image.fromarray((digit * 15.9).astype(np.uint8))
    for photograph in load_sample_images().images:
        whole = Image.fromarray(photograph)
        for _ in range(150):
            side = int(chance.integers(48, 400))
            left, top = chance.integers(0, whole.width - side), chance.integers(0, whole.height - side)
            yield whole.crop((int(left), int(top), int(left) + side, int(top) + side))


if __name__ == "__main__":
    main()
