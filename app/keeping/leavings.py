"""`shoal gc`: removes what nothing refers to any more: rows of projects that are gone, subsets that were never made to
their end, contents, files, indexes.

Nothing goes while an import or a backup is at work, nor what an interrupted import will go on with, nor a file that is
younger than a day: what is being made is written before anything names it.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.database import Db
from app.doctor import strange_images
from app.errors import Conflict, Refused
from app.keeping.archive_restore import left_folders
from app.objects.store import DAY_S, SWEEP_LOCK, Store, open_store
from app.reshaping import subset
from app.settings import Settings

# Tables with rows of a project that do not go with it by themselves.
OF_PROJECTS = (
    "object_field", "image", "label", "history", "prediction", "object_vector", "vector_removed", "embedding_failure",
    "count_delta",
)  # fmt: skip
PIECE = 20_000


@dataclass
class Leavings:
    """What is or would be removed: rows by table, projects of unfinished subsets, files of the store and folders of the
    home with their bytes."""

    rows: dict[str, int] = field(default_factory=dict)
    subsets: list[int] = field(default_factory=list)
    contents: int = 0
    files: dict[str, int] = field(default_factory=dict)
    folders: dict[Path, int] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        return sum(self.files.values()) + sum(self.folders.values())


def collect(settings: Settings, db: Db, *, dry_run: bool, older_than_s: float = DAY_S) -> Leavings:
    """Remove what nothing refers to, or only say what that is. The connection commits by itself."""
    _check_right_database(settings, db)
    store, found = open_store(settings), Leavings()
    with _alone(db):
        found.subsets = subset.left_unmade(db, older_than_s)
        gone = _projects_gone(db) + found.subsets
        found.rows = {table: n for table in OF_PROJECTS if (n := _rows_of(db, table, gone, dry_run))}
        found.contents = _note_unnamed(db, gone)
        found.files = _unnamed_files(db, store, older_than_s)
        found.folders = _unused_folders(db, settings.home)
        if not dry_run:
            for project_id in found.subsets:
                subset.sweep(db, project_id)
            _remove(db, store, found)
    return found


def _check_right_database(settings: Settings, db: Db) -> None:
    """Beside a database that knows no image, every image would be a leaving."""
    said = strange_images(settings, db)
    if said:
        raise Refused(f"{said} Nothing was removed: is this the database that the images belong to?")


@contextmanager
def _alone(db: Db) -> Iterator[None]:
    if not db.execute("select pg_try_advisory_lock(%s) as alone", [SWEEP_LOCK]).fetchone().alone:
        raise Conflict("An import or a backup is at work, and nothing was removed: try again when it is over.")
    try:
        yield
    finally:
        db.execute("drop table if exists pg_temp.unnamed")
        db.execute("select pg_advisory_unlock(%s)", [SWEEP_LOCK])


def _projects_gone(db: Db) -> list[int]:
    """Numbers that projects had which are no more."""
    row = db.execute(
        """
        select coalesce(array_agg(gone.id), '{}') as ids
        from generate_series(1, (select coalesce(last_value, 0)
                                 from pg_sequences
                                 where sequencename = 'project_id_seq')) as gone (id)
        where not exists (select from project where project.id = gone.id)
        """
    ).fetchone()
    return [int(number) for number in row.ids]


def _rows_of(db: Db, table: str, gone: list[int], dry_run: bool) -> int:
    """Rows of these projects: counted, or removed piece by piece, so that no transaction is long."""
    # Both with its leading column, where the table is kept by embedder first.
    where = "project_id = any(%(gone)s)"
    if table in ("object_vector", "vector_removed", "embedding_failure"):
        where += " and embedder_id in (select id from embedder)"
    if dry_run:
        return int(db.execute(f"select count(*) as n from {table} where {where}", {"gone": gone}).fetchone().n)  # noqa: S608
    n = 0
    while True:
        removed = db.execute(
            f"""
            delete from {table}
            where (tableoid, ctid) in (select tableoid, ctid from {table} where {where} limit {PIECE})
            """,  # noqa: S608 - constants
            {"gone": gone},
        ).rowcount
        n += removed
        if removed < PIECE:
            return n


def _note_unnamed(db: Db, gone: list[int]) -> int:
    """Write down the contents that no image, no waiting import and no strip's examples name; returns how many."""
    db.execute("create temp table unnamed (hash bytea primary key, blob text not null, thumbnail text not null)")
    return db.execute(
        """
        insert into unnamed
        select hash, blob, thumbnail
        from content
        where not exists (select from image where image.hash = content.hash and not project_id = any(%s))
          and not exists (select from staged_row where image_hash = content.hash)
          and hash not in (
              select unnest(contents)
              from import_chunk
              join import on import.id = import_id
              where status in ('running', 'asking')
          )
          and hash not in (
              select decode(example->>'hash', 'hex')
              from strip, jsonb_array_elements(examples) as example
              where example ? 'hash'
          )
        """,
        [gone],
    ).rowcount


def _unnamed_files(db: Db, store: Store, older_than_s: float) -> dict[str, int]:
    """Files of the store, old enough, that no content which stays and no classifier names, with their bytes."""
    named = {
        row.path
        for row in db.execute(
            """
            select distinct split_part(ref, ':', 1) as path
            from content, unnest(array[blob, thumbnail]) as ref
            where not exists (select from unnamed where unnamed.hash = content.hash)
            union
            select blob
            from classifier
            where blob is not null
            """
        )
    }
    before = time.time() - older_than_s
    return {path: n for path, n, at in store.listing() if at <= before and path not in named}


def _unused_folders(db: Db, home: Path) -> dict[Path, int]:
    """Indexes of projects that are gone, and what cards' runs left that are."""
    projects = {str(row.id) for row in db.execute("select id from project")}
    runs = {str(row.id) for row in db.execute("select id from cluster_run")}
    there = [path for path in (home / "index").glob("[0-9]*") if path.name not in projects]
    there += [path for path in (home / "clusters").glob("[0-9]*") if path.name.partition("-")[0] not in runs]
    there += left_folders(home)
    return {path: folder_bytes(path) for path in there}


def folder_bytes(folder: Path) -> int:
    """Of all files in it. What goes away meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if not path.is_dir() else 0
        except FileNotFoundError:
            continue
    return total


def _remove(db: Db, store: Store, found: Leavings) -> None:
    """First the rows, then the files: interrupted, nothing names what is not there."""
    while db.execute(
        """
        with piece as (
            delete from unnamed
            where hash in (select hash from unnamed limit %s)
            returning hash
        )
        delete from content
        using piece
        where content.hash = piece.hash
        """,
        [PIECE],
    ).rowcount:
        continue
    for path in found.files:
        store.remove(path)
    for folder in found.folders:
        shutil.rmtree(folder, ignore_errors=True)
