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
from app.search.voices import Voice, voices_of
from app.search.voters import some_voters
from indexer import clusters

BEGUN = "-begun"  # marks the folder of a cut that a job which embeds makes
MOST_KNOWN = 20_000  # validated objects that say what a card holds, and as many of reference projects
HEARD = 0.5  # how loud a reference may speak of the core of a leaf, that it is heard there
SEED = 1


class Report(Protocol):
    """Of a job's context, what this work needs."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...


@dataclass(frozen=True)
class Material:
    """What is to be cut: ids int64 [n] with their vectors, and the validated objects that others are named after, each
    with its project, int32 [k]; of the projects that are references, how loud they may speak."""

    n_asked: int
    ids: np.ndarray
    vectors: np.ndarray
    known: np.ndarray
    known_vectors: np.ndarray
    known_of: np.ndarray
    voices: dict[int, Voice]
    embedder_id: int | None = None
    space_id: int | None = None


@job_body("clusters")
def run(job: JobContext) -> None:
    """Cut the run of the argument `run_id`."""
    search.configure(job.settings)
    with database.connect(job.database_url) as db:
        asked = runs.cut_by(db, job.project_id or 0, job.args["run_id"], job.job_id)
    cards = cut(job.database_url, job.settings.home, asked, job)
    job.log(f"{cards:,} cards.")


def cut(url: str, home: Path, run: Run, report: Report, *, complete: bool = True) -> int:
    """Cut what now has a vector and stands in no card that a person made; returns the number of cards."""
    folder = home / "clusters" / f"{run.id}{'' if complete else BEGUN}"
    _sweep(url, folder)

    def tell(done: int, total: int, step: str) -> None:
        report.progress(done, total, "objects" if step != "finding centres" else "rounds", step)

    with database.connect(url, autocommit=True) as db:
        material = _material(db, folder, run, tell)
    tree = clusters.cut(material.vectors, seed=SEED, report=tell)
    home_leaf = _home_leaves(run, tree, material)
    with database.connect(url) as db:
        n_cards = writing.write(db, run, material, tree, home_leaf, complete=complete)
    shutil.rmtree(folder, ignore_errors=True)
    return n_cards


def _home_leaves(run: Run, tree: clusters.Tree, material: Material) -> np.ndarray:
    """The leaf that each of the known lies in, -1 for none; a reference's only where the leaf's core is near to it."""
    home = clusters.belonging(tree, np.asarray(material.known_vectors, np.float32))
    if tree.n_leaves and material.voices:
        cores = vectors.plain(material.vectors[clusters.cores(tree)], run.size_weight)
        for project_id, voice in material.voices.items():
            home[(material.known_of == project_id) & (voice.loudness(cores) < HEARD)[home]] = -1
    return home


def _sweep(url: str, own: Path) -> None:
    """Away with what runs left that were cancelled or failed, or that are gone."""
    names = {path.name for path in own.parent.glob("[0-9]*") if path != own}
    with database.connect(url, autocommit=True) as db:
        rows = db.execute(
            """
            select case when job.kind = 'embed' then cluster_run.id || %s else cluster_run.id::text end as name
            from cluster_run
            join job on job.id = cluster_run.job_id
                     or job.project_id = cluster_run.project_id and job.kind = 'embed'
            where cluster_run.id = any(%s)
              and job.status in ('queued', 'running')
            """,
            [BEGUN, [int(name.partition("-")[0]) for name in names]],
        ).fetchall()
    for name in names - {row.name for row in rows}:
        shutil.rmtree(own.parent / name, ignore_errors=True)


def _material(db: Db, folder: Path, run: Run, report: clusters.Report) -> Material:
    space = vectors.current(db, run.project_id)
    if space.embedder_id is None:
        raise Refused(NO_EMBEDDER.replace("ordered by likeness", "cut into cards"))
    mirror = open_mirror(db, run.project_id)
    mask = mirror.mask(db, runs.filter_of(db, run.project_id, run.query, run.account_id)).copy()
    mask[mirror.ordinals(writing.in_made_cards(db, run.id))] = False
    asked = mirror.ids[mask]
    ids, found = vectors.copied(db, folder, run, space, asked, report)
    validated = mirror.ids[(mirror.status == VALIDATED) & ~mask]
    if len(validated) > MOST_KNOWN:
        validated = np.sort(np.random.default_rng(SEED).choice(validated, MOST_KNOWN, replace=False))
    parts = [(run.project_id, *vectors.read(db, space, validated))]
    # Of all references: what they say of a card is told only to those who may read them.
    sources = all_sources(db, run.project_id, space.embedder_id, space.space_id)
    parts += [(one.id, *some_voters(db, [one], MOST_KNOWN // len(sources))) for one in sources]
    known, known_vectors = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    known_of = np.repeat(np.array([part[0] for part in parts], np.int32), [len(part[1]) for part in parts])
    beside = vectors.beside(db, run, known, known_vectors)
    return Material(
        len(asked), ids, found, known, beside, known_of, voices_of(db, sources), space.embedder_id, space.space_id
    )
