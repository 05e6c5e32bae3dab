"""The job that gives every object of a project its vector; it may be killed, repeated, or run twice at once."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol

import numpy as np

from app import database
from app.clusters import automatic
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.questions import answers
from app.jobs.queue import enqueue
from app.nouns import counted
from app.objects.store import Store, open_store
from app.search import INDEX_TITLE, embedders, pending, strips
from app.search.bring import bring
from app.search.query_image import embed_here
from app.search.vector_copy import write_vectors
from app.searches.look import after_embedding
from app.settings import Settings
from app.tuning import moving
from indexer.embedders import Embedder
from indexer.embedding import Embedded, embed_stream
from indexer.images import BadImage

# What a killed worker loses is what it computed since its last write.
WRITE_EVERY_S = 1.0
WRITE_EVERY = 4096
OBJECTS_A_TURN = 4000
BUSY_S = 0.3
LOGGED_REASONS = 100
# Reading from far away waits more than it works.
DECODERS_NEAR, DECODERS_FAR = 2, 16


@answers("embed_query")
def answer_query(settings: Settings, database_url: str, args: dict[str, Any], payload: bytes) -> list[float]:
    """In a worker, where torch may be loaded and stays: the vector of an image for a web process that asks."""
    with database.connect(database_url) as db:
        row = embedders.find(db, args["embedder_id"])
    return embed_here(embedders.load(settings, row), payload).tolist()


@answers("embed_text")
def answer_text(settings: Settings, database_url: str, args: dict[str, Any], payload: bytes) -> list[float]:
    """The same of a text."""
    with database.connect(database_url) as db:
        row = embedders.find(db, args["embedder_id"])
    return embedders.load(settings, row).embed_text([payload.decode()])[0].tolist()


class Report(Protocol):
    """Of a job's context, what this work needs."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...
    def log(self, line: str) -> None: ...
    def checkpoint(self) -> None: ...


@job_body("embed")
def run(job: JobContext) -> None:
    """Embed what has no vector yet, then have the index follow.

    Arguments: `embedder`, a name of the registry that the project shall use from now on; `retry_failed`, true to try
    again what failed; `vectors`, a file of vectors to bring in, which become the project's; `name`, what they are
    called; `move_to`, the id or the registry's word of an embedder that takes the present one's place once all its
    vectors are there.
    """
    if path := job.args.get("vectors"):
        bring(job.database_url, job.project_id, path, job.args.get("name", ""), job)
    elif target := job.args.get("move_to"):
        moving.move(job, target, embed_project)
    else:
        _embed(job)
    with database.connect(job.database_url) as db:
        automatic.complete(db, job.project_id, job.account_id)
        enqueue(db, "index", INDEX_TITLE, job.project_id, job.account_id, {})
        after_embedding(db, job.project_id or 0, job.account_id)


def _embed(job: JobContext) -> None:
    with database.connect(job.database_url) as db:
        if job.args.get("retry_failed"):
            pending.forget_failures(db, job.project_id)
        if spec := job.args.get("embedder"):
            embedders.assign(db, job.settings, job.project_id, spec)
        known = embedders.assign_default(db, job.settings, job.project_id)
    if not known.embeds_images:
        job.log(f"The vectors of {known.name} were made elsewhere: objects without one wait until theirs are brought.")
        return
    _follow_strips(job)
    begin = partial(automatic.begin, job.database_url, job.settings.home, job.project_id, job)
    embed_project(job.database_url, job.settings, job.project_id, job, first_are_there=begin)


def _follow_strips(job: JobContext) -> None:
    """Where the strips to be cut off have changed: compute all vectors beside the present ones, then exchange them.

    So those that are used are always of one kind. The answer may change again meanwhile; what was computed for another
    one is let go at the end.
    """
    while True:
        with database.connect(job.database_url) as db:
            present = embedders.of_project(db, job.project_id)
            wanted = embedders.wanted(db, job.settings, job.project_id)
            if present.id == wanted.id:
                break
            if not strips.has_vectors(db, present.id, job.project_id):
                embedders.use(db, job.project_id, wanted.id)
                continue
        job.log(f"Computed beside the present vectors, which are used until all are there: {wanted.description}.")
        embed_project(job.database_url, job.settings, job.project_id, job, wanted.id)
        with database.connect(job.database_url) as db:
            if embedders.wanted(db, job.settings, job.project_id).id == wanted.id:
                embedders.use(db, job.project_id, wanted.id)
    with database.connect(job.database_url, autocommit=True) as db:
        strips.forget_vectors(db, job.project_id, present.id)


