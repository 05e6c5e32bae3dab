"""A project of heaps: objects that stand together in 16 dimensions, some of them labelled."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from app.clusters import job, runs
from app.clusters.runs import CardWish, Run
from app.database import Db
from tests.search.conftest import add_vectors, make_embedder, own_home
from tests.small_projects import SmallProject, make_project

__all__ = ["own_home"]


class Unheard:
    """The report of work that nobody watches."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        pass


@dataclass
class Heaps:
    """The project, and which of its objects stand together."""

    project: SmallProject
    embedder_id: int
    url: str
    home: Path
    heap_of: dict[int, int]

    def heap(self, number: int) -> list[int]:
        return [object_id for object_id, heap in self.heap_of.items() if heap == number]

    def ask(self, query: str = runs.UNLABELLED, n_wanted: int | None = None) -> Run:
        run = runs.ask(self.project.db, self.project.id, None, CardWish(query, n_wanted))
        self.project.db.commit()
        return run

    def cut(self, query: str = runs.UNLABELLED, n_wanted: int | None = None) -> Run:
        """Ask for cards and let the job make them."""
        run = self.ask(query, n_wanted)
        job.cut(self.url, self.home, run, Unheard())
        self.project.db.execute("update job set status = 'done' where id = %s", [run.job_id])
        self.project.db.commit()
        return runs.find(self.project.db, self.project.id, run.id)

    def members(self, run: Run) -> dict[int, list[int]]:
        rows = self.project.db.execute(
            "select id, object_ids from cluster where run_id = %s and not is_gone", [run.id]
        ).fetchall()
        return {row.id: row.object_ids for row in rows}


def make_heaps(db: Db, url: str, home: Path, n_heaps: int = 5, size: int = 30) -> Heaps:
    project = make_project(db, n_heaps * size)
    embedder_id = make_embedder(db, 16)
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, project.id])
    rng = np.random.default_rng(4)
    heap = np.arange(len(project.ids)) % n_heaps
    vectors = rng.standard_normal((n_heaps, 16))[heap] + 0.1 * rng.standard_normal((len(heap), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if project.ids:
        add_vectors(db, embedder_id, project.id, project.ids, vectors)
    db.commit()
    heap_of = dict(zip(project.ids, heap.tolist(), strict=True))
    return Heaps(project, embedder_id, url, home, heap_of)


@pytest.fixture
def heaps(db: Db, database_url: str, own_home: Path) -> Heaps:
    """150 objects in five heaps, nothing labelled."""
    return make_heaps(db, database_url, own_home)
