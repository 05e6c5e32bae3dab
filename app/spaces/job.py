"""The job that learns a space from labels, and has the project use it where it is better.

Until its index and its graph of neighbours are there the former space serves. Killed and begun again, it goes on with
the map that it had fitted.
"""

import time
from dataclasses import replace
from typing import Any

from app import search
from app.database import Db, connect
from app.errors import Conflict, Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.labels.counts import project_counts
from app.search import generations
from app.search.likeness import NO_EMBEDDER
from app.spaces import versions
from app.spaces.labels import read_labels
from app.spaces.versions import SpaceTold
from indexer.space_fitting import TooFewLabels, fit_space

HUNDRED = 100


@job_body("space")
def run(job: JobContext) -> None:
    """Learn from what is validated now; adopt it if it is better on held-out objects."""
    search.configure(job.settings)
    with connect(job.database_url, autocommit=True) as db:
        if _is_unwanted(db, job):
            job.log("Likeness is not to be learned by itself here any more: nothing was done.")
            return
        try:
            space = _begun(db, job) or _learned(db, job)
        except TooFewLabels as error:
            if not _is_unasked(job):
                raise Refused(str(error)) from error
            # Nobody asked for it: it comes again by itself when labels have doubled.
            job.log(str(error))
            return
        for line in told(space):
            job.log(line)
        if space.status == "candidate":
            job.log(_put_to_use(db, job, space))


def _is_unasked(job: JobContext) -> bool:
    """Whether it was begun at a number of labels, and not by a person."""
    return "n_validated" in job.args


def _is_unwanted(db: Db, job: JobContext) -> bool:
    """Whether somebody said, since it was queued, that nothing is to be learned by itself: as by choosing by hand."""
    row = db.execute("select settings from project where id = %s", [job.project_id]).fetchone()
    return row is not None and _is_unasked(job) and not versions.is_automatic(row.settings)


def _begun(db: Db, job: JobContext) -> SpaceTold | None:
    """What this job had fitted before it was interrupted."""
    row = db.execute("select version from space where job_id = %s order by id desc limit 1", [job.job_id]).fetchone()
    return versions.find_space(db, job.project_id or 0, row.version) if row else None


def _learned(db: Db, job: JobContext) -> SpaceTold:
    project_id = job.project_id or 0
    row = db.execute(
        """
        select project.embedder_id, space.version
          from project
          left join space on space.id = project.space_id
         where project.id = %s
        """,
        [project_id],
    ).fetchone()
    if row is None or row.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    began = time.monotonic()
    job.progress(0, HUNDRED, "%", "reading labels and vectors")
    labels = read_labels(db, project_id, row.embedder_id, None if _is_unasked(job) else job.account_id)
    fitted = fit_space(
        labels.vectors, labels.taxa, labels.groups,
        report=lambda share, step: job.progress(round(HUNDRED * share), HUNDRED, "%", step),
    )  # fmt: skip
    # Who reads the project may not read its references: of taxa that only these have nothing is told.
    own = set(labels.taxa[: labels.n_own].tolist())
    fitted = replace(fitted, per_taxon=[row for row in fitted.per_taxon if row["taxon"] in own])
    n_validated = sum(n for (_, status), n in project_counts(db, project_id).items() if status == "V")
    more = {
        "n_validated": n_validated, "n_own": labels.n_own, "n_references": labels.n_references,
        "instead_of": row.version, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    with db.transaction():
        return versions.keep(db, project_id, row.embedder_id, fitted, more, job.account_id, job.job_id)


def told(space: SpaceTold) -> list[str]:
    """The outcome in sentences."""
    report: dict[str, Any] = space.report
    seen, unseen = report["seen"], report["unseen"]
    where = "whole samples" if report["by_group"] else "objects"
    lines = [
        f"Version {space.version}: {space.teachers}, {report['seconds']} s.",
        f"Of objects in {where} that were held out, the nearest other is of the same taxon for"
        f" {100 * seen['after']:.1f} %; in the plain space for {100 * seen['before']:.1f} %.",
    ]
    if unseen:
        lines.append(
            f"Of taxa that the measured map had never seen: {100 * unseen['after']:.1f} %, plain"
            f" {100 * unseen['before']:.1f} %."
        )
    return [*lines, report["because"] + ("" if report["is_better"] else " It is not used.")]


def _put_to_use(db: Db, job: JobContext, space: SpaceTold) -> str:
    """Index the vectors as the map sees them, then move the project's pointer; says what came of it."""
    project_id, home = job.project_id or 0, job.settings.home / "index"
    row: Any = db.execute("select embedder_id from space where id = %s", [space.id]).fetchone()
    manifest = generations.build(db, home, project_id, row.embedder_id, job.progress, space.id)
    if manifest is not None and manifest.graph_recall is None:
        folder = generations.folder_in(home, project_id, row.embedder_id, space.id)
        generations.add_graph(folder, manifest, job.progress)
    try:
        with db.transaction():
            if _is_overtaken(db, job, space):
                db.execute("update space set status = 'former' where id = %s", [space.id])
                return (
                    "What was chosen by hand meanwhile stays in use; this version can be taken from the page Likeness."
                )
            versions.adopt(db, project_id, space.version)
    except Conflict:
        db.execute("update space set status = 'former' where id = %s", [space.id])
        raise
    return "It is in use from now on; batches that are open keep the likeness that they were made in."


def _is_overtaken(db: Db, job: JobContext, space: SpaceTold) -> bool:
    """Whether a person went to another likeness, or back to the plain one, since it was fitted."""
    row: Any = db.execute(
        """
        select (select version from space where space.id = project.space_id) as version
          from project
         where id = %s
           for no key update
        """,
        [job.project_id],
    ).fetchone()
    return row.version not in (space.report.get("instead_of"), space.version) or _is_unwanted(db, job)
