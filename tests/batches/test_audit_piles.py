"""The pile that an audit is of: it neither grows nor slides when it is drawn from again, and its record stays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import audit_end, audit_job, audit_state, audits, piles
from app.batches.audit_state import Audit, Verdict, Wish
from app.database import Db
from app.errors import Conflict, Forbidden, Refused
from app.labels import runs
from app.labels.activity import report
from app.labels.history import object_history, recent_acts
from app.labels.undo import undo
from indexer.audit import most_wrong
from tests.batches.conftest import Worker
from tests.batches.test_audit_found import job_of
from tests.batches.test_audits import accept, draw, judge, random_of
from tests.small_projects import predict
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def graded(mine: Worker) -> Worker:
    """All 120 objects are predicted as Oithona, each a little less surely than the one before: 59 from 0.7 on."""
    run_id = predict(mine.small, dict.fromkeys(mine.small.ids, "Oithona"), 0.6)
    mine.db.execute(
        """
        update prediction
           set score = 0.9925 - 0.005 * (place - 1)
          from unnest(%s::bigint[]) with ordinality as given (id, place)
         where object_id = given.id
        """,
        [mine.small.ids],
    )
    runs.publish(mine.db, mine.small, run_id)
    mine.db.commit()
    return mine


def ranged(worker: Worker, least: float = 0.7, n: int | None = 15, upto: int | None = None, **more: Any) -> Audit:
    taxon_id = worker.small.taxa["Oithona"]
    query = {"kind": "predicted", "taxon_id": taxon_id, "min_score": least, **more}
    wish = Wish(uuid4(), "found", 0, taxon_id, upto=upto, n=n, query=query)
    return audits.draw(worker.db, worker.project, worker.person, wish)


def pile_of(db: Db, audit: Audit) -> list[int]:
    return list(db.execute("select object_ids from audit where id = %s", [audit.id]).fetchone()[0])


def labelled(worker: Worker) -> set[int]:
    rows = worker.db.execute("select object_id from label where status = 'V' and taxon_id = %s",
                             [worker.small.taxa["Oithona"]])  # fmt: skip
    return {row.object_id for row in rows}


def test_a_second_audit_of_a_score_range_stays_within_it(graded: Worker) -> None:
    within = graded.small.ids[:59]
    first = ranged(graded)
    assert (first.n, pile_of(graded.db, first)) == (59, within)
    judged = judge(graded, first, random_of(first)[:1])
    second = ranged(graded)
    assert (second.n, second.n_sample, second.n_wrong) == (58, 30, 1)
    assert {one.id for one in second.sample} <= set(within) - set(random_of(judged))
    known = {one.id for one in second.sample if one.is_right}
    assert known <= {one.id for one in judged.sample} and second.n_judged == 15 + len(known)
    second = judge(graded, second)
    assert second.n_wrong_at_most == most_wrong(59, 30, 1, 0.95, 2) - 1
    outcome = accept(graded, second, manager=True)
    assert outcome and labelled(graded) == set(within) - {random_of(first)[0]}


def test_a_nearer_cut_is_the_likelier_half_of_the_very_pile(graded: Worker) -> None:
    ids = graded.small.ids
    audit = judge(graded, ranged(graded))
    for n in (30, 15, 8):
        audit = ranged(graded, upto=-(-audit.n_labelled // 2), n=5)
        assert (audit.n, pile_of(graded.db, audit)) == (n, ids[:n])
        assert audit.title == f"Predicted Oithona, score 0.7 to 1, the {n} likeliest"
        assert {one.id for one in audit.sample} <= set(ids[:n])
        audit = judge(graded, audit)
    assert accept(graded, audit, manager=True)
    assert labelled(graded) == set(ids[:8])


def test_a_cut_does_not_slide_when_a_stranger_of_it_is_corrected(graded: Worker) -> None:
    first = ranged(graded, upto=20, n=10)
    stranger = random_of(first)[0]
    judge(graded, first, [stranger], "detritus")
    for _ in range(2):
        again = ranged(graded, upto=20, n=3)
        assert set(pile_of(graded.db, again)) == set(graded.small.ids[:20]) - {stranger}
        audits.drop(graded.db, graded.project, graded.person, again.id)


def test_a_stranger_counts_in_a_cut_that_reaches_it_and_in_no_nearer_one(graded: Worker) -> None:
    ids = graded.small.ids
    first = ranged(graded, n=59)
    judge(graded, first, [ids[5], ids[50]], "detritus")
    assert ranged(graded, upto=20).n_wrong == 1
    assert ranged(graded, 0.9).n_wrong == 1
    assert ranged(graded, 0.72).n_wrong == 2
    assert ranged(graded, 0.7, max_score=0.9).n_wrong == 1


def test_draws_from_a_nearer_range_do_not_speak_for_a_wider_one(graded: Worker) -> None:
    first = ranged(graded, 0.9, n=10)
    judge(graded, first, random_of(first)[:2], "detritus")
    wider = ranged(graded, 0.5, n=4)
    assert (wider.n_sample, wider.n_wrong, wider.look) == (2 + 4, 2, 2)
    back = ranged(graded, 0.9, n=4)
    assert back.n_sample >= 10 and back.n_wrong == 2


def test_of_a_pile_judged_whole_all_is_accepted(graded: Worker) -> None:
    audit = judge(graded, ranged(graded, 0.97, n=100))
    assert (audit.n, audit.n_sample, audit.bound) == (5, 5, 0)
    assert audit.words == "0 wrong of 5: all were judged"
    with pytest.raises(Conflict, match="judged already"):
        ranged(graded, 0.97)
    audits.drop(graded.db, graded.project, graded.person, audit.id)
    again = ranged(graded, 0.97)
    assert (again.sample, again.bound, again.n_never_shown) == ([], 0, 0)
    assert accept(graded, again)
    assert labelled(graded) == set(graded.small.ids[:5])


def test_what_the_least_likely_complete_is_judged_whole_and_a_stranger_of_it_is_known(graded: Worker) -> None:
    audit = ranged(graded, 0.9, n=10)
    assert len(random_of(audit)) < audit.n == len(audit.sample) == 19
    judged = judge(graded, audit, random_of(audit)[:1], "detritus")
    assert (judged.bound, judged.may_accept, judged.words) == (0, True, "1 wrong of 19: all were judged")
    assert accept(graded, judged)
    assert len(labelled(graded)) == 18


@pytest.mark.parametrize("source", ["batch", "pile", "filter"])
def test_a_cut_after_an_earlier_draw_is_of_as_many_as_it_says(
    db: Db, mine: Worker, theirs: Worker, source: str
) -> None:
    taxon_id, more = mine.small.taxa["Oithona"], {}
    if source == "batch":
        more = {"source": "batch", "source_id": mine.make("examples", ids=mine.small.ids[:1], order="alike").id}
    elif source == "pile":
        made = piles.make_pile(db, mine.project, mine.person, uuid4(), "worms", mine.small.ids)
        more = {"source": "pile", "source_id": made}
    else:
        more = {"source": "found", "source_id": 0, "query": {"kind": "filter", "query": ""}}

    def again(**how: Any) -> Audit:
        wish = Wish(uuid4(), taxon_id=taxon_id, **more, **how)
        return audits.draw(db, theirs.project, theirs.person, wish)

    first = judge(theirs, again(n=40))
    cut = judge(theirs, again(upto=60, n=5))
    assert cut.n == 60 and pile_of(db, cut) == pile_of(db, first)[:60]
    more_of_it = judge(theirs, again(upto=60, n=5))
    assert pile_of(db, more_of_it) == pile_of(db, cut)
    accept(theirs, more_of_it, manager=True)
    assert labelled(theirs) == set(pile_of(db, cut))


def test_what_comes_in_while_an_audit_is_at_work_is_not_of_it(graded: Worker) -> None:
    ids = graded.small.ids
    graded.small.do(graded.person, ids[10:20], taxon="fiber")
    first = judge(graded, ranged(graded))
    undo(graded.db, graded.small, graded.person, uuid4())
    again = judge(graded, ranged(graded))
    assert pile_of(graded.db, again) == pile_of(graded.db, first) == [*ids[:10], *ids[20:59]]
    assert again.n_sample == 30
    audits.drop(graded.db, graded.project, graded.person, again.id)
    assert (ranged(graded).n, ranged(graded).n_sample) == (59, 15)


def test_a_cut_is_filled_up_where_others_labelled_of_it(graded: Worker) -> None:
    ids = graded.small.ids
    first = judge(graded, ranged(graded, upto=20, n=5))
    audits.drop(graded.db, graded.project, graded.person, first.id)
    graded.small.do(graded.person, ids[:18], taxon="fiber")
    assert pile_of(graded.db, ranged(graded, upto=20, n=5)) == ids[18:38]


def test_the_score_range_is_on_the_record(graded: Worker) -> None:
    audit = ranged(graded, 0.7)
    assert audit.title == "Predicted Oithona, score 0.7 to 1"
    assert audit.query and audit.query["min_score"] == 0.7
    accept(graded, judge(graded, audit), manager=True)
    act = recent_acts(graded.db, graded.small.id)[0]
    assert "Predicted Oithona, score 0.7 to 1: 0 wrong of 15" in act.what
    assert act.detail["audit"]["query"]["min_score"] == 0.7
    with pytest.raises(Refused, match=r"No score is from 0.9 to 0.8"):
        ranged(graded, 0.9, max_score=0.8)
    audit = ranged(graded, 0.2, max_score=0.6)
    assert audit.title == "Predicted Oithona, score 0.2 to 0.6"
    assert audit_state.read(graded.db, graded.small.id)[0].title == audit.title


def test_what_was_drawn_and_left_stays_on_its_record_while_it_is_drawn_again(graded: Worker) -> None:
    first = ranged(graded)
    some = random_of(first)[:3]
    audits.note_seen(graded.db, graded.small.id, graded.person, first.id, some)
    verdicts = [Verdict(id, True) for id in some]
    first = audits.judge(graded.db, graded.project, graded.person, first.id, verdicts)
    assert first.words == "15 of 59 objects drawn at random"
    audits.drop(graded.db, graded.project, graded.person, first.id)
    second = ranged(graded, 0.8)
    second = judge(graded, second)
    left = audit_state.find(graded.db, graded.small.id, first.id)
    assert (left.words, left.sample, left.n_sample) == (first.words, first.sample, 15)
    assert set(random_of(left)) & set(pile_of(graded.db, second)) <= set(random_of(second)) | set(some)
    accept(graded, second, manager=True)
    told = audit_state.find(graded.db, graded.small.id, second.id)
    ranged(graded, 0.75)
    assert audit_state.find(graded.db, graded.small.id, second.id) == told


def test_a_sample_never_has_more_than_its_pile(graded: Worker) -> None:
    audit = judge(graded, ranged(graded, n=46))
    for least in (0.8, 0.9, 0.95):
        audit = ranged(graded, least, n=3)
        n = len(pile_of(graded.db, audit))
        assert audit.n_sample <= n and audit.n_judged <= audit.n_sample
        judged = judge(graded, audit)
        of = n if judged.bound == 0 else audit.n_sample
        assert judged.words.startswith(f"0 wrong of {of}: ")


def test_an_audit_that_waits_for_a_manager_is_kept_from_all_others(db: Db, mine: Worker, theirs: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = draw(mine, batch.id, n=20)
    audit = judge(mine, audit, random_of(audit)[:2])
    accept(mine, audit, ask="two broken ones")
    for begin in (mine, theirs):
        with pytest.raises(Conflict, match="waits for a manager, asked by Ada"):
            draw(begin, batch.id)
    with pytest.raises(Conflict, match="waits for a manager, asked by Ada"):
        wish = Wish(uuid4(), "batch", batch.id, mine.small.taxa["Oithona"])
        audits.waive(db, theirs.project, theirs.person, wish, "a simulation")
    with pytest.raises(Forbidden, match="asked by Ada"):
        audits.drop(db, theirs.project, theirs.person, audit.id)
    with pytest.raises(Conflict, match="asked by Ada"):
        accept(theirs, audit, ask="mine now")
    with pytest.raises(Conflict, match="waits for a manager, asked by Ada"):
        judge(theirs, audit)
    kept = audit_state.read(db, mine.small.id, state="asked")
    assert [(one.id, one.reason, one.asked_by) for one in kept] == [(audit.id, "two broken ones", "Ada")]
    assert accept(theirs, audit, manager=True)


def test_who_asked_a_manager_may_leave_the_audit_and_draw_more(mine: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = draw(mine, batch.id, n=20)
    accept(mine, judge(mine, audit, random_of(audit)[:2]), ask="two broken ones")
    audits.drop(mine.db, mine.project, mine.person, audit.id)
    assert (again := draw(mine, batch.id, n=20)).n_wrong == 2 and again.look == 2


def test_a_colleague_s_open_audit_is_joined_or_told_and_never_ended(db: Db, graded: Worker, theirs: Worker) -> None:
    audit = ranged(graded)
    assert ranged(theirs).id == audit.id
    with pytest.raises(Conflict, match=r"Ada is at an audit of these .Predicted Oithona, score 0.7 to 1"):
        ranged(theirs, 0.8)
    judge(theirs, audit)
    with pytest.raises(Conflict, match="Ada is at an audit"):
        ranged(theirs)
    with pytest.raises(Forbidden, match="Ada is at this audit"):
        audits.drop(db, theirs.project, theirs.person, audit.id)
    assert audit_state.find(db, graded.small.id, audit.id).state == "open"
    audits.drop(db, theirs.project, theirs.person, audit.id, manager=True)
    assert ranged(theirs).look == 2


def test_leaving_a_sample_that_was_looked_at_for_another_range_is_a_look(graded: Worker) -> None:
    audit = ranged(graded)
    assert ranged(graded, 0.5).look == 1
    audit = ranged(graded)
    audits.note_seen(graded.db, graded.small.id, graded.person, audit.id, random_of(audit))
    assert ranged(graded, 0.5).look == 2


def test_what_the_accepting_person_did_not_see_came_unseen(db: Db, mine: Worker, theirs: Worker) -> None:
    batch = mine.make("filter", query="")
    audit = judge(mine, draw(mine, batch.id, n=20))
    both = [one.id for one in audit.sample][:4]
    audits.note_seen(db, mine.small.id, theirs.person, audit.id, both)
    assert accept(theirs, audit, manager=True)
    told = {id: mine.small.label(id).provenance for id in mine.small.ids}
    assert {id for id, provenance in told.items() if provenance == "batch"} == set(both)
    judged = next(one.id for one in audit.sample if one.id not in both)
    assert object_history(db, mine.small.id, judged)[0].provenance == "audit"


def test_a_job_too_says_unseen_of_what_the_accepting_person_did_not_see(
    db: Db, database_url: str, graded: Worker, theirs: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_job, "MOST_AT_ONCE", 30)
    audit = judge(graded, ranged(graded))
    assert accept(theirs, audit, manager=True) is None
    db.commit()
    audit_job.run(job_of(db, database_url))
    assert {graded.small.label(id).provenance for id in graded.small.ids[:59]} == {"audit"}
    assert labelled(graded) == set(graded.small.ids[:59])
    assert sum(act.n for act in audit_end.acts_of(db, audit.id)) == 59


def test_activity_and_the_act_count_as_unseen_what_came_unseen(db: Db, graded: Worker) -> None:
    first = judge(graded, ranged(graded))
    second = judge(graded, ranged(graded))
    accept(graded, second, manager=True)
    n = db.execute("select count(*) from label where provenance = 'audit'").fetchone()[0]
    assert n == 59 - len({one.id for audit in (first, second) for one in audit.sample})
    at = recent_acts(db, graded.small.id)[0].at
    (ada,) = report(db, graded.small.id, at, at).people
    assert (ada.n_images, ada.n_unseen) == (59, n)
    assert f", {n} of them unseen (" in recent_acts(db, graded.small.id)[0].what
    undo(db, graded.small, graded.person, uuid4())
    accept(graded, judge(graded, ranged(graded, 0.97, n=100)), manager=True)
    assert "unseen" not in recent_acts(db, graded.small.id)[0].what


def test_older_acceptances_are_told_how_many_of_them_came_unseen(db: Db, mine: Worker) -> None:
    accept(mine, judge(mine, draw(mine, mine.make("filter", query="").id)))
    n = db.execute("select count(*) from label where provenance = 'audit'").fetchone()[0]
    db.execute("update act set detail = detail #- '{audit,n_unseen}'")
    migration = (Path(__file__).parents[2] / "migrations" / "0034_audited_piles.sql").read_text()
    db.execute(next(part for part in migration.split(";") if "n_unseen" in part))
    assert recent_acts(db, mine.small.id)[0].detail["audit"]["n_unseen"] == n < 120


def test_a_page_keeps_its_range_and_lets_no_colleague_end_it(
    app_client: Client, db: Db, graded: Worker, make_account: Callable[..., Account],
    make_member: Callable[..., None],
) -> None:  # fmt: skip
    audit = ranged(graded)
    audit = judge(graded, audit, random_of(audit)[:3])
    accept(graded, audit, ask="three broken ones")
    db.commit()
    other = make_account()
    make_member(graded.small.id, other, "annotator")
    client, url = logged_in(app_client, other), f"/projects/{graded.small.id}/audits"
    page = client.get(f"{url}/{audit.id}").text
    assert "score 0.7 to 1" in page and "Ada asks a manager to decide: three broken ones" in page
    assert 'data-do="more"' not in page and 'data-do="drop"' not in page and 'data-do="ask"' not in page
    assert "score 0.7 to 1" in client.get(url).text
    answer = client.post(f"/api/v1{url}/{audit.id}/drop")
    assert (answer.status_code, "asked by Ada" in answer.json()["detail"]) == (403, True)
