"""How fast people are: times between acts, breaks, what was undone, by person, by kind of batch and by day."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import graph_sources, piles
from app.clusters import source as cluster_source
from app.database import Db
from app.labels import activity
from app.labels.activity import Report, report
from app.labels.acts import InBatch, apply
from app.labels.acts_page import source_words
from app.labels.history import recent_acts
from app.labels.pace import IDLE_S, pace, per_hour
from app.labels.undo import redo, undo
from tests.labels.test_pages import label, member, project_id
from tests.small_projects import Person, SmallProject
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["cluster_source", "graph_sources", "member", "piles", "project_id"]
START = datetime(2026, 3, 1, 23, 56, tzinfo=UTC)


def at(db: Db, act_id: int, seconds: float) -> None:
    db.execute("update act set at = %s where id = %s", [START + timedelta(seconds=seconds), act_id])


def all_of(project: SmallProject, who: Person | None = None) -> Report:
    end = START + timedelta(days=3)
    return report(project.db, project.id, START - timedelta(days=1), end, who.id if who else None)


@pytest.fixture
def worked(db: Db, project: SmallProject, ada: Person, ben: Person) -> SmallProject:
    """Ada: 3 images, 5 after 130 s, 1 after a break, which she undoes 10 s later. Ben: 2 images, in a batch."""
    for k, (n, seconds) in enumerate([(3, 0), (5, 130), (1, 130 + IDLE_S + 1)]):
        at(db, project.do(ada, project.ids[k : k + n], taxon=["Oithona", "fiber"][k % 2]).act_id, seconds)
    at(db, undo(db, project, ada, uuid4()).act_id, 130 + IDLE_S + 11)
    batch_id = db.execute(
        """
        insert into batch (project_id, account_id, source, title, query, ordering, ranked, opens_marked, n)
        values (%s, %s, 'examples', 'Like one', '{}', 'alike', true, true, 2)
        returning id
        """,
        [project.id, ben.id],
    ).fetchone()[0]
    act_id = project.do(ben, project.ids[8:], taxon="Copepoda").act_id
    db.execute("update act set batch_id = %s where id = %s", [batch_id, act_id])
    at(db, act_id, 40)
    return project


def test_an_act_takes_what_passed_since_the_one_before_and_nothing_after_a_break(worked: SmallProject) -> None:
    ada, ben = all_of(worked).people
    assert (ada.what, ada.n_images, ada.n_undone, ada.n_acts, ada.seconds) == ("Ada", 8, 1, 4, 140.0)
    assert (ada.n_timed, ada.images_per_hour) == (5, 3600 * 5 / 140)
    assert ada.acts_per_image == 4 / 8
    assert (ben.what, ben.n_images, ben.seconds, ben.images_per_hour) == ("Ben", 2, 0.0, None)


def test_no_speed_is_told_of_less_than_two_minutes(worked: SmallProject, ada: Person) -> None:
    assert (per_hour(50, 119.0), per_hour(50, 120.0), per_hour(0, 600.0)) == (None, 1500.0, None)
    worked.db.execute("update act set at = at + interval '1 hour' where kind = 'undo'")
    worked.db.execute("update act set at = %s where at = %s", [START + timedelta(seconds=11), START])
    (told,) = all_of(worked, ada).people
    assert (told.n_images, told.seconds, told.images_per_hour) == (8, 119.0, None)


def test_it_is_told_by_kind_of_batch_and_by_day(worked: SmallProject) -> None:
    found = all_of(worked)
    assert [(one.what, one.n_images) for one in found.sources] == [("board", 8), ("examples", 2)]
    assert [(one.what, one.n_images, one.n_undone) for one in found.days] == [
        ("2026-03-01", 10, 0), ("2026-03-02", 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"of": "mistakes"}, "likely mistakes"), ({"audit": {"id": 1, "words": "seen"}}, "an audit"),
        ({"of_audit": 1}, "an audit"), ({"pile": 1}, "a pile"), ({"cards": 2}, "cards"), ({}, "the board"),
    ],
)  # fmt: skip
def test_an_act_outside_of_batches_is_told_by_its_screen_in_both_lists(
    db: Db, project: SmallProject, ada: Person, detail: dict[str, object], words: str
) -> None:
    act = project.act(ada, project.ids[:3], taxon="Oithona")
    at(db, apply(db, project, ada, act, InBatch(None, detail)).act_id, 0)
    assert [(source_words(one.what), one.n_images) for one in all_of(project).sources] == [(words, 3)]
    assert [source_words(one.source or "") for one in recent_acts(db, project.id)] == [words]


def test_one_person_s_report_holds_nothing_of_others(worked: SmallProject, ben: Person) -> None:
    found = all_of(worked, ben)
    assert [one.what for one in found.people] == ["Ben"]
    assert sum(one.n_images for one in found.days) == 2


def test_the_pace_is_that_of_the_latest_acts(worked: SmallProject, ada: Person, ben: Person) -> None:
    now = pace(worked.db, worked.id, ada.id)
    assert (now.images_per_hour, now.acts_per_image, now.n_images) == (3600 * 5 / 140, 0.5, 8)
    assert pace(worked.db, worked.id, ben.id).images_per_hour is None
    nobody = pace(worked.db, worked.id, 999_999)
    assert (nobody.images_per_hour, nobody.acts_per_image, nobody.n_acts) == (None, None, 0)


def test_the_list_of_acts_tells_how_long_each_took_and_from_which_batch(worked: SmallProject, ada: Person) -> None:
    told = recent_acts(worked.db, worked.id)
    assert [act.source for act in told if act.who == "Ben"] == ["examples"]
    assert [act.seconds for act in told if act.who == "Ada"] == [10.0, None, 130.0, None]


def test_how_fast_others_are_is_for_managers(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account],
    another_client: Callable[[], Client],
) -> None:  # fmt: skip
    annotator, manager, url = member("annotator"), member("manager"), f"/api/v1/projects/{project_id}"
    headers = bearer(database_url, annotator)
    app_client.post(f"{url}/acts", json=label(database_url, project_id), headers=headers)
    app_client.post(f"{url}/acts", json=label(database_url, project_id, 1, states=["1.0"], status="D"), headers=headers)
    mine = app_client.get(f"{url}/activity", headers=headers).json()
    assert [(one["what"], one["n_images"]) for one in mine["people"]] == [(annotator.name, 4)]
    assert app_client.get(f"{url}/activity?who={manager.id}", headers=headers).status_code == 403
    assert app_client.get(f"{url}/pace", headers=headers).json()["n_images"] == 4
    visitor = bearer(database_url, member("visitor"))
    assert app_client.get(f"{url}/activity", headers=visitor).json()["people"] == []
    page = logged_in(app_client, manager).get(f"/projects/{project_id}/activity").text
    assert annotator.name in page and "a program" in page
    assert "Nothing was labelled" not in page
    assert "By person" not in logged_in(another_client(), annotator).get(f"/projects/{project_id}/activity").text


def told(found: Report) -> tuple[object, object, object]:
    return found.people, found.sources, found.days


def test_folded_days_tell_the_same_as_the_acts_and_follow_what_is_undone(
    db: Db, worked: SmallProject, ada: Person, ben: Person
) -> None:
    read = {who: told(all_of(worked, who)) for who in (None, ada, ben)}
    activity.fold(db, worked.id)
    folded = db.execute("select activity_until from project where id = %s", [worked.id]).fetchone()[0]
    assert folded == (datetime.now(UTC) - timedelta(minutes=10)).date()
    assert {who: told(all_of(worked, who)) for who in (None, ada, ben)} == read
    undo(db, worked, ben, uuid4())
    assert [(one.what, one.n_images, one.n_undone) for one in all_of(worked).people] == [("Ada", 8, 1), ("Ben", 0, 2)]
    redo(db, worked, ben, uuid4())
    assert told(all_of(worked)) == read[None]


def test_a_period_that_begins_and_ends_within_days_reads_these_days_from_the_acts(db: Db, worked: SmallProject) -> None:
    begin = START + timedelta(seconds=20)
    periods = [(begin, begin + timedelta(seconds=s)) for s in (5, 15, 300, 3 * 86_400)]
    read = [told(report(db, worked.id, *period)) for period in periods]
    activity.fold(db, worked.id)
    assert [told(report(db, worked.id, *period)) for period in periods] == read


def test_what_is_folded_once_is_not_folded_again(db: Db, worked: SmallProject, ada: Person) -> None:
    db.commit()
    activity.fold_all(db)
    n = db.execute("select count(*) from activity_day").fetchone()[0]
    activity.fold_all(db)
    assert n and db.execute("select count(*) from activity_day").fetchone()[0] == n
    worked.do(ada, worked.ids[:1], taxon="detritus")
    now = datetime.now(UTC)
    (today,) = report(db, worked.id, now - timedelta(minutes=1), now).people
    assert (today.what, today.n_images) == ("Ada", 1)


@pytest.mark.parametrize(
    "moment", ["0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59", "9999-12-31T23:59-14:00"]
)
def test_the_ends_of_the_calendar_are_moments_too(
    app_client: Client, database_url: str, project_id: int, member: Callable[[str], Account], moment: str
) -> None:
    """In every address that a moment or a day can stand in."""
    client, api = logged_in(app_client, member("manager")), f"/api/v1/projects/{project_id}"
    pages, day = f"/projects/{project_id}", moment[:10]
    asked = {"since": moment, "until": moment}
    for params in ({"since": moment}, {"until": moment}, asked):
        answer = client.get(f"{api}/activity", params=params)
        assert answer.status_code == 200, answer.text
    for url, params in {
        f"{api}/undo-all": {"who": 1, **asked},
        f"{pages}/undo-all": {"who": 1, **asked},
        f"{api}/acts": {"day": day},
        f"{pages}/acts": {"day": day},
        f"{api}/objects": {"when": f"{day}..{moment}", "date": f"{day}..{day}"},
        pages: {"when": f"{moment}..{day}", "date": f"{day}.."},
    }.items():
        assert client.get(url, params=params).status_code < 500, url
    wish = {"client_id": str(uuid4()), "who": 1, **asked}
    assert client.post(f"{api}/undo-all", json=wish).status_code < 500
