"""An import that is killed at any moment goes on to the same tables and the same store as one that was left alone."""

import hashlib
import io
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
from PIL import Image
from psycopg.rows import tuple_row

from app import database
from app.database.launcher import Cluster
from app.objects.store import Store
from app.settings import Settings, load_settings
from tests.exchange.conftest import Workplace, picture

ROOT = Path(__file__).parent.parent.parent
N_IMAGES, N_MOMENTS = 300, 12
SEED = secrets.randbelow(1 << 30)


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 300 rows: two images to every tenth object, all statuses, small pictures and one large."""
    folder = tmp_path_factory.mktemp("bundle")
    lines = ["object_id\timg_file_name\tobject_area\tobject_note\tsample_id\tacq_id\tobject_lat\tobject_lon"]
    lines[0] += "\tobject_annotation_category\tobject_annotation_status\tobject_annotation_date"
    lines.append("\t".join(["[t]", "[t]", "[f]", "[t]", "[t]", "[t]", "[f]", "[f]", "[t]", "[t]", "[t]"]))
    statuses = ("validated", "predicted", "dubious", "")
    for i in range(N_IMAGES):
        name = f"{i:03d}.png"
        size = (900, 700) if i == 150 else (40 + i % 50, 30)
        (folder / name).write_bytes(noisy_picture(i, size) if i == 150 else picture(i, size))
        status = statuses[i % 4]
        taxon = f"taxon {i % 7}" if status else ""
        sample = i // 60
        cells = [f"o{i - (i % 10 == 9)}", name, str(i / 7), f"note {i}", f"s{sample}", f"a{sample}", "43.5", "7"]
        lines.append("\t".join([*cells, taxon, status, "20200131" if status else ""]))
    (folder / "ecotaxa_crash.tsv").write_text("\n".join(lines))
    return folder


def noisy_picture(seed: int, size: tuple[int, int]) -> bytes:
    """Too large for a pack."""
    out = io.BytesIO()
    Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1])).save(out, "PNG")
    return out.getvalue()


class Round:
    """A Shoal of its own, in which the same bundle is imported by a process."""

    def __init__(self, url: str, home: Path, source: Path) -> None:
        self.settings: Settings = load_settings({"DATABASE_URL": url, "SHOAL_HOME": str(home)})
        self.source = source
        with database.connect(url) as db:
            workplace = Workplace(db, self.settings)
            self.project_id, self.account_id = workplace.project_id, workplace.account_id

    def start(self) -> subprocess.Popen[bytes]:
        arguments = [self.settings.home, self.project_id, self.account_id, self.source]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.exchange.one_import", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": self.settings.database_url, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            stderr=subprocess.PIPE,
        )

    def finish(self) -> None:
        process = self.start()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()

    def n_visible(self) -> int:
        with database.connect(self.settings.database_url) as db:
            return db.execute("select count(*) from object").fetchone()[0]

    def snapshot(self) -> dict[str, Any]:
        """All that the import wrote, ids told by what they stand for, bytes by their hash; then the store's files."""
        store = Store(self.settings.store_url)
        with database.connect(self.settings.database_url, autocommit=True) as db:
            store.sweep(db, older_than_s=-60)
            tuples = db.cursor(row_factory=tuple_row)
            found: dict[str, Any] = {name: tuples.execute(sql).fetchall() for name, sql in TABLES.items()}
            contents = db.execute("select * from content order by hash").fetchall()
        found["contents"] = [
            (row.hash, row.format, row.width_px, hashlib.sha256(store.read(row.thumbnail)).hexdigest())
            for row in contents
        ]
        assert all(hashlib.sha256(store.read(row.blob)).digest() == row.hash for row in contents)
        named = {ref.partition(":")[0] for row in contents for ref in (row.blob, row.thumbnail)}
        folder = Path(self.settings.store_url)
        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == named
        return found


