"""A project of thirty objects, most of them with vectors in groups, and what works its batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import numpy as np
import pytest

from app.accounts.viewer import Account, Viewer
from app.batches import graph_sources, page_marks, work
from app.batches.batch import Batch
from app.batches.make import make_batch
from app.batches.page import PageInHand, next_page
from app.batches.sources import Source
from app.batches.work import PageAct, SingleAct, Worked
from app.database import Db
from app.objects import preferences
from app.objects.preferences import PreferenceChange
from app.projects.access import Project, find_project
from tests.search.conftest import add_vectors, make_embedder, own_home, unit_vectors
from tests.small_projects import Person, SmallProject, make_project

__all__ = ["graph_sources", "own_home"]

N, N_WITHOUT, N_GROUPS = 120, 3, 4


@pytest.fixture
def small(db: Db) -> SmallProject:
    return make_project(db, N)


@pytest.fixture
def vectors(db: Db, small: SmallProject) -> np.ndarray:
    """Unit vectors of all but the last three objects, in four groups: an object's is its place modulo four."""
    centres = unit_vectors(N_GROUPS, 16, seed=5)
    made = centres[np.arange(N - N_WITHOUT) % N_GROUPS] + 0.15 * unit_vectors(N - N_WITHOUT, 16, seed=6)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    embedder_id = make_embedder(db, 16)
    add_vectors(db, embedder_id, small.id, small.ids[: len(made)], made)
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, small.id])
    return made


@pytest.fixture
def seen(db: Db, small: SmallProject, vectors: np.ndarray) -> Project:
    """The project with vectors, as an application manager sees it for whom size does not count."""
    return replace(find_project(db, Viewer(Account(0, "", "", True)), small.id), size_weight=0.0)


@dataclass
class Worker:
    """One person who works batches of the project."""

    db: Db
    small: SmallProject
    project: Project
    person: Person

    def make(self, kind: str = "filter", order: str = "neighbours", **more: object) -> Batch:
        limit, taxon_id = more.pop("limit", 1000), more.pop("taxon_id", None)
        more |= more.pop("args", {})
        return make_batch(self.db, self.project, self.person, Source(kind, dict(more)), order, limit, taxon_id)

    def page(self, batch: Batch, n: int = 20) -> PageInHand:
        return next_page(self.db, self.project, self.person, batch.id, n)

    def look(self, batch: Batch, page: PageInHand, ids: Sequence[int] | None = None) -> None:
        seen = ids_of(page) if ids is None else list(ids)
        page_marks.note_seen(self.db, self.project, self.person, batch.id, page.number, seen)

    def act(self, page: PageInHand, marked: Sequence[int], taxon: str | None = None, **more: object) -> PageAct:
        states = {tile["id"]: tile["state"] for tile in page.tiles}
        taxon_id = self.small.taxa[taxon] if taxon else None
        not_this, client_id = list(more.pop("not_this", ())), more.pop("client_id", uuid4())
        return PageAct(client_id, list(marked), [states[id] for id in marked], not_this, taxon_id, **more)

    def apply(
        self, batch: Batch, page: PageInHand, marked: Sequence[int], taxon: str | None = None, **more: object
    ) -> Worked:
        """Look at the whole page, then label."""
        self.look(batch, page)
        act = self.act(page, marked, taxon, **more)
        return work.apply_page(self.db, self.project, self.person, batch.id, page.number, act)


@pytest.fixture
def worker(db: Db, small: SmallProject, seen: Project) -> Callable[[Person], Worker]:
    def work_as(person: Person) -> Worker:
        preferences.write(db, small.id, person.id, PreferenceChange(size_weight=0.0))
        return Worker(db, small, seen, person)

    return work_as


@pytest.fixture
def mine(worker: Callable[[Person], Worker], ada: Person) -> Worker:
    return worker(ada)


@pytest.fixture
def theirs(worker: Callable[[Person], Worker], ben: Person) -> Worker:
    return worker(ben)


def ids_of(page: PageInHand) -> list[int]:
    return [tile["id"] for tile in page.tiles]


def stroke(page: PageInHand, ids: list[int], taxon_id: int) -> SingleAct:
    """What a stroke of the brush says."""
    states = {tile["id"]: tile["state"] for tile in page.tiles}
    return SingleAct(uuid4(), ids, [states[id] for id in ids], taxon_id)
