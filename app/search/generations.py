"""FAISS files that follow PostgreSQL: each generation holds the vectors of all transactions before a horizon.

A query completes it by what later transactions added and removed. The horizon is the oldest transaction that still ran
(xid8): every row with a smaller one was there to be read, for ever unchanged. Files can be deleted at any time.
"""

import json
import os
import shutil
import threading
import zlib
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app import search
from app.database import connect
from app.database.connections import Db
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.objects.store import sync_folder
from app.search import index_folder
from app.search.arrays import fetch_vectors
from app.search.mirror import Mirror
from app.search.rows import Rows
from app.search.vector_ids import vector_ids
from indexer.graph import Graph, build_graph
from indexer.index import VECTORS, Index, Sketch, VectorWriter, build_sketch
from indexer.suspects import duplicate_stacks

WORTH_A_FILE = 20_000  # vectors; fewer are compared in PostgreSQL in 10 ms
MOST_DELTA_PERCENT = 2  # of a generation; PostgreSQL compares 10,000 later vectors in 7 ms
ROWS = 10_000  # read at once
BLOCK = 65_536
MOST_BLOCKS = 2048  # of a file that are checked when it is opened; larger files are checked in places
MOST_OPEN = 16
REST_MIN = 60  # between two builds of one project that nobody asked for
IDS, NEIGHBOURS, DISTANCES, STACKS = "ids.npy", "neighbours.npy", "distances.npy", "stacks.npy"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a generation holds, written last: a generation without one does not exist.

    It is written again when the graph of neighbours is there, which takes minutes where the index takes seconds.
    """

    generation: int
    database: str  # numbers of transactions mean nothing in another one
    horizon: int  # xid8
    n: int
    files: dict[str, tuple[int, int]]  # name: bytes, checksum
    sketch: Sketch | None
    graph_recall: float | None = None  # of the graph of neighbours; None: it is not built yet


class Generation:
    """An opened generation; the files stay readable when a newer one has taken its place."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.ids = np.load(folder / IDS, mmap_mode="r")
        self.index = Index(folder, manifest.sketch)
        self.graph = None if manifest.graph_recall is None else _read_graph(folder, manifest.graph_recall)
        # Which row stands for each near-duplicate, found with the graph: a million take three seconds.
        self.stands_for = np.load(folder / STACKS, mmap_mode="r") if STACKS in manifest.files else None
        self.rows = Rows(self.ids)

    def of_mirror(self, mirror: Mirror, mask: np.ndarray) -> np.ndarray:
        """A mask over the mirror's ordinals as one over this generation's rows."""
        return self.rows.column(mirror, mask)


def _read_graph(folder: Path, recall: float) -> Graph:
    rows, distances = (np.load(folder / name, mmap_mode="r") for name in (NEIGHBOURS, DISTANCES))
    return Graph(rows, distances, recall)


_lock = threading.Lock()
_open: OrderedDict[Path, tuple[int, Generation]] = OrderedDict()


def folder_of(project_id: int, embedder_id: int) -> Path:
    return index_folder() / str(project_id) / str(embedder_id)


def open_generation(db: Db, project_id: int, embedder_id: int) -> Generation | None:
    """The newest whole generation, kept open; None where there is none that this database can trust."""
    folder = folder_of(project_id, embedder_id)
    try:
        changed = (folder / MANIFEST).stat().st_mtime_ns
    except OSError:
        return None
    with _lock:
        known = _open.get(folder)
        if known is None or known[0] != changed:
            # A second time, since a new generation may have swept this one away meanwhile.
            generation = _opened(db, folder) or _opened(db, folder)
            if generation is None:
                return None
            _open[folder] = known = (changed, generation)
            while len(_open) > MOST_OPEN:
                _open.popitem(last=False)
        _open.move_to_end(folder)
        return known[1]


def _opened(db: Db, folder: Path) -> Generation | None:
    try:
        manifest = read_manifest(folder)
        inside = folder / f"gen-{manifest.generation}"
        sound = all(checksum(inside / name) == tuple(sums) for name, sums in manifest.files.items())
        if not sound or manifest.database != database_identity(db):
            return None
        return Generation(inside, manifest)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        # Deleted or damaged: PostgreSQL answers until the next build.
        return None


def read_manifest(folder: Path) -> Manifest:
    """Raises OSError where there is none, ValueError, KeyError or TypeError where it is damaged."""
    values = json.loads((folder / MANIFEST).read_text())
    sketch = Sketch(**values.pop("sketch")) if values["sketch"] else values.pop("sketch")
    return Manifest(**values, sketch=sketch)


