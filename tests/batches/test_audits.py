"""Audits: nothing unseen is labelled without one, repeating does not reset it, and its act says what was known."""

import random
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import audit_draw, audit_state, audits, piles, refusals
from app.batches.audit_state import Audit, Verdict, Wish
from app.batches.batch import find_batch
from app.batches.piles import PileAct
from app.database import Db, connect
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.labels import counts
from app.labels.acts import Outcome
from app.labels.history import recent_acts
from app.labels.undo import redo, undo
from indexer.audit import upper_bound
from tests.batches.conftest import Worker
from tests.small_projects import Person, make_project, true_counts
from tests.web_fixtures import Client, bearer, logged_in


def wish(mine: Worker, batch_id: int, **more: object) -> Wish:
    return Wish(uuid4(), "batch", batch_id, mine.small.taxa["Oithona"], **more)


def draw(mine: Worker, batch_id: int, **more: object) -> Audit:
    return audits.draw(mine.db, mine.project, mine.person, wish(mine, batch_id, **more))


def judge(mine: Worker, audit: Audit, wrong: list[int] | None = None, taxon: str | None = None) -> Audit:
    """All but these are right."""
    taxon_id, left = mine.small.taxa[taxon] if taxon else None, [one.id for one in audit.sample if one.is_right is None]
    verdicts = [Verdict(id, False, taxon_id) if id in (wrong or []) else Verdict(id, True) for id in left]
    audits.note_seen(mine.db, mine.small.id, mine.person, audit.id, [one.id for one in audit.sample])
    return audits.judge(mine.db, mine.project, mine.person, audit.id, verdicts)


def accept(
    mine: Worker, audit: Audit, manager: bool = False, ask: str | None = None, client_id: UUID | None = None
) -> Outcome | None:
    return audits.accept(mine.db, mine.project, mine.person, audit.id, client_id or uuid4(), manager, ask)


def random_of(audit: Audit) -> list[int]:
    return [one.id for one in audit.sample if one.is_random]


def test_a_sample_is_drawn_at_random_and_the_least_likely_stand_apart(mine: Worker) -> None:
    batch = mine.make("examples", ids=mine.small.ids[:1], order="alike")
    audit = draw(mine, batch.id)
    random, least = random_of(audit), [one.id for one in audit.sample if not one.is_random]
    assert (audit.n, audit.bound, audit.may_accept) == (batch.n, None, False)
    assert len(random) == audit.n_sample < audit.n
    assert len(least) == audit_draw.N_LEAST and not set(random) & set(least)
    other = draw(mine, mine.make("examples", ids=mine.small.ids[:1], order="alike").id)
    assert random_of(other) != random


