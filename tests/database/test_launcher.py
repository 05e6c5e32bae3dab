"""Shoal's own PostgreSQL starts, is shared, and comes back after any kill."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.database.launcher import Cluster
from app.errors import Damaged, Refused


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="shoal-test-") as folder:
        Path(folder).chmod(0o711)
        cluster = Cluster(Path(folder) / "home")
        yield cluster
        cluster.close()


def count(url: str) -> int:
    with psycopg.connect(url) as db:
        return db.execute("select count(*) from kept").fetchone()[0]


def write_one(url: str) -> None:
    with psycopg.connect(url) as db:
        db.execute("create table if not exists kept (n int)")
        db.execute("insert into kept values (1)")


def test_it_starts_and_the_last_one_to_leave_stops_it(cluster: Cluster) -> None:
    write_one(cluster.open())
    assert cluster.running_pid()
    cluster.close()
    assert cluster.running_pid() is None
    assert count(cluster.open()) == 1


def test_two_commands_at_once_share_it(cluster: Cluster) -> None:
    write_one(cluster.open())
    code = (
        "import sys, psycopg; from pathlib import Path; from app.database.launcher import Cluster\n"
        "with psycopg.connect(Cluster(Path(sys.argv[1])).open()) as db: db.execute('insert into kept values (2)')"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(cluster.home)]) for _ in range(3)]
    assert [other.wait(60) for other in others] == [0, 0, 0]
    assert cluster.running_pid(), "the others left, but this one still uses it"
    assert count(cluster.url) == 4


def test_it_comes_back_after_the_server_and_all_its_children_are_killed(cluster: Cluster) -> None:
    write_one(cluster.open())
    for round in range(2, 4):
        postmaster = cluster.running_pid()
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in [postmaster, *map(int, children)]:
            os.kill(pid, signal.SIGKILL)
        assert count(cluster.open()) == round - 1
        write_one(cluster.url)


def test_it_comes_back_when_only_the_postmaster_was_killed(cluster: Cluster) -> None:
    write_one(cluster.open())
    with psycopg.connect(cluster.url):
        os.kill(cluster.running_pid(), signal.SIGKILL)
        assert count(cluster.open()) == 1


def test_a_stale_pid_file_with_a_strangers_number_is_no_hindrance(cluster: Cluster) -> None:
    write_one(cluster.open())
    kept = (cluster.data / "postmaster.pid").read_text()
    cluster.close()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lines = kept.split("\n")
        (cluster.data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]))
        assert count(cluster.open()) == 1
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_left_running_by_a_killed_command_is_taken_over(cluster: Cluster) -> None:
    code = (
        "import sys, time; from pathlib import Path; from app.database.launcher import Cluster\n"
        "Cluster(Path(sys.argv[1])).open(); print('open', flush=True); time.sleep(60)"
    )
    command = subprocess.Popen([sys.executable, "-c", code, str(cluster.home)], stdout=subprocess.PIPE, text=True)
    assert command.stdout.readline() == "open\n"
    command.kill()
    command.wait()
    command.stdout.close()
    left = cluster.running_pid()
    started = time.monotonic()
    write_one(cluster.open())
    assert cluster.running_pid() == left
    assert time.monotonic() - started < 5


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("lost", ["PG_VERSION", "postgresql.conf"])
def test_a_damaged_database_is_refused_and_left_as_it_is_by_whoever_opens_it(cluster: Cluster, lost: str) -> None:
    write_one(cluster.open())
    cluster.close()
    kept = (cluster.data / lost).read_bytes()
    owner = (cluster.data / lost).stat()
    (cluster.data / lost).unlink()
    before = everything_in(cluster.data)
    for make in (True, False):
        with pytest.raises(Damaged, match=str(cluster.data)) as refused:
            cluster.open(make=make)
        assert lost in refused.value.sentence
    assert everything_in(cluster.data) == before | {"shoal.conf"}
    (cluster.data / lost).write_bytes(kept)
    os.chown(cluster.data / lost, owner.st_uid, owner.st_gid)
    assert count(cluster.open()) == 1


def test_a_half_restored_database_is_refused_and_left_as_it_is(cluster: Cluster) -> None:
    (cluster.data / "base" / "1").mkdir(parents=True)
    (cluster.data / "base" / "1" / "112").write_bytes(b"a table")
    with pytest.raises(Damaged, match="holds files, but no whole database"):
        cluster.open()
    assert everything_in(cluster.data) == {"base", "base/1", "base/1/112"}
    assert not list(cluster.home.glob("*.new"))


def test_an_empty_folder_becomes_the_database(cluster: Cluster) -> None:
    cluster.data.mkdir(parents=True)
    write_one(cluster.open())
    assert count(cluster.url) == 1


def test_a_link_to_another_place_is_refused_and_kept(cluster: Cluster) -> None:
    cluster.home.mkdir(mode=0o711)
    cluster.data.symlink_to(cluster.home / "a-disk-that-is-away")
    with pytest.raises(Refused, match="could not be put in"):
        cluster.open()
    assert cluster.data.is_symlink()
    assert not list(cluster.home.glob("*.new"))


def test_whoever_only_looks_makes_no_database(cluster: Cluster) -> None:
    with pytest.raises(Refused, match="There is no database in"):
        cluster.open(make=False)
    assert not cluster.data.exists()
    write_one(cluster.open())
    cluster.close()
    assert count(cluster.open(make=False)) == 1


@pytest.mark.parametrize("name", ["x y", "pct%20x", "Öl&=?#", "it's", "a,b", 'say "a\\b"'])
def test_a_home_may_be_called_anything(cluster: Cluster, name: str) -> None:
    named = Cluster(cluster.home / name)
    url = named.open()
    try:
        write_one(url)
        assert count(url) == 1
    finally:
        named.close()
    assert not named.running_pid()


def test_one_that_hangs_is_not_waited_for_without_end_and_left_alone(cluster: Cluster) -> None:
    cluster.open()
    pid = cluster.running_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Refused, match=f"process {pid}.* has not answered for 1 s"):
            cluster.open(make=False, patience_s=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert cluster.running_pid() == pid
    cluster.open()
