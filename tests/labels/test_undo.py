"""Undo and redo: exactly the former state, whoever and whenever, and never over somebody else's word."""

from uuid import uuid4

import pytest

from app.database import Db
from app.errors import Conflict, Forbidden, NotFound
from app.labels import counts, runs
from app.labels.undo import redo, undo
from app.labels.undo_state import undo_state
from tests.small_projects import Person, SmallProject, predict, true_counts


def whole_label(project: SmallProject, object_id: int) -> tuple[object, ...]:
    """All of a label but its version, which only ever grows."""
    label = project.label(object_id)
    return (label.status, label.taxon_id, label.account_id, label.at, label.provenance, label.act_id)


def test_undo_makes_an_object_unclassified_again(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:2], taxon="Oithona")
    outcome = undo(db, project, ada, uuid4())
    assert [(now.status, now.taxon, now.state) for now in outcome.changed] == [("U", None, "2.0")] * 2
    assert project.seen(project.ids[0]) == ("U", None, None)
    assert counts.project_counts(db, project.id) == true_counts(project) == {(0, "U"): 10}


def test_undo_of_a_confirmation_shows_the_prediction_again(db: Db, project: SmallProject, ada: Person) -> None:
    run_id = predict(project, {project.ids[0]: "Oithona"})
    runs.publish(db, project, run_id)
    project.do(ada, project.ids[:1], "confirm")
    outcome = undo(db, project, ada, uuid4())
    assert [(now.status, now.taxon, now.state) for now in outcome.changed] == [("P", "Oithona", f"2.{run_id}")]
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_undo_restores_who_when_and_provenance(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    project.do(ada, project.ids[:2], taxon="Oithona")
    db.commit()
    before = whole_label(project, project.ids[0])
    project.do(ben, project.ids[:1], taxon="detritus", status="D")
    db.commit()
    undo(db, project, ben, uuid4())
    assert whole_label(project, project.ids[0]) == before


def test_undo_goes_back_act_by_act_and_redo_forward_again(db: Db, project: SmallProject, ada: Person) -> None:
    steps = []
    for name in ("Oithona", "detritus", "fiber"):
        project.do(ada, project.ids[:2], taxon=name)
        db.commit()
        steps.append(whole_label(project, project.ids[0]))
    for expected in (steps[1], steps[0]):
        undo(db, project, ada, uuid4())
        assert whole_label(project, project.ids[0]) == expected
    undo(db, project, ada, uuid4())
    assert project.seen(project.ids[0]) == ("U", None, None)
    with pytest.raises(Conflict, match="nothing of yours to undo"):
        undo(db, project, ada, uuid4())
    db.rollback()
    for name in ("Oithona", "detritus", "fiber"):
        project.do(ada, project.ids[:2], taxon=name)
        db.commit()
    for _ in range(3):
        undo(db, project, ada, uuid4())
        db.commit()
    states = []
    for _ in range(3):
        redo(db, project, ada, uuid4())
        db.commit()
        states.append(project.seen(project.ids[0])[1])
    assert states == ["Oithona", "detritus", "fiber < detritus"]
    with pytest.raises(Conflict, match="nothing of yours to redo"):
        redo(db, project, ada, uuid4())
    db.rollback()
    undo(db, project, ada, uuid4())
    assert project.seen(project.ids[0])[1] == "detritus"


def test_redo_restores_the_label_as_the_act_made_it(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:2], taxon="Oithona", status="D")
    db.commit()
    made = whole_label(project, project.ids[1])
    undo(db, project, ada, uuid4())
    db.commit()
    redo(db, project, ada, uuid4())
    assert whole_label(project, project.ids[1]) == made
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_a_new_act_forgets_what_could_be_redone(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    undo(db, project, ada, uuid4())
    project.do(ada, project.ids[1:2], taxon="detritus")
    assert undo_state(db, project.id, ada.id).redo is None


def test_undo_says_what_it_will_take_back(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:3], taxon="fiber")
    state = undo_state(db, project.id, ada.id)
    assert state.undo and (state.undo.label, state.undo.n) == ("fiber < detritus", 3)
    outcome = undo(db, project, ada, uuid4())
    assert outcome.undo.undo is None
    assert outcome.undo.redo and (outcome.undo.redo.label, outcome.undo.redo.n) == ("fiber < detritus", 3)


