"""FAISS files that follow PostgreSQL: each generation holds the vectors of all transactions before a horizon.

A query completes it by what later transactions added and removed. The horizon is the oldest transaction that still ran
(xid8): every row with a smaller one was there to be read, for ever unchanged. Files can be deleted at any time.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from psycopg.conninfo import make_conninfo

from app import search
from app.database import connect
from app.database.connections import Db
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.search import index_folder
from app.search.arrays import fetch_vectors
from app.search.generation_files import (
    DISTANCES,
    IDS,
    MANIFEST,
    NEIGHBOURS,
    STACKS,
    Manifest,
    checksum,
    publish,
    read_manifest,
    sweep,
    synced,
    write_array,
)
from app.search.mirror import Mirror
from app.search.rows import Rows
from app.search.vector_ids import vector_ids
from app.spaces.current import map_of
from indexer.graph import Graph, build_graph
from indexer.index import VECTORS, Index, VectorWriter, build_sketch
from indexer.linear_map import LinearMap
from indexer.suspects import duplicate_stacks

WORTH_A_FILE = 20_000  # vectors; fewer are compared in PostgreSQL in 10 ms
MOST_DELTA_PERCENT = 2  # of a generation; PostgreSQL compares 10,000 later vectors in 7 ms
ROWS = 10_000  # read at once
MOST_OPEN = 16
REST_MIN = 60  # between two builds of one project that nobody asked for
DOUBT_S = 60.0  # for which what could not be opened is not looked at again


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


@dataclass(frozen=True)
class _Known:
    """What opening a manifest of that time gave; nothing where its files cannot be trusted, which may mend itself, as
    want of memory does."""

    changed: int | None
    generation: Generation | None
    looked_at: float

    def holds(self, changed: int) -> bool:
        return self.changed == changed and (self.generation is not None or monotonic() < self.looked_at + DOUBT_S)


_lock = threading.Lock()
_open: OrderedDict[Path, _Known] = OrderedDict()


def folder_of(project_id: int, embedder_id: int, space_id: int | None = None) -> Path:
    """Where the index of a project's vectors is, as they are or as a learned space maps them."""
    return folder_in(index_folder(), project_id, embedder_id, space_id)


def folder_in(home: Path, project_id: int, embedder_id: int, space_id: int | None = None) -> Path:
    return home / str(project_id) / folder_name(embedder_id, space_id)


def folder_name(embedder_id: int, space_id: int | None) -> str:
    return str(embedder_id) if space_id is None else f"{embedder_id}-{space_id}"


def open_generation(db: Db, project_id: int, embedder_id: int, space_id: int | None = None) -> Generation | None:
    """The newest whole generation, kept open; None where there is none that this database can trust."""
    folder = folder_of(project_id, embedder_id, space_id)
    changed = _changed(folder)
    if changed is None:
        return None
    with _lock:
        known = _open.get(folder)
        if known is None or not known.holds(changed):
            _open[folder] = known = _look(db, folder, changed)
            while len(_open) > MOST_OPEN:
                _open.popitem(last=False)
        _open.move_to_end(folder)
        return known.generation


def _changed(folder: Path) -> int | None:
    try:
        return (folder / MANIFEST).stat().st_mtime_ns
    except OSError:
        return None


def _look(db: Db, folder: Path, changed: int) -> _Known:
    """Once; a second time where a new generation has taken its place, and swept it away, meanwhile."""
    generation, now = _opened(db, folder), _changed(folder)
    if generation is None and now != changed:
        generation = _opened(db, folder)
    return _Known(now if generation is None else changed, generation, monotonic())


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


@job_body("index")
def run(job: JobContext) -> None:
    """Index a project's vectors anew, where that is worth it, or where the argument `anew` asks for it: as they are,
    and as the project's learned space maps them."""
    search.configure(job.settings)
    with connect(job.database_url, autocommit=True) as db:
        wanted = spaces_indexed(db, job.project_id or 0)
        if not wanted:
            job.log("The project has no embedder, so there is nothing to index.")
        for embedder_id, space_id in wanted:
            _index(db, job, embedder_id, space_id)


