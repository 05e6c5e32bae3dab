"""A running Shoal with a generated project and real pictures, for the benchmarks that look at it from outside."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app import database, search
from app.accounts.sessions import cookie_name, start_session
from app.database import Db
from app.database.launcher import Cluster
from app.objects.store import open_store
from app.search import generations
from app.settings import Settings, load_settings
from indexer.images import open_image, thumbnail
from tests.benchmarks.generate import Made, make_project
from tests.benchmarks.search import index, log


@dataclass(frozen=True)
class Site:
    """Where it answers, who may come in, and what is in it."""

    address: str
    database_url: str
    settings: Settings
    made: Made
    server: subprocess.Popen[str]

    def cookie(self, account_id: int) -> tuple[str, str]:
        """Name and value of a session of this account's."""
        with database.connect(self.database_url) as db:
            token = start_session(db, account_id, "benchmark", "127.0.0.1")
        return cookie_name(self.settings.secure_cookies), token


@contextmanager
def serving(home: Path, objects: int, dimension: int, pictures: int, with_graph: bool = False) -> Iterator[Site]:
    """`shoal serve` on a free port, with its own database, until the block ends. What is in `home` is used again."""
    told = {"SHOAL_HOME": str(home), "SHOAL_LOG_LEVEL": "ERROR"}
    settings, url = load_settings(told), Cluster(home).open()
    database.migrate(url)
    search.configure(settings)
    made = _made(home, url, settings, objects, dimension, pictures)
    if with_graph:
        _find_neighbours(made)
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--no-worker"]
    server = subprocess.Popen(command, env=os.environ | told, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        yield Site(_address(server), url, settings, made, server)
    finally:
        server.terminate()
        server.communicate(timeout=30)


def _made(home: Path, url: str, settings: Settings, objects: int, dimension: int, pictures: int) -> Made:
    """The project, made and indexed where an earlier run has not left it."""
    kept = home / "made.json"
    if kept.exists():
        return Made(**json.loads(kept.read_text()))
    with database.connect(url) as db:
        made = make_project(db, objects, dimension)
        give_pictures(db, settings, made, pictures)
    index(url, made)
    log(f"{objects:,} objects with {pictures:,} pictures made")
    kept.write_text(json.dumps(asdict(made)))
    return made


def _find_neighbours(made: Made) -> None:
    """The graph that comes with an index; minutes for a million, unless an earlier run has left it."""
    folder = search.index_folder() / str(made.id) / str(made.embedder_id)
    manifest = generations.read_manifest(folder)
    if manifest is not None and manifest.graph_recall is None:
        start = time.perf_counter()
        generations.add_graph(folder, manifest)
        log(f"neighbours found in {time.perf_counter() - start:.0f} s")


def _address(server: subprocess.Popen[str]) -> str:
    for line in server.stdout or ():
        if line.startswith("Shoal is at "):
            return line.split()[3]
    raise SystemExit("shoal serve did not start.")


def give_pictures(db: Db, settings: Settings, made: Made, n: int) -> None:
    """Each object shows one of n pictures; of a thousand, those that it was generated with."""
    writer = open_store(settings).pack_writer()
    rows = []
    for k in range(n):
        file = picture(np.random.default_rng(k))
        image = open_image(file)
        rows.append((k.to_bytes(2, "big") + bytes(30), len(file), image.width, image.height, writer.add(file)))
        rows[-1] += (writer.add(thumbnail(image)),)
    writer.finish()
    with db.cursor().copy(
        "copy content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail) from stdin"
    ) as copy:
        for hash, n_bytes, width, height, blob, small in rows:
            copy.write_row((hash, n_bytes, "PNG", "L", width, height, blob, small))
    if n > 1000:
        db.execute(
            """
            update image
               set hash = int2send((object_id %% %s)::int2) || decode(repeat('00', 30), 'hex')
             where project_id = %s
            """,
            [n, made.id],
        )
    db.commit()


def picture(rng: np.random.Generator) -> bytes:
    """A PNG of 60 to 200 pixels a side, as different from others as plankton is: a body, its parts and grain."""
    height, width = rng.integers(60, 200, 2)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade = np.zeros((height, width))
    for _ in range(rng.integers(2, 7)):
        cy, cx, spread = rng.normal(0, 0.3), rng.normal(0, 0.3), rng.uniform(0.05, 0.5)
        shade += rng.uniform(0.3, 1) * np.exp(-(((x - cx) / spread) ** 2 + ((y - cy) / rng.uniform(0.05, 0.5)) ** 2))
    grain = rng.normal(0, 0.03, shade.shape)
    grey = np.clip(245 - 200 * np.clip(shade, 0, 1) * (1 + 4 * grain) + 40 * grain, 0, 255)
    file = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
