"""Makes a project of an archive: files go into the store first, then all rows in one transaction under new numbers."""

import fcntl
import gzip
import hashlib
import json
import os
import secrets
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from psycopg import sql

from app.database import Db
from app.errors import Refused
from app.keeping.archive import CONTENT, END, FORMAT, KIND, MANIFEST
from app.keeping.archive_numbers import Numbers
from app.keeping.archive_people import find_embedders, find_people, find_taxa
from app.keeping.archive_rows import add_rows, make_maps, read_rows
from app.keeping.archive_tables import TABLES
from app.keeping.manifest import Report
from app.nouns import counted
from app.objects.store import SWEEP_LOCK, Store, open_store
from app.paths import MIGRATIONS
from app.settings import Settings
from indexer.classifier.model import BadModel, Model

DRAFT, JUST_MADE_S = "archive-", 10
FILES = ("packs", "images", "classifiers", "embedders")


@dataclass
class Read:
    """An archive as it was read: its tables in a folder, its files in the store."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)  # taxa, people, embedders
    packs: dict[int, str] = field(default_factory=dict)  # number in the archive: path in the store
    classifiers: dict[str, bytes] = field(default_factory=dict)
    put: list[str] = field(default_factory=list)  # what the store had not


def restore(settings: Settings, db: Db, source: Path, report: Report) -> int:
    """Make a project of an archive; its number. Refused, with nothing made, where it is newer, broken or no archive.

    The connection commits by itself. A killed restore leaves files that nothing names: a sweep takes them.
    """
    store = open_store(settings)
    # Shared with imports: no sweep takes what this brings before it is named.
    db.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])
    for left in left_folders(settings.home):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=DRAFT, dir=settings.home) as folder, _held(Path(folder)):
        read = Read(Path(folder))
        try:
            _read_archive(source, store, read, report)
            with db.transaction():
                return _write(db, store, read, report)
        except BaseException:
            for path in read.put:
                store.remove(path)
            raise
        finally:
            db.execute("select pg_advisory_unlock_shared(%s)", [SWEEP_LOCK])


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Locked while we live, so that others see whether it is still in use."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def left_folders(home: Path) -> list[Path]:
    """Of restores that were killed."""
    left = []
    for folder in home.glob(f"{DRAFT}????????"):
        # One that was made this moment may not be locked yet.
        if time.time() - folder.stat().st_mtime > JUST_MADE_S:
            with suppress(BlockingIOError), _held(folder):
                left.append(folder)
    return left


def _read_archive(source: Path, store: Store, read: Read, report: Report) -> None:
    size = source.stat().st_size
    sums: dict[str, str] = {}
    end: dict[str, str] | None = None
    try:
        with tarfile.open(source, "r:") as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is None or (not sums and member.name != MANIFEST):
                    raise Refused(f"{source} is no archive of a project of Shoal's.")
                if member.name == END:
                    end = json.load(file)
                else:
                    sums[member.name] = _take(member.name, file, store, read)
                report("bytes", member.offset_data + member.size, size)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise Refused(f"{source} cannot be read as an archive of a project of Shoal's: {error}.") from error
    if end is None:
        raise Refused(f"{source} breaks off: it was not written to its end, or not copied whole. Nothing was restored.")
    if end != sums:
        raise Refused(f"{source} is damaged: what is in it is not what was written. Nothing was restored.")


def _take(name: str, file: IO[bytes], store: Store, read: Read) -> str:
    """Put one member where it belongs; its sum. Names are never taken for paths of this machine."""
    kind, _, rest = name.partition("/")
    if kind == "tables" or name == CONTENT:
        known = {f"{table.name}.gz" for table in TABLES} | {CONTENT}
        place = rest or name
        if place not in known:
            raise ValueError(f"it has the unknown table {rest!r}")
        with (read.folder / place).open("wb") as out:
            shutil.copyfileobj(file, out)
        with (read.folder / place).open("rb") as written:
            return hashlib.file_digest(written, "sha256").hexdigest()
    data = file.read()
    if kind in FILES:
        _put(name, data, store, read)
    elif name == MANIFEST:
        read.manifest = _check_manifest(json.loads(data))
    elif name in ("taxa.json", "people.json", "embedders.json"):
        read.told[name.removesuffix(".json")] = json.loads(data)
    else:
        raise ValueError(f"it has the unknown member {name!r}")
    return hashlib.sha256(data).hexdigest()


def _put(name: str, data: bytes, store: Store, read: Read) -> None:
    kind, _, rest = name.partition("/")
    if kind == "packs":
        fresh = secrets.token_hex(16)
        read.packs[int(rest)] = path = f"packs/{fresh[:2]}/{fresh}"
    elif kind == "classifiers":
        # Written once their taxa are known by their numbers here.
        read.classifiers[name] = data
        return
    elif kind == "images":
        digest = hashlib.sha256(data).hexdigest()
        path = f"images/{digest[:2]}/{digest}"
    else:
        path = f"embedders/tuned-{_hexadecimal(rest)}.onnx"
    if path not in store.files_in(path.rpartition("/")[0]):
        read.put.append(path)
        store.put(path, data)


def _hexadecimal(name: str) -> str:
    digits = name.removeprefix("tuned-").removesuffix(".onnx")
    if not digits or set(digits) - set("0123456789abcdef"):
        raise ValueError(f"it has the unknown embedder {name!r}")
    return digits


def _check_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != KIND:
        raise ValueError("it is of another kind")
    newer = sorted(set(manifest["migrations"]) - {path.name for path in MIGRATIONS.glob("[0-9]*.sql")})
    if manifest["format"] > FORMAT or newer:
        raise Refused(
            f"This archive was made by a newer Shoal ({manifest['shoal']}"
            f"{', with migration ' + newer[0] if newer else ''}): install that one, then restore it."
        )
    return manifest


def _write(db: Db, store: Store, read: Read, report: Report) -> int:
    """All rows, under numbers of this Shoal; the new project's."""
    people, made = find_people(db, read.told["people"])
    numbers = Numbers(
        taxon=find_taxa(db, read.told["taxa"]),
        account=people,
        embedder=find_embedders(db, read.told["embedders"]),
        project=read.manifest["project"]["id"],
    )
    for table in TABLES:
        read_rows(db, table, read.manifest["columns"].get(table.name, []), read.folder / f"{table.name}.gz")
    db.execute("delete from archived_member where account_id = any(%s)",
               [[old for old, new in people.items() if new in made]])  # fmt: skip
    _write_classifiers(db, store, read, numbers)
    _write_contents(db, read)
    numbers.reserve(db)
    make_maps(db, numbers)
    for n, table in enumerate(TABLES):
        add_rows(db, table, numbers)
        report("tables", n + 1, len(TABLES))
    _point(db, numbers)
    return numbers.new_project


