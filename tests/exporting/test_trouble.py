"""An export that is killed, cancelled, or finds the disk full leaves nothing, and goes well the next time."""

import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import Conflict
from app.exporting import files
from app.exporting import job as export_job
from app.exporting.bundle import Bundle as Zip
from app.exporting.names import unique
from app.jobs.context import Cancelled, JobContext, Progress
from app.jobs.run import put_back
from tests.exporting.conftest import Bundle, Exporter

KILLED_AFTER_A_TABLE = """
import os, signal, sys, threading
from app.exporting import tables
from app.jobs.run import run_queued
from app.settings import load_settings

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

tables.Counted.objects = die
settings = load_settings(home=sys.argv[1])
run_queued(int(sys.argv[2]), settings, settings.database_url, threading.Event())
"""


@pytest.fixture
def small(exporter: Exporter, bundle: Bundle) -> Exporter:
    rows = [f"o{n}|a.png|{'x' * 50}{n}" for n in range(500)]
    report = exporter.place.bring_in(bundle("object_id img_file_name object_note", "ttt", *rows))
    assert report.status == "done", report.lines()
    return exporter


@contextmanager
def disk_of(n_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: to a writer that is a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def left(exporter: Exporter) -> list[str]:
    folder = files.folder(exporter.settings)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("kind", ["ecotaxa_backup", "csv", "parquet"])
def test_a_full_disk_is_said_and_leaves_nothing(small: Exporter, kind: str) -> None:
    made = small.ask(kind)
    with disk_of(2000):
        ended = small.work(made)
    assert ended.status == "failed"
    assert "is full: make room there" in ended.error
    assert left(small) == []
    assert small.export(kind).stat().st_size > 2000


def test_what_is_cancelled_leaves_nothing(small: Exporter) -> None:
    made = small.ask("ecotaxa_backup")
    job = job_of(small, made)
    job.cancelled.set()
    with pytest.raises(Cancelled):
        export_job.run(job)
    assert left(small) == []
    small.db.execute("update job set status = 'cancelled' where id = %s", [job.job_id])
    with pytest.raises(Conflict, match="was cancelled, and there is no file: export again"):
        files.whole_file(small.settings, files.find(small.db, made.project_id, made.id))


def job_of(exporter: Exporter, made: files.Export) -> JobContext:
    return JobContext(
        made.job_id or 0, "export", made.project_id, exporter.place.account_id, {"export_id": made.id},
        exporter.settings, exporter.settings.database_url,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["ecotaxa_backup", "folders"])
def test_every_image_is_told_and_the_next_one_is_not_written_once_cancelled(small: Exporter, kind: str) -> None:
    small.db.execute("update image set file_name = object_id || '.png'")
    made = small.ask(kind, **({"statuses": ["U"]} if kind == "folders" else {}))
    job, told = job_of(small, made), []

    def listen(state: Progress) -> None:
        if state.message.endswith(("image written", "images written")):
            told.append((state.done, state.message))
            if len(told) == 3:
                job.cancelled.set()

    job.listener = listen
    with pytest.raises(Cancelled):
        export_job.run(job)
    assert told == [(1, "1 image written"), (2, "2 images written"), (3, "3 images written")]
    assert left(small) == []


def test_what_is_deleted_while_it_is_written_is_cancelled_and_leaves_nothing(small: Exporter) -> None:
    made = small.ask("csv")
    small.db.execute("update job set status = 'running' where id = %s", [made.job_id])
    job = job_of(small, made)

    def delete(state: Progress) -> None:
        if not small.place.values("select cancel_requested from job where id = %s", made.job_id)[0]:
            files.remove(small.db, small.settings, files.find(small.db, made.project_id, made.id))
            small.db.commit()

    job.listener = delete
    with pytest.raises(Cancelled):
        export_job.run(job)
    assert left(small) == []
    assert small.place.values("select cancel_requested from job where id = %s", made.job_id) == [True]
    assert small.place.values("select id from export") == []


def test_what_was_killed_is_written_anew_and_swept_where_nobody_goes_on(small: Exporter) -> None:
    made = small.ask("ecotaxa_backup")
    program = [sys.executable, "-c", KILLED_AFTER_A_TABLE, str(small.settings.home), str(made.job_id)]
    ended = subprocess.run(program, env={"DATABASE_URL": small.settings.database_url, "PYTHONPATH": ":".join(sys.path)})
    assert ended.returncode == -9
    assert left(small) == [f"making-{made.id}"]

    put_back(small.db, [made.job_id or 0], crashed=True)
    small.db.commit()
    assert small.work(made).status == "done"
    assert left(small) == [f"export-{made.id}.zip"]

    lost = files.workshop(small.settings, 999)
    lost.mkdir()
    os.utime(lost, (0, 0))
    files.sweep(small.db, small.settings)
    assert left(small) == [f"export-{made.id}.zip"]


def test_deleting_what_waits_cancels_it(small: Exporter) -> None:
    made = small.ask("csv")
    files.remove(small.db, small.settings, made)
    small.db.commit()
    assert small.place.values("select status from job where kind = 'export'") == ["cancelled"]
    assert small.place.values("select id from export") == []


def test_a_bundle_of_many_files_is_a_good_zip(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with Zip(path) as bundle:
        for n in range(70_000):
            bundle.file(f"{n % 7}/é{n}.bin", b"%d" % n)
        with bundle.entry("last.txt") as stream:
            stream.write(b"end" * 100)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 70_001
        assert archive.read(f"{69_999 % 7}/é69999.bin") == b"69999"
        assert archive.read("last.txt") == b"end" * 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.zip"]


def test_no_name_is_one_that_windows_keeps_for_a_device() -> None:
    assert unique(["CON", "nul.tsv", "com1", "console", "a:b"]) == ["CON_", "nul.tsv_", "com1_", "console", "a_b"]
