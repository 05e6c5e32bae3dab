"""Uploads: what a browser or a program sends, kept in a folder of the Shoal home until it is imported.

The length of the file is the offset: what is on the disk is what has arrived, whichever process wrote it and however
that ended.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.exchange.tables import TABLE_NAME
from app.settings import Settings
from app.templating import file_size

GB = 1_000_000_000
# The database and the image store write to the same disk as a rule: they are not brought to a standstill.
RESERVE_BYTES = GB // 2
ABANDONED_DAYS = 7
LONGEST_NAME_BYTES = 200
KINDS = {".zip": "zip", ".tar": "tar"}
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
COLUMNS = """
id, project_id, account_id, name, kind, path, size, fingerprint, options, job_id, import_id, created_at, completed_at,
removed_at
"""


@dataclass(frozen=True)
class Upload:
    """A source on its way into a project."""

    id: UUID
    project_id: int
    account_id: int | None
    name: str
    kind: str
    path: str | None
    size: int
    fingerprint: str
    options: dict[str, Any]
    job_id: int | None
    import_id: int | None
    created_at: datetime
    completed_at: datetime | None
    removed_at: datetime | None

    def source(self, settings: Settings) -> Path:
        """Where its bytes are."""
        return Path(self.path) if self.path else folder(settings) / str(self.id) / self.name

    def offset(self, settings: Settings) -> int:
        """How many bytes of it have arrived."""
        if self.completed_at is not None:
            return self.size
        try:
            return self.source(settings).stat().st_size
        except FileNotFoundError:
            return 0


def folder(settings: Settings) -> Path:
    return Path(settings.home) / "uploads"


def create_upload(
    db: Db,
    settings: Settings,
    project_id: int,
    account_id: int | None,
    name: str,
    size: int,
    fingerprint: str = "",
    options: dict[str, Any] | None = None,
) -> Upload:
    """Make room for a zip, a tar or a table of `size` bytes; Refused where it is too large or the disk too full."""
    name = file_name(name)
    kind = "table" if TABLE_NAME.fullmatch(name) else KINDS.get(Path(name).suffix.lower())
    if kind is None:
        raise Refused(
            f"{name} is neither a zip, a tar nor an EcoTaxa table (ecotaxa*.tsv). Pack images and tables into a zip"
            " or a tar, and send that.",
            status=415,
        )
    check_room(db, settings, name, size)
    upload = _insert(db, project_id, account_id, name, kind, None, size, fingerprint, options or {})
    place = upload.source(settings)
    place.parent.mkdir(parents=True, mode=0o700)
    place.touch(mode=0o600)
    return upload


def note_path(db: Db, project_id: int, account_id: int | None, path: Path) -> Upload:
    """A folder or archive of the server itself, which needs no sending."""
    upload = _insert(db, project_id, account_id, path.name, "path", str(path), 0, "", {})
    db.execute("update upload set completed_at = now() where id = %s", [upload.id])
    return upload


def _insert(db: Db, *values: Any) -> Upload:
    *others, options = values
    row = db.execute(
        f"""
        insert into upload (project_id, account_id, name, kind, path, size, fingerprint, options)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        returning {COLUMNS}
        """,  # noqa: S608 - a constant
        [*others, Jsonb(options)],
    ).fetchone()
    return Upload(*row)


def file_name(name: str) -> str:
    """The last part of a path, as a name that every file system takes."""
    name = "".join(sign if sign.isprintable() else "_" for sign in name.replace("\\", "/")).rpartition("/")[2].strip()
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - no Path: the name may be "..", which has another meaning
    while len(f"{stem}{suffix}".encode()) > LONGEST_NAME_BYTES and stem:
        stem = stem[:-1]
    if stem in ("", ".", ".."):
        raise Refused("The upload needs a name: send `filename` in Upload-Metadata.")
    return f"{stem}{suffix}"


def check_room(db: Db, settings: Settings, name: str, size: int) -> None:
    """Refuse what is empty, over the limit, or more than the disk can take beside what is still to come of others."""
    most = settings.upload_limit_gb * GB
    if size <= 0:
        raise Refused(f"{name} is empty: there is nothing to import.")
    if size > most:
        raise Refused(
            f"{name} has {file_size(size)}, and this server takes {settings.upload_limit_gb} GB at once. Send it in "
            "parts, or ask the administrator to raise SHOAL_UPLOAD_LIMIT_GB or to import it from the server itself.",
            status=413,
        )
    place = folder(settings)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(place).free - RESERVE_BYTES - _still_to_come(db, settings)
    if size > free:
        raise Refused(
            f"{name} has {file_size(size)}, and the server's disk has room for {file_size(max(free, 0))}. "
            "Whoever runs this server must make room first.",
            status=507,
        )


def _still_to_come(db: Db, settings: Settings) -> int:
    rows = db.execute(
        f"select {COLUMNS} from upload where completed_at is null and removed_at is null"  # noqa: S608 - a constant
    ).fetchall()
    return sum(upload.size - upload.offset(settings) for upload in (Upload(*row) for row in rows))


def find_upload(db: Db, settings: Settings, project_id: int, upload_id: UUID, *, lock: bool = False) -> Upload:
    """An upload of this project. One whose last byte arrived as the server died is complete all the same.

    Who is to begin something with it, or to take it away, locks it until the transaction ends.
    """
    row = db.execute(
        f"""
        select {COLUMNS}
        from upload
        where project_id = %s
          and id = %s
        {"for update" if lock else ""}
        """,  # noqa: S608 - constants
        [project_id, upload_id],
    ).fetchone()
    if row is None:
        raise NotFound("There is no such upload in this project: it was cancelled, or given up after a week.")
    upload = Upload(*row)
    if upload.completed_at is None and upload.offset(settings) >= upload.size:
        complete(db, upload.id)
        return find_upload(db, settings, project_id, upload_id, lock=lock)
    return upload


def list_uploads(db: Db, project_id: int) -> list[Upload]:
    """Those whose bytes are still here, the newest first."""
    rows = db.execute(
        f"""
        select {COLUMNS}
        from upload
        where project_id = %s
          and removed_at is null
        order by created_at desc
        limit 200
        """,  # noqa: S608 - a constant
        [project_id],
    )
    return [Upload(*row) for row in rows]


def complete(db: Db, upload_id: UUID) -> None:
    db.execute("update upload set completed_at = now(), touched_at = now() where id = %s", [upload_id])


def touch(db: Db, upload_id: UUID) -> None:
    """Somebody is at it: it is not given up yet."""
    db.execute("update upload set touched_at = now() where id = %s", [upload_id])


def note_import(db: Db, upload: Upload, import_id: int | None) -> None:
    """Which import it came to, which people know by the upload's name and not by its place on the server."""
    db.execute("update upload set import_id = %s, touched_at = now() where id = %s", [import_id, upload.id])
    if not upload.path:
        db.execute(
            "update import set source = %s where id = %s and position(%s in source) > 0",
            [upload.name, import_id, f"/{upload.id}/"],
        )


