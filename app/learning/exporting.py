"""Writes a learning set into a file: a parquet table of ids, labels and vectors, or a zip with that and the images, one
folder per taxon."""

import json
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import database
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, NotFound, Refused, install
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.learning import loading, sets
from app.learning.sets import LearningSet
from app.nouns import counted
from app.objects.store import Store, open_store
from app.projects.access import find_project
from app.settings import Settings

ROWS = 2000  # written at once, with their images
KEPT_S = 7 * 86_400
MOST_NAME_BYTES = 200  # a file system takes 255 of a name, with what else stands in it
TABLE = "learning_set.parquet"
UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


@dataclass(frozen=True)
class Export:
    """A file of a learning set; `n_bytes` is null while it is being written."""

    id: int
    set_id: int
    with_images: bool
    job_id: int | None
    n_bytes: int | None
    file_name: str


def folder(settings: Settings) -> Path:
    return Path(settings.home) / "learning"


def path_of(settings: Settings, export: Export) -> Path:
    return folder(settings) / f"export-{export.id}{Path(export.file_name).suffix}"


def ask(db: Db, viewer: Viewer, made: LearningSet, with_images: bool) -> Export:
    """An export that a job writes; the same one again, while that is being written.

    Images leave in bulk only where the viewer manages all projects that they are of. The table alone takes a manager of
    the project and the right to read each source, as the API gives ids, labels and vectors to all who may read these.
    """
    if with_images:
        check_manages(db, viewer, made)
    if made.frozen_at is None:
        raise Refused("This learning set is still being made: wait until it is whole.", status=409)
    row = db.execute(
        """
        select learning_export.id
        from learning_export
        join job on job.id = job_id
        where set_id = %s
          and with_images = %s
          and job.status in ('queued', 'running')
        """,
        [made.id, with_images],
    ).fetchone()
    return find(db, made, row.id if row else _insert(db, made, viewer.account_id, with_images))


def check_manages(db: Db, viewer: Viewer, made: LearningSet) -> None:
    """Forbidden for who does not manage all projects that a set's images are of."""
    rows = db.execute("select id from project where id = any(%s)", [made.source_ids]).fetchall()
    found = [find_project(db, viewer, row.id) for row in rows]
    if others := [project.title for project in found if not project.may("manager")]:
        raise Forbidden(
            f"The images of “{'”, “'.join(others[:5])}” can be exported by its managers only, and you are none. Export"
            " the table without images, or ask one of them."
        )


def _insert(db: Db, made: LearningSet, account_id: int | None, with_images: bool) -> int:
    row: Any = db.execute(
        "insert into learning_export (set_id, account_id, with_images) values (%s, %s, %s) returning id",
        [made.id, account_id, with_images],
    ).fetchone()
    title = f"Export of learning set {made.name}"
    job_id = enqueue(db, "learning", title, made.project_id, account_id, {"export_id": row.id}, f"export:{row.id}")
    db.execute("update learning_export set job_id = %s where id = %s", [job_id, row.id])
    return int(row.id)


def find(db: Db, made: LearningSet, export_id: int) -> Export:
    """An export of this set."""
    found = [one for one in list_exports(db, made) if one.id == export_id]
    if not found:
        raise NotFound("There is no such file of this learning set any more: export it again.")
    return found[0]


def list_exports(db: Db, made: LearningSet) -> list[Export]:
    """Those whose file is there or comes, the newest first."""
    rows = db.execute(
        """
        select learning_export.id, set_id, with_images, job_id, n_bytes
        from learning_export
        left join job on job.id = job_id
        where set_id = %s
          and (n_bytes is not null or job.status in ('queued', 'running'))
        order by learning_export.id desc
        """,
        [made.id],
    )
    name = safe(made.name.replace(" ", "_"))
    return [Export(**row._asdict(), file_name=f"{name}.{'zip' if row.with_images else 'parquet'}") for row in rows]


def safe(name: str) -> str:
    """A taxon's or a set's name as one of a file: “fiber < detritus” is fiber__detritus."""
    whole = UNSAFE.sub("_", name.replace(" < ", "__")).strip(" .")
    return whole.encode(errors="ignore")[:MOST_NAME_BYTES].decode(errors="ignore").strip(" .") or "_"


def write(job: JobContext, export_id: int) -> None:
    """The job: written beside, then put in its place whole. Files older than a week go first."""
    with database.connect(job.database_url, autocommit=True) as db:
        sweep(db, job.settings)
        row = db.execute("select set_id, with_images from learning_export where id = %s", [export_id]).fetchone()
        if row is None:
            raise NotFound(sets.DELETED)
        made = sets.find_begun(db, row.set_id)
        path = path_of(job.settings, find(db, made, export_id))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".part")
        write_file(db, job.settings, made, unfinished, row.with_images, job)
        unfinished.replace(path)
        db.execute("update learning_export set n_bytes = %s where id = %s", [path.stat().st_size, export_id])


def drop_lost(db: Db, settings: Settings) -> None:
    """Forget those that were finished and whose files are not here, as after a restore."""
    here = [int(re.sub(r"\D", "", path.stem) or 0) for path in folder(settings).glob("export-*")]
    db.execute("delete from learning_export where n_bytes is not null and id <> all(%s)", [here])


