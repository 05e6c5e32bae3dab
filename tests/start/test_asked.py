"""What others wait for stands on the Start of who is to do it."""

from uuid import uuid4

from app.batches import audits, returned
from app.batches.audit_state import Verdict, Wish
from app.batches.make import make_batch
from app.batches.sources import Source
from tests.start.conftest import Heaps, Person, account_of, project_of, way, ways_of


def test_labels_that_came_back_stand_on_the_start_of_their_author(heaps: Heaps, ada: Person, ben: Person) -> None:
    small = heaps.project
    small.do(ada, small.ids[:3], taxon="Oithona")
    assert not [one for one in ways_of(small.db, small.id, ada) if one.kind == "returned"]
    returned.send_back(small.db, project_of(small.db, small.id, ben), account_of(ben), small.ids[:3], "sure?")
    found = way(ways_of(small.db, small.id, ada), "returned")
    assert (found.n, found.per_hour, found.source) == (3, None, {"kind": "returned"})
    assert not [one for one in ways_of(small.db, small.id, ben) if one.kind == "returned"]


def test_an_audit_that_waits_for_a_manager_stands_on_a_manager_s_start(heaps: Heaps, ada: Person) -> None:
    small, db = heaps.project, heaps.project.db
    project, account = project_of(db, small.id, ada), account_of(ada)
    batch = make_batch(db, project, account, Source("filter", {"query": ""}), "neighbours", 100)
    audit = audits.draw(db, project, account, Wish(uuid4(), "batch", batch.id, small.taxa["Oithona"], n=2))
    ids = [one.id for one in audit.sample]
    audits.note_seen(db, small.id, account, audit.id, ids)
    audits.judge(db, project, account, audit.id, [Verdict(id, True) for id in ids])
    assert audits.accept(db, project, account, audit.id, uuid4(), manager=False, ask="few of them") is None
    found = way(ways_of(db, small.id, ada), "asked")
    assert (found.title, found.n, found.url) == (
        "An audit waits for you",
        100,
        f"/projects/{small.id}/audits/{audit.id}",
    )
