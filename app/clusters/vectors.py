"""Vectors of a run's objects: copied once into a file that a killed job finds again, or read for a few cards."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.clusters.runs import Run
from app.database import Db
from app.projects.references import all_sources
from app.search.arrays import fetch_vectors_of
from app.search.generations import folder_name
from app.search.sizes import Space, sizes_of
from app.search.vector_ids import vector_ids
from app.spaces.current import mapped
from indexer.spaces import N_FEATURES, with_size

ROWS = 10_000  # read at once
IDS, VECTORS = "ids.npy", "vectors.npy"


def current(db: Db, project_id: int) -> Space:
    """What a project's objects are compared in now, without sizes."""
    row: Any = db.execute("select embedder_id, space_id from project where id = %s", [project_id]).fetchone()
    return Space(project_id, row.embedder_id, 0.0, row.space_id)


def of_run(db: Db, run: Run) -> Space:
    """What a run was cut in; the plain space where the project has another embedder by now."""
    row: Any = db.execute(
        """
        select project.embedder_id, space.id as space_id
        from cluster_run
        join project on project.id = cluster_run.project_id
        left join space on space.id = cluster_run.space_id and space.embedder_id = project.embedder_id
        where cluster_run.id = %s
        """,
        [run.id],
    ).fetchone()
    return Space(run.project_id, row.embedder_id, 0.0, row.space_id)


def read(db: Db, space: Space, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the ids that have a vector, int64 [n], in their order, and the vectors in the space, float [n, d]."""
    dimension = _dimension(db, space.embedder_id)
    pieces = [_piece(db, space, ids[start : start + ROWS], dimension) for start in range(0, len(ids), ROWS)]
    none = (np.empty(0, np.int64), np.empty((0, dimension), np.float16))
    found, vectors = zip(*(pieces or [none]), strict=True)
    return np.concatenate(found), np.concatenate(vectors)


def read_known(db: Db, space: Space, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of validated objects, which may be those of reference projects: each is in one project only."""
    of = [space.id, *(source.id for source in all_sources(db, space.id, space.embedder_id))]
    found, vectors = zip(*(read(db, replace(space, id=one), ids) for one in of), strict=True)
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
    db: Db, folder: Path, run: Run, space: Space, ids: np.ndarray, report: Callable[[int, int, str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """The same, the vectors as a file of `folder`; what an interrupted run copied whole is taken, where nothing came to
    it since."""
    folder = folder / folder_name(space.embedder_id or 0, space.space_id)
    wanted = ids[np.isin(ids, vector_ids(db, space.embedder_id or 0, run.project_id))]
    if not (folder / IDS).exists() or not np.isin(wanted, np.load(folder / IDS)).all():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / IDS).unlink(missing_ok=True)
        _copy(db, folder, run, space, wanted, report)
    found = np.load(folder / IDS)
    vectors = np.load(folder / VECTORS, mmap_mode="r")[: len(found)]
    still = np.isin(found, wanted)
    return (found, vectors) if still.all() else (found[still], vectors[still])


def _copy(
    db: Db, folder: Path, run: Run, space: Space, ids: np.ndarray, report: Callable[[int, int, str], None]
) -> None:
    dimension = _dimension(db, space.embedder_id)
    width = dimension + (N_FEATURES if run.size_weight else 0)
    file = np.lib.format.open_memmap(folder / VECTORS, "w+", np.float16, (max(len(ids), 1), width))
    found, n = [np.empty(0, np.int64)], 0
    for start in range(0, len(ids), ROWS):
        report(start, len(ids), "reading vectors")
        part, vectors = _piece(db, space, ids[start : start + ROWS], dimension)
        file[n : n + len(part)] = beside(db, run, part, vectors)
        found.append(part)
        n += len(part)
    file.flush()
    # Written last, and at once: where it is, the vectors are whole.
    np.save(folder / "ids.tmp.npy", np.concatenate(found))
    (folder / "ids.tmp.npy").replace(folder / IDS)


def _piece(db: Db, space: Space, ids: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    found, vectors = fetch_vectors_of(db, space.embedder_id, space.id, ids.tolist(), dimension)
    row_of = {object_id: row for row, object_id in enumerate(found.tolist())}
    rows = [row_of[object_id] for object_id in ids.tolist() if object_id in row_of]
    return found[rows], mapped(db, space, vectors[rows])


def _dimension(db: Db, embedder_id: int | None) -> int:
    return int(db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone().dimension)
