"""How fast a bundle of small images comes in, and whether memory stays flat: python -m tests.benchmarks.importing."""

import argparse
import csv
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app import database
from app.database.launcher import Cluster
from app.exchange.importing import run_import
from app.exchange.report import ImportOptions
from app.settings import load_settings
from indexer import images

N_NUMBERS, N_TEXTS, N_TAXA, N_SAMPLES = 60, 20, 300, 200
SIDES_PX = (24, 96)
PER_FOLDER = 5000
MIB = 1024 * 1024


@dataclass
class Cost:
    """What one run took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


def make_bundle(folder: Path, n: int) -> None:
    """Grey pictures of 24 to 96 px a side, and a table with 60 numbers and 20 texts a row."""
    rng = np.random.default_rng(20261121)
    folder.mkdir(parents=True)
    with (folder / "ecotaxa_benchmark.tsv").open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        head = ["img_file_name", "object_id", "object_lat", "object_lon", "object_date", "object_time"]
        head += ["object_annotation_category", "object_annotation_status", "sample_id", "acq_id", "process_id"]
        numbers = [f"object_number{i}" for i in range(N_NUMBERS)]
        texts = [f"object_text{i}" for i in range(N_TEXTS)]
        table.writerow(head + numbers + texts)
        table.writerow(["[t]"] * len(head) + ["[f]"] * N_NUMBERS + ["[t]"] * N_TEXTS)
        for i in range(n):
            name = f"{i // PER_FOLDER:04d}/{i:07d}.jpg"
            _write_picture(folder / name, rng)
            sample = i * N_SAMPLES // n
            row = [name, f"o{i}", f"{40 + sample / 100}", "5.5", "20200131", f"{sample % 24:02d}3000"]
            row += [f"taxon {min(rng.zipf(1.5), N_TAXA)}", ("validated", "predicted")[i % 2]]
            row += [f"s{sample}", f"a{sample}", f"p{sample}"]
            table.writerow(row + [f"{value:.6g}" for value in rng.random(N_NUMBERS)] + ["a word"] * N_TEXTS)


def _write_picture(path: Path, rng: np.random.Generator) -> None:
    width, height = rng.integers(*SIDES_PX, 2)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shape = np.clip(1.2 - (x / rng.uniform(0.3, 1)) ** 2 - (y / rng.uniform(0.3, 1)) ** 2, 0, 1)
    noise = rng.normal(0, 6, shape.shape)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.clip(230 - 180 * shape + noise, 0, 255).astype(np.uint8)).save(path, quality=90)


def bare(paths: list[str]) -> int:
    """The reference: read, hash, decode and thumbnail, and nothing else."""
    total = 0
    for path in paths:
        data = Path(path).read_bytes()
        hashlib.sha256(data).digest()
        total += len(images.thumbnail(images.open_image(data)))
    return total


def run_bare(folder: Path, processes: int) -> Cost:
    paths = [str(path) for path in folder.rglob("*.jpg")]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(bare, [paths[:10]] * processes))
        with measured() as cost:
            list(pool.map(bare, [paths[i : i + 500] for i in range(0, len(paths), 500)]))
    return cost


def run_one(url: str, home: Path, folder: Path) -> Cost:
    """One import into a project of its own."""
    settings = load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url})
    with database.connect(url) as db:
        account = db.execute(
            "insert into account (email, name) values (%s, 'Bench') returning id", [f"{folder.name}@example.org"]
        ).fetchone()
        project = db.execute("insert into project (title) values ('Benchmark') returning id").fetchone()
    with measured() as cost:
        report = run_import(url, settings, project.id, account.id, folder, ImportOptions(create_taxa=True))
    if report.status != "done":
        raise SystemExit("\n".join(report.lines()))
    return cost


@contextmanager
def measured():
    """Time, processor time of this process, its workers and the database's, and the most memory they held."""
    cost, stop = Cost(), threading.Event()
    watcher = threading.Thread(target=_watch, args=[cost, stop])
    cpu, started = _cpu_seconds(), time.perf_counter()
    watcher.start()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - started
        stop.set()
        watcher.join()
        cost.cpu_seconds = _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    """Of this process, what lives under it (workers, and PostgreSQL), and what has ended under it."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(_ticks(pid) for pid in _family(os.getpid())) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """User and system time of a process and of its ended children (of PostgreSQL: its ended backends)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    own = int(fields[11]) + int(fields[12])
    return own if pid == os.getpid() else own + int(fields[13]) + int(fields[14])


def _family(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family, grown = {root}, True
    while grown:
        grown = {pid for pid, parent in parents.items() if parent in family} - family
        family |= grown
    return sorted(family)


def _watch(cost: Cost, stop: threading.Event) -> None:
    """The importing process and its Python workers; PostgreSQL's shared memory is its own matter."""
    while not stop.wait(0.05):
        cost.peak_mb = max(cost.peak_mb, sum(_own_mb(pid) for pid in _family(os.getpid())))


def _own_mb(pid: int) -> float:
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return 0
    is_python = status["Name"].strip().startswith("python")
    return int(status.get("VmRSS", "0 kB").split()[0]) / 1024 if is_python else 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=20_000)
    n = parser.parse_args().objects
    home = Path(tempfile.mkdtemp(prefix="shoal-importing-"))
    home.chmod(0o711)
    try:
        small, whole = home / "small", home / "whole"
        make_bundle(small, n // 4)
        make_bundle(whole, n)
        cluster = Cluster(home)
        url = cluster.open()
        database.migrate(url)
        reference = run_bare(whole, 2)
        costs = {n // 4: run_one(url, home, small), n: run_one(url, home, whole)}
        cluster.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print_table(n, reference, costs)


def print_table(n: int, reference: Cost, costs: dict[int, Cost]) -> None:
    print(f"{'':34}{'rows/s':>10}{'rows/s by CPU time on 2 cores':>32}{'peak MB':>10}")
    rows: list[tuple[str, int, Cost]] = [("read, hash, decode, thumbnail only", n, reference)]
    rows += [(f"import of {size:,} rows", size, cost) for size, cost in costs.items()]
    for name, size, cost in rows:
        print(f"{name:34}{size / cost.seconds:10,.0f}{2 * size / cost.cpu_seconds:32,.0f}{cost.peak_mb:10,.0f}")
    whole, small = costs[n], costs[n // 4]
    figures: dict[str, Any] = {
        "rows_per_second": round(n / whole.seconds),
        "rows_per_second_by_cpu": round(2 * n / whole.cpu_seconds),
        "reference_rows_per_second": round(n / reference.seconds),
        "peak_mb": round(whole.peak_mb),
        "peak_mb_small": round(small.peak_mb),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
