"""Checks one chunk of a source's rows: values, images, thumbnails, packs. Runs in worker processes."""

import hashlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from PIL import Image

from app import database
from app.exchange.plan import MEASURES, Item, TableColumns
from app.exchange.report import ImportOptions
from app.exchange.rows import Row, RowReader, copy_line
from app.exchange.sources import Unreadable, read_file
from app.objects.store import LARGEST_PACKED_BYTES, PackWriter, Store
from indexer import images

GROUP_BYTES = 16 * 1024 * 1024
GROUP_ROWS = 250
MOST_FAULTS = 1000
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".jpe", ".gif", ".tif", ".tiff", ".webp", ".bmp"}


@dataclass(frozen=True)
class Setup:
    """What every worker of an import knows."""

    import_id: int
    database_url: str
    store_url: str
    max_pixels: int
    options: ImportOptions
    columns: list[TableColumns]
    n_numbers: int
    n_texts: int


class Content(NamedTuple):
    """A new row of table content."""

    hash: bytes
    n_bytes: int
    format: str
    mode: str
    width_px: int
    height_px: int
    blob: str
    thumbnail: str


@dataclass
class Chunk:
    """What came of a chunk: ready for one transaction."""

    number: int
    first: int
    n_rows: int = 0
    n_staged: int = 0
    n_bytes: int = 0
    copy: bytes = b""
    contents: list[Content] = field(default_factory=list)
    packs: list[str] = field(default_factory=list)
    faults: list[tuple[int, int, str]] = field(default_factory=list)
    n_faults: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def fault(self, item: Item, message: str) -> None:
        self.n_faults += 1
        # A file's name may hold bytes that are no text; the database takes none.
        message = message.encode("utf-8", "replace").decode()
        if len(self.faults) < MOST_FAULTS:
            self.faults.append((item.file, item.line, message))


