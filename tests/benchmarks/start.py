"""How soon `shoal serve` shows its first page on an existing database, and what a web process holds in use.

Reference for the time: a Python process that only imports the web framework. For the memory: the same web process
before anybody has opened a project. `python -m tests.benchmarks.start [--objects 200000]`; the last line is JSON.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from app import database
from app.accounts.queries import make_account
from app.accounts.sessions import cookie_name, start_session
from app.database.launcher import Cluster
from app.settings import load_settings
from tests.benchmarks.generate import Made, make_project

STARTS = 3
ROUNDS = 3
MOST_FIRST_PAGE_S, MOST_WEB_MB = 3.0, 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=200_000)
    objects = parser.parse_args().objects
    home = Path(tempfile.mkdtemp(prefix="shoal-start-"))
    home.chmod(0o711)
    try:
        made, cookie = prepare(home, objects)
        bare_s = min(import_only() for _ in range(STARTS))
        first_page_s = [first_page(home, cookie) for _ in range(STARTS)]
        fresh_mb, web_mb, n_requests, has_torch = in_use(home, cookie, made)
    finally:
        Cluster(home).stop()
        shutil.rmtree(home)
    report(objects, bare_s, first_page_s, fresh_mb, web_mb, n_requests)
    assert not has_torch, "the web process has loaded torch"
    print(json.dumps({"first_page_s": round(max(first_page_s), 2), "web_mb": round(web_mb)}))


def prepare(home: Path, objects: int) -> tuple[Made, str]:
    """A generated, indexed project in a home of its own, and the session of an application manager."""
    settings = load_settings({"SHOAL_HOME": str(home)})
    url = database.open_database(settings)
    database.migrate(url)
    with database.connect(url) as db:
        account_id = make_account(db, "ada@example.org", is_application_manager=True)
        token = start_session(db, account_id, "benchmark", "127.0.0.1")
        made = make_project(db, objects)
    shoal(home, "index", str(made.id))
    Cluster(home).close()
    return made, token


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOAL_", "DATABASE_URL"))}
    return kept | {"SHOAL_HOME": str(home)}


def shoal(home: Path, *args: str) -> None:
    subprocess.run([sys.executable, "-m", "app.cli", *args], env=environment(home), check=True)


def import_only() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import litestar, granian, psycopg"], check=True)
    return time.perf_counter() - began


@contextmanager
def server(home: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`shoal serve` with its worker, and its address as soon as that is said."""
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    with (home / "served").open("w") as quiet:
        process = subprocess.Popen(
            command, env=environment(home), stdout=subprocess.PIPE, stderr=quiet, text=True, bufsize=1
        )
    try:
        said = re.search(r"http://\S+", process.stdout.readline())
        yield process, said[0]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def browser(address: str, cookie: str) -> httpx.Client:
    return httpx.Client(base_url=address, cookies={cookie_name(False): cookie}, timeout=60)


def first_page(home: Path, cookie: str) -> float:
    """Seconds from the command to the list of projects in a browser that is logged in. The database starts too."""
    began = time.perf_counter()
    with server(home) as (_, address), browser(address, cookie) as client:
        client.get("/").raise_for_status()
        return time.perf_counter() - began


def in_use(home: Path, cookie: str, made: Made) -> tuple[float, float, int, bool]:
    """Megabytes before and at the highest, how many requests, and whether torch is in the web process."""
    with server(home) as (process, address), browser(address, cookie) as client:
        pid = web_process(process.pid)
        client.get("/").raise_for_status()
        fresh_mb = megabytes(pid, "VmRSS")
        addresses = pages(made)
        for path in addresses * ROUNDS:
            client.get(f"/projects/{made.id}{path}").raise_for_status()
        has_torch = "/torch/" in Path(f"/proc/{pid}/maps").read_text()
        return fresh_mb, megabytes(pid, "VmHWM"), 1 + ROUNDS * len(addresses), has_torch


def pages(made: Made) -> list[str]:
    """What people look at: the board, its tree and tiles in every order, under filters, and likeness to examples."""
    taxon, sample, example = made.taxa[0], made.samples[0], made.first_id
    filters = ["", "status=V", "status=P", f"taxon={taxon}", f"sample={sample}", f"taxon={taxon}&status=V"]
    orders = ["order=id", "order=score", f"order=like&examples={example}", f"order=like&dir=desc&examples={example}"]
    tiles = [f"/tiles?{one}&{order}" for one in filters for order in orders]
    return ["", "/tree", *tiles, *(f"/objects/{example + n}" for n in range(5))]


def web_process(pid: int) -> int:
    """The one child of the server that granian has spawned."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    for child in (int(child) for task in tasks for child in task.read_text().split()):
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise RuntimeError("the server has no web process")


def megabytes(pid: int, what: str) -> float:
    return int(re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) / 1000


def report(
    objects: int, bare_s: float, first_page_s: list[float], fresh_mb: float, web_mb: float, n_requests: int
) -> None:
    table = Table("what", "measured", "asked for", "reference", title=f"Start, and use of {objects:,} objects")
    starts = ", ".join(f"{seconds:.2f}" for seconds in first_page_s)
    table.add_row("first page, s", starts, f"at most {MOST_FIRST_PAGE_S:.0f}", f"imports alone {bare_s:.2f}")
    asked, before = f"at most {MOST_WEB_MB}", f"before use {fresh_mb:.0f}"
    table.add_row(f"web process after {n_requests} pages, MB at most", f"{web_mb:.0f}", asked, before)
    Console().print(table)


if __name__ == "__main__":
    main()
