"""What an import reads: folders, zips and tars, whose files never lead outside and never unpack without bound."""

import hashlib
import io
import os
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from app.errors import Refused
from app.exchange.tars import ShortReads, Slice, SliceReader
from app.nouns import counted

# Deflate reaches 1,032; tables of equal rows reach 200, images hardly 2. Small archives may be as dense as they like.
LARGEST_RATIO = 200
FREE_BYTES = 256 * 1024 * 1024
LARGEST_FILE_BYTES = 1024 * 1024 * 1024
MOST_FILES = 20_000_000
ENCRYPTED, UTF8_NAME = 0x1, 0x800
LOCAL_HEAD_BYTES = 30


class Unreadable(ValueError):
    """A file of the source that cannot be read; its text says why."""


class Entry(NamedTuple):
    """One file of a source, by its path inside it."""

    path: str
    n_bytes: int
    stamp: str


class Member(NamedTuple):
    """Where a zip's file stands, so that another process reads it without the archive's directory."""

    archive: str
    offset: int
    n_packed: int
    n_bytes: int
    method: int
    crc: int
    flags: int


Locator = str | Member | Slice


@dataclass
class FolderSource:
    """A folder; links inside it are followed as long as they stay inside."""

    root: Path
    name: str = ""
    flat: bool = False  # only the files in the folder itself

    def __post_init__(self) -> None:
        self.root = Path(os.path.realpath(self.root))
        self._folders: dict[str, str] = {}

    def entries(self, ordered: bool = True) -> Iterator[Entry]:
        """Every file; in order, folder by folder and by name, so that it is the same next time."""
        yield from self._walk("", ordered)

    def open(self, path: str) -> BinaryIO:
        return Path(self.locate(path)).open("rb")

    def locate(self, path: str) -> str:
        """The real place of a file, or Unreadable where it is missing or outside."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            if len(self._folders) > 100_000:
                self._folders.clear()
            self._folders[folder] = self._real(folder, path)
        place = f"{self._folders[folder]}/{name}"
        return self._real(path, path) if os.path.islink(place) else place  # noqa: PTH114 - a call for every image

    def _real(self, inner: str, path: str) -> str:
        place = os.path.realpath(f"{self.root}/{inner}")
        if place != str(self.root) and not place.startswith(f"{self.root}/"):
            raise Unreadable(f"'{path}' is a link that leads outside the bundle: put the file itself inside")
        return place

    def _walk(self, folder: str, ordered: bool) -> Iterator[Entry]:
        place = self.locate(folder) if folder else str(self.root)
        try:
            with os.scandir(place) as listed:
                for item in sorted(listed, key=lambda item: item.name) if ordered else listed:
                    path = f"{folder}/{item.name}" if folder else item.name
                    if item.is_dir(follow_symlinks=False):
                        yield from () if self.flat else self._walk(path, ordered)
                    elif item.is_file():
                        status = item.stat()
                        yield Entry(path, status.st_size, str(status.st_mtime_ns))
        except PermissionError as error:
            raise Refused(f"{place} may not be read: give this user the right to, and import again.") from error


class ZipSource:
    """A zip archive, checked against bombs when it is opened; its files are read in place."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path, self.name = path, name
        try:
            with zipfile.ZipFile(path) as archive:
                listed = archive.infolist()
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
            if not name and path.suffix.lower() != ".zip" and not _begins_as_zip(path):
                raise Refused(
                    f"{path.name} is neither a folder nor a zip archive. Give the folder that it stands in, or a zip."
                ) from error
            raise Refused(
                f"{name or path.name} cannot be read as a zip archive ({error}): it is damaged or was cut short."
                " Copy or make it again."
            ) from error
        self._refuse_bombs(listed)
        self._members = {_inner_name(info): self._member(info) for info in listed if not info.is_dir()}

    def entries(self, ordered: bool = True) -> Iterator[Entry]:
        for path in sorted(self._members) if ordered else self._members:
            member = self._members[path]
            yield Entry(path, member.n_bytes, f"{member.crc:08x}")

    def open(self, path: str) -> BinaryIO:
        return _open_member(self.locate(path))

    def locate(self, path: str) -> Member:
        member = self._members.get(path)
        for form in ("NFC", "NFD"):
            member = member or self._members.get(unicodedata.normalize(form, path))
        if member is None:
            raise Unreadable(f"there is no file '{path}' in the archive")
        return member

    def _member(self, info: zipfile.ZipInfo) -> Member:
        return Member(
            str(self.path),
            info.header_offset,
            info.compress_size,
            info.file_size,
            info.compress_type,
            info.CRC,
            info.flag_bits,
        )

    def _refuse_bombs(self, listed: list[zipfile.ZipInfo]) -> None:
        packed = sum(info.compress_size for info in listed)
        unpacked = sum(info.file_size for info in listed)
        size = self.path.stat().st_size
        name = self.name or self.path.name
        if len(listed) > MOST_FILES:
            raise Refused(f"{name} holds {counted(len(listed), 'file')}, more than {MOST_FILES:,}: split it.")
        if packed > size:
            raise Refused(f"{name} claims {packed:,} packed bytes in {size:,}: its files overlap, as in a zip bomb.")
        if unpacked > max(FREE_BYTES, LARGEST_RATIO * size):
            raise Refused(
                f"{name} would unpack from {size:,} to {unpacked:,} bytes, as a zip bomb does."
                " If that is right, unpack it yourself and import the folder."
            )
        escaping = next((info.filename for info in listed if _escapes(_inner_name(info))), None)
        if escaping is not None:
            raise Refused(f"{name} holds the path '{escaping}', which leaves the archive: make it again without.")


