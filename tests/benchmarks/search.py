"""How fast and how truly likeness is answered, while somebody labels: python -m tests.benchmarks.search."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from app import database, search
from app.database import Db
from app.database.launcher import Cluster
from app.objects.filters import Filter
from app.search import generations, likeness
from app.search.likeness import Ranked
from app.search.mirror import Mirror, open_mirror
from app.settings import load_settings
from tests.benchmarks.generate import Made, add_vectors, labelling_client, make_project
from tests.benchmarks.recipes import chunks

K = 200
SHARES = (0.5, 0.1, 0.01, 0.001)
N_EXAMPLES = 12  # queries under each filter, in each direction
TIE = 1e-5  # likenesses that are the same but for rounding


@dataclass
class Case:
    """Answers under one filter in one direction."""

    filter: str
    share: float
    least: bool
    milliseconds: list[float]
    cpu: list[float]  # ms of this process and its connection's server process: what a machine with free cores takes
    recall: float
    rows_min: int
    worst_distance: float  # difference from the true one
    brute_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, choices=(256, 384), action="append")
    parser.add_argument("--recipe", choices=("clustered", "manifold"), action="append")
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    console = Console(width=140)
    with fresh_home(given.folder) as home:
        url = Cluster(home, {"shared_buffers": "1GB", "max_wal_size": "8GB"}).open()
        database.migrate(url)
        search.configure(load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url}))
        totals = measure(
            url, given.objects, given.dimension or [256, 384], given.recipe or ["clustered", "manifold"], console
        )
    print(json.dumps(totals))


@contextmanager
def fresh_home(parent: Path | None) -> Iterator[Path]:
    """A folder for a database of its own, which the unprivileged user of PostgreSQL may enter."""
    home = Path(tempfile.mkdtemp(prefix="shoal-bench-", dir=parent))
    home.chmod(0o711)
    try:
        yield home
    finally:
        Cluster(home).close()
        shutil.rmtree(home, ignore_errors=True)


def measure(url: str, objects: int, dimensions: list[int], recipes: list[str], console: Console) -> dict[str, float]:
    """Every recipe and dimension on one project; the worst figure of each kind."""
    totals: list[dict[str, float]] = []
    made: Made | None = None
    for recipe in recipes:
        for dimension in dimensions:
            with database.connect(url) as db:
                start = time.perf_counter()
                made = (
                    add_vectors(db, made, dimension, recipe) if made else make_project(db, objects, dimension, recipe)
                )
                log(f"{recipe} {dimension}: {objects:,} objects in {time.perf_counter() - start:.0f} s")
            index(url, made)
            with labelling_client(url, made):
                totals.append(measure_one(url, made, console, first_use=len(totals) == 0))
    return {
        "p95_ms": max(t["p95_ms"] for t in totals),
        "recall": min(t["recall"] for t in totals),
        "rows_min": min(t["rows_min"] for t in totals),
        "first_ms": max(t.get("first_ms", 0) for t in totals),
        "cpu_p95_ms": max(t["cpu_p95_ms"] for t in totals),
    }


def log(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def index(url: str, made: Made) -> None:
    start = time.perf_counter()
    with database.connect(url, autocommit=True) as db:
        manifest = generations.build(db, search.index_folder(), made.id, made.embedder_id)
    log(f"indexed in {time.perf_counter() - start:.0f} s: {manifest.sketch if manifest else 'no index needed'}")


def measure_one(url: str, made: Made, console: Console, first_use: bool) -> dict[str, float]:
    project = SimpleNamespace(id=made.id, embedder_id=made.embedder_id)
    with database.connect(url) as db:
        opened = clocked(lambda: open_mirror(db, made.id))
        log(f"mirror in {opened[0]:.0f} ms")
        db.commit()
        firsts = first_columns(db, made) if first_use else {}
        rng = np.random.default_rng(5)
        examples = np.sort(rng.choice(made.objects, N_EXAMPLES, replace=False))
        queries, likenesses = brute_force(made, examples)
        cases = []
        for name, share, filter in [("all", 1.0, Filter()), *filters(open_mirror(db, made.id), made)]:
            for least in (False, True):
                cases.append(run_case(db, project, made, name, share, filter, least, examples, likenesses))
        reference = pgvector_ms(db, made, queries[0])
    return report(made, cases, firsts, reference, console)


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return 1000 * (time.perf_counter() - start), result


def cpu_ms(db: Db) -> float:
    """Processor time so far, of this process and of the server process behind a connection on this machine."""
    server_ns = int(Path(f"/proc/{db.info.backend_pid}/schedstat").read_text().split()[0])
    return 1000 * time.process_time() + server_ns / 1e6


def first_columns(db: Db, made: Made) -> dict[str, float]:
    """The first use of a column in a filter, and a second filter on it."""
    wanted = {
        "number3": Filter(ranges=(("object", "number3", 100, 200),)),
        "number60": Filter(ranges=(("object", "number60", None, 50),)),
        "text2 (3)": Filter(texts=(("object", "text2", "=", "00000001"),)),
        "text20 (10)": Filter(texts=(("object", "text20", "~", "7"),)),
        "text16 (100,000)": Filter(texts=(("object", "text16", "~", "77"),)),
        "sample.volume": Filter(ranges=(("sample", "volume", 10, 20),)),
        "acquisition.sub_part": Filter(ranges=(("acquisition", "sub_part", 3, 3),)),
        "depth_max_m": Filter(ranges=(("object", "depth_max_m", 10, 20),)),
    }
    times = {}
    for name, filter in wanted.items():
        for key in (name, f"{name}, again"):
            before = cpu_ms(db)
            times[key], _ = clocked(lambda filter=filter: open_mirror(db, made.id).mask(db, filter))
            times[f"{key}, processor"] = cpu_ms(db) - before
            db.commit()
    return times


def filters(mirror: Mirror, made: Made) -> Iterator[tuple[str, float, Filter]]:
    """Filters of each kind that keep about each share."""
    counts = np.bincount(mirror.taxon, minlength=max(made.taxa) + 1)[made.taxa] / len(mirror)
    for share in SHARES:
        taxa, kept = [], 0.0
        for taxon_id, part in sorted(zip(made.taxa, counts.tolist(), strict=True), key=lambda row: -row[1]):
            if kept + part <= share * 1.02:
                taxa.append(taxon_id)
                kept += part
        yield "taxon", share, Filter(taxa=frozenset(taxa))
    for share, letters in ((0.5, "V"), (0.1, "U"), (0.01, "D")):
        yield "status", share, Filter(statuses=frozenset(letters))
    yield "status", 0.001, Filter(statuses=frozenset("D"), samples=frozenset(made.samples[-20:]))
    for share in SHARES:
        n = round(share * len(made.samples)) if share > 0.001 else 1
        yield "sample", share, Filter(samples=frozenset(made.samples[-n:] if share > 0.001 else made.samples[:1]))
    first, tenth, hundredth, thousandth = made.accounts
    for share, people in ((0.5, [first, tenth]), (0.1, [tenth]), (0.01, [hundredth]), (0.001, [thousandth])):
        yield "person", share, Filter(accounts=frozenset(people))


def brute_force(made: Made, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Queries as stored, and their cosines with every object, float32 [n_examples, n], by plain numpy."""
    vectors = (rounded(chunk.vectors) for chunk in chunks(made.recipe, made.objects, made.dimension))
    queries, start = np.empty((len(examples), made.dimension), np.float32), 0
    for part in vectors:
        inside = (examples >= start) & (examples < start + len(part))
        queries[inside] = part[examples[inside] - start]
        start += len(part)
    found = []
    for chunk in chunks(made.recipe, made.objects, made.dimension):
        part = rounded(chunk.vectors)
        found.append(queries @ part.T / np.linalg.norm(part, axis=1))
    return queries, np.concatenate(found, 1) / np.linalg.norm(queries, axis=1)[:, None]


