"""A server given by DATABASE_URL, over TCP and with a password, serves as well as our own; one too old is refused."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from app import database
from app.database import connections
from app.database.launcher import Cluster
from app.errors import Refused


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A server of its own that listens on loopback."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="shoal-test-") as folder:
        Path(folder).chmod(0o711)
        cluster = Cluster(Path(folder) / "home", {"listen_addresses": "'127.0.0.1'", "port": str(port), "fsync": "off"})
        cluster.open()
        yield cluster
        cluster.close()


@pytest.fixture
def tcp_url(cluster: Cluster) -> str:
    """A database there whose owner is no superuser and has a password."""
    with psycopg.connect(cluster.url, autocommit=True) as admin:
        admin.execute("create role lab login password 'long and secret'")
        admin.execute("create database lab owner lab")
        with (cluster.data / "pg_hba.conf").open("a") as hba:
            hba.write("host all lab 127.0.0.1/32 scram-sha-256\n")
        admin.execute("select pg_reload_conf()")
    return f"postgresql://lab:long%20and%20secret@127.0.0.1:{cluster.extra_conf['port']}/lab"


@pytest.fixture
def make_extension(cluster: Cluster) -> Callable[[], None]:
    def make() -> None:
        with psycopg.connect(cluster.url.replace("///shoal", "///lab"), autocommit=True) as admin:
            admin.execute("create extension vector")

    return make


def shoal(url: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": url, "SHOAL_HOME": str(home)}
    return subprocess.run([sys.executable, "-m", "app.cli", *arguments], env=env, capture_output=True, text=True)


def test_commands_work_on_a_given_server(tcp_url: str, make_extension: Callable[[], None], tmp_path: Path) -> None:
    for number in range(3):
        Image.new("L", (20 + number, 30), 40 * number).save(tmp_path / f"{number}.png")
    refused = shoal(tcp_url, tmp_path / "home", "migrate")
    assert refused.returncode == 1
    assert "Have a superuser" in refused.stderr
    make_extension()
    assert shoal(tcp_url, tmp_path / "home", "migrate").returncode == 0
    assert shoal(tcp_url, tmp_path / "home", "user", "add", "jo@lab.example", "--manager").returncode == 0
    done = shoal(tcp_url, tmp_path / "home", "import", str(tmp_path), "--project", "Given", "--create")
    assert done.returncode == 0, done.stdout + done.stderr
    with database.connect(tcp_url) as db:
        assert db.execute("select count(*) from object").fetchone()[0] == 3
    said = json.loads(shoal(tcp_url, tmp_path / "home", "doctor", "--json").stdout)
    assert "long and secret" not in json.dumps(said)
    assert not (tmp_path / "home" / "postgres").exists(), "our own server was not needed"


def test_a_wrong_password_is_told_without_the_right_one(tcp_url: str, tmp_path: Path) -> None:
    wrong = tcp_url.replace("secret", "guess")
    done = shoal(wrong, tmp_path / "home", "migrate")
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_too_old_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "OLDEST_POSTGRES", 990000)
    with pytest.raises(Refused, match="Shoal needs 16 or newer"):
        database.migrate(database_url)


def test_a_pgvector_too_old_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "OLDEST_PGVECTOR", (99, 0))
    with pytest.raises(Refused, match="pgvector 0"):
        database.migrate(database_url)


def test_a_server_that_is_down_is_told() -> None:
    with pytest.raises(Refused, match="cannot be reached"):
        database.connect(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
