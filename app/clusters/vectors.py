"""Vectors of a run's objects: copied once into a file that a killed job finds again, or read for a few cards."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.clusters.runs import Run
from app.database import Db
from app.projects.references import all_sources
from app.search.arrays import fetch_vectors
from app.search.sizes import sizes_of
from app.search.vector_ids import vector_ids
from indexer.spaces import N_FEATURES, with_size

ROWS = 10_000  # read at once
IDS, VECTORS = "ids.npy", "vectors.npy"


def read(db: Db, project_id: int, embedder_id: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the ids that have a vector, int64 [n], in their order, and the vectors, float16 [n, d]."""
    dimension = _dimension(db, embedder_id)
    pieces = [
        _piece(db, project_id, embedder_id, ids[start : start + ROWS], dimension) for start in range(0, len(ids), ROWS)
    ]
    none = (np.empty(0, np.int64), np.empty((0, dimension), np.float16))
    found, vectors = zip(*(pieces or [none]), strict=True)
    return np.concatenate(found), np.concatenate(vectors)


def read_known(db: Db, project_id: int, embedder_id: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of validated objects, which may be those of reference projects: each is in one project only."""
    of = [project_id, *(source.id for source in all_sources(db, project_id, embedder_id))]
    found, vectors = zip(*(read(db, one, embedder_id, ids) for one in of), strict=True)
    return np.concatenate(found), np.concatenate(vectors)


def beside(db: Db, run: Run, ids: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors of the project's objects, or of its references', as the run compares them: with sizes if they count."""
    if not run.size_weight:
        return vectors
    sizes = sizes_of(db, run.project_id, ids)
    if np.isnan(sizes).any():
        for source in all_sources(db, run.project_id, None):
            sizes = np.fmax(sizes, sizes_of(db, source.id, ids))
    return with_size(vectors, sizes, run.size_weight).astype(np.float16)


def plain(vectors: np.ndarray, size_weight: float) -> np.ndarray:
    """The same without sizes beside them, float32 of unit length."""
    alone = np.asarray(vectors, np.float32)
    if size_weight:
        alone = alone[:, :-N_FEATURES]
        alone = alone / np.maximum(np.linalg.norm(alone, axis=1, keepdims=True), 1e-12)
    return alone


def copied(
    db: Db, folder: Path, run: Run, embedder_id: int, ids: np.ndarray, report: Callable[[int, int, str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """The same, the vectors as a file of `folder`; what an interrupted run copied whole is taken, where nothing came to
    it since."""
    folder = folder / str(embedder_id)
    wanted = ids[np.isin(ids, vector_ids(db, embedder_id, run.project_id))]
    if not (folder / IDS).exists() or not np.isin(wanted, np.load(folder / IDS)).all():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / IDS).unlink(missing_ok=True)
        _copy(db, folder, run, embedder_id, wanted, report)
    found = np.load(folder / IDS)
    vectors = np.load(folder / VECTORS, mmap_mode="r")[: len(found)]
    still = np.isin(found, wanted)
    return (found, vectors) if still.all() else (found[still], vectors[still])


def _copy(
    db: Db, folder: Path, run: Run, embedder_id: int, ids: np.ndarray, report: Callable[[int, int, str], None]
) -> None:
    dimension = _dimension(db, embedder_id)
    width = dimension + (N_FEATURES if run.size_weight else 0)
    file = np.lib.format.open_memmap(folder / VECTORS, "w+", np.float16, (max(len(ids), 1), width))
    found, n = [np.empty(0, np.int64)], 0
    for start in range(0, len(ids), ROWS):
        report(start, len(ids), "reading vectors")
        part, vectors = _piece(db, run.project_id, embedder_id, ids[start : start + ROWS], dimension)
        file[n : n + len(part)] = beside(db, run, part, vectors)
        found.append(part)
        n += len(part)
    file.flush()
    # Written last, and at once: where it is, the vectors are whole.
    np.save(folder / "ids.tmp.npy", np.concatenate(found))
    (folder / "ids.tmp.npy").replace(folder / IDS)


def _piece(db: Db, project_id: int, embedder_id: int, ids: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    found, vectors = fetch_vectors(
        db,
        """
        select array_agg(object_id), array_agg(v)
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and object_id = any(%s::bigint[])
        """,
        [embedder_id, project_id, ids.tolist()],
        dimension,
    )
    row_of = {object_id: row for row, object_id in enumerate(found.tolist())}
    rows = [row_of[object_id] for object_id in ids.tolist() if object_id in row_of]
    return found[rows], vectors[rows]


def _dimension(db: Db, embedder_id: int) -> int:
    return int(db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone().dimension)