def rounded(vectors: np.ndarray) -> np.ndarray:
    return vectors.astype(np.float16).astype(np.float32)


def run_case(
    db: Db,
    project: SimpleNamespace,
    made: Made,
    name: str,
    share: float,
    filter: Filter,
    least: bool,
    examples: np.ndarray,
    likenesses: np.ndarray,
) -> Case:
    case = Case(name, share, least, [], [], 0.0, K, 0.0, 0.0)
    recalls = []
    for row, example in enumerate(examples):

        def ask(example: int = int(example)) -> tuple[Ranked, np.ndarray]:
            mirror = open_mirror(db, project.id)
            mask = mirror.mask(db, filter)
            vectors = likeness.example_vectors(db, project, [made.first_id + example])
            return likeness.most_alike(db, project, vectors, mask, K, least, mirror), mask

        before = cpu_ms(db)
        milliseconds, (found, mask) = clocked(ask)
        db.commit()
        case.milliseconds.append(milliseconds)
        case.cpu.append(cpu_ms(db) - before)
        case.share = float(mask.mean())
        case.brute_ms, truth = clocked(lambda: true_edge(likenesses[row], mask, least))  # noqa: B023
        places = found.ids - made.first_id
        true = likenesses[row, places]
        wanted = min(K, int(mask.sum()))
        good = (true <= truth + TIE) if least else (true >= truth - TIE)
        recalls.append(np.count_nonzero(good & mask[places]) / wanted)
        distinct = len(np.unique(found.ids))
        case.rows_min = min(case.rows_min, distinct if distinct < wanted else K)
        case.worst_distance = max(case.worst_distance, float(np.abs(1 - true - found.distances).max()))
    case.recall = float(np.mean(recalls))
    return case