class TarSource:
    """A tar archive that is not compressed. Its files are read in place: none is unpacked, so none can land elsewhere.

    Links and devices are passed over, as no image is one.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, ""
        self._slices: dict[str, Slice] = {}
        self._stamps: dict[str, str] = {}
        try:
            with path.open("rb") as file, tarfile.open(fileobj=ShortReads(file), mode="r:") as archive:
                for info in archive:
                    self._take(info)
                    # The archive keeps every entry it has seen, which nobody needs.
                    archive.members.clear()
        except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
            raise Refused(
                f"{path.name} cannot be read as a tar archive ({error}): it is damaged, cut short or compressed."
                " Make it again, without compression, or make a zip."
            ) from error

    def entries(self, ordered: bool = True) -> Iterator[Entry]:
        for path in sorted(self._slices) if ordered else self._slices:
            yield Entry(path, self._slices[path].n_bytes, self._stamps[path])

    def open(self, path: str) -> BinaryIO:
        return io.BufferedReader(SliceReader(self.locate(path)))

    def locate(self, path: str) -> Slice:
        found = self._slices.get(path)
        for form in ("NFC", "NFD"):
            found = found or self._slices.get(unicodedata.normalize(form, path))
        if found is None:
            raise Unreadable(f"there is no file '{path}' in the archive")
        return found

    def _take(self, info: tarfile.TarInfo) -> None:
        if not info.isreg():
            return
        name = os.path.normpath(info.name)
        if _escapes(name) or info.name.startswith("/"):
            raise Refused(f"{self.path.name} holds the path '{info.name}', which leaves it: make it again without.")
        if info.sparse is not None:
            raise Refused(f"{self.path.name} holds '{info.name}' with holes, as in a bomb: make it again without.")
        if len(self._slices) >= MOST_FILES:
            raise Refused(f"{self.path.name} holds more than {MOST_FILES:,} files: split it.")
        self._slices[name] = Slice(str(self.path), info.offset_data, info.size)
        self._stamps[name] = str(info.mtime)


@dataclass
class SomeFiles:
    """A source without some of its files."""

    whole: FolderSource | ZipSource | TarSource
    leaves_out: Callable[[Entry], bool]
    name: str = ""

    def entries(self, ordered: bool = True) -> Iterator[Entry]:
        return (entry for entry in self.whole.entries(ordered) if not self.leaves_out(entry))

    def open(self, path: str) -> BinaryIO:
        return self.whole.open(path)

    def locate(self, path: str) -> Locator:
        return self.whole.locate(path)


Source = FolderSource | ZipSource | TarSource | SomeFiles


def inside(folder: str, path: str) -> str:
    """A path of a file in `folder` of a bundle, from the bundle's root. Raises Unreadable where it leads out."""
    whole = os.path.normpath(f"{folder}/{path}" if folder else path)
    if path.startswith("/") or _escapes(whole) or "\0" in path:
        raise Unreadable(f"the path '{path}' leaves the bundle: put the file inside and name it from there")
    return whole


