"""What a backup says of itself: written last, so that a backup without it does not exist."""

import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

from app.errors import NotFound, Refused
from app.objects.store import sync_folder
from app.paths import MIGRATIONS

FORMAT = 1
MANIFEST, FILES, DATABASE = "manifest.json", "files.tsv.gz", "database"
BLOCK = 1024 * 1024
NAMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(\.\d+)?")
Report = Callable[[str, int, int], None]  # what is done, how much of it, of how much


class DamagedBackup(Refused):
    """A backup is not as it was written."""

    title = "The backup is damaged"


class Entry(NamedTuple):
    """A file that a backup holds: 'store/PATH' or 'home/PATH'."""

    path: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A backup: by which Shoal and PostgreSQL, and what must be found again in it."""

    shoal: str
    made_at: str
    postgres: int  # first number of the server's version
    tools: int  # of those that dumped it
    migrations: list[str]
    rows: dict[str, int]  # of the tables that people care for, to be found again
    horizons: list[str]  # numbers of transactions that something remembers
    database: dict[str, tuple[int, str]]  # files of the dump: bytes, sha256
    files: str = ""  # sha256 of the list of files; empty: images are not in it
    n_files: int = 0
    n_bytes: int = 0
    missing: list[str] = field(default_factory=list)  # what the database names and the store had lost
    format: int = FORMAT


def write(folder: Path, manifest: Manifest) -> None:
    with (folder / MANIFEST).open("w") as file:
        json.dump(asdict(manifest), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def read(folder: Path) -> Manifest:
    """Refused where it is newer than this Shoal, or damaged."""
    try:
        values = json.loads((folder / MANIFEST).read_text())
        made_by, kind = str(values.get("shoal")), int(values["format"])
        if kind > FORMAT:
            raise Refused(f"{folder} was made by a newer Shoal ({made_by}): restore it with that one.")
        manifest = Manifest(**{item.name: values[item.name] for item in fields(Manifest)})
    except FileNotFoundError:
        raise DamagedBackup(f"{folder} is no whole backup: {MANIFEST} is not there.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedBackup(f"{folder / MANIFEST} is damaged ({error}).") from error
    unknown = sorted(set(manifest.migrations) - {path.name for path in MIGRATIONS.glob("[0-9]*.sql")})
    if unknown:
        raise Refused(
            f"{folder} was made by a newer Shoal ({made_by}): this one does not know its migration {unknown[0]}. "
            "Restore it with that one."
        )
    return manifest


def list_backups(folder: Path) -> list[str]:
    """The names of all, oldest first, damaged ones too."""
    return sorted(path.name for path in folder.glob("[0-9]*") if NAMED.fullmatch(path.name))


def faults(folder: Path) -> dict[str, str]:
    """Those backups that cannot be read, and why."""
    found = {}
    for name in list_backups(folder):
        try:
            made = read(folder / name)
            if made.files:
                check_file(folder / name / FILES, None, made.files)
        except Refused as refusal:
            found[name] = refusal.sentence
    return found


def newest(folder: Path, name: str | None) -> Path:
    """The backup of that name, or the newest of all in this folder."""
    known = list_backups(folder)
    if not known or (name is not None and name not in known):
        there = ", ".join(known) or "none"
        raise NotFound(f"There is no such backup in {folder}. There are: {there}.")
    return folder / (name or known[-1])


def write_files(folder: Path, entries: Iterable[Entry]) -> str:
    """The list of files; returns its digest."""
    with gzip.open(folder / FILES, "wt", encoding="utf-8", compresslevel=3) as file:
        for entry in entries:
            file.write(f"{entry.path}\t{entry.n_bytes}\t{entry.sha256}\n")
    return digest(folder / FILES)[1]


def read_files(folder: Path) -> Iterator[Entry]:
    """The list of files; nothing where images are not in it."""
    if not (folder / FILES).exists():
        return
    try:
        with gzip.open(folder / FILES, "rt", encoding="utf-8") as file:
            for line in file:
                path, n_bytes, sha256 = line.rstrip("\n").split("\t")
                yield Entry(path, int(n_bytes), sha256)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise DamagedBackup(f"{folder / FILES} is damaged ({error}).") from error


def check_file(path: Path, n_bytes: int | None, sha256: str) -> None:
    if not is_whole(path, n_bytes, sha256):
        raise DamagedBackup(f"{path} is gone, or not as it was written.")


def is_whole(path: Path, n_bytes: int | None, sha256: str) -> bool:
    """Whether a file is there, can be read, and is as it was written."""
    try:
        size, found = digest(path)
    except OSError:
        return False
    return found == sha256 and n_bytes in (None, size)


def digest(path: Path) -> tuple[int, str]:
    """Size and sha256 of a file."""
    sha, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha.update(block)
            size += len(block)
    return size, sha.hexdigest()
