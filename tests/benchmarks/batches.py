"""How fast batches are made, paged and ranked again, while somebody labels 1,000 a second.

    python -m tests.benchmarks.batches [--objects 1000000]

Asked of a real `shoal serve` over loopback by a program with a token: a batch of 1,000 from each kind of source, then
its pages of 60, each seen, applied and followed by the next, as a person works. The clock of a request runs until its
answer is read. `make` is the worst kind's; `rerank` is the whole request that applies a page: its labels, its refusals,
and the new order of what is left. The last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from app import database
from app.accounts.tokens import make_token
from tests.benchmarks.generate import labelling_client
from tests.benchmarks.search import fresh_home, log
from tests.benchmarks.site import Site, serving

LIMIT, PAGE, PAGES, ROUNDS = 1000, 60, 3, 25
PICTURES = 1000
WARM_ROUNDS = 2
MOST_MS = {"make": 150, "page": 40, "rerank": 150}

Json = dict[str, Any]


@dataclass
class Times:
    """Milliseconds of requests, by what they ask."""

    made: dict[str, list[float]] = field(default_factory=dict)
    page: list[float] = field(default_factory=list)
    rerank: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    n_labelled: int = 0


class Program:
    """An annotator that works through the API."""

    def __init__(self, site: Site) -> None:
        with database.connect(site.database_url) as db:
            token = make_token(db, site.made.accounts[1], "benchmark", "full", 1)[1]
        self.url = f"/api/v1/projects/{site.made.id}"
        self.client = httpx.Client(
            base_url=site.address,
            headers={"authorization": f"Bearer {token}", "accept": "application/json"},
            timeout=60,
        )

    def ask(self, method: str, path: str, body: Json | None = None) -> tuple[float, Any]:
        """Milliseconds until the answer was read, and the answer."""
        start = time.perf_counter()
        answer = self.client.request(method, self.url + path, json=body)
        took = 1000 * (time.perf_counter() - start)
        if answer.status_code >= 400:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return took, answer.json() if answer.content else None


def sources(site: Site, seed: int) -> Iterator[tuple[str, Callable[[], Json]]]:
    """Each kind of source, with what makes a new one each time."""
    rng, made = np.random.default_rng(seed), site.made
    taxa = made.taxa[:100]
    validated = _validated(site)
    yield "examples", lambda: {"kind": "examples", "ids": rng.choice(validated, 3, replace=False).tolist()}
    yield "taxon", lambda: {"kind": "filter", "query": f"taxon={rng.choice(taxa)}"}
    yield "predicted", lambda: {"kind": "predicted", "taxon_id": int(rng.choice(taxa))}
    pile_id = _pile(site)
    yield "pile", lambda: {"kind": "pile", "pile_id": pile_id}
    yield "filter", lambda: {"kind": "filter", "query": f"status=U&f.number1={rng.integers(1, 200)}..400"}


def _validated(site: Site) -> list[int]:
    with database.connect(site.database_url) as db:
        rows = db.execute(
            "select object_id from label where project_id = %s and status = 'V' order by object_id limit 5000",
            [site.made.id],
        )
        return [row.object_id for row in rows]


def _pile(site: Site) -> int:
    """A pile of 5,000 objects without a label, as people set them aside."""
    with database.connect(site.database_url) as db:
        row = db.execute(
            """
            insert into pile (project_id, client_id, name, account_id)
            values (%s, gen_random_uuid(), 'worm-like', %s)
            returning id
            """,
            [site.made.id, site.made.accounts[1]],
        ).fetchone()
        db.execute(
            """
            insert into pile_object (pile_id, object_id)
            select %s, object.id
              from object
              left join label on label.project_id = object.project_id and label.object_id = object.id
             where object.project_id = %s
               and label.object_id is null
             order by object.id
             limit 5000
            """,
            [row.id, site.made.id],
        )
    return int(row.id)


def work(program: Program, site: Site, kind: str, source: Json, times: Times) -> None:
    """Make a batch, and work its first pages: half of each labelled, two refused."""
    took, batch = program.ask("POST", "/batches", {"source": source, "limit": LIMIT})
    times.made.setdefault(kind, []).append(took)
    path = f"/batches/{batch['id']}"
    for number in range(PAGES):
        took, page = program.ask("GET", f"{path}/page?n={PAGE}")
        if page["number"] is None:
            break
        times.page.append(took)
        ids = [tile["id"] for tile in page["tiles"]]
        took, _ = program.ask("POST", f"{path}/page/{page['number']}/seen", {"ids": ids})
        times.seen.append(took)
        marked = page["tiles"][: PAGE // 2]
        act = {
            "client_id": str(uuid4()), "taxon_id": batch["taxon_id"] or site.made.taxa[number], "status": "V",
            "marked": [tile["id"] for tile in marked], "states": [tile["state"] for tile in marked],
            "not_this": ids[-2:] if len(ids) > PAGE // 2 + 2 else [],
        }  # fmt: skip
        took, worked = program.ask("POST", f"{path}/page/{page['number']}/apply", act)
        times.rerank.append(took)
        times.n_labelled += len(worked["outcome"]["changed"])
    program.ask("DELETE", path)


def measure(site: Site) -> Times:
    program, times = Program(site), Times()
    for warm in (True, False):
        told = Times() if warm else times
        for kind, make in sources(site, seed=1 + warm):
            for _ in range(WARM_ROUNDS if warm else ROUNDS):
                work(program, site, kind, make(), told)
            if not warm:
                log(f"{kind}: {np.percentile(told.made[kind], 95):.0f} ms")
    return times


def report(times: Times) -> None:
    table = Table("what", "median ms", "p95 ms", "worst ms", "times")
    rows = {f"make from {kind}": values for kind, values in times.made.items()}
    for name, values in {**rows, "page": times.page, "seen": times.seen, "apply and rerank": times.rerank}.items():
        middle, late, worst = np.percentile(values, (50, 95, 100))
        table.add_row(name, f"{middle:.1f}", f"{late:.1f}", f"{worst:.1f}", str(len(values)))
    Console(width=110).print(table)
    figures = {
        "make_p95_ms": round(max(float(np.percentile(values, 95)) for values in times.made.values()), 1),
        "page_p95_ms": round(float(np.percentile(times.page, 95)), 1),
        "rerank_p95_ms": round(float(np.percentile(times.rerank, 95)), 1),
        **{f"make_{kind}_p95_ms": round(float(np.percentile(values, 95)), 1) for kind, values in times.made.items()},
        "labelled": times.n_labelled,
        "most_ms": MOST_MS,
    }
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    with (
        fresh_home(given.folder) as home,
        serving(home, given.objects, given.dimension, PICTURES) as site,
        labelling_client(site.database_url, site.made, pause_s=1),
    ):
        times = measure(site)
    report(times)


if __name__ == "__main__":
    main()
