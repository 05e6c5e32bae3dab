"""How fast batches are made, paged and ranked again, while somebody labels 1,000 a second.

    python -m tests.benchmarks.batches [--objects 1000000] [--home DIR]

Asked of a real `shoal serve` over loopback by a program with a token: a batch of 1,000 from each kind of source, then
its pages of 60, each seen, applied and followed by the next, as a person works. The clock of a request runs until its
answer is read. `make` is the worst kind's; `rerank` is the whole request that applies a page: its labels, its refusals,
and the new order of what is left. Then --images pictures are imported into a server of their own, and the first card
waited for. The last line is JSON.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from app import database
from app.accounts.tokens import make_token
from app.database.launcher import Cluster
from app.projects.queries import set_member
from tests.benchmarks.first_card import measure_in_scratch
from tests.benchmarks.generate import labelling_client
from tests.benchmarks.pages import LABELLER, cpu_ms
from tests.benchmarks.search import fresh_home, log
from tests.benchmarks.site import Site, serving
from tests.benchmarks.start import web_process

LIMIT, PAGE, PAGES, ROUNDS = 1000, 60, 3, 25
SLOW_ROUNDS = 5  # of what reads the graph of neighbours
PICTURES = 1000
WARM_ROUNDS = 2
MOST_MS = {"make": 150, "make_slow": 2000, "page": 40, "rerank": 150}  # first_card_s: 120
SLOW = ("outliers", "mistakes", "stragglers")

Json = dict[str, Any]


@dataclass
class Times:
    """Milliseconds of requests, and of processor time that they took, by what they ask."""

    taken: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    n_labelled: int = 0

    def note(self, what: str, took: tuple[float, float]) -> None:
        self.taken.setdefault(what, []).append(took)

    def late(self, what: str, place: int = 0) -> float:
        """The worst 95th percentile of all that begins like this: of the clock, or of processor time."""
        values = [[took[place] for took in taken] for name, taken in self.taken.items() if name.startswith(what)]
        return round(max(float(np.percentile(one, 95)) for one in values), 1)


class Program:
    """An annotator that works through the API."""

    def __init__(self, site: Site) -> None:
        with database.connect(site.database_url) as db:
            set_member(db, site.made.id, site.made.accounts[1], "manager")  # who may review
            token = make_token(db, site.made.accounts[1], "benchmark", "full", 1)[1]
        self.url = f"/api/v1/projects/{site.made.id}"
        self.server = SimpleNamespace(
            web_pid=web_process(site.server.pid), db=database.connect(site.database_url, autocommit=True)
        )
        self.client = httpx.Client(
            base_url=site.address,
            headers={"authorization": f"Bearer {token}", "accept": "application/json"},
            timeout=60,
        )

    def ask(self, method: str, path: str, body: Json | None = None) -> tuple[tuple[float, float], Any]:
        """Milliseconds until the answer was read, those of the server's processor time, and the answer."""
        used, start = cpu_ms(self.server), time.perf_counter()
        answer = self.client.request(method, self.url + path, json=body)
        took = 1000 * (time.perf_counter() - start), cpu_ms(self.server) - used
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
    yield "review", lambda: {"kind": "review", "taxon_id": int(rng.choice(taxa))}
    yield "outliers", lambda: {"kind": "outliers", "taxon_id": int(rng.choice(taxa))}
    yield "mistakes", lambda: {"kind": "mistakes"}
    yield "stragglers", lambda: {"kind": "stragglers", "taxon_id": int(rng.choice(taxa))}


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
    times.note(f"{'slow ' if kind in SLOW else ''}make from {kind}", took)
    path = f"/batches/{batch['id']}"
    for number in range(PAGES):
        took, page = program.ask("GET", f"{path}/page?n={PAGE}")
        if page["number"] is None:
            break
        times.note("page", took)
        ids = [tile["id"] for tile in page["tiles"]]
        took, _ = program.ask("POST", f"{path}/page/{page['number']}/seen", {"ids": ids})
        times.note("seen", took)
        marked = page["tiles"][: PAGE // 2]
        act = {
            "client_id": str(uuid4()), "taxon_id": batch["taxon_id"] or site.made.taxa[number], "status": "V",
            "marked": [tile["id"] for tile in marked], "states": [tile["state"] for tile in marked],
            "not_this": ids[-2:] if len(ids) > PAGE // 2 + 2 else [],
        }  # fmt: skip
        took, worked = program.ask("POST", f"{path}/page/{page['number']}/apply", act)
        times.note("apply and rerank", took)
        times.n_labelled += len(worked["outcome"]["changed"])
    program.ask("DELETE", path)


def measure(site: Site, rounds: int) -> Times:
    program, times = Program(site), Times()
    for warm in (True, False):
        told = Times() if warm else times
        for kind, make in sources(site, seed=1 + warm):
            for _ in range(WARM_ROUNDS if warm else SLOW_ROUNDS if kind in SLOW else rounds):
                work(program, site, kind, make(), told)
            if not warm:
                what = f"{'slow ' if kind in SLOW else ''}make from {kind}"
                log(f"{kind}: {told.late(what):.0f} ms, {told.late(what, 1):.0f} ms of the processor")
    return times


def report(times: Times, first_card: Json) -> None:
    table = Table("what", "median ms", "p95 ms", "worst ms", "median cpu ms", "p95 cpu ms", "times")
    for name, taken in times.taken.items():
        (middle, late, worst), cpu = (np.percentile([took[k] for took in taken], (50, 95, 100)) for k in (0, 1))
        table.add_row(name, *(f"{ms:.1f}" for ms in (middle, late, worst, *cpu[:2])), str(len(taken)))
    Console(width=110).print(table)
    figures: Json = {}
    for name, what in (
        ("make", "make from"),
        ("make_slow", "slow make"),
        ("page", "page"),
        ("rerank", "apply and rerank"),
    ):
        figures |= {f"{name}_p95_ms": times.late(what), f"{name}_p95_cpu_ms": times.late(what, 1)}
    figures |= {f"{name.replace(' from ', '_')}_p95_ms": times.late(name) for name in times.taken if "from" in name}
    figures |= first_card
    print(json.dumps(figures | {"labelled": times.n_labelled, "load": os.getloadavg()[0], "most_ms": MOST_MS}))


def _named(url: str) -> str:
    """The same database, for a client whose processor time is not the server's."""
    return f"{url}{'&' if '?' in url else '?'}application_name={LABELLER}"


@contextmanager
def kept_home(home: Path) -> Iterator[Path]:
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    try:
        yield home
    finally:
        Cluster(home).close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    parser.add_argument("--home", type=Path, help="a folder that keeps what was made, for the next run")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="batches of each kind of source")
    parser.add_argument("--images", type=int, default=20_000, help="imported for the first card; 0: without")
    given = parser.parse_args()
    with (
        kept_home(given.home) if given.home else fresh_home(given.folder) as home,
        serving(home, given.objects, given.dimension, PICTURES, with_graph=True) as site,
        labelling_client(_named(site.database_url), site.made, pause_s=1),
    ):
        times = measure(site, given.rounds)
    first_card = asdict(measure_in_scratch(given.images, given.folder)) if given.images else {}
    report(times, first_card)


if __name__ == "__main__":
    main()
