"""A project moves to another embedder, and back: the vectors are made beside the present ones, which serve until all
are there; then one pointer moves."""

from typing import Any, Protocol

from app import database, search
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.search import embedders, generations
from app.tuning import trainings


class Home(Protocol):
    """The project that moves."""

    @property
    def id(self) -> int: ...


def start_move(db: Db, project: Home, account_id: int | None, training_id: int, back: bool = False) -> int:
    """Queue the move to a training's embedder, or `back` to the one before it; returns the job's id."""
    training = trainings.find_training(db, project.id, training_id)
    if training.embedder_id is None:
        raise Conflict("This embedder is not trained yet: wait for its job.")
    if training.is_moving:
        raise Conflict("The project is on its way already: wait for its job, or cancel it.")
    if back and training.before_id is None:
        raise Refused("This project had no embedder before: choose one with `shoal embed --embedder`.", status=409)
    target = training.before_id if back else training.embedder_id
    name = training.before if back else training.embedder
    job_id = enqueue(db, "embed", f"Move to the embedder {name}", project.id, account_id, {"move_to": target})
    db.execute("update embedder_training set move_job_id = %s where id = %s", [job_id, training_id])
    return job_id


def move(job: JobContext, target: int | str, embed_project: Any) -> None:
    """The body of that job; `embed_project` is the one of app/search/embed.py, which calls this."""
    project_id = job.project_id or 0
    search.configure(job.settings)
    with database.connect(job.database_url) as db:
        wanted_id = _wanted(db, job, project_id, target)
        present = embedders.of_project(db, project_id)
    if present is not None and present.id == wanted_id:
        return
    job.log("The vectors are made beside the present ones, which serve until all are there.")
    embed_project(job.database_url, job.settings, project_id, job, wanted_id)
    with database.connect(job.database_url, autocommit=True) as db:
        generations.build(db, job.settings.home / "index", project_id, wanted_id, job.progress, None)
    # What came in meanwhile.
    embed_project(job.database_url, job.settings, project_id, job, wanted_id)
    with database.connect(job.database_url) as db:
        point(db, project_id, wanted_id)


def point(db: Db, project_id: int, embedder_id: int) -> None:
    """Let the project use an embedder whose vectors are there, in its plain space. Kept searches stay in theirs, and go
    on where the project comes back to their embedder: another space would make other directions of their numbers."""
    embedders.use(db, project_id, embedder_id)


def _wanted(db: Db, job: JobContext, project_id: int, target: int | str) -> int:
    """The target, made not to see the strips that the project cuts off."""
    if isinstance(target, str):
        return embedders.registered(db, job.settings, project_id, target)
    target_id = target
    row = embedders.find(db, target_id)
    if not row.embeds_images:
        has_all = db.execute(
            """
            select not exists (
                select from object
                where project_id = %(project)s
                  and not exists (
                      select from object_vector v
                      where v.embedder_id = %(embedder)s and v.project_id = %(project)s and v.object_id = object.id
                  )
            ) as has_all
            """,
            {"project": project_id, "embedder": target_id},
        ).fetchone()
        if has_all is None or not has_all.has_all:
            raise NotFound(f"The vectors of {row.name} were made elsewhere, and some objects have none. Bring them.")
        return target_id
    return embedders.registered(db, job.settings, project_id, row.config["spec"])
