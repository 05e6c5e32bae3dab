"""What stands between a project and its first batch: no objects, no vectors yet, or an embedding that failed."""

from dataclasses import dataclass
from typing import Literal

from app.database import Db
from app.jobs.words import time_span
from app.projects.access import Project

State = Literal["ready", "empty", "unembedded", "waiting", "embedding", "failed", "cancelled"]


@dataclass(frozen=True)
class Readiness:
    """`state`: ready; empty (no objects); unembedded (nothing makes vectors); waiting, embedding, failed, cancelled:
    the latest embedding. `done` of `total` objects have a vector by it."""

    state: State
    done: int = 0
    total: int | None = None
    left: str = ""
    error: str = ""
    job_id: int | None = None

    @property
    def changes(self) -> bool:
        """Whether it is worth asking again soon."""
        return self.state in ("waiting", "embedding")


STATES: dict[str, State] = {"queued": "waiting", "running": "embedding", "failed": "failed", "cancelled": "cancelled"}


def readiness(db: Db, project: Project, n_objects: int) -> Readiness:
    if not n_objects:
        return Readiness("empty")
    job = db.execute(
        """
        select id, status, done, total, rate, error
        from job
        where project_id = %s
          and kind = 'embed'
        order by id desc
        limit 1
        """,
        [project.id],
    ).fetchone()
    if job is None:
        return Readiness("ready" if project.embedder_id else "unembedded")
    left = time_span((job.total - job.done) / job.rate) if job.total and job.rate else ""
    return Readiness(STATES.get(job.status, "ready"), job.done, job.total, left, job.error, job.id)
