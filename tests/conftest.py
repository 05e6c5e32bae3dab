"""One real PostgreSQL for the whole run; every test that asks gets a migrated database of its own, a copy of files."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

from app import database
from app.database.launcher import Cluster
from app.settings import Settings, load_settings

# How long an example takes says more of what else the machine does than of the code.
hypothesis.settings.register_profile("shoal", deadline=None)
hypothesis.settings.load_profile("shoal")

pytest_plugins = ["tests.small_projects", "tests.web_fixtures"]

ROOT = Path(__file__).parent.parent
# Nothing here has to outlive a power cut, and a killed process loses nothing without it either.
QUICK = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "max_wal_size": "256MB"}
MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 4_000_000_000


def quick_folder() -> str | None:
    """A folder in memory, where there is room: a thousand databases are made of 700 files each."""
    return str(MEMORY) if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES else None


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """The run's PostgreSQL, in a folder that its unprivileged user may enter."""
    home = Path(tempfile.mkdtemp(prefix="shoal-test-", dir=quick_folder()))
    home.chmod(0o711)
    cluster = Cluster(home, QUICK)
    cluster.open()
    yield cluster
    cluster.close()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: Cluster) -> str:
    """The name of a migrated database to clone."""
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("create database template_shoal")
    database.migrate(server.url.replace("///shoal", "///template_shoal"))
    return "template_shoal"


@pytest.fixture
def database_url(server: Cluster, template: str) -> Iterator[str]:
    """A fresh migrated database."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template} strategy file_copy")
    yield server.url.replace("///shoal", f"///{name}")
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def db(database_url: str) -> Iterator[database.Db]:
    """An open connection to this test's database."""
    with database.connect(database_url) as connection:
        yield connection


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with this test's database and a home of its own."""
    return load_settings({"SHOAL_HOME": str(tmp_path / "home"), "DATABASE_URL": database_url, "SHOAL_PORT": "0"})


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real labelled images and import cases, which is no part of the project."""
    folder = Path(os.environ.get("SHOAL_SHARED") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"no real images: {folder / 'data'} is absent (SHOAL_SHARED names another folder)")
    return folder
