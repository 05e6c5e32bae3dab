"""Cards when things happen meanwhile: killed, cancelled, tried again, asked for twice, objects that come and go, people
who go on working."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from app.clusters import job, naming, runs, steps
from app.clusters.cards import Board
from app.clusters.naming import Naming
from app.clusters.runs import CardWish, Run
from app.clusters.told import page
from app.database import connect
from app.jobs import foreground, queue
from app.jobs.context import Cancelled
from app.settings import Settings
from tests.clusters.conftest import Heaps, Unheard
from tests.clusters.test_automatic import arrive
from tests.search.conftest import add_vectors, make_embedder, unit_vectors
from tests.small_projects import Person


class At(Unheard):
    """A report that does something once, when a step is reached."""

    def __init__(self, step: str, does: Callable[[], object]) -> None:
        self.step, self.does, self.done = step, does, False

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        if message == self.step and not self.done:
            self.done = True
            self.does()


def stop(why: type[BaseException]) -> Callable[[], None]:
    def raises() -> None:
        raise why

    return raises


def run_now(heaps: Heaps, run: Run) -> Run:
    heaps.project.db.commit()
    return runs.find(heaps.project.db, heaps.project.id, run.id)


def times_in_cards(heaps: Heaps, run: Run) -> dict[int, int]:
    """In how many cards each of the project's objects is."""
    inside = [object_id for ids in heaps.members(run).values() for object_id in ids]
    db = heaps.project.db
    rows = db.execute("select id from object where project_id = %s order by id", [heaps.project.id])
    return {row.id: inside.count(row.id) for row in rows}


def delete(heaps: Heaps, ids: list[int]) -> None:
    with connect(heaps.url) as db:
        db.execute("delete from object_vector where project_id = %s and object_id = any(%s)", [heaps.project.id, ids])
        db.execute("delete from object where project_id = %s and id = any(%s)", [heaps.project.id, ids])
        db.execute("update project set data_version = data_version + 1 where id = %s", [heaps.project.id])


def test_what_a_person_makes_while_the_cards_are_cut_anew_is_in_no_other_card(heaps: Heaps, ada: Person) -> None:
    run = heaps.ask()
    job.cut(heaps.url, heaps.home, run, Unheard(), complete=False)
    first, other = list(heaps.members(run_now(heaps, run)))[:2]
    inside = sorted(heaps.members(run)[first] + heaps.members(run)[other])
    made: list[int] = []

    def merge() -> None:
        with connect(heaps.url) as db:
            made.extend(steps.take(db, run_now(heaps, run), ada, steps.Step(uuid4(), "merge", [first, other])).added)

    meanwhile = At("joining cards", merge)
    job.cut(heaps.url, heaps.home, run, meanwhile)
    assert meanwhile.done and sorted(heaps.members(run_now(heaps, run))[made[0]]) == inside
    assert set(times_in_cards(heaps, run).values()) == {1}
    fewer = steps.take(heaps.project.db, run_now(heaps, run), ada, steps.Step(uuid4(), "join", n_cards=2))
    assert len(fewer.added) <= 2 and set(times_in_cards(heaps, run).values()) == {1}


def test_what_came_and_went_while_a_job_was_dead_is_cut_and_left_out(heaps: Heaps) -> None:
    run = heaps.ask()
    with pytest.raises(KeyboardInterrupt):
        job.cut(heaps.url, heaps.home, run, At("joining cards", stop(KeyboardInterrupt)))
    gone = heaps.heap(1)[:5]
    arrive(heaps, 8)
    delete(heaps, gone)
    job.cut(heaps.url, heaps.home, run, Unheard())
    run = run_now(heaps, run)
    assert (run.n_objects, run.n_without_vector) == (153, 0)
    assert set(times_in_cards(heaps, run).values()) == {1}
    assert not set(gone) & {object_id for ids in heaps.members(run).values() for object_id in ids}


def test_what_comes_and_goes_while_cards_are_cut_is_counted_as_arrived_or_passed_over(heaps: Heaps) -> None:
    run = heaps.ask()

    def meanwhile() -> None:
        arrive(heaps, 6)
        delete(heaps, heaps.heap(2)[:4])

    job.cut(heaps.url, heaps.home, run, At("joining cards", meanwhile))
    run = run_now(heaps, run)
    board = Board(heaps.project.db, run)
    assert board.n_objects_left == 146 and page(heaps.project.db, run).run.n_arrived == 6
    assert sorted(times_in_cards(heaps, run).values()) == [0] * 6 + [1] * 146


def test_a_job_that_goes_on_with_another_embedder_reads_its_vectors(heaps: Heaps) -> None:
    run, db = heaps.ask(), heaps.project.db
    with pytest.raises(KeyboardInterrupt):
        job.cut(heaps.url, heaps.home, run, At("joining cards", stop(KeyboardInterrupt)))
    embedder_id = make_embedder(db, 8, name="another")
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, heaps.project.id])
    add_vectors(db, embedder_id, heaps.project.id, heaps.project.ids, unit_vectors(150, 8, seed=2))
    db.commit()
    job.cut(heaps.url, heaps.home, run, Unheard())
    assert set(times_in_cards(heaps, run).values()) == {1}
    middle = db.execute("select cardinality(middle) as n from cluster where run_id = %s", [run.id]).fetchone()
    assert middle.n == 8


