"""Labels changed in mass: erased, put back, turned into predictions, reclassified; by filter, person and period."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from app.database import Db
from app.edits import acts, label_preview, labels
from app.edits.label_wishes import LabelsWish, check
from app.edits.labels import edit_labels
from app.edits.undo import undo
from app.edits.work import open_work
from app.errors import Conflict, NotFound, Refused
from app.labels import runs
from app.labels.counts import project_counts
from app.labels.history import object_history, recent_acts
from app.labels.undo import undo as take_back_last
from app.labels.undo_preview import Stays, preview_act
from app.search.mirror import open_mirror
from tests.small_projects import Person, SmallProject, predict, true_counts

LATER = datetime(2026, 1, 2, tzinfo=UTC)


def do(bay: SmallProject, who: Person, wish: LabelsWish, **more: Any) -> acts.Asked:
    return edit_labels(bay.db, bay, who.id, more.pop("client_id", uuid4()), wish, **more)


def check_counts(bay: SmallProject) -> None:
    assert {key: n for key, n in project_counts(bay.db, bay.id).items() if n} == true_counts(bay)


def seen(bay: SmallProject, n: int = 10) -> list[tuple[str, str | None, str | None]]:
    return [bay.seen(one) for one in bay.ids[:n]]


def show_predictions(bay: SmallProject, taxa: dict[int, str], score: float = 0.8) -> int:
    run_id = predict(bay, taxa, score)
    bay.db.execute("update run set completed_at = now(), n_predictions = %s where id = %s", [len(taxa), run_id])
    runs.publish(bay.db, bay, run_id)
    bay.db.commit()
    return run_id


def test_one_persons_labels_are_erased_and_what_was_predicted_shows_again(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    show_predictions(bay, {bay.ids[5]: "Calanoida"})
    before = seen(bay)
    wish = LabelsWish("erase", who=ben.id)
    told = label_preview.preview(db, bay, ada.id, wish)
    assert (told.n_labels, told.n_objects, told.words) == (3, 25, "labels erased, of Ben")
    assert [(one.status, one.taxon, one.to_status, one.to_taxon, one.n) for one in told.turned] == [
        ("V", "fiber < detritus", "U", None, 2), ("V", "fiber < detritus", "P", "Calanoida", 1),
    ]  # fmt: skip
    assert {one.by for one in told.examples} == {"Ben"}
    done = do(bay, ada, wish, expected=3)
    assert (done.n_changed, done.job_id) == (3, None)
    assert seen(bay)[:5] == before[:5]
    assert [one[:2] for one in seen(bay)[5:8]] == [("P", "Calanoida"), ("U", None), ("U", None)]
    check_counts(bay)
    assert list(open_mirror(db, bay.id).status[5:8]) == [1, 0, 0]
    assert object_history(db, bay.id, bay.ids[5])[0].what == "labels erased, of Ben"
    (told, *_) = recent_acts(db, bay.id)
    assert (told.what, told.seconds) == ("labels erased, of Ben", None)

    undone = undo(db, bay, ada.id, uuid4(), done.act_id)
    assert (undone.n_changed, undone.n_left) == (3, 0)
    assert seen(bay) == before
    check_counts(bay)


def test_who_takes_back_what_an_edit_erased_hears_of_the_edit(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    said = bay.do(ada, bay.ids[10:16], taxon="Oithona").act_id
    db.commit()
    do(bay, ben, LabelsWish("erase", who=ada.id))
    assert preview_act(db, bay.id, said).stays == [Stays(ben.id, "Ben", "U", None, None, 6, "labels erased, of Ada")]
    left = take_back_last(db, bay, ada, uuid4()).refused
    assert {(one.why, one.by, one.by_id, one.edit) for one in left} == {
        ("changed", "Ben", ben.id, "labels erased, of Ada")
    }
    told = preview_act(db, bay.id, said)
    assert (told.n_objects, told.n_stays, told.n_back) == (6, 6, 0)


def test_a_period_and_a_filter_narrow_and_others_keep_one_persons(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    now = datetime.now(UTC)
    db.execute("update label set at = %s where object_id = any(%s)", [now - timedelta(days=9), bay.ids[:2]])
    db.commit()
    early = LabelsWish("erase", until=now - timedelta(days=8))
    assert label_preview.preview(db, bay, ada.id, early).n_labels == 2
    assert do(bay, ada, early).n_changed == 2
    wish = LabelsWish("erase", f"taxon={bay.taxa['Oithona']}", who=ben.id, others=True, since=now - timedelta(days=8))
    assert label_preview.preview(db, bay, ada.id, wish).n_labels == 3
    assert do(bay, ada, wish).n_changed == 3
    assert [one[0] for one in seen(bay)[:8]] == ["U"] * 5 + ["V"] * 3
    check_counts(bay)


def test_a_period_is_told_by_day_and_time_in_utc(bay: SmallProject) -> None:
    since, until = datetime(2022, 6, 1, tzinfo=UTC), datetime(2022, 6, 2, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    told = check(bay.db, bay, LabelsWish("erase", since=since, until=until))
    assert told == "labels erased, given from 2022-06-01 UTC until 2022-06-02 00:30 UTC"


def test_reset_brings_back_what_stood_before_the_persons_labels(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    """Ben relabelled two of Ada's twice, and doubted one of his own."""
    bay.do(ben, bay.ids[:2], taxon="Copepoda")
    db.commit()
    bay.do(ben, bay.ids[:2], taxon="Calanoida")
    bay.do(ben, bay.ids[5:6], kind="doubt")
    db.commit()
    before = seen(bay)
    wish = LabelsWish("reset", who=ben.id)
    told = label_preview.preview(db, bay, ada.id, wish)
    assert sorted((one.taxon, one.to_status, one.to_taxon, one.n) for one in told.turned) == [
        ("Calanoida", "V", "Oithona", 2), ("fiber < detritus", "U", None, 1), ("fiber < detritus", "U", None, 2),
    ]  # fmt: skip
    done = do(bay, ada, wish)
    assert done.n_changed == 5
    assert seen(bay)[:2] == [("V", "Oithona", "Ada")] * 2
    assert [one[0] for one in seen(bay)[5:8]] == ["U"] * 3
    check_counts(bay)
    undo(db, bay, ada.id, uuid4(), done.act_id)
    assert seen(bay) == before
    check_counts(bay)


