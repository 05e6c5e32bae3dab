"""A generation and what came after it are together the table, whatever is killed, damaged or deleted."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app import database
from app.database import Db
from app.jobs import upkeep
from app.jobs.context import Cancelled, JobContext, Progress
from app.search import generations, index_folder
from app.search.generations import MANIFEST, folder_of, open_generation
from app.settings import load_settings
from tests.search.conftest import add_vectors, make_embedder, make_world, unit_vectors

N = 3000


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "WORTH_A_FILE", 500)


@pytest.fixture
def project(db: Db) -> SimpleNamespace:
    """3,000 objects, all with vectors."""
    world = make_world(db, N)
    embedder_id = make_embedder(db, 16)
    db.execute("update project set embedder_id = %s", [embedder_id])
    add_vectors(db, embedder_id, world.project_id, world.ids, unit_vectors(N))
    db.commit()
    return SimpleNamespace(id=world.project_id, embedder_id=embedder_id, ids=world.ids)


def build(database_url: str, project: SimpleNamespace) -> generations.Manifest | None:
    with database.connect(database_url, autocommit=True) as db:
        return generations.build(db, index_folder(), project.id, project.embedder_id)


def assert_base_and_delta_are_the_table(db: Db, project: SimpleNamespace) -> None:
    """The base holds exactly the rows before its horizon, with their vectors."""
    generation = open_generation(db, project.id, project.embedder_id)
    assert generation is not None
    rows = db.execute(
        """
        select object_id, v
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and tx < %s::text::xid8
        order by object_id
        """,
        [project.embedder_id, project.id, str(generation.manifest.horizon)],
    ).fetchall()
    assert generation.ids.tolist() == [row.object_id for row in rows]
    expected = np.array([row.v.to_numpy() for row in rows], np.float32)
    assert np.array_equal(generation.index.vectors(np.arange(len(rows))), expected)


def test_a_generation_holds_the_rows_before_its_horizon(db: Db, project: SimpleNamespace, database_url: str) -> None:
    assert open_generation(db, project.id, project.embedder_id) is None
    build(database_url, project)
    assert_base_and_delta_are_the_table(db, project)


def test_few_vectors_need_none(db: Db, project: SimpleNamespace, database_url: str, monkeypatch) -> None:
    monkeypatch.setattr(generations, "WORTH_A_FILE", N + 1)
    assert build(database_url, project) is None
    assert not generations.is_due(db, project.id)


def test_a_new_generation_takes_the_place_of_the_former(db: Db, project: SimpleNamespace, database_url: str) -> None:
    build(database_url, project)
    former = open_generation(db, project.id, project.embedder_id)
    build(database_url, project)
    folder = folder_of(project.id, project.embedder_id)
    assert sorted(path.name for path in folder.iterdir()) == ["gen-2", MANIFEST]
    assert open_generation(db, project.id, project.embedder_id) is not former
    assert len(former.index.search(unit_vectors(1)[0], 10)[0]) == 10, "the deleted file can still be read"


@pytest.mark.parametrize(
    "damage", ["shorter", "other bytes", "a file gone", "all gone", "manifest cut", "manifest odd"]
)
def test_damage_is_noticed_and_the_next_build_heals_it(
    db: Db, project: SimpleNamespace, database_url: str, damage: str
) -> None:
    build(database_url, project)
    folder = folder_of(project.id, project.embedder_id)
    vectors = folder / "gen-1" / "vectors.faiss"
    if damage == "shorter":
        os.truncate(vectors, vectors.stat().st_size - 100)
    elif damage == "other bytes":
        data = bytearray(vectors.read_bytes())
        data[-500] ^= 255
        vectors.write_bytes(data)
    elif damage == "a file gone":
        (folder / "gen-1" / "ids.npy").unlink()
    elif damage == "all gone":
        shutil.rmtree(folder)
    elif damage == "manifest cut":
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text()[:50])
    else:
        (folder / MANIFEST).write_text('{"generation": 1}')
    assert open_generation(db, project.id, project.embedder_id) is None
    assert generations.is_due(db, project.id)
    build(database_url, project)
    assert_base_and_delta_are_the_table(db, project)


def test_files_of_another_database_are_not_trusted(db: Db, project: SimpleNamespace, database_url: str) -> None:
    build(database_url, project)
    path = folder_of(project.id, project.embedder_id) / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"database": "7:1:5"}))
    assert open_generation(db, project.id, project.embedder_id) is None


def test_many_later_vectors_make_a_new_one_due(db: Db, project: SimpleNamespace, database_url: str) -> None:
    assert generations.is_due(db, project.id)
    build(database_url, project)
    assert not generations.is_due(db, project.id)
    later = list(range(10_000, 10_500))
    add_vectors(db, project.embedder_id, project.id, later, unit_vectors(500))
    assert generations.is_due(db, project.id)
    job_id = generations.request(db, project.id)
    assert job_id and generations.request(db, project.id) == job_id, "while one waits, no other is asked for"


def test_a_deleted_index_is_built_again_by_itself_but_not_over_and_over(
    db: Db, project: SimpleNamespace, database_url: str, own_home: Path
) -> None:
    settings = load_settings({"SHOAL_HOME": str(own_home), "DATABASE_URL": database_url})
    generations.add_graph(folder_of(project.id, project.embedder_id), build(database_url, project))
    upkeep.follow_vectors(settings, db)
    assert queued(db, project) == []
    shutil.rmtree(folder_of(project.id, project.embedder_id))
    upkeep.follow_vectors(settings, db)
    upkeep.follow_vectors(settings, db)
    assert len(queued(db, project)) == 1
    db.execute("delete from procrastinate_jobs")
    db.execute("update job set status = 'failed', ended_at = now()")
    upkeep.follow_vectors(settings, db)
    assert queued(db, project) == []
    db.execute("update job set ended_at = now() - interval '2 hours'")
    upkeep.follow_vectors(settings, db)
    assert len(queued(db, project)) == 1


def queued(db: Db, project: SimpleNamespace) -> list[int]:
    rows = db.execute("select id from job where project_id = %s and kind = 'index' and status = 'queued'", [project.id])
    return [row.id for row in rows]


def test_the_job_leaves_an_index_alone_that_few_vectors_have_outgrown(
    db: Db, project: SimpleNamespace, database_url: str, own_home: Path
) -> None:
    settings = load_settings({"SHOAL_HOME": str(own_home), "DATABASE_URL": database_url})
    build(database_url, project)
    for args, number in (({}, 1), ({"anew": True}, 2)):
        generations.run(JobContext(1, "index", project.id, None, args, settings, database_url))
        assert open_generation(db, project.id, project.embedder_id).manifest.generation == number


def test_the_job_builds_and_says_how_far_it_is(
    db: Db, project: SimpleNamespace, database_url: str, own_home: Path
) -> None:
    settings = load_settings({"SHOAL_HOME": str(own_home), "DATABASE_URL": database_url})
    told = []
    job = JobContext(1, "index", project.id, None, {}, settings, database_url, told.append)
    generations.run(job)
    assert told[-1].done == N and told[-1].unit == "vectors"
    assert "3,000 vectors indexed" in job.lines[-2]
    assert "neighbours of each are known" in job.lines[-1]
    assert_base_and_delta_are_the_table(db, project)


def test_the_index_answers_before_its_graph_is_there_and_while_it_is_built(
    db: Db, project: SimpleNamespace, database_url: str, own_home: Path
) -> None:
    settings = load_settings({"SHOAL_HOME": str(own_home), "DATABASE_URL": database_url})
    seen = []

    def look(progress: Progress) -> None:
        if progress.message == "finding neighbours":
            seen.append(open_generation(db, project.id, project.embedder_id))

    generations.run(JobContext(1, "index", project.id, None, {}, settings, database_url, look))
    assert seen and seen[-1].graph is None and len(seen[-1].index.search(unit_vectors(1)[0], 10)[0]) == 10
    whole = open_generation(db, project.id, project.embedder_id)
    assert whole.graph.rows.shape == whole.graph.distances.shape == (N, 30)
    nearest = whole.index.search(whole.index.vectors(np.array([7]))[0], 2)[0][1]
    assert whole.graph.rows[7, 0] == nearest


def test_an_index_without_a_graph_gets_one_and_stays(
    db: Db, project: SimpleNamespace, database_url: str, own_home: Path
) -> None:
    """As indexes of earlier versions are, and those whose job was killed or cancelled before the graph was done."""
    settings = load_settings({"SHOAL_HOME": str(own_home), "DATABASE_URL": database_url})
    build(database_url, project)
    path = folder_of(project.id, project.embedder_id) / MANIFEST
    old = json.loads(path.read_text())
    del old["graph_recall"]
    path.write_text(json.dumps(old))
    job = JobContext(1, "index", project.id, None, {}, settings, database_url)
    job.listener = lambda progress: job.cancelled.set()
    with pytest.raises(Cancelled):
        generations.run(job)
    assert open_generation(db, project.id, project.embedder_id).graph is None
    assert generations.request(db, project.id)
    generations.run(JobContext(2, "index", project.id, None, {}, settings, database_url))
    generation = open_generation(db, project.id, project.embedder_id)
    assert generation.manifest.generation == 1 and len(generation.graph) == N
    assert not generations.lacks_graph(db, project.id)


def test_a_graph_that_a_newer_generation_overtook_is_let_go(
    db: Db, project: SimpleNamespace, database_url: str
) -> None:
    former = build(database_url, project)
    folder = folder_of(project.id, project.embedder_id)

    def overtake(done: int, total: int, unit: str, message: str) -> None:
        if done == total:
            build(database_url, project)

    assert generations.add_graph(folder, former, overtake).graph_recall is None
    assert open_generation(db, project.id, project.embedder_id).manifest.generation == 2


def test_a_damaged_graph_is_noticed_and_healed(
    db: Db, project: SimpleNamespace, database_url: str, own_home: Path
) -> None:
    settings = load_settings({"SHOAL_HOME": str(own_home), "DATABASE_URL": database_url})
    generations.run(JobContext(1, "index", project.id, None, {}, settings, database_url))
    os.truncate(folder_of(project.id, project.embedder_id) / "gen-1" / "neighbours.npy", 5000)
    assert open_generation(db, project.id, project.embedder_id) is None
    generations.run(JobContext(2, "index", project.id, None, {}, settings, database_url))
    assert len(open_generation(db, project.id, project.embedder_id).graph) == N


BUILDER = """
import sys
from pathlib import Path
from app import database
from app.search import generations
generations.WORTH_A_FILE, generations.ROWS = 500, 100
with database.connect(sys.argv[1], autocommit=True) as db:
    print("ready", flush=True)
    while True:
        generations.build(db, Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
"""


def test_a_builder_killed_at_any_moment_leaves_a_whole_generation_or_none(
    db: Db, project: SimpleNamespace, database_url: str
) -> None:
    """While rows are added by transactions that end in another order than they began."""
    stop = threading.Event()
    adding = threading.Thread(target=add_rows, args=(database_url, project, stop))
    adding.start()
    seen = 0
    try:
        for round_number in range(8):
            builder = start_builder(database_url, project)
            time.sleep(random.Random(round_number).uniform(0.0, 0.25))
            builder.send_signal(signal.SIGKILL)
            builder.wait()
            if open_generation(db, project.id, project.embedder_id) is not None:
                seen += 1
                assert_base_and_delta_are_the_table(db, project)
            db.commit()
    finally:
        stop.set()
        adding.join()
    assert seen >= 4
    build(database_url, project)
    assert_base_and_delta_are_the_table(db, project)


def start_builder(database_url: str, project: SimpleNamespace) -> subprocess.Popen[bytes]:
    arguments = [database_url, str(index_folder()), str(project.id), str(project.embedder_id)]
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, *arguments], stdout=subprocess.PIPE)
    assert builder.stdout.readline() == b"ready\n"
    builder.stdout.close()
    return builder


def add_rows(database_url: str, project: SimpleNamespace, stop: threading.Event) -> None:
    """Two transactions at a time, of which the first begun is the last to end."""
    number = 100_000
    with database.connect(database_url) as first, database.connect(database_url) as second:
        while not stop.is_set():
            for db in (first, second):
                add_vectors(db, project.embedder_id, project.id, [number], unit_vectors(1, seed=number))
                number += 1
            second.commit()
            time.sleep(0.01)
            first.commit()
