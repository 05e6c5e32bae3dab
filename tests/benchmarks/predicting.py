"""How long a million objects take to be predicted and written, and how much memory: the job itself, as people run it.

    python -m tests.benchmarks.predicting [--objects 1000000] [--home DIR] [--method forest]

A project of unlabelled objects with vectors is made in a home of its own, where an earlier run has not left it. The
classifier is fitted on --learn of their like, of 100 taxa. Then `shoal predict` runs in a process of its own: its clock
runs until the run is written, counted and shown. The last line is JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app import database
from app.classifiers import versions
from app.database import Db
from app.database.launcher import Cluster
from app.settings import load_settings
from indexer.classifier import Fitted, Settings, fit
from tests.benchmarks.batches import kept_home
from tests.benchmarks.generate import Made, add_vectors
from tests.benchmarks.recipes import chunks
from tests.benchmarks.search import fresh_home, log

DIMENSION, N_TAXA, N_LEARNT = 256, 100, 50_000
MOST = {"predict_1m_s": 240, "peak_mb": 4000}
KEPT = "unlabelled.json"


@dataclass(frozen=True)
class Measured:
    """Seconds of the command, of the job in it, and the most memory that its process held."""

    predict_1m_s: float
    predict_job_s: float
    peak_mb: float
    predicted: int


def measure(home: Path, fitted: Fitted, objects: int = 1_000_000) -> Measured:
    """Predict all objects of the home's project, which is made where it is not there, by a fitted classifier."""
    cluster = Cluster(home)
    url = cluster.open()
    try:
        database.migrate(url)
        with database.connect(url) as db:
            made = _made(db, home, objects)
        classifier_id = _keep(url, home, made, fitted)
        return _predict(url, home, made, classifier_id)
    finally:
        cluster.close()


def learning(n: int = N_LEARNT, n_taxa: int = N_TAXA) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors like the project's, what they teach, and their samples."""
    drawn = list(chunks("clustered", n, DIMENSION))
    vectors = np.concatenate([chunk.vectors for chunk in drawn])[:n]
    classes = np.concatenate([chunk.classes for chunk in drawn])[:n]
    return vectors, 1 + classes % n_taxa, np.arange(n) // 500


def _made(db: Db, home: Path, objects: int) -> Made:
    kept = home / KEPT
    if kept.exists():
        return Made(**json.loads(kept.read_text()))
    start = time.perf_counter()
    made = add_vectors(db, _objects(db, objects), DIMENSION, "clustered")
    kept.write_text(json.dumps(asdict(made)))
    log(f"{objects:,} objects with vectors made in {time.perf_counter() - start:.0f} s")
    return made


def _objects(db: Db, n: int) -> Made:
    """Objects that nobody has labelled, in one sample, without images or free columns."""
    project = db.execute("insert into project (title) values ('Unlabelled') returning id").fetchone()
    parent = db.execute("select nextval('parent_id_seq') as id").fetchone()
    keys = {"project": project.id, "parent": parent.id, "n": n}
    db.execute("insert into sample (id, project_id, orig_id) values (%(parent)s, %(project)s, 'all')", keys)
    db.execute(
        "insert into acquisition (id, project_id, sample_id, orig_id) select id, project_id, id, orig_id from sample",
        keys,
    )
    last = db.execute("select setval('object_id_seq', nextval('object_id_seq') + %(n)s) as id", keys).fetchone().id
    first = last - n + 1
    db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id)
        select id, %(project)s, %(parent)s, %(parent)s, 'object' || id
        from generate_series(%(first)s::bigint, %(last)s::bigint) as id
        """,
        keys | {"first": first, "last": last},
    )
    db.execute("insert into count_delta (project_id, taxon_id, status, n) values (%(project)s, 0, 'U', %(n)s)", keys)
    return Made(project.id, 0, first, n, [], [], [parent.id], "clustered", DIMENSION)


def _keep(url: str, home: Path, made: Made, fitted: Fitted) -> int:
    """The classifier as training leaves it."""
    settings = load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url})
    with database.connect(url) as db:
        return versions.keep(db, settings, made.id, made.embedder_id, "Benchmark", fitted)


def _predict(url: str, home: Path, made: Made, classifier_id: int) -> Measured:
    told = {"SHOAL_HOME": str(home), "DATABASE_URL": url, "SHOAL_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "app.cli", "predict", str(made.id), "--classifier", str(classifier_id)]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | told, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"shoal predict ended with {process.returncode}.")
    summary = _summary(url, made)
    return Measured(round(took, 1), summary["seconds"], round(usage.ru_maxrss / 1024, 1), summary["n"])


def _summary(url: str, made: Made) -> dict[str, Any]:
    with database.connect(url) as db:
        row = db.execute(
            "select summary from run join project on project.current_run_id = run.id where project.id = %s", [made.id]
        ).fetchone()
    summary: dict[str, Any] = row.summary
    return summary


@contextmanager
def home_of(given: Path | None, folder: Path | None) -> Iterator[Path]:
    """One that is kept, or one for this time."""
    with kept_home(given) if given else fresh_home(folder) as home:
        yield home


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--learn", type=int, default=N_LEARNT)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--home", type=Path, help="a folder that keeps what was made, for the next run")
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    start = time.perf_counter()
    fitted = fit(*learning(given.learn), Settings(method=given.method))
    log(f"{fitted.model.method} fitted in {time.perf_counter() - start:.0f} s")
    with home_of(given.home, given.folder) as home:
        measured = measure(home, fitted, given.objects)
    figures = {"method": fitted.model.method, "objects": given.objects, "load": os.getloadavg()[0], "most": MOST}
    print(json.dumps(asdict(measured) | figures))


if __name__ == "__main__":
    main()