def _index(db: Db, job: JobContext, embedder_id: int, space_id: int | None) -> None:
    project_id, home = job.project_id or 0, job.settings.home / "index"
    known = open_generation(db, project_id, embedder_id, space_id)
    if known and not job.args.get("anew") and not _is_outgrown(db, project_id, embedder_id, space_id):
        manifest: Manifest | None = known.manifest
        job.log(f"The index has {known.manifest.n:,} vectors, and the few since then are compared in PostgreSQL.")
    else:
        manifest = build(db, home, project_id, embedder_id, job.progress, space_id)
        job.log(_told(manifest))
    if manifest and manifest.graph_recall is None:
        # The index answers already: what is built now is for outliers, mistakes, duplicates and stragglers.
        folder = folder_in(home, project_id, embedder_id, space_id)
        recall = add_graph(folder, manifest, job.progress).graph_recall
        if recall is not None:
            job.log(f"The neighbours of each are known. Recall {recall:.1%}.")


def spaces_indexed(db: Db, project_id: int) -> list[tuple[int, int | None]]:
    """Embedder and space of each index that a project is to have. The plain one stays beside a learned one: other
    projects search it, near-duplicates are told by it, and there is a way back to it."""
    row = db.execute("select embedder_id, space_id from project where id = %s", [project_id]).fetchone()
    if row is None or row.embedder_id is None:
        return []
    spaces = [None] if row.space_id is None else [None, row.space_id]
    return [(row.embedder_id, space_id) for space_id in spaces]


def request(db: Db, project_id: int, account_id: int | None = None) -> int | None:
    """Queue the building of a new generation, where one is due; returns the job's id. While one waits, it is that one;
    one that runs may have begun before the project came to the space that it has now."""
    if not (is_due(db, project_id) or lacks_graph(db, project_id)):
        return None
    return enqueue(db, "index", search.INDEX_TITLE, project_id, account_id, {})


def request_all(db: Db) -> list[int]:
    """Queue a new generation for every project that wants one; returns the jobs' ids.

    One that failed, perhaps for want of room, is not asked for again at once; nor is what ended well, as long as it
    can be opened. A query for each project is needed: each has a file of its own that says from which transaction on
    to count.
    """
    rows = db.execute(
        """
        select project.id, coalesce(bool_or(job.status = 'done'), false) as is_fresh
        from project
        left join job on job.project_id = project.id
                     and job.kind = 'index'
                     and (job.status in ('queued', 'running') or job.ended_at > now() - make_interval(mins => %s))
        where project.embedder_id is not null
        group by project.id
        having coalesce(bool_and(job.status = 'done'), true)
        order by project.id
        """,
        [REST_MIN],
    ).fetchall()
    wanted = [row.id for row in rows if not row.is_fresh or _lacks_index(db, row.id)]
    return [job_id for project_id in wanted if (job_id := request(db, project_id)) is not None]


def request_apart(db: Db, project_id: int) -> None:
    """Have an index built that a question lacks, whatever becomes of the caller's transaction; not while one is being
    built, nor soon after that failed."""
    busy = db.execute(
        """
        select
        from job
        where project_id = %s
          and kind = 'index'
          and (status in ('queued', 'running')
               or status <> 'done' and ended_at > now() - make_interval(mins => %s))
        limit 1
        """,
        [project_id, REST_MIN],
    ).fetchone()
    if busy is None:
        with connect(make_conninfo(db.info.dsn, password=db.info.password or None)) as own:
            request(own, project_id)


def is_due(db: Db, project_id: int) -> bool:
    """Whether so many vectors came since the last generation that a new one is worth it, in any of its spaces."""
    return any(_is_outgrown(db, project_id, *where) for where in spaces_indexed(db, project_id))


def _is_outgrown(db: Db, project_id: int, embedder_id: int, space_id: int | None) -> bool:
    generation = open_generation(db, project_id, embedder_id, space_id)
    horizon, n = (generation.manifest.horizon, generation.manifest.n) if generation else (0, 0)
    # In a learned space PostgreSQL compares nothing: the first vector is worth a file.
    few = WORTH_A_FILE if space_id is None or generation else 1
    most = max(few, n * MOST_DELTA_PERCENT // 100)
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
        [embedder_id, project_id, str(horizon), most],
    ).fetchone()
    return bool(later.n >= most)


