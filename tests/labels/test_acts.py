"""Acts: what becomes of statuses, history and counts, and what is left as it is."""

from uuid import uuid4

import pytest

from app.database import Db
from app.errors import Conflict, Forbidden, Refused
from app.labels import counts, runs
from app.labels.acts import MOST_OBJECTS, Act, apply
from tests.small_projects import Person, SmallProject, make_project, predict, true_counts


def test_naming_unclassified_objects_validates_them(project: SmallProject, ada: Person) -> None:
    outcome = project.do(ada, project.ids[:3], taxon="Copepoda")
    assert [now.id for now in outcome.changed] == project.ids[:3]
    assert {(now.status, now.taxon, now.state) for now in outcome.changed} == {("V", "Copepoda", "1.0")}
    assert project.seen(project.ids[0]) == ("V", "Copepoda", "Ada")
    assert project.seen(project.ids[3]) == ("U", None, None)


def test_one_object_is_labelled_singly_and_several_in_a_batch(project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="Copepoda")
    project.do(ada, project.ids[1:3], taxon="Copepoda")
    project.do(ada, project.ids[3:4], taxon="Copepoda", provenance="batch")
    assert [project.label(i).provenance for i in project.ids[:4]] == ["single", "batch", "batch", "batch"]


def test_a_person_may_name_and_doubt_in_one_act(project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="fiber", status="D")
    assert project.seen(project.ids[0]) == ("D", "fiber < detritus", "Ada")


def test_confirming_a_prediction_validates_its_taxon_and_keeps_the_machines_score(
    db: Db, project: SmallProject, ada: Person
) -> None:
    run_id = predict(project, {project.ids[0]: "Oithona", project.ids[1]: "Calanoida"}, score=0.75)
    runs.publish(db, project, run_id)
    outcome = project.do(ada, project.ids[:2], "confirm")
    assert [now.taxon for now in outcome.changed] == ["Oithona", "Calanoida"]
    row = db.execute("select * from history where object_id = %s", [project.ids[0]]).fetchone()
    assert row is not None
    assert (row.old_status, row.old_predicted_taxon_id, row.old_score) == (None, project.taxa["Oithona"], 0.75)


def test_doubting_keeps_the_seen_taxon(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    runs.publish(db, project, predict(project, {project.ids[0]: "Oithona"}))
    project.do(ada, project.ids[1:2], taxon="detritus")
    project.do(ben, project.ids[:2], "doubt")
    assert project.seen(project.ids[0]) == ("D", "Oithona", "Ben")
    assert project.seen(project.ids[1]) == ("D", "detritus", "Ben")


def test_naming_or_confirming_a_dubious_object_validates_it(project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:2], taxon="Oithona", status="D")
    project.do(ada, project.ids[:1], "confirm")
    project.do(ada, project.ids[1:2], taxon="Oithona similis")
    assert project.seen(project.ids[0]) == ("V", "Oithona", "Ada")
    assert project.seen(project.ids[1]) == ("V", "Oithona similis", "Ada")


@pytest.mark.parametrize("kind", ["confirm", "doubt"])
def test_an_unclassified_object_has_nothing_to_confirm_or_doubt(project: SmallProject, ada: Person, kind: str) -> None:
    outcome = project.do(ada, project.ids[:1], kind)
    assert outcome.changed == []
    assert [(left.id, left.why) for left in outcome.refused] == [(project.ids[0], "unclassified")]


def test_another_persons_confirmation_of_a_validated_object_is_an_act_with_who_and_when(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    db.commit()
    first = project.label(project.ids[0])
    outcome = project.do(ben, project.ids[:1], "confirm")
    label = project.label(project.ids[0])
    assert len(outcome.changed) == 1
    assert (label.account_id, label.version) == (ben.id, 2)
    assert label.at > first.at


def test_saying_the_same_twice_oneself_changes_nothing(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:2], taxon="Oithona")
    again = project.do(ada, project.ids[:2], "confirm")
    named = project.do(ada, project.ids[:2], taxon="Oithona")
    assert (again.changed, again.refused, again.n_unchanged) == ([], [], 2)
    assert (named.changed, named.refused, named.n_unchanged) == ([], [], 2)
    assert db.execute("select count(*) from history").fetchone()[0] == 2