class ChunkReader:
    """Reads chunks; one in every worker process."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.store = Store(setup.store_url)
        # A dry run keeps nothing, so there is nothing to look up either.
        self.db = None if setup.options.dry_run else database.connect(setup.database_url, autocommit=True)

    def close(self) -> None:
        if self.db is not None:
            self.db.close()

    def read(self, number: int, first: int, items: list[Item]) -> Chunk:
        """Check all rows, store what is new, and say what to stage."""
        self.chunk = Chunk(number, first, n_rows=len(items))
        self.packs = PackWriter(self.store)
        self.seen: dict[bytes, dict[str, float] | None] = {}
        lines: list[str] = []
        parsed = self._parse(items)
        for group in self._with_bytes(parsed):
            lines += self._read_group(group)
        self.chunk.copy = "".join(lines).encode()
        self.chunk.n_staged = len(lines)
        if not self.setup.options.dry_run:
            self.chunk.packs = self.packs.finish()
        return self.chunk

    def _parse(self, items: list[Item]) -> Iterator[tuple[int, Item, Row, bool]]:
        """Every row with its number and whether its values are good."""
        readers: dict[int, RowReader] = {}
        for offset, item in enumerate(items):
            before = self.chunk.n_faults
            self.item = item
            row = self._read_row(readers, item) if self.setup.columns else self._from_path(item.cells[0])
            yield self.chunk.first + offset, item, row, self.chunk.n_faults == before

    def _read_row(self, readers: dict[int, RowReader], item: Item) -> Row:
        if any(cell.strip() for cell in item.cells[self.setup.columns[item.file].n_columns :]):
            self.chunk.left_out["cells"] += 1
        if item.file not in readers:
            columns = self.setup.columns[item.file]
            readers[item.file] = RowReader(
                columns, self.setup.n_numbers, self.setup.n_texts, lambda message: self.chunk.fault(self.item, message)
            )
        return readers[item.file].read(item)

    def _from_path(self, path: str) -> Row:
        """An object for an image of a folder; the folders' names are its sample and taxon where so asked."""
        *folders, _ = path.split("/")
        row = Row(object_orig_id=path, image_name=path)
        if self.setup.options.taxa_from_folders and folders:
            row.taxon_text = folders.pop().strip()
            row.status, row.taxon_key = "V", row.taxon_text.lower()
        if self.setup.options.samples_from_folders:
            row.sample_orig_id = "/".join(folders)
        return row

    def _with_bytes(self, parsed: Iterator[tuple[int, Item, Row, bool]]) -> Iterator[list[tuple[Any, ...]]]:
        """Rows with their images' bytes, in groups that stay small in memory."""
        group: list[tuple[Any, ...]] = []
        n_bytes = 0
        for number, item, row, is_good in parsed:
            data = self._bytes(item)
            if data is None:
                continue
            group.append((number, item, row, is_good, data, hashlib.sha256(data).digest()))
            n_bytes += len(data)
            if n_bytes > GROUP_BYTES or len(group) >= GROUP_ROWS:
                yield group
                group, n_bytes = [], 0
        if group:
            yield group

    def _bytes(self, item: Item) -> bytes | None:
        if item.found is None:
            return None
        try:
            if isinstance(item.found, Unreadable):
                raise item.found
            data = read_file(item.found)
        except Unreadable as error:
            self._bad_image(item, f"Image '{self._image_name(item)}' cannot be read: {error}.")
            return None
        self.chunk.n_bytes += len(data)
        return data

    def _image_name(self, item: Item) -> str:
        if not self.setup.columns:
            return item.cells[0]
        index = self.setup.columns[item.file].predefined["img_file_name"]
        return item.cells[index].strip()

    def _bad_image(self, item: Item, message: str) -> None:
        if self.setup.options.skip_bad_images:
            self.chunk.left_out["image"] += 1
        else:
            self.chunk.fault(item, message)

    def _read_group(self, group: list[tuple[Any, ...]]) -> list[str]:
        known = self._known({hash for *_, hash in group})
        lines = []
        for number, item, row, is_good, data, hash in group:
            if hash not in self.seen and not self._take_in(item, data, hash, hash in known):
                continue
            if is_good and row.object_orig_id:
                if not self.setup.columns:
                    row.numbers = list((self.seen[hash] or {}).values())
                lines.append(copy_line(self.setup.import_id, number, item, row, hash))
        return lines

    def _known(self, hashes: set[bytes]) -> set[bytes]:
        """Those of these contents that are in the store already: they are not decoded again."""
        if self.db is None:
            return set()
        rows = self.db.execute("select hash from content where hash = any(%s)", [list(hashes)])
        return {row.hash for row in rows}

    def _take_in(self, item: Item, data: bytes, hash: bytes, is_known: bool) -> bool:
        """Decode an image, measure it where it comes without values, and store it. False where it is none."""
        measured = not self.setup.columns
        if is_known and not measured:
            self.seen[hash] = None
            return True
        try:
            image = images.open_image(data, self.setup.max_pixels)
            self.seen[hash] = _measures(image) if measured else None
            if not is_known:
                self._store(image, data, hash)
        except images.BadImage as error:
            self._not_an_image(item, error)
            return False
        return True

    def _store(self, image: Image.Image, data: bytes, hash: bytes) -> None:
        thumbnail = images.thumbnail(image)
        if self.setup.options.dry_run:
            return
        blob = self.packs.add(data) if len(data) <= LARGEST_PACKED_BYTES else self.store.put_image(hash, data)
        width, height = image.size
        place = self.packs.add(thumbnail)
        self.chunk.contents.append(Content(hash, len(data), image.format or "", image.mode, width, height, blob, place))

    def _not_an_image(self, item: Item, error: Exception) -> None:
        name = self._image_name(item)
        if not self.setup.columns and PurePosixPath(name).suffix.lower() not in IMAGE_ENDINGS:
            self.chunk.left_out["file"] += 1
        else:
            self._bad_image(item, f"Image '{name}' cannot be read: {error}.")


def _measures(image: Image.Image) -> dict[str, float]:
    found = images.measure(image)
    return {name: found[name] for name in MEASURES}


_reader: ChunkReader | None = None


def start_worker(setup: Setup) -> None:
    """Prepare this process. It leaves Ctrl+C to its parent, and ends when the parent does, however that ends."""
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()
    _reader = ChunkReader(setup)


def read_chunk(number: int, first: int, items: list[Item]) -> Chunk:
    """What the parent asks of a worker."""
    if _reader is None:
        raise RuntimeError("this worker was not started by start_worker")
    return _reader.read(number, first, items)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
