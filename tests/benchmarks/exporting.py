"""How fast projects go out, names are found, and whether memory stays flat: python -m tests.benchmarks.exporting."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from app import database, search
from app.database import Db
from app.database.launcher import Cluster
from app.edits.label_wishes import LabelsWish
from app.edits.labels import edit_labels
from app.exporting import files
from app.exporting.choices import Wish
from app.exporting.command import as_manager
from app.jobs.run import run_queued
from app.projects.access import Project
from app.reshaping import asked, erasing, subset
from app.reshaping.choosing import Wish as ObjectsWish
from app.settings import Settings, load_settings
from tests.benchmarks import taxonomy_names
from tests.benchmarks.generate import make_project

FORMULAS = {
    "subsample_coef": "1 / coalesce(acq.sub_part, 1)",
    "total_water_volume": "coalesce(sam.volume, 40)",
    "individual_volume": "4/3 * pi * (object.number1 ** 2 / pi) ** 1.5",
}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "backup": ("ecotaxa_backup", {"images": "none"}),
    "general": ("ecotaxa_general", {}),
    "csv": ("csv", {}),
    "parquet": ("parquet", {}),
    "summary": ("summary", {"by": "sample", "quantities": ["abundance", "biovolume"], "formulas": FORMULAS}),
}
RESHAPED = 100_000


def make_home(home: Path, objects: int) -> int:
    """A project of so many objects with 80 free columns, labels, predictions and vectors; its id."""
    kept = home / "made.json"
    if kept.exists():
        return int(json.loads(kept.read_text())["id"])
    with running(home) as url, database.connect(url) as db:
        made = make_project(db, objects)
    kept.write_text(json.dumps({"id": made.id, "objects": objects}))
    return made.id


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The home's own PostgreSQL, up to date."""
    cluster = Cluster(home)
    url = cluster.open()
    try:
        database.migrate(url)
        yield url
    finally:
        cluster.close()


def settings_of(home: Path, url: str) -> Settings:
    return load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url})


def measure(home: Path, url: str, project_id: int, name: str) -> None:
    """One export, as a worker does it: seconds, rows, bytes and this process's peak of memory, as a line of JSON."""
    kind, choices = KINDS[name]
    settings = settings_of(home, url)
    with database.connect(url) as db:
        project = as_manager(db, project_id)
        asked = files.ask(db, project, None, Wish(kind, choices))
    began = time.perf_counter()
    run_queued(asked.job_id or 0, settings, url, threading.Event())
    seconds = time.perf_counter() - began
    with database.connect(url) as db:
        done = files.find(db, project_id, asked.id)
        if done.status != "done":
            raise SystemExit(f"{name}: {done.status} {done.error}")
        objects = db.execute("select count(*) as n from object where project_id = %s", [project_id]).fetchone().n
        told = {"rows": done.n_rows, "seconds": seconds, "bytes": done.n_bytes, "peak_mb": peak_mb()}
        told["rows_looked_at"] = objects if kind == "summary" else done.n_rows
        files.remove(db, settings, done)
    print(json.dumps(told))


