"""What projects take on disk: images of their own and shared ones, vectors, rows, indexes, files to fetch."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.exchange import uploads
from app.keeping.leavings import folder_bytes
from app.objects.store import open_store
from app.settings import Settings

PIECE = 20_000
Progress = Callable[[int, int], None]
# Partitioned by project: a share of the partition's files is the project's.
ROWS = {
    "objects": ("object", "object_field", "image"),
    "labels": ("label", "history"),
    "predictions": ("prediction",),
    "vectors": ("object_vector",),
}
WORDS = {
    "images": "Images that only this project has",
    "shared": "Images that other projects have too",
    "thumbnails": "Thumbnails",
    "objects": "Objects, fields and image names",
    "labels": "Labels and their history",
    "predictions": "Predictions, of all runs",
    "vectors": "Vectors",
    "index": "Indexes, on the machine that measured",
    "classifiers": "Classifiers",
    "exports": "Exports that wait to be fetched",
    "uploads": "Uploads under way",
}


@dataclass(frozen=True)
class Part:
    """One part of what a project takes: how many of it, and bytes on disk."""

    name: str
    words: str
    n: int
    n_bytes: int


@dataclass(frozen=True)
class DiskUse:
    """What one project took when it was measured. Shared images are not in `n_bytes`: without the project they stay."""

    measured_at: datetime
    parts: list[Part]

    @property
    def n_bytes(self) -> int:
        return sum(part.n_bytes for part in self.parts if part.name != "shared")


def find(db: Db, project_id: int) -> DiskUse | None:
    """As it was last measured; None where it never was."""
    row = db.execute("select parts, measured_at from disk_use where project_id = %s", [project_id]).fetchone()
    if row is None:
        return None
    return DiskUse(row.measured_at, [Part(name, WORDS[name], *row.parts.get(name, (0, 0))) for name in WORDS])


def measure(settings: Settings, db: Db, project_id: int, progress: Progress) -> None:
    """Measure a project and write it down. The connection commits by itself: no transaction is long."""
    parts = _image_parts(db, project_id, progress)
    for name, tables in ROWS.items():
        found = [_share(db, table, project_id) for table in tables]
        parts[name] = (found[0][0], sum(n_bytes for _, n_bytes in found))
    indexes = settings.home / "index" / str(project_id)
    parts["index"] = (len(list(indexes.glob("*"))), folder_bytes(indexes))
    parts["classifiers"] = _classifiers(settings, db, project_id)
    parts |= _files(settings, db, project_id)
    db.execute(
        """
        insert into disk_use (project_id, parts)
        select id, %s
        from project
        where id = %s
        on conflict (project_id) do update
           set parts = excluded.parts, measured_at = now()
        """,
        [Jsonb(parts), project_id],
    )


def _image_parts(db: Db, project_id: int, progress: Progress) -> dict[str, tuple[int, int]]:
    """Distinct contents, piece by piece: whether another project shows one is asked of an index."""
    total = db.execute("select count(*) as n from image where project_id = %s", [project_id]).fetchone().n
    sums = {"images": [0, 0], "shared": [0, 0], "thumbnails": [0, 0]}
    after: Any = b""
    done = 0
    while True:
        row = db.execute(IMAGES, {"project_id": project_id, "after": after, "piece": PIECE}).fetchone()
        if not row.n:
            return {name: (n, n_bytes) for name, (n, n_bytes) in sums.items()}
        for name, n, n_bytes in (
            ("images", row.n - row.n_shared, row.n_bytes - row.shared_bytes),
            ("shared", row.n_shared, row.shared_bytes),
            ("thumbnails", row.n - row.n_shared, row.thumbnail_bytes),
        ):
            sums[name][0] += n
            sums[name][1] += n_bytes
        after, done = row.last, done + row.n_rows
        progress(min(done, total), total)


IMAGES = """
with piece as (
    select hash, count(*) as n
    from image
    where project_id = %(project_id)s
      and hash > %(after)s
    group by hash
    order by hash
    limit %(piece)s
),
told as (
    select piece.hash, piece.n, n_bytes, split_part(thumbnail, ':', 3)::bigint as thumbnail_bytes,
           exists (
               select
               from image as other
               where other.hash = piece.hash
                 and other.project_id <> %(project_id)s
           ) as is_shared
    from piece
    join content using (hash)
)
select (select count(*) from piece) as n,
       (select sum(n) from piece)::bigint as n_rows,
       (select hash from piece order by hash desc limit 1) as last,
       count(*) filter (where is_shared) as n_shared,
       coalesce(sum(n_bytes), 0)::bigint as n_bytes,
       coalesce(sum(n_bytes) filter (where is_shared), 0)::bigint as shared_bytes,
       coalesce(sum(thumbnail_bytes) filter (where not is_shared), 0)::bigint as thumbnail_bytes
from told
"""


def _share(db: Db, table: str, project_id: int) -> tuple[int, int]:
    """Rows of a project, and their share of the files of the partitions that they stand in."""
    parts = db.execute(
        f"""
        select tableoid::regclass::text as name, count(*) as n
        from {table}
        where project_id = %(project_id)s
          {"and embedder_id in (select id from embedder)" if table == "object_vector" else ""}
        group by tableoid
        """,  # noqa: S608 - constants
        {"project_id": project_id},
    ).fetchall()
    n_bytes = 0
    for part in parts:
        size = db.execute(
            "select pg_total_relation_size(oid) as n_bytes, reltuples from pg_class where oid = %s::regclass",
            [part.name],
        ).fetchone()
        # Until the planner's figures follow, a table may seem to hold fewer rows than this project alone.
        n_bytes += round(size.n_bytes * part.n / max(size.reltuples, part.n, 1))
    return sum(part.n for part in parts), n_bytes


def _classifiers(settings: Settings, db: Db, project_id: int) -> tuple[int, int]:
    store = open_store(settings)
    blobs = {
        row.blob
        for row in db.execute("select blob from classifier where project_id = %s and blob is not null", [project_id])
    }
    folders = {blob.rpartition("/")[0] for blob in blobs}
    sizes = [n for folder in folders for path, n, _ in store.listing(folder) if path in blobs]
    return len(blobs), sum(sizes)


def _files(settings: Settings, db: Db, project_id: int) -> dict[str, tuple[int, int]]:
    exports = db.execute(
        "select count(*) as n, coalesce(sum(n_bytes), 0)::bigint as n_bytes from export"
        " where project_id = %s and expires_at > now()",
        [project_id],
    ).fetchone()
    waiting = db.execute(
        "select id from upload where project_id = %s and removed_at is null and path is null", [project_id]
    ).fetchall()
    held = [folder_bytes(uploads.folder(settings) / str(row.id)) for row in waiting]
    return {"exports": (exports.n, exports.n_bytes), "uploads": (len(held), sum(held))}


@dataclass(frozen=True)
class Whole:
    """What all of Shoal takes, and what is left on the disk of its home."""

    database: int
    store: int
    home: dict[str, int]  # other folders of the home
    free: int


def measure_whole(settings: Settings, db: Db) -> Whole:
    store = sum(n for _, n, _ in open_store(settings).listing())
    apart = {"postgres", Path(settings.store_url).name if "://" not in settings.store_url else ""}
    folders = [path for path in sorted(settings.home.iterdir()) if path.is_dir() and path.name not in apart]
    size = db.execute("select pg_database_size(current_database()) as n").fetchone().n
    return Whole(
        size, store, {path.name: folder_bytes(path) for path in folders}, shutil.disk_usage(settings.home).free
    )
