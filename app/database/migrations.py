"""Applies migrations/NNNN_what_it_does.sql in order, each once and in a transaction of its own."""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import psycopg

from app.database.connections import Db, check_server, connect
from app.errors import Refused
from app.paths import MIGRATIONS

# Any number will do, as long as every Shoal takes the same.
LOCK = 7_465_001


def migrate(url: str, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database up to date; returns the names of what was applied. Two at once take turns."""
    with connect(url, autocommit=True) as db:
        check_server(db)
        db.execute("select pg_advisory_lock(%s)", [LOCK])
        _make_extension(db)
        db.execute(
            "create table if not exists migration ("
            "  name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        done = []
        for path in pending(db, folder):
            with db.transaction():
                db.execute(path.read_text().encode())
                db.execute("insert into migration (name, sha256) values (%s, %s)", [path.name, _digest(path)])
            done.append(path.name)
        return done


def pending(db: Db, folder: Path = MIGRATIONS) -> list[Path]:
    """The migrations that this database has not had. A file that changed after it was applied is refused."""
    applied = _applied(db)
    files = sorted(folder.glob("[0-9]*.sql"))
    _refuse_newer(applied.keys(), files)
    for path in files:
        if applied.get(path.name, _digest(path)) != _digest(path):
            raise Refused(f"Migration {path.name} was changed after this database had it: restore the file as it was.")
    return [path for path in files if path.name not in applied]


def _applied(db: Db) -> dict[str, str]:
    if not db.execute("select to_regclass('migration') as there").fetchone().there:
        return {}
    return {row.name: row.sha256 for row in db.execute("select name, sha256 from migration")}


def make_ready(url: str) -> str:
    """Make the tables of a new installation. An older one's are changed by nobody who did not ask for it: Refused."""
    with connect(url, autocommit=True) as db:
        check_server(db)
        waiting, new = pending(db), is_new(db)
    if new:
        migrate(url)
    elif waiting:
        raise Refused(
            f"The database is of an older Shoal and lacks {waiting[0].name}: stop all servers and workers and run "
            "`shoal upgrade`, which backs it up first."
        )
    return url


def is_new(db: Db) -> bool:
    """Whether it never had any of Shoal's tables."""
    return not _applied(db)


def check_known(db: Db, folder: Path = MIGRATIONS) -> None:
    """Refuse data of a newer Shoal; for what runs on while somebody upgrades."""
    _refuse_newer({row.name for row in db.execute("select name from migration")}, folder.glob("[0-9]*.sql"))


def _refuse_newer(applied: Collection[str], files: Iterable[Path]) -> None:
    unknown = sorted(set(applied) - {path.name for path in files})
    if unknown:
        raise Refused(f"The database has migration {unknown[0]}, unknown to this Shoal: install a newer one.")


def _make_extension(db: Db) -> None:
    """pgvector is no trusted extension: on most servers only a superuser may make it."""
    try:
        db.execute("create extension if not exists vector")
    except psycopg.errors.InsufficientPrivilege:
        raise Refused(
            f"The role {db.info.user} may not make the extension pgvector. Have a superuser of that server run once, "
            f"in the database {db.info.dbname}: create extension vector;"
        ) from None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
