"""Two projects with validated objects and vectors, of which one teaches the other."""

from dataclasses import dataclass

import numpy as np
import pytest

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from tests.search.conftest import add_vectors, make_embedder, own_home, unit_vectors
from tests.small_projects import Person, SmallProject, ada, ben, make_project

__all__ = ["ada", "ben", "own_home"]
DIMENSION = 16


@dataclass(frozen=True)
class Seas:
    """`bay` is where sets are made, `gulf` another that teaches; Ada manages both, Ben the bay."""

    db: Db
    bay: SmallProject
    gulf: SmallProject
    embedder_id: int
    ada: Person
    ben: Person

    @property
    def taxa(self) -> dict[str, int]:
        return self.bay.taxa

    def project(self, who: Person | None = None) -> Project:
        return find_project(self.db, self.viewer(who or self.ada), self.bay.id)

    def viewer(self, who: Person) -> Viewer:
        return Viewer(Account(who.id, who.email, who.name, False))


def near(middle: int, n: int, seed: int) -> np.ndarray:
    """Vectors around one direction."""
    made = unit_vectors(1, DIMENSION, seed=middle) + 0.15 * unit_vectors(n, DIMENSION, seed=seed)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture
def seas(db: Db, ada: Person, ben: Person) -> Seas:
    """60 objects in the bay: 20 Oithona, 10 detritus validated; 40 in the gulf: 30 Oithona similis, 10 detritus."""
    embedder_id = make_embedder(db, DIMENSION)
    bay = make_project(db, 60, "Bay", embedder_id=embedder_id)
    gulf = make_project(db, 40, "Gulf", embedder_id=embedder_id)
    for project in (bay, gulf):
        set_member(db, project.id, ada.id, "manager")
    set_member(db, bay.id, ben.id, "manager")
    bay.do(ada, bay.ids[:20], taxon="Oithona")
    bay.do(ada, bay.ids[20:30], taxon="detritus")
    gulf.do(ada, gulf.ids[:30], taxon="Oithona similis")
    gulf.do(ada, gulf.ids[30:], taxon="detritus")
    add_vectors(db, embedder_id, bay.id, bay.ids[:20], near(1, 20, 11))
    add_vectors(db, embedder_id, bay.id, bay.ids[20:60], near(2, 40, 12))
    add_vectors(db, embedder_id, gulf.id, gulf.ids[:30], near(1, 30, 13))
    add_vectors(db, embedder_id, gulf.id, gulf.ids[30:], near(2, 10, 14))
    return Seas(db, bay, gulf, embedder_id, ada, ben)
