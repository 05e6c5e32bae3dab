"""The content store: files once under their hash, small ones and thumbnails in packs, on a folder or on S3.

A pack is written whole and never changed: a reader needs one positioned read, and a folder holds a file per few
thousand images instead of two per image.
"""

import errno
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from app.database import Db
from app.errors import NotFound, Refused, install
from app.settings import Settings

LARGEST_PACKED_BYTES = 256 * 1024
PACK_BYTES = 16 * 1024 * 1024
OPEN_FILES = 64
# Between two parts of a pack that are wanted, this much is read along rather than asked for anew.
WORTH_A_READ_BYTES = 16 * 1024
LONGEST_READ_BYTES = 1024 * 1024
DAY_S = 86400
# Imports hold it shared while they run, a sweep holds it alone: nothing is swept that an import is about to name.
SWEEP_LOCK = 7_460_001
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
REF = re.compile(r"(packs/[0-9a-f]{2}/[0-9a-f]+):(\d+):(\d+)|((?:images|classifiers)/[0-9a-f]{2}/[0-9a-f]{64})")


class StoreFull(Refused):
    """The store takes no more."""

    status = 507
    title = "The store is full"


class Store:
    """Bytes by reference: 'images/ab/HEX' (or classifiers/) for a file of its own, 'packs/ab/NAME:offset:length' for a
    part of a pack."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise Refused(f"The store {url} needs one more package: {install('s3')} ({error}).") from error
        except ValueError as error:
            raise Refused(f"SHOAL_STORE is {url!r}: say a folder, or s3://bucket/prefix ({error}).") from error
        self._local = isinstance(self._fs, LocalFileSystem)
        self._files: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, ref: str) -> bytes:
        """The bytes that a reference names. Raises NotFound where the store has lost them."""
        match = REF.fullmatch(ref)
        if match is None:
            raise NotFound(f"{ref!r} is no reference into the image store.")
        pack, offset, length, image = match.groups()
        try:
            if image:
                return self._read_whole(image)
            return self._read_part(pack, int(offset), int(length))
        except FileNotFoundError:
            raise NotFound(
                f"The image store at {self.url} has no {image or pack}: restore it from a backup, or import again."
            ) from None

    def read_many(self, refs: Sequence[str]) -> list[bytes]:
        """What `read` gives for each, in few reads: parts that lie near each other in a pack come in one."""
        found: dict[str, bytes] = {}
        parts: dict[str, list[tuple[int, int, str]]] = {}
        for ref in set(refs):
            match = REF.fullmatch(ref)
            if match is None or match[4]:
                found[ref] = self.read(ref)
            else:
                parts.setdefault(match[1], []).append((int(match[2]), int(match[3]), ref))
        for pack, wanted in parts.items():
            for run in _runs(sorted(wanted)):
                start = run[0][0]
                data = self.read(f"{pack}:{start}:{run[-1][0] + run[-1][1] - start}")
                for offset, length, ref in run:
                    found[ref] = data[offset - start : offset - start + length]
        return [found[ref] for ref in refs]

    def pack_writer(self) -> "PackWriter":
        """A new pack, in memory until it is finished."""
        return PackWriter(self)

    def put_image(self, hash: bytes, data: bytes) -> str:
        """Store a large file under its content hash and return its reference. Twice is once."""
        ref = f"images/{hash.hex()[:2]}/{hash.hex()}"
        if not self._fs.exists(f"{self._root}/{ref}"):
            self.put(ref, data)
        return ref

    def put(self, path: str, data: bytes) -> None:
        """Write one file whole: when this returns it is on the disk, and before that nobody sees it."""
        if self._local:
            self._put_local(Path(self._root) / path, data)
        else:
            self._fs.pipe_file(f"{self._root}/{path}", data)

    def read_file(self, path: str) -> bytes:
        """A whole file that `put` wrote. Raises FileNotFoundError where there is none."""
        return self._read_whole(path)

    def remove(self, path: str) -> None:
        """Delete one file; it may be gone already."""
        with self._lock:
            descriptor = self._files.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)
        try:
            self._fs.rm_file(f"{self._root}/{path}")
        except FileNotFoundError:
            return

    def check(self) -> None:
        """Write, read and remove a small file, or raise Refused with what is wrong."""
        path = f"check/{secrets.token_hex(8)}"
        try:
            self.put(path, b"shoal")
            if self._fs.cat_file(f"{self._root}/{path}") != b"shoal":
                raise Refused(f"The image store at {self.url} gives back other bytes than were written.")
            self.remove(path)
        except Refused:
            raise
        except Exception as error:  # every fsspec backend raises its own
            raise Refused(f"The image store at {self.url} cannot be used: {error}") from error

    def holds_images(self) -> bool:
        """Whether any file of an image lies here, known to a database or not."""
        folders = (folder for folder in self._folders() if not folder.startswith(("check/", "classifiers/")))
        return any(self._fs.ls(f"{self._root}/{folder}", detail=False) for folder in folders)

    def paths(self) -> Iterator[str]:
        """Every file that lies here whole, known to a database or not."""
        for folder in [*self._folders(), "embedders"]:
            yield from self.files_in(folder)

    def files_in(self, folder: str) -> list[str]:
        """The files that lie in one folder; none where it does not exist."""
        if not self._fs.isdir(f"{self._root}/{folder}"):
            return []
        entries = self._fs.ls(f"{self._root}/{folder}", detail=True, refresh=True)
        names = (Path(entry["name"]).name for entry in entries if entry["type"] == "file")
        return [f"{folder}/{name}" for name in names if not name.startswith(".")]

    def listing(self, *folders: str) -> Iterator[tuple[str, int, float]]:
        """Every file whose use the database knows, unfinished ones too: path, bytes, when it was written."""
        for folder in folders or self._folders():
            for entry in self._fs.ls(f"{self._root}/{folder}", detail=True, refresh=True):
                yield f"{folder}/{Path(entry['name']).name}", int(entry["size"] or 0), _modified(entry)

    def packs(self) -> dict[str, int]:
        """Every pack and its bytes."""
        folders = [folder for folder in self._folders() if folder.startswith("packs/")]
        return {path: n for path, n, _ in self.listing(*folders)} if folders else {}

    def holds(self, path: str) -> bool:
        return bool(self._fs.exists(f"{self._root}/{path}"))

    def sweep(self, db: Db, older_than_s: float = DAY_S) -> int:
        """Remove files that no content names and that are older than `older_than_s`; returns how many.

        Does nothing while an import runs, since its newest files are not named yet.
        """
        if not db.execute("select pg_try_advisory_lock(%s) as alone", [SWEEP_LOCK]).fetchone().alone:
            return 0
        try:
            packs = _named_packs(db)
            return sum(self._sweep_folder(db, folder, packs, older_than_s) for folder in self._folders())
        finally:
            db.execute("select pg_advisory_unlock(%s)", [SWEEP_LOCK])

    def _folders(self) -> list[str]:
        found = []
        for kind in ("packs", "images", "classifiers", "check"):
            if self._fs.isdir(f"{self._root}/{kind}"):
                listed = self._fs.ls(f"{self._root}/{kind}", detail=True, refresh=True)
                found += [f"{kind}/{Path(entry['name']).name}" for entry in listed if entry["type"] == "directory"]
        return found

    def _sweep_folder(self, db: Db, folder: str, packs: set[str], older_than_s: float) -> int:
        old = self._old_files(folder, older_than_s)
        named = {"images": _named_images, "classifiers": _named_classifiers}.get(folder.partition("/")[0])
        unnamed = set(old) - (named(db, old) if named else packs)
        for path in unnamed:
            self.remove(path)
        return len(unnamed)

    def _old_files(self, folder: str, older_than_s: float) -> list[str]:
        before = time.time() - older_than_s
        entries = self._fs.ls(f"{self._root}/{folder}", detail=True, refresh=True)
        return [f"{folder}/{Path(entry['name']).name}" for entry in entries if _modified(entry) <= before]

    def _read_whole(self, path: str) -> bytes:
        if self._local:
            return (Path(self._root) / path).read_bytes()
        return self._fs.cat_file(f"{self._root}/{path}")

    def _read_part(self, path: str, offset: int, length: int) -> bytes:
        if not self._local:
            return self._fs.cat_file(f"{self._root}/{path}", start=offset, end=offset + length)
        # The lock keeps the descriptor from being closed by another thread between look-up and read.
        with self._lock:
            return os.pread(self._descriptor(path), length, offset)

    def _descriptor(self, path: str) -> int:
        """An open file for a pack; the one not used for longest is closed when there are too many."""
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        descriptor = os.open(f"{self._root}/{path}", os.O_RDONLY)
        self._files[path] = descriptor
        if len(self._files) > OPEN_FILES:
            os.close(self._files.popitem(last=False)[1])
        return descriptor

    def _put_local(self, target: Path, data: bytes) -> None:
        unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            if not target.parent.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(target.parent.parent)
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            if error.errno in FULL:
                raise StoreFull(
                    f"The disk of the image store ({self.url}) is full: make room there, or point SHOAL_STORE to"
                    " another disk, and start again. What was stored before is kept."
                ) from error
            raise

    def __del__(self) -> None:
        # Where the address was refused, nothing was opened yet.
        for descriptor in getattr(self, "_files", {}).values():
            os.close(descriptor)


def _runs(parts: list[tuple[int, int, str]]) -> Iterator[list[tuple[int, int, str]]]:
    """Parts of a pack, in order, that are worth reading at once."""
    run = parts[:1]
    for part in parts[1:]:
        end = run[-1][0] + run[-1][1]
        if part[0] - end > WORTH_A_READ_BYTES or part[0] + part[1] - run[0][0] > LONGEST_READ_BYTES:
            yield run
            run = []
        run.append(part)
    yield run


class PackWriter:
    """Collects small files; the references are good once `finish` has returned."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.packs: list[str] = []
        self._start()

    def add(self, data: bytes) -> str:
        """Append bytes and return the reference that they will have. A full pack is put into the store at once."""
        if self._size and self._size + len(data) > PACK_BYTES:
            self._put()
        ref = f"{self._path}:{self._size}:{len(data)}"
        self._parts.append(data)
        self._size += len(data)
        return ref

    def finish(self) -> list[str]:
        """Put what is left into the store; returns the paths of all packs written."""
        if self._size:
            self._put()
        return self.packs

    def _put(self) -> None:
        self.store.put(self._path, b"".join(self._parts))
        self.packs.append(self._path)
        self._start()

    def _start(self) -> None:
        name = secrets.token_hex(16)
        self._path = f"packs/{name[:2]}/{name}"
        self._parts: list[bytes] = []
        self._size = 0


