"""What reviews lead to: error rates, agreement, labels sent back, doubts settled, taxa signed off."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import doubts, judgements, returned, review, sign_offs, turning, work
from app.batches.judgements import cohens_kappa
from app.batches.work import SingleAct
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels import runs
from app.labels.undo import undo
from tests.batches.conftest import Worker, ids_of
from tests.batches.test_review import manager
from tests.small_projects import Person, SmallProject, predict
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["manager"]


def make_older(db: Db) -> None:
    """As if all labels had been said an hour ago."""
    db.execute("update label set at = at - interval '1 hour'")
    db.execute("update history set tx = pg_current_xact_id()")


def test_a_review_with_hidden_labels_shows_none_and_wants_names(manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:12], taxon="Oithona")
    batch = manager.make("review", hidden=True, limit=12)
    page = manager.page(batch, 12)
    assert {(tile["taxon"], tile["taxon_id"], tile["status"]) for tile in page.tiles} == {(None, None, "U")}
    ids = ids_of(page)
    assert [tile["orig_id"] for tile in page.tiles] == [f"Object {id}" for id in ids], "named by folders of taxa"
    with pytest.raises(Refused, match="hidden"):
        manager.apply(batch, page, ids[:10])
    states = {tile["id"]: tile["state"] for tile in page.tiles}
    with pytest.raises(Refused, match="hidden"):
        work.apply_single(
            manager.db, manager.project, manager.person, batch.id, SingleAct(uuid4(), [ids[0]], [states[ids[0]]])
        )
    manager.apply(batch, page, ids[:10], "Oithona")
    tray = turning.open_tray(manager.db, manager.project, manager.person, batch.id)
    assert {tile["taxon"] for tile in manager.page(tray).tiles} == {None}
    (told,) = review.list_reviews(manager.db, manager.small.id)
    assert (told.hidden, told.n_judged, told.n_wrong) == (True, 10, 0)
    (agreement,) = judgements.agreements(manager.db, manager.small.id)
    assert (agreement.n, agreement.n_agreed, agreement.n_blind, agreement.kappa) == (10, 10, 10, None)


def test_wrong_labels_are_told_by_person_and_taxon_with_an_interval(manager: Worker, ben: Person) -> None:
    small = manager.small
    small.do(ben, small.ids[:30], taxon="Oithona")
    small.do(ben, small.ids[30:60], taxon="detritus")
    manager.make("review", limit=60)
    small.do(manager.person, small.ids[:10], taxon="Calanoida")
    small.do(manager.person, small.ids[10:20], "confirm")
    small.do(manager.person, small.ids[30:40], taxon="fiber")
    rates = judgements.error_rates(manager.db, small.id)
    told = [(one.who, one.taxon, one.n_judged, one.n_wrong) for one in rates]
    assert told == [("Ben", None, 30, 10), ("Ben", "Oithona", 20, 10), ("Ben", "detritus", 10, 0)]
    oithona = rates[1]
    assert (oithona.n, oithona.n_unjudged, oithona.share) == (30, 10, None) and "10 of 30 not judged" in oithona.words
    assert (oithona.low, oithona.high) == (pytest.approx(10 / 30), pytest.approx(20 / 30))
    small.do(manager.person, small.ids[20:30], "confirm")
    oithona = next(one for one in judgements.error_rates(manager.db, small.id) if one.taxon == "Oithona")
    assert (oithona.share, oithona.words) == (pytest.approx(1 / 3), "")
    assert oithona.low == oithona.high == pytest.approx(1 / 3)  # all were drawn and judged


def test_agreement_beyond_chance_is_cohen_s_kappa() -> None:
    # The example of Cohen's textbook: 50 grants, 20 yes by both, 15 no by both, 5 and 10 apart.
    assert cohens_kappa([(1, 1, 20), (2, 2, 15), (1, 2, 5), (2, 1, 10)]) == pytest.approx(0.4)
    assert cohens_kappa([(1, 1, 20)]) is None


def test_an_undone_judgement_counts_for_no_agreement(manager: Worker, ben: Person) -> None:
    manager.small.do(ben, manager.small.ids[:10], taxon="Oithona")
    manager.make("review", limit=10)
    manager.small.do(manager.person, manager.small.ids[:4], taxon="detritus")
    manager.small.do(manager.person, manager.small.ids[4:10], "confirm")
    (told,) = judgements.agreements(manager.db, manager.small.id)
    assert (told.n, told.n_agreed, told.share) == (10, 6, 0.6)
    undo(manager.db, manager.small, manager.person, uuid4())
    (told,) = judgements.agreements(manager.db, manager.small.id)
    assert (told.n, told.n_agreed) == (4, 0)


def test_labels_are_sent_back_to_their_authors_until_they_say_them_again(
    manager: Worker, theirs: Worker, ben: Person
) -> None:
    small = manager.small
    small.do(ben, small.ids[:4], taxon="Oithona")
    small.do(manager.person, small.ids[4:6], taxon="Oithona")
    told = returned.send_back(manager.db, manager.project, manager.person, small.ids[:7], "look at the antennae")
    assert (told.n, told.n_left) == (4, 3)
    assert [(row.title, row.n) for row in returned.of_person(manager.db, ben.id)] == []
    manager.db.execute("insert into member values (%s, %s, 'annotator')", [small.id, ben.id])
    assert [(row.title, row.n) for row in returned.of_person(manager.db, ben.id)] == [("Bay", 4)]
    batch = theirs.make("returned")
    page = theirs.page(batch)
    assert set(ids_of(page)) == set(small.ids[:4])
    theirs.apply(batch, page, small.ids[:1], "Calanoida")
    again = theirs.make("returned")
    page = theirs.page(again)
    theirs.apply(again, page, small.ids[1:3])
    assert [one.object_id for one in returned.read(manager.db, small.id, ben.id)] == [small.ids[3]]
    assert returned.read(manager.db, small.id)[0].comment == "look at the antennae"
    small.do(manager.person, small.ids[3:4], taxon="fiber")
    assert returned.read(manager.db, small.id) == []
    comments = manager.db.execute("select count(*) from comment where project_id = %s", [small.id]).fetchone()[0]
    assert comments == 4


def test_sent_back_is_judged_wrong_and_stays_so_whoever_else_confirms_it(
    manager: Worker, theirs: Worker, ben: Person
) -> None:
    small, db = manager.small, manager.db
    small.do(ben, small.ids[:10], taxon="Oithona")
    db.commit()
    batch = manager.make("review", limit=10)
    page = manager.page(batch, 10)
    sent = returned.send_back(db, manager.project, manager.person, ids_of(page)[:2], "which one?")
    assert set(sent.ids) == set(ids_of(page)[:2])
    turning.set_aside(db, manager.project, manager.person, batch.id, sent.ids)
    assert set(ids_of(manager.page(batch, 10))) == set(ids_of(page)[2:])
    (told,) = review.list_reviews(db, small.id)
    assert (told.n_judged, told.n_wrong, told.n_unjudged, told.share) == (2, 2, 8, None)
    assert (told.low, told.high) == (0.2, 1.0) and told.words.startswith("8 of 10 not judged yet")
    db.commit()
    small.do(manager.person, sent.ids, "confirm")
    assert {one.object_id for one in returned.read(db, small.id, ben.id)} == set(sent.ids)
    assert review.list_reviews(db, small.id)[0].n_wrong == 0  # the reviewer has come to see it so
    undo(db, small, manager.person, uuid4())
    assert {one.object_id for one in returned.read(db, small.id, ben.id)} == set(sent.ids)
    db.commit()
    small.do(ben, sent.ids[:1], taxon="Calanoida")
    again = theirs.make("returned")
    theirs.apply(again, theirs.page(again), sent.ids[1:])
    assert returned.read(db, small.id) == []
    assert review.list_reviews(db, small.id)[0].n_wrong == 2


def test_doubts_come_with_comment_and_second_choice_and_the_answer_returns(
    manager: Worker, ben: Person, small: SmallProject
) -> None:
    small.do(ben, small.ids[:2], taxon="Oithona", status="D")
    runs.publish(manager.db, small, predict(small, {small.ids[1]: "fiber"}))
    doubts.choose_second(manager.db, small.id, ben, small.ids[0], small.taxa["Calanoida"])
    with pytest.raises(Refused, match="another taxon, or none"):
        doubts.choose_second(manager.db, small.id, ben, small.ids[0], small.taxa["Oithona"])
    told = {one.object_id: one for one in doubts.read(manager.db, manager.project, manager.person, {})}
    assert (told[small.ids[0]].second, told[small.ids[0]].is_second_s_author) == ("Calanoida", True)
    assert (told[small.ids[1]].second, told[small.ids[1]].is_second_s_author) == ("fiber < detritus", False)
    with pytest.raises(Conflict, match="second choice"):
        doubts.choose_second(manager.db, small.id, manager.person, small.ids[0], None)
    small.do(manager.person, small.ids[:1], taxon="Calanoida", states=[told[small.ids[0]].state])
    (answer,) = doubts.answers(manager.db, small.id, ben)
    assert (answer.was, answer.now, answer.status, answer.by) == ("Oithona", "Calanoida", "V", "Ada")
    undo(manager.db, small, manager.person, uuid4())
    assert doubts.answers(manager.db, small.id, ben) == []


def test_a_sign_off_is_void_for_what_comes_changes_or_leaves(db: Db, manager: Worker, ben: Person) -> None:
    small = manager.small
    small.do(ben, small.ids[:10], taxon="Oithona similis")
    make_older(db)
    db.commit()
    signed = sign_offs.sign_off(db, small.id, manager.person, small.taxa["Copepoda"], "all seen")
    assert (signed.n, signed.holds) == (10, True)
    db.execute("update sign_off set at = at - interval '30 minutes'")
    small.do(ben, small.ids[10:12], taxon="Calanoida")
    small.do(ben, small.ids[:1], taxon="detritus")
    (told,) = sign_offs.read(db, small.id)
    assert (told.n_since, told.n_left, told.holds) == (2, 1, False)
    sign_offs.withdraw(db, small.id, told.id)
    assert sign_offs.read(db, small.id) == []
    with pytest.raises(NotFound):
        sign_offs.sign_off(db, small.id, manager.person, 2_000_000_000, "")


def test_what_is_labelled_in_the_same_second_is_later_too(db: Db, manager: Worker, ben: Person) -> None:
    small, taxon_id = manager.small, manager.small.taxa["Copepoda"]
    small.do(ben, small.ids[:10], taxon="Oithona similis")
    db.commit()
    signed = sign_offs.sign_off(db, small.id, manager.person, taxon_id, "")
    assert (manager.make("review").n, signed.holds) == (10, True)
    db.commit()
    small.do(ben, small.ids[10:12], taxon="Calanoida")
    db.commit()
    db.execute("update label set at = (select max(made_at) from review) + interval '1 microsecond' where at > %s", [
        db.execute("select max(made_at) from review").fetchone()[0]])  # fmt: skip
    db.execute("update history set tx = pg_current_xact_id()")
    db.commit()
    (told,) = sign_offs.read(db, small.id)
    assert (told.n_since, told.holds) == (2, False)
    assert manager.make("review").n == 2


def test_a_sign_off_tells_of_open_doubts_before_and_beside_it(db: Db, manager: Worker, ben: Person) -> None:
    small = manager.small
    small.do(ben, small.ids[:8], taxon="Oithona")
    small.do(ben, small.ids[8:11], taxon="Oithona similis", status="D")
    small.do(ben, small.ids[11:12], taxon="fiber", status="D")
    with pytest.raises(Conflict, match="3 objects of Oithona are marked dubious"):
        sign_offs.sign_off(db, small.id, manager.person, small.taxa["Oithona"], "")
    signed = sign_offs.sign_off(db, small.id, manager.person, small.taxa["Oithona"], "", anyway=True)
    assert (signed.n, signed.n_doubts, signed.holds) == (8, 3, True)
    small.do(manager.person, small.ids[8:11], taxon="fiber")
    assert [one.n_doubts for one in sign_offs.read(db, small.id)] == [0]


def test_a_sign_off_against_the_last_review_is_asked_for_twice(db: Db, manager: Worker, ben: Person) -> None:
    small, taxon_id = manager.small, manager.small.taxa["Copepoda"]
    small.do(ben, small.ids[:10], taxon="Oithona")
    db.commit()
    manager.make("review", args={"taxon_id": taxon_id}, limit=10)
    small.do(manager.person, small.ids[:8], "confirm")
    with pytest.raises(Conflict, match=r"not finished: 8 of 10 are judged, and 0 of these were wrong. Sign off anyway"):
        sign_offs.sign_off(db, small.id, manager.person, taxon_id, "")
    small.do(manager.person, small.ids[8:10], taxon="detritus")
    with pytest.raises(Conflict, match=r"2 of 10 wrong, which is 20.0 %; the project allows 5 %"):
        sign_offs.sign_off(db, small.id, manager.person, taxon_id, "")
    assert sign_offs.sign_off(db, small.id, manager.person, taxon_id, "", anyway=True).n == 8
    assert sign_offs.sign_off(db, small.id, manager.person, small.taxa["Oithona"], "never reviewed").n == 8


def test_the_pages_and_the_api_tell_it_to_whom_it_concerns(
    app_client: Client, database_url: str, db: Db, manager: Worker,
    make_account: Callable[..., Account], make_member: Callable[..., None],
) -> None:  # fmt: skip
    db.commit()
    annotator, chief = make_account(), make_account()
    make_member(manager.small.id, annotator, "annotator")
    make_member(manager.small.id, chief, "manager")
    manager.small.do(annotator, manager.small.ids[:5], taxon="Oithona")
    manager.small.do(annotator, manager.small.ids[5:7], taxon="fiber", status="D")
    db.commit()
    url, theirs = f"/api/v1/projects/{manager.small.id}", bearer(database_url, chief)
    sent = app_client.post(f"{url}/returned", json={"ids": manager.small.ids[:2], "comment": "sure?"}, headers=theirs)
    assert sent.json() == {"n": 2, "n_left": 0, "ids": manager.small.ids[:2]}
    signed = app_client.post(f"{url}/sign-offs", json={"taxon_id": manager.small.taxa["Oithona"]}, headers=theirs)
    assert signed.json()["n"] == 5
    assert set(app_client.get(f"{url}/judgements", headers=theirs).json()) == {"error_rates", "agreements"}
    assert len(app_client.get(f"{url}/doubts", headers=theirs).json()) == 2
    own = bearer(database_url, annotator)
    assert app_client.get(f"{url}/judgements", headers=own).status_code == 403
    assert [one["comment"] for one in app_client.get(f"{url}/returned", headers=own).json()] == ["sure?", "sure?"]
    client = logged_in(app_client, annotator)
    assert "sent back to you" in client.get("/me").text
    page = client.get(f"/projects/{manager.small.id}/reviews").text
    assert "Sent back to you: 2" in page and "Signed off" in page and "Withdraw" not in page
    assert "your second choice" in client.get(f"/projects/{manager.small.id}/doubts?whose=mine").text
    client = logged_in(app_client, chief)
    assert "It is fiber" in client.get(f"/projects/{manager.small.id}/doubts").text
    assert "Withdraw" in client.get(f"/projects/{manager.small.id}/reviews").text
