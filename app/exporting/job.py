"""The job that writes an export: beside its place until it is whole; whatever ends it early leaves nothing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import database, search
from app.database import Db
from app.errors import NotFound, Refused
from app.exporting import annotations, backup, coco, darwin, files, folders, general, one_table
from app.exporting.bundle import Bundle
from app.exporting.files import KEPT_DAYS, Export
from app.exporting.selection import Selection, select
from app.jobs.bodies import job_body
from app.jobs.context import Cancelled, JobContext
from app.keeping.archive import archive
from app.objects.store import FULL, sync_folder
from app.settings import Settings
from app.summaries import writing as summary


@dataclass
class Work:
    """What a writer is given: it fills the bundle, and says how many rows it wrote."""

    db: Db
    database_url: str
    settings: Settings
    project: Any  # id, title, description, instrument, settings, current_run_id, created_at
    export: Export
    bundle: Bundle
    place: Path  # a folder for what has to be put together first
    selection: Selection
    report: Any
    notes: list[str] = field(default_factory=list)  # what whoever opens the file should know

    def note(self, line: str) -> None:
        self.notes.append(line)
        self.report.log(line)


Writer = Callable[[Work], int]
WRITERS: dict[str, Writer] = {
    "ecotaxa_backup": backup.write,
    "ecotaxa_general": general.write,
    "annotations": annotations.write,
    "folders": folders.write,
    "coco": coco.write,
    "csv": one_table.write_csv,
    "parquet": one_table.write_parquet,
    "summary": summary.write,
    "darwin_core": darwin.write,
}


@job_body("export")
def run(job: JobContext) -> None:
    """Write the export `export_id`; begun again, it is written from its beginning."""
    search.configure(job.settings)
    with database.connect(job.database_url, autocommit=True) as db:
        files.sweep(db, job.settings)
        export_id = int(job.args["export_id"])
        db.execute("update export set job_id = %s where id = %s", [job.job_id, export_id])
        place = files.workshop(job.settings, export_id)
        shutil.rmtree(place, ignore_errors=True)
        try:
            place.mkdir(parents=True, mode=0o700)
            files.folder(job.settings).chmod(0o700)
            n_rows = _write(db, job, export_id, place)
            _finish(db, job.settings, export_id, place / "whole.zip", n_rows)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise Refused(
                f"The disk that holds {files.folder(job.settings)} is full: make room there, or delete old exports, and"
                " try the job again. Nothing of this export was left.",
                status=507,
            ) from error
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _write(db: Db, job: JobContext, export_id: int, place: Path) -> int:
    project = db.execute(
        "select id, title, description, instrument, settings, current_run_id, created_at from project where id = %s",
        [job.project_id],
    ).fetchone()
    if project is None:
        raise NotFound("The project of this export is gone.")
    export = files.find(db, project.id, export_id)
    if export.kind == "archive":
        return _archive(db, job, project.id, place / "whole.zip")
    selection = select(db, project.id, export.choices.filters, export.account_id)
    if not len(selection):
        raise Refused("There is no object to export: the project is empty, or no object meets the conditions.", 409)
    with Bundle(place / "whole.zip") as bundle:
        return WRITERS[export.kind](
            Work(db, job.database_url, job.settings, project, export, bundle, place, selection, job)
        )


def _archive(db: Db, job: JobContext, project_id: int, target: Path) -> int:
    """The whole project as `shoal archive` writes it; returns its objects."""
    archive(job.settings, db, project_id, target, lambda what, done, total: job.progress(done, total, what))
    row: Any = db.execute("select count(*) as n from object where project_id = %s", [project_id]).fetchone()
    return int(row.n)


def _finish(db: Db, settings: Settings, export_id: int, whole: Path, n_rows: int) -> None:
    descriptor = os.open(whole, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path = files.path_of(settings, export_id)
    whole.replace(path)
    sync_folder(path.parent)
    known = db.execute(
        """
        update export
        set n_bytes = %s, n_rows = %s, expires_at = now() + make_interval(days => %s)
        where id = %s
        """,
        [path.stat().st_size, n_rows, KEPT_DAYS, export_id],
    )
    if not known.rowcount:  # deleted while the last of it was written
        path.unlink()
        raise Cancelled