def embed_project(
    database_url: str,
    settings: Settings,
    project_id: int,
    report: Report,
    embedder_id: int | None = None,
    first_are_there: Callable[[int], bool] | None = None,
    only: list[int] | None = None,
) -> int:
    """Give a vector to every object that can have one, or to these `only`; returns how many were written here.

    By the project's embedder, or by another one whose vectors are to take the place of the present ones: these serve
    meanwhile, so what comes in gets both, the one that serves first. `first_are_there` is called with how many were
    written here once the first 2,000 have theirs, where there are more, until it says that it needs no more.

    The same content is computed once, also across projects and workers: work is dealt out by the first byte of the
    image's hash, and who works on a byte holds its lock. Hashes are random, so an embedding that is stopped half-way
    has seen a random half of the project.
    """
    with database.connect(database_url, autocommit=True) as db:
        row = embedders.find(db, embedder_id) if embedder_id else embedders.of_project(db, project_id)
        if row is None:
            raise NotFound(f"The project {project_id} does not exist any more, or has no embedder.")
        embedder = embedders.load(settings, row)
        work = _Work(db, project_id, row.id, embedder, open_store(settings), settings, report, only)
        work.first_are_there = first_are_there
        serving = _Serving(work, database_url) if embedder_id and only is None else None
        while True:
            if only is None:
                pending.record_failures(db, row.id, project_id)
            waiting = pending.list_pending(db, row.id, project_id, only)
            if not waiting:
                break
            work.tell()
            for turn in _turns(db, row.id, waiting, report):
                work.embed_turn(turn)
                if serving:
                    serving.follow()
        work.tell(
            ""
            if not work.lost
            else f"{counted(work.lost, 'image is', 'images are')} missing from the store: see the log"
        )
        return work.written


class _Serving:
    """The embedder that a project has while another one's vectors are made."""

    def __init__(self, work: "_Work", database_url: str) -> None:
        self.work, self.database_url = work, database_url
        self.version = self._version()

    def follow(self) -> None:
        """Give its vectors to what was imported since: its own job waits until the other's vectors are there."""
        version, work = self._version(), self.work
        if version is None or version == self.version:
            return
        self.version = version
        try:
            embed_project(self.database_url, work.settings, work.project_id, automatic.Quiet(work.report))
        except Refused as refused:
            # Nobody moves to another embedder in vain because this one's weights are lost.
            work.report.log(refused.sentence)

    def _version(self) -> int | None:
        """Of the project's objects; None where it has come to the other embedder by now."""
        row = self.work.db.execute(
            """
            select data_version
            from project
            join embedder on embedder.id = project.embedder_id and embedder.embeds_images
            where project.id = %s
              and embedder.id <> %s
            """,
            [self.work.project_id, self.work.embedder_id],
        ).fetchone()
        return row.data_version if row else None