def peak_mb() -> float:
    """This program's own: what getrusage tells begins with the memory of whoever started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def reshape(home: Path, url: str, project_id: int) -> None:
    """A subset of 100,000 objects, labelled ones where there are enough, and one taxon given to all its labels, each as
    a worker does it: seconds and how many, as a line of JSON. The subset goes again."""
    settings = settings_of(home, url)
    search.configure(settings)
    with database.connect(url, autocommit=True) as db:
        account_id = db.execute("select min(id) as id from account").fetchone().id
        project = as_manager(db, project_id)
        labelled = db.execute(
            "select count(*) as n from label where project_id = %s and status = 'V'", [project_id]
        ).fetchone()
        wish = ObjectsWish(filters="status=V" if labelled.n >= RESHAPED else "", number=RESHAPED)
        began = time.perf_counter()
        made = subset.ask(db, project, account_id, "Subset of the benchmark", wish, subset.What())
        run_queued(made.job_id or 0, settings, url, threading.Event())
        subset_s = time.perf_counter() - began
        made = asked.find(db, made.id)
        if made.state != "done" or made.to_id is None:
            raise SystemExit(f"subset: {made.state}")
        try:
            told = reclassify(db, settings, url, as_manager(db, made.to_id), account_id)
        finally:
            erasing.erase_project(db, made.to_id)
    print(json.dumps({"subset_s": subset_s, "subset_objects": made.n_objects, "peak_mb": peak_mb()} | told))


def reclassify(db: Db, settings: Settings, url: str, project: Project, account_id: int) -> dict[str, Any]:
    """All labels of a project become those of one taxon of it."""
    taxon_id = db.execute("select min(taxon_id) as id from label where project_id = %s", [project.id]).fetchone().id
    began = time.perf_counter()
    asked_for = edit_labels(db, project, account_id, uuid4(), LabelsWish("reclassify", taxon_id=taxon_id))
    if asked_for.job_id:
        run_queued(asked_for.job_id, settings, url, threading.Event())
    seconds = time.perf_counter() - began
    changed = db.execute("select n_objects as n from act where id = %s", [asked_for.act_id]).fetchone()
    return {"reclassify_s": seconds, "reclassified": changed.n}


def in_a_process(part: str, *given: str) -> dict[str, Any]:
    """What one part prints last, from a process of its own, so that each has its own peak of memory."""
    command = [sys.executable, "-m", "tests.benchmarks.exporting", f"--{part}", *given]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told


def export_figures(home: Path, url: str, project_id: int) -> dict[str, float]:
    """Rows a second of each kind, and the highest peak of memory."""
    figures, peaks = {}, []
    for name in KINDS:
        told = in_a_process("one", name, str(home), url, str(project_id))
        rate = told["rows_looked_at"] / told["seconds"]
        print(
            f"{name:14}{told['rows']:12,} rows{told['seconds']:9.1f} s{rate:12,.0f} objects/s"
            f"{told['bytes'] / 1e6:10,.0f} MB{told['peak_mb']:8,.0f} MB of memory",
            flush=True,
        )
        figures[f"{name}_rows_per_second"] = round(rate)
        peaks.append(told["peak_mb"])
    return figures | {"peak_mb": round(max(peaks))}


def reshape_figures(home: Path, url: str, project_id: int) -> dict[str, float]:
    """Seconds for 100,000 objects; of a smaller project what they come to at the same rate."""
    told = in_a_process("reshape", str(home), url, str(project_id))
    print(
        f"subset of {told['subset_objects']:,} objects {told['subset_s']:.1f} s, {told['reclassified']:,} labels"
        f" reclassified {told['reclassify_s']:.1f} s, {told['peak_mb']:,.0f} MB of memory",
        flush=True,
    )
    return {
        "subset_100k_s": round(told["subset_s"] * RESHAPED / max(told["subset_objects"], 1), 2),
        "reclassify_100k_s": round(told["reclassify_s"] * RESHAPED / max(told["reclassified"], 1), 2),
    }


def main() -> None:
    if "--one" in sys.argv:
        name, home, url, project_id = sys.argv[sys.argv.index("--one") + 1 :]
        return measure(Path(home), url, int(project_id), name)
    if "--reshape" in sys.argv:
        home, url, project_id = sys.argv[sys.argv.index("--reshape") + 1 :]
        return reshape(Path(home), url, int(project_id))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--names", type=int, default=taxonomy_names.NAMES, help="Of the taxonomy; 0: none.")
    parser.add_argument("--home", type=Path, help="A folder that is kept, and used again.")
    given = parser.parse_args()
    home = given.home or Path(tempfile.mkdtemp(prefix="shoal-exporting-"))
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    try:
        project_id = make_home(home, given.objects)
        with running(home) as url:
            figures = export_figures(home, url, project_id) | reshape_figures(home, url, project_id)
    finally:
        if given.home is None:
            shutil.rmtree(home, ignore_errors=True)
    if given.names:
        figures["autocomplete_p95_ms"] = taxonomy_names.measure(given.names)["autocomplete_p95_ms"]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
