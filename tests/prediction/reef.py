"""A project of 120 objects with vectors of three taxa, of which a classifier has learnt a third; and a run's rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.jobs import foreground
from app.labels.counts import project_counts
from app.prediction.runs_made import start_prediction
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from app.search.vector_copy import write_vectors
from app.settings import Settings
from tests.prediction.classifiers import keep_classifier, learnt
from tests.search.conftest import make_embedder, own_home, unit_vectors
from tests.small_projects import Person, SmallProject, ada, ben, make_project, true_counts

__all__ = ["Reef", "ada", "ben", "own_home", "reef"]
DIMENSION, N, N_LABELLED = 16, 120, 40
NAMES = ("Oithona", "Calanoida", "detritus")


@dataclass
class Reef:
    """The project, what its objects truly are, and who manages it."""

    db: Db
    settings: Settings
    made: SmallProject
    embedder_id: int
    vectors: np.ndarray
    truth: list[str]
    ada: Person
    classifier_id: int = 0

    @property
    def id(self) -> int:
        return self.made.id

    @property
    def ids(self) -> list[int]:
        return self.made.ids

    def project(self) -> Project:
        return find_project(self.db, Viewer(Account(self.ada.id, self.ada.email, self.ada.name, False)), self.id)

    def start(self, **wish: Any) -> tuple[int, int]:
        """Ask for a run; it waits."""
        classifier_id = wish.pop("classifier_id", self.classifier_id)
        started = start_prediction(self.db, self.project(), self.ada.id, classifier_id, **wish)
        self.db.commit()
        return started

    def work(self, job_id: int) -> None:
        self.db.commit()
        foreground.run_waiting(self.settings, self.settings.database_url, job_id)
        self.db.rollback()

    def predict(self, **wish: Any) -> int:
        run_id, job_id = self.start(**wish)
        self.work(job_id)
        return run_id

    def run(self, run_id: int) -> Any:
        return self.db.execute("select * from run where id = %s", [run_id]).fetchone()

    def shown(self) -> int | None:
        self.db.rollback()
        shown: int | None = self.db.execute(
            "select current_run_id from project where id = %s", [self.id]
        ).fetchone().current_run_id  # fmt: skip
        return shown

    def rows(self, run_id: int) -> dict[int, Any]:
        rows = self.db.execute(
            "select * from prediction where project_id = %s and run_id = %s order by object_id", [self.id, run_id]
        )
        return {row.object_id: row for row in rows}

    def counts(self) -> dict[tuple[int, str], int]:
        """As told, and as counted from the rows."""
        self.db.rollback()
        told = project_counts(self.db, self.id)
        assert told == true_counts(self.made)
        return told

    def logged(self, job_id: int) -> str:
        return "\n".join(row.line for row in self.db.execute("select line from job_log where job_id = %s", [job_id]))


@pytest.fixture
def reef(db: Db, settings: Settings, ada: Person) -> Reef:
    """40 objects validated, 80 not; every third is of each taxon, and one classifier learnt from the 40."""
    embedder_id = make_embedder(db, DIMENSION)
    made = make_project(db, N, "Reef", embedder_id=embedder_id)
    set_member(db, made.id, ada.id, "manager")
    middles = unit_vectors(len(NAMES), DIMENSION, seed=3)
    which = np.arange(N) % len(NAMES)
    vectors = middles[which] + 0.3 * unit_vectors(N, DIMENSION, seed=4)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_vectors(db, embedder_id, made.id, np.array(made.ids), vectors)
    truth = [NAMES[k] for k in which]
    for name in NAMES:
        made.do(ada, [i for i, said in zip(made.ids[:N_LABELLED], truth, strict=False) if said == name], taxon=name)
    found = Reef(db, settings, made, embedder_id, vectors, truth, ada)
    fitted = learnt(vectors[:N_LABELLED], [made.taxa[name] for name in truth[:N_LABELLED]])
    found.classifier_id = keep_classifier(db, settings, made.id, embedder_id, "Forest of the reef", fitted)
    db.commit()
    return found
