"""The job that trains a classifier; killed and begun again it starts anew, since nothing is written before the end."""

from dataclasses import replace
from typing import Any

import numpy as np

from app import database, search
from app.classifiers import promises, versions
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.learning import automatic, loading, sets
from app.learning import job as learning
from app.learning.loading import LearningData
from app.nouns import counted
from app.prediction import runs_made
from app.search import embedders
from indexer.classifier import Fitted, NotTrainable, fit
from indexer.classifier import Settings as Method


@job_body("train")
def run(job: JobContext) -> None:
    """Train the classifier of the argument `classifier_id`, and predict with it where that was asked."""
    search.configure(job.settings)
    with database.connect(job.database_url, autocommit=True) as db:
        row = _asked(db, job)
        if row.trained_at is not None:
            job.log("The classifier is trained.")
            return
        # One of what is validated now is only begun by whoever asks; a job that goes on finds it frozen.
        learning.make(job, row.learning_set_id)
        row = row._replace(learning_set_id=automatic.joined(db, row.learning_set_id))
        job.progress(0, None, "", "reading the learning set")
        data, method, fields = _material(db, job, row)
        taught = promises.taught(db, row.learning_set_id, row.embedder_id, data.numbers)
        fitted = _fitted(job, data, method, fields, taught)
        fitted = replace(fitted, report=promises.careful(db, row.embedder_id, fitted.report))
        job.progress(100, 100, "%", "keeping")
        with db.transaction():
            without = _without_vector(db, row.learning_set_id, data)
            told = {"without_vector": without, "sources": np.setdiff1d(data.project_ids, 0).tolist()}
            told["limited"] = _limited(db, row.learning_set_id, data.taxa)
            versions.finish(db, job.settings, row.id, fitted, data.object_ids, data.project_ids, **told)
            _predict(db, job, row)
        embedder = embedders.find(db, row.embedder_id).name
    _say(job, fitted, without, embedder)


def _asked(db: Db, job: JobContext) -> Any:
    """The classifier's row, of which is told that this job trains it: it may be one that was tried again."""
    row = db.execute(
        "update classifier set job_id = %s where project_id = %s and id = %s returning *",
        [job.job_id, job.project_id, job.args["classifier_id"]],
    ).fetchone()
    if row is None:
        raise NotFound("The classifier was removed meanwhile: there is nothing to train.")
    if row.learning_set_id is None:
        raise Conflict("The learning set was deleted: choose another, and train again.")
    sets.check_sources(db, row.learning_set_id, job.account_id, row.project_id)
    if row.embedder_id is None:
        raise Conflict("The embedder whose vectors were to be learned from is gone: train again with the present one.")
    return row


def _material(db: Db, job: JobContext, row: Any) -> tuple[LearningData, Method, np.ndarray | None]:
    """The set's vectors and columns."""
    data = loading.load(db, row.learning_set_id, row.embedder_id)
    if not len(data.numbers):
        name = db.execute("select name from embedder where id = %s", [row.embedder_id]).fetchone().name
        raise Conflict(
            f"None of the {data.n_without_vector:,} objects of the learning set has a vector of {name}: embed its"
            " projects with that embedder first."
        )
    columns = tuple(row.config.get("columns", ()))
    fields = sets.load_fields(db, row.learning_set_id, list(columns))[data.numbers] if columns else None
    return data, Method(row.config["method"], row.config["pca"], columns), fields


def _fitted(
    job: JobContext, data: LearningData, method: Method, fields: np.ndarray | None, taught: np.ndarray | None
) -> Fitted:
    def tell(done: int, total: int, step: str) -> None:
        job.progress(round(100 * done / total), 100, "%", step)

    try:
        return fit(data.vectors, data.taxa, data.groups, method, fields, tell, taught)
    except NotTrainable as error:
        raise Refused(str(error), status=409) from error


def _without_vector(db: Db, set_id: int, data: LearningData) -> list[dict[str, int]]:
    """Of which sources how many objects could not be learned from; 0: what was brought from elsewhere."""
    rows = db.execute(
        """
        select coalesce(project_id, 0) as project_id, count(*) as n
        from learning_item
        where set_id = %s
        group by 1
        order by 1
        """,
        [set_id],
    )
    lacking = [(row.project_id, row.n - int((data.project_ids == row.project_id).sum())) for row in rows]
    return [{"project_id": project_id, "n": n} for project_id, n in lacking if n]


def _limited(db: Db, set_id: int, taxa: np.ndarray) -> dict[str, int] | None:
    """At most how many objects of each taxon a set was to have, and of how many taxa it has so many: of these a project
    may have more, so that what is held out is not in its proportions. None where no taxon has so many."""
    query = "select (choices ->> 'per_taxon')::int as most from learning_set where id = %s"
    row: Any = db.execute(query, [set_id]).fetchone()
    most = row.most if row else None
    n_taxa = 0 if most is None else int((np.unique(taxa, return_counts=True)[1] >= most).sum())
    return {"per_taxon": most, "n_taxa": n_taxa} if n_taxa else None


def _predict(db: Db, job: JobContext, row: Any) -> None:
    """Queue the prediction in the same transaction: a job killed just now queues none or one."""
    if not row.config.get("then_predict"):
        return
    project = db.execute(
        "select id, status, embedder_id, current_run_id from project where id = %s", [row.project_id]
    ).fetchone()
    try:
        with db.transaction():
            runs_made.start_prediction(
                db, project, row.account_id, row.id, row.config.get("filter", ""), row.config.get("publish", False)
            )
    except Refused as refusal:
        job.log(f"It does not predict: {refusal.sentence}")


def _say(job: JobContext, fitted: Fitted, without: list[dict[str, int]], embedder: str) -> None:
    """What came of it, in sentences."""
    report = fitted.report
    accuracy = "" if report["accuracy"] is None else f" {100 * report['accuracy']:.1f} % of them right."
    job.log(
        f"{counted(report['n'], 'object')} of {counted(report['n_taxa'], 'taxon')} learned by {report['method']}"
        f" ({report['settings']}); {report['n_held_out']:,} held out.{accuracy}"
    )
    if why := promises.why_none(report, embedder):
        job.log(why)
    for name, why in report["dropped_columns"]:
        job.log(f"The column {name} is not used: {why}.")
    for source in without:
        job.log(f"{counted(source['n'], 'object')} of project {source['project_id']} have no vector and were left out.")
