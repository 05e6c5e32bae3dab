"""A project whose index is gone, damaged, left behind or not there yet, and how it comes to have one."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.batches.make import make_batch
from app.batches.sources import Source
from app.database import Db, connect
from app.jobs import upkeep
from app.objects.detail import neighbours_of
from app.search import embedders, generations, index_folder, later, likeness
from app.search.later import Rebuilding
from app.search.mirror import open_mirror
from app.search.voters import nearest_voters
from app.settings import Settings
from app.spaces import versions
from tests.search.conftest import make_embedder
from tests.small_projects import Person
from tests.spaces.conftest import World, forgetful, make_space


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "WORTH_A_FILE", 50)


def build(world: World, database_url: str, space_id: int | None = None) -> Path:
    with connect(database_url, autocommit=True) as db:
        generations.build(db, index_folder(), world.small.id, world.embedder_id, None, space_id)
    return generations.folder_of(world.small.id, world.embedder_id, space_id)


def nearest(world: World) -> list[int]:
    query = likeness.example_vectors(world.db, world.project, world.small.ids[:1])
    mask = np.ones(len(open_mirror(world.db, world.small.id)), bool)
    return likeness.most_alike(world.db, world.project, query, mask, 5).ids.tolist()


def jobs(db: Db) -> list[str]:
    return [row.status for row in db.execute("select status from job where kind = 'index' order by id")]


def test_without_any_index_a_question_asks_for_one_instead_of_reading_everything(
    world: World, manager: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.small.do(manager, world.small.ids[:40], taxon="fiber")
    world.learn()
    answer = nearest(world)
    monkeypatch.setattr(later, "MOST_UNINDEXED", 100)
    for _ in "ab":
        with pytest.raises(Rebuilding, match="“Bay” has to be built anew") as refused:
            nearest(world)
        world.db.rollback()
    assert refused.value.status == 503 and jobs(world.db) == ["queued"], "asked for once, whatever the request comes to"
    assert neighbours_of(world.db, world.project, world.small.ids[0]) == []
    vectors = likeness.example_vectors(world.db, world.project, world.small.ids[:1])
    assert not len(nearest_voters(world.db, world.project, manager.id, vectors, np.empty(0, np.int64)).ids)
    world.db.execute("update job set status = 'failed', ended_at = now()")
    world.db.commit()
    with pytest.raises(Rebuilding):
        nearest(world)
    assert jobs(world.db) == ["failed"], "not over and over where it fails"
    build(world, database_url)
    assert nearest(world) == answer, "a plain index is enough"


def test_of_an_embedder_that_the_project_has_left_everything_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.learn()
    project, answer = world.project, nearest(world)
    world.db.execute("update project set embedder_id = %s", [make_embedder(world.db, 16, "later")])
    monkeypatch.setattr(later, "MOST_UNINDEXED", 100)
    query = likeness.example_vectors(world.db, project, world.small.ids[:1])
    mask = np.ones(len(open_mirror(world.db, world.small.id)), bool)
    assert likeness.most_alike(world.db, project, query, mask, 5).ids.tolist() == answer


def test_a_space_that_is_chosen_while_another_is_indexed_gets_its_index_afterwards(world: World) -> None:
    make_space(world.db, world.small.id, world.embedder_id, forgetful(), "former")
    running = generations.request(world.db, world.small.id)
    world.db.execute("update job set status = 'running'")
    world.db.execute("update procrastinate_jobs set status = 'doing'")
    asked = versions.choose(world.db, world.small.id, None, 1)
    assert asked and asked != running and jobs(world.db) == ["running", "queued"]
    assert versions.choose(world.db, world.small.id, None, None) == asked, "while one waits, it is that one"


def test_an_index_that_cannot_be_opened_is_asked_for_again_at_once_but_not_where_that_failed(
    world: World, database_url: str
) -> None:
    space_id = world.learn()
    for one in (None, space_id):
        folder = build(world, database_url, one)
        generations.add_graph(folder, generations.read_manifest(folder))
    world.db.execute("delete from job")
    world.db.execute(
        "insert into job (kind, title, project_id, status, ended_at) values ('index', 'Index', %s, 'done', now())",
        [world.small.id],
    )
    world.db.execute("update project set embedder_id = null where id <> %s", [world.small.id])
    assert generations.request_all(world.db) == []
    shutil.rmtree(generations.folder_of(world.small.id, world.embedder_id, space_id))
    assert len(generations.request_all(world.db)) == 1 and generations.request_all(world.db) == []
    world.db.execute("update job set status = 'failed', ended_at = now() where status = 'queued'")
    assert generations.request_all(world.db) == []


def test_a_damaged_index_is_examined_once_and_again_after_a_while(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = build(world, database_url) / "gen-1" / "vectors.faiss"
    whole = vectors.read_bytes()
    os.truncate(vectors, 100)
    examined: list[Path] = []
    checksum = generations.checksum
    monkeypatch.setattr(generations, "checksum", lambda path: (examined.append(path), checksum(path))[1])
    where = world.db, world.small.id, world.embedder_id
    assert [generations.open_generation(*where) for _ in "abc"] == [None] * 3
    assert len(examined) == len(set(examined))
    vectors.write_bytes(whole)
    monkeypatch.setattr(generations, "DOUBT_S", 0.0)
    assert generations.open_generation(*where) is not None


def test_indexes_that_were_left_go_after_an_hour_and_those_that_may_be_asked_stay(
    world: World, manager: Person, settings: Settings, database_url: str
) -> None:
    spaces = [world.learn() for _ in range(4)]
    world.db.execute("update space set adopted_at = now() + id * interval '1 minute'")
    batch = make_batch(world.db, world.project, manager, Source("examples", {"ids": world.small.ids[:1]}))
    world.db.execute("update batch set space_id = %s where id = %s", [spaces[0], batch.id])
    folders = {one: build(world, database_url, one) for one in (None, *spaces)}
    elsewhere = index_folder() / "987654321" / "1"
    elsewhere.mkdir(parents=True)
    home = replace(settings, home=world.home)
    upkeep.sweep_indexes(home, world.db)
    assert all(folder.exists() for folder in folders.values()), "what is young may be in the making"
    for folder in (*folders.values(), elsewhere):
        os.utime(folder, (0, 0))
    upkeep.sweep_indexes(home, world.db)
    assert [one for one, folder in folders.items() if not folder.exists()] == [spaces[1]]
    assert not elsewhere.parent.exists()
    world.db.execute("delete from batch")
    generations.request(world.db, world.small.id)
    os.utime(folders[spaces[0]], (0, 0))
    upkeep.sweep_indexes(home, world.db)
    assert folders[spaces[0]].exists(), "not while something is being indexed"
    world.db.execute("delete from job")
    embedders.use(world.db, world.small.id, make_embedder(world.db, 16, "later"))
    upkeep.sweep_indexes(home, world.db)
    assert [one for one, folder in folders.items() if folder.exists()] == [None], "others search the plain one"