def sweep(db: Db, settings: Settings) -> None:
    """Files that were written a week ago go."""
    old = [path for path in folder(settings).glob("export-*") if path.stat().st_mtime < time.time() - KEPT_S]
    for path in old:
        path.unlink(missing_ok=True)
    ids = [int(re.sub(r"\D", "", path.stem) or 0) for path in old]
    db.execute("delete from learning_export where id = any(%s)", [ids])


def write_file(db: Db, settings: Settings, made: LearningSet, path: Path, with_images: bool, report: Any) -> None:
    """The table alone, or a zip of it and the images."""
    if not with_images:
        _write_table(db, made, path, report, None)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as bundle:
        table = path.with_suffix(".table")
        _write_table(db, made, table, report, _Pictures(bundle, open_store(settings)))
        bundle.write(table, TABLE, zipfile.ZIP_DEFLATED)
        told = {"title": made.title, "version": made.version, "n_objects": made.n_objects}
        bundle.writestr("learning_set.json", json.dumps(told | {"choices": made.choices.to_json()}, indent=1))
        table.unlink()


class _Pictures:
    """The images of rows, each put into the bundle's folder of its taxon."""

    def __init__(self, bundle: zipfile.ZipFile, store: Store) -> None:
        self.bundle, self.store = bundle, store
        self.n_lost = 0

    def put(self, rows: list[Any]) -> list[str | None]:
        """Where each row's image stands now; None where there is none, or the store has lost it."""
        return [self._put(row) for row in rows]

    def _put(self, row: Any) -> str | None:
        if row.blob is None:
            return None
        try:
            data = self.store.read(row.blob)
        except NotFound:
            self.n_lost += 1
            return None
        suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(row.format, row.format.lower())
        name = f"images/{safe(row.taxon)}/{row.object_id}.{suffix}"
        self.bundle.writestr(name, data)
        return name


def _write_table(db: Db, made: LearningSet, path: Path, report: Any, pictures: _Pictures | None) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise Refused(f"Writing parquet needs one more package: {install('parquet')}.") from error
    embedder = _embedder(db, made)
    data = loading.load(db, made.id, embedder.id) if embedder else None
    of = dict(zip(data.numbers.tolist(), range(len(data.numbers)), strict=True)) if data else {}
    schema = _schema(pa, embedder)
    done = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in _pieces(db, made):
            columns = {name: [getattr(row, name) for row in rows] for name in schema.names if name in rows[0]._fields}
            columns["image"] = pictures.put(rows) if pictures else [None] * len(rows)
            if data is not None:
                places = [of.get(row.number) for row in rows]
                columns["vector"] = [None if place is None else data.vectors[place] for place in places]
            writer.write_table(pa.table(columns, schema=schema))
            done += len(rows)
            report.progress(done, made.n_objects, "objects")
    if pictures and pictures.n_lost:
        report.log(f"{counted(pictures.n_lost, 'image is', 'images are')} missing from the store: they are left out.")


def _embedder(db: Db, made: LearningSet) -> Any:
    """Whose vectors are written: the home project's, or those that were brought with the set."""
    return db.execute(
        """
        select embedder.id, embedder.name, embedder.digest, embedder.dimension
        from embedder
        where id in (select embedder_id from project where id = %(home)s)
           or id in (select embedder_id from learning_vector where set_id = %(set)s)
        order by id = (select embedder_id from project where id = %(home)s) desc
        limit 1
        """,
        {"home": made.project_id, "set": made.id},
    ).fetchone()


def _schema(pa: Any, embedder: Any) -> Any:
    fields = [
        ("number", pa.int32()), ("object_id", pa.int64()), ("project_id", pa.int32()), ("orig_id", pa.string()),
        ("taxon_id", pa.int32()), ("taxon", pa.string()), ("own_taxon_id", pa.int32()), ("own_taxon", pa.string()),
        ("group_id", pa.int64()), ("sample", pa.string()), ("sha256", pa.string()), ("image", pa.string()),
    ]  # fmt: skip
    if embedder is None:
        return pa.schema(fields)
    told = {"name": embedder.name, "digest": embedder.digest, "dimension": embedder.dimension}
    return pa.schema([*fields, ("vector", pa.list_(pa.float32()))], metadata={"embedder": json.dumps(told)})


def _pieces(db: Db, made: LearningSet) -> Iterator[list[Any]]:
    """All items with their names and first images, some at a time."""
    for first in range(0, made.n_objects, ROWS):
        yield db.execute(
            """
            select item.number, item.object_id, item.project_id, object.orig_id, item.taxon_id,
                   taught.display_name as taxon, item.own_taxon_id, own.display_name as own_taxon, item.group_id,
                   sample.orig_id as sample, encode(picture.hash, 'hex') as sha256, picture.blob, picture.format
            from learning_item item
            left join taxon taught on taught.id = item.taxon_id
            left join taxon own on own.id = item.own_taxon_id
            left join object on object.project_id = item.project_id and object.id = item.object_id
            left join sample on sample.id = object.sample_id
            left join lateral (
                select content.hash, blob, format
                from image
                join content on content.hash = image.hash
                where image.project_id = item.project_id and image.object_id = item.object_id
                order by rank
                limit 1
            ) picture on true
            where item.set_id = %s
              and item.number >= %s and item.number < %s
            order by item.number
            """,
            [made.id, first, first + ROWS],
        ).fetchall()
