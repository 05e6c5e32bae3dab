"""How soon a page of 200 tiles and the tree come, under every order and filter, while somebody labels 1,000 a second.

Asked of a real `shoal serve` over loopback, so the figures hold everything but the network and the browser. Reference:
the same page of ids by plain SQL with an offset. `python -m tests.benchmarks.pages [--objects 1000000]`; the last line
is JSON.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from app import database, search
from app.accounts.queries import make_account
from app.accounts.sessions import start_session
from app.database import Db
from app.objects.board import PAGE
from app.objects.fields import project_fields
from app.objects.filters import read_filter
from app.objects.orders import Order, read_order
from app.objects.sorting import sorted_by
from app.paging import cursor_of, parts_of
from app.search import generations, likeness, whole
from app.search.mirror import open_mirror
from app.settings import load_settings
from indexer.neighbours import mean_direction
from tests.benchmarks.generate import Made, labelling_client, make_project
from tests.benchmarks.search import fresh_home, log
from tests.benchmarks.start import browser, server, web_process

MANY_TAXA = 3000
REPEATS = 3
LABELLER = "shoal-labeller"  # as PostgreSQL knows the second client
MOST_P95_MS, MOST_FIRST_MS, MOST_TREE_MS = 60, 1000, 20


@dataclass
class Case:
    """One page, asked several times."""

    order: str
    filter: str
    position: str
    milliseconds: list[float] = field(default_factory=list)
    n_tiles: int = 0
    cpu_ms: float = 0.0  # of the web process and its connections' server processes, a page


@dataclass(frozen=True)
class Bench:
    """A server with a project, a browser on it, and a connection of one's own to the same database."""

    client: httpx.Client
    db: Db
    made: Made
    web_pid: int

    @property
    def project(self) -> SimpleNamespace:
        return SimpleNamespace(id=self.made.id, embedder_id=self.made.embedder_id, validated_only=False)

    def ask(self, what: str, query: str) -> tuple[float, str]:
        """Milliseconds and the answer."""
        began = time.perf_counter()
        answer = self.client.get(f"/projects/{self.made.id}/{what}?{query}")
        milliseconds = 1000 * (time.perf_counter() - began)
        answer.raise_for_status()
        return milliseconds, answer.text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    with fresh_home(given.folder) as home:
        url, cookie, made = prepare(home, given.objects)
        with (
            server(home) as (process, address),
            browser(address, cookie) as client,
            database.connect(url, autocommit=True) as db,
            labelling_client(f"{url}{'&' if '?' in url else '?'}application_name={LABELLER}", made, pause_s=1.0),
        ):
            totals = measure(Bench(client, db, made, web_process(process.pid)))
    print(json.dumps(totals))


def prepare(home: Path, objects: int) -> tuple[str, str, Made]:
    """A generated, indexed project with 3,000 taxa, and the session of an application manager."""
    settings = load_settings({"SHOAL_HOME": str(home)})
    search.configure(settings)
    url = database.open_database(settings)
    database.migrate(url)
    with database.connect(url) as db:
        account_id = make_account(db, "ada@example.org", is_application_manager=True)
        token = start_session(db, account_id, "benchmark", "127.0.0.1")
        began = time.perf_counter()
        made = make_project(db, objects)
        widen(db, made)
        log(f"{objects:,} objects in {time.perf_counter() - began:.0f} s")
    with database.connect(url, autocommit=True) as db:
        began = time.perf_counter()
        generations.build(db, search.index_folder(), made.id, made.embedder_id)
        log(f"indexed in {time.perf_counter() - began:.0f} s")
    return url, token, made


def widen(db: Db, made: Made) -> None:
    """As many taxa as the largest projects have, ten predictions each; and the sizes of the images. Commits."""
    n_new = MANY_TAXA - len(made.taxa)
    db.execute(
        """
        with new as (
            insert into taxon (name, display_name, rank, parent_id)
            select 'Rare' || i, 'Rare' || i, 'genus', (%(taxa)s::int[])[1 + i %% cardinality(%(taxa)s::int[])]
            from generate_series(1, %(n)s) i
            returning id
        ), numbered as (
            select id, row_number() over () - 1 as place from new
        ), free as (
            select prediction.object_id, prediction.taxon_id, row_number() over () - 1 as place
            from prediction
            left join label using (project_id, object_id)
            where prediction.project_id = %(project_id)s
              and label.object_id is null
            limit 10 * %(n)s
        ), moved as (
            update prediction
            set taxon_id = numbered.id
            from free
            join numbered on numbered.place = free.place %% %(n)s
            where prediction.project_id = %(project_id)s
              and prediction.object_id = free.object_id
            returning free.taxon_id as former, numbered.id as taxon_id
        )
        insert into count_delta (project_id, taxon_id, status, n)
        select %(project_id)s, taxon_id, 'P', count(*) from moved group by taxon_id
        union all
        select %(project_id)s, former, 'P', -count(*) from moved group by former
        """,
        {"taxa": made.taxa, "n": n_new, "project_id": made.id},
    )
    db.execute(
        """
        insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
        select distinct hash, 1000, 'PNG', 'L', 120, 80, 'packs/none:0:1', 'packs/none:0:1'
        from image
        where project_id = %s
        on conflict do nothing
        """,
        [made.id],
    )
    db.commit()


