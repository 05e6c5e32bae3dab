"""The images of a folder, what each is, what it is grouped with, and which of them are held out."""

import csv
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.embedders import Embedder
from indexer.embedding import embed_stream

IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"}


@dataclass(frozen=True)
class Folder:
    """Images sorted by path. taxa: int32 [n], places in `names`; groups: int64 [n], what is held out together."""

    root: Path
    files: list[Path]
    names: list[str]
    taxa: np.ndarray
    groups: np.ndarray
    grouped_by: str  # in words, for people

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows that are held out."""

    known: np.ndarray
    held: np.ndarray


def read_folder(root: Path, groups: Path | None = None) -> Folder:
    """DIR/CLASS/IMAGE, or DIR/CLASS/GROUP/IMAGE. `groups`: lines of a path under DIR and its group, by tab or comma."""
    root = root.resolve()
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in IMAGES and path.parent != root)
    if not files:
        raise SystemExit(f"{root} holds no images in sub-folders: one sub-folder for each class is needed.")
    parts = [file.relative_to(root).parts for file in files]
    names, taxa = np.unique([part[0] for part in parts], return_inverse=True)
    if len(names) < 2:
        raise SystemExit(f"{root} holds one class only ({names[0]}): there is nothing to tell apart.")
    if groups:
        keys, words = _given_groups(groups, files, root), f"the groups of {groups.name}"
    elif any(len(part) > 2 for part in parts):
        keys, words = (
            ["/".join(part[1:-1]) or str(file) for part, file in zip(parts, files, strict=True)],
            "sub-folders",
        )
    else:
        keys, words = [str(file) for file in files], ""
    codes = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    n = len(np.unique(codes))
    words = f"held out by {words} ({n:,} groups)" if words else "no groups were given: held out image by image"
    return Folder(root, files, names.tolist(), taxa.astype(np.int32), codes, words)


def _given_groups(path: Path, files: list[Path], root: Path) -> list[str]:
    text = path.read_text()
    rows = csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ",")
    by_path = {row[0]: row[1] for row in rows if len(row) > 1}
    missing = [file for file in files if str(file.relative_to(root)) not in by_path]
    if missing:
        raise SystemExit(
            f"{path} names no group for {len(missing):,} images, the first {missing[0].relative_to(root)}."
        )
    return [by_path[str(file.relative_to(root))] for file in files]


def split(folder: Folder, n_labels: int, n_held: int, seed: int) -> Split:
    """Rows in order. Whole groups are held out, a third of the images at most; of the others, `n_labels` are drawn."""
    chance = np.random.default_rng(seed)
    wanted = min(n_held, len(folder) // 3)
    codes = chance.permutation(np.unique(folder.groups))
    sizes = np.bincount(folder.groups, minlength=int(folder.groups.max()) + 1)[codes]
    held_groups = codes[: int(np.searchsorted(np.cumsum(sizes), wanted)) + 1]
    is_held = np.isin(folder.groups, held_groups)
    if is_held.all():
        raise SystemExit("All images are of one group: nothing can be held out.")
    others = chance.permutation(np.flatnonzero(~is_held))
    return Split(np.sort(others[:n_labels]), np.flatnonzero(is_held))


def vectors_of(embedder: Embedder, folder: Folder, rows: np.ndarray, keep: bool = True) -> np.ndarray:
    """float32 [n, d], NaN but for these rows and for what is no image. `keep`: in the temporary folder, until later."""
    kept = Path(tempfile.gettempdir()) / "shoal-vectors" / f"{embedder.digest[:16]}-{fingerprint(folder, rows)}.npy"
    vectors = np.full((len(folder), embedder.dimension), np.nan, np.float32)
    if keep and kept.exists():
        vectors[rows] = np.load(kept)
        return vectors
    for part in embed_stream(embedder, ((row, folder.files[row].read_bytes) for row in rows.tolist()), 1):
        vectors[part.keys] = part.vectors
    if not keep:
        return vectors
    kept.parent.mkdir(exist_ok=True)
    half = kept.with_suffix(".half.npy")
    np.save(half, vectors[rows])
    half.rename(kept)
    return vectors


def fingerprint(folder: Folder, rows: np.ndarray) -> str:
    """Stands for these files as they are now."""
    stats = ((folder.files[row], folder.files[row].stat()) for row in rows)
    listed = "\n".join(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats)
    return hashlib.sha256(listed.encode()).hexdigest()[:16]
