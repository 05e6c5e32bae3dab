"""Several people at once, each on a connection of their own: nothing twice, nothing lost, no deadlock."""

import random
import threading
from collections.abc import Callable
from uuid import uuid4

from app.database import Db, connect
from app.errors import Conflict
from app.labels import counts, runs
from app.labels.acts import Act, Outcome, apply
from app.labels.undo import redo, undo
from tests.small_projects import Person, SmallProject, make_person, make_project, predict, true_counts

TIMEOUT_S = 60


def at_once(database_url: str, works: list[Callable[[Db], object]]) -> list[object]:
    """What each work gives, or raises, all started together."""
    gate = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def run(place: int, work: Callable[[Db], object]) -> None:
        with connect(database_url) as db:
            gate.wait(TIMEOUT_S)
            try:
                results[place] = work(db)
            except Exception as error:
                db.rollback()
                results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    return results


def test_two_identical_acts_at_once_happen_once_and_are_answered_alike(
    db: Db, database_url: str, project: SmallProject, ada: Person
) -> None:
    db.commit()
    act = project.act(ada, project.ids, taxon="Oithona")
    db.commit()

    def send(other: Db) -> Outcome:
        return apply(other, project, ada, act)

    first, *others = at_once(database_url, [send] * 6)
    assert isinstance(first, Outcome)
    assert others == [first] * 5
    assert len(first.changed) == 10
    assert db.execute("select count(*) from history").fetchone()[0] == 10


def test_of_two_people_who_label_the_same_objects_one_wins_each_and_the_other_is_told(
    db: Db, database_url: str, project: SmallProject, ada: Person, ben: Person
) -> None:
    acts = [(ada, project.act(ada, project.ids, taxon="Oithona")), (ben, project.act(ben, project.ids, taxon="fiber"))]
    db.commit()

    def sender(who: Person, act: Act) -> Callable[[Db], object]:
        return lambda other: apply(other, project, who, act)

    outcomes = at_once(database_url, [sender(who, act) for who, act in acts])
    changed = [{now.id for now in outcome.changed} for outcome in outcomes]
    refused = [{left.id for left in outcome.refused} for outcome in outcomes]
    assert changed[0] ^ changed[1] == set(project.ids)
    assert (refused[0], refused[1]) == (changed[1], changed[0])
    names = {left.by for outcome in outcomes for left in outcome.refused}
    assert names <= {"Ada", "Ben"}
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_overlapping_acts_undos_and_new_runs_never_deadlock_and_counts_stay_true(db: Db, database_url: str) -> None:
    project = make_project(db, 60)
    people = [make_person(db, f"Person{k}") for k in range(5)]
    run_ids = [predict(project, dict.fromkeys(project.ids[k::2], "Oithona"), title=str(k)) for k in range(2)]
    db.commit()

    def labeller(who: Person) -> Callable[[Db], object]:
        choice = random.Random(who.id)

        def work(other: Db) -> object:
            mine = SmallProject(other, project.id, project.ids, project.taxa)
            for _ in range(15):
                ids = choice.sample(project.ids, 25)
                mine.do(who, ids, choice.choice(["label", "confirm", "doubt"]), choice.choice(["fiber", "Calanoida"]))
                other.commit()
                if choice.random() < 0.5:
                    for step in (undo, redo) if choice.random() < 0.3 else (undo,):
                        try:
                            step(other, mine, who, uuid4())
                        except Conflict:
                            other.rollback()
                        other.commit()
            return "done"

        return work

    def publisher(other: Db) -> object:
        for k in range(12):
            runs.publish(other, project, run_ids[k % 2])
            other.commit()
        return "done"

    results = at_once(database_url, [*(labeller(who) for who in people), publisher])
    assert results == ["done"] * 6
    assert counts.project_counts(db, project.id) == true_counts(project)
    versions = db.execute(
        """
        select count(*)
          from label
          join (select object_id, max(new_version) as version, count(*) as n
                  from history
                 group by object_id) as past using (object_id)
         where label.version <> past.version or past.n <> past.version
        """
    ).fetchone()
    assert versions[0] == 0
    undone_in_force = db.execute(
        "select count(*) from label join act on act.id = label.act_id where act.reversed_by is not null"
    ).fetchone()
    assert undone_in_force[0] == 0


def test_two_undos_at_once_take_back_two_acts(db: Db, database_url: str, project: SmallProject, ada: Person) -> None:
    for k in range(3):
        project.do(ada, project.ids[k : k + 1], taxon="Oithona")
    db.commit()
    outcomes = at_once(database_url, [lambda other: undo(other, project, ada, uuid4())] * 2)
    undone = sorted(now.id for outcome in outcomes for now in outcome.changed)
    assert undone == project.ids[1:3]


def test_two_undos_at_once_of_labels_over_each_other_leave_neither(
    db: Db, database_url: str, project: SmallProject, ada: Person, ben: Person
) -> None:
    for _ in range(6):
        project.do(ada, project.ids, taxon="Oithona")
        project.do(ben, project.ids, taxon="fiber")
        db.commit()
        at_once(database_url, [lambda other, who=who: undo(other, project, who, uuid4()) for who in (ada, ben)])
        assert {project.seen(object_id)[0] for object_id in project.ids} == {"U"}
        db.commit()
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_counts_are_folded_while_people_label(db: Db, database_url: str, ada: Person) -> None:
    project = make_project(db, 200)
    db.commit()

    def label(other: Db) -> object:
        mine = SmallProject(other, project.id, project.ids, project.taxa)
        for k in range(200):
            mine.do(ada, project.ids[k : k + 1], taxon="fiber")
            other.commit()
        return "done"

    def fold(other: Db) -> object:
        for _ in range(50):
            counts.fold(other)
            other.commit()
        return "done"

    counts.WORTH_FOLDING, before = 1, counts.WORTH_FOLDING
    try:
        assert at_once(database_url, [label, fold, fold]) == ["done"] * 3
    finally:
        counts.WORTH_FOLDING = before
    assert counts.project_counts(db, project.id) == true_counts(project)