def remove(db: Db, settings: Settings, upload: Upload) -> None:
    """Take its bytes away. What came to an import stays known; what never did is forgotten."""
    if upload.import_id is None:
        db.execute("delete from upload where id = %s", [upload.id])
    else:
        db.execute("update upload set removed_at = now() where id = %s", [upload.id])
    if not upload.path:
        shutil.rmtree(folder(settings) / str(upload.id), ignore_errors=True)


def sweep(db: Db, settings: Settings) -> None:
    """Give up what nobody touched for a week and nothing works on, and folders that no upload names."""
    rows = db.execute(
        f"""
        select {COLUMNS}
        from upload
        where removed_at is null
          and touched_at < now() - make_interval(days => %s)
          and not exists (select from job where job.id = upload.job_id and job.status in ('queued', 'running'))
        """,  # noqa: S608 - a constant
        [ABANDONED_DAYS],
    ).fetchall()
    for row in rows:
        remove(db, settings, Upload(*row))
    kept = {str(row.id) for row in db.execute("select id from upload where removed_at is null")}
    with contextlib.suppress(FileNotFoundError):
        # An upload's folder is made before its row is committed: a young one may be of a request that still runs.
        old = [place for place in folder(settings).iterdir() if _hours_old(place) > 1]
        for place in old:
            if place.name not in kept:
                shutil.rmtree(place, ignore_errors=True)


def _hours_old(place: Path) -> float:
    return (datetime.now().timestamp() - place.stat().st_mtime) / 3600


class Appender:
    """The one writer of an upload's file: locked against any other, in whatever process, until it is closed."""

    def __init__(self, upload: Upload, place: Path, offset: int) -> None:
        self.upload, self.place, self.offset = upload, place, offset

    def __enter__(self) -> "Appender":
        try:
            self.file = os.open(self.place, os.O_WRONLY)
        except FileNotFoundError:
            raise NotFound("This upload is gone: it was cancelled. Send it anew.", status=410) from None
        try:
            self._lock()
        except BaseException:
            os.close(self.file)
            raise
        return self

    def _lock(self) -> None:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"{self.upload.name} is being sent at this moment, by another window or by a connection that broke a "
                "moment ago. Try again in half a minute.",
                status=423,
            ) from None
        there = os.fstat(self.file).st_size
        if there != self.offset:
            raise Conflict(
                f"{there} bytes of {self.upload.name} are here, and these begin at {self.offset}. Ask for the offset "
                "(HEAD) and go on from there.",
                upload_offset=there,
            )

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """What was written is on the disk when the answer says so."""
        try:
            os.fsync(self.file)
        finally:
            os.close(self.file)

    def write(self, data: bytes | bytearray) -> None:
        """Append. A full disk keeps what fitted, and is told; so is more than was announced."""
        over = self.offset + len(data) - self.upload.size
        rest = memoryview(data)[: max(0, len(data) - max(over, 0))]
        try:
            while rest:
                n = os.pwrite(self.file, rest, self.offset)
                self.offset, rest = self.offset + n, rest[n:]
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise Refused(
                f"The server's disk is full. {file_size(self.offset)} of {self.upload.name} have arrived and are kept: "
                "go on when whoever runs this server has made room.",
                status=507,
                upload_offset=self.offset,
            ) from None
        if over > 0:
            raise Refused(
                f"More was sent of {self.upload.name} than the {self.upload.size} bytes announced.", status=413
            )
