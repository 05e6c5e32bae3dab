"""How a generation of an index lies on the disk: its files, and the manifest that says which of them are whole."""

import json
import os
import shutil
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from app.objects.store import sync_folder
from indexer.index import Sketch

IDS, NEIGHBOURS, DISTANCES, STACKS = "ids.npy", "neighbours.npy", "distances.npy", "stacks.npy"
MANIFEST = "manifest.json"
BLOCK = 65_536
MOST_BLOCKS = 2048  # of a file that are checked when it is opened; larger files are checked in places


@dataclass(frozen=True)
class Manifest:
    """What a generation holds, written last: a generation without one does not exist.

    It is written again when the graph of neighbours is there, which takes minutes where the index takes seconds.
    """

    generation: int
    database: str  # numbers of transactions mean nothing in another one
    horizon: int  # xid8
    n: int
    files: dict[str, tuple[int, int]]  # name: bytes, checksum
    sketch: Sketch | None
    graph_recall: float | None = None  # of the graph of neighbours; None: it is not built yet


def read_manifest(folder: Path) -> Manifest:
    """Raises OSError where there is none, ValueError, KeyError or TypeError where it is damaged."""
    values = json.loads((folder / MANIFEST).read_text())
    sketch = Sketch(**values.pop("sketch")) if values["sketch"] else values.pop("sketch")
    return Manifest(**values, sketch=sketch)


def checksum(path: Path) -> tuple[int, int]:
    """Size and crc32; of a very large file, of blocks all over it."""
    size, crc = path.stat().st_size, 0
    step = max(BLOCK, size // MOST_BLOCKS // 4096 * 4096)
    with path.open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            crc = zlib.crc32(file.read(BLOCK), crc)
        file.seek(max(0, size - BLOCK))
        crc = zlib.crc32(file.read(BLOCK), crc)
    return size, crc


def write_array(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def synced(path: Path) -> tuple[int, int]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return checksum(path)


def publish(folder: Path, manifest: Manifest) -> None:
    """The files are on the disk: now one rename makes them the generation that is asked."""
    sync_folder(folder / f"gen-{manifest.generation}")
    temporary = folder / f"{MANIFEST}.{os.getpid()}.tmp"
    with temporary.open("w") as file:
        json.dump(asdict(manifest), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST)
    sync_folder(folder)


def sweep(folder: Path, kept: int) -> None:
    """Remove former generations and what killed builds left; who has them open goes on reading."""
    for path in folder.iterdir():
        if path.name.startswith("gen-") and path.name != f"gen-{kept}":
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.endswith(".tmp"):
            path.unlink(missing_ok=True)