def read_file(locator: Locator) -> bytes:
    """All bytes of one file of a source, wherever it stands. Raises Unreadable with the reason."""
    if isinstance(locator, Member):
        return _read_member(locator)
    if isinstance(locator, Slice):
        return _read_slice(locator)
    try:
        descriptor = _open_existing(locator)
    except FileNotFoundError:
        raise Unreadable("there is no such file") from None
    except OSError as error:
        raise Unreadable(f"it cannot be opened ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("it is no file")
        _check_size(status.st_size)
        return file.read(LARGEST_FILE_BYTES)


def _open_existing(path: str) -> int:
    """Never waits (a named pipe would) and never follows a link: those were resolved before."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        for form in ("NFC", "NFD"):
            other = unicodedata.normalize(form, path)
            if other != path and os.path.exists(other):  # noqa: PTH110
                return os.open(other, flags)
        raise


def _read_member(member: Member) -> bytes:
    _check_size(member.n_bytes)
    try:
        with _open_member(member) as file:
            return file.read(member.n_bytes + 1)
    except Unreadable:
        raise
    except Exception as error:  # zlib.error, lzma.LZMAError, BadZipFile, EOFError, ...
        raise Unreadable(f"it is damaged in the archive ({error})") from None


def _read_slice(place: Slice) -> bytes:
    _check_size(place.n_bytes)
    with open(place.archive, "rb") as file:  # noqa: PTH123 - a call for every image
        file.seek(place.offset)
        data = file.read(place.n_bytes)
    if len(data) < place.n_bytes:
        raise Unreadable("the archive ends before it does")
    return data


def _open_member(member: Member) -> BinaryIO:
    """A reader over one file of an archive; the standard library's, which checks the sum at the end."""
    if member.flags & ENCRYPTED:
        raise Unreadable("it is encrypted: make the archive again without a password")
    file = open(member.archive, "rb")  # noqa: SIM115, PTH123 - closed with the member
    file.seek(member.offset)
    head = file.read(LOCAL_HEAD_BYTES)
    if len(head) < LOCAL_HEAD_BYTES or head[:4] != b"PK\3\4":
        file.close()
        raise Unreadable("its place in the archive is damaged")
    file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), os.SEEK_CUR)
    info = zipfile.ZipInfo()
    info.compress_type, info.compress_size, info.file_size = member.method, member.n_packed, member.n_bytes
    info.CRC, info.flag_bits = member.crc, member.flags
    try:
        return io.BufferedReader(zipfile.ZipExtFile(file, "r", info, close_fileobj=True))
    except NotImplementedError as error:
        file.close()
        raise Unreadable(f"it is packed in a way that cannot be read ({error})") from None


def _check_size(n_bytes: int) -> None:
    if n_bytes > LARGEST_FILE_BYTES:
        raise Unreadable(f"it has {n_bytes:,} bytes, more than {LARGEST_FILE_BYTES:,}")


def _begins_as_zip(path: Path) -> bool:
    """A zip that was cut short begins as one all the same."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False


def _inner_name(info: zipfile.ZipInfo) -> str:
    """Archives made on Linux hold UTF-8 names without saying so, which the standard library reads as CP437."""
    name = info.filename
    if not info.flag_bits & UTF8_NAME:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    return os.path.normpath(name)


def _escapes(name: str) -> bool:
    return name.startswith(("/", "../")) or name == ".."


def fingerprint(parts: list[Source], digests: list[str]) -> str:
    """One sum over all files' paths, sizes and stamps, in any order and in constant memory, and the tables' bytes."""
    total = 0
    for part in parts:
        for entry in part.entries(ordered=False):
            text = f"{part.name}\0{entry.path}\0{entry.n_bytes}\0{entry.stamp}"
            total += int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest())
    text = f"{total % (1 << 128):032x}" + "".join(digests)
    return hashlib.sha256(text.encode()).hexdigest()