def open_store(settings: Settings) -> Store:
    """The store that the settings name."""
    return Store(settings.store_url)


def _named_packs(db: Db) -> set[str]:
    """All packs that some content or its thumbnail stands in."""
    rows = db.execute(
        """
        select distinct split_part(ref, ':', 1) as path
        from content, unnest(array[blob, thumbnail]) as ref
        where ref like 'packs/%'
        """
    )
    return {row.path for row in rows}


def _named_images(db: Db, paths: list[str]) -> set[str]:
    """Those of these files that some content stands in; looked up by the hash that is their name."""
    hashes = [bytes.fromhex(path[10:]) for path in paths if re.fullmatch(r"images/../[0-9a-f]{64}", path)]
    rows = db.execute("select blob from content where hash = any(%s)", [hashes])
    return {row.blob for row in rows}


def _named_classifiers(db: Db, paths: list[str]) -> set[str]:
    """Those of these files that some classifier's arrays are."""
    return {row.blob for row in db.execute("select blob from classifier where blob = any(%s)", [paths])}


def _modified(entry: dict[str, Any]) -> float:
    """When a listed file was last written, in seconds; S3 and local folders call it differently."""
    at = entry.get("mtime") or entry.get("LastModified")
    return at.timestamp() if hasattr(at, "timestamp") else float(at or 0)


def sync_folder(folder: Path) -> None:
    """A new name in a folder outlives a power cut only once the folder itself is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