def test_a_cancelled_job_leaves_the_cards_as_they_were(heaps: Heaps) -> None:
    run = heaps.cut()
    before = heaps.members(run)
    with pytest.raises(Cancelled):
        job.cut(heaps.url, heaps.home, run, At("joining cards", stop(Cancelled)))
    assert heaps.members(run_now(heaps, run)) == before
    assert not (heaps.home / "clusters" / str(heaps.cut().id)).exists()
    assert not (heaps.home / "clusters" / str(run.id)).exists()


def test_a_job_that_is_tried_again_is_that_of_its_cards(heaps: Heaps, settings: Settings, database_url: str) -> None:
    db, run = heaps.project.db, heaps.ask()
    assert queue.cancel(db, run.job_id or 0) == "cancelled"
    again = queue.retry(db, run.job_id or 0, None)
    db.commit()
    foreground.run_waiting(settings, database_url, again)
    run = run_now(heaps, run)
    assert (run.job_id, run.state, run.n_objects) == (again, "complete", 150)


def test_who_asks_at_once_asks_for_the_same_and_others_wait_their_turn(heaps: Heaps) -> None:
    heaps.project.db.commit()

    def ask(query: str) -> Run:
        with connect(heaps.url) as db:
            return runs.ask(db, heaps.project.id, None, CardWish(query))

    with ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(ask, ["status=U&status=P", "status=V"] * 4))
    assert len({run.id for run in asked}) == 2
    rows = heaps.project.db.execute("select lock, status from job where kind = 'clusters'").fetchall()
    assert [(row.lock, row.status) for row in rows] == 2 * [(f"clusters:{heaps.project.id}", "queued")]


def test_what_i_labelled_is_another_filter_for_everybody(heaps: Heaps, ada: Person, ben: Person) -> None:
    db, project_id = heaps.project.db, heaps.project.id
    mine = runs.ask(db, project_id, ada.id, CardWish("who=me"))
    assert runs.ask(db, project_id, ada.id, CardWish("who=me")).id == mine.id
    theirs = runs.ask(db, project_id, ben.id, CardWish("who=me"))
    assert theirs.id != mine.id and runs.latest_for(db, project_id, "who=me", ada.id) is None
    open_to_all = runs.ask(db, project_id, ada.id, CardWish("status=V"))
    assert runs.ask(db, project_id, ben.id, CardWish("status=V")).id == open_to_all.id


def test_cards_of_the_unlabelled_stay_however_many_filters_are_cut(heaps: Heaps) -> None:
    run = heaps.cut()
    for number in range(1, 8):
        heaps.cut(f"status=V&depth=0..{number}")
    assert runs.latest(heaps.project.db, heaps.project.id) == runs.find(heaps.project.db, heaps.project.id, run.id)
    rows = heaps.project.db.execute("select count(*) as n from cluster_run").fetchone()
    assert rows.n == 6


def test_cards_that_go_with_their_project_while_they_are_cut_say_so(heaps: Heaps) -> None:
    run = heaps.ask()

    def gone() -> None:
        with connect(heaps.url) as db:
            db.execute("delete from cluster_run where id = %s", [run.id])

    with pytest.raises(Exception, match="went while they were cut"):
        job.cut(heaps.url, heaps.home, run, At("joining cards", gone))


def test_what_somebody_labels_while_cards_are_named_keeps_that_label(
    heaps: Heaps, ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, run = heaps.project, heaps.cut(n_wanted=5)
    card, ids = next(iter(heaps.members(run).items()))

    class Slow(Board):
        """Between what is left and the act, Ben labels one of it."""

        def left_ids(self, place: int) -> np.ndarray:
            left = super().left_ids(place)
            if project.label(ids[0]) is None:
                project.do(ben, ids[:1], taxon="fiber")
            return left

    monkeypatch.setattr(naming, "Board", Slow)
    word = Naming(uuid4(), [card], project.taxa["Oithona"], ids)
    outcome = naming.name(project.db, project, ada, run, word)
    assert [left.id for left in outcome.refused] == ids[:1] and len(outcome.changed) == len(ids) - 1
    assert project.seen(ids[0]) == ("V", "fiber < detritus", "Ben")


def test_what_another_job_reads_from_is_not_swept(heaps: Heaps) -> None:
    """The folders of a run that waits, of one that an embedding begins, and of both that nobody cuts any more."""
    db, asked = heaps.project.db, heaps.ask("status=P")
    db.execute(
        "insert into job (kind, title, project_id, status) values ('embed', 'E', %s, 'running')", [asked.project_id]
    )
    folders = [heaps.home / "clusters" / name for name in (str(asked.id), f"{asked.id}-begun", "7007", "7007-begun")]
    for folder in folders:
        folder.mkdir(parents=True)
    heaps.cut()
    assert [folder.exists() for folder in folders] == [True, True, False, False]


def test_a_folder_that_was_copied_half_is_copied_anew(heaps: Heaps, own_home: Path) -> None:
    run = heaps.ask()
    with pytest.raises(KeyboardInterrupt):
        job.cut(heaps.url, heaps.home, run, At("reading vectors", stop(KeyboardInterrupt)))
    assert (own_home / "clusters" / str(run.id)).exists()
    job.cut(heaps.url, heaps.home, run, Unheard())
    assert set(times_in_cards(heaps, run).values()) == {1}
