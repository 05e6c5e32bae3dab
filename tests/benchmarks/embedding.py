"""Images per second from files to vectors, against the bare model: `python -m tests.benchmarks.embedding`.

Both run the default embedder with the same runtime and threads, in turns of a few hundred images, so that whatever
else the machine does slows both alike. The model alone gets decoded arrays that are ready in memory.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from indexer import embedders
from indexer.embedders import Embedder
from indexer.embedding import embed_stream
from indexer.images import open_image

TURN = 240


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1920)
    parser.add_argument("--embedder", default=embedders.DEFAULT)
    parser.add_argument("--threads", type=int, default=0, help="of the model; 0: one per core")
    parser.add_argument("--decoders", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), options.images)
        embedder = embedders.get(options.embedder, Path(folder) / "embedders", "auto", options.threads)
        report(*measure(embedder, files, options.decoders), embedder)


def write_files(folder: Path, n: int) -> list[Path]:
    """Blobs with noise as instruments make them: grey, 30 to 200 pixels a side, JPEG and PNG."""
    chance = np.random.default_rng(11)
    files = []
    for number in range(n):
        height, width = np.exp(chance.uniform(np.log(30), np.log(200), 2)).astype(int)
        y, x = np.mgrid[:height, :width]
        far = np.hypot((y / height - 0.5) * chance.uniform(1, 3), (x / width - 0.5) * chance.uniform(1, 3))
        grey = 235 - 150 * (far < 0.4) * (1 - far) + chance.normal(0, 5, (height, width))
        path = folder / f"{number}.{'jpg' if number % 2 else 'png'}"
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(path)
        files.append(path)
    return files


def measure(embedder: Embedder, files: list[Path], decoders: int) -> tuple[int, np.ndarray, np.ndarray, float, float]:
    """Images, seconds of the bare model and of the pipeline, and the peak of memory after a quarter and at the end."""
    bare, piped, quarter_mb = np.zeros(2), np.zeros(2), 0.0
    warm_up = prepared(embedder, files[: embedder.batch_size])
    embedder.embed(warm_up)
    for turn, first in enumerate(range(0, len(files), TURN)):
        some = files[first : first + TURN]
        batches = [
            prepared(embedder, some[at : at + embedder.batch_size]) for at in range(0, len(some), embedder.batch_size)
        ]
        steps: list[Callable[[], None]] = [
            lambda b=batches: run_bare(embedder, b),
            lambda s=some: run_piped(embedder, s, decoders),
        ]
        times = [timed(step) for step in (steps if turn % 2 else steps[::-1])]
        bare, piped = bare + times[0 if turn % 2 else 1], piped + times[1 if turn % 2 else 0]
        if first + TURN >= len(files) / 4 and not quarter_mb:
            quarter_mb = peak_mb()
    return len(files), bare, piped, quarter_mb, peak_mb()


def prepared(embedder: Embedder, files: list[Path]) -> np.ndarray:
    return embedder.prepare([open_image(path.read_bytes()) for path in files])


def run_bare(embedder: Embedder, batches: list[np.ndarray]) -> None:
    for batch in batches:
        embedder.embed(batch)


def run_piped(embedder: Embedder, files: list[Path], decoders: int) -> None:
    n = sum(len(batch.keys) for batch in embed_stream(embedder, ((path, path.read_bytes) for path in files), decoders))
    if n != len(files):
        raise RuntimeError(f"{len(files) - n} of {len(files)} images got no vector")


def timed(step: Callable[[], None]) -> np.ndarray:
    """Seconds by the wall's clock and of the processor, [2]; the latter are what a busy machine does not change."""
    before = np.array([time.perf_counter(), time.process_time()])
    step()
    return np.array([time.perf_counter(), time.process_time()]) - before


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(n: int, bare: np.ndarray, piped: np.ndarray, quarter_mb: float, end_mb: float, embedder: Embedder) -> None:
    share, cpu_share = bare / piped
    print(f"{embedder.name} on {embedder.device}, {n:,} images, batches of {embedder.batch_size}, in turns of {TURN}")
    print(f"{'':24}{'images/s':>10}{'CPU ms an image':>18}")
    print(f"{'bare model':24}{n / bare[0]:10.1f}{bare[1] / n * 1000:18.2f}")
    print(f"{'pipeline from files':24}{n / piped[0]:10.1f}{piped[1] / n * 1000:18.2f}")
    print(f"{'share':24}{share:10.3f}{cpu_share:18.3f}   (at least 0.85)")
    print(f"{'peak memory':24}{quarter_mb:8.0f} MB after a quarter, {end_mb:.0f} MB at the end")
    figures = {
        "share_of_bare_model": round(share, 3),
        "share_by_cpu_time": round(cpu_share, 3),
        "images_per_second": round(n / piped[0], 1),
        "bare_images_per_second": round(n / bare[0], 1),
        "peak_mb": round(end_mb),
        "peak_mb_after_a_quarter": round(quarter_mb),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
