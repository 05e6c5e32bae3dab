"""Cards come by themselves: of the first 2,000 objects while the others are embedded, and then of all."""

import pytest

from app.clusters import automatic, job, runs
from app.database import Db
from app.jobs import foreground
from app.jobs.context import Cancelled, JobContext
from app.search import embed
from app.settings import Settings
from tests.clusters.conftest import Heaps, Unheard
from tests.search.test_embed import give_images, picture
from tests.small_projects import make_project


class Listening(Unheard):
    def checkpoint(self) -> None:
        pass


def test_what_has_a_vector_is_cut_at_once_and_all_of_it_when_embedding_ends(heaps: Heaps) -> None:
    db, project = heaps.project.db, heaps.project
    automatic.begin(heaps.url, heaps.home, project.id, Listening())
    run = runs.latest(db, project.id)
    assert run is not None and run.state == "begun" and heaps.members(run)
    automatic.begin(heaps.url, heaps.home, project.id, Listening())
    assert runs.latest(db, project.id).id == run.id

    job_id = automatic.complete(db, project.id, None)
    assert runs.latest(db, project.id).job_id == job_id
    db.commit()
    job.cut(heaps.url, heaps.home, run, Unheard())
    db.commit()
    assert runs.latest(db, project.id).state == "complete"
    assert automatic.complete(db, project.id, None) is None


def test_a_project_that_had_no_cards_gets_them_when_embedding_ends(heaps: Heaps) -> None:
    assert automatic.complete(heaps.project.db, heaps.project.id, None)
    assert runs.latest(heaps.project.db, heaps.project.id).query == runs.UNLABELLED


def test_cancelling_the_embedding_stops_the_cutting(heaps: Heaps) -> None:
    class Stopping(Listening):
        def checkpoint(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        automatic.begin(heaps.url, heaps.home, heaps.project.id, Stopping())


def test_what_was_killed_before_its_cards_were_there_is_begun_again_or_completed(heaps: Heaps) -> None:
    db, project = heaps.project.db, heaps.project
    run = runs.make(db, project.id, None)
    db.commit()
    assert automatic.complete(db, project.id, None)
    db.rollback()
    automatic.begin(heaps.url, heaps.home, project.id, Listening())
    assert runs.find(db, project.id, run.id).state == "begun"


def test_embedding_calls_for_cards_once_the_first_have_their_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "FIRST", 3)
    work = embed._Work.__new__(embed._Work)
    work.total, work.done, work.written = 14, 2, 0
    called: list[tuple[int, int]] = []

    def first_are_there(written: int) -> bool:
        called.append((work.done, written))
        return written >= 6

    work.first_are_there = first_are_there
    for _ in range(5):
        work._count(2)
        work._call_for_cards()
    assert called == [(4, 2), (6, 4), (8, 6)]


def arrive(heaps: Heaps, n: int) -> None:
    """Objects that come after the cards were cut, with vectors like those of the first heap."""
    db, project = heaps.project.db, heaps.project
    rows = db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id)
        select nextval('object_id_seq'), project_id, sample_id, acquisition_id, 'late' || nextval('object_id_seq')
          from object
         where project_id = %s
         limit %s
        returning id
        """,
        [project.id, n],
    ).fetchall()
    db.execute(
        """
        insert into object_vector (embedder_id, project_id, object_id, v)
        select embedder_id, project_id, given.id, v
          from object_vector
          join unnest(%s::bigint[], %s::bigint[]) as given (id, like_id) on given.like_id = object_id
        """,
        [[row.id for row in rows], heaps.heap(0)[:n]],
    )
    db.execute("update project set data_version = data_version + 1 where id = %s", [project.id])
    db.commit()


def test_what_comes_later_gets_into_the_cards_where_it_is_much(heaps: Heaps) -> None:
    db, project = heaps.project.db, heaps.project
    run = runs.make(db, project.id, None)
    db.commit()
    job.cut(heaps.url, heaps.home, run, Unheard())
    arrive(heaps, 5)
    assert automatic.complete(db, project.id, None) is None
    arrive(heaps, 20)
    job_id = automatic.complete(db, project.id, None)
    assert job_id and runs.latest(db, project.id).id == run.id
    db.commit()
    job.cut(heaps.url, heaps.home, runs.find(db, project.id, run.id), Unheard())
    db.commit()
    assert runs.latest(db, project.id).n_objects == 175


def test_a_new_cruise_larger_than_what_is_left_gets_cards_of_its_first_objects(
    heaps: Heaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic, "FIRST", 10)
    db, project = heaps.project.db, heaps.project
    run = runs.make(db, project.id, None)
    db.commit()
    job.cut(heaps.url, heaps.home, run, Unheard())
    arrive(heaps, 25)
    assert automatic.begin(heaps.url, heaps.home, project.id, Listening(), 9) is False
    assert automatic.begin(heaps.url, heaps.home, project.id, Listening(), 10) is True
    assert runs.latest(db, project.id).id == run.id
    db.execute("update cluster set is_gone = true where run_id = %s", [run.id])
    db.execute("update cluster_run set revision = revision + 1 where id = %s", [run.id])
    db.commit()
    assert automatic.begin(heaps.url, heaps.home, project.id, Listening(), 10) is True
    new = runs.latest(db, project.id)
    assert new.id != run.id and new.state == "begun" and new.n_objects == 175


def test_many_objects_are_not_cut_while_others_wait_for_their_vectors(
    heaps: Heaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic, "LATE", 100)
    assert automatic.begin(heaps.url, heaps.home, heaps.project.id, Listening()) is True
    assert runs.latest(heaps.project.db, heaps.project.id) is None


def test_cards_begin_while_the_rest_is_embedded(db: Db, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "FIRST", 20)
    monkeypatch.setattr(embed, "WRITE_EVERY", 16)
    project = make_project(db, 60)
    give_images(db, settings, project.id, {object_id: [picture(object_id)] for object_id in project.ids})
    embed.run(JobContext(1, "embed", project.id, None, {}, settings, settings.database_url))

    run = runs.latest(db, project.id)
    assert run.state == "begun" and 20 <= run.n_objects < 60
    kinds = [row.kind for row in db.execute("select kind from job where project_id = %s order by id", [project.id])]
    assert kinds == ["clusters", "index"]
    db.commit()
    foreground.run_waiting(settings, settings.database_url, run.job_id)
    db.commit()
    whole = runs.latest(db, project.id)
    assert (whole.id, whole.state, whole.n_objects) == (run.id, "complete", 60)
