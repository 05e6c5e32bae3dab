"""The job that cuts a run: every object in one card, what people made stays, a killed job goes on."""

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from app import search
from app.clusters import job, runs, steps, vectors
from app.clusters.cards import Board
from app.database import Db
from app.errors import Refused
from app.jobs import foreground
from app.settings import Settings
from tests.clusters.conftest import Heaps, Unheard, make_heaps
from tests.small_projects import Person, make_project


def all_ids(members: dict[int, list[int]]) -> list[int]:
    return sorted(object_id for ids in members.values() for object_id in ids)


def test_every_object_is_in_exactly_one_card_of_its_own_kind(heaps: Heaps) -> None:
    run = heaps.cut()
    members = heaps.members(run)
    assert run.state == "complete" and run.n_objects == 150 and run.n_without_vector == 0
    assert all_ids(members) == sorted(heaps.project.ids)
    assert all(len({heaps.heap_of[object_id] for object_id in ids}) == 1 for ids in members.values())


def test_as_many_cards_as_are_asked_for(heaps: Heaps) -> None:
    assert len(heaps.members(heaps.cut(n_wanted=5))) == 5
    assert len(heaps.members(heaps.cut(n_wanted=2))) == 2


@pytest.mark.parametrize("n", [0, 1, 10])
def test_small_projects_are_cut_too(db: Db, database_url: str, own_home: Path, n: int) -> None:
    small = make_heaps(db, database_url, own_home, n_heaps=1, size=n)
    run = small.cut()
    assert run.state == "complete"
    assert all_ids(small.members(run)) == sorted(small.project.ids)


def test_only_the_filter_is_cut_and_the_validated_beside_it_are_known_to_their_cards(heaps: Heaps, ada: Person) -> None:
    known = heaps.heap(2)[:10]
    heaps.project.do(ada, known, taxon="Oithona")
    run = heaps.cut()
    assert all_ids(heaps.members(run)) == sorted(set(heaps.project.ids) - set(known))
    rows = heaps.project.db.execute("select object_ids, known_ids from cluster where run_id = %s", [run.id]).fetchall()
    for row in rows:
        if row.known_ids:
            assert heaps.heap_of[row.object_ids[0]] == 2
    assert sum(len(row.known_ids) for row in rows) >= 8


def test_what_has_no_vector_is_counted(heaps: Heaps) -> None:
    heaps.project.db.execute("delete from object_vector where object_id = any(%s)", [heaps.project.ids[:7]])
    run = heaps.cut()
    assert (run.n_objects, run.n_without_vector) == (143, 7)


def test_a_project_without_vectors_is_told_what_to_do(db: Db, database_url: str, own_home: Path) -> None:
    bare = make_project(db)
    run = runs.ask(db, bare.id, None)
    db.commit()
    with pytest.raises(Refused, match="embed it first"):
        job.cut(database_url, own_home, run, Unheard())


def test_a_killed_job_goes_on_with_the_vectors_it_had_copied(heaps: Heaps, monkeypatch: pytest.MonkeyPatch) -> None:
    run = heaps.ask()

    class Killed(Unheard):
        def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
            if message == "joining cards":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.cut(heaps.url, heaps.home, run, Killed())
    assert heaps.members(run) == {}
    assert (heaps.home / "clusters" / str(run.id) / str(heaps.embedder_id) / vectors.IDS).exists()

    monkeypatch.setattr(vectors, "_copy", lambda *_: pytest.fail("the vectors were copied already"))
    job.cut(heaps.url, heaps.home, run, Unheard())
    assert all_ids(heaps.members(run)) == sorted(heaps.project.ids)
    assert not (heaps.home / "clusters" / str(run.id)).exists()


