"""Brings a backup back into an empty home: files first, then the whole database in one transaction."""

import fcntl
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from app import database
from app.database import Db
from app.database.launcher import Cluster
from app.database.restoring import RESTORING, how_to_go_on, read_mark
from app.errors import Conflict, Refused
from app.exporting import files as exporting
from app.keeping import manifest, tools, transactions
from app.keeping.backup_folder import file_of
from app.keeping.manifest import DamagedBackup, Entry, Manifest, Report, check_file
from app.learning import exporting as learning
from app.objects.store import Store, open_store, sync_folder
from app.settings import Settings

SHOWN = 10
# Older servers do not know it, and the newer tools set it at the head of what they write.
UNKNOWN_SETTINGS = {b"transaction_timeout": 17}


def restore(
    settings: Settings, folder: Path, report: Report, name: str | None = None, *, with_files: bool = True
) -> Manifest:
    """Bring a backup of `folder` back, the newest if not named; Refused where there is something already.

    Interrupted, the same again goes on. Without files, only the database: the images are still there.
    """
    backup = manifest.newest(folder, name)
    try:
        return _restore(settings, folder, backup, report, with_files=with_files)
    except DamagedBackup as damage:
        raise DamagedBackup(f"{damage.sentence} {_others(folder, backup)}") from damage


def _others(folder: Path, damaged: Path) -> str:
    faults = manifest.faults(folder)
    names = [name for name in manifest.list_backups(folder) if name not in faults and name != damaged.name]
    if not names:
        return f"There is no other backup in {folder}."
    return f"Take another with --backup NAME; there are: {', '.join(names[-SHOWN:])}."


def _restore(settings: Settings, folder: Path, backup: Path, report: Report, *, with_files: bool) -> Manifest:
    made = manifest.read(backup)
    _check_dump(backup, made)
    tools.find_tools(made.tools)
    with _marked(settings, backup, with_files and bool(made.files)) as begun:
        url = settings.database_url or Cluster(settings.home).open()
        with database.connect(url, autocommit=True) as db:
            database.check_server(db)
            loaded = _is_loaded(db, settings, backup, made, begun)
            if not loaded:
                _write_mark(settings, backup, with_files)
            if with_files:
                _bring_files(settings, folder, backup, made, report)
            report("database", 0, sum(made.rows.values()))
            if not loaded:
                load(db, url, backup, made)
        database.migrate(url)
        settle(settings, url)
        report("database", sum(made.rows.values()), sum(made.rows.values()))
    return made


def _check_dump(backup: Path, made: Manifest) -> None:
    for name, (n_bytes, sha256) in made.database.items():
        check_file(backup / manifest.DATABASE / name, n_bytes, sha256)
    if made.files:
        check_file(backup / manifest.FILES, None, made.files)


@contextmanager
def _marked(settings: Settings, backup: Path, with_files: bool) -> Iterator[dict[str, Any] | None]:
    """While a restore is under way the home says of what; gives what was said of one that was interrupted."""
    settings.home.mkdir(mode=0o711, parents=True, exist_ok=True)
    mark = settings.home / RESTORING
    begun = read_mark(settings.home)
    if with_files and begun is None and open_store(settings).holds_images():
        raise Conflict(
            f"The store {settings.store_url} holds images already: restore into an empty SHOAL_HOME, or bring back the "
            "database alone with --database-only."
        )
    with mark.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another restore is at work in {settings.home}: wait for it.") from None
        yield begun
        mark.unlink()


def _write_mark(settings: Settings, backup: Path, with_files: bool) -> None:
    told = {"backup": str(backup.resolve()), "database_only": not with_files}
    (settings.home / RESTORING).write_text(json.dumps(told))


def _is_loaded(db: Db, settings: Settings, backup: Path, made: Manifest, begun: dict[str, Any] | None) -> bool:
    """Whether an interrupted restore of the same had come as far as its database, which comes whole or not at all.

    Conflict where there are tables of anything else.
    """
    row = db.execute(
        "select count(*) as n from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
    ).fetchone()
    if not row.n:
        return False
    if begun is None:
        (settings.home / RESTORING).unlink()
        where = "DATABASE_URL's database" if settings.database_url else f"The database in {settings.home / 'postgres'}"
        raise Conflict(
            f"{where} holds tables already, and nothing is written over: restore into an empty SHOAL_HOME and database."
        )
    if begun.get("backup") != str(backup.resolve()) or not _holds_rows(db, made):
        raise Conflict(
            f"A restore was begun here and interrupted, and the database holds tables already: `{how_to_go_on(begun)}` "
            "goes on if they are its own; else empty SHOAL_HOME and the database first."
        )
    return True


def _holds_rows(db: Db, made: Manifest) -> bool:
    there = {row.relname for row in db.execute("select relname from pg_class where relkind in ('r', 'p')")}
    return there.issuperset(made.rows) and all(
        db.execute(f"select count(*) as n from {table}").fetchone().n >= n  # noqa: S608 - names of tables that exist
        for table, n in made.rows.items()
    )