def _write_classifiers(db: Db, store: Store, read: Read, numbers: Numbers) -> None:
    """A classifier's file names taxa by number: it is written anew with those of this Shoal."""
    for path, data in read.classifiers.items():
        try:
            model = Model.from_bytes(data)
        except BadModel as error:
            raise Refused(f"The archive's {path} cannot be read: {error}.") from error
        taxa = np.array([numbers.taxon[int(taxon)] for taxon in model.taxa], model.taxa.dtype)
        written = data if (taxa == model.taxa).all() else replace(model, taxa=taxa).to_bytes()
        digest = hashlib.sha256(written).hexdigest()
        blob = f"classifiers/{digest[:2]}/{digest}"
        if blob not in store.files_in(f"classifiers/{digest[:2]}"):
            read.put.append(blob)
            store.put(blob, written)
        db.execute("update archived_classifier set blob = %s, digest = %s where blob = %s", [blob, digest, path])


def _write_contents(db: Db, read: Read) -> None:
    """What the store has already stays where it is: the same bytes, under the same hash."""
    db.execute(
        """
        create temp table archived_content (
            hash bytea, n_bytes bigint, format text, mode text, width_px int, height_px int, blob text, thumbnail text
        ) on commit drop
        """
    )
    with gzip.open(read.folder / CONTENT) as lines, db.cursor().copy("copy archived_content from stdin") as copy:
        while piece := lines.read(1024 * 1024):
            copy.write(piece)
    db.execute("create temp table archived_pack (number text primary key, path text not null) on commit drop")
    db.execute(
        "insert into archived_pack select * from unnest(%s::text[], %s::text[])",
        [[f"packs/{number}" for number in read.packs], list(read.packs.values())],
    )
    db.execute(
        """
        insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
        select hash, n_bytes, format, mode, width_px, height_px,
               coalesce(a.path || substr(blob, strpos(blob, ':')), blob),
               b.path || substr(thumbnail, strpos(thumbnail, ':'))
        from archived_content
        left join archived_pack as a on a.number = split_part(blob, ':', 1)
        join archived_pack as b on b.number = split_part(thumbnail, ':', 1)
        on conflict do nothing
        """
    )
    lost = db.execute(
        "select count(*) as n from archived_image where hash not in (select hash from content)"
    ).fetchone()
    if lost.n:
        raise Refused(
            f"The archive is not whole: {counted(lost.n, 'image is', 'images are')} not in it. Nothing was restored."
        )


def _point(db: Db, numbers: Numbers) -> None:
    """What a project points to, once that is there."""
    db.execute(
        sql.SQL(
            """
            update project
            set current_run_id = archived.current_run_id + {run},
                space_id = archived.space_id + {space},
                data_version = project.data_version + 1
            from archived_project as archived
            where project.id = {project}
            """
        ).format(
            run=sql.Literal(numbers.shift("run")),
            space=sql.Literal(numbers.shift("space")),
            project=sql.Literal(numbers.new_project),
        )
    )
