"""What the server learns from labels while somebody sorts: its own jobs, run for real and timed, shown when it is time.

A manager asks for them: a learned space, a classifier with a run of its predictions, a fine-tuned embedder with the
move to it. Each job runs at once and to its end, but what it made is kept back (a run unpublished, the project pointed
back) until `show`: when that is, the simulated person's clock says.
"""

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from app import database
from app.classifiers.versions import Training, start_training
from app.database import Db
from app.errors import Refused
from app.jobs.foreground import run_waiting
from app.learning.sets import own_set
from app.prediction import outside, runs_made
from app.search import reference_job
from app.spaces import versions as spaces
from app.tuning import moving, trainings
from tests.benchmarks.effort.scratch import Scratch

TITLE = "Effort"


class Learning:
    """A manager's jobs at one project; `waiting` holds by kind how to bring into force what was learned."""

    def __init__(self, scratch: Scratch, project_id: int, reference: int | None = None) -> None:
        self.scratch, self.project_id, self.reference = scratch, project_id, reference
        self.waiting: dict[str, Callable[[Db], object]] = {}
        with database.connect(scratch.url) as db:
            self.manager_id = scratch.person(db, "manager")
            # A simulated person is faster than the clock: what is learned by itself would come too late, or unasked.
            spaces.set_automatic(db, project_id, False)

    def learn(self, what: str) -> float:
        """Do it, and keep it back; returns the seconds. What cannot be learned from such labels takes none."""
        began = perf_counter()
        self.waiting.pop(what, None)
        try:
            {"space": self._space, "classifier": self._classifier, "embedder": self._embedder}[what]()
        except Refused as refusal:
            print(f"No {what} is learned: {refusal.sentence}", file=sys.stderr, flush=True)
            return 0.0
        return perf_counter() - began

    def show(self, what: str) -> float:
        """Bring into force what was learned last, where something was."""
        show = self.waiting.pop(what, None)
        if show is not None:
            with database.connect(self.scratch.url) as db:
                show(db)
        return 0.0

    def _project(self, db: Db) -> Any:
        return db.execute(
            "select id, status, embedder_id, space_id, current_run_id, settings from project where id = %s",
            [self.project_id],
        ).fetchone()

    def _run(self, job_id: int | None) -> None:
        if job_id is not None:
            run_waiting(self.scratch.settings, self.scratch.url, job_id)

    def _space(self) -> None:
        with database.connect(self.scratch.url) as db:
            before = self._project(db)
            job_id = spaces.start_learning(db, self.project_id, before.embedder_id, self.manager_id)
        self._run(job_id)
        with database.connect(self.scratch.url) as db:
            after = self._project(db).space_id
            self._point_to_space(db, before.space_id)
        if after != before.space_id:
            self.waiting["space"] = lambda db: self._point_to_space(db, after)

    def _point_to_space(self, db: Db, space_id: int | None) -> None:
        """None: the plain one. A space of an embedder that the project has left by now is not for it."""
        db.execute(
            """
            update project
               set space_id = (select id from space where id = %s and space.embedder_id = project.embedder_id)
             where id = %s
            """,
            [space_id, self.project_id],
        )

    def _classifier(self) -> None:
        with database.connect(self.scratch.url) as db:
            project = self._project(db)
            set_id = own_set(db, project, self.manager_id)
            classifier_id, job_id = start_training(db, project, self.manager_id, Training(set_id, TITLE))
        self._run(job_id)
        with database.connect(self.scratch.url) as db:
            run_id, job_id = runs_made.start_prediction(
                db, self._project(db), self.manager_id, classifier_id, publish=False
            )
        self._run(job_id)
        self.waiting["classifier"] = lambda db: outside.show(db, self._project(db), run_id)

    def _embedder(self) -> None:
        with database.connect(self.scratch.url) as db:
            before = self._project(db)
            training_id, job_id = trainings.start_training(db, before, self.manager_id, trainings.Wish())
        self._run(job_id)
        with database.connect(self.scratch.url) as db:
            job_id = moving.start_move(db, before, self.manager_id, training_id)
        self._run(job_id)
        self._embed_reference()
        with database.connect(self.scratch.url) as db:
            after = self._project(db).embedder_id
            moving.point(db, self.project_id, before.embedder_id)
            self._point_to_space(db, before.space_id)
        if after != before.embedder_id:
            self.waiting["embedder"] = lambda db: moving.point(db, self.project_id, after)

    def _embed_reference(self) -> None:
        """What a reference has no vectors of the project's embedder for would teach nothing any more."""
        if self.reference is None:
            return
        with database.connect(self.scratch.url) as db:
            embedder_id = self._project(db).embedder_id
            wish = (self.project_id, embedder_id, self.manager_id, self.reference, reference_job.MOST)
            job_id = reference_job.ask(db, *wish)
        self._run(job_id)
