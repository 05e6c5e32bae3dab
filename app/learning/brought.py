"""A file that a learning set comes in: a parquet table, or a zip of images in folders, with such a table or without."""

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any, Self

import numpy as np

from app.errors import Refused
from app.exchange.chunks import IMAGE_ENDINGS
from app.learning.exporting import TABLE
from app.learning.tables import (
    MOST_OBJECTS,
    MOST_TABLE_BYTES,
    NEEDED,
    NUMBERS,
    TEXTS,
    VECTOR,
    Table,
    check_lengths,
)
from app.nouns import counted

MOST_IMAGE_BYTES = 500_000_000
# What a zip that is damaged, encrypted or packed in an unknown way makes the standard library say.
DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, OSError)


@dataclass
class Brought:
    """What a file says, by row. `names`: the taxon that each teaches; `vectors`, `loaders`: of those that have one."""

    names: list[str]
    object_ids: np.ndarray  # int64; 0: none
    project_ids: np.ndarray  # int32; 0: none
    orig_ids: list[str]
    groups: np.ndarray  # int64
    vectors: dict[int, np.ndarray] = field(default_factory=dict)
    embedder: dict[str, Any] | None = None  # whose vectors these are: name, digest
    loaders: dict[int, Callable[[], bytes]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)


class BroughtFile:
    """An opened file; Refused where it is neither a parquet table nor a zip."""

    def __init__(self, path: Path) -> None:
        self.bundle: zipfile.ZipFile | None = None
        self.table: Table | None = None
        self.unpacked: IO[bytes] | None = None
        if zipfile.is_zipfile(path):
            self.bundle = _opened(path)
            if TABLE in self.bundle.namelist():
                self.unpacked = _unpacked(self.bundle)
                self.table = Table(self.unpacked)
        else:
            self.table = Table(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        for file in (self.unpacked, self.bundle):
            if file:
                file.close()

    def names(self) -> list[str]:
        """The taxa that it teaches, at once."""
        if self.table is not None:
            return sorted({name for piece in _told(self.table.pieces("taxon")) for name in piece["taxon"]})
        return sorted({path.parent.name for path in self._images()})

    def read(self) -> Brought:
        brought = self._read_table(self.table) if self.table is not None else self._read_folders()
        if not len(brought):
            raise Refused(f"The file has no objects. {NEEDED}", status=422)
        return brought

    def _read_table(self, table: Table) -> Brought:
        n = len(table)
        brought = Brought(
            [""] * n, np.zeros(n, np.int64), np.zeros(n, np.int32), [""] * n, np.zeros(n, np.int64),
            embedder=table.embedder,
        )  # fmt: skip
        there = set(self.bundle.namelist()) if self.bundle else set()
        first = 0
        for piece in _told(table.pieces(*TEXTS, *NUMBERS, VECTOR)):
            n = len(piece["taxon"])
            rows = slice(first, first + n)
            brought.names[rows], brought.orig_ids[rows] = piece["taxon"], piece.get("orig_id", [""] * n)
            for name, column in zip(NUMBERS, (brought.object_ids, brought.project_ids, brought.groups), strict=True):
                column[rows] = piece.get(name, 0)
            for place, vector in zip(*piece.get(VECTOR, ((), ())), strict=True):
                brought.vectors[first + int(place)] = vector
            images = enumerate(piece.get("image", ()), first)
            brought.loaders |= {row: self._loader(name) for row, name in images if name in there}
            first += n
        check_lengths([len(vector) for vector in brought.vectors.values()] or [0])
        return brought

    def _read_folders(self) -> Brought:
        """Every image, named by the folder that it stands in; what stands in no folder has no name."""
        images = self._images()
        if len(images) > MOST_OBJECTS:
            raise Refused(f"The zip has {counted(len(images), 'image')}: {MOST_OBJECTS:,} at most make a learning set.")
        n = len(images)
        loaders = {row: self._loader(str(path)) for row, path in enumerate(images)}
        none = np.zeros(n, np.int64)
        names = [path.parent.name for path in images]
        return Brought(names, none, none.astype(np.int32), [""] * n, none, loaders=loaders)

    def _images(self) -> list[PurePosixPath]:
        names = self.bundle.namelist() if self.bundle else []
        paths = [PurePosixPath(name) for name in names if not name.endswith("/")]
        return sorted(path for path in paths if path.suffix.lower() in IMAGE_ENDINGS and path.parent.name)

    def _loader(self, name: str) -> Callable[[], bytes]:
        bundle = self.bundle

        def load() -> bytes:
            if bundle is None or bundle.getinfo(name).file_size > MOST_IMAGE_BYTES:
                return b""
            try:
                return bundle.read(name)
            except DAMAGED:
                return b""

        return load


def _told(pieces: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    try:
        yield from pieces
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused(f"The table has values that are none of its columns' ({error}). {NEEDED}", status=422) from error


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except DAMAGED as error:
        raise Refused(f"This zip cannot be read ({error}). {NEEDED}", status=422) from error


def _unpacked(bundle: zipfile.ZipFile) -> IO[bytes]:
    """The table of a zip, in a file that goes when it is closed."""
    if bundle.getinfo(TABLE).file_size > MOST_TABLE_BYTES:
        raise Refused(f"The table in the zip is larger than {MOST_TABLE_BYTES:,} bytes: bring it in parts.", status=422)
    unpacked = TemporaryFile()  # noqa: SIM115 - closed with the zip
    try:
        with bundle.open(TABLE) as packed:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    except DAMAGED as error:
        unpacked.close()
        raise Refused(f"The table in the zip cannot be read ({error}). {NEEDED}", status=422) from error
    unpacked.seek(0)
    return unpacked