def test_imported_labels_of_a_person_go_too_and_come_back_as_they_were(db: Db, bay: SmallProject, ada: Person) -> None:
    db.execute(
        "insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version)"
        " values (%s, %s, 'V', %s, %s, now() - interval '1 year', 'imported', 1)",
        [bay.id, bay.ids[20], bay.taxa["fiber"], ada.id],
    )
    db.execute("insert into count_delta (project_id, taxon_id, status, n) values (%(p)s, %(t)s, 'V', 1), "
               "(%(p)s, 0, 'U', -1)", {"p": bay.id, "t": bay.taxa["fiber"]})  # fmt: skip
    bay.do(ada, bay.ids[20:21], taxon="Copepoda")
    db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    db.commit()
    before = bay.label(bay.ids[20])
    done = do(bay, ada, LabelsWish("reset", who=ada.id))
    assert bay.seen(bay.ids[20])[0] == "U"
    undo(db, bay, ada.id, uuid4(), done.act_id)
    after = bay.label(bay.ids[20])
    assert (after.status, after.taxon_id, after.account_id, after.at, after.provenance, after.act_id) == (
        before.status, before.taxon_id, before.account_id, before.at, before.provenance, before.act_id
    )  # fmt: skip
    check_counts(bay)


def test_reclassified_labels_keep_status_author_and_time(db: Db, bay: SmallProject, ada: Person, ben: Person) -> None:
    bay.do(ben, bay.ids[7:8], kind="doubt")
    db.commit()
    before = [bay.label(one) for one in bay.ids[:8]]
    wish = LabelsWish("reclassify", taxon_id=bay.taxa["detritus"], filters=f"taxon={bay.taxa['fiber']}")
    assert label_preview.preview(db, bay, ada.id, wish).n_labels == 3
    done = do(bay, ada, wish)
    after = [bay.label(one) for one in bay.ids[:8]]
    assert [row.taxon_id for row in after[5:]] == [bay.taxa["detritus"]] * 3
    assert [(row.status, row.account_id, row.at) for row in after] == [
        (row.status, row.account_id, row.at) for row in before
    ]
    check_counts(bay)
    undo(db, bay, ada.id, uuid4(), done.act_id)
    assert [bay.label(one).taxon_id for one in bay.ids[:8]] == [row.taxon_id for row in before]