def database_identity(db: Db) -> str:
    """Which database this is, on which line of its life: after a restore, numbers of transactions begin anew."""
    row = db.execute(
        """
        select s.system_identifier, c.timeline_id, d.oid
        from pg_control_system() s, pg_control_checkpoint() c, pg_database d
        where d.datname = current_database()
        """
    ).fetchone()
    return f"{row.system_identifier}:{row.timeline_id}:{row.oid}"


def checksum(path: Path) -> tuple[int, int]:
    """Size and crc32; of a very large file, of blocks all over it."""
    size, crc = path.stat().st_size, 0
    step = max(BLOCK, size // MOST_BLOCKS // 4096 * 4096)
    with path.open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            crc = zlib.crc32(file.read(BLOCK), crc)
        file.seek(max(0, size - BLOCK))
        crc = zlib.crc32(file.read(BLOCK), crc)
    return size, crc


@job_body("index")
def run(job: JobContext) -> None:
    """Index a project's vectors anew, where that is worth it, or where the argument `anew` asks for it."""
    search.configure(job.settings)
    with connect(job.database_url, autocommit=True) as db:
        row = db.execute("select embedder_id from project where id = %s", [job.project_id]).fetchone()
        if row is None or row.embedder_id is None:
            job.log("The project has no embedder, so there is nothing to index.")
            return
        known = open_generation(db, job.project_id, row.embedder_id)
        if known and not job.args.get("anew") and not is_due(db, job.project_id):
            manifest = known.manifest
            job.log(f"The index has {manifest.n:,} vectors, and the few since then are compared in PostgreSQL.")
        else:
            manifest = build(db, job.settings.home / "index", job.project_id, row.embedder_id, job.progress)
            job.log(_told(manifest))
        if manifest and manifest.graph_recall is None:
            # The index answers already: what is built now is for outliers, mistakes, duplicates and stragglers.
            folder = job.settings.home / "index" / str(job.project_id) / str(row.embedder_id)
            recall = add_graph(folder, manifest, job.progress).graph_recall
            if recall is not None:
                job.log(f"The neighbours of each are known. Recall {recall:.1%}.")


def request(db: Db, project_id: int, account_id: int | None = None) -> int | None:
    """Queue the building of a new generation, where one is due and none is being built; returns the job's id."""
    busy = db.execute(
        "select from job where project_id = %s and kind = 'index' and status in ('queued', 'running')", [project_id]
    ).fetchone()
    if busy is not None or not (is_due(db, project_id) or lacks_graph(db, project_id)):
        return None
    return enqueue(db, "index", search.INDEX_TITLE, project_id, account_id, {})


def request_all(db: Db) -> list[int]:
    """Queue a new generation for every project that wants one; returns the jobs' ids.

    A build that has just ended, perhaps for want of room, is not asked for again at once. A query for each project is
    needed: each has a file of its own that says from which transaction on to count.
    """
    rows = db.execute(
        """
        select id
        from project
        where embedder_id is not null
          and not exists (
              select
              from job
              where job.project_id = project.id
                and kind = 'index'
                and ended_at > now() - make_interval(mins => %s)
          )
        order by id
        """,
        [REST_MIN],
    ).fetchall()
    return [job_id for row in rows if (job_id := request(db, row.id)) is not None]


def is_due(db: Db, project_id: int) -> bool:
    """Whether so many vectors came since the last generation that a new one is worth it."""
    row = db.execute("select embedder_id from project where id = %s", [project_id]).fetchone()
    if row is None or row.embedder_id is None:
        return False
    generation = open_generation(db, project_id, row.embedder_id)
    horizon, n = (generation.manifest.horizon, generation.manifest.n) if generation else (0, 0)
    most = max(WORTH_A_FILE, n * MOST_DELTA_PERCENT // 100)
    later = db.execute(
        """
        select count(*) as n
        from (
            select
            from object_vector
            where embedder_id = %s
              and project_id = %s
              and tx >= %s::text::xid8
            limit %s
        ) as delta
        """,
        [row.embedder_id, project_id, str(horizon), most],
    ).fetchone()
    return later.n >= most


def lacks_graph(db: Db, project_id: int) -> bool:
    """Whether a project has an index without the neighbours of each vector."""
    row = db.execute("select embedder_id from project where id = %s", [project_id]).fetchone()
    if row is None or row.embedder_id is None:
        return False
    generation = open_generation(db, project_id, row.embedder_id)
    return generation is not None and generation.graph is None


def _told(manifest: Manifest | None) -> str:
    if manifest is None:
        return f"Fewer than {WORTH_A_FILE:,} vectors: PostgreSQL compares them all, and no index is needed."
    if manifest.sketch is None:
        return f"{manifest.n:,} vectors indexed. Answers are exact."
    recall = min(manifest.sketch.recall_most, manifest.sketch.recall_least)
    return f"{manifest.n:,} vectors indexed. Recall {recall:.1%} on held-out exact answers."


def build(db: Db, home: Path, project_id: int, embedder_id: int, progress: Any = None) -> Manifest | None:
    """Write a new generation and put it in the place of the former. Returns None where the vectors are too few.

    db: in autocommit, since a long transaction would hold the horizon back. Safe to kill at any moment.
    """
    report = progress or (lambda done, total, unit, message: None)
    folder = home / str(project_id) / str(embedder_id)
    folder.mkdir(parents=True, exist_ok=True)
    horizon, ids = _base(db, project_id, embedder_id)
    if len(ids) < WORTH_A_FILE:
        return None
    number = 1 + max((int(path.name.split("-")[1]) for path in folder.glob("gen-*")), default=0)
    inside = folder / f"gen-{number}"
    inside.mkdir()
    dimension = db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone().dimension
    ids = _copy_vectors(db, inside / VECTORS, project_id, embedder_id, horizon, ids, dimension, report)
    _write_array(inside / IDS, ids.astype(np.int64))
    sketch = build_sketch(inside, lambda done, total, step: report(done, total, "vectors", step))
    files = {path.name: _synced(path) for path in inside.iterdir()}
    manifest = Manifest(number, database_identity(db), horizon, len(ids), files, sketch)
    _publish(folder, manifest)
    _sweep(folder, number)
    return manifest


def add_graph(folder: Path, manifest: Manifest, progress: Any = None) -> Manifest:
    """Write the neighbours of each vector into a generation that is in use, and tell of them in its manifest.

    Returns the manifest as it was where a newer generation came meanwhile. Safe to kill at any moment.
    """
    report = progress or (lambda done, total, unit, message: None)
    inside = folder / f"gen-{manifest.generation}"
    graph = build_graph(Index(inside, None), report=lambda done, total, step: report(done, total, "vectors", step))
    if read_manifest(folder).generation != manifest.generation:
        return manifest
    arrays = {NEIGHBOURS: graph.rows, DISTANCES: graph.distances, STACKS: duplicate_stacks(graph)}
    for name, array in arrays.items():
        _write_array(inside / name, array)
    files = manifest.files | {name: _synced(inside / name) for name in arrays}
    manifest = replace(manifest, files=files, graph_recall=graph.recall)
    _publish(folder, manifest)
    return manifest


def _base(db: Db, project_id: int, embedder_id: int) -> tuple[int, np.ndarray]:
    """The horizon, and the ids of all vectors before it, ascending."""
    row = db.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon").fetchone()
    return row.horizon, vector_ids(db, embedder_id, project_id, before=row.horizon)


def _copy_vectors(
    db: Db, path: Path, project_id: int, embedder_id: int, horizon: int, ids: np.ndarray, dimension: int, report: Any
) -> np.ndarray:
    """Write the vectors in the order of their ids, and return the ids written: all that nobody removed meanwhile."""
    found = []
    writer = VectorWriter(path, dimension)
    for start in range(0, len(ids), ROWS):
        part = ids[start : start + ROWS]
        read, vectors = _vectors_between(db, project_id, embedder_id, horizon, int(part[0]), int(part[-1]), dimension)
        writer.write(vectors)
        found.append(read)
        report(start + len(part), len(ids), "vectors", "reading vectors")
    writer.close()
    return np.concatenate(found)


def _vectors_between(
    db: Db, project_id: int, embedder_id: int, horizon: int, first: int, last: int, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ids and float16 vectors of a range of ids, ascending."""
    ids, vectors = fetch_vectors(
        db,
        """
        select array_agg(object_id), array_agg(v)
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and tx < %s::text::xid8
          and object_id between %s and %s
        """,
        [embedder_id, project_id, str(horizon), first, last],
        dimension,
    )
    order = np.argsort(ids)
    return ids[order], vectors[order]


def _write_array(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _synced(path: Path) -> tuple[int, int]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return checksum(path)


def _publish(folder: Path, manifest: Manifest) -> None:
    """The files are on the disk: now one rename makes them the generation that is asked."""
    sync_folder(folder / f"gen-{manifest.generation}")
    temporary = folder / f"{MANIFEST}.{os.getpid()}.tmp"
    with temporary.open("w") as file:
        json.dump(asdict(manifest), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST)
    sync_folder(folder)


def _sweep(folder: Path, kept: int) -> None:
    """Remove former generations and what killed builds left; who has them open goes on reading."""
    for path in folder.iterdir():
        if path.name.startswith("gen-") and path.name != f"gen-{kept}":
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.endswith(".tmp"):
            path.unlink(missing_ok=True)