def _bring_files(settings: Settings, folder: Path, backup: Path, made: Manifest, report: Report) -> None:
    """Each file once, checked on its way; what an interrupted restore brought is not brought again."""
    store = open_store(settings)
    there = set(store.paths())
    for n, entry in enumerate(manifest.read_files(backup), 1):
        kind, _, path = entry.path.partition("/")
        if kind == "store" and path not in there:
            store.put(path, _read(folder, entry))
        elif kind == "home":
            _put_own(settings.home, path, _read(folder, entry))
        report("files", n, made.n_files)


def _read(folder: Path, entry: Entry) -> bytes:
    path = file_of(folder, entry)
    check_file(path, entry.n_bytes, entry.sha256)
    return path.read_bytes()


def _put_own(home: Path, path: str, data: bytes) -> None:
    target = (home / path).resolve()
    if not target.is_relative_to(home.resolve()):
        raise Refused(f"The backup names {path}, outside of the home: it is no backup of Shoal's.")
    Store(str(target.parent)).put(target.name, data)


def load(db: Db, url: str, backup: Path, made: Manifest) -> None:
    """The dump into an empty database, in one transaction; Refused, and the database as empty, where it fails."""
    folder = tools.find_tools(made.tools)
    numbers = transactions.fresh(db, len(made.horizons) + 1)
    version = db.info.server_version // 10000
    with tempfile.TemporaryDirectory(prefix="shoal-restore-") as drafts:
        scripts = Path(drafts)
        for section in ("pre-data", "post-data"):
            (scripts / section).write_bytes(_script(folder, backup, section, version))
        (scripts / "begin").write_text(transactions.begin_sql(made.horizons, numbers))
        (scripts / "end").write_text(transactions.end_sql(made.horizons, numbers) + _recount(made))
        _run(folder, url, backup, scripts, version)


def _script(folder: Path, backup: Path, section: str, version: int) -> bytes:
    done = subprocess.run(_pg_restore(folder, backup, section), capture_output=True)
    if done.returncode:
        raise Refused(f"The dump of {backup} cannot be read: {done.stderr.decode(errors='replace').strip()}")
    return b"".join(line for line in done.stdout.splitlines(keepends=True) if _is_known(line, version))


def _pg_restore(folder: Path, backup: Path, section: str) -> list[str]:
    given = ["--no-owner", "--no-privileges", "--no-comments", f"--section={section}", "--file=-"]
    return [str(folder / "pg_restore"), *given, str(backup / manifest.DATABASE)]


def _is_known(line: bytes, version: int) -> bool:
    return not any(line.startswith(b"SET " + name) and version < since for name, since in UNKNOWN_SETTINGS.items())


def _recount(made: Manifest) -> str:
    """The last word within the transaction: that all rows are there."""
    checks = "".join(
        f"if (select count(*) from public.{table}) <> {n:d} then raise 'not all rows of {table} came'; end if;\n"  # noqa: S608
        for table, n in made.rows.items()
    )
    return f"do $$ begin\n{checks}end $$;\n"


def _run(folder: Path, url: str, backup: Path, scripts: Path, version: int) -> None:
    with tempfile.TemporaryFile() as said:
        reader = subprocess.Popen(
            _pg_restore(folder, backup, "data"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        writer = tools.start(
            folder / "psql", url, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
            "--output=/dev/null", f"--file={scripts / 'pre-data'}", f"--file={scripts / 'begin'}", "--file=-",
            f"--file={scripts / 'end'}", f"--file={scripts / 'post-data'}",
            stdin=subprocess.PIPE, stderr=said,
        )  # fmt: skip
        try:
            whole = _pass_on(reader, writer, version)
            ended = writer.wait()
        finally:
            for process in (reader, writer):
                process.kill()
                process.wait()
        if ended or not whole:
            raise Refused(
                f"The database of {backup} could not be brought back, and nothing of it was kept: "
                f"{tools.last_words(said)}"
            )


def _pass_on(reader: "subprocess.Popen[bytes]", writer: "subprocess.Popen[bytes]", version: int) -> bool:
    """The rows from one tool to the other. Where they break off the transaction must not end well."""
    source: Any = reader.stdout
    target: Any = writer.stdin
    try:
        for line in source:
            if _is_known(line, version):
                target.write(line)
            if line.startswith(b"COPY "):
                shutil.copyfileobj(source, target, 1024 * 1024)
                break
        if reader.wait():
            target.write(b"\n\\.\ndo $$ begin raise 'the dump broke off'; end $$;\n")
    except BrokenPipeError:
        return False
    finally:
        source.close()
        with suppress(BrokenPipeError):
            target.close()
    return reader.wait() == 0


def settle(settings: Settings, url: str) -> None:
    """What belonged to the machine that was backed up, and what the planner has to know."""
    shutil.rmtree(settings.home / "index", ignore_errors=True)
    sync_folder(settings.home)
    with database.connect(url, autocommit=True) as db:
        db.execute("delete from procrastinate_workers")
        exporting.drop_lost(db, settings)
        learning.drop_lost(db, settings)
        db.execute("analyze")
