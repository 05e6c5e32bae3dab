"""A backup while Shoal serves: one snapshot of the database, and the files that it names, copied once each.

Files of the store are never changed once written, and their names are never given twice: a file that an earlier backup
copied is not copied again. While a backup runs nothing is swept from the store.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app import database
from app.database import Db
from app.database.launcher import major_of
from app.errors import NotFound, Refused
from app.keeping import manifest, tools
from app.keeping.backup_folder import BACKUP_FULL, UNFINISHED, alone_in, check_place, claim, place, prune, writable
from app.keeping.manifest import Entry, Manifest, Report
from app.keeping.transactions import horizons
from app.objects.store import SWEEP_LOCK, Store, StoreFull, open_store
from app.settings import Settings

COUNTED = ("account", "taxon", "project", "object", "image", "label", "act", "history", "prediction", "object_vector")
JOBS = min(4, os.cpu_count() or 1)


def back_up(
    settings: Settings, url: str, folder: Path, report: Report, *, with_files: bool = True, keep: int | None = None
) -> Path:
    """Make a backup in `folder` beside the earlier ones, of which the newest `keep` stay; returns where it is."""
    check_place(settings, folder, with_files=with_files)
    with writable(folder), alone_in(folder), database.connect(url, autocommit=True) as db:
        if waiting := database.pending(db):
            raise Refused(f"The database lacks {waiting[0].name}: run `shoal upgrade`, which backs it up as it is.")
        made = make(settings, url, db, folder, report, with_files=with_files)
        if keep is not None:
            prune(folder, keep)
    return made


def make(settings: Settings, url: str, db: Db, folder: Path, report: Report, *, with_files: bool) -> Path:
    """The backup itself, of a database of any age. Whoever holds the folder calls it."""
    claim(folder)
    for left in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)
    now = datetime.now(UTC)
    draft = folder / f"{UNFINISHED}{secrets.token_hex(4)}"
    draft.mkdir(mode=0o700)
    try:
        # Shared with imports: no sweep removes what the snapshot names before it is copied.
        db.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])
        told = _dump(url, db, draft, report)
        if with_files:
            told |= _copy_files(settings, folder, draft, told.pop("named"), report)
        told.pop("named", None)
        manifest.write(draft, Manifest(shoal=version("shoal"), made_at=now.isoformat(timespec="seconds"), **told))
        made = folder / _free_name(folder, now)
        draft.rename(made)
        manifest.sync_folder(folder)
        return made
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(Exception):
            db.execute("select pg_advisory_unlock_shared(%s)", [SWEEP_LOCK])


def _free_name(folder: Path, now: datetime) -> str:
    name = f"{now:%Y-%m-%dT%H-%M-%SZ}"  # as manifest.NAMED knows it again
    taken = len(list(folder.glob(f"{name}*")))
    return f"{name}.{taken}" if taken else name


def _dump(url: str, db: Db, draft: Path, report: Report) -> dict[str, Any]:
    """The database as of one moment, and what that moment names and holds."""
    with db.transaction():
        db.execute("set transaction isolation level repeatable read, read only")
        snapshot: Any = db.execute("select pg_export_snapshot() as id").fetchone()
        migrations = [row.name for row in db.execute("select name from migration order by name")]
        rows = _count(db)
        named = named_files(db)
        kept = horizons(db)
        report("database", 0, sum(rows.values()))
        folder = tools.find_tools(db.info.server_version // 10000)
        _run_dump(folder / "pg_dump", url, snapshot.id, draft / manifest.DATABASE)
        report("database", sum(rows.values()), sum(rows.values()))
    files = sorted((draft / manifest.DATABASE).iterdir())
    return {
        "postgres": db.info.server_version // 10000,
        "tools": major_of(folder / "pg_dump"),
        "migrations": migrations,
        "rows": rows,
        "horizons": kept,
        "database": {path.name: manifest.digest(path) for path in files},
        "named": named,
    }


def _count(db: Db) -> dict[str, int]:
    return {
        table: db.execute(f"select count(*) as n from {table}").fetchone().n  # noqa: S608 - constants
        for table in COUNTED
    }


def named_files(db: Db) -> list[str]:
    """Every file of the store that the database names, in the order of their names."""
    rows = db.execute(
        """
        select distinct split_part(ref, ':', 1) as path
        from content, unnest(array[blob, thumbnail]) as ref
        """
    )
    paths = {row.path for row in rows}
    # An older Shoal's database, on its way to this one's, has none.
    if db.execute("select to_regclass('classifier') as there").fetchone().there:
        paths |= {row.blob for row in db.execute("select blob from classifier where blob is not null")}
    return sorted(paths)


def _run_dump(program: Path, url: str, snapshot: str, target: Path) -> None:
    with tempfile.TemporaryFile() as said:
        process = tools.start(
            program, url, "--format=directory", f"--jobs={JOBS}", "--compress=gzip:1", f"--snapshot={snapshot}",
            "--no-owner", "--no-privileges", "--no-comments", "--no-unlogged-table-data", f"--file={target}",
            stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip
        try:
            ended = process.wait()
        finally:
            process.kill()
            process.wait()
        if ended:
            words = tools.last_words(said)
            if "No space left" in words or shutil.disk_usage(target.parent).free < 2**20:
                raise StoreFull(BACKUP_FULL.format(folder=target.parents[1]))
            raise Refused(f"pg_dump could not back the database up: {words}")


def _copy_files(settings: Settings, folder: Path, draft: Path, named: list[str], report: Report) -> dict[str, Any]:
    known = _known_digests(folder)
    own = [path for path in sorted((settings.home / "embedders").rglob("*")) if path.is_file()]
    missing: list[str] = []
    store = open_store(settings)
    # Trained embedders' files, which the database knows by other names.
    named = [*named, *store.files_in("embedders")]
    total = len(named) + len(own)

    def entries() -> Iterator[Entry]:
        yield from _copy_store(store, folder, named, known, missing)
        yield from _copy_own(settings.home, folder, own)

    copied = _counted(entries(), total, report)
    listed = manifest.write_files(draft, copied.run())
    return {"files": listed, "n_files": copied.n, "n_bytes": copied.n_bytes, "missing": missing}


class _counted:
    """Entries as they pass, counted and reported."""

    def __init__(self, entries: Iterable[Entry], total: int, report: Report) -> None:
        self.entries, self.total, self.report = entries, total, report
        self.n = self.n_bytes = 0

    def run(self) -> Iterator[Entry]:
        for entry in self.entries:
            self.n += 1
            self.n_bytes += entry.n_bytes
            self.report("files", self.n, self.total)
            yield entry


def _known_digests(folder: Path) -> dict[str, tuple[int, str]]:
    """Of the files that earlier backups copied, as far as those can be read."""
    known: dict[str, tuple[int, str]] = {}
    faults = manifest.faults(folder)
    for name in manifest.list_backups(folder):
        if name in faults:
            continue
        known.update({entry.path: entry[1:] for entry in manifest.read_files(folder / name)})
    return known


def _copy_store(
    store: Store, folder: Path, named: list[str], known: dict[str, tuple[int, str]], missing: list[str]
) -> Iterator[Entry]:
    target = Store(str(folder / "store"))
    for path in named:
        there, name = folder / "store" / path, f"store/{path}"
        if name in known and there.exists() and there.stat().st_size == known[name][0]:
            yield Entry(name, *known[name])
            continue
        try:
            data = store.read_file(path)
        except (NotFound, FileNotFoundError):
            missing.append(path)
            continue
        target.put(path, data)
        yield Entry(name, len(data), hashlib.sha256(data).hexdigest())


def _copy_own(home: Path, folder: Path, own: list[Path]) -> Iterator[Entry]:
    """Files of the home, which may change under the same name: kept by their content."""
    target = Store(str(folder / "files"))
    for path in own:
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if not (folder / "files" / place(sha256)).exists():
            target.put(place(sha256), data)
        yield Entry(f"home/{path.relative_to(home)}", len(data), sha256)
