"""Audits of all that a source finds, however many: what is predicted from a score on, and cards; accepted by a job."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import audit_end, audit_job, audit_state, audits
from app.batches.audit_state import Audit, Wish
from app.database import Db
from app.errors import Conflict
from app.jobs.context import Cancelled, JobContext
from app.labels import runs
from app.labels.undo import undo
from app.labels.undo_all import redo_all, undo_all
from app.labels.undo_preview import period_of_audit
from app.settings import load_settings
from tests.batches.conftest import Worker, ids_of
from tests.batches.test_audits import accept, judge
from tests.small_projects import predict
from tests.web_fixtures import Client, logged_in

NO_MORE = 30  # objects an act, so that a hundred are many


@pytest.fixture
def predicted(mine: Worker) -> Worker:
    """All 120 objects are predicted as Oithona, the first 80 of them surely."""
    run_id = predict(mine.small, dict.fromkeys(mine.small.ids, "Oithona"), 0.6)
    mine.db.execute("update prediction set score = 0.95 where object_id = any(%s)", [mine.small.ids[:80]])
    runs.publish(mine.db, mine.small, run_id)
    mine.db.commit()
    return mine


def found(worker: Worker, **more: Any) -> Audit:
    taxon_id = worker.small.taxa["Oithona"]
    query = {"kind": "predicted", "taxon_id": taxon_id, **more}
    wish = Wish(uuid4(), "found", 0, taxon_id, query=query)
    return audits.draw(worker.db, worker.project, worker.person, wish)


class Stopped(JobContext):
    """A job that is cancelled after so many objects."""

    after = 0

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        if done >= self.after:
            raise Cancelled


def job_of(db: Db, database_url: str, kind: type[JobContext] = JobContext) -> JobContext:
    row = db.execute("select id, project_id, args from job where kind = 'accept' order by id desc limit 1").fetchone()
    return kind(row.id, "accept", row.project_id, None, row.args, load_settings({"SHOAL_HOME": "/tmp"}), database_url)


def n_labelled(db: Db) -> int:
    return int(db.execute("select count(*) from label where status = 'V'").fetchone()[0])


def test_a_score_range_is_audited_whole_and_raising_it_starts_no_audit_anew(predicted: Worker) -> None:
    audit = found(predicted, min_score=0.9)
    assert (audit.n, audit.title, audit.query) == (80, "Predicted Oithona, score 0.9 to 1", {
        "kind": "predicted", "taxon_id": predicted.small.taxa["Oithona"], "min_score": 0.9})  # fmt: skip
    assert {one.id for one in audit.sample} <= set(predicted.small.ids[:80])
    first = judge(predicted, audit, [audit.sample[0].id])
    wider = found(predicted, min_score=0.5)
    assert (wider.look, wider.n_wrong) == (2, first.n_wrong)
    with pytest.raises(Conflict, match="such a score"):
        found(predicted, min_score=0.99)


def test_what_was_seen_or_labelled_is_not_of_it(predicted: Worker) -> None:
    batch = predicted.make("predicted", taxon_id=predicted.small.taxa["Oithona"], args={
        "taxon_id": predicted.small.taxa["Oithona"]})  # fmt: skip
    page = predicted.page(batch, 10)
    predicted.look(batch, page)
    predicted.small.do(predicted.person, predicted.small.ids[100:110], taxon="fiber")
    shown = set(ids_of(page)) | set(predicted.small.ids[100:110])
    audit = found(predicted)
    assert audit.n == 120 - len(shown)
    assert not shown & {one.id for one in audit.sample}


def test_many_are_accepted_by_a_job_slice_by_slice_each_an_act_that_can_be_undone(
    db: Db, database_url: str, predicted: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_job, "MOST_AT_ONCE", NO_MORE)
    audit = judge(predicted, found(predicted))
    assert accept(predicted, audit) is None
    db.commit()
    told = audit_state.find(db, predicted.small.id, audit.id)
    assert (told.state, told.job_id is not None) == ("accepting", True)
    with pytest.raises(Conflict, match="A job is accepting"):
        audits.drop(db, predicted.project, predicted.person, audit.id)
    predicted.small.do(predicted.person, predicted.small.ids[:1], taxon="fiber")
    db.commit()
    audit_job.run(job_of(db, database_url))
    assert n_labelled(db) == 120
    assert predicted.small.seen(predicted.small.ids[0])[1] == "fiber < detritus"
    acts = db.execute("select n_objects, detail from act where provenance = 'audit' order by id").fetchall()
    assert len(acts) == 4 and sum(act.n_objects for act in acts) == 119
    assert ["sample" in act.detail["audit"] for act in acts] == [True, False, False, False]
    assert audit_state.find(db, predicted.small.id, audit.id).state == "accepted"
    audit_job.run(job_of(db, database_url))
    assert db.execute("select count(*) from act where provenance = 'audit'").fetchone()[0] == 4
    undo(db, predicted.small, predicted.person, uuid4())
    assert n_labelled(db) == 120 - acts[-1].n_objects


def acts_under(db: Db, audit: Audit) -> list[tuple[int, bool]]:
    return [(act.id, act.undone) for act in audit_end.acts_of(db, audit.id)]


def test_a_large_acceptance_stands_while_one_of_its_acts_does_and_is_taken_back_whole(
    db: Db, database_url: str, predicted: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_job, "MOST_AT_ONCE", NO_MORE)
    audit = judge(predicted, found(predicted))
    client_id = uuid4()
    assert accept(predicted, audit, client_id=client_id) is None
    db.commit()
    assert accept(predicted, audit, client_id=client_id) is None
    db.commit()
    audit_job.run(job_of(db, database_url))
    assert accept(predicted, audit, client_id=client_id) is None
    first, *others = [id for id, _ in acts_under(db, audit)]
    undo(db, predicted.small, predicted.person, uuid4(), first)
    assert audit_state.find(db, predicted.small.id, audit.id).state == "accepted"
    predicted.small.do(predicted.person, predicted.small.ids[:1], taxon="fiber")
    period = period_of_audit(db, predicted.small.id, audit.id)
    assert period is not None
    taken = undo_all(db, predicted.small, predicted.person, uuid4(), period, manager=False)
    assert (taken.n_acts, n_labelled(db)) == (len(others), 1)
    assert audit_state.find(db, predicted.small.id, audit.id).state == "open"
    assert period_of_audit(db, predicted.small.id, audit.id) is None
    redo_all(db, predicted.small, predicted.person, uuid4(), taken.act_id, manager=False)
    assert audit_state.find(db, predicted.small.id, audit.id).state == "accepted"
    assert acts_under(db, audit) == [(first, True), *((id, False) for id in others)]


def test_the_page_of_a_large_acceptance_leads_to_taking_it_back_whole(
    app_client: Client, database_url: str, db: Db, predicted: Worker, monkeypatch: pytest.MonkeyPatch,
    make_account: Callable[..., Account], make_member: Callable[..., None],
) -> None:  # fmt: skip
    monkeypatch.setattr(audit_job, "MOST_AT_ONCE", NO_MORE)
    audit = judge(predicted, found(predicted))
    accept(predicted, audit)
    db.commit()
    audit_job.run(job_of(db, database_url))
    annotator, manager = make_account(), make_account()
    make_member(predicted.small.id, annotator, "annotator")
    make_member(predicted.small.id, manager, "manager")
    url = f"/projects/{predicted.small.id}"
    client = logged_in(app_client, annotator)
    assert f"{url}/mistakes" in client.get(f"{url}/audits").text
    assert "Take it back" not in client.get(f"{url}/audits/{audit.id}").text
    assert "Only a manager" in client.get(f"{url}/acts/undo?audit={audit.id}").text
    assert "Nothing stands under this audit" in client.get(f"{url}/acts/undo?audit=999999").text
    client = logged_in(app_client, manager)
    page = client.get(f"{url}/audits/{audit.id}").text
    assert "Accepted in 4 acts" in page and f"{url}/acts/undo?audit={audit.id}" in page
    page = client.get(f"{url}/acts/undo?audit={audit.id}").text
    assert "Take back 4 acts" in page and f'data-audit="{audit.id}"' in page
    wish = {"client_id": str(uuid4()), "who": predicted.person.id, "since": "2020-01-01T00:00Z", "audit": audit.id}
    taken = client.post(f"{url}/undo-all", json=wish).json()
    assert (taken["n_acts"], taken["n_changed"], n_labelled(db)) == (4, 120, 0)


def test_a_job_that_failed_or_never_began_leaves_the_audit_to_be_accepted_again(
    db: Db, database_url: str, predicted: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_job, "MOST_AT_ONCE", NO_MORE)
    audit = judge(predicted, found(predicted))
    for ended in ("cancelled", "failed"):
        accept(predicted, audit)
        db.execute("update job set status = %s where kind = 'accept'", [ended])
        assert audit_state.find(db, predicted.small.id, audit.id).state == "open"
        assert [one.id for one in audit_state.read(db, predicted.small.id, state="open")] == [audit.id]
    late = job_of(db, database_url)
    audits.drop(db, predicted.project, predicted.person, audit.id)
    db.commit()
    audit_job.run(late)
    assert n_labelled(db) == 0
    assert audit_state.find(db, predicted.small.id, audit.id).state == "dropped"


def test_a_job_that_is_cancelled_leaves_the_audit_open_and_is_done_later(
    db: Db, database_url: str, predicted: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_job, "MOST_AT_ONCE", NO_MORE)
    monkeypatch.setattr(Stopped, "after", 2 * NO_MORE)
    audit = judge(predicted, found(predicted))
    accept(predicted, audit)
    db.commit()
    with pytest.raises(Cancelled):
        audit_job.run(job_of(db, database_url, Stopped))
    db.commit()
    assert n_labelled(db) == 2 * NO_MORE
    assert audit_state.find(db, predicted.small.id, audit.id).state == "open"
    accept(predicted, audit)
    db.commit()
    audit_job.run(job_of(db, database_url))
    assert n_labelled(db) == 120


def test_nothing_is_judged_that_was_not_seen(predicted: Worker) -> None:
    audit = found(predicted)
    verdicts = [audit_state.Verdict(one.id, True) for one in audit.sample]
    with pytest.raises(Conflict, match="have not seen"):
        audits.judge(predicted.db, predicted.project, predicted.person, audit.id, verdicts)


def test_a_visitor_is_led_from_audits_to_no_check_that_is_closed_to_them(
    app_client: Client, predicted: Worker, make_account: Callable[..., Account], make_member: Callable[..., None]
) -> None:
    visitor, url = make_account(), f"/projects/{predicted.small.id}"
    make_member(predicted.small.id, visitor, "visitor")
    page = logged_in(app_client, visitor).get(f"{url}/audits").text
    assert f"{url}/audits" in page
    assert not [path for path in ("mistakes", "stragglers", "reviews") if f"{url}/{path}" in page]
