"""Brings vectors that were made elsewhere into a project, as an embedder of their own."""

from pathlib import Path
from typing import Protocol

import numpy as np

from app import database
from app.database import Db
from app.errors import Refused
from app.search import embedders
from app.search.vector_copy import write_vectors
from indexer.embedders import EmbedderError
from indexer.embedders.brought import BroughtVectors, Chunk


class Report(Protocol):
    """Of a job's context, what this work needs."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...
    def log(self, line: str) -> None: ...


def bring(database_url: str, project_id: int, path: str, name: str, report: Report) -> int:
    """Write the vectors of a file to the project's objects and let it use them; returns how many were written.

    Files of the same `name` belong together. Ids that no object of the project has are counted and told. Repeated, it
    adds what is missing.
    """
    try:
        brought = BroughtVectors(Path(path), name)
        return _bring(database_url, project_id, brought, report)
    except EmbedderError as error:
        raise Refused(str(error)) from error


def _bring(database_url: str, project_id: int, brought: BroughtVectors, report: Report) -> int:
    done = written = unknown = 0
    with database.connect(database_url, autocommit=True) as db:
        with db.transaction():
            embedder_id = embedders.register(db, brought)
        for chunk in brought.chunks():
            with db.transaction():
                ids, rows = _objects(db, project_id, chunk)
                written += write_vectors(db, embedder_id, project_id, ids, chunk.vectors[rows])
            done += len(chunk.ids)
            unknown += len(chunk.ids) - len(np.unique(rows))
            report.progress(done, brought.count, "vectors")
        if unknown == done:
            raise Refused(
                f"None of the {done:,} ids in {brought.path} is an object of this project: nothing was changed."
            )
        with db.transaction():
            embedders.use(db, project_id, embedder_id)
    if unknown:
        report.log(f"{unknown:,} of {done:,} ids are no objects of this project; their vectors were left out.")
    return written


def _objects(db: Db, project_id: int, chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
    """The ids of the objects that a chunk speaks of, and for each the row of its vector."""
    column, kind = ("id", "bigint") if chunk.by_id else ("orig_id", "text")
    found = db.execute(
        f"""
        select object.id, given.row - 1 as row
        from unnest(%s::{kind}[]) with ordinality as given (id, row)
        join object on object.project_id = %s and object.{column} = given.id
        """,  # noqa: S608 - one of two constants
        [chunk.ids.tolist(), project_id],
    ).fetchall()
    return np.array([row.id for row in found], np.int64), np.array([row.row for row in found], np.int64)