def test_what_people_made_stays_when_the_rest_arrives(heaps: Heaps, ada: Person) -> None:
    db, project = heaps.project.db, heaps.project
    later = heaps.heap(4)
    kept = db.execute("delete from object_vector where object_id = any(%s) returning object_id, v", [later]).fetchall()
    run = heaps.ask()
    job.cut(heaps.url, heaps.home, run, Unheard(), complete=False)
    run = runs.find(db, project.id, run.id)
    assert run.state == "begun" and run.n_without_vector == 30
    first, other = list(heaps.members(run))[:2]
    merged = steps.take(db, run, ada, steps.Step(uuid4(), "merge", [first, other])).added[0]
    inside = heaps.members(run)[merged]
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into object_vector (embedder_id, project_id, object_id, v) values (%s, %s, %s, %s)",
            [(heaps.embedder_id, project.id, row.object_id, row.v) for row in kept],
        )
    db.commit()

    job.cut(heaps.url, heaps.home, run, Unheard())
    run = runs.find(db, project.id, run.id)
    assert run.state == "complete" and run.n_without_vector == 0
    assert heaps.members(run)[merged] == inside
    assert all_ids(heaps.members(run)) == sorted(project.ids)
    back = steps.turn(db, run, ada, uuid4())
    assert set(back.added) == {first, other}
    assert all_ids(heaps.members(run)) == sorted(project.ids)


def test_the_job_is_run_by_a_worker_and_tells_what_it_made(heaps: Heaps, settings: Settings, database_url: str) -> None:
    run = heaps.ask()
    assert heaps.ask().id == run.id  # while it waits, nobody asks for the same twice
    foreground.run_waiting(settings, database_url, run.job_id)
    row = heaps.project.db.execute(
        "select status, (select string_agg(line, '') from job_log where job_id = job.id) as log from job where id = %s",
        [run.job_id],
    ).fetchone()
    assert row.status == "done" and "cards" in row.log
    heaps.project.db.commit()
    search.configure(settings)
    board = Board(heaps.project.db, runs.find(heaps.project.db, heaps.project.id, run.id))
    assert board.n_objects_left == 150


def test_cards_of_equal_vectors(heaps: Heaps) -> None:
    heaps.project.db.execute(
        "update object_vector set v = (select v from object_vector where object_id = %s)", [heaps.project.ids[0]]
    )
    run = heaps.cut()
    assert [len(ids) for ids in heaps.members(run).values()] == [150]
    assert np.allclose(
        heaps.project.db.execute("select spread from cluster where run_id = %s", [run.id]).fetchone().spread,
        0,
        atol=1e-3,
    )


def test_the_latest_runs_are_kept_and_what_cancelled_ones_left_is_swept(heaps: Heaps) -> None:
    left = heaps.home / "clusters" / "77"
    left.mkdir(parents=True)
    found = [heaps.cut().id for _ in range(7)]
    kept = heaps.project.db.execute("select id from cluster_run order by id").fetchall()
    assert [row.id for row in kept] == found[-5:]
    assert not left.exists()


def test_where_size_counts_objects_of_one_likeness_part_by_their_sizes(heaps: Heaps, ada: Person) -> None:
    """Half of each heap is a hundred times as large as the other half."""
    ids = heaps.project.ids
    db = heaps.project.db
    db.execute("update object_field set numbers = array[case when object_id % 2 = 0 then 10.0 else 1000.0 end]")
    sized = runs.ask(db, heaps.project.id, None, runs.CardWish(n_cards=10, size_weight=0.5))
    db.commit()
    job.cut(heaps.url, heaps.home, sized, Unheard())
    members = heaps.members(sized)
    assert all_ids(members) == sorted(ids) and len(members) == 10
    assert all(len({object_id % 2 for object_id in card}) == 1 for card in members.values())
    card = max(members, key=lambda card: len(members[card]))
    split = steps.take(db, sized, ada, steps.Step(uuid4(), "split", [card]))
    assert len(split.added) == 2


def test_where_no_size_is_known_none_counts(heaps: Heaps) -> None:
    heaps.project.db.execute("delete from field")
    heaps.project.db.execute("delete from image")
    assert runs.make(heaps.project.db, heaps.project.id, None, runs.CardWish(size_weight=0.5)).size_weight == 0
