"""A project that is alike in two ways: plainly by one, and in a space that forgets it by another."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.projects.access import Project, find_project
from indexer.linear_map import LinearMap
from tests.search.conftest import add_vectors, make_embedder, own_home
from tests.small_projects import Person, SmallProject, make_project

__all__ = ["own_home"]
N, PLAIN_GROUPS, HIDDEN_GROUPS = 120, 4, 3


def two_ways(n: int, seed: int) -> np.ndarray:
    """Vectors whose first half says the plain group (place modulo four) aloud, and whose second half whispers the
    hidden one."""
    rng = np.random.default_rng(seed)
    place = np.arange(n)
    made = 0.02 * rng.normal(size=(n, 16))
    made[place, place % PLAIN_GROUPS] += 1.0
    made[place, 8 + place // PLAIN_GROUPS % HIDDEN_GROUPS] += 0.3
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def forgetful() -> LinearMap:
    """Keeps what is whispered only."""
    kept = np.where(np.arange(16) < 8, 0.001, 1.0)
    return LinearMap(np.diag(kept).astype(np.float32), np.zeros(16, np.float32))


@dataclass
class World:
    """A project and another one, whose objects are alike in the same two ways."""

    db: Db
    home: Path
    small: SmallProject
    other: SmallProject
    embedder_id: int

    @property
    def project(self) -> Project:
        """As an application manager sees it for whom size does not count."""
        return replace(find_project(self.db, Viewer(Account(0, "", "", True)), self.small.id), size_weight=0.0)

    def plain(self, object_id: int, of: SmallProject | None = None) -> int:
        return (of or self.small).ids.index(object_id) % PLAIN_GROUPS

    def hidden(self, object_id: int, of: SmallProject | None = None) -> int:
        return (of or self.small).ids.index(object_id) // PLAIN_GROUPS % HIDDEN_GROUPS

    def groups(self, ids: list[int], of: SmallProject | None = None) -> tuple[set[int], set[int]]:
        """The plain and the hidden groups of some objects."""
        return {self.plain(one, of) for one in ids}, {self.hidden(one, of) for one in ids}

    def of_hidden(self, group: int, of: SmallProject | None = None) -> list[int]:
        return [one for one in (of or self.small).ids if self.hidden(one, of) == group]

    def of_plain(self, group: int) -> list[int]:
        return [one for one in self.small.ids if self.plain(one) == group]

    def learn(self, learned: LinearMap | None = None, project_id: int = 0) -> int:
        """Have the project compare in a space that forgets what is said aloud."""
        space_id = make_space(self.db, project_id or self.small.id, self.embedder_id, learned or forgetful())
        self.db.execute("update project set space_id = %s where id = %s", [space_id, project_id or self.small.id])
        self.db.commit()
        return space_id


REPORT = {
    "seen": {"n": 30, "before": 0.5, "after": 0.7}, "balanced": {"n": 3, "before": 0.5, "after": 0.7}, "unseen": None,
    "n_labels": 90, "n_taxa": 3, "by_group": True, "method": "discriminant analysis", "is_better": True,
    "because": "On held-out objects it gains 20.0 points.", "per_taxon": [], "n_own": 90, "n_references": 0,
    "seconds": 0.1, "n_validated": 90,
}  # fmt: skip


def make_space(db: Db, project_id: int, embedder_id: int, learned: LinearMap, status: str = "adopted") -> int:
    row = db.execute(
        """
        insert into space (project_id, embedder_id, version, dimension, map, n_labels, status, report, adopted_at)
        select %s, %s, coalesce(max(version), 0) + 1, %s, %s, 90, %s, %s, now() from space where project_id = %s
        returning id
        """,
        [
            project_id, embedder_id, learned.dimension, learned.to_bytes(), status, Jsonb(REPORT), project_id,
        ],
    ).fetchone()  # fmt: skip
    return int(row.id)


@pytest.fixture
def world(db: Db, own_home: Path) -> World:
    small, other = make_project(db, N), make_project(db, N, "Other")
    embedder_id = make_embedder(db, 16)
    for seed, one in enumerate((small, other)):
        add_vectors(db, embedder_id, one.id, one.ids, two_ways(N, seed))
        db.execute("update project set embedder_id = %s where id = %s", [embedder_id, one.id])
    db.commit()
    return World(db, own_home, small, other, embedder_id)


def account_of(who: Person) -> Account:
    return Account(who.id, who.email, who.name, who.is_application_manager)


@pytest.fixture
def manager(db: Db) -> Person:
    row = db.execute(
        "insert into account (email, name, is_application_manager) values ('m@example.org', 'Mo', true) returning id"
    ).fetchone()
    db.commit()
    return Person(row.id, "Mo", "m@example.org", True)
