"""An embedding that is killed at any moment goes on to the same vectors, each written once."""

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app import database
from app.database.launcher import Cluster
from app.settings import Settings, load_settings
from tests.exchange.conftest import picture

ROOT = Path(__file__).parent.parent.parent
N_IMAGES, N_MOMENTS = 200, 8
SEED = secrets.randbelow(1 << 30)

VECTORS = """
    select object.orig_id, object_vector.v::text as v
    from object_vector
    join object on object.project_id = object_vector.project_id and object.id = object_id
    order by object.orig_id
"""


def shoal(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    env = {"DATABASE_URL": settings.database_url, "SHOAL_HOME": str(settings.home), "SHOAL_EMBED_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    said, errors = process.communicate(timeout=200)
    assert process.returncode == 0, (said + errors).decode()


def vectors(settings: Settings) -> list[Any]:
    with database.connect(settings.database_url) as db:
        return db.execute(VECTORS).fetchall()


@pytest.fixture(scope="module")
def imported(
    server: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Settings]]:
    """Makes Shoals that have imported 200 small images, some of them twice, and embedded none."""
    home, images = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("images")
    for number in range(N_IMAGES):
        (images / f"{number:03d}.png").write_bytes(picture(number % (N_IMAGES - 20), (40 + number % 40, 50)))

    def settings_of(name: str) -> Settings:
        url = server.url.replace("///shoal", f"///{name}")
        return load_settings({"DATABASE_URL": url, "SHOAL_HOME": str(home)})

    def make(source: str) -> Settings:
        name = f"test_{secrets.token_hex(6)}"
        admin.execute(f"create database {name} template {source}")
        return settings_of(name)

    with psycopg.connect(server.url, autocommit=True) as admin:
        first = make(template)
        finish(shoal(first, "user", "add", "jo@lab.example", "--manager"))
        finish(shoal(first, "import", str(images), "--project", "Crash", "--create"))
        source = first.database_url.partition("///")[2].partition("?")[0]
        yield lambda: make(source)


@pytest.fixture(scope="module")
def undisturbed(imported: Callable[[], Settings]) -> tuple[list[Any], float]:
    """The vectors of an embedding that nobody killed, and how long it took."""
    calm = imported()
    started = time.monotonic()
    finish(shoal(calm, "embed", "Crash"))
    found = vectors(calm)
    assert len(found) == N_IMAGES
    return found, time.monotonic() - started


@pytest.mark.parametrize("moment", range(N_MOMENTS))
def test_an_embedding_killed_at_any_moment_goes_on(
    imported: Callable[[], Settings], undisturbed: tuple[list[Any], float], moment: int
) -> None:
    expected, seconds = undisturbed
    killed = imported()
    share = (moment + random.Random(SEED + moment).random()) / N_MOMENTS
    process = shoal(killed, "embed", "Crash")
    time.sleep((0.3 + 0.7 * share) * seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    finish(shoal(killed, "embed", "Crash"))

    found = vectors(killed)
    assert [row.orig_id for row in found] == [row.orig_id for row in expected], f"seed {SEED}"
    # Batches fall differently after a kill, and a float's last bit depends on its batch.
    far = [a.orig_id for a, b in zip(found, expected, strict=True) if not _same(a.v, b.v)]
    assert far == [], f"seed {SEED}"


def _same(one: str, other: str) -> bool:
    pairs = zip(one.strip("[]").split(","), other.strip("[]").split(","), strict=True)
    return all(abs(float(a) - float(b)) < 2e-3 for a, b in pairs)
