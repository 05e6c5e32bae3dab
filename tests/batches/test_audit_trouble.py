"""Audits of what is deleted, refused, named or undone while they are at work."""

from uuid import uuid4

import pytest

from app.batches import audit_state, audits, refusals
from app.batches.audit_state import Wish
from app.database import Db
from app.errors import Refused
from app.labels.acts import Outcome
from app.labels.undo import redo, undo
from tests.batches.conftest import Worker
from tests.batches.test_audits import accept, draw, judge, random_of, wish
from tests.labels.test_concurrency import at_once
from tests.small_projects import Person


def test_what_was_deleted_before_it_was_judged_is_not_of_the_sample(db: Db, mine: Worker) -> None:
    audit = draw(mine, mine.make("filter", query="").id)
    gone = [one.id for one in audit.sample][:2]
    db.execute("delete from object where project_id = %s and id = any(%s)", [mine.small.id, gone])
    left = audit_state.find(db, mine.small.id, audit.id)
    assert not set(gone) & {one.id for one in left.sample}
    judged = judge(mine, left)
    assert judged.bound is not None
    outcome = accept(mine, judged, manager=True)
    assert outcome and not set(gone) & {now.id for now in outcome.changed}


def test_what_was_refused_or_named_since_it_was_judged_is_not_accepted(db: Db, mine: Worker, ben: Person) -> None:
    batch = mine.make("filter", query="")
    first = judge(mine, draw(mine, batch.id, n=20))
    audits.drop(db, mine.project, mine.person, first.id)
    db.commit()
    named = random_of(first)[0]
    mine.small.do(ben, [named], taxon="fiber")
    db.commit()
    audit = draw(mine, batch.id)
    refused = next(id for id in mine.small.ids if id not in {one.id for one in (*audit.sample, *first.sample)})
    act_id = mine.small.do(ben, [named], "doubt").act_id
    refusals.add(db, mine.small.id, act_id, ben.id, [(refused, mine.small.taxa["Oithona"])])
    db.commit()
    outcome = accept(mine, judge(mine, audit), manager=True)
    assert outcome and not {named, refused} & {now.id for now in outcome.changed}
    assert mine.small.seen(named)[1:] == ("fiber < detritus", "Ben")
    assert mine.small.seen(refused)[0] == "U"


def test_done_again_what_was_seen_is_still_told_from_what_was_not(db: Db, mine: Worker) -> None:
    accept(mine, judge(mine, draw(mine, mine.make("filter", query="").id)))
    db.commit()
    told = {id: mine.small.label(id).provenance for id in mine.small.ids}
    assert set(told.values()) == {"audit", "batch"}
    undo(db, mine.project, mine.person, uuid4())
    redo(db, mine.project, mine.person, uuid4())
    assert {id: mine.small.label(id).provenance for id in mine.small.ids} == told


def test_what_nobody_can_label_in_the_end_is_not_drawn(db: Db, mine: Worker) -> None:
    batch = mine.make("filter", query="")
    db.execute("update taxon set status = 'D' where id = %s", [mine.small.taxa["Oithona"]])
    for begin in (draw, lambda mine, id: audits.waive(db, mine.project, mine.person, wish(mine, id), "why not")):
        with pytest.raises(Refused, match="deprecated"):
            begin(mine, batch.id)
    db.execute("update taxon set status = 'A' where id = %s", [mine.small.taxa["Oithona"]])
    with pytest.raises(Refused, match="at least one object"):
        audits.waive(db, mine.project, mine.person, wish(mine, batch.id, upto=-5), "why not")
    of_review = Wish(uuid4(), "found", 0, mine.small.taxa["Oithona"], query={"kind": "review"})
    with pytest.raises(Refused, match="validated already"):
        audits.draw(db, mine.project, mine.person, of_review)
    assert db.execute("select count(*) from review").fetchone()[0] == 0


def test_what_was_accepted_without_a_sample_is_over_when_it_is_undone(db: Db, mine: Worker) -> None:
    audits.waive(db, mine.project, mine.person, wish(mine, mine.make("filter", query="").id), "a simulation")
    undo(db, mine.project, mine.person, uuid4())
    assert audit_state.read(db, mine.small.id)[0].state == "dropped"
    redo(db, mine.project, mine.person, uuid4())
    assert audit_state.read(db, mine.small.id)[0].state == "accepted"


def test_sent_twice_at_the_same_moment_it_is_accepted_once_and_answered_alike(
    db: Db, database_url: str, mine: Worker
) -> None:
    audit, client_id = judge(mine, draw(mine, mine.make("filter", query="").id)), uuid4()
    db.commit()
    first, second = at_once(
        database_url,
        [lambda other: audits.accept(other, mine.project, mine.person, audit.id, client_id, False)] * 2,
    )
    assert isinstance(first, Outcome) and isinstance(second, Outcome)
    assert (first.act_id, len(first.changed)) == (second.act_id, len(second.changed)) == (first.act_id, 120)
