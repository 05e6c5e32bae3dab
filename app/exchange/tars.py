"""Reading of tar archives in place, with no more in memory than is asked for."""

import io
import tarfile
from typing import Any, BinaryIO, NamedTuple

# Names longer than the plain header holds stand in a header of their own; nothing sensible needs more for it.
LARGEST_TAR_HEADER = 1024 * 1024


class Slice(NamedTuple):
    """Where a tar's file stands: its bytes as they are."""

    archive: str
    offset: int
    n_bytes: int


class SliceReader(io.RawIOBase):
    """One file of a tar as a stream, of which no more is in memory than is asked for."""

    def __init__(self, place: Slice) -> None:
        self.file = open(place.archive, "rb")  # noqa: SIM115, PTH123 - closed with this reader
        self.file.seek(place.offset)
        self.left = place.n_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read(min(len(buffer), self.left))
        buffer[: len(data)] = data
        self.left -= len(data)
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


class ShortReads:
    """A file for tarfile, which would read a header of any announced length into memory."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def read(self, n: int = -1) -> bytes:
        if not 0 <= n <= LARGEST_TAR_HEADER:
            raise tarfile.ReadError(f"a header of {n:,} bytes")
        return self._read(n)