def filters(made: Made) -> dict[str, str]:
    """None, one that keeps a thousandth, and a wide one of what labels change and what they do not."""
    taxa = "".join(f"&taxon={taxon_id}" for taxon_id in made.taxa[:30])
    return {
        "none": "",
        "selective": f"sample={made.samples[0]}",
        "wide": f"status=V&status=P&depth=20..450&f.number3=20..&time=06:00..23:00{taxa}",
    }


def orders(made: Made) -> list[str]:
    """Every kind of order, and both directions of some."""
    example = made.first_id + made.objects // 3
    return [
        "order=id", "order=id&dir=desc", "order=score", "order=score&dir=desc", "order=when&dir=desc", "order=taxon",
        "order=date", "order=imported&dir=desc", "order=depth", "order=random&seed=7", "order=f.number3",
        "order=f.text5&dir=desc", "order=f.sample.net", f"order=like&examples={example}",
        f"order=like&examples={example}&dir=desc",
    ]  # fmt: skip


def measure(bench: Bench) -> dict[str, float]:
    open_ms, _ = bench.ask("tiles", "limit=1")
    log(f"first page of the project: {open_ms:.0f} ms")
    firsts = {order: bench.ask("tiles", order)[0] for order in orders(bench.made)}
    firsts |= {
        f"deep, {order}": bench.ask("tiles", f"{order}&cursor={cursors(bench, order, '')['last']}")[0]
        for order in orders(bench.made)
        if "like" in order
    }
    log("every order opened once")
    cases = [case for order in orders(bench.made) for case in run_order(bench, order)]
    trees = {
        name: [bench.ask("tree", query)[0] for _ in range(4 * REPEATS)] for name, query in filters(bench.made).items()
    }
    return report(bench, open_ms, firsts, cases, trees)


def run_order(bench: Bench, order: str) -> Iterator[Case]:
    for name, query in filters(bench.made).items():
        for position, cursor in cursors(bench, order, query).items():
            case = Case(order, name, position)
            before = cpu_ms(bench)
            for _ in range(REPEATS):
                asked = f"{query}&{order}" + (f"&cursor={cursor}" if cursor else "")
                milliseconds, html = bench.ask("tiles", asked)
                case.milliseconds.append(milliseconds)
                case.n_tiles = len(re.findall(r'data-state="', html))
            case.cpu_ms = (cpu_ms(bench) - before) / REPEATS
            yield case