def test_no_stranger_in_the_sample_keeps_the_limit_and_all_is_labelled_in_one_act(db: Db, mine: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = draw(mine, batch.id)
    db.commit()
    with pytest.raises(Conflict, match="not judged yet"):
        accept(mine, audit)
    judged = judge(mine, audit)
    n = audit.n_sample
    assert judged.bound == upper_bound(120, n, 0) <= 0.05
    assert judged.words.startswith(f"0 wrong of {n}: at most")
    db.commit()
    outcome = accept(mine, judged)
    assert outcome and len(outcome.changed) == 120
    sampled = {one.id for one in audit.sample}
    provenances = {id: mine.small.label(id).provenance for id in mine.small.ids}
    assert {p for id, p in provenances.items() if id not in sampled} == {"audit"}
    assert {p for id, p in provenances.items() if id in sampled} == {"batch"}
    assert counts.project_counts(db, mine.small.id) == true_counts(mine.small)
    assert find_batch(db, mine.small.id, batch.id).n_waiting == 0
    evidence = recent_acts(db, mine.small.id)[0].detail["audit"]
    assert (evidence["n"], evidence["n_sample"], evidence["n_wrong"], evidence["by"]) == (120, n, 0, "the limit")
    assert {id for id, _, _ in evidence["sample"]} == sampled


def test_a_stranger_is_corrected_and_counts_and_looking_again_does_not_reset_it(db: Db, mine: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = draw(mine, batch.id, n=20)
    stranger = random_of(audit)[0]
    first = judge(mine, audit, [stranger], "detritus")
    assert mine.small.seen(stranger) == ("V", "detritus", "Ada")
    assert (first.n_sample, first.n_wrong, first.may_accept) == (20, 1, False)
    with pytest.raises(Forbidden, match="draw more"):
        accept(mine, first)
    second = draw(mine, batch.id, n=20)
    known = {one.id for one in first.sample if not one.is_random} & set(random_of(second))  # judged, as least likely
    assert (second.n_sample, second.n_judged, second.n_wrong, second.look) == (40, 20 + len(known), 1, 2)
    assert stranger not in [one.id for one in second.sample]
    assert not set(random_of(second)) & set(random_of(first))
    assert audit_state.find(db, mine.small.id, first.id).state == "dropped"
    assert judge(mine, second).n_wrong == 1


def test_a_sample_that_is_left_is_judged_by_the_next_audit(mine: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = draw(mine, batch.id, n=15)
    assert draw(mine, batch.id).id == audit.id
    audits.drop(mine.db, mine.project, mine.person, audit.id)
    again = draw(mine, batch.id, n=15)
    assert again.id != audit.id
    assert set(random_of(audit)) == set(random_of(again))


def test_a_nearer_cut_keeps_what_was_drawn_within_it(mine: Worker) -> None:
    batch = mine.make("examples", ids=mine.small.ids[:1], order="alike")
    audit = judge(mine, draw(mine, batch.id, n=40))
    half = draw(mine, batch.id, upto=20, n=10)
    listed = mine.db.execute("select object_ids from audit where id = %s", [half.id]).fetchone()[0]
    assert len(listed) == half.n == 20
    within = half.n_judged
    assert 0 < within < 40
    assert not set(random_of(half)) & set(random_of(audit))
    outcome = accept(mine, judge(mine, half), manager=True)
    assert outcome and {now.id for now in outcome.changed} >= set(listed)


def test_of_a_taxon_that_was_deprecated_meanwhile_nothing_is_accepted(db: Db, mine: Worker) -> None:
    audit = judge(mine, draw(mine, mine.make("filter", query="").id))
    db.execute("update taxon set status = 'D' where id = %s", [mine.small.taxa["Oithona"]])
    with pytest.raises(Refused, match="Oithona is deprecated"):
        accept(mine, audit)


def test_over_the_limit_a_manager_decides(db: Db, mine: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = draw(mine, batch.id, n=20)
    judged = judge(mine, audit, random_of(audit)[:2])
    assert accept(mine, judged, ask="two were broken pieces") is None
    asked = audit_state.read(db, mine.small.id, state="asked")
    assert [(one.id, one.reason) for one in asked] == [(audit.id, "two were broken pieces")]
    outcome = accept(mine, judged, manager=True)
    assert outcome and len(outcome.changed) == 118
    evidence = recent_acts(db, mine.small.id)[0].detail["audit"]
    assert (evidence["by"], evidence["reason"]) == ("a manager's decision", "two were broken pieces")
    assert evidence["bound"] > evidence["limit"]


def test_the_limit_is_the_project_s(db: Db, mine: Worker) -> None:
    assert audit_state.limit_of(db, mine.small.id) == 0.05
    audit_state.set_limit(db, mine.small.id, 0.2)
    audit = draw(mine, mine.make("filter", query="").id)
    assert audit.limit == 0.2
    assert audit.n_sample < 20
    for share in (0.0, 0.6, -1.0):
        with pytest.raises(Refused, match="limit is a share"):
            audit_state.set_limit(db, mine.small.id, share)


def test_strangers_of_which_nobody_says_what_they_are_are_refused_for_the_label(db: Db, mine: Worker) -> None:
    audit = draw(mine, mine.make("filter", query="").id, n=20)
    stranger = random_of(audit)[0]
    judge(mine, audit, [stranger])
    assert mine.small.seen(stranger)[0] == "U"
    assert [one.taxon for one in refusals.of_object(db, mine.small.id, stranger)] == ["Oithona"]
    assert recent_acts(db, mine.small.id)[0].kind == "not_this"
    with pytest.raises(Conflict, match="judged a stranger"):
        audits.judge(db, mine.project, mine.person, audit.id, [Verdict(stranger, True)])


def test_what_was_seen_refused_or_labelled_meanwhile_is_not_accepted(db: Db, mine: Worker, ben: Person) -> None:
    batch = mine.make("filter", query="")
    page = mine.page(batch, 10)
    mine.look(batch, page, [tile["id"] for tile in page.tiles[:4]])
    refused = page.tiles[5]["id"]
    act = mine.act(page, [], not_this=[refused], taxon="Oithona")
    mine.look(batch, page, [refused])
    seen = [tile["id"] for tile in page.tiles[:4]]
    assert act.not_this == [refused]
    audit = draw(mine, batch.id)
    assert audit.n == 120 - 5
    db.commit()
    unsampled = next(id for id in mine.small.ids if id not in {one.id for one in audit.sample} | set(seen))
    mine.small.do(ben, [unsampled], taxon="fiber")
    db.commit()
    outcome = accept(mine, judge(mine, audit))
    assert outcome and not {now.id for now in outcome.changed} & {*seen, refused, unsampled}
    assert mine.small.seen(unsampled) == ("V", "fiber < detritus", "Ben")
    assert [left.id for left in outcome.refused if left.by == "Ben"] in ([unsampled], [])


def test_the_undo_of_an_acceptance_puts_all_back_and_its_redo_again(db: Db, mine: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = judge(mine, draw(mine, batch.id))
    db.commit()
    accept(mine, audit)
    db.commit()
    undo(db, mine.project, mine.person, uuid4())
    db.commit()
    assert {mine.small.seen(id)[0] for id in mine.small.ids} == {"U"}
    assert find_batch(db, mine.small.id, batch.id).n_waiting == 120
    assert audit_state.find(db, mine.small.id, audit.id).state == "open"
    redo(db, mine.project, mine.person, uuid4())
    assert find_batch(db, mine.small.id, batch.id).n_waiting == 0
    assert audit_state.find(db, mine.small.id, audit.id).state == "accepted"


def test_sent_twice_it_is_drawn_and_accepted_once(db: Db, mine: Worker) -> None:
    said = wish(mine, mine.make("filter", query="").id)
    first = audits.draw(db, mine.project, mine.person, said)
    judge(mine, first)
    assert audits.draw(db, mine.project, mine.person, said).id == first.id
    client_id = uuid4()
    outcome = accept(mine, first, client_id=client_id)
    again = accept(mine, first, client_id=client_id)
    assert outcome and again and again.act_id == outcome.act_id
    with pytest.raises(Conflict, match="is over"):
        accept(mine, first)


def test_a_program_may_waive_it_and_the_act_says_so(db: Db, mine: Worker) -> None:
    said = wish(mine, mine.make("filter", query="").id)
    outcome = audits.waive(db, mine.project, mine.person, said, "a simulation")
    assert len(outcome.changed) == 120
    assert audits.waive(db, mine.project, mine.person, said, "a simulation").act_id == outcome.act_id
    evidence = recent_acts(db, mine.small.id)[0].detail["audit"]
    assert (evidence["waived"], evidence["reason"], evidence["n_sample"]) == (True, "a simulation", 0)


def test_a_pile_that_another_person_names_is_audited_instead_of_looked_through(
    db: Db, mine: Worker, theirs: Worker
) -> None:
    pile_id = piles.make_pile(db, mine.project, mine.person, uuid4(), "worms", mine.small.ids[:80])
    db.commit()
    taxon_id = mine.small.taxa["Oithona"]
    with pytest.raises(Conflict, match="80 of the 80"):
        piles.name_pile(db, theirs.project, theirs.person, pile_id, PileAct(uuid4(), taxon_id))
    audit = audits.draw(db, theirs.project, theirs.person, Wish(uuid4(), "pile", pile_id, taxon_id))
    outcome = accept(theirs, judge(theirs, audit))
    assert outcome and len(outcome.changed) == 80
    pile = piles.find_pile(db, mine.small.id, pile_id)
    assert (pile.taxon, pile.closed_at is not None) == ("Oithona", True)
    with pytest.raises(Conflict, match="closed"):
        audits.draw(db, theirs.project, theirs.person, Wish(uuid4(), "pile", pile_id, taxon_id))


def test_what_another_person_has_seen_one_has_not_seen_oneself(db: Db, mine: Worker, theirs: Worker) -> None:
    audit = draw(mine, mine.make("filter", query="").id, n=5)
    one = audit.sample[0].id
    audits.note_seen(db, mine.small.id, mine.person, audit.id, [one])
    with pytest.raises(Conflict, match="You have not seen 1 object of the sample"):
        audits.judge(db, theirs.project, theirs.person, audit.id, [Verdict(one, True)])
    audits.note_seen(db, mine.small.id, theirs.person, audit.id, [one, one])
    told = audits.judge(db, theirs.project, theirs.person, audit.id, [Verdict(one, True)])
    assert next(drawn for drawn in told.sample if drawn.id == one).seen_by == [mine.person.id, theirs.person.id]


def test_what_cannot_be_is_refused(db: Db, mine: Worker) -> None:
    batch = mine.make("filter", query="")
    with pytest.raises(Refused, match="at least one object"):
        draw(mine, batch.id, upto=0)
    with pytest.raises(NotFound, match="no such batch"):
        draw(mine, 999_999)
    audit = draw(mine, batch.id, n=5)
    with pytest.raises(Refused, match="not in the sample"):
        audits.judge(db, mine.project, mine.person, audit.id, [Verdict(-1, True)])
    with pytest.raises(Refused, match="not in the sample"):
        audits.note_seen(db, mine.small.id, mine.person, audit.id, [-1])
    audits.note_seen(db, mine.small.id, mine.person, audit.id, [one.id for one in audit.sample])
    with pytest.raises(Refused, match="not known here"):
        audits.judge(db, mine.project, mine.person, audit.id, [Verdict(audit.sample[0].id, False, 999_999)])
    for taxon in ("Oithona", "Oithona similis"):
        with pytest.raises(Refused, match="Name another taxon"):
            audits.judge(
                db, mine.project, mine.person, audit.id, [Verdict(audit.sample[0].id, False, mine.small.taxa[taxon])]
            )
    with pytest.raises(Refused, match="cannot be right as Oithona and be detritus"):
        audits.judge(
            db, mine.project, mine.person, audit.id, [Verdict(audit.sample[0].id, True, mine.small.taxa["detritus"])]
        )
    with pytest.raises(NotFound):
        audit_state.find(db, make_project(db, 2, "Other").id, audit.id)


@pytest.mark.parametrize("seed", range(4))
def test_however_it_goes_nothing_unseen_is_labelled_without_its_audit(db: Db, mine: Worker, seed: int) -> None:
    chance = random.Random(seed)
    batch, wrong = mine.make("filter", query=""), set(chance.sample(mine.small.ids, chance.choice([0, 3, 12])))
    db.commit()
    for _ in range(6):
        audit = draw(mine, batch.id, n=chance.choice([5, 30]), upto=chance.choice([None, None, 50]))
        db.commit()
        audit = judge(mine, audit, [one.id for one in audit.sample if one.id in wrong])
        assert audit.n_sample == audit.n_judged
        assert (audit.n_wrong_at_most or 0) + audit.n_wrong >= audit.n_wrong
        try:
            accept(mine, audit)
        except Forbidden:
            db.rollback()
            continue
        break
    labelled = {id for id in mine.small.ids if mine.small.seen(id)[0] != "U"}
    rows = db.execute("select detail from act where provenance = 'audit'").fetchall()
    assert len(rows) == (1 if labelled else 0)
    assert all(row.detail["audit"]["bound"] <= 0.05 for row in rows)
    judged = {row.object_id for row in db.execute("select object_id from audit_object where is_right is false")}
    assert not labelled & judged
    assert counts.project_counts(db, mine.small.id) == true_counts(mine.small)


def test_a_waived_audit_says_who_waived_it_and_why_and_managers_may_keep_it_for_themselves(
    app_client: Client, database_url: str, db: Db, mine: Worker, make_account: Callable[..., Account],
    make_member: Callable[..., None],
) -> None:  # fmt: skip
    said = wish(mine, mine.make("filter", query="").id)
    with pytest.raises(Refused, match="Say why"):
        audits.waive(db, mine.project, mine.person, said, " ")
    audits.waive(db, mine.project, mine.person, said, "a simulation")
    told = audit_state.read(db, mine.small.id)[0]
    assert (told.waived, told.bound, told.reason) == (True, None, "a simulation")
    assert told.words == "waived by a program of Ada, 120 objects without a sample: a simulation"
    audit_state.set_waiving(db, mine.small.id, False)
    db.commit()
    annotator = make_account()
    make_member(mine.small.id, annotator, "annotator")
    body = {"client_id": str(uuid4()), "source": "batch", "source_id": 1, "taxon_id": mine.small.taxa["Oithona"]}
    answer = app_client.post(
        f"/api/v1/projects/{mine.small.id}/audits/waive",
        json={"wish": body, "reason": "again"}, headers=bearer(database_url, annotator),
    )  # fmt: skip
    assert (answer.status_code, "let nobody else waive" in answer.json()["detail"]) == (403, True)


def test_programs_draw_judge_and_accept_and_only_they_waive(
    app_client: Client, database_url: str, db: Db, mine: Worker, make_account: Callable[..., Account],
    make_member: Callable[..., None],
) -> None:  # fmt: skip
    batch = mine.make("filter", query="")
    db.commit()
    annotator = make_account()
    make_member(mine.small.id, annotator, "annotator")
    headers, url = bearer(database_url, annotator), f"/api/v1/projects/{mine.small.id}"
    body = {"client_id": str(uuid4()), "source": "batch", "source_id": batch.id, "taxon_id": mine.small.taxa["Oithona"]}
    drawn = app_client.post(f"{url}/audits", json=body, headers=headers).json()
    assert {tile["id"] for tile in drawn["tiles"]} == {one["id"] for one in drawn["audit"]["sample"]}
    audit_url = f"{url}/audits/{drawn['audit']['id']}"
    early = app_client.post(f"{audit_url}/accept", json={"client_id": str(uuid4())}, headers=headers)
    assert early.status_code == 409
    verdicts = [{"id": one["id"], "is_right": True} for one in drawn["audit"]["sample"]]
    refused = app_client.post(f"{audit_url}/judge", json={"verdicts": verdicts}, headers=headers)
    assert refused.status_code == 409 and "have not seen" in refused.json()["detail"]
    ids = [one["id"] for one in verdicts]
    assert app_client.post(f"{audit_url}/seen", json={"ids": ids}, headers=headers).status_code == 204
    judged = app_client.post(f"{audit_url}/judge", json={"verdicts": verdicts}, headers=headers).json()
    assert judged["may_accept"] and judged["bound"] <= 0.05
    accepted = app_client.post(f"{audit_url}/accept", json={"client_id": str(uuid4())}, headers=headers).json()
    assert len(accepted["outcome"]["changed"]) == 120
    assert accepted["audit"]["state"] == "accepted"
    assert app_client.put(f"{url}/audit-limit", json={"share": 0.1}, headers=headers).status_code == 403
    waiver = {"wish": {**body, "client_id": str(uuid4())}, "reason": "x"}
    assert app_client.post(f"{url}/audits/waive", json=waiver, headers=headers).status_code == 409
    browser = logged_in(app_client, annotator)
    assert browser.post(f"{url}/audits/waive", json=waiver).status_code == 403
    for path in ("audits", f"audits/{drawn['audit']['id']}", "audits?only=asked"):
        answer = browser.get(f"/projects/{mine.small.id}/{path}")
        assert answer.status_code == 200, answer.text
    with connect(database_url) as other:
        other.execute("update member set role = 'manager' where account_id = %s", [annotator.id])
    assert app_client.put(f"{url}/audit-limit", json={"share": 0.1}, headers=headers).json()["share"] == 0.1