def test_objects_changed_by_another_person_are_left_and_told_by_name_while_the_rest_goes_through(
    project: SmallProject, ada: Person, ben: Person
) -> None:
    shown = project.states(project.ids[:4])
    project.do(ben, project.ids[1:2], taxon="detritus")
    outcome = project.do(ada, project.ids[:4], taxon="Oithona", states=shown)
    assert [now.id for now in outcome.changed] == [project.ids[i] for i in (0, 2, 3)]
    (left,) = outcome.refused
    assert (left.id, left.why, left.by, left.taxon, left.status, left.state) == (
        project.ids[1], "changed", "Ben", "detritus", "V", "1.0",
    )  # fmt: skip
    assert left.at
    assert project.seen(project.ids[1]) == ("V", "detritus", "Ben")


def test_an_object_whose_prediction_changed_since_it_was_shown_is_left(
    db: Db, project: SmallProject, ada: Person
) -> None:
    runs.publish(db, project, predict(project, {project.ids[0]: "Oithona"}))
    shown = project.states(project.ids[:1])
    runs.publish(db, project, predict(project, {project.ids[0]: "Calanoida"}))
    outcome = project.do(ada, project.ids[:1], "confirm", states=shown)
    assert [(left.why, left.by, left.taxon, left.status) for left in outcome.refused] == [
        ("changed", None, "Calanoida", "P")
    ]


