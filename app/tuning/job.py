"""The job that trains an embedder: its progress, its file for every machine, its report; a killed one goes on."""

import hashlib
import json
import shutil
from dataclasses import replace
from typing import Any

import numpy as np

from app import database
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.learning import automatic, loading, sets
from app.learning import job as learning
from app.nouns import counted
from app.search import embedders
from app.tuning import files, teachers, trainings
from app.tuning.images import learning_images
from app.tuning.trainings import Wish
from indexer.embedders import DEFAULT
from indexer.tuning import Settings, TuningError
from indexer.tuning.report import agreement
from indexer.tuning.run import Tuned, tune


@job_body("tune")
def run(job: JobContext) -> None:
    """Train what `training_id` asks for. Each epoch is kept: a repeated job goes on with the next."""
    training_id = job.args["training_id"]
    with database.connect(job.database_url) as db:
        row = _find(db, job.project_id or 0, training_id)
    folder = files.folder(job.settings) / f"{_database(job.database_url)}-{training_id}"
    if row.embedder_id is not None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    learning.make(job, row.learning_set_id)
    with database.connect(job.database_url) as db:
        row = row._replace(learning_set_id=automatic.joined(db, row.learning_set_id))
        db.commit()
        sets.check_sources(db, row.learning_set_id, job.account_id, row.project_id)
        trainings.check_teaches(sets.find_begun(db, row.learning_set_id))
        images, numbers, n_without = learning_images(db, job.settings, row.learning_set_id)
    if n_without:
        job.log(f"{counted(n_without, 'object')} of the learning set have no image here, and teach nothing.")
    wish = Wish(**row.config)
    settings = Settings(row.name, wish.network, wish.minutes, wish.epochs, wish.device, job.settings.embed_threads)
    try:
        trained = tune(folder, images, settings, job.progress)
    except TuningError as error:
        raise Refused(str(error)) from error
    with database.connect(job.database_url) as db:
        trained = replace(trained, report=trained.report | before(db, row, trained, numbers))
        teachers.keep(db, trained, images)
    finish(job, training_id, trained)
    shutil.rmtree(folder, ignore_errors=True)


def finish(job: JobContext, training_id: int, trained: Tuned) -> None:
    """Put the file where all machines find it, and make the embedder known with its report."""
    files.publish(job.settings, trained.spec, trained.model.read_bytes())
    trained.install(job.settings.home / "embedders")
    with database.connect(job.database_url) as db:
        embedder_id = embedders.register(db, embedders.open_embedder(job.settings, trained.spec))
        db.execute(
            """
            update embedder_training
            set embedder_id = %s, report = %s, trained_at = now()
            where id = %s
            """,
            [embedder_id, json.dumps(trained.report), training_id],
        )
    for line in told(trained.report):
        job.log(line)


def before(db: Db, row: Any, trained: Tuned, numbers: np.ndarray) -> dict[str, Any]:
    """How the embedder that the project served when it asked does on the images that were held out, and its name; the
    default's figure stays where that is the one, or where some of these have no vector of it."""
    served = embedders.find(db, row.before_id) if row.before_id is not None else None
    if served is None or served.config.get("spec") == DEFAULT:
        return {"before": DEFAULT}
    held = np.load(trained.held_out)
    wanted = numbers[held["index"]]
    data = loading.load(db, row.learning_set_id, served.id)
    places = np.searchsorted(data.numbers, wanted)
    if not np.isin(wanted, data.numbers).all():
        return {"before": DEFAULT}
    return {"before": served.name, "agreement_before": round(agreement(data.vectors[places], held["truth"]), 4)}


def told(report: dict[str, Any]) -> list[str]:
    """The outcome in sentences."""
    first, after = 100 * report["agreement_before"], 100 * report["agreement_after"]
    return [
        f"{report['name']}: of {report['n_held_out']:,} images that it had not seen, the nearest other one is of the"
        f" same taxon for {after:.1f} % ({first:.1f} % by {report.get('before', DEFAULT)}).",
        f"Its own classifier names {100 * report['accuracy']:.1f} % of them rightly (average precision"
        f" {100 * report['average_precision']:.1f} %, average recall {100 * report['average_recall']:.1f} %).",
    ]


def _find(db: Db, project_id: int, training_id: int) -> Any:
    row = db.execute(
        "select * from embedder_training where id = %s and project_id = %s", [training_id, project_id]
    ).fetchone()
    if row is None:
        raise NotFound("This training was deleted, or its project was.")
    if row.learning_set_id is None:
        raise Refused(trainings.SET_GONE, status=409)
    return row


def _database(url: str) -> str:
    """A short name of the database, since one home may serve several in turn."""
    return hashlib.sha256(url.encode()).hexdigest()[:8]