class _Work:
    """One worker's run over one project."""

    def __init__(
        self,
        db: Db,
        project_id: int,
        embedder_id: int,
        embedder: Embedder,
        store: Store,
        settings: Settings,
        report: Report,
        only: list[int] | None = None,
    ) -> None:
        self.db, self.project_id, self.embedder_id, self.embedder = db, project_id, embedder_id, embedder
        self.store, self.settings, self.report = store, settings, report
        self.total, self.done = pending.start(db, embedder_id, project_id, only)
        self.written = self.logged = self.lost = 0
        self.decoders = DECODERS_FAR if "://" in settings.store_url else DECODERS_NEAR
        self.first_are_there: Callable[[int], bool] | None = None

    def embed_turn(self, buckets: list[int]) -> None:
        """Everything that waits in some buckets of hashes, whose locks the caller holds."""
        self._count(pending.copy_known(self.db, self.embedder_id, self.project_id, buckets))
        objects: dict[bytes, list[int]] = defaultdict(list)
        blobs: dict[bytes, str] = {}
        for row in pending.read_pending(self.db, self.embedder_id, self.project_id, buckets):
            objects[row.hash].append(row.object_id)
            blobs[row.hash] = row.blob
        items = ((hash, self._loader(blob)) for hash, blob in blobs.items())
        stream = embed_stream(self.embedder, items, self.decoders, self.settings.max_image_mpx * 1_000_000)
        for hashes, vectors, failures in _gathered(stream):
            self._write([objects[hash] for hash in hashes], vectors)
            self._set_aside(failures)
            self.tell()
            self._call_for_cards()

    def tell(self, message: str = "") -> None:
        self.report.progress(self.done, self.total, "images", message)

    def _write(self, objects: list[list[int]], vectors: np.ndarray) -> None:
        ids = np.array([object_id for same in objects for object_id in same], np.int64)
        rows = np.repeat(np.arange(len(objects)), [len(same) for same in objects])
        if len(ids):
            with self.db.transaction():
                self._count(write_vectors(self.db, self.embedder_id, self.project_id, ids, vectors[rows]))

    def _count(self, n: int) -> None:
        self.written += n
        self.done += n

    def _call_for_cards(self) -> None:
        is_time = automatic.FIRST <= self.done < self.total
        if self.first_are_there and is_time and self.first_are_there(self.written):
            self.first_are_there = None

    def _set_aside(self, failures: list[tuple[bytes, BadImage]]) -> None:
        lost = [hash for hash, error in failures if isinstance(error, LostImage)]
        unreadable = [(hash, str(error)) for hash, error in failures if not isinstance(error, LostImage)]
        pending.set_aside(self.db, unreadable, lost)
        self.lost += len(lost)
        for hash, error in failures[: max(0, LOGGED_REASONS - self.logged)]:
            self.report.log(f"Image {hash.hex()[:12]}: {error}")
        self.logged += len(failures)

    def _loader(self, blob: str | None) -> Callable[[], bytes]:
        def load() -> bytes:
            try:
                return self.store.read(blob or "")
            except NotFound as error:
                raise LostImage(error.sentence) from None

        return load


class LostImage(BadImage):
    """The store has no such file any more: told, but not held against the object, since a backup may bring it back."""


def _gathered(
    stream: Iterable[Embedded[bytes]],
) -> Iterator[tuple[list[bytes], np.ndarray, list[tuple[bytes, BadImage]]]]:
    """Batches joined until they are worth a transaction."""
    keys: list[bytes] = []
    vectors: list[np.ndarray] = []
    failures: list[tuple[bytes, BadImage]] = []
    since = time.monotonic()
    for batch in stream:
        keys += batch.keys
        vectors.append(batch.vectors)
        failures += batch.failures
        if len(keys) >= WRITE_EVERY or time.monotonic() - since > WRITE_EVERY_S:
            yield keys, np.concatenate(vectors), failures
            keys, vectors, failures, since = [], [], [], time.monotonic()
    if vectors:
        yield keys, np.concatenate(vectors), failures


def _turns(db: Db, embedder_id: int, waiting: dict[int, int], report: Report) -> Iterator[list[int]]:
    """Buckets to work on next, some thousand objects' worth, their locks held until the next are asked for.

    `waiting` is how many objects wait in each bucket. What another worker has locked comes later.
    """
    left = list(waiting)
    random.shuffle(left)
    while left:
        wanted = _worth(left, waiting)
        with pending.locked(db, embedder_id, wanted) as taken:
            if taken:
                yield taken
        left = [bucket for bucket in left if bucket not in set(wanted)] + [b for b in wanted if b not in set(taken)]
        if not taken:
            report.checkpoint()
            time.sleep(BUSY_S)


def _worth(left: list[int], waiting: dict[int, int]) -> list[int]:
    sizes = np.cumsum([waiting[bucket] for bucket in left])
    return left[: int(np.searchsorted(sizes, OBJECTS_A_TURN)) + 1]
