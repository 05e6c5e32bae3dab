"""Vectors that were made elsewhere: kept and searched like any other, but no new image can join them.

Given as a .npy file [n, d] with its ids in a .txt (one a line) or .npy file of the same name plus `.ids` (vectors.npy
and vectors.ids.txt or vectors.ids.npy), or as a .parquet file with a column of ids (`orig_id`, `object_id` or `id`) and
a column of lists of numbers (`vector` or `embedding`). Whole numbers in a column `id` are Shoal's own object ids;
anything else is an object's orig_id. Files that are given the same name by the person who brings them, and have the
same dimension, are one embedder; without a name, every file is one of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from indexer.embedders.base import Embedder, EmbedderError, file_digest, joint_digest, unit

ID_COLUMNS = ("orig_id", "object_id", "id")
VECTOR_COLUMNS = ("vector", "embedding")
CHUNK = 10_000


@dataclass(frozen=True)
class Chunk:
    """Some of the vectors: `ids` are texts (orig_id), or int64 where `by_id`; `vectors` float32 [n, d], unit length."""

    ids: np.ndarray
    vectors: np.ndarray
    by_id: bool


class BroughtVectors(Embedder):
    """`vectors:/path/to/file.npy` or `.parquet`."""

    embeds_images: ClassVar[bool] = False

    def __init__(self, path: Path, name: str = "") -> None:
        if not path.is_file():
            raise EmbedderError(f"There is no file of vectors {path}.")
        self.path = path.absolute()
        self._read = _Parquet(path) if path.suffix == ".parquet" else _Npy(path)
        self.dimension, self.count = self._read.dimension, self._read.count
        self.digest = joint_digest((name, str(self.dimension))) if name else file_digest(path)
        # The file need not stay: afterwards it is known by its name alone.
        self.spec = self.name = f"vectors:{name or f'{path.stem}-{self.digest[:8]}'}"
        self.description = f"Brought from {path.name}"

    def chunks(self) -> Iterator[Chunk]:
        """All vectors, some thousand at a time. Raises EmbedderError at one that is zero or not a number."""
        done = 0
        for ids, vectors in self._read.chunks():
            vectors = np.asarray(vectors, np.float32)
            bad = ~(np.isfinite(vectors).all(axis=1) & vectors.any(axis=1))
            if bad.any():
                place = int(np.argmax(bad))
                raise EmbedderError(
                    f"{self.path}, row {done + place + 1:,} (id {ids[place]}): the vector is zero or not all numbers."
                )
            done += len(ids)
            by_id = self._read.by_id and np.issubdtype(ids.dtype, np.integer)
            yield Chunk(ids if by_id else ids.astype(str), unit(vectors), by_id)


class _Npy:
    by_id = True

    def __init__(self, path: Path) -> None:
        try:
            self.vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise EmbedderError(
                f"{path} is no .npy file of numbers: it is damaged, holds something else, or holds Python objects."
                " Save the vectors with numpy.save, as one array of floats [n, d]."
            ) from error
        if self.vectors.ndim != 2 or not np.issubdtype(self.vectors.dtype, np.floating):
            raise EmbedderError(f"{path} holds {self.vectors.dtype} {list(self.vectors.shape)}; needed: floats [n, d].")
        self.ids = self._find_ids(path)
        self.count, self.dimension = self.vectors.shape
        if len(self.ids) != self.count:
            raise EmbedderError(f"{path} holds {self.count:,} vectors, and its file of ids {len(self.ids):,} ids.")

    def _find_ids(self, path: Path) -> np.ndarray:
        numbers, texts = path.with_suffix(".ids.npy"), path.with_suffix(".ids.txt")
        if numbers.is_file():
            return self._load_ids(numbers)
        if texts.is_file():
            return np.array(texts.read_text("utf-8").splitlines())
        raise EmbedderError(f"The vectors in {path} need their objects' ids: put them into {texts} or {numbers}.")

    @staticmethod
    def _load_ids(path: Path) -> np.ndarray:
        try:
            ids = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise EmbedderError(
                f"{path} is no .npy file of ids. Save them with numpy.save, as one array of whole numbers or of texts."
            ) from error
        if ids.ndim != 1 or ids.dtype.kind not in "iuUS":
            raise EmbedderError(f"{path} holds {ids.dtype} {list(ids.shape)}; needed: whole numbers or texts [n].")
        return ids

    def chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, self.count, CHUNK):
            yield self.ids[first : first + CHUNK], self.vectors[first : first + CHUNK]


class _Parquet:
    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise EmbedderError(f"Reading {path} needs one more package: pip install pyarrow") from error
        try:
            self.file: Any = parquet.ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise EmbedderError(f"{path} is no parquet file: {error}.") from error
        names = self.file.schema_arrow.names
        self.id_column = self._column(path, names, ID_COLUMNS)
        self.vector_column = self._column(path, names, VECTOR_COLUMNS)
        self.by_id = self.id_column != "orig_id"
        self.count = self.file.metadata.num_rows
        if not self.count:
            raise EmbedderError(f"{path} holds no vectors.")
        _, first = next(self.chunks(1))
        self.dimension = first.shape[1]

    def _column(self, path: Path, names: list[str], wanted: tuple[str, ...]) -> str:
        for name in wanted:
            if name in names:
                return name
        raise EmbedderError(f"{path} needs a column {' or '.join(wanted)}; it has {', '.join(names)}.")

    def chunks(self, size: int = CHUNK) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for batch in self.file.iter_batches(size, columns=[self.id_column, self.vector_column]):
            rows = batch.column(self.vector_column).to_pylist()
            lengths = {len(row) if row is not None else 0 for row in rows}
            if len(lengths) != 1 or 0 in lengths:
                raise EmbedderError(f"Vectors of different lengths ({sorted(lengths)}) stand in one file.")
            yield np.array(batch.column(self.id_column).to_pylist()), np.array(rows, np.float32)
