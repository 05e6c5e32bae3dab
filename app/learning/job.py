"""The job that makes a learning set, brings one in, or writes one out; killed and begun again, it goes on."""

from typing import Any

from app import database, search
from app.database import Db
from app.errors import Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.learning import exporting, importing, sets
from app.learning.choices import Choices
from app.nouns import counted
from app.search import embedders
from app.search.embed import embed_project


def ask(db: Db, project: Any, account_id: int | None, title: str, choices: Choices) -> tuple[int, int]:
    """A new set that a job makes: its id and the job's. What it may not be of is refused at once."""
    set_id = sets.begin(db, project, account_id, title, choices)
    job_id = enqueue(db, "learning", f"Learning set {title.strip()}", project.id, account_id, {"set_id": set_id})
    sets.made_by(db, set_id, job_id)
    return set_id, job_id


@job_body("learning")
def run(job: JobContext) -> None:
    """`set_id`: make it; with `upload`, of the file of that name; `export_id`: write that."""
    search.configure(job.settings)
    _claim(job)
    if "export_id" in job.args:
        exporting.write(job, job.args["export_id"])
    elif "upload" in job.args:
        importing.bring(job, job.args["set_id"], job.args["upload"])
    else:
        make(job, job.args["set_id"])


def _claim(job: JobContext) -> None:
    """What is tried again is told of by the job that tries."""
    with database.connect(job.database_url) as db:
        for table, key in (("learning_set", "set_id"), ("learning_export", "export_id")):
            db.execute(
                f"update {table} set job_id = (select id from job where id = %s) where id = %s",  # noqa: S608 - constants
                [job.job_id, job.args.get(key)],
            )


def make(job: JobContext, set_id: int) -> None:
    """Choose the objects of a set that is begun, give those a vector that lack one where that was asked, freeze it.

    Jobs of other rooms, which learn from it, make it first. Forbidden where the job's account may not read a source
    any more, also when it goes on with what a killed one has chosen.
    """
    with database.connect(job.database_url, autocommit=True) as db:
        made = sets.find_begun(db, set_id)
        if made.frozen_at is not None:
            return
        sets.made_by(db, set_id, job.job_id)
        project: Any = db.execute("select id, embedder_id from project where id = %s", [made.project_id]).fetchone()
        if made.n_objects:
            sets.check_sources(db, set_id, job.account_id, made.project_id)
        else:
            items = sets.chosen(db, project, job.account_id, made.choices, job)
            with db.transaction():
                sets.write_items(db, set_id, items)
        if made.choices.embed_missing:
            _embed(job, db, set_id, project)
        sets.close(db, set_id)
        job.log(f"{counted(sets.find_begun(db, set_id).n_objects, 'object')}.")


def _embed(job: JobContext, db: Db, set_id: int, project: Any) -> None:
    """Vectors by the project's embedder for the set's objects that have none, source by source."""
    row = embedders.of_project(db, project.id)
    if row is None or not row.embeds_images:
        raise Refused(
            "This project has no embedder that can be applied to the images of other projects: its vectors were made"
            " elsewhere, or it has none. Make the set without embedding what is missing.",
            status=409,
        )
    for source_id, ids in sets.without_vector(db, set_id, row.id).items():
        n = embed_project(job.database_url, job.settings, source_id, job, row.id, only=ids)
        job.log(f"Project {source_id}: {n:,} of {len(ids):,} objects without a vector of {row.name} have one now.")