def test_what_somebody_said_since_stays(db: Db, bay: SmallProject, ada: Person, ben: Person) -> None:
    done = do(bay, ada, LabelsWish("erase"))
    db.commit()
    bay.do(ben, bay.ids[:1], taxon="Copepoda")
    db.commit()
    undone = undo(db, bay, ada.id, uuid4(), done.act_id)
    assert (undone.n_changed, undone.n_left) == (7, 1)
    assert seen(bay)[:2] == [("V", "Copepoda", "Ben"), ("V", "Oithona", "Ada")]
    check_counts(bay)


def test_labels_become_predictions_beside_those_that_there_are_and_come_back(
    db: Db, bay: SmallProject, ada: Person, work: Callable[[], list[str]]
) -> None:
    former = show_predictions(bay, {bay.ids[0]: "fiber", bay.ids[12]: "Calanoida"}, 0.4)
    before = seen(bay, 14)
    done = do(bay, ada, LabelsWish("predicted", who=ada.id))
    assert done.job_id is not None
    assert work() == ["done"]
    assert [one[:2] for one in seen(bay, 14)] == (
        [("P", "Oithona")] * 5 + [("V", "fiber < detritus")] * 3 + [("U", None)] * 4
        + [("P", "Calanoida"), ("U", None)]
    )  # fmt: skip
    run = db.execute(
        "select run.id, run.title, config, n_predictions, replaced_run_id, summary"
        " from project join run on run.id = current_run_id"
    ).fetchone()
    assert (run.n_predictions, run.replaced_run_id) == (6, former)
    assert run.title == "run" and run.config["edits"] == ["labels turned into predictions, of Ada"]
    assert run.summary["taxa"][str(bay.taxa["Oithona"])]["n"] == 5
    scores = {row.score for row in db.execute("select score from prediction where run_id = %s", [run.id])}
    assert {round(score, 3) for score in scores} == {1, 0.4}
    check_counts(bay)
    db.commit()

    undo(db, bay, ada.id, uuid4(), done.act_id)
    assert work() == ["done"]
    assert seen(bay, 14) == before
    assert db.execute("select current_run_id from project where id = %s", [bay.id]).fetchone()[0] == former
    check_counts(bay)


def test_many_go_by_a_job_that_goes_on_after_it_was_killed(
    db: Db, bay: SmallProject, ada: Person, ben: Person, work: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(labels, "PIECE", 3)
    before = seen(bay)
    done = do(bay, ada, LabelsWish("erase"))
    begun = open_work(db, done.act_id)
    begun.step()
    db.commit()
    bay.do(ben, bay.ids[7:8], taxon="Copepoda")  # while it is at work: that stays
    assert work() == ["done"]
    assert [one[0] for one in seen(bay)] == ["U"] * 7 + ["V", "U", "U"]
    assert recent_acts(db, bay.id, kind="edit")[0].n == 7
    undo(db, bay, ada.id, uuid4(), done.act_id)
    assert work() == ["done"]
    assert seen(bay)[:7] == before[:7]
    check_counts(bay)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (LabelsWish("forget"), "none of erase"),  # type: ignore[arg-type]
        (LabelsWish("erase", who=999), "no such person"),
        (LabelsWish("erase", others=True), "whose labels stay"),
        (LabelsWish("erase", since=LATER, until=LATER - timedelta(days=1)), "exchange"),
        (LabelsWish("erase", since=datetime(2026, 1, 2)), "time zone"),
        (LabelsWish("reclassify", taxon_id=999), "taxon"),
        (LabelsWish("erase", "f.length=3..4"), "cannot be obeyed"),
        (LabelsWish("erase", "copepods"), "The condition copepods cannot be obeyed"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(db: Db, bay: SmallProject, ada: Person, wish: LabelsWish, says: str) -> None:
    for ask in (lambda: label_preview.preview(db, bay, ada.id, wish), lambda: do(bay, ada, wish)):
        with pytest.raises((Refused, NotFound), match=says):
            ask()


def test_nothing_is_done_where_no_label_is_meant_or_more_than_were_looked_at(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    with pytest.raises(Conflict, match="4 labels then, 3 now"):
        do(bay, ada, LabelsWish("erase", who=ben.id), expected=4)
    with pytest.raises(Refused, match="No label meets this"):
        do(bay, ada, LabelsWish("erase", f"taxon={bay.taxa['Calanoida']}"))
    with pytest.raises(NotFound, match="no such mass edit"):
        undo(db, bay, ada.id, uuid4(), 10**9)
