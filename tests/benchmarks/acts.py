"""How fast people's acts are, four at once on one project: python -m tests.benchmarks.acts.

The clock runs in each person's process from the call of `apply` (or `undo`, `redo`) until its transaction is committed
and the outcome stands as JSON: all that the server does for an act but the reading of the request. Four people act at
once; each has a quarter of the objects, which lie among those of the others. Each begins something every second where
it is about 1,000 objects, every five seconds where it is about 10,000: a label, its undo, its redo, the bare statement.
Then the same without any pause (flat_out). The bare statement writes as many rows of label and history with no guard,
counts, act or answer, in the same company.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from app import database
from app.database import Db
from app.database.launcher import Cluster
from app.labels.acts import Act, Outcome, apply
from app.labels.changes import seen_states, state_token
from app.labels.counts import fold, project_counts
from app.labels.undo import redo, undo
from tests.benchmarks.generate import Made, make_project
from tests.benchmarks.search import fresh_home, log

PEOPLE = 4
ROUNDS = {1_000: 10, 10_000: 3}
PAUSES_S = {1_000: 1.0, 10_000: 5.0}

Times = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    with fresh_home(given.folder) as home:
        url = Cluster(home).open()
        database.migrate(url)
        with database.connect(url) as db:
            made = make_project(db, given.objects, 64)
            log(f"{given.objects:,} objects made")
        flat_out = together(url, made, paced=False)
        paced = together(url, made, paced=True)
        with database.connect(url) as db:
            check(db, made)
    report(paced, flat_out)


def together(url: str, made: Made, *, paced: bool) -> Times:
    """Everybody's times."""
    context = multiprocessing.get_context("spawn")
    meeting, told = context.Barrier(PEOPLE), context.Queue()
    people = [
        context.Process(target=person, args=[url, made, number, meeting, told, paced]) for number in range(PEOPLE)
    ]
    for one in people:
        one.start()
    times: Times = {}
    for _ in people:
        for name, values in told.get().items():
            times.setdefault(name, []).extend(values)
    for one in people:
        one.join()
    return times


def person(url: str, made: Made, number: int, meeting: Any, told: Any, paced: bool) -> None:
    """One person's acts, each undone and done again."""
    project, account = SimpleNamespace(id=made.id, status="annotate"), SimpleNamespace(id=made.accounts[number])
    choice = np.random.default_rng((number, int(paced)))
    own = made.ids[number::PEOPLE]
    times: Times = {}
    with database.connect(url) as db:
        for n, n_rounds in ROUNDS.items():
            meeting.wait()
            due = time.perf_counter() + choice.uniform(0, PAUSES_S[n])
            for k in range(n_rounds):
                act = an_act(db, made, choice.choice(own, n, replace=False).tolist(), made.taxa[(7 * number + k) % 50])
                for name, work in works(db, project, account, act):
                    if paced:
                        time.sleep(max(0.0, due - time.perf_counter()))
                        due += PAUSES_S[n]
                    times.setdefault(f"{name}_{n}", []).append(clocked(db, work))
    told.put(times)


def an_act(db: Db, made: Made, ids: list[int], taxon_id: int) -> Act:
    seen = seen_states(db, made.id, ids)
    db.commit()
    states = [state_token(seen[id].version, seen[id].status, seen[id].run_id) for id in ids]
    return Act(uuid4(), "label", ids, states, taxon_id, "V", "batch")


def works(
    db: Db, project: SimpleNamespace, account: SimpleNamespace, act: Act
) -> Iterator[tuple[str, Callable[[], Outcome | None]]]:
    yield "label", lambda: apply(db, project, account, act)
    yield "undo", lambda: undo(db, project, account, uuid4())
    yield "redo", lambda: redo(db, project, account, uuid4())
    yield "bare", lambda: bare(db, project.id, act.objects)


def clocked(db: Db, work: Callable[[], Outcome | None]) -> float:
    """Milliseconds of one transaction, its commit and its outcome as JSON with it."""
    start = time.perf_counter()
    outcome = work()
    db.commit()
    if outcome:
        msgspec.json.encode(outcome)
    return 1000 * (time.perf_counter() - start)


def bare(db: Db, project_id: int, ids: list[int]) -> None:
    """The reference: the same rows written with no guard, no counts, no act and no answer."""
    db.execute(
        """
        with held as materialized (
            select object_id
              from label
             where project_id = %(project_id)s
               and object_id = any(%(ids)s)
             order by object_id
               for update
        ),
        written as (
            update label
               set provenance = provenance
              from held
             where label.project_id = %(project_id)s
               and label.object_id = held.object_id
            returning label.object_id, label.version, label.status, label.taxon_id
        ),
        logged as (
            insert into history (project_id, object_id, act_id, new_status, new_taxon_id, new_version)
            select %(project_id)s, object_id, -%(act_id)s, status, taxon_id, version
              from written
        )
        select count(*) from written
        """,
        {"project_id": project_id, "ids": ids, "act_id": time.time_ns()},
    )


def check(db: Db, made: Made) -> None:
    """The counters say what the tables say, or the figures are worth nothing."""
    fold(db)
    kept = {key: n for key, n in project_counts(db, made.id).items() if key[1] in "DV"}
    rows = db.execute(
        """
        select taxon_id, status, count(*) as n
          from label
         where project_id = %s
           and status <> 'U'
         group by taxon_id, status
        """,
        [made.id],
    )
    found = {(row.taxon_id, row.status): row.n for row in rows}
    if kept != found:
        raise SystemExit("The counters differ from the tables.")


def report(paced: Times, flat_out: Times) -> None:
    table = Table("what", "median ms", "p95 ms", "times bare", "flat out: median ms", "p95 ms", "times bare", "times")
    for name in paced:
        cells = []
        for times in (paced, flat_out):
            middle, late = np.percentile(times[name], (50, 95))
            bare_ms = np.median(times[f"bare_{name.split('_')[1]}"])
            cells += [f"{middle:.1f}", f"{late:.1f}", f"{middle / bare_ms:.1f}"]
        table.add_row(name, *cells, str(len(paced[name])))
    Console(width=110).print(table)
    figures = {f"{name}_ms": round(float(np.median(values)), 1) for name, values in paced.items()}
    figures |= {f"{name}_flat_out_ms": round(float(np.median(values)), 1) for name, values in flat_out.items()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
