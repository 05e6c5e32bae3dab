"""A scratch server with the images of a folder, imported and embedded without labels: a fresh project for every run."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from app import database
from app.accounts.queries import make_account
from app.accounts.tokens import make_token
from app.database import Db
from app.database.launcher import Cluster
from app.jobs import foreground
from app.jobs.queue import enqueue
from app.projects.queries import make_project, set_member
from app.search.bring import bring
from app.search.generations import WORTH_A_FILE
from app.settings import Settings, load_settings
from tests.benchmarks.effort.clones import clone

IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"}
TOKEN_DAYS = 30


@dataclass(frozen=True)
class Chosen:
    """The images that take part, in a random order, under names that say nothing of what is on them."""

    folder: Path
    truth: dict[str, str]  # class by hash of the file
    by_name: dict[str, str]  # class by file name
    rows: list[int]  # each one's place among all images of the source, sorted by path
    n_left_out: int


def choose(source: Path, limit: int, seed: int, folder: Path) -> Chosen:
    """`limit` images drawn from DIR/CLASS/..., copied into `folder`; what stands in two classes is left out."""
    files, drawn = _shuffled(source, seed)
    read = [(int(row), _digest(files[row])) for row in drawn[:limit]]
    classes: dict[str, set[str]] = {}
    for row, digest in read:
        classes.setdefault(digest, set()).add(files[row].relative_to(source).parts[0])
    kept = [(row, digest) for row, digest in read if len(classes[digest]) == 1]
    by_name, whole = {}, not folder.exists()
    half = folder.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    for number, (row, digest) in enumerate(kept):
        name = f"{number:07}{files[row].suffix.lower()}"
        by_name[name] = next(iter(classes[digest]))
        if whole:
            shutil.copyfile(files[row], half / name)
    if whole:
        half.rename(folder)
    else:
        half.rmdir()
    truth = {digest: next(iter(names)) for digest, names in classes.items() if len(names) == 1}
    return Chosen(folder, truth, by_name, [row for row, _ in kept], len(read) - len(kept))


def choose_reference(source: Path, limit: int, seed: int, n: int, known: dict[str, str], folder: Path) -> Path:
    """`n` other images than those that take part, whose classes are known, as `folder`/CLASS/...

    They are drawn after these, and of a file that takes part (`known`, by hash) no copy is among them.
    """
    if folder.exists():
        return folder
    half = folder.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    files, drawn = _shuffled(source, seed)
    n_kept, taken = 0, set(known)
    for row in drawn[limit:]:
        if n_kept == n:
            break
        digest = _digest(files[row])
        if digest in taken:
            continue
        taken.add(digest)
        target = half / files[row].relative_to(source).parts[0] / f"reference{n_kept:07}{files[row].suffix.lower()}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[row], target)
        n_kept += 1
    if n_kept < n:
        raise SystemExit(f"{source} holds {n_kept:,} images beside those that take part: {n:,} are none of them.")
    half.rename(folder)
    return folder


def _shuffled(source: Path, seed: int) -> tuple[list[Path], np.ndarray]:
    """All images of a folder, sorted by path, and their places in a random order."""
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in IMAGES and path.parent != source)
    if not files:
        raise SystemExit(f"{source} holds no images in sub-folders: one sub-folder for each class is needed.")
    return files, np.random.default_rng(seed).permutation(len(files))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_vectors_file(vectors: Path, chosen: Chosen, target: Path) -> Path:
    """The rows of a file of vectors (an image each of the source, sorted by path), as `shoal embed` takes them."""
    rows = np.load(vectors, mmap_mode="r")
    if len(rows) <= max(chosen.rows):
        raise SystemExit(f"{vectors} holds {len(rows):,} vectors: one is needed for every image, sorted by path.")
    np.save(target, np.asarray(rows[chosen.rows], np.float32))
    target.with_suffix(".ids.txt").write_text("\n".join(chosen.by_name) + "\n")
    return target


@dataclass(frozen=True)
class Ready:
    """A project to be sorted: an annotator's token for the person, a manager's for the programs."""

    id: int
    annotator_token: str
    manager_token: str
    classes: dict[int, str]  # by object id


class Scratch:
    """The running server, and its people."""

    def __init__(self, settings: Settings, url: str, address: str) -> None:
        self.settings, self.url, self.address = settings, url, address

    def original(self, chosen: Chosen, vectors: Path | None) -> int:
        """The project that is imported and embedded once, and copied for every run."""
        with database.connect(self.url) as db:
            row = db.execute("select id from project where title = 'Original'").fetchone()
            project_id = row.id if row else make_project(db, self.person(db, "manager"), "Original")
            manager = self.person(db, "manager")
        # Again, where it was done before, each of these finds nothing to do.
        args = {"source": str(chosen.folder), "options": {"skip_existing": True}}
        foreground.run(self.settings, self.url, "import", "Import the images", project_id, manager, args)
        foreground.drain(self.settings, self.url, project_id)
        if vectors:
            bring(self.url, project_id, str(vectors), "given", _Silent())
        return int(project_id)

    def reference(self, folder: Path) -> int:
        """The project of folder/CLASS/..., all validated, there from the beginning; both people may read it."""
        with database.connect(self.url) as db:
            row = db.execute("select id from project where title = 'Reference'").fetchone()
            manager = self.person(db, "manager")
            project_id = row.id if row else make_project(db, manager, "Reference")
            set_member(db, project_id, self.person(db, "annotator"), "visitor")
        options = {"skip_existing": True, "taxa_from_folders": True, "create_taxa": True}
        args = {"source": str(folder), "options": options}
        foreground.run(self.settings, self.url, "import", "Import the reference", project_id, manager, args)
        foreground.drain(self.settings, self.url, project_id)
        return int(project_id)

    def fresh_project(self, title: str, original: int, chosen: Chosen, reference: int | None = None) -> Ready:
        """All images with their vectors, unlabelled; what is labelled elsewhere is its `reference`."""
        with database.connect(self.url) as db:
            people = {role: self.person(db, role) for role in ("annotator", "manager")}
            project_id = clone(db, original, title)
            for role, account_id in people.items():
                set_member(db, project_id, account_id, role)
            tokens = [make_token(db, each, title[:90], "full", TOKEN_DAYS)[1] for each in people.values()]
            if len(chosen.by_name) >= WORTH_A_FILE:
                enqueue(db, "index", "Index the vectors", project_id, None, {})
        foreground.drain(self.settings, self.url, project_id)
        ready = Ready(project_id, *tokens, self._classes(project_id, chosen))
        if reference is not None:
            path = f"{self.address}/api/v1/projects/{project_id}/references/{reference}"
            httpx.put(path, headers={"authorization": f"Bearer {ready.manager_token}"}).raise_for_status()
        return ready

    def _classes(self, project_id: int, chosen: Chosen) -> dict[int, str]:
        with database.connect(self.url) as db:
            rows = db.execute("select id, orig_id from object where project_id = %s order by id", [project_id])
            return {row.id: chosen.by_name[row.orig_id] for row in rows}

    def person(self, db: Db, name: str) -> int:
        """An account, the same whenever it is asked for."""
        email = f"{name}@effort.example.org"
        row = db.execute("select id from account where email = %s", [email]).fetchone()
        return int(row.id) if row else make_account(db, email, name.title())

    def labels(self, project_id: int) -> dict[int, str]:
        """Who is what on the server: names of taxa by object."""
        with database.connect(self.url) as db:
            rows = db.execute(
                """
                select object_id, name
                from label
                join taxon on taxon.id = taxon_id
                where project_id = %s
                  and label.status in ('V', 'D')
                """,
                [project_id],
            )
            return {row.object_id: row.name for row in rows}


class _Silent:
    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...

    def log(self, line: str) -> None:
        print(line, file=sys.stderr)


@contextmanager
def serving(home: Path) -> Iterator[Scratch]:
    """`shoal serve` with its worker, on a free port, with its own database, until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOAL_", "DATABASE_URL"))}
    told = kept | {"SHOAL_HOME": str(home), "SHOAL_LOG_LEVEL": "ERROR", "SHOAL_PORT": "0"}
    settings = load_settings(told)
    cluster = Cluster(home)
    url = cluster.open()
    database.migrate(url)
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    server = subprocess.Popen(command, env=told, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        yield Scratch(settings, url, _address(server))
    finally:
        server.terminate()
        server.communicate(timeout=60)
        cluster.close()


def _address(server: "subprocess.Popen[str]") -> str:
    for line in server.stdout or ():
        if line.startswith("Shoal is at "):
            return line.split()[3]
    raise SystemExit("shoal serve did not start.")


def fingerprint(**what: Any) -> str:
    """Twelve letters that stand for these values."""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]
