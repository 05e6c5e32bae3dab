"""What changes a batch beside labels: the tray, another order, closing, and the list of all batches."""

from uuid import uuid4

import pytest

from app.batches import turning
from app.batches.batch import close_batch, expire, find_batch, list_batches
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.labels.undo import undo
from tests.batches.conftest import Worker, ids_of
from tests.small_projects import SmallProject


def test_what_is_set_aside_leaves_the_page_without_a_label_and_without_the_tray(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    after = turning.set_aside(mine.db, mine.project, mine.person, batch.id, ids[:3])
    assert (after.n_moved, after.n_tray, after.n_labelled) == (3, 0, 0)
    assert ids_of(mine.page(batch, 10)) == ids[3:]
    with pytest.raises(Conflict, match="left the page already"):
        turning.set_aside(mine.db, mine.project, mine.person, batch.id, ids[:1])


def test_the_tray_is_opened_as_a_batch_of_its_own(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("filter", query="")
    page = mine.page(batch, 10)
    mine.apply(batch, page, ids_of(page)[:4], "Oithona")
    tray = turning.open_tray(mine.db, mine.project, mine.person, batch.id)
    assert tray.n == 6
    assert sorted(ids_of(mine.page(tray))) == sorted(ids_of(page)[4:])
    before = find_batch(mine.db, small.id, batch.id)
    assert (before.n_tray, before.n_moved) == (0, 6)
    with pytest.raises(Conflict, match="tray of this batch is empty"):
        turning.open_tray(mine.db, mine.project, mine.person, batch.id)


def test_what_was_labelled_elsewhere_is_in_no_tray(mine: Worker, theirs: Worker, small: SmallProject) -> None:
    batch = mine.make("filter", query="", limit=10)
    page = mine.page(batch, 10)
    mine.apply(batch, page, ids_of(page)[:4], "Oithona")
    small.db.execute("update batch set made_at = now() - interval '1 minute'")
    small.do(theirs.person, ids_of(page)[4:7], taxon="detritus")
    tray = turning.open_tray(mine.db, mine.project, mine.person, batch.id)
    assert sorted(ids_of(mine.page(tray))) == sorted(ids_of(page)[7:])
    told = find_batch(mine.db, small.id, batch.id)
    assert (told.n_tray, told.n_moved, told.n_gone) == (0, 3, 3)
    mine.apply(tray, mine.page(tray), ids_of(page)[7:8], "Oithona")
    small.db.execute("update batch set made_at = now() - interval '1 minute'")
    small.do(theirs.person, ids_of(page)[8:], taxon="detritus")
    with pytest.raises(Conflict, match="labelled elsewhere meanwhile"):
        turning.open_tray(mine.db, mine.project, mine.person, tray.id)
    assert (mine.page(tray).tiles, find_batch(mine.db, small.id, tray.id).n_tray) == ([], 0)


def test_the_order_of_what_waits_is_switched(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("examples", ids=[small.ids[0]], order="alike", limit=50)
    alike = ids_of(mine.page(batch, 50))
    turning.set_order(mine.db, mine.project, mine.person, batch.id, "least")
    least = ids_of(mine.page(batch, 50))
    assert least == alike[::-1]
    turning.set_order(mine.db, mine.project, mine.person, batch.id, "extremes")
    assert sorted(ids_of(mine.page(batch, 50))) == sorted(alike)


def test_batches_are_listed_the_open_ones_first_and_closed_ones_refuse_work(
    mine: Worker, theirs: Worker, small: SmallProject
) -> None:
    made = [mine.make().id for _ in range(3)] + [theirs.make().id]
    close_batch(mine.db, small.id, made[2], mine.person, manager=False)
    with pytest.raises(Forbidden):
        close_batch(mine.db, small.id, made[3], mine.person, manager=False)
    listed: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        part = list_batches(mine.db, small.id, mine.person.id, cursor=cursor, limit=1)
        listed += [batch.id for batch in part.batches]
        cursor = part.next_cursor
    assert listed == [made[3], made[1], made[0], made[2]]
    own = list_batches(mine.db, small.id, mine.person.id, mine=True).batches
    assert [batch.id for batch in own] == [made[1], made[0], made[2]]
    with pytest.raises(Conflict, match="closed"):
        turning.pass_page(mine.db, mine.project, mine.person, made[2], 1)


def test_batches_that_nobody_used_for_thirty_days_are_removed_with_all_that_is_kept_for_them(
    mine: Worker, small: SmallProject, db: Db
) -> None:
    old, fresh = mine.make(), mine.make()
    page = mine.page(old, 10)
    mine.apply(old, page, ids_of(page)[:2], "Oithona", not_this=ids_of(page)[2:3])
    db.execute("update batch set used_at = now() - interval '31 days' where id = %s", [old.id])
    assert expire(db) == 1
    with pytest.raises(NotFound, match="It may have expired"):
        find_batch(db, small.id, old.id)
    assert {row.batch_id for row in db.execute("select batch_id from batch_page")} <= {fresh.id}
    assert small.seen(ids_of(page)[0]) == ("V", "Oithona", "Ada")
    undo(db, mine.project, mine.person, uuid4())
    assert small.seen(ids_of(page)[0])[0] == "U"


def test_an_empty_batch_says_so_and_strange_wishes_are_refused(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("filter", query="status=D")
    assert batch.n == 0
    assert mine.page(batch).number is None
    for kind, args in (("nothing", {}), ("examples", {}), ("examples", {"ids": ["x"]}), ("filter", {"colour": 1})):
        with pytest.raises(Refused):
            mine.make(kind, **args)
    with pytest.raises(NotFound):
        mine.make(taxon_id=2_000_000_000)
    with pytest.raises(Refused, match="between 1 and 10,000"):
        mine.make(limit=20_000)
