"""Every object gets its vector once, whatever is repeated, killed, shared between workers or unreadable."""

import hashlib
import io
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.database import Db
from app.errors import Conflict
from app.jobs.context import Cancelled, JobContext
from app.objects.store import open_store
from app.search import embed, embedders, pending
from app.search.vector_copy import write_vectors
from app.settings import Settings
from indexer.embedders import Embedder
from indexer.images import open_image
from tests.small_projects import make_project


@dataclass
class Listener:
    """A report that remembers, and may ask to stop."""

    seen: list[tuple[int, int | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    stop_at: int | None = None

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        self.seen.append((done, total))
        if self.stop_at is not None and done >= self.stop_at:
            raise Cancelled

    def log(self, line: str) -> None:
        self.lines.append(line)

    def checkpoint(self) -> None:
        return None


class Counting(Embedder):
    """Gives each image the vector that its own first pixels say, and counts what it is given."""

    spec = name = "counting"
    digest = "0" * 64
    dimension = 8
    batch_size = 4

    def __init__(self) -> None:
        self.calls = 0

    def prepare(self, images: list[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(image).reshape(-1)[:8].astype(np.float32) + 1 for image in images])

    def embed(self, batch: np.ndarray) -> np.ndarray:
        self.calls += len(batch)
        time.sleep(0.001)
        return batch / np.linalg.norm(batch, axis=1, keepdims=True)


class Another(Counting):
    """The same by another name."""

    spec = name = "other"
    digest = "1" * 64


class Telling(Listener):
    """A report that remembers what it is told at each step."""

    def __init__(self, tell: Callable[[int, int | None], bool]) -> None:
        super().__init__()
        self.tell = tell
        self.told: list[tuple[int, bool]] = []
        self.came = False

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        self.told.append((done, self.tell(done, total)))


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    embedder = Counting()
    monkeypatch.setattr(embedders, "open_embedder", lambda settings, spec: embedder)
    yield embedder


def picture(seed: int) -> bytes:
    out = io.BytesIO()
    chance = np.random.default_rng(seed)
    Image.fromarray(chance.integers(0, 255, (12, 16), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def give_images(db: Db, settings: Settings, project_id: int, images: dict[int, list[bytes]]) -> None:
    """Store images and give them to objects, by rank."""
    store = open_store(settings)
    writer = store.pack_writer()
    db.execute("delete from image where project_id = %s", [project_id])
    rows, contents = [], {}
    for object_id, datas in images.items():
        for rank, data in enumerate(datas):
            hash = hashlib.sha256(data).digest()
            if hash not in contents:
                contents[hash] = writer.add(data)
            rows.append((project_id, object_id, rank, hash, f"{object_id}_{rank}.png"))
    writer.finish()
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into content values (%s, 1, 'PNG', 'L', 16, 12, %s, '') on conflict do nothing",
            list(contents.items()),
        )
        cursor.executemany("insert into image values (%s, %s, %s, %s, %s)", rows)
    db.commit()


def vectors(db: Db, project_id: int) -> dict[int, np.ndarray]:
    rows = db.execute("select object_id, v from object_vector where project_id = %s", [project_id]).fetchall()
    db.commit()
    return {row.object_id: np.asarray(row.v.to_numpy(), np.float32) for row in rows}


def failures(db: Db, project_id: int) -> dict[int, str]:
    rows = db.execute("select object_id, reason from embedding_failure where project_id = %s", [project_id]).fetchall()
    db.commit()
    return {row.object_id: row.reason for row in rows}


def expected(data: bytes) -> np.ndarray:
    embedder = Counting()
    return embedder.embed(embedder.prepare([open_image(data)]))[0]


def embedded(settings: Settings, project_id: int, listener: Listener | None = None) -> int:
    return embed.embed_project(settings.database_url, settings, project_id, listener or Listener())


def test_every_object_gets_the_vector_of_its_image(db: Db, settings: Settings, counting: Counting) -> None:
    project = make_project(db, 30)
    images = {object_id: [picture(object_id), picture(10**6 + object_id)] for object_id in project.ids}
    give_images(db, settings, project.id, images)
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    listener = Listener()
    assert embedded(settings, project.id, listener) == 30
    found = vectors(db, project.id)
    assert found.keys() == set(project.ids)
    assert all(np.allclose(found[i], expected(images[i][0]), atol=1e-3) for i in project.ids)
    assert listener.seen[-1] == (30, 30) and counting.calls == 30
    assert embedded(settings, project.id) == 0 and counting.calls == 30


def test_the_same_content_is_computed_once_ever(db: Db, settings: Settings, counting: Counting) -> None:
    first, second = make_project(db, 20, "First"), make_project(db, 20, "Second")
    for project in (first, second):
        give_images(db, settings, project.id, {i: [picture(k % 5)] for k, i in enumerate(project.ids)})
        embedders.assign(db, settings, project.id, "counting")
        db.commit()
        assert embedded(settings, project.id) == 20
    assert counting.calls == 5
    found = vectors(db, second.id)
    assert all(np.allclose(found[i], expected(picture(k % 5)), atol=1e-3) for k, i in enumerate(second.ids))


def test_the_lowest_ranked_readable_image_counts(db: Db, settings: Settings, counting: Counting) -> None:
    project, other = make_project(db, 4), make_project(db, 1, "Other")
    one, two, none, cut = project.ids
    images = {one: [b"no image", picture(1)], two: [picture(2)], none: [b"also none", b""], cut: [picture(3)[:60]]}
    give_images(db, settings, project.id, images)
    give_images(db, settings, other.id, {other.ids[0]: [b"no image", picture(2)]})
    for p in (project, other):
        embedders.assign(db, settings, p.id, "counting")
    db.commit()
    listener = Listener()
    assert embedded(settings, project.id, listener) == 2
    found = vectors(db, project.id)
    assert np.allclose(found[one], expected(picture(1)), atol=1e-3) and found.keys() == {one, two}
    told = failures(db, project.id)
    assert told.keys() == {none, cut}
    assert "not an image in a format that can be read" in told[none] and "cut short" in told[cut]
    assert listener.seen[-1][0] == 4 or len(listener.lines) == 4
    assert embedded(settings, other.id) == 1
    assert np.allclose(vectors(db, other.id)[other.ids[0]], expected(picture(2)), atol=1e-3)


def test_failures_are_tried_again_only_when_asked(db: Db, settings: Settings, counting: Counting) -> None:
    project = make_project(db, 2)
    give_images(db, settings, project.id, {i: [b"broken %d" % i] for i in project.ids})
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    embedded(settings, project.id)
    listener = Listener()
    embedded(settings, project.id, listener)
    assert listener.lines == [] and len(failures(db, project.id)) == 2
    pending.forget_failures(db, project.id)
    db.commit()
    embedded(settings, project.id, listener)
    assert len(listener.lines) == 2 and len(failures(db, project.id)) == 2


def test_a_file_lost_from_the_store_is_told_and_not_held_against_the_object(
    db: Db, settings: Settings, counting: Counting
) -> None:
    project = make_project(db, 3)
    give_images(db, settings, project.id, {i: [picture(i)] for i in project.ids})
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    store = Path(settings.store_url)
    store.rename(store.with_name("away"))
    listener = Listener()
    assert embedded(settings, project.id, listener) == 0
    assert len(listener.lines) == 3 and "restore it from a backup" in listener.lines[0]
    assert failures(db, project.id) == {}
    store.with_name("away").rename(store)
    assert embedded(settings, project.id) == 3


def test_an_object_without_an_image_is_a_failure_with_its_reason(
    db: Db, settings: Settings, counting: Counting
) -> None:
    project = make_project(db, 2)
    give_images(db, settings, project.id, {project.ids[0]: [picture(1)]})
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    assert embedded(settings, project.id) == 1
    assert failures(db, project.id) == {project.ids[1]: "it has no image"}


def test_a_stopped_embedding_goes_on_where_it_was(
    db: Db, settings: Settings, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "WRITE_EVERY", 8)
    project = make_project(db, 60)
    give_images(db, settings, project.id, {i: [picture(i)] for i in project.ids})
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    with pytest.raises(Cancelled):
        embedded(settings, project.id, Listener(stop_at=24))
    assert 24 <= len(vectors(db, project.id)) < 60
    embedded(settings, project.id)
    assert len(vectors(db, project.id)) == 60
    assert counting.calls <= 60 + 8


def test_two_workers_share_the_work_and_compute_nothing_twice(
    db: Db, settings: Settings, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "OBJECTS_A_TURN", 20)
    project = make_project(db, 150)
    give_images(db, settings, project.id, {i: [picture(k // 2)] for k, i in enumerate(project.ids)})
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    written: list[int] = []
    threads = [threading.Thread(target=lambda: written.append(embedded(settings, project.id))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(written) == 150 and min(written) > 0
    assert counting.calls == 75 and len(vectors(db, project.id)) == 150


def test_what_is_imported_while_a_project_moves_to_another_embedder_gets_the_one_that_serves_first(
    db: Db, settings: Settings, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "OBJECTS_A_TURN", 1)
    project = make_project(db, 20)
    images = {object_id: [picture(object_id)] for object_id in project.ids}
    give_images(db, settings, project.id, images)
    present = embedders.assign(db, settings, project.id, "counting")
    later = embedders.register(db, Another())
    db.commit()
    embedded(settings, project.id)
    arrived = max(project.ids) + 1000

    def come(done: int, total: int | None) -> bool:
        """An import, once a few are done; and whether what came has its vector by the embedder that serves."""
        if done >= 3 and not listener.came:
            listener.came = True
            db.execute(
                """
                insert into object (id, project_id, sample_id, acquisition_id, orig_id)
                select %s, project_id, sample_id, acquisition_id, 'late'
                from object
                where id = %s
                """,
                [arrived, project.ids[0]],
            )
            db.execute("update project set data_version = data_version + 1")
            give_images(db, settings, project.id, images | {arrived: [picture(arrived)]})
        row = db.execute("select count(*) as n from object_vector where embedder_id = %s", [present]).fetchone()
        db.commit()
        return row.n == len(images) + 1

    monkeypatch.setattr(embedders, "open_embedder", lambda settings, spec: Another() if spec == "other" else counting)
    listener = Telling(come)
    embed.embed_project(settings.database_url, settings, project.id, listener, later)
    served = [done for done, is_there in listener.told if is_there]
    assert served and served[0] < 10, "long before the others have theirs by the later embedder"
    n = db.execute("select count(*) as n from object_vector where embedder_id = %s", [later]).fetchone().n
    assert n == len(images) + 1


def test_changed_weights_are_not_mixed_with_old_vectors(db: Db, settings: Settings, counting: Counting) -> None:
    project = make_project(db, 1)
    embedders.assign(db, settings, project.id, "counting")
    db.commit()
    counting.digest = "1" * 64
    with pytest.raises(Conflict, match="is not what it was when its vectors were made"):
        embedded(settings, project.id)
    with pytest.raises(Conflict, match="with other weights or preprocessing is known already"):
        embedders.register(db, counting)


def test_partitions_keep_vectors_plain_and_of_one_dimension(db: Db, settings: Settings, counting: Counting) -> None:
    embedder_id = embedders.register(db, counting)
    assert embedders.register(db, counting) == embedder_id
    leaves = db.execute(
        """
        select count(*) as n, bool_and(a.attstorage = 'p') as plain
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'v'
        where c.relname like %s
          and c.relkind = 'r'
        """,
        [f"object_vector_{embedder_id}_%"],
    ).fetchone()
    assert (leaves.n, leaves.plain) == (16, True)
    project = make_project(db, 2)
    with pytest.raises(Exception, match="violates check constraint"):
        write_vectors(db, embedder_id, project.id, np.array(project.ids), np.ones((2, 9), np.float32))


def test_written_vectors_are_read_back_as_they_were(db: Db, settings: Settings, counting: Counting) -> None:
    embedder_id = embedders.register(db, counting)
    project = make_project(db, 5)
    given = np.random.default_rng(2).normal(size=(6, 8)).astype(np.float32)
    ids = np.array([*project.ids, 10**12])
    assert write_vectors(db, embedder_id, project.id, ids, given) == 5
    found = vectors(db, project.id)
    assert all(np.array_equal(found[i], v.astype(np.float16)) for i, v in zip(project.ids, given, strict=False))
    assert write_vectors(db, embedder_id, project.id, ids, given * 2) == 0


def context(settings: Settings, project_id: int, **args: object) -> JobContext:
    return JobContext(1, "embed", project_id, None, args, settings, settings.database_url)


def test_the_job_uses_the_default_embedder_and_has_the_index_follow(db: Db, settings: Settings) -> None:
    project = make_project(db, 3)
    give_images(db, settings, project.id, {i: [picture(i)] for i in project.ids})
    job = context(settings, project.id)
    embed.run(job)
    row = embedders.of_project(db, project.id)
    assert (row.name, row.dimension) == ("lite0-128-rot4", 256)
    found = vectors(db, project.id)
    assert len(found) == 3 and all(abs(np.linalg.norm(v) - 1) < 1e-3 for v in found.values())
    queued = db.execute("select kind from job where project_id = %s", [project.id])
    assert {row.kind for row in queued} == {"clusters", "index"}
    assert (job.state.done, job.state.total, job.state.unit) == (3, 3, "images")


# Children of one process that has everything imported: a start of Python for each would take most of the time.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def embed_writing_often(settings: Settings, project_id: int, begun: Event) -> None:
    class Begun(Listener):
        def progress(self, *told: object, **more: object) -> None:
            begun.set()

    embed.WRITE_EVERY_S = 0
    embedded(settings, project_id, Begun())


def begin_embedding(settings: Settings, project_id: int) -> BaseProcess:
    """A process that has come to the first image."""
    begun = FORKS.Event()
    child = FORKS.Process(target=embed_writing_often, args=(settings, project_id, begun))
    child.start()
    assert begun.wait(60)
    return child


def test_sigkill_at_random_moments_leaves_what_an_undisturbed_run_leaves(
    db: Db, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    calm, killed = make_project(db, 60, "Calm"), make_project(db, 60, "Killed")
    for project in (calm, killed):
        give_images(db, settings, project.id, {i: [picture(1000 * project.id + k)] for k, i in enumerate(project.ids)})
    embedders.assign(db, settings, calm.id, "lite0-128")
    embedders.assign(db, settings, killed.id, "lite0-128")
    db.commit()
    child = begin_embedding(settings, calm.id)
    began = time.monotonic()
    child.join()
    seconds = time.monotonic() - began
    chance, counts = np.random.default_rng(), []
    for _ in range(20):
        child = begin_embedding(settings, killed.id)
        time.sleep(chance.uniform(0, seconds))
        child.kill()
        child.join()
        counts.append(len(vectors(db, killed.id)))
        if counts[-1] == 60:
            break
    assert counts == sorted(counts)
    embedded(settings, killed.id)
    store, embedder = open_store(settings), embedders.open_embedder(settings, "lite0-128")
    found = vectors(db, killed.id)
    assert found.keys() == set(killed.ids)
    for row in db.execute(
        "select object_id, blob from image join content using (hash) where project_id = %s", [killed.id]
    ).fetchall():
        vector = embedder.embed(embedder.prepare([open_image(store.read(row.blob))]))[0]
        assert found[row.object_id] @ vector > 0.999
