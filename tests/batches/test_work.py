"""A batch is worked page by page: what is marked is labelled, what is refused leaves, the rest goes to the tray."""

from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from app.batches import work
from app.batches.batch import close_batch, expire, find_batch, list_batches
from app.batches.page import PageInHand
from app.batches.work import SingleAct
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.labels import runs
from app.labels.acts import apply
from app.labels.undo import redo, undo
from tests.batches.conftest import N_WITHOUT, N, Worker, ids_of
from tests.small_projects import SmallProject, predict


def test_a_batch_of_examples_holds_the_likest_objects_first(
    mine: Worker, small: SmallProject, vectors: np.ndarray
) -> None:
    batch = mine.make("examples", ids=[small.ids[0]], limit=20)
    page = mine.page(batch, 20)
    true = 1 - vectors.astype(np.float16).astype(np.float32) @ vectors[0]
    likest = {small.ids[k] for k in np.argsort(true, kind="stable")[1:21]}
    assert set(ids_of(page)) == likest
    assert batch.n == batch.n_waiting == 20
    assert batch.n_without_vector == N_WITHOUT
    assert batch.title == "Like 1 example"


def test_a_batch_of_a_filter_holds_each_of_its_objects_once(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("filter", query="status=U")
    shown: list[int] = []
    while (page := mine.page(batch, 50)).number is not None:
        shown += ids_of(page)
        work.pass_page(mine.db, mine.project, mine.person, batch.id, page.number)
    assert sorted(shown) == small.ids
    assert find_batch(mine.db, small.id, batch.id).n_tray == N
    assert batch.n_without_vector == N_WITHOUT


def test_the_marked_are_labelled_the_refused_leave_and_the_rest_goes_to_the_tray(
    mine: Worker, small: SmallProject
) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    worked = mine.apply(batch, page, ids[:4], "Oithona", not_this=ids[4:6])
    assert [small.seen(id) for id in ids[:4]] == [("V", "Oithona", "Ada")] * 4
    assert small.label(ids[0]).provenance == "batch"
    assert (worked.batch.n_labelled, worked.batch.n_tray, worked.batch.n_waiting) == (6, 4, N - 10)
    assert (worked.outcome.batch_id, worked.outcome.page) == (batch.id, 1)
    assert not set(ids) & set(ids_of(mine.page(batch, 50)))


def test_the_page_in_hand_stays_with_its_marks_whoever_asks_again(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    first, second, *_ = ids_of(page)
    work.keep_marks(mine.db, mine.project, mine.person, batch.id, page.number, {first: 1, second: 2}, line=3)
    again = mine.page(batch, 25)
    assert ids_of(again) == ids_of(page)
    assert [tile["mark"] for tile in again.tiles[:3]] == [1, 2, 0]
    assert (again.number, again.line) == (1, 3)


def test_a_page_whose_line_was_moved_is_not_made_anew_for_another_window(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    marks = dict.fromkeys(ids_of(page)[:3], 1)
    work.keep_marks(mine.db, mine.project, mine.person, batch.id, page.number, marks, line=3)
    again = mine.page(batch, 25)
    assert (ids_of(again), again.line) == (ids_of(page), 3)


def test_the_marked_come_first_where_the_page_is_put_in_another_order(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page, ids[:7])
    order = [ids[6], ids[4], *(id for id in ids if id not in (ids[4], ids[6]))]
    marks = {ids[4]: 1, ids[6]: 1}
    work.keep_marks(mine.db, mine.project, mine.person, batch.id, 1, marks, line=2, order=order)
    again = mine.page(batch, 10)
    assert (ids_of(again), again.line) == (order, 2)
    assert [tile["mark"] for tile in again.tiles[:3]] == [1, 1, 0]
    assert {tile["id"] for tile in again.tiles if tile["seen"]} == set(ids[:7])
    with pytest.raises(Refused, match="once"):
        work.keep_marks(mine.db, mine.project, mine.person, batch.id, 1, {}, line=None, order=[ids[0], ids[0]])


def test_a_line_that_an_act_brings_is_there_again_after_its_undo(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    mine.look(batch, page)
    act = mine.act(page, ids_of(page)[:4], "Oithona", line=4)
    work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
    undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 10)
    assert (ids_of(again), again.line) == (ids_of(page), 4)


def test_nothing_is_labelled_that_was_not_seen(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page, ids[:3])
    with pytest.raises(Conflict, match="1 of the marked objects were not seen"):
        work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, mine.act(page, ids[:4], "Oithona"))
    with pytest.raises(Conflict, match="not seen"):
        single = SingleAct(uuid4(), ids[5:6], [page.tiles[5]["state"]], small.taxa["Oithona"])
        work.apply_single(mine.db, mine.project, mine.person, batch.id, single)
    assert small.label(ids[0]) is None


def test_an_act_sent_twice_happens_once(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    act = mine.act(page, ids[:4], "Oithona", not_this=ids[4:5])
    first = work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
    second = work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
    assert second.outcome == first.outcome
    assert mine.db.execute("select count(*) from history").fetchone()[0] == 4
    assert mine.db.execute("select count(*) from refusal").fetchone()[0] == 1
    with pytest.raises(Conflict, match="done already"):
        work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, mine.act(page, ids[:4], "Oithona"))


def test_an_act_that_nothing_could_come_of_leaves_the_page_as_it_was(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    never = replace(mine.act(page, ids[:4], "Oithona"), states=["9.9"] * 4)
    with pytest.raises(Refused, match="ever in the state"), mine.db.transaction():
        work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, never)
    with pytest.raises(Refused, match="name a taxon"), mine.db.transaction():
        work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, mine.act(page, ids[:4], None))
    again = mine.page(batch, 10)
    assert (again.number, ids_of(again)) == (1, ids)


def test_what_an_act_left_though_nobody_changed_it_waits_in_the_tray(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    act = mine.act(page, ids[:4], "Oithona")
    worked = work.apply_page(
        mine.db, mine.project, mine.person, batch.id, 1, replace(act, states=["9.9", *act.states[1:]])
    )
    assert [(left.id, left.why) for left in worked.outcome.refused] == [(ids[0], "never")]
    assert worked.batch.n_tray == len(ids) - 3


def test_the_id_of_an_act_serves_for_no_other_act(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    act = mine.act(page, ids[:4], "Oithona")
    work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
    others = [
        (mine.person, 1, replace(act, taxon_id=small.taxa["Copepoda"])),
        (mine.person, 1, replace(act, marked=ids[:3], states=act.states[:3])),
        (mine.person, 2, act),
    ]
    for person, number, other in others:
        with pytest.raises(Conflict, match="used for another act"):
            work.apply_page(mine.db, mine.project, person, batch.id, number, other)
    with pytest.raises(Conflict, match="used for another act"):
        undo(mine.db, mine.project, mine.person, act.client_id)


def test_without_a_taxon_what_is_predicted_is_confirmed(mine: Worker, small: SmallProject) -> None:
    run_id = predict(small, dict.fromkeys(small.ids[:6], "Oithona"))
    runs.publish(mine.db, small, run_id)
    batch = mine.make("filter", query="status=P")
    page = mine.page(batch)
    mine.apply(batch, page, ids_of(page)[:4], status="D")
    assert [small.seen(id)[:2] for id in ids_of(page)[:4]] == [("D", "Oithona")] * 4


def test_a_digit_over_a_tile_labels_it_alone_and_it_leaves(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    single = SingleAct(uuid4(), ids[2:3], [page.tiles[2]["state"]], small.taxa["fiber"])
    worked = work.apply_single(mine.db, mine.project, mine.person, batch.id, single)
    assert small.label(ids[2]).provenance == "single"
    assert worked.batch.n_labelled == 1
    assert ids_of(mine.page(batch, 10)) == ids[:2] + ids[3:]
    undo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids
    redo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids[:2] + ids[3:]


def stroke(page: PageInHand, ids: list[int], taxon_id: int) -> SingleAct:
    """What a stroke of the brush says."""
    states = {tile["id"]: tile["state"] for tile in page.tiles}
    return SingleAct(uuid4(), ids, [states[id] for id in ids], taxon_id)


def test_a_stroke_of_the_brush_is_one_act_of_the_batch(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    act = stroke(page, ids[2:6], small.taxa["fiber"])
    mine.look(batch, page, ids[:5])
    with pytest.raises(Conflict, match="1 of the marked objects were not seen"):
        work.apply_single(mine.db, mine.project, mine.person, batch.id, act)
    mine.look(batch, page)
    worked = work.apply_single(mine.db, mine.project, mine.person, batch.id, act)
    assert len(worked.outcome.changed) == 4
    assert {small.label(id).provenance for id in ids[2:6]} == {"batch"}
    assert mine.db.execute("select count(*) from act where batch_id = %s", [batch.id]).fetchone()[0] == 1
    assert ids_of(mine.page(batch, 10)) == ids[:2] + ids[6:]
    undo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids


def test_a_page_is_turned_where_nothing_is_left_on_it_and_comes_back_by_undo(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page)
    for some in (ids[:4], ids[4:]):
        act = stroke(page, some, small.taxa["fiber"])
        work.apply_single(mine.db, mine.project, mine.person, batch.id, act)
    following = mine.page(batch, 10)
    assert (following.number, len(following.tiles)) == (2, 10)
    undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 10)
    assert (again.number, ids_of(again)) == (1, ids[4:])
    redo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids_of(following)


def test_what_is_set_aside_leaves_the_page_without_a_label_and_without_the_tray(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    after = work.set_aside(mine.db, mine.project, mine.person, batch.id, ids[:3])
    assert (after.n_moved, after.n_tray, after.n_labelled) == (3, 0, 0)
    assert ids_of(mine.page(batch, 10)) == ids[3:]
    with pytest.raises(Conflict, match="left the page already"):
        work.set_aside(mine.db, mine.project, mine.person, batch.id, ids[:1])


def test_undo_brings_the_page_back_with_its_marks_and_redo_turns_it_again(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.apply(batch, page, ids[:4], "Oithona", not_this=ids[4:6])
    following = mine.page(batch, 10)
    undone = undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 10)
    assert (undone.batch_id, undone.page) == (batch.id, 1)
    assert (again.number, ids_of(again)) == (1, ids)
    assert [tile["mark"] for tile in again.tiles] == [1] * 4 + [2] * 2 + [0] * 4
    assert (again.batch.n_labelled, again.batch.n_tray) == (0, 0)
    done_again = redo(mine.db, mine.project, mine.person, uuid4())
    assert (done_again.batch_id, done_again.page) == (batch.id, 1)
    after = mine.page(batch, 10)
    assert (after.number, ids_of(after)) == (2, ids_of(following))
    assert (after.batch.n_labelled, after.batch.n_tray) == (6, 4)


def test_an_act_that_only_refuses_can_be_undone_and_done_again(mine: Worker, small: SmallProject) -> None:
    batch = mine.make(taxon_id=small.taxa["Oithona"])
    page = mine.page(batch, 10)
    worked = mine.apply(batch, page, [], not_this=ids_of(page)[:3])
    assert worked.outcome.undo.undo is not None
    assert worked.outcome.undo.undo.label == "not Oithona"
    assert worked.batch.n_labelled == 3
    undo(mine.db, mine.project, mine.person, uuid4())
    assert ids_of(mine.page(batch, 10)) == ids_of(page)
    again = redo(mine.db, mine.project, mine.person, uuid4())
    assert again.page == 1
    assert find_batch(mine.db, small.id, batch.id).n_labelled == 3


def test_the_tray_is_opened_as_a_batch_of_its_own(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("filter", query="")
    page = mine.page(batch, 10)
    mine.apply(batch, page, ids_of(page)[:4], "Oithona")
    tray = work.open_tray(mine.db, mine.project, mine.person, batch.id)
    assert tray.n == 6
    assert sorted(ids_of(mine.page(tray))) == sorted(ids_of(page)[4:])
    before = find_batch(mine.db, small.id, batch.id)
    assert (before.n_tray, before.n_moved) == (0, 6)
    with pytest.raises(Conflict, match="tray of this batch is empty"):
        work.open_tray(mine.db, mine.project, mine.person, batch.id)


def test_what_is_deleted_or_labelled_elsewhere_meanwhile_does_not_come(
    mine: Worker, small: SmallProject, db: Db
) -> None:
    db.commit()
    batch = mine.make(order="alike")
    db.commit()
    first = ids_of(mine.page(batch, 5))
    rest = [id for id in small.ids if id not in first]
    db.execute("delete from object where project_id = %s and id = any(%s)", [small.id, rest[:7]])
    apply(db, small, mine.person, small.act(mine.person, rest[7:17], taxon="detritus"))
    db.commit()
    mine.apply(batch, mine.page(batch, 5), first[:1], "Oithona")
    page = mine.page(batch, 200)
    assert sorted(ids_of(page)) == rest[17:]
    assert page.batch.n_gone == 17


def test_a_late_act_is_applied_where_it_still_fits_and_tells_the_rest(
    mine: Worker, small: SmallProject, theirs: Worker
) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    small.do(theirs.person, ids[:2], taxon="detritus")
    worked = mine.apply(batch, page, ids[:5], "Oithona")
    assert [now.id for now in worked.outcome.changed] == sorted(ids[2:5])
    assert {left.id: left.by for left in worked.outcome.refused} == dict.fromkeys(ids[:2], "Ben")
    assert (worked.batch.n_labelled, worked.batch.n_gone, worked.batch.n_tray) == (3, 2, 5)


def test_two_people_get_different_objects(mine: Worker, theirs: Worker, small: SmallProject) -> None:
    mine_first, theirs_first = mine.make(order="alike"), theirs.make(order="alike")
    ids = ids_of(mine.page(mine_first, 10))
    page = theirs.page(theirs_first, 10)
    assert len(page.tiles) == 10
    assert not set(ids) & set(ids_of(page))
    assert [(holder.account, holder.n) for holder in page.held] == [("Ada", 30)]
    kept = mine.db.execute(
        "select array_agg(object_id) from reservation where batch_id = %s", [mine_first.id]
    ).fetchone()[0]
    assert len(kept) == 30
    assert not set(kept) & set(ids_of(page))


def test_what_somebody_else_holds_comes_when_it_is_free_again(
    mine: Worker, theirs: Worker, small: SmallProject, db: Db
) -> None:
    mine_first = mine.make()
    mine.page(mine_first, N)
    batch = theirs.make()
    empty = theirs.page(batch, 40)
    assert (empty.number, empty.held[0].account, empty.held[0].n) == (None, "Ada", N)
    db.execute("update reservation set until = now() - interval '1 second'")
    late = theirs.page(batch, 40)
    assert len(late.tiles) == 40
    page = mine.page(mine_first, N)
    worked = mine.apply(mine_first, page, ids_of(page)[:4], "Oithona")
    assert len(worked.outcome.changed) == 4
    assert sum(holder.n for holder in worked.late) > 0


def test_a_manager_takes_a_batch_over_with_what_is_kept_for_it(mine: Worker, theirs: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    assert ids_of(theirs.page(batch, 10)) == ids_of(page)
    with pytest.raises(Forbidden, match="is Ada's to work"):
        theirs.look(batch, page)
    taken = work.take_over(theirs.db, theirs.project, theirs.person, batch.id)
    assert taken.account == "Ben"
    theirs.apply(batch, theirs.page(batch, 10), ids_of(page)[:2], "Oithona")
    with pytest.raises(Forbidden, match="is Ben's to work"):
        mine.look(batch, page)


def test_the_order_of_what_waits_is_switched(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("examples", ids=[small.ids[0]], order="alike", limit=50)
    alike = ids_of(mine.page(batch, 50))
    work.set_order(mine.db, mine.project, mine.person, batch.id, "least")
    least = ids_of(mine.page(batch, 50))
    assert least == alike[::-1]
    work.set_order(mine.db, mine.project, mine.person, batch.id, "extremes")
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
        work.pass_page(mine.db, mine.project, mine.person, made[2], 1)


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


def test_working_renews_what_is_kept_and_rest_ends_it(mine: Worker, theirs: Worker, db: Db) -> None:
    batch = mine.make()
    page = mine.page(batch, 40)
    db.execute("update reservation set until = now() + interval '2 minutes'")
    mine.look(batch, page)
    row = db.execute("select min(until) > now() + interval '19 minutes' as renewed from reservation").fetchone()
    assert row.renewed
    db.execute("update reservation set until = now() - interval '1 second'")
    mine.look(batch, page)
    assert len(theirs.page(theirs.make(), 40).tiles) == 40


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