def true_edge(likenesses: np.ndarray, mask: np.ndarray, least: bool) -> float:
    """The cosine of the last object of the true answer."""
    kept = likenesses[mask]
    k = min(K, len(kept)) - 1
    return float(np.partition(kept, k)[k]) if least else float(-np.partition(-kept, k)[k])


def pgvector_ms(db: Db, made: Made, query: np.ndarray) -> float:
    """The same question to PostgreSQL alone: exact, without an index."""
    statement = """
        select object_id, v <=> %s::text::halfvec as distance
        from object_vector
        where embedder_id = %s
          and project_id = %s
        order by distance
        limit %s
        """
    values = [str(query.tolist()), made.embedder_id, made.id, K]
    return min(clocked(lambda: db.execute(statement, values).fetchall())[0] for _ in range(2))


def report(
    made: Made, cases: list[Case], firsts: dict[str, float], pgvector: float, console: Console
) -> dict[str, float]:
    table = Table(
        title=f"{made.objects:,} x {made.dimension}, {made.recipe}: {K} most and least alike, while labelling"
    )
    headings = ["filter", "keeps", "order", "p50 ms", "p95 ms", "max ms", "cpu ms", "recall", "rows", "off by"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("filter", "order") else "right")
    for case in cases:
        table.add_row(
            case.filter,
            f"{case.share:.2%}",
            "least" if case.least else "most",
            f"{np.median(case.milliseconds):.1f}",
            f"{np.quantile(case.milliseconds, 0.95):.1f}",
            f"{max(case.milliseconds):.1f}",
            f"{np.quantile(case.cpu, 0.95):.1f}",
            f"{case.recall:.4f}",
            str(case.rows_min),
            f"{case.worst_distance:.1e}",
        )
    console.print(table)
    every = np.concatenate([case.milliseconds for case in cases])
    totals = {
        "p95_ms": round(float(np.quantile(every, 0.95)), 1),
        "recall": round(min(case.recall for case in cases), 4),
        "rows_min": min(case.rows_min for case in cases),
        "cpu_p95_ms": round(float(np.quantile(np.concatenate([case.cpu for case in cases]), 0.95)), 1),
    }
    console.print(
        f"all: p50 {np.median(every):.1f} ms, p95 {totals['p95_ms']} ms, p99 {np.quantile(every, 0.99):.1f} ms"
    )
    console.print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; processor time p95 {totals['cpu_p95_ms']} ms"
    )
    console.print(f"reference: PostgreSQL alone, exact, whole project: {pgvector:.0f} ms")
    for name, milliseconds in firsts.items():
        console.print(f"filter on {name}: {milliseconds:.0f} ms")
    if firsts:
        totals["first_ms"] = round(max(ms for name, ms in firsts.items() if ", " not in name))
    return totals


if __name__ == "__main__":
    main()
