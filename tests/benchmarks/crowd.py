"""Fifty people at once on one project: python -m tests.benchmarks.crowd --people 50.

Every five seconds each of them opens a page of 200 tiles under a filter, has its thumbnails brought, asks for what is
like some of it, and labels 20 to 50 of what that shows, all through HTTP against a real `shoal serve` on this machine,
compressed as for a browser. The clock of a request runs until its last byte is there. The people live in one process of
plain sockets, whose share of the processors is told. Beside them stands one person alone, who does the same without
company. In the end every act that was confirmed is looked for in the tables.
"""

import argparse
import asyncio
import json
import os
import random
import re
import resource
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
from rich.console import Console
from rich.table import Table

from app import database
from app.database import Db
from app.database.launcher import Cluster
from app.projects.queries import set_member
from tests.benchmarks.generate import Made
from tests.benchmarks.search import fresh_home, log
from tests.benchmarks.site import Site, serving

TURN_S = 5.0
WARM_S = 15.0
ALONE_TURNS = 12
TILE = re.compile(r'data-id="(\d+)"[^>]*? data-state="([\d.]+)"')
ATLAS = re.compile(r'data-atlas="([^"]+)"')


@dataclass
class Told:
    """What the people saw: times by kind, errors, and the acts that were confirmed with their objects."""

    times: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    acts: dict[int, list[int]] = field(default_factory=dict)


class Browser:
    """One kept connection, over which requests go one after another."""

    def __init__(self, site: Site, cookie: tuple[str, str]) -> None:
        self.host, _, port = site.address.removeprefix("http://").partition(":")
        self.port = int(port)
        self.head = (
            f"Host: {self.host}:{port}\r\nCookie: {cookie[0]}={cookie[1]}\r\nAccept-Encoding: gzip\r\n"
            "Accept: text/html, application/json\r\nHX-Request: true\r\nSec-Fetch-Site: same-origin\r\n"
        )
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port, limit=2**22)
        reader, writer = self.streams
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        writer.write(f"{method} {path} HTTP/1.1\r\n{self.head}{more}\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        data = await self._body(reader, head)
        if "content-encoding: gzip" in head:
            data = zlib.decompress(data, 31)
        return int(head[9:12]), data

    async def _body(self, reader: asyncio.StreamReader, head: str) -> bytes:
        if length := re.search(r"content-length: (\d+)", head):
            return await reader.readexactly(int(length[1]))
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        if self.streams:
            self.streams[1].close()


class Person:
    """Somebody who labels."""

    def __init__(self, site: Site, number: int, cookie: tuple[str, str]) -> None:
        self.browser = Browser(site, cookie)
        self.made = site.made
        self.url = f"/projects/{site.made.id}"
        self.chance = random.Random(number)

    async def turn(self, told: Told) -> None:
        """A page, what is like some of it, and an act on that."""
        taxon = self.chance.choice(self.made.taxa[:40])
        tiles = await self._tiles(told, "page", f"taxon={taxon}&status=P&order=score&dir=desc")
        if not tiles:
            return
        examples = ",".join(id for id, _ in self.chance.sample(tiles, min(3, len(tiles))))
        alike = await self._tiles(told, "like", f"order=like&examples={examples}")
        chosen = self.chance.sample(alike, min(self.chance.randint(20, 50), len(alike)))
        if chosen:
            await self._label(told, chosen, taxon)

    async def _tiles(self, told: Told, kind: str, query: str) -> list[tuple[str, str]]:
        """Ids and states of a section of tiles, whose thumbnails are brought too."""
        page = (await self._timed(told, kind, "GET", f"{self.url}/tiles?{query}")).decode()
        if atlas := ATLAS.search(page):
            await self._timed(told, "thumbnails", "GET", atlas[1])
        return TILE.findall(page)

    async def _label(self, told: Told, chosen: list[tuple[str, str]], taxon: int) -> None:
        act = {
            "client_id": str(uuid4()), "kind": "label", "taxon_id": taxon, "status": "V",
            "objects": [int(id) for id, _ in chosen], "states": [state for _, state in chosen],
        }  # fmt: skip
        answer = await self._timed(told, "act", "POST", f"{self.url}/acts", json.dumps(act).encode())
        if answer:
            outcome = json.loads(answer)
            told.acts[outcome["act_id"]] = [now["id"] for now in outcome["changed"]]

    async def _timed(self, told: Told, kind: str, method: str, path: str, body: bytes = b"") -> bytes:
        start = time.perf_counter()
        status, answer = await self.browser.ask(method, path, body)
        told.times.setdefault(kind, []).append(1000 * (time.perf_counter() - start))
        if status == 200:
            return answer
        told.errors.append(f"{kind}: {status} {answer[:200]!r}")
        return b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=75)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    with fresh_home(given.folder) as home, serving(home, given.objects, given.dimension, pictures=1000) as site:
        alone, crowd, shares = asyncio.run(visit(site, given.people, given.seconds))
        with database.connect(site.database_url) as db:
            lost = count_lost(db, site.made, crowd)
    report(alone, crowd, shares, lost)


