"""A zip that is written as it comes: entries are streamed, and its list of entries lies on the disk, not in memory."""

import io
import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from app.database import Db

LEVEL = 1  # of deflate: tables shrink to a fifth, at twice the rate of the usual level
BLOCK_BYTES = 1 << 18


class _Spooled:
    """What zipfile keeps of entries that are written, as it asks for it: a million take 1 GB as a list."""

    def __init__(self, place: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=place)  # noqa: SIM115 - closed by `close`
        self._n = 0

    def append(self, info: zipfile.ZipInfo) -> None:
        pickle.dump(info, self._file, pickle.HIGHEST_PROTOCOL)
        self._n += 1

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        self._file.seek(0)
        for _ in range(self._n):
            yield pickle.load(self._file)  # noqa: S301 - a file without a name, written above

    def close(self) -> None:
        self._file.close()


class _Forgetful(dict[str, Any]):
    """Names are unique by construction: nothing has to be looked up."""

    def __setitem__(self, name: str, info: Any) -> None:
        return


class Bundle:
    """A zip being written at `path`."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", allowZip64=True)
        self._spooled = _Spooled(path.parent)
        self._zip.filelist = cast(list[zipfile.ZipInfo], self._spooled)
        self._zip.NameToInfo = _Forgetful()
        self._at = datetime.now().timetuple()[:6]

    def __enter__(self) -> "Bundle":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            # A zip that broke off is thrown away: to end it might fail as writing did.
            if error is None:
                self._zip.close()
        finally:
            self._abandon()

    def _abandon(self) -> None:
        file, self._zip.fp = self._zip.fp, None
        try:
            if file is not None:
                file.close()
        except OSError:
            # What could not be written was told already.
            pass
        finally:
            self._spooled.close()

    @contextmanager
    def entry(self, name: str) -> Iterator[IO[bytes]]:
        """A compressed file of any length, to be written before the next is begun."""
        with self._zip.open(self._info(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as stream:
            yield stream

    def text(self, name: str, text: str) -> None:
        with self.entry(name) as stream:
            stream.write(text.encode())

    def file(self, name: str, data: bytes) -> None:
        """A file as it is: images do not shrink any more."""
        self._zip.writestr(self._info(name, zipfile.ZIP_STORED), data)

    def shrink(self, name: str, path: Path) -> None:
        """A file of the disk, compressed."""
        with path.open("rb") as source, self.entry(name) as stream:
            shutil.copyfileobj(source, stream, BLOCK_BYTES)

    @contextmanager
    def as_is(self, name: str) -> Iterator["Appended"]:
        """A file of any length that is small already, to be written before the next is begun."""
        with self._zip.open(self._info(name, zipfile.ZIP_STORED), "w", force_zip64=True) as stream:
            yield Appended(stream)

    def _info(self, name: str, method: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._at)
        info.compress_type, info._compresslevel = method, LEVEL  # type: ignore[attr-defined] # public from Python 3.13 on
        info.external_attr = 0o644 << 16
        return info


class Appended(io.BufferedIOBase):
    """A stream that knows how much it was given, as writers of parquet ask; what it writes to is closed elsewhere."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._n = stream, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        n = self._stream.write(data)
        self._n += n
        return n

    def tell(self) -> int:
        return self._n


def copy_out(db: Db, query: str, values: dict[str, Any], stream: Any) -> int:
    """What a COPY gives, written into a stream in blocks, since it comes row by row; returns the rows."""
    cursor = db.cursor()
    with cursor.copy(query, values) as copy:
        parts: list[bytes] = []
        size = 0
        for part in copy:
            parts.append(bytes(part))
            size += len(parts[-1])
            if size >= BLOCK_BYTES:
                stream.write(b"".join(parts))
                parts, size = [], 0
        stream.write(b"".join(parts))
    return cursor.rowcount
