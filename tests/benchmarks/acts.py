"""How fast people's acts and the board's pages are, while somebody else labels: python -m tests.benchmarks.acts."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
from rich.console import Console
from rich.table import Table

from app import database, search
from app.database import Db
from app.database.launcher import Cluster
from app.labels.acts import Act, apply
from app.labels.changes import seen_states, state_token
from app.labels.counts import project_counts
from app.labels.undo import redo, undo
from app.objects.board import page
from app.objects.fields import project_fields
from app.objects.filters import read_filter
from app.objects.orders import read_order
from app.settings import load_settings
from app.taxonomy.tree import project_tree
from tests.benchmarks.generate import Made, labelling_client, make_project
from tests.benchmarks.search import fresh_home, log

ROUNDS = 20
PAGES = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    with fresh_home(given.folder) as home:
        url = Cluster(home, {"shared_buffers": "1GB", "max_wal_size": "8GB"}).open()
        database.migrate(url)
        search.configure(load_settings({"SHOAL_HOME": str(home), "DATABASE_URL": url}))
        with database.connect(url) as db:
            made = make_project(db, given.objects, 256)
            log(f"{given.objects:,} objects made")
        with labelling_client(url, made), database.connect(url) as db:
            project = SimpleNamespace(
                id=made.id, status="annotate", embedder_id=made.embedder_id, validated_only=False,
                pixel_size_um=None, settings={},
            )  # fmt: skip
            times = {**acts(db, project, made), **pages(db, project, made)}
    report(times)


Times = dict[str, list[float]]


def clocked(db: Db, work: Callable[[], object]) -> float:
    """Milliseconds of one transaction, its commit with it."""
    start = time.perf_counter()
    work()
    db.commit()
    return 1000 * (time.perf_counter() - start)


def acts(db: Db, project: SimpleNamespace, made: Made) -> Times:
    """Labels of 1,000 and 10,000 objects, undone and done again; the bare statement beside them."""
    times: Times = {}
    account = SimpleNamespace(id=made.accounts[1])
    choice = np.random.default_rng(3)
    for n in (1_000, 10_000):
        for k in range(ROUNDS if n < 5_000 else ROUNDS // 2):
            ids = sorted(choice.choice(made.ids, n, replace=False).tolist())
            seen = seen_states(db, made.id, ids)
            states = [state_token(seen[i].version, seen[i].status, seen[i].run_id) for i in ids]
            act = Act(uuid4(), "label", ids, states, made.taxa[k % 50], "V", "batch")
            put(times, f"label_{n}", clocked(db, lambda act=act: apply(db, project, account, act)))
            put(times, f"undo_{n}", clocked(db, lambda: undo(db, project, account, uuid4())))
            put(times, f"redo_{n}", clocked(db, lambda: redo(db, project, account, uuid4())))
            put(times, f"bare_{n}", clocked(db, lambda ids=ids: bare(db, made.id, ids)))
    return times


def bare(db: Db, project_id: int, ids: list[int]) -> None:
    """The reference: the same rows written with no guard, no counts, no act and no answer."""
    db.execute(
        """
        with written as (
            update label
               set version = version + 1, taxon_id = taxon_id + 1
             where project_id = %(project_id)s
               and object_id = any(%(ids)s)
               and status <> 'U'
            returning object_id, version, status, taxon_id
        )
        insert into history (project_id, object_id, act_id, new_status, new_taxon_id, new_version)
        select %(project_id)s, object_id, -nextval('object_id_seq'), status, taxon_id, version
          from written
        """,
        {"project_id": project_id, "ids": ids},
    )


def pages(db: Db, project: SimpleNamespace, made: Made) -> Times:
    """Pages of 200 tiles in several orders, scrolled from the start; the first of an order is counted apart."""
    times: Times = {}
    fields = project_fields(db, made.id)
    number = next(field.key for field in fields if field.type == "number")
    text = next(field.key for field in fields if field.type == "text")
    for name, query in {
        "id": "", "score": "order=score&dir=desc", "number": f"order=f.{number}&dir=desc", "text": f"order=f.{text}",
        "filtered": f"order=f.{number}&status=P&f.{number}=0..1&taxon={made.taxa[0]}",
    }.items():  # fmt: skip
        pairs = [tuple(pair.split("=")) for pair in query.split("&") if pair]
        cursor = None
        for k in range(PAGES):
            start = time.perf_counter()
            shown = page(db, project, read_filter(db, made.id, pairs), read_order(fields, pairs), cursor)
            db.commit()
            put(times, f"page_{name}" if k else f"first_{name}", 1000 * (time.perf_counter() - start))
            cursor = shown.next_cursor
    for _ in range(PAGES):
        put(times, "tree", clocked(db, lambda: project_tree(db, made.id)))
        put(times, "counts", clocked(db, lambda: project_counts(db, made.id)))
    return times


def put(times: Times, name: str, milliseconds: float) -> None:
    times.setdefault(name, []).append(milliseconds)


def report(times: Times) -> None:
    table = Table("what", "median ms", "p95 ms", "times")
    for name, values in times.items():
        table.add_row(name, *(f"{np.percentile(values, share):.1f}" for share in (50, 95)), str(len(values)))
    Console(width=100).print(table)
    scrolled = [value for name, values in times.items() if name.startswith("page_") for value in values]
    print(
        json.dumps(
            {
                "label_1000_ms": round(float(np.median(times["label_1000"])), 1),
                "label_10000_ms": round(float(np.median(times["label_10000"])), 1),
                "undo_10000_ms": round(float(np.median(times["undo_10000"])), 1),
                "page_p95_ms": round(float(np.percentile(scrolled, 95)), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