async def visit(site: Site, n_people: int, seconds: float) -> tuple[Told, Told, dict[str, float]]:
    """One person alone, then all of them: first to warm up, then for the time that counts."""
    people = [Person(site, number, cookie) for number, cookie in enumerate(cookies(site, n_people))]
    alone, warm, crowd = Told(), Told(), Told()
    for _ in range(3):
        await people[0].turn(warm)
    for _ in range(ALONE_TURNS):
        await people[0].turn(alone)
    log("one person was there; now all")
    await everybody(people, warm, WARM_S)
    shares = await with_shares(site, lambda: everybody(people, crowd, seconds))
    crowd.acts |= warm.acts | alone.acts
    for person in people:
        person.browser.close()
    return alone, crowd, shares


def cookies(site: Site, n: int) -> list[tuple[str, str]]:
    """A session each, of as many annotators."""
    with database.connect(site.database_url) as db:
        rows = db.execute(
            """
            insert into account (email, name)
            select 'annotator' || i || '@example.org', 'Annotator ' || i
              from generate_series(1, %s) as i
            returning id
            """,
            [n],
        ).fetchall()
        for row in rows:
            set_member(db, site.made.id, row.id, "annotator")
        db.commit()
    return [site.cookie(row.id) for row in rows]


async def everybody(people: list[Person], told: Told, seconds: float) -> None:
    """Everybody takes a turn every five seconds, beginning at a moment of their own."""
    end = time.perf_counter() + seconds

    async def stay(person: Person) -> None:
        due = time.perf_counter() + person.chance.uniform(0, TURN_S)
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                await person.turn(told)
            except (OSError, asyncio.IncompleteReadError, zlib.error) as error:
                told.errors.append(f"connection: {error!r}")
                person.browser.streams = None
            due += TURN_S

    await asyncio.gather(*map(stay, people))


async def with_shares(site: Site, work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """Processor seconds a second of the people, of the web processes and of the database meanwhile."""

    def used() -> dict[str, float]:
        own = resource.getrusage(resource.RUSAGE_SELF)
        database_pid = Cluster(site.settings.home).running_pid() or 0
        return {
            "people": own.ru_utime + own.ru_stime,
            "web": processor_seconds(site.server.pid),
            "database": processor_seconds(database_pid),
        }

    before, start = used(), time.perf_counter()
    await work()
    after, passed = used(), time.perf_counter() - start
    return {name: (after[name] - before[name]) / passed for name in before}


def processor_seconds(pid: int) -> float:
    """What a process and those that it started have used, as Linux counts it."""
    parents, used = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            words = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(words[1])
            used[int(stat.parent.name)] = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used.get(member, 0.0) for member in family)


def count_lost(db: Db, made: Made, told: Told) -> int:
    """Objects that an act was confirmed to have labelled, and of which the history does not know it."""
    pairs = [(act_id, id) for act_id, ids in told.acts.items() for id in ids]
    row = db.execute(
        """
        select count(*) as n
          from unnest(%s::bigint[], %s::bigint[]) as told (act_id, object_id)
         where not exists (select
                             from history
                            where history.project_id = %s
                              and history.act_id = told.act_id
                              and history.object_id = told.object_id)
        """,
        [[act_id for act_id, _ in pairs], [id for _, id in pairs], made.id],
    ).fetchone()
    return int(row.n)


def report(alone: Told, crowd: Told, shares: dict[str, float], lost: int) -> None:
    table = Table("request", "alone: median", "p95 ms", "crowd: median", "p95 ms", "max ms", "times alone", "times")
    for kind, values in crowd.times.items():
        table.add_row(
            kind, *(f"{np.percentile(alone.times[kind], share):.0f}" for share in (50, 95)),
            *(f"{np.percentile(values, share):.0f}" for share in (50, 95, 100)),
            f"{np.median(values) / np.median(alone.times[kind]):.1f}", str(len(values)),
        )  # fmt: skip
    Console(width=110).print(table)
    for error in crowd.errors[:5]:
        log(error)
    everything = [value for values in crowd.times.values() for value in values]
    figures: dict[str, float] = {"p95_ms": round(float(np.percentile(everything, 95)), 1)}
    figures |= {f"{kind}_p95_ms": round(float(np.percentile(values, 95)), 1) for kind, values in crowd.times.items()}
    figures |= {"requests": len(everything), "acts": len(crowd.acts), "errors": len(crowd.errors), "lost": lost}
    figures |= {f"processors_{name}": round(share, 2) for name, share in shares.items()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