def cursors(bench: Bench, order: str, query: str) -> dict[str, str | None]:
    """Where the middle and the last page of a list begin. As of what the server said with its first page."""
    pairs = [tuple(pair.split("=", 1)) for pair in f"{query}&{order}".split("&") if pair]
    said = read_order(project_fields(bench.db, bench.made.id), pairs)
    filter = read_filter(bench.db, bench.made.id, pairs)
    mirror = open_mirror(bench.db, bench.made.id)
    mask = mirror.mask(bench.db, filter)
    if said.key == "like":
        return {"first": None} | like_cursors(bench, said, mask)
    sequence = sorted_by(bench.db, mirror, said)
    places = np.concatenate([piece[mask[piece]] for piece in sequence.after(said.direction, None)])
    _, html = bench.ask("tiles", f"{query}&{order}")
    found = re.search(r'data-next="([^"]*)"', html)
    own = re.search(r"cursor=([^&]*)", unescape(found[1])) if found else None
    began = parts_of(own[1])[2:] if own else None

    def cursor(place: int) -> str:
        value, object_id, *of_mine = parts_of(sequence.cursor_at(int(places[max(place, 0)])))
        return cursor_of(value, object_id, *(of_mine if began is None else began))

    return {"first": None, "middle": cursor(len(places) // 2), "last": cursor(len(places) - PAGE - 1)}


def like_cursors(bench: Bench, order: Order, mask: np.ndarray) -> dict[str, str]:
    """By comparing with every vector here; the labels change meanwhile, so the place is right to a few objects."""
    mirror = open_mirror(bench.db, bench.made.id)
    vectors = likeness.example_vectors(bench.db, bench.project, list(order.examples))
    n, least = int(mask.sum()), order.direction == "desc"
    found = whole.part(
        bench.db, bench.project, mean_direction(vectors), mirror, mask, (3.0 if least else -1.0, 0), n, least
    )

    def cursor(place: int) -> str:
        place = max(place, 0)
        return cursor_of(found.distances[place].item(), int(found.ids[place]), place)

    return {"middle": cursor(n // 2), "last": cursor(len(found.ids) - PAGE - 1)}


def cpu_ms(bench: Bench) -> float:
    """Processor time so far of the web process and of the server processes behind its connections."""
    web = list(Path(f"/proc/{bench.web_pid}/task").glob("*/schedstat"))
    rows = bench.db.execute(
        """
        select pid
        from pg_stat_activity
        where backend_type = 'client backend'
          and application_name <> %s
          and pid <> pg_backend_pid()
        """,
        [LABELLER],
    )
    backends = [Path(f"/proc/{row.pid}/schedstat") for row in rows]
    return sum(running_ns(path) for path in [*web, *backends]) / 1e6


def running_ns(schedstat: Path) -> int:
    """Nanoseconds that a thread has run; 0 where it has ended since it was listed."""
    try:
        return int(schedstat.read_text().split()[0])
    except OSError:
        return 0


def sql_reference(bench: Bench) -> tuple[float, float]:
    """The first and the middle page of ids by a free column, by SQL alone."""
    statement = """
        select object_id
        from object_field
        where project_id = %s
        order by nullif(numbers[3], 'NaN') nulls last, object_id
        offset %s
        limit %s
        """
    found = []
    for offset in (0, bench.made.objects // 2):
        began = time.perf_counter()
        bench.db.execute(statement, [bench.made.id, offset, PAGE]).fetchall()
        found.append(1000 * (time.perf_counter() - began))
    return found[0], found[1]


def report(
    bench: Bench,
    open_ms: float,
    firsts: dict[str, float],
    cases: list[Case],
    trees: dict[str, list[float]],
) -> dict[str, float]:
    console = Console(width=150)
    table = Table("order", "filter", "position", "tiles", "median ms", "max ms", "cpu ms", title="A page of 200 tiles")
    for case in cases:
        figures = (np.median(case.milliseconds), max(case.milliseconds), case.cpu_ms)
        table.add_row(
            case.order, case.filter, case.position, str(case.n_tiles), *(f"{figure:.1f}" for figure in figures)
        )
    console.print(table)
    every = np.concatenate([case.milliseconds for case in cases])
    first_ms, tree_ms = max(firsts.values()), max(float(np.median(times)) for times in trees.values())
    p95_ms = float(np.quantile(every, 0.95))
    cpu = float(np.quantile([case.cpu_ms for case in cases], 0.95))
    for order, milliseconds in firsts.items():
        console.print(f"first opening, {order}: {milliseconds:.0f} ms")
    for name, times in trees.items():
        console.print(f"tree, filter {name}: median {np.median(times):.1f} ms, max {max(times):.1f} ms")
    sql_first, sql_middle = sql_reference(bench)
    console.print(
        f"{len(every)} pages: median {np.median(every):.1f} ms, p95 {p95_ms:.1f} ms (asked: {MOST_P95_MS}), "
        f"{cpu:.1f} ms of processor time; first {first_ms:.0f} ms (asked: {MOST_FIRST_MS}); "
        f"tree {tree_ms:.1f} ms (asked: {MOST_TREE_MS}); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    console.print(
        f"reference, ids alone by SQL in the order of a free column: first page {sql_first:.0f} ms, middle page "
        f"{sql_middle:.0f} ms: {sql_first / p95_ms:.1f} and {sql_middle / p95_ms:.1f} times the p95 of whole pages"
    )
    assert min(case.n_tiles for case in cases if case.position == "first") > 0, "a page came without tiles"
    return {
        "p95_ms": round(p95_ms, 1),
        "first_ms": round(first_ms),
        "tree_ms": round(tree_ms, 1),
        "p50_ms": round(float(np.median(every)), 1),
        "cpu_p95_ms": round(cpu, 1),
        "open_ms": round(open_ms),
    }


if __name__ == "__main__":
    main()
