"""A batch is worked page by page: what is marked is labelled, what is refused leaves, the rest goes to the tray."""

from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from app.batches import page_marks, turning, work
from app.batches.batch import find_batch
from app.batches.work import SingleAct
from app.database import Db
from app.errors import Conflict, Refused
from app.labels import runs
from app.labels.acts import apply
from app.labels.undo import redo, undo
from tests.batches.conftest import N_WITHOUT, N, Worker, ids_of, stroke
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
        turning.pass_page(mine.db, mine.project, mine.person, batch.id, page.number)
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
    page_marks.keep_marks(mine.db, mine.project, mine.person, batch.id, page.number, {first: 1, second: 2}, line=3)
    again = mine.page(batch, 25)
    assert ids_of(again) == ids_of(page)
    assert [tile["mark"] for tile in again.tiles[:3]] == [1, 2, 0]
    assert (again.number, again.line) == (1, 3)


def test_a_page_whose_line_was_moved_is_not_made_anew_for_another_window(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    marks = dict.fromkeys(ids_of(page)[:3], 1)
    page_marks.keep_marks(mine.db, mine.project, mine.person, batch.id, page.number, marks, line=3)
    again = mine.page(batch, 25)
    assert (ids_of(again), again.line) == (ids_of(page), 3)


def test_the_marked_come_first_where_the_page_is_put_in_another_order(mine: Worker) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    ids = ids_of(page)
    mine.look(batch, page, ids[:7])
    order = [ids[6], ids[4], *(id for id in ids if id not in (ids[4], ids[6]))]
    marks = {ids[4]: 1, ids[6]: 1}
    page_marks.keep_marks(mine.db, mine.project, mine.person, batch.id, 1, marks, line=2, order=order)
    again = mine.page(batch, 10)
    assert (ids_of(again), again.line) == (order, 2)
    assert [tile["mark"] for tile in again.tiles[:3]] == [1, 1, 0]
    assert {tile["id"] for tile in again.tiles if tile["seen"]} == set(ids[:7])
    with pytest.raises(Refused, match="once"):
        page_marks.keep_marks(mine.db, mine.project, mine.person, batch.id, 1, {}, line=None, order=[ids[0], ids[0]])


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


def test_what_is_not_this_is_a_taxon_that_there_is(mine: Worker, small: SmallProject) -> None:
    batch = mine.make()
    page = mine.page(batch, 10)
    mine.look(batch, page)
    act = replace(mine.act(page, [], not_this=ids_of(page)[:2]), taxon_id=2_000_000_000)
    with pytest.raises(Refused, match="taxon"):
        work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
