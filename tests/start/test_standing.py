"""How far a project is: counts, means, people and steps of time, as the labels stand."""

from app.database import Db
from app.start.standing import DAY_S, HOUR_S, standing
from tests.small_projects import make_project
from tests.start.conftest import Person

NOW = 1_800_001_000  # 16 minutes after the full hour


def at(db: Db, project_id: int, ids: list[int], seconds_ago: int) -> None:
    """Labels as if given so long before NOW."""
    db.execute(
        "update label set at = to_timestamp(%s) where project_id = %s and object_id = any(%s)",
        [NOW - seconds_ago, project_id, ids],
    )


def test_an_empty_project_stands_at_nothing(db: Db) -> None:
    found = standing(db, make_project(db, 0).id)
    assert (found.n, found.percent, found.means, found.people, found.bars) == (0, 0, [], [], [])


def test_it_counts_by_status_means_and_person_what_stands_now(db: Db, ada: Person, ben: Person) -> None:
    project = make_project(db, 12)
    project.do(ada, project.ids[:5], taxon="Oithona", provenance="batch")
    project.do(ada, project.ids[5:6], taxon="fiber")
    project.do(ben, project.ids[6:8], "label", "fiber", status="D")
    project.do(ben, project.ids[:1], taxon="Calanoida")
    found = standing(db, project.id)
    assert (found.n, found.n_validated, found.n_dubious, found.n_unclassified, found.n_left) == (12, 6, 2, 4, 4)
    assert found.percent == 66
    assert [(share.what, share.n) for share in found.means] == [("batch", 6), ("single", 2)]
    assert [(share.words, share.n, share.account_id) for share in found.people] == [
        ("Ada", 5, ada.id),
        ("Ben", 3, ben.id),
    ]
    assert found.last_hour == 8


def test_labels_stand_in_the_step_of_time_in_which_they_were_given(db: Db, ada: Person) -> None:
    project = make_project(db, 10)
    project.do(ada, project.ids[:4], taxon="Oithona")
    project.do(ada, project.ids[4:5], taxon="fiber")
    at(db, project.id, project.ids[:4], 3 * HOUR_S)
    at(db, project.id, project.ids[4:5], 60)
    found = standing(db, project.id, NOW)
    assert found.step == "hour" and len(found.bars) == 12
    assert [(bar.batch, bar.single) for bar in found.bars[-4:]] == [(4, 0), (0, 0), (0, 0), (0, 1)]
    assert found.last_hour == 1 and found.most_a_bar == 4


def test_work_of_weeks_is_told_by_day_and_of_years_by_quarter(db: Db, ada: Person) -> None:
    project = make_project(db, 10)
    project.do(ada, project.ids[:2], taxon="Oithona")
    at(db, project.id, project.ids[:1], 20 * DAY_S)
    at(db, project.id, project.ids[1:2], 0)
    assert standing(db, project.id, NOW).step == "day"


def test_what_stands_for_years_fits_into_the_chart(db: Db, ada: Person) -> None:
    project = make_project(db, 10)
    project.do(ada, project.ids[:2], taxon="Oithona")
    at(db, project.id, project.ids[:1], 30 * 365 * DAY_S)
    at(db, project.id, project.ids[1:2], 0)
    found = standing(db, project.id, NOW)
    assert found.step == "quarter" and len(found.bars) == 48 and sum(bar.n for bar in found.bars) == 1


def test_imported_labels_are_counted_and_stand_in_no_step_of_time(db: Db, ada: Person) -> None:
    project = make_project(db, 10)
    project.do(ada, project.ids[:3], taxon="Oithona")
    db.execute("update label set provenance = 'imported' where project_id = %s", [project.id])
    found = standing(db, project.id)
    assert [(share.what, share.n) for share in found.means] == [("imported", 3)]
    assert found.bars == [] and found.last_hour == 0
