"""The job that cuts a run's objects into cards; killed and begun again, it goes on with the vectors it had copied."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from app import database, search
from app.clusters import runs, vectors, writing
from app.clusters.runs import Run
from app.database import Db
from app.errors import Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.projects.references import all_sources
from app.search.codes import VALIDATED
from app.search.likeness import NO_EMBEDDER
from app.search.mirror import open_mirror
from app.search.voters import some_voters
from indexer import clusters

MOST_KNOWN = 20_000  # validated objects that say what a card holds, and as many of reference projects
SEED = 1


class Report(Protocol):
    """Of a job's context, what this work needs."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...


@dataclass(frozen=True)
class Material:
    """What is to be cut: ids int64 [n] with their vectors, and the validated objects that others are named after."""

    n_asked: int
    ids: np.ndarray
    vectors: np.ndarray
    known: np.ndarray
    known_vectors: np.ndarray


@job_body("clusters")
def run(job: JobContext) -> None:
    """Cut the run of the argument `run_id`."""
    search.configure(job.settings)
    with database.connect(job.database_url) as db:
        asked = runs.find(db, job.project_id, job.args["run_id"])
    cards = cut(job.database_url, job.settings.home, asked, job)
    job.log(f"{cards:,} cards.")


def cut(url: str, home: Path, run: Run, report: Report, *, complete: bool = True) -> int:
    """Cut what now has a vector and stands in no card that a person made; returns the number of cards."""
    folder = home / "clusters" / f"{run.id}{'' if complete else '-begun'}"
    _sweep(url, folder)

    def tell(done: int, total: int, step: str) -> None:
        report.progress(done, total, "objects" if step != "finding centres" else "rounds", step)

    with database.connect(url, autocommit=True) as db:
        material = _material(db, folder, run, tell)
    tree = clusters.cut(material.vectors, seed=SEED, report=tell)
    home_leaf = clusters.belonging(tree, np.asarray(material.known_vectors, np.float32))
    with database.connect(url) as db:
        n_cards = writing.write(db, run, material, tree, home_leaf, complete=complete)
    shutil.rmtree(folder, ignore_errors=True)
    return n_cards


def _sweep(url: str, own: Path) -> None:
    """Away with what runs left that were cancelled or failed, or that are gone."""
    names = {path.name for path in own.parent.glob("[0-9]*") if path != own}
    with database.connect(url, autocommit=True) as db:
        rows = db.execute(
            """
            select cluster_run.id
            from cluster_run
            join job on job.id = cluster_run.job_id
            where cluster_run.id = any(%s)
              and job.status in ('queued', 'running')
            """,
            [[int(name.partition("-")[0]) for name in names]],
        ).fetchall()
    for name in names - {str(row.id) for row in rows}:
        shutil.rmtree(own.parent / name, ignore_errors=True)


def _material(db: Db, folder: Path, run: Run, report: clusters.Report) -> Material:
    embedder_id = db.execute("select embedder_id from project where id = %s", [run.project_id]).fetchone().embedder_id
    if embedder_id is None:
        raise Refused(NO_EMBEDDER.replace("ordered by likeness", "cut into cards"))
    mirror = open_mirror(db, run.project_id)
    mask = mirror.mask(db, runs.filter_of(db, run.project_id, run.query, run.account_id)).copy()
    mask[mirror.ordinals(_taken(db, run.id))] = False
    asked = mirror.ids[mask]
    ids, found = vectors.copied(db, folder, run, embedder_id, asked, report)
    validated = mirror.ids[(mirror.status == VALIDATED) & ~mask]
    if len(validated) > MOST_KNOWN:
        validated = np.sort(np.random.default_rng(SEED).choice(validated, MOST_KNOWN, replace=False))
    known, known_vectors = vectors.read(db, run.project_id, embedder_id, validated)
    # Of all references: what they say of a card is told only to those who may read them.
    others, other_vectors = some_voters(db, all_sources(db, run.project_id, embedder_id), MOST_KNOWN)
    if len(others):
        known, known_vectors = np.append(known, others), np.concatenate([known_vectors, other_vectors])
    return Material(len(asked), ids, found, known, vectors.beside(db, run, known, known_vectors))


def _taken(db: Db, run_id: int) -> np.ndarray:
    """Objects in cards that people made, which no new cut takes apart."""
    rows = db.execute(
        "select object_ids from cluster where run_id = %s and not is_gone and leaves is null", [run_id]
    ).fetchall()
    return np.array([object_id for row in rows for object_id in row.object_ids], np.int64)