TABLES = {
    "objects": """
        select object.orig_id, rank() over (order by object.id), sample.orig_id, object.latitude, object.longitude,
               object.sun_position, numbers, texts, label.status, label.at, label.version, taxon.display_name,
               predicted.display_name, score
        from object
        join sample on sample.id = sample_id
        join object_field on object_field.object_id = object.id
        left join label on label.object_id = object.id
        left join taxon on taxon.id = label.taxon_id
        left join prediction on prediction.object_id = object.id
        left join taxon as predicted on predicted.id = prediction.taxon_id
        order by object.id
    """,
    "images": """
        select object.orig_id, rank, hash, file_name
        from image
        join object on object.id = object_id
        order by object.id, rank
    """,
    "parents": """
        select sample.orig_id, sample.latitude, acquisition.orig_id,
               process.orig_id = '__DUMMY_ID__' || acquisition.id || '__'
        from sample
        join acquisition on acquisition.sample_id = sample.id
        join process on acquisition_id = acquisition.id
        order by acquisition.id
    """,
    "fields": "select level, name, type, position from field order by id",
    "taxa": "select display_name, parent_id from taxon order by id",
    "counts": """
        select display_name, count_delta.status, sum(n)
        from count_delta
        left join taxon on taxon.id = taxon_id
        group by 1, 2
        order by 1, 2
    """,
    "acts": "select kind, provenance, n_objects from act order by id",
    "history": """
        select object.orig_id, new_status, new_version
        from history
        join object on object.id = object_id
        order by object.id
    """,
    "project": "select data_version, current_run_id is null from project",
    "imports": "select status, n_objects, n_images from import order by id",
    "leavings": "select (select count(*) from staged_row), (select count(*) from import_chunk)",
    "jobs": "select kind, status from job order by id",
}


@pytest.fixture(scope="module")
def new_database(server: Cluster, template: str) -> Iterator[Callable[[], str]]:
    """Makes migrated databases that go with the run's server."""

    def make() -> str:
        name = f"test_{secrets.token_hex(6)}"
        admin.execute(f"create database {name} template {template} strategy file_copy")
        return server.url.replace("///shoal", f"///{name}")

    with psycopg.connect(server.url, autocommit=True) as admin:
        yield make


@pytest.fixture(scope="module")
def undisturbed(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, bundle_folder: Path
) -> tuple[dict[str, Any], float]:
    """What is there after an import that nobody killed, and how long it took."""
    calm = Round(new_database(), tmp_path_factory.mktemp("calm"), bundle_folder)
    started = time.monotonic()
    calm.finish()
    return calm.snapshot(), time.monotonic() - started


@pytest.mark.parametrize("moment", range(N_MOMENTS))
def test_an_import_killed_at_any_moment_goes_on(
    new_database: Callable[[], str],
    tmp_path: Path,
    bundle_folder: Path,
    undisturbed: tuple[dict[str, Any], float],
    moment: int,
) -> None:
    expected, seconds = undisturbed
    killed = Round(new_database(), tmp_path / "home", bundle_folder)
    # The first third is Python's start; all the rest is work, and every part of it has its turn.
    share = (moment + random.Random(SEED + moment).random()) / N_MOMENTS
    at_s = (0.3 + 0.7 * share) * seconds

    process = killed.start()
    time.sleep(at_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    seen_between = killed.n_visible()
    killed.finish()

    assert seen_between in (0, len(expected["objects"])), f"killed after {at_s:.2f} s, seed {SEED}"
    assert killed.snapshot() == expected, f"killed after {at_s:.2f} s, seed {SEED}"


def test_workers_end_with_the_import_that_started_them(
    new_database: Callable[[], str], tmp_path: Path, bundle_folder: Path, undisturbed: tuple[dict[str, Any], float]
) -> None:
    expected, seconds = undisturbed
    killed = Round(new_database(), tmp_path / "home", bundle_folder)

    process = killed.start()
    time.sleep(0.7 * seconds)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert alive(process.pid) == []
    killed.finish()
    assert killed.snapshot() == expected


def alive(group: int) -> list[int]:
    """Processes of a group that still run; those that nobody has waited for do not count."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(entry.name))
    return found
