"""How long the cutting into cards takes, its memory, and a page of cards: python -m tests.benchmarks.clusters."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from app import database, search
from app.clusters import runs, told
from app.database.launcher import Cluster
from app.settings import load_settings
from indexer import clusters
from tests.benchmarks.generate import Made, make_project
from tests.benchmarks.recipes import chunks
from tests.benchmarks.search import fresh_home, log

PAGES = 5
EVERYTHING = "status=U&status=P&status=V&status=D"
CUTTER = """
import resource, sys
from pathlib import Path
from app import database, search
from app.clusters import job, runs
from app.settings import load_settings

url, home, project_id, run_id = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
search.configure(load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url}))

class Report:
    said = ""
    def progress(self, done, total=None, unit="", message=""):
        if message != self.said:
            self.said = message
            print(message, file=sys.stderr, flush=True)

with database.connect(url) as db:
    run = runs.find(db, project_id, run_id)
n_cards, used = job.cut(url, home, run, Report()), resource.getrusage(resource.RUSAGE_SELF)
print(n_cards, used.ru_maxrss // 1024, round(used.ru_utime + used.ru_stime))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the database is made")
    given = parser.parse_args()
    with fresh_home(given.folder) as home:
        url = Cluster(home, {"shared_buffers": "1GB", "max_wal_size": "8GB"}).open()
        database.migrate(url)
        search.configure(load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url}))
        with database.connect(url) as db:
            start = time.perf_counter()
            made = make_project(db, given.objects)
            log(f"{given.objects:,} objects in {time.perf_counter() - start:.0f} s")
        print(json.dumps(measure(url, home, made)))


def measure(url: str, home: Path, made: Made) -> dict[str, float]:
    """The job in a process of its own, as a worker runs it, whose peak of memory is its own too."""
    with database.connect(url) as db:
        run = runs.make(db, made.id, None, runs.CardWish(EVERYTHING))
        db.commit()
    start = time.perf_counter()
    command = [sys.executable, "-c", CUTTER, url, str(home), str(made.id), str(run.id)]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - start
    n_cards, peak_mb, cpu_s = map(int, done.stdout.split())
    # Seconds of the processor are what a busy machine hardly changes.
    figures = {"seconds": round(seconds, 1), "cpu_seconds": cpu_s, "peak_mb": peak_mb, "cards": n_cards}
    return report(figures | qualities(url, made, run.id) | page_times(url, made, run.id))


def qualities(url: str, made: Made, run_id: int) -> dict[str, float]:
    """Whether each object is in one card, and how pure cards are, against k-means alone on a part."""
    classes = np.concatenate([chunk.classes for chunk in chunks(made.recipe, made.objects, made.dimension)])
    with database.connect(url) as db:
        rows = db.execute("select object_ids from cluster where run_id = %s and not is_gone", [run_id]).fetchall()
    ids = np.concatenate([row.object_ids for row in rows])
    if not np.array_equal(np.sort(ids), made.ids):
        raise RuntimeError("an object is in no card, or in two")
    card = np.repeat(np.arange(len(rows)), [len(row.object_ids) for row in rows])
    part = next(chunks(made.recipe, min(made.objects, 20_000), made.dimension))
    n_part = max(1, len(rows) * len(part.classes) // made.objects)
    alone = clusters.k_means(part.vectors, n_part)
    return {
        "purity": round(purity(card, classes[ids - made.first_id]), 3),
        "k_means_alone_on_20000": round(purity(alone, part.classes), 3),
    }


def purity(card: np.ndarray, kind: np.ndarray) -> float:
    pairs, n = np.unique(card.astype(np.int64) * 100_000 + kind, return_counts=True)
    best = np.zeros(card.max() + 1, int)
    np.maximum.at(best, pairs // 100_000, n)
    return float(best.sum() / len(kind))


def page_times(url: str, made: Made, run_id: int) -> dict[str, float]:
    """Milliseconds until the first page of cards is known, the first time and afterwards."""
    times = []
    for _ in range(PAGES):
        with database.connect(url) as db:
            start = time.perf_counter()
            told.page(db, runs.find(db, made.id, run_id))
            times.append(1000 * (time.perf_counter() - start))
    return {"first_page_ms": round(times[0]), "page_ms": round(float(np.median(times[1:])), 1)}


def report(figures: dict[str, float]) -> dict[str, float]:
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console(width=100).print(table)
    return figures


if __name__ == "__main__":
    main()
