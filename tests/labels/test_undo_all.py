"""Taking back all that one person did in a period: to what stood before, never over somebody else's later word."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.batches import refusals
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.jobs.context import JobContext
from app.labels import counts, runs, undo_preview
from app.labels import undo_all as many
from app.labels.acts import begin, finish
from app.labels.history import recent_acts
from app.labels.reversals import _listeners, on_reversal
from app.labels.undo import undo
from app.labels.undo_all import Taken, redo_all, undo_all
from app.labels.undo_preview import Period, Preview, preview_act, preview_part
from app.settings import Settings
from tests.small_projects import Person, SmallProject, predict, true_counts

LONG_AGO, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def ever(project: SmallProject, who: Person) -> Period:
    return Period(project.id, who.id, LONG_AGO, NOW)


def take_back(project: SmallProject, who: Person, period: Period | None = None, client_id: UUID | None = None) -> Taken:
    return undo_all(project.db, project, who, client_id or uuid4(), period or ever(project, who), manager=False)


def labels(project: SmallProject) -> dict[int, tuple[object, ...]]:
    """All of every label but its version, which only ever grows. One that was taken back is as none."""
    rows = project.db.execute("select * from label where project_id = %s", [project.id])
    return {
        row.object_id: (row.status, row.taxon_id, row.account_id, row.at, row.provenance, row.act_id)
        for row in rows
        if row.status != "U"
    }


def back_of(preview: Preview) -> list[tuple[str, str | None, str, str | None, int]]:
    return [(one.status, one.taxon, one.to_status, one.to_taxon, one.n) for one in preview.back]


def test_all_that_one_person_said_goes_back_to_what_stood_before(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ben, project.ids[:4], taxon="detritus")
    db.commit()
    before = labels(project)
    project.do(ada, project.ids[:6], taxon="Oithona")
    project.do(ada, project.ids[2:8], taxon="Copepoda", status="D")
    db.commit()
    taken = take_back(project, ada)
    assert (taken.n_acts, taken.n_changed, taken.n_left, taken.job_id) == (2, 8, 0, None)
    assert labels(project) == before
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_what_somebody_changed_since_stays_and_is_counted_once(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:4], taxon="Oithona")
    project.do(ada, project.ids[:4], taxon="Copepoda")
    project.do(ben, project.ids[:1], taxon="fiber")
    seen = preview_part(db, ever(project, ada))
    assert back_of(seen) == [("V", "Copepoda", "U", None, 3)]
    assert [(one.by, one.taxon, one.n) for one in seen.stays] == [("Ben", "fiber < detritus", 1)]
    taken = take_back(project, ada)
    assert (taken.n_changed, taken.n_left) == (seen.n_back, seen.n_stays) == (3, 1)
    assert project.seen(project.ids[0]) == ("V", "fiber < detritus", "Ben")


def test_what_was_doubted_and_then_validated_is_one_object(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:4], taxon="Oithona", status="D")
    project.do(ada, project.ids[2:6], taxon="Oithona")
    project.do(ben, project.ids[5:6], taxon="fiber")
    told = preview_part(db, ever(project, ada))
    assert (told.n_objects, told.n_back, told.n_stays) == (6, 5, 1)
    second = project.db.execute("select max(id) from act where account_id = %s", [ada.id]).fetchone()[0]
    assert preview_act(db, project.id, second).n_objects == 4


def test_somebody_s_word_between_two_of_the_acts_comes_back(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:1], taxon="Oithona")
    project.do(ben, project.ids[:1], taxon="fiber")
    project.do(ada, project.ids[:1], taxon="Copepoda")
    assert back_of(preview_part(db, ever(project, ada))) == [("V", "Copepoda", "V", "fiber < detritus", 1)]
    take_back(project, ada)
    assert project.seen(project.ids[0]) == ("V", "fiber < detritus", "Ben")


def test_only_the_acts_of_the_period_are_taken_back(db: Db, project: SmallProject, ada: Person) -> None:
    first = project.do(ada, project.ids[:2], taxon="Oithona")
    second = project.do(ada, project.ids[1:3], taxon="Copepoda")
    third = project.do(ada, project.ids[2:4], taxon="fiber")
    for k, act in enumerate((first, second, third)):
        db.execute("update act set at = %s where id = %s", [LONG_AGO + timedelta(days=k), act.act_id])
    day = Period(project.id, ada.id, LONG_AGO + timedelta(hours=12), LONG_AGO + timedelta(hours=36))
    assert take_back(project, ada, day).n_changed == 1
    assert [project.seen(i)[1] for i in project.ids[:4]] == [
        "Oithona",
        "Oithona",
        "fiber < detritus",
        "fiber < detritus",
    ]


def test_a_prediction_is_seen_again_and_told_before(db: Db, project: SmallProject, ada: Person) -> None:
    runs.publish(db, project, predict(project, dict.fromkeys(project.ids[:3], "Oithona")))
    project.do(ada, project.ids[:3], "confirm")
    assert back_of(preview_part(db, ever(project, ada))) == [("V", "Oithona", "P", "Oithona", 3)]
    take_back(project, ada)
    assert project.seen(project.ids[0])[:2] == ("P", "Oithona")
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_it_is_done_again_to_the_byte_where_nothing_happened_since(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ada, project.ids[:5], taxon="Oithona")
    db.commit()
    project.do(ada, project.ids[:2], taxon="Copepoda")
    db.commit()
    before = labels(project)
    taken = take_back(project, ada)
    db.commit()
    project.do(ben, project.ids[:1], taxon="fiber")
    again = redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
    assert (again.n_changed, again.n_left) == (4, 1)
    after = labels(project)
    assert {i: after[i] for i in project.ids[1:5]} == {i: before[i] for i in project.ids[1:5]}
    assert project.seen(project.ids[0])[2] == "Ben"
    assert counts.project_counts(db, project.id) == true_counts(project)
    undone = [act.undone for act in recent_acts(db, project.id, account_id=ada.id, kind="label")]
    assert undone == [False, False]
    with pytest.raises(Conflict, match="again already"):
        redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)


def test_it_is_told_in_the_list_of_acts(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    project.do(ada, project.ids[:3], taxon="Oithona")
    project.do(ada, project.ids[3:5], "label", "fiber")
    taken = undo_all(db, project, ben, uuid4(), ever(project, ada), manager=True)
    first = recent_acts(db, project.id)[0]
    assert (first.who, first.what, first.n) == (
        "Ben", "took back 2 acts of Ada, 2020-01-01 00:00 to 2100-01-01 00:00 UTC", 5,
    )  # fmt: skip
    assert [act.undone_by for act in recent_acts(db, project.id)[1:]] == ["Ben", "Ben"]
    redo_all(db, project, ben, uuid4(), taken.act_id, manager=True)
    assert recent_acts(db, project.id)[0].what.startswith("did again 2 acts of Ada")


def test_only_managers_take_back_what_others_did(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    project.do(ada, project.ids[:3], taxon="Oithona")
    with pytest.raises(Forbidden, match="Only a manager"):
        undo_all(db, project, ben, uuid4(), ever(project, ada), manager=False)
    taken = undo_all(db, project, ben, uuid4(), ever(project, ada), manager=True)
    with pytest.raises(Forbidden):
        redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)


def test_sent_twice_it_happens_once(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:3], taxon="Oithona")
    client_id = uuid4()
    first = take_back(project, ada, client_id=client_id)
    project.do(ada, project.ids[:3], taxon="fiber")
    assert take_back(project, ada, client_id=client_id) == first
    assert project.seen(project.ids[0])[1] == "fiber < detritus"


def test_where_nothing_stands_it_says_so(db: Db, project: SmallProject, ada: Person) -> None:
    with pytest.raises(Conflict, match="nothing to take back"):
        take_back(project, ada)
    project.do(ada, project.ids[:1], taxon="Oithona")
    undo(db, project, ada, uuid4())
    with pytest.raises(Conflict, match="nothing to take back"):
        take_back(project, ada)
    with pytest.raises(Refused, match="before it begins"):
        Period(project.id, ada.id, NOW, LONG_AGO)
    with pytest.raises(Refused, match="time zone"):
        Period(project.id, ada.id, datetime(2020, 1, 1), NOW)


def test_one_act_is_looked_at_before_it_is_undone(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    act = project.do(ada, project.ids[:4], taxon="Oithona")
    project.do(ben, project.ids[:1], taxon="fiber")
    seen = preview_act(db, project.id, act.act_id)
    assert (seen.n_back, seen.n_stays, back_of(seen)) == (3, 1, [("V", "Oithona", "U", None, 3)])
    outcome = undo(db, project, ada, uuid4(), act.act_id)
    assert (len(outcome.changed), len(outcome.refused)) == (3, 1)
    with pytest.raises(NotFound):
        preview_act(db, project.id, 999_999)


def refuse(project: SmallProject, who: Person, ids: list[int], taxon: str) -> int:
    """Say of these that they are not of the taxon."""
    act_id = begin(project.db, project.id, who.id, uuid4(), "not_this", project.taxa[taxon])
    assert act_id is not None
    refusals.add(project.db, project.id, act_id, who.id, [(id, project.taxa[taxon]) for id in ids])
    finish(project.db, project.id, who.id, act_id, [], [], n_refusals=len(ids))
    return act_id


def test_what_was_said_not_to_be_something_is_told_and_lifted(db: Db, project: SmallProject, ada: Person) -> None:
    act_id = refuse(project, ada, project.ids[:4], "Oithona")
    seen = preview_act(db, project.id, act_id)
    assert (seen.n_back, seen.n_stays, seen.n_refusals) == (0, 0, 4)
    assert [(one.taxon, one.n) for one in seen.lifted] == [("Oithona", 4)]
    project.do(ada, project.ids[4:6], taxon="fiber")
    seen = preview_part(db, ever(project, ada))
    assert (seen.n_back, seen.n_refusals) == (2, 4)
    taken = take_back(project, ada)
    assert (taken.n_changed, taken.n_refusals) == (2, 4)
    assert not [one for id in project.ids for one in refusals.of_object(db, project.id, id)]
    again = redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
    assert (again.n_changed, again.n_refusals) == (2, 4)
    assert [one.taxon for one in refusals.of_object(db, project.id, project.ids[0])] == ["Oithona"]


def test_refusals_alone_are_taken_back_and_done_again_from_the_list(db: Db, project: SmallProject, ada: Person) -> None:
    refuse(project, ada, project.ids[:4], "Oithona")
    taken = take_back(project, ada)
    first = recent_acts(db, project.id)[0]
    assert (first.id, first.kind, first.undone) == (taken.act_id, "undo_all", False)
    redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
    assert refusals.of_object(db, project.id, project.ids[0])


def test_a_label_that_somebody_else_had_given_too_is_told_to_stay_what_it_is(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ben, project.ids[:3], taxon="Oithona")
    act = project.do(ada, project.ids[:5], taxon="Oithona")
    seen = preview_act(db, project.id, act.act_id)
    assert (seen.n_back, seen.n_as_before) == (5, 3)
    undo(db, project, ada, uuid4())
    assert [project.seen(id)[2] for id in project.ids[:5]] == ["Ben"] * 3 + [None] * 2


def test_who_listens_hears_of_every_act_taken_back_and_done_again(db: Db, project: SmallProject, ada: Person) -> None:
    heard: list[tuple[list[int], bool]] = []
    on_reversal(lambda db, project_id, act_ids, undone: heard.append((act_ids, undone)))
    try:
        acts = [project.do(ada, project.ids[k : k + 1], taxon="Oithona").act_id for k in range(2)]
        taken = take_back(project, ada)
        redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
        undo(db, project, ada, uuid4())
    finally:
        _listeners.pop()
    assert [(sorted(ids), undone) for ids, undone in heard] == [(acts, True), (acts, False), (acts[1:], True)]


def test_much_is_taken_back_by_a_job_that_goes_on_where_it_was_killed(
    db: Db, project: SmallProject, ada: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(undo_preview, "PART_OBJECTS", 2)
    monkeypatch.setattr(many, "PART_OBJECTS", 3)
    for k in range(5):
        project.do(ada, project.ids[k : k + 3], taxon=["Oithona", "fiber"][k % 2])
    db.commit()
    before = labels(project)
    taken = take_back(project, ada)
    db.commit()
    assert taken.job_id and taken.n_changed == 0

    def job() -> JobContext:
        return JobContext(taken.job_id, "undo", project.id, ada.id, {"act_id": taken.act_id}, settings,
                          settings.database_url)  # fmt: skip

    work = many.Work(db, taken.act_id)
    work.step()
    db.commit()
    many.run(job())
    assert labels(project) == {}
    assert counts.project_counts(db, project.id) == true_counts(project)
    told = recent_acts(db, project.id)[0]
    assert (told.n, told.n_refused, told.detail["n_acts"]) == (7, 0, 5)
    db.commit()
    again = redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
    db.commit()
    work = many.Work(db, again.act_id)
    work.step()
    db.commit()
    many.run(JobContext(1, "undo", project.id, ada.id, {"act_id": again.act_id}, settings, settings.database_url))
    assert labels(project) == before
    told = recent_acts(db, project.id)[0]
    assert (told.n, told.n_refused) == (7, 0)
    assert counts.project_counts(db, project.id) == true_counts(project)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happened_the_preview_says_what_comes_and_the_redo_what_was(
    db: Db, project: SmallProject, ada: Person, ben: Person, seed: int
) -> None:
    choice = random.Random(seed)
    runs.publish(db, project, predict(project, dict.fromkeys(project.ids[::2], "Oithona")))
    db.commit()
    for _ in range(25):
        who = choice.choice([ada, ben])
        if choice.random() < 0.2:
            try:
                undo(db, project, who, uuid4())
            except Conflict:
                db.rollback()
        else:
            kind = choice.choice(["label", "label", "confirm", "doubt"])
            project.do(who, choice.sample(project.ids, 4), kind, choice.choice(["fiber", "Copepoda"]))
        db.commit()
    before, seen = labels(project), preview_part(db, ever(project, ada))
    taken = take_back(project, ada)
    db.commit()
    assert (taken.n_changed, taken.n_left) == (seen.n_back, seen.n_stays)
    assert ada.id not in {label[2] for label in labels(project).values()}
    assert counts.project_counts(db, project.id) == true_counts(project)
    redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
    assert labels(project) == before
    assert counts.project_counts(db, project.id) == true_counts(project)
