"""The folder that backups lie in: what marks it as theirs, who may write in it, and what is removed from it."""

import errno
import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import Conflict, Refused
from app.keeping import manifest
from app.keeping.manifest import DamagedBackup, Entry, Manifest, Report
from app.objects.store import FULL, StoreFull
from app.settings import Settings

MARK, LOCK, UNFINISHED = "shoal-backup.json", ".lock", ".unfinished-"
SHOWN = 10
# What a folder that is empty may hold all the same: a disk's own, and what a backup begins with.
NOTHINGS = re.compile(rf"lost\+found|{re.escape(LOCK)}|{re.escape(UNFINISHED)}.*")
# Names that only Shoal gives; the writing of one may have been interrupted, and a damaged one put aside.
OURS = re.compile(
    r"(store/(packs|images|classifiers)|files)/[0-9a-f]{2}/\.?[0-9a-f]{32}([0-9a-f]{32})?(\.[0-9a-f]{8}|\.damaged)?"
)


def check_place(settings: Settings, folder: Path, *, with_files: bool) -> None:
    """A backup inside what it backs up goes when that goes, and among other people's files it may take theirs."""
    store = [Path(settings.store_url)] if "://" not in settings.store_url else []
    for inside in [settings.home, *store]:
        if with_files and folder.resolve().is_relative_to(inside.resolve()):
            raise Refused(f"{folder} lies in {inside}, which is backed up: choose another folder, on another disk.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"The folder {folder} cannot be made ({error.strerror}): choose another.") from error
    if not (folder / MARK).exists() and not manifest.list_backups(folder):
        strange = sorted(path.name for path in folder.iterdir() if not NOTHINGS.fullmatch(path.name))
        if strange:
            raise Refused(
                f"{folder} is no folder of backups, and holds other things ({strange[0]}): choose an empty one."
            )


def claim(folder: Path) -> None:
    """From here on the folder is known as one of backups."""
    if not (folder / MARK).exists():
        (folder / MARK).write_text('{"holds": "backups of Shoal"}\n')


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder; the lock goes with the process."""
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another backup or restore is at work in {folder}: wait for it.") from None
        yield


BACKUP_FULL = (
    "The disk of {folder} is full: this backup was given up, earlier ones are whole. Make room there, or back up to a"
    " larger disk; images that were copied are not copied again."
)


@contextmanager
def writable(folder: Path, told: str = BACKUP_FULL) -> Iterator[None]:
    """Says of a folder that is full, or closed, that it is so; `told` of a full one."""
    try:
        yield
    except StoreFull:
        raise StoreFull(told.format(folder=folder)) from None
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull(told.format(folder=folder)) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) and str(error.filename).startswith(str(folder)):
            raise Refused(f"{folder} may not be written to ({error.strerror}): choose another folder.") from error
        raise


def place(sha256: str) -> str:
    """Where a file of the home lies among a backup's files."""
    return f"{sha256[:2]}/{sha256}"


def file_of(folder: Path, entry: Entry) -> Path:
    """Where a backup's folder has a file."""
    return folder / (entry.path if entry.path.startswith("store/") else f"files/{place(entry.sha256)}")


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest whole backups, and those files of the rest that none of the kept holds.

    A damaged one stays until somebody removes it, and with it every file, since it may be of any of them.
    """
    faults = manifest.faults(folder)
    names = [name for name in manifest.list_backups(folder) if name not in faults]
    gone: set[Path] = set()
    for name in names[:-keep]:
        gone |= _files_of(folder, name)
        # No backup any more, however the removal of it goes: the next one clears away what is left.
        unfinished = (folder / name).rename(folder / f"{UNFINISHED}{name}")
        shutil.rmtree(unfinished)
    if faults:
        return
    wanted = {path for name in names[-keep:] for path in _files_of(folder, name)}
    for kind in ("store", "files"):
        for path in (folder / kind).rglob("*"):
            if path not in wanted and (path in gone or OURS.fullmatch(str(path.relative_to(folder)))):
                path.unlink()


def _files_of(folder: Path, name: str) -> set[Path]:
    return {file_of(folder, entry) for entry in manifest.read_files(folder / name)}


def check(folder: Path, name: str | None, report: Report) -> Manifest:
    """Read a backup through; where a file of it is not as it was written it is put aside, for the next to copy anew."""
    backup = manifest.newest(folder, name)
    made = manifest.read(backup)
    damaged = list(_damaged(folder, backup, made, report))
    if damaged:
        with writable(folder), alone_in(folder):
            for path in damaged:
                if path.exists() and not path.is_relative_to(backup):
                    path.rename(path.with_name(f"{path.name}.damaged"))
        raise DamagedBackup(
            f"{backup} is damaged. {len(damaged):,} of its files are gone, or not as they were written: "
            f"{', '.join(map(str, damaged[:SHOWN]))}{' ...' if len(damaged) > SHOWN else ''}. Run `shoal backup "
            f"{folder}`: it makes another, and copies these images anew, which mends all backups that share them."
        )
    return made


def _damaged(folder: Path, backup: Path, made: Manifest, report: Report) -> Iterator[Path]:
    for name, (n_bytes, sha256) in made.database.items():
        if not manifest.is_whole(backup / manifest.DATABASE / name, n_bytes, sha256):
            yield backup / manifest.DATABASE / name
    if made.files and not manifest.is_whole(backup / manifest.FILES, None, made.files):
        yield backup / manifest.FILES
        return
    for n, entry in enumerate(manifest.read_files(backup), 1):
        if not manifest.is_whole(file_of(folder, entry), entry.n_bytes, entry.sha256):
            yield file_of(folder, entry)
        report("files", n, made.n_files)
