"""How much a burnt-in footer becomes the likeness, before and after it is cut: `python -m tests.benchmarks.strips`.

Every second image (by chance) of a real collection gets a footer of 31 px. Then the share of the nearest neighbours
that come from the same half: a half of them where the footer says nothing. The strip is found, not given.
"""

import argparse
import io
import json
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from indexer import embedders
from indexer.embedders import Embedder
from indexer.embedders.cropping import Cropping
from indexer.embedding import embed_stream
from indexer.images import open_image, to_rgb
from indexer.strips import find_strips

FOOTER_PX = 31
SAMPLE = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=Path(__file__).parents[3] / "shared/data/planktonset1.zip")
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--neighbours", type=int, default=10)
    parser.add_argument("--embedder", default=embedders.DEFAULT)
    options = parser.parse_args()
    chance = np.random.default_rng(17)
    files = read_files(options.images, options.most, chance)
    given = chance.random(len(files)) < 0.5
    footed = [add_footer(data, chance) if has else data for data, has in zip(files, given, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        whole = embedders.get(options.embedder, Path(folder))
        print(json.dumps(measure(whole, files, footed, given, options.neighbours)))


def measure(
    whole: Embedder, files: list[bytes], footed: list[bytes], given: np.ndarray, k: int
) -> dict[str, float | int | str]:
    """Shares of neighbours from the same half: without footers, with them, and with them cut."""
    started = time.perf_counter()
    found = find_strips([np.asarray(open_image(data).convert("L")) for data in footed[:SAMPLE]])
    seconds = time.perf_counter() - started
    plain, left_in = (same_half(embedded(whole, each), given, k) for each in (files, footed))
    cropping = Cropping(whole, [one.strip for one in found])
    cut = same_half(embedded(cropping, footed), given, k)
    print(f"{len(files):,} images, {int(given.sum()):,} with a footer of {FOOTER_PX} px, {k} neighbours, {whole.name}")
    print(f"{'':24}{'from the same half':>20}")
    for words, share in (("no footers", plain), ("left in", left_in), ("found and cut", cut)):
        print(f"{words:24}{share:20.1%}")
    return {
        "same_half_without_footers": round(plain, 3),
        "same_half_left_in": round(left_in, 3),
        "same_half_cut": round(cut, 3),
        "strips_found": len(found),
        "found_px": found[0].strip.size_px if found else 0,
        "find_seconds": round(seconds, 2),
        "images": len(files),
    }


def read_files(path: Path, most: int, chance: np.random.Generator) -> list[bytes]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith((".png", ".jpg", ".jpeg")))
        return [archive.read(names[n]) for n in chance.permutation(len(names))[:most]]


def add_footer(data: bytes, chance: np.random.Generator) -> bytes:
    """White, with a bar and a text that differ a little, as vignettes have it."""
    image = to_rgb(open_image(data))
    footed = Image.new("RGB", (image.width, image.height + FOOTER_PX), "white")
    footed.paste(image)
    draw = ImageDraw.Draw(footed)
    draw.rectangle([5, image.height + 6, 5 + int(chance.integers(20, 45)), image.height + 8], fill=0)
    draw.text((5, image.height + 13), f"{chance.integers(1, 9)} mm", fill=0)
    out = io.BytesIO()
    footed.save(out, "PNG")
    return out.getvalue()


def embedded(embedder: Embedder, files: list[bytes]) -> np.ndarray:
    """Vectors, float32 [n, d], in the order of the files."""
    batches = list(embed_stream(embedder, ((n, lambda data=data: data) for n, data in enumerate(files))))
    order = np.argsort(np.concatenate([batch.keys for batch in batches]))
    return np.concatenate([batch.vectors for batch in batches])[order]


def same_half(vectors: np.ndarray, given: np.ndarray, k: int) -> float:
    """The share of each image's k nearest that have a footer where it has one, and none where it has none."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argpartition(-cosines, k, axis=1)[:, :k]
    return float((given[nearest] == given[:, None]).mean())


if __name__ == "__main__":
    main()
