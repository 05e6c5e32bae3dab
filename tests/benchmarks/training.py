"""How long it takes to learn from 50,000 objects of 100 taxa, and to put what was learned to use on a million.

    python -m tests.benchmarks.training [--learn 50000] [--objects 1000000] [--home DIR] [--no-database]

Classifiers are fitted with their reports, by the method that is chosen by default and by EcoTaxa's forest; the learned
space with its. Then a million objects are predicted and written by `shoal predict`, and indexed anew in that space.
`--no-database` leaves these two out. The last line is JSON.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from app import database
from app.database.launcher import Cluster
from app.search import generations
from app.spaces import versions
from indexer import space_fitting
from indexer.classifier import Fitted, Settings, fit
from indexer.classifier.base import Report
from tests.benchmarks import predicting
from tests.benchmarks.generate import Made
from tests.benchmarks.recipes import zipf
from tests.benchmarks.search import log

DIMENSION, N_TAXA, N_LEARNT, GROUP = 256, 100, 50_000, 500
MOST = {"train_s": 60, "forest_train_s": 240, "predict_1m_s": 240, "peak_mb": 4000, "map_s": 10, "reindex_1m_s": 120}


def learning(n: int, n_taxa: int = N_TAXA, seed: int = 20261121) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Taxa that overlap as plankton does (a classifier is right of two in three), at most a tenth of all objects each;
    unit vectors float32 [n, d], taxa, and samples of 500 objects."""
    chance = np.random.default_rng(seed)
    shares = np.minimum(zipf(n_taxa), 0.1)
    taxa = chance.choice(n_taxa, n, p=shares / shares.sum())
    spectrum = np.geomspace(1, 0.02, DIMENSION).astype(np.float32)
    middles = 0.2 * chance.standard_normal((n_taxa, DIMENSION), np.float32) * spectrum
    own = chance.uniform(0.6, 1.4, (n_taxa, DIMENSION)).astype(np.float32)
    vectors = middles[taxa] + own[taxa] * chance.standard_normal((n, DIMENSION), np.float32) * spectrum
    vectors += 1.5 * spectrum[0] * np.eye(1, DIMENSION, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, 1 + taxa, chance.permutation(n) // GROUP


def said(name: str) -> Report:
    begun = time.perf_counter()
    return lambda done, total, step: log(f"{name}: {time.perf_counter() - begun:6.1f} s, {step}")


def train(data: tuple[np.ndarray, np.ndarray, np.ndarray], method: str) -> tuple[Fitted, float, float]:
    """What was fitted, with its report, and the seconds that passed and that were computed."""
    begun, computed = time.perf_counter(), time.process_time()
    fitted = fit(*data, Settings(method), report=said(method))
    took = time.perf_counter() - begun, time.process_time() - computed
    log(
        f"{fitted.model.method}: {fitted.report['accuracy']:.3f} right, ece {fitted.report['ece']:.3f}, {took[0]:.1f} s"
    )
    return fitted, *took


def learn_space(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[space_fitting.Fitted, float]:
    begun = time.perf_counter()
    return space_fitting.fit_space(*data), time.perf_counter() - begun


def reindex(home: Path, space: space_fitting.Fitted) -> float:
    """Seconds until the project that was predicted is indexed in a space."""
    made = Made(**json.loads((home / predicting.KEPT).read_text()))
    cluster = Cluster(home)
    url = cluster.open()
    try:
        with database.connect(url, autocommit=True) as db:
            row = db.execute(
                """
                insert into space (project_id, embedder_id, version, dimension, map, n_labels, status)
                select %(project)s, %(embedder)s, coalesce(max(version), 0) + 1, %(dimension)s, %(map)s, %(n)s,
                       'candidate'
                from space
                where project_id = %(project)s
                returning version
                """,
                {
                    "project": made.id, "embedder": made.embedder_id, "dimension": space.learned.dimension,
                    "map": space.learned.to_bytes(), "n": space.n_labels,
                },
            ).fetchone()  # fmt: skip
            space_id = versions.find_space(db, made.id, row.version).id
            begun = time.perf_counter()
            generations.build(db, home / "index", made.id, made.embedder_id, None, space_id)
            return time.perf_counter() - begun
    finally:
        cluster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", type=int, default=N_LEARNT)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="a folder that keeps what was made, for the next run")
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    parser.add_argument("--no-database", action="store_true", help="learn only")
    parser.add_argument("--no-forest", action="store_true", help="leave the forest out")
    given = parser.parse_args()
    data = learning(given.learn)
    space, map_s = learn_space(data)
    fitted, train_s, cpu_s = train(data, "auto")
    figures: dict[str, Any] = {
        "method": fitted.model.method, "settings": fitted.report["settings"], "train_s": train_s, "train_cpu_s": cpu_s,
        "accuracy": fitted.report["accuracy"], "ece": fitted.report["ece"], "map_s": map_s,
        "train_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    if not given.no_forest:
        forest, figures["forest_train_s"], figures["forest_cpu_s"] = train(data, "forest")
        figures["forest_accuracy"] = forest.report["accuracy"]
        figures["forest_mb"] = len(forest.model.to_bytes()) / 2**20
        figures["forest_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if not given.no_database:
        with predicting.home_of(given.home, given.folder) as home:
            measured = predicting.measure(home, fitted, given.objects)
            figures |= {"predict_1m_s": measured.predict_1m_s, "peak_mb": measured.peak_mb}
            figures["reindex_1m_s"] = reindex(home, space)
    told = {name: round(figure, 3) if isinstance(figure, float) else figure for name, figure in figures.items()}
    print(json.dumps(told | {"load": round(os.getloadavg()[0], 1), "most": MOST}))


if __name__ == "__main__":
    main()