def test_what_another_person_changed_since_is_left_and_told(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:3], taxon="Oithona")
    project.do(ben, project.ids[1:2], taxon="detritus")
    outcome = undo(db, project, ada, uuid4())
    assert [now.id for now in outcome.changed] == [project.ids[0], project.ids[2]]
    assert [(left.id, left.by, left.taxon) for left in outcome.refused] == [(project.ids[1], "Ben", "detritus")]
    assert project.seen(project.ids[1]) == ("V", "detritus", "Ben")
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_another_persons_act_that_was_undone_does_not_stand_in_the_way(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    project.do(ben, project.ids[:1], taxon="detritus")
    undo(db, project, ben, uuid4())
    assert len(undo(db, project, ada, uuid4()).changed) == 1
    assert project.seen(project.ids[0]) == ("U", None, None)


def test_redo_leaves_what_somebody_labelled_since_the_undo(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:2], taxon="Oithona")
    undo(db, project, ada, uuid4())
    project.do(ben, project.ids[:1], taxon="fiber")
    outcome = redo(db, project, ada, uuid4())
    assert [now.id for now in outcome.changed] == project.ids[1:2]
    assert [(left.id, left.by) for left in outcome.refused] == [(project.ids[0], "Ben")]


def test_undo_takes_only_ones_own_last_act(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    project.do(ben, project.ids[1:2], taxon="fiber")
    undo(db, project, ada, uuid4())
    assert project.seen(project.ids[0])[0] == "U"
    assert project.seen(project.ids[1])[0] == "V"


def test_an_undo_sent_twice_undoes_one_act(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    project.do(ada, project.ids[1:2], taxon="fiber")
    client_id = uuid4()
    first = undo(db, project, ada, client_id)
    assert undo(db, project, ada, client_id) == first
    assert project.seen(project.ids[0])[0] == "V"


def test_a_manager_undoes_anybodys_act_by_its_id(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    act_id = project.do(ada, project.ids[:1], taxon="Oithona").act_id
    project.do(ada, project.ids[1:2], taxon="Oithona")
    with pytest.raises(Forbidden):
        undo(db, project, ben, uuid4(), act_id)
    outcome = undo(db, project, ben, uuid4(), act_id, manager=True)
    assert [now.id for now in outcome.changed] == project.ids[:1]
    with pytest.raises(Conflict, match="undone already"):
        undo(db, project, ada, uuid4(), act_id)


def test_acts_of_other_projects_and_undos_cannot_be_undone_by_id(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    undone = undo(db, project, ada, uuid4())
    with pytest.raises(Conflict, match="redo"):
        undo(db, project, ada, uuid4(), undone.act_id)
    with pytest.raises(NotFound):
        undo(db, project, ada, uuid4(), 999_999)


def test_an_imported_label_comes_back_as_it_was_imported(db: Db, project: SmallProject, ada: Person) -> None:
    db.execute(
        """
        insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version)
        values (%s, %s, 'V', %s, null, '2015-03-01 12:00+00', 'imported', 1)
        """,
        [project.id, project.ids[0], project.taxa["Calanoida"]],
    )
    before = whole_label(project, project.ids[0])
    project.do(ada, project.ids[:1], taxon="fiber")
    undo(db, project, ada, uuid4())
    assert whole_label(project, project.ids[0]) == before
    redo(db, project, ada, uuid4())
    assert project.seen(project.ids[0]) == ("V", "fiber < detritus", "Ada")


def test_an_act_whose_labels_all_changed_since_is_not_spent_by_undoing_it(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    first = project.do(ada, project.ids[:2], taxon="Oithona")
    project.do(ben, project.ids[:2], taxon="detritus")
    db.commit()
    with pytest.raises(Conflict, match="nothing to take back"):
        undo(db, project, ada, uuid4(), act_id=first.act_id)
    db.rollback()
    undo(db, project, ben, uuid4())
    outcome = undo(db, project, ada, uuid4(), act_id=first.act_id)
    assert len(outcome.changed) == 2