def _lacks_index(db: Db, project_id: int) -> bool:
    return any(open_generation(db, project_id, *where) is None for where in spaces_indexed(db, project_id))


def lacks_graph(db: Db, project_id: int) -> bool:
    """Whether a project has an index without the neighbours of each vector."""
    opened = (open_generation(db, project_id, *where) for where in spaces_indexed(db, project_id))
    return any(generation is not None and generation.graph is None for generation in opened)


def _told(manifest: Manifest | None) -> str:
    if manifest is None:
        return f"Fewer than {WORTH_A_FILE:,} vectors: PostgreSQL compares them all, and no index is needed."
    if manifest.sketch is None:
        return f"{manifest.n:,} vectors indexed. Answers are exact."
    recall = min(manifest.sketch.recall_most, manifest.sketch.recall_least)
    return f"{manifest.n:,} vectors indexed. Recall {recall:.1%} on held-out exact answers."


def build(
    db: Db, home: Path, project_id: int, embedder_id: int, progress: Any = None, space_id: int | None = None
) -> Manifest | None:
    """Write a new generation and put it in the place of the former. Returns None where the vectors are too few: of a
    learned space, only where there are none.

    db: in autocommit, since a long transaction would hold the horizon back. Safe to kill at any moment.
    """
    report = progress or (lambda done, total, unit, message: None)
    folder = folder_in(home, project_id, embedder_id, space_id)
    horizon, ids = _base(db, project_id, embedder_id)
    if len(ids) < (WORTH_A_FILE if space_id is None else 1):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name.split("-")[1]) for path in folder.glob("gen-*")), default=0)
    inside = folder / f"gen-{number}"
    inside.mkdir()
    dimension = db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone().dimension
    copied = Copied(project_id, embedder_id, horizon, dimension, map_of(db, space_id))
    ids = _copy_vectors(db, inside / VECTORS, copied, ids, report)
    write_array(inside / IDS, ids.astype(np.int64))
    sketch = build_sketch(inside, lambda done, total, step: report(done, total, "vectors", step))
    files = {path.name: synced(path) for path in inside.iterdir()}
    manifest = Manifest(number, database_identity(db), horizon, len(ids), files, sketch)
    publish(folder, manifest)
    sweep(folder, number)
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
        write_array(inside / name, array)
    files = manifest.files | {name: synced(inside / name) for name in arrays}
    manifest = replace(manifest, files=files, graph_recall=graph.recall)
    publish(folder, manifest)
    return manifest


def _base(db: Db, project_id: int, embedder_id: int) -> tuple[int, np.ndarray]:
    """The horizon, and the ids of all vectors before it, ascending."""
    row = db.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon").fetchone()
    return row.horizon, vector_ids(db, embedder_id, project_id, before=row.horizon)


@dataclass(frozen=True)
class Copied:
    """Which vectors a generation holds: those before its horizon, as they are or as a learned space maps them."""

    project_id: int
    embedder_id: int
    horizon: int
    dimension: int
    learned: LinearMap | None


def _copy_vectors(db: Db, path: Path, of: Copied, ids: np.ndarray, report: Any) -> np.ndarray:
    """Write the vectors in the order of their ids, and return the ids written: all that nobody removed meanwhile."""
    found = []
    writer = VectorWriter(path, of.dimension)
    for start in range(0, len(ids), ROWS):
        part = ids[start : start + ROWS]
        read, vectors = _vectors_between(db, of, int(part[0]), int(part[-1]))
        writer.write(vectors if of.learned is None else of.learned.apply(vectors).astype(np.float16))
        found.append(read)
        report(start + len(part), len(ids), "vectors", "reading vectors")
    writer.close()
    return np.concatenate(found)


def _vectors_between(db: Db, of: Copied, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
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
        [of.embedder_id, of.project_id, str(of.horizon), first, last],
        of.dimension,
    )
    order = np.argsort(ids)
    return ids[order], vectors[order]
