"""Reviews: a random sample of what others validated, what became of it, and what is to be confirmed."""

from collections.abc import Callable

import pytest

from app.accounts.viewer import Account
from app.batches import review, work
from app.batches.work import PageAct
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from tests.batches.conftest import Worker, ids_of
from tests.small_projects import Person
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def manager(db: Db, mine: Worker) -> Worker:
    """Ada, who manages the project."""
    db.execute("insert into member values (%s, %s, 'manager')", [mine.small.id, mine.person.id])
    return mine


def test_a_review_is_a_random_sample_of_what_others_validated(db: Db, manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:60], taxon="Oithona")
    manager.small.do(ben, manager.small.ids[60:70], taxon="Oithona", status="D")
    manager.small.do(manager.person, manager.small.ids[70:90], taxon="Oithona")
    batch = manager.make("review", limit=20)
    listed = {row[0] for row in db.execute("select object_id from review_object")}
    assert (batch.n, batch.title, len(listed)) == (20, "Review", 20)
    assert listed < set(manager.small.ids[:60])
    (told,) = review.list_reviews(db, manager.small.id)
    assert (told.n, told.n_pile, told.n_judged, told.share) == (20, 60, 0, None)


def test_the_share_of_wrong_labels_follows_from_what_the_reviewer_says(db: Db, manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:40], taxon="Oithona")
    db.commit()
    batch = manager.make("review", limit=20)
    page = manager.page(batch, 20)
    ids = ids_of(page)
    manager.small.do(manager.person, ids[:14], "confirm")
    manager.small.do(manager.person, ids[14:16], taxon="Oithona similis")
    manager.small.do(manager.person, ids[16:20], taxon="detritus")
    (told,) = review.list_reviews(db, manager.small.id)
    assert (told.n_judged, told.n_wrong, told.share) == (20, 4, 0.2)
    assert told.low is not None and told.high is not None
    assert told.low < 0.2 < told.high


def test_a_page_of_the_review_is_confirmed_in_one_act(db: Db, manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:10], taxon="Oithona")
    db.commit()
    batch = manager.make("review", limit=10)
    page = manager.page(batch, 10)
    act: PageAct = manager.act(page, ids_of(page))
    manager.look(batch, page)
    outcome = work.apply_page(db, manager.project, manager.person, batch.id, page.number, act).outcome
    assert len(outcome.changed) == 10
    assert review.list_reviews(db, manager.small.id)[0].n_judged == 10


def test_what_was_reviewed_comes_again_only_where_that_is_wished(db: Db, manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:10], taxon="Oithona")
    db.execute("update label set at = now() - interval '1 hour'")
    db.execute("update history set tx = pg_current_xact_id()")
    db.commit()
    assert manager.make("review", who=ben.id).n == 10
    db.commit()
    assert manager.make("review", who=ben.id).n == 0
    assert manager.make("review", who=ben.id, all=True).n == 10
    assert manager.make("review", taxon_id=manager.small.taxa["Oithona"]).n == 10


def test_one_s_own_review_is_by_person_and_taxon(db: Db, manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:10], taxon="Oithona similis")
    manager.small.do(ben, manager.small.ids[10:30], taxon="detritus")
    by_taxon = {"taxon_id": manager.small.taxa["Copepoda"]}
    batch = manager.make("review", who=ben.id)
    assert (batch.n, batch.title) == (30, "Review, by Ben")
    found = review.find_sample(db, manager.project, manager.person, by_taxon, 100)
    assert (len(found.ids), found.title) == (10, "Review: Copepoda")
    with pytest.raises(NotFound):
        manager.make("review", who=999_999)


def test_what_was_deleted_since_is_neither_of_the_sample_nor_of_the_pile(db: Db, manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:40], taxon="Oithona")
    db.commit()
    ids = ids_of(manager.page(manager.make("review", limit=10), 10))
    manager.small.do(manager.person, ids[:8], "confirm")
    assert review.list_reviews(db, manager.small.id)[0].n_unjudged == 2
    for table, column in (("label", "object_id"), ("object", "id")):
        db.execute(f"delete from {table} where project_id = %s and {column} = any(%s)", [manager.small.id, ids[7:]])
    (told,) = review.list_reviews(db, manager.small.id)
    assert (told.n, told.n_pile, told.n_judged, told.n_unjudged, told.share) == (7, 37, 7, 0, 0.0)
    assert told.words == ""


def test_nobody_reviews_his_own_labels(manager: Worker) -> None:
    with pytest.raises(Refused, match="for others to review"):
        manager.make("review", who=manager.person.id)


def test_reviews_are_for_managers_and_doubts_for_all_who_label(db: Db, mine: Worker, ben: Person) -> None:
    mine.small.do(ben, mine.small.ids[:3], taxon="Oithona", status="D")
    mine.small.do(mine.person, mine.small.ids[3:5], taxon="Oithona", status="D")
    with pytest.raises(Forbidden, match="managers"):
        mine.make("review")
    batch = mine.make("to_confirm")
    assert (set(ids_of(mine.page(batch))), batch.title) == (set(mine.small.ids[:3]), "To confirm")


def test_the_page_offers_what_one_may(
    app_client: Client, database_url: str, db: Db, manager: Worker, ben: Person,
    make_account: Callable[..., Account], make_member: Callable[..., None],
) -> None:  # fmt: skip
    manager.small.do(ben, manager.small.ids[:5], taxon="Oithona")
    manager.make("review")
    db.commit()
    annotator, chief = make_account(), make_account()
    make_member(manager.small.id, annotator, "annotator")
    make_member(manager.small.id, chief, "manager")
    url = f"/projects/{manager.small.id}/reviews"
    page = logged_in(app_client, annotator).get(url).text
    assert ("Settle what others" in page, "Draw and open" in page) == (True, False)
    page = logged_in(app_client, chief).get(url).text
    assert "Draw and open" in page and "nothing judged yet" in page
    told = app_client.get(f"/api/v1{url}", headers=bearer(database_url, chief)).json()
    assert [(one["n"], one["n_pile"]) for one in told] == [(5, 5)]
    assert app_client.get(f"/api/v1{url}", headers=bearer(database_url, annotator)).status_code == 403
