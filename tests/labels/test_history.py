"""Who did what and when, as an object's page and the list of acts tell it."""

from datetime import date
from uuid import uuid4

from app.accounts.viewer import Account, Viewer
from app.database import Db, connect
from app.labels import runs
from app.labels.counts import project_counts
from app.labels.history import object_history, own_acts, recent_acts, who_acted
from app.labels.undo import redo, undo
from tests.small_projects import Person, SmallProject, make_project, predict, true_counts


def test_an_objects_history_tells_the_machines_choice_and_every_word_after_it(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    runs.publish(db, project, predict(project, {project.ids[0]: "Oithona"}, score=0.75))
    project.do(ada, project.ids[:1], "confirm")
    project.do(ben, project.ids[:2], taxon="fiber", status="D")
    undo(db, project, ben, uuid4())
    past = object_history(db, project.id, project.ids[0])
    told = [(p.who, p.what, p.old_status, p.old_taxon, p.new_status, p.new_taxon, p.undone) for p in past]
    assert told == [
        ("Ben", "undo", "D", "fiber < detritus", "V", "Oithona", False),
        ("Ben", "named", "V", "Oithona", "D", "fiber < detritus", True),
        ("Ada", "confirmed", "P", "Oithona", "V", "Oithona", False),
    ]
    assert [(p.machine_taxon, p.machine_score, p.provenance) for p in past[1:]] == [
        ("Oithona", 0.75, "batch"), ("Oithona", 0.75, "single"),
    ]  # fmt: skip


def test_the_list_of_acts_says_what_was_done_in_words(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    project.do(ada, project.ids[:3], taxon="fiber")
    project.do(ben, project.ids[:1], "doubt")
    project.do(ben, project.ids[5:6], "confirm")
    undo(db, project, ben, uuid4())
    redo(db, project, ben, uuid4())
    acts = recent_acts(db, project.id)
    assert [(act.who, act.what, act.n) for act in acts] == [
        ("Ben", "did again: marked dubious", 1),
        ("Ben", "undid: marked dubious", 1),
        ("Ben", "marked dubious", 1),
        ("Ada", "validated as fiber < detritus", 3),
    ]
    assert [act.undone for act in acts] == [False, True, False, False]
    assert [act.what for act in recent_acts(db, project.id, account_id=ada.id)] == ["validated as fiber < detritus"]


def test_acts_are_found_by_kind_and_day(db: Db, project: SmallProject, ada: Person, ben: Person) -> None:
    project.do(ada, project.ids[:3], taxon="fiber")
    project.do(ben, project.ids[:1], "doubt")
    db.execute("update act set at = '2026-03-01 23:59:59+00' where kind = 'doubt'")
    assert [act.who for act in recent_acts(db, project.id, kind="label")] == ["Ada"]
    assert [act.who for act in recent_acts(db, project.id, day=date(2026, 3, 1))] == ["Ben"]
    assert recent_acts(db, project.id, day=date(2026, 3, 2)) == []
    assert recent_acts(db, project.id, kind="label", day=date(2026, 3, 1)) == []
    assert [person.name for person in who_acted(db, project.id)] == ["Ada", "Ben"]
    assert who_acted(db, make_project(db, title="Empty").id) == []


def test_acts_that_came_with_a_merged_project_stand_among_the_others_by_their_time(
    db: Db, project: SmallProject, ada: Person
) -> None:
    """Their numbers are newer than their time."""
    for seconds, taxon in ((100, "fiber"), (20, "Oithona"), (60, "detritus")):
        act = project.do(ada, project.ids[:1], taxon=taxon)
        db.execute("update act set at = now() - make_interval(secs => %s) where id = %s", [seconds, act.act_id])
    told = recent_acts(db, project.id)
    assert [one.taxon for one in told] == ["Oithona", "detritus", "fiber < detritus"]
    assert [one.seconds for one in told] == [40, 40, None]
    assert [one.taxon for one in recent_acts(db, project.id, before=told[1].id)] == ["fiber < detritus"]
    db.execute("update project set visibility = 'accounts'")
    own = own_acts(db, Viewer(Account(ada.id, ada.email, ada.name, False)), limit=2)
    assert [one.act.id for one in own] == [told[0].id, told[1].id]


def test_ones_own_acts_are_those_of_all_projects_that_one_may_still_see(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    left, public = make_project(db, title="Left"), make_project(db, title="Public", visibility="accounts")
    db.execute("insert into member values (%s, %s, 'annotator')", [project.id, ada.id])
    for where in (project, left, public):
        where.do(ada, where.ids[:2], taxon="fiber")
        where.do(ben, where.ids[2:3], taxon="fiber")
    viewer = Viewer(Account(ada.id, ada.email, ada.name, False))
    own = own_acts(db, viewer)
    assert [(one.project, one.role, one.act.n) for one in own] == [("Public", "visitor", 2), ("Bay", "annotator", 2)]
    assert [one.project for one in own_acts(db, viewer, before=own[0].act.id)] == ["Bay"]


def test_a_run_taken_back_shows_the_one_before_and_leaves_what_people_said(
    db: Db, project: SmallProject, ada: Person
) -> None:
    first = predict(project, dict.fromkeys(project.ids[:4], "Oithona"))
    second = predict(project, dict.fromkeys(project.ids[2:6], "Calanoida"))
    runs.publish(db, project, first)
    project.do(ada, project.ids[:1], taxon="fiber")
    project.do(ada, project.ids[2:3], "doubt")
    runs.publish(db, project, second)
    seen = [project.seen(i)[:2] for i in project.ids[:6]]
    assert seen == [
        ("V", "fiber < detritus"), ("U", None), ("D", "Oithona"), ("P", "Calanoida"), ("P", "Calanoida"),
        ("P", "Calanoida"),
    ]  # fmt: skip
    runs.unpublish(db, project, first)
    assert [project.seen(i)[0] for i in project.ids[:6]] == ["V", "P", "D", "P", "U", "U"]
    runs.unpublish(db, project)
    assert [project.seen(i)[0] for i in project.ids[:6]] == ["V", "U", "D", "U", "U", "U"]
    assert project_counts(db, project.id) == true_counts(project)


def test_what_was_labelled_since_a_run_was_counted_is_counted_when_it_is_shown(
    db: Db, database_url: str, project: SmallProject, ada: Person
) -> None:
    first = predict(project, dict.fromkeys(project.ids[:8], "Oithona"))
    second = predict(project, dict.fromkeys(project.ids[2:], "Calanoida"))
    runs.publish(db, project, first)
    project.do(ada, project.ids[:4], "confirm")
    db.commit()
    project.do(ada, project.ids[4:5], taxon="fiber")
    counted = runs.count(db, project.id, second)
    with connect(database_url) as other:
        there = SmallProject(other, project.id, project.ids, project.taxa)
        undo(other, there, ada, uuid4())
        there.do(ada, project.ids[3:4], "doubt")
        there.do(ada, project.ids[3:4], taxon="fiber")
        there.do(ada, project.ids[8:], taxon="fiber")
    runs.publish(db, project, second, counted)
    assert project_counts(db, project.id) == true_counts(project)


def test_another_run_is_counted_without_reading_the_one_before(db: Db, project: SmallProject, ada: Person) -> None:
    first = predict(project, dict.fromkeys(project.ids[:4], "Oithona"))
    second = predict(project, dict.fromkeys(project.ids[2:6], "Calanoida"))
    runs.publish(db, project, first)
    project.do(ada, project.ids[:3], taxon="fiber")
    db.execute("delete from prediction where run_id = %s", [first])
    runs.publish(db, project, second)
    assert project_counts(db, project.id) == true_counts(project)
    runs.publish(db, project, second)
    assert project_counts(db, project.id) == true_counts(project)
    runs.unpublish(db, project)
    assert project_counts(db, project.id) == true_counts(project)