def test_a_new_run_does_not_disturb_an_act_on_validated_objects(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    shown = project.states(project.ids[:1])
    runs.publish(db, project, predict(project, {project.ids[0]: "Calanoida"}))
    assert len(project.do(ada, project.ids[:1], taxon="Calanoida", states=shown).changed) == 1


def test_the_same_act_sent_twice_happens_once_and_is_answered_alike(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ben, project.ids[:1], taxon="detritus")
    act = project.act(ada, project.ids[:3], taxon="Oithona", states=["0.0"] * 3)
    first = apply(db, project, ada, act)
    db.commit()
    second = apply(db, project, ada, act)
    assert second == first
    assert len(first.refused) == 1
    assert db.execute("select count(*) from history where act_id = %s", [first.act_id]).fetchone()[0] == 2


def test_an_act_id_of_somebody_else_is_refused(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    client_id = uuid4()
    project.do(ada, project.ids[:1], taxon="Oithona", client_id=client_id)
    with pytest.raises(Conflict):
        project.do(ben, project.ids[1:2], taxon="Oithona", client_id=client_id)


def test_objects_of_another_project_are_unknown(db: Db, project: SmallProject, ada: Person) -> None:
    other = make_project(db, 2)
    outcome = project.do(ada, [project.ids[0], other.ids[0]], taxon="Oithona", states=["0.0", "0.0"])
    assert [now.id for now in outcome.changed] == project.ids[:1]
    assert [(left.id, left.why) for left in outcome.refused] == [(other.ids[0], "unknown")]
    assert other.seen(other.ids[0]) == ("U", None, None)


def test_an_object_named_twice_in_an_act_is_changed_once(project: SmallProject, ada: Person) -> None:
    outcome = project.do(ada, [project.ids[0]] * 2, taxon="Oithona", states=["0.0"] * 2)
    assert len(outcome.changed) == 1
    assert true_counts(project) == counts.project_counts(project.db, project.id)


@pytest.mark.parametrize("states", [[], ["x"], ["1"], ["1.2.3"], ["-1.0"], ["1.99999999999999999999"], ["٣.0"]])
def test_a_state_that_is_none_is_refused_with_what_to_do(project: SmallProject, ada: Person, states: list[str]) -> None:
    act = Act(uuid4(), "label", project.ids[:1], states, project.taxa["Oithona"])
    with pytest.raises(Refused, match=r"Reload the page|for each object"):
        apply(project.db, project, ada, act)


def test_an_act_of_too_many_objects_is_refused(project: SmallProject, ada: Person) -> None:
    ids = list(range(MOST_OBJECTS + 1))
    with pytest.raises(Refused, match="10,000"):
        project.do(ada, ids, taxon="Oithona", states=["0.0"] * len(ids))


@pytest.mark.parametrize("taxon_id", [None, 999_999_999])
def test_a_taxon_that_is_not_there_is_refused(project: SmallProject, ada: Person, taxon_id: int | None) -> None:
    with pytest.raises(Refused, match="not known"):
        apply(project.db, project, ada, Act(uuid4(), "label", project.ids[:1], ["0.0"], taxon_id))


def test_a_deprecated_taxon_is_refused_with_the_one_to_use(db: Db, project: SmallProject, ada: Person) -> None:
    db.execute(
        "update taxon set status = 'D', rename_to = %s where id = %s",
        [project.taxa["Oithona similis"], project.taxa["Oithona"]],
    )
    with pytest.raises(Refused, match="Oithona is deprecated: use Oithona similis"):
        project.do(ada, project.ids[:1], taxon="Oithona")


def test_a_prediction_of_a_deprecated_taxon_is_no_more_confirmed_than_it_is_given(
    db: Db, project: SmallProject, ada: Person
) -> None:
    run_id = predict(project, dict.fromkeys(project.ids[:2], "Oithona") | {project.ids[2]: "Calanoida"})
    runs.publish(db, project, run_id)
    db.execute("update taxon set status = 'D' where id = %s", [project.taxa["Oithona"]])
    with pytest.raises(Refused, match="Oithona is deprecated: choose another taxon"):
        project.do(ada, project.ids[:2], "confirm")
    outcome = project.do(ada, project.ids[:3], "confirm")
    assert [now.id for now in outcome.changed] == project.ids[2:3]
    assert [(left.id, left.why) for left in outcome.refused] == [(id, "deprecated") for id in project.ids[:2]]
    assert project.seen(project.ids[0]) == ("P", "Oithona", None)


def test_a_label_of_a_deprecated_taxon_may_still_be_doubted(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    db.execute("update taxon set status = 'D' where id = %s", [project.taxa["Oithona"]])
    with pytest.raises(Refused, match="deprecated"):
        project.do(ben, project.ids[:1], "confirm")
    project.do(ben, project.ids[:1], "doubt")
    assert project.seen(project.ids[0]) == ("D", "Oithona", "Ben")


def test_a_project_that_can_only_be_explored_refuses_acts(db: Db, ada: Person) -> None:
    project = make_project(db, 2, status="explore")
    with pytest.raises(Forbidden):
        project.do(ada, project.ids[:1], taxon="Oithona")


def test_counts_follow_every_kind_of_act(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    runs.publish(db, project, predict(project, dict.fromkeys(project.ids[:6], "Oithona")))
    project.do(ada, project.ids[:2], taxon="Oithona")
    project.do(ada, project.ids[2:4], "confirm")
    project.do(ben, project.ids[1:3], "doubt")
    project.do(ada, project.ids[5:8], taxon="fiber")
    project.do(ben, project.ids, "confirm")
    assert counts.project_counts(db, project.id) == true_counts(project)
    assert sum(true_counts(project).values()) == 10


def test_folding_counts_keeps_their_sums(
    db: Db, project: SmallProject, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k, name in enumerate(["Oithona", "detritus", "Oithona", "fiber"]):
        project.do(ada, project.ids[: k + 1], taxon=name)
    before = counts.project_counts(db, project.id)
    monkeypatch.setattr(counts, "WORTH_FOLDING", 1)
    assert counts.fold(db) > 0
    assert counts.project_counts(db, project.id) == before == true_counts(project)
    assert db.execute("select count(*) from count_delta").fetchone()[0] == len(before)
